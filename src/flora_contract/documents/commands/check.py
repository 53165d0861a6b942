"""The command `flora-contract documents check`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from flora_contract.documents.checking.check import check as hold
from flora_contract.documents.checking.conflicts import read_conflicts
from flora_contract.documents.checking.result import VERDICTS
from flora_contract.documents.commands.options import (
    PATH,
    contract_option,
    delivered,
    facts_option,
    format_option,
    given,
    line,
    near,
    output_option,
    package_option,
    registers_option,
    sdk_option,
    stored,
)
from flora_contract.documents.proposing.suggest import replaced
from flora_contract.documents.sources.kinds import FORMS
from flora_contract.openapi import load
from flora_contract.report.output import deliver

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console

    from flora_contract.documents.checking.result import CheckResult
    from flora_contract.documents.facts.fact import SourcePage
    from flora_contract.openapi import Document


@click.command()
@click.argument("files", nargs=-1, type=PATH)
@sdk_option
@package_option
@contract_option
@registers_option
@facts_option
@format_option
@output_option
@click.pass_context
def check(
    ctx: click.Context,
    files: tuple[Path, ...],
    sdk: str | None,
    package: str,
    contract: Path,
    registers: Path,
    facts: Path | None,
    form: str,
    output: Path | None,
) -> None:
    """Hold the contract to the facts of its sources, in both directions.

    Each FILE is a page, a folder of pages, or a package of the SDK, read anew in place of the
    stored facts that it is a version of.

    Exit codes: 0 nothing is missing, invented or contradicted; 1 something is; 2 a file cannot be
    read.
    """
    document = load(near(contract))
    known, by_hand = stored(facts)
    pages = replaced(known, given(files, sdk, package, known))
    result = hold(document, pages + by_hand, read_conflicts(registers / "conflicts.md"))
    if form == "json":
        deliver(json.dumps(_report(document, pages, result), indent=2), output)
    else:
        delivered(output, lambda console: _show(console, document, pages, result))
    ctx.exit(1 if result.faults else 0)


def _show(
    console: Console, document: Document, pages: list[SourcePage], result: CheckResult
) -> None:
    for page in pages:
        facts = sum(f.aspect != "wording" for f in page.facts)
        version = f" {page.version}" if page.version else ""
        line(console, f"{page.label:<6}{facts:>5} facts  {FORMS[page.form].title}{version}")
    for finding in result.findings:
        if finding.verdict == "held":
            continue
        where = [finding.page] if finding.page else []
        if finding.pointer:
            where.append(str(document.locate(finding.pointer)))
        style = "yellow" if finding.verdict == "explained" else "red"
        line(console, f"\n{finding.verdict}: ", finding.what, style=style)
        line(console, f"  {', '.join(where)}" if where else "")
        if finding.row is not None:
            line(console, f"  if the contract is to stay, in docs/conflicts.md: {finding.row}")
    counts = ", ".join(f"{result.count(verdict)} {verdict}" for verdict in VERDICTS)
    line(console, f"\n{counts}", style="red" if result.faults else "green")


def _report(document: Document, pages: list[SourcePage], result: CheckResult) -> dict[str, object]:
    return {
        "pages": [{"label": p.label, "form": p.form, "facts": len(p.facts)} for p in pages],
        "counts": {verdict: result.count(verdict) for verdict in VERDICTS},
        "findings": [
            {
                "verdict": finding.verdict,
                "what": finding.what,
                "page": finding.page,
                "contract": str(document.locate(finding.pointer)) if finding.pointer else None,
                "row": finding.row,
            }
            for finding in result.findings
        ],
    }
