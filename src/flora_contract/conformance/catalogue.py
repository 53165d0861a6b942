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
Made by `flora-contract check --list --format markdown`. An oracle is a rule that decides whether
what was recorded keeps the contract. Sources are the documents of [sources.md](sources.md),
C-numbers the points of [conflicts.md](conflicts.md). Only a violation makes the command fail; a
single case of an oracle may count less where documents disagree.
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
        "sources": list(oracle.source),
        "conflicts": list(oracle.conflict),
    }


def _text(oracles: list[Oracle]) -> str:
    from rich.table import Table

    grid = Table(box=None, pad_edge=False)
    for column in ("id", "severity", "source", "rule"):
        grid.add_column(column, no_wrap=column == "id")
    for oracle in oracles:
        source = " ".join(oracle.source + oracle.conflict)
        grid.add_row(oracle.id, oracle.severity.value, source, oracle.sentence)
    console = terminal.plain(width=120)
    console.print(grid)
    return str(console.file.getvalue())  # type: ignore[attr-defined]  # it is a StringIO


def markdown(oracles: list[Oracle]) -> str:
    """The page docs/oracles.md."""
    parts = ["# The oracles\n", INTRODUCTION]
    for family, members in groupby(oracles, lambda o: o.family):
        parts.append(f"## {family.capitalize()}\n")
        parts.append(
            table(
                ("id", "rule", "severity", "sources", "conflicts"),
                (
                    (
                        code(o.id),
                        escape(o.sentence),
                        o.severity.value,
                        ", ".join(o.source),
                        ", ".join(o.conflict),
                    )
                    for o in members
                ),
            )
        )
    return "\n".join(parts)
