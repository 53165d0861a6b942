"""A comparison on a terminal: a table for each operation, and one for what operations share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from flora_contract.diff.naming import place_name
from flora_contract.diff.render.machine import title
from flora_contract.diff.rules import Level

if TYPE_CHECKING:
    from rich.console import Console

    from flora_contract.diff.changes import Change, Comparison

_STYLES = {Level.BREAKING: "bold red", Level.RISKY: "yellow", Level.SAFE: "green"}
_REACHES_SHOWN = 3


def print_comparison(comparison: Comparison, changes: list[Change], console: Console) -> None:
    """Print the changes by operation, the worst operation first, and what follows from them."""
    for name, group in by_operation(changes).items():
        console.print(Text(name, style="bold"))
        console.print(_table(group))
    if comparison.client:
        console.print(Text("generated client, of no single cause", style="bold"))
        for effect in comparison.client:
            console.print(Text(f"  {effect}", style="magenta"))
    console.print(summary(comparison), style="bold", markup=False)


def by_operation(changes: list[Change]) -> dict[str, list[Change]]:
    """Changes by what they are about, in their order."""
    groups: dict[str, list[Change]] = {}
    for change in changes:
        name = title(change) if change.operation else f"{change.section}, shared"
        if change.section in {"security", "servers", "tags", "info"} and not change.operation:
            name = change.section
        groups.setdefault(name, []).append(change)
    return groups


def summary(comparison: Comparison) -> str:
    """One line: how many changes of each level, and the version that they ask for."""
    counts = ", ".join(f"{comparison.count(level)} {level}" for level in Level)
    return f"{counts}{version_line(comparison)}"


def version_line(comparison: Comparison) -> str:
    """Which version the changes ask for; empty if the base has none."""
    if comparison.proposed_version is None:
        return ""
    was, now = comparison.base_version, comparison.revision_version
    return f"; version {was} asks for at least {comparison.proposed_version}, and is {now}"


def _table(changes: list[Change]) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 1, 0, 0), expand=False)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True, justify="right")
    table.add_column(overflow="fold")
    for change in changes:
        spot = change.revision or change.base
        line = str(spot.line) if spot is not None else ""
        table.add_row(
            Text(f"  {change.level}", style=_STYLES[change.level]),
            Text(line, style="dim"),
            _what(change),
        )
    return table


def _what(change: Change) -> Text:
    where = place_name(change)
    text = Text(f"{where}: {change.message}" if where else change.message)
    text.append(f"\n{change.id}", style="cyan")
    text.append(f"  {change.pointer}", style="dim")
    if not change.operation and reached(change):
        text.append(f"\nreaches {reached(change)}", style="dim")
    for effect in change.client:
        text.append(f"\nclient: {effect}", style="magenta")
    if change.accepted is not None:
        text.append(f"\naccepted: {change.accepted}", style="dim")
    return text


def reached(change: Change) -> str:
    """The operations that a change reaches, shortened; empty if it reaches the whole document."""
    names = list(
        dict.fromkeys(
            f"{reach.operation or ''} {reach.path}".strip()
            for reach in change.reaches
            if reach.path
        )
    )
    shown = ", ".join(names[:_REACHES_SHOWN])
    more = len(names) - _REACHES_SHOWN
    return f"{shown} and {more} more" if more > 0 else shown
