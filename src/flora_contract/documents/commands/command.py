"""The commands `flora-contract documents check`, `diff` and `suggest`."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.text import Text

from flora_contract import shipped
from flora_contract.documents.checking.check import check as hold
from flora_contract.documents.checking.conflicts import read_conflicts
from flora_contract.documents.checking.result import VERDICTS
from flora_contract.documents.proposing.differences import changes
from flora_contract.documents.proposing.edits import closest, patch
from flora_contract.documents.proposing.edits import suggest as propose
from flora_contract.documents.sources.kinds import FORMS
from flora_contract.documents.sources.read import elsewhere, read_page, stored_pages
from flora_contract.openapi import load
from flora_contract.report import terminal
from flora_contract.report.output import deliver

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import Console

    from flora_contract.documents.checking.result import CheckResult
    from flora_contract.documents.facts.fact import SourcePage
    from flora_contract.documents.proposing.differences import PageChange
    from flora_contract.openapi import Document

_file = click.Path(path_type=Path)
_contract = click.option(
    "--contract",
    type=_file,
    default=shipped.CONTRACT,
    help="Contract to compare. Default: FLORA's.",
)
_registers = click.option(
    "--registers",
    type=_file,
    default=shipped.REGISTERS,
    help="Folder with conflicts.md. Default: FLORA's.",
)
_format = click.option("--format", "form", type=click.Choice(["text", "json"]), default="text")
_output = click.option("--output", type=_file, help="Write to this file instead of stdout.")


@click.group()
def documents() -> None:
    """Compare the contract with the pages of FLORA's reference that it was transcribed from."""


@documents.command()
@click.argument("files", nargs=-1, type=_file)
@_contract
@_registers
@_format
@_output
@click.pass_context
def check(
    ctx: click.Context,
    files: tuple[Path, ...],
    contract: Path,
    registers: Path,
    form: str,
    output: Path | None,
) -> None:
    """Compare the contract with the facts of its pages, in both directions.

    Each FILE is a page, read anew in place of the stored facts of its label: S003 for a name
    that begins with 003_.

    Exit codes: 0 nothing is missing, invented or contradicted; 1 something is; 2 a file cannot be
    read.
    """
    document = load(_near(contract))
    pages = with_pages(stored_pages(), [read_page(path) for path in files])
    result = hold(document, pages + elsewhere(), read_conflicts(registers / "conflicts.md"))
    if form == "json":
        deliver(json.dumps(_report(document, pages, result), indent=2), output)
    else:
        _deliver(output, lambda console: _show(console, document, pages, result))
    ctx.exit(1 if result.faults else 0)


@documents.command()
@click.argument("old", type=_file)
@click.argument("new", type=_file)
@_format
@_output
@click.pass_context
def diff(ctx: click.Context, old: Path, new: Path, form: str, output: Path | None) -> None:
    """Show what changed between two captures of a page.

    Exit codes: 0 both state the same facts; 1 they do not; 2 a file cannot be read.
    """
    before, after = read_page(old), read_page(new)
    found = changes(before, after)
    if form == "json":
        listed = [vars(c) | {"place": str(c.place)} for c in found]
        unread = [vars(u) for u in after.unread]
        deliver(json.dumps({"changes": listed, "unread": unread}, indent=2), output)
    else:
        _deliver(output, lambda console: _show_changes(console, found, after))
    ctx.exit(1 if found or after.unread else 0)


@documents.command()
@click.argument("new", type=_file)
@_contract
@click.option("--label", help="Label of the page. Default: that of its file name, or the closest.")
@_registers
@_output
def suggest(
    new: Path, contract: Path, label: str | None, registers: Path, output: Path | None
) -> None:
    """Propose a patch of the contract that follows from a new version of a page.

    It is to be read, and applied with `git apply` or `patch -p1`. What only a person can decide is
    listed on stderr.

    Exit codes: 0 done; 2 a file cannot be read.
    """
    document, stored = load(_near(contract)), stored_pages()
    page = read_page(new, label)
    page.label = closest(page, stored).label
    pages = with_pages(stored, [page]) + elsewhere()
    found = propose(document, pages, page, read_conflicts(registers / "conflicts.md"))
    deliver(patch(document, found.document, contract.name), output)
    console = terminal.progress()
    for finding in found.left:
        where = [finding.page] if finding.page else []
        if finding.pointer:
            where.append(str(found.document.locate(finding.pointer)))
        _line(console, "left to you: ", f"{finding.what}  ({', '.join(where)})", style="yellow")


def _near(path: Path) -> Path:
    """A path as messages name it: from here where it lies below, for the lines that it begins."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


def with_pages(stored: list[SourcePage], read: list[SourcePage]) -> list[SourcePage]:
    """The stored pages, those of the same label replaced by what was read."""
    by_label = {page.label: page for page in stored} | {page.label: page for page in read}
    return list(by_label.values())


def _deliver(output: Path | None, show: Callable[[Console], None]) -> None:
    console = terminal.answers() if output is None else terminal.plain()
    show(console)
    if output is not None:
        assert isinstance(console.file, io.StringIO)
        deliver(console.file.getvalue(), output)


def _show(
    console: Console, document: Document, pages: list[SourcePage], result: CheckResult
) -> None:
    for page in pages:
        facts = sum(f.aspect != "wording" for f in page.facts)
        _line(console, f"{page.label}  {facts:>4} facts  {FORMS[page.form].title}")
    for finding in result.findings:
        if finding.verdict == "held":
            continue
        where = [finding.page] if finding.page else []
        if finding.pointer:
            where.append(str(document.locate(finding.pointer)))
        style = "yellow" if finding.verdict == "explained" else "red"
        _line(console, f"\n{finding.verdict}: ", finding.what, style=style)
        _line(console, f"  {', '.join(where)}" if where else "")
    counts = ", ".join(f"{result.count(verdict)} {verdict}" for verdict in VERDICTS)
    _line(console, f"\n{counts}", style="red" if result.faults else "green")


def _show_changes(console: Console, found: list[PageChange], after: SourcePage) -> None:
    for change in found:
        lines = [f"old:{change.old}"] if change.old else []
        lines += [f"new:{change.new}"] if change.new else []
        _line(console, f"{change.kind:<8}", f"  {change}  ({', '.join(lines)})", style="bold")
    for unread in after.unread:
        _line(console, "unread  ", f"  {unread.problem}  (new:{unread.line})", style="red")
    if not found and not after.unread:
        _line(console, "the same facts")


def _line(console: Console, head: str, rest: str = "", style: str = "") -> None:
    if head or rest:
        console.print(Text.assemble((head, style), rest), soft_wrap=True)


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
            }
            for finding in result.findings
        ],
    }
