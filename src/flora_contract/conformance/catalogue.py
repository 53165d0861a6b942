"""The catalogue of oracles, for `--list` and docs/oracles.md."""

from __future__ import annotations

import json
from itertools import groupby
from typing import TYPE_CHECKING

from flora_contract.conformance.oracle import catalogue
from flora_contract.errors import InputError
from flora_contract.report import terminal
from flora_contract.report.markdown import code, escape, table

if TYPE_CHECKING:
    from flora_contract.conformance.oracle import Oracle


INTRODUCTION = """\
An oracle is a rule that decides whether recorded traffic keeps the contract. It applies to every
operation with a given role, and judges by the contract's schemas or by a statement of
[behaviour](behaviour.md). A finding names the statement that was broken and the documents that
state it. Only violations make `flora-contract check` fail; where documents disagree, an oracle may
report a single case as a warning. `flora-contract check --list --format markdown` prints this page.
"""


def listing(form: str) -> str:
    """The catalogue as text, json or markdown."""
    oracles = list(catalogue().values())
    if form == "json":
        return json.dumps([_entry(o) for o in oracles], indent=2) + "\n"
    if form == "markdown":
        return markdown(oracles)
    if form == "text":
        return _text(oracles)
    raise InputError(f"--list has no form {form}: choose text, json or markdown")


def _entry(oracle: Oracle) -> dict[str, object]:
    return {
        "id": oracle.id,
        "family": oracle.family,
        "applies_to": oracle.scope,
        "severity": oracle.severity.value,
        "rule": oracle.sentence,
        "judged_by": oracle.basis,
        "sources": list(oracle.source),
        "conflicts": list(oracle.conflict),
    }


def judged_by(oracle: Oracle) -> str:
    """A statement of behaviour or the schemas; the documents where it is neither."""
    return " ".join(oracle.source + oracle.conflict) or oracle.basis


def _text(oracles: list[Oracle]) -> str:
    from rich.table import Table

    grid = Table(box=None, pad_edge=False)
    for column in ("id", "severity", "judged by", "rule"):
        grid.add_column(column, no_wrap=column == "id")
    for oracle in oracles:
        grid.add_row(oracle.id, oracle.severity.value, judged_by(oracle), oracle.sentence)
    console = terminal.plain(width=120)
    console.print(grid)
    return str(console.file.getvalue())  # type: ignore[attr-defined]  # it is a StringIO


def markdown(oracles: list[Oracle]) -> str:
    """The page docs/oracles.md."""
    parts = ["# Oracles\n", INTRODUCTION]
    for family, members in groupby(oracles, lambda o: o.family):
        parts.append(f"## {family.capitalize()}\n")
        parts.append(
            table(
                ("id", "rule", "severity", "judged by"),
                (
                    (code(o.id), escape(o.sentence), o.severity.value, escape(judged_by(o)))
                    for o in members
                ),
            )
        )
    return "\n".join(parts)
