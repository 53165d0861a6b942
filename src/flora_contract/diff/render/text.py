"""A comparison on a terminal: a table for each operation, and one for what operations share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from flora_contract.diff.render.machine import title
from flora_contract.diff.render.place_names import place_name
from flora_contract.diff.render.summary import foremost
from flora_contract.diff.rules import Level

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console

    from flora_contract.diff.judging.changes import Change
    from flora_contract.diff.release.comparison import Comparison

_STYLES = {Level.BREAKING: "bold red", Level.RISKY: "yellow", Level.SAFE: "green"}
_REACHES_SHOWN = 3


def print_comparison(comparison: Comparison, changes: list[Change], console: Console) -> None:
    """Print the changes by operation, the worst operation first, and what follows from them.

    No line is broken, so that pointers can be copied and lines be searched.
    """
    text = Text("\n").join(_lines(comparison, changes))
    if console.is_terminal:
        console.print(text, soft_wrap=True)
    else:
        console.out(text.plain, highlight=False)  # as it is, and large ones at once


def _lines(comparison: Comparison, changes: list[Change]) -> Iterator[Text]:
    if first := foremost(changes):
        yield Text("what matters most", style="bold")
        yield from _group(first)
        yield Text(f"all {len(changes)} changes", style="bold")
    for name, group in by_operation(changes).items():
        yield Text(name, style="bold")
        yield from _group(group)
    if comparison.client:
        yield Text("generated client, of no single cause", style="bold")
        for effect in comparison.client:
            yield Text(f"  {effect}", style="magenta")
    yield Text(summary(comparison), style="bold")


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
    if not comparison.changes:
        return "nothing changed"
    counts = ", ".join(f"{comparison.count(level)} {level}" for level in Level)
    return f"{counts}{version_line(comparison)}"


def version_line(comparison: Comparison) -> str:
    """Which version the changes ask for; empty if nothing changed or the base has none."""
    if comparison.proposed_version is None or not comparison.changes:
        return ""
    was, now = comparison.base_version, comparison.revision_version
    return f"; version {was} asks for at least {comparison.proposed_version}, and is {now}"


def _group(changes: list[Change]) -> Iterator[Text]:
    """The changes of one operation: level and line in columns, what there is to say beside them."""
    numbers = [_line_of(change) for change in changes]
    levels = max(len(change.level) for change in changes)
    wide = max(map(len, numbers))
    for change, number in zip(changes, numbers, strict=True):
        first, *others = _what(change)
        head = Text(f"  {change.level:{levels}} ", style=_STYLES[change.level])
        yield Text.assemble(head, (f"{number:>{wide}} ", "dim"), first)
        for line in others:
            yield Text.assemble(" " * (levels + wide + 4), line)


def _line_of(change: Change) -> str:
    spot = change.revision or change.base
    return str(spot.line) if spot is not None else ""


def _what(change: Change) -> Iterator[Text]:
    where = place_name(change)
    yield Text(f"{where}: {change.message}" if where else change.message)
    yield Text.assemble((change.id, "cyan"), "  ", (change.place, "dim"))
    if not change.operation and reached(change):
        yield Text(f"reaches {reached(change)}", style="dim")
    for effect in change.client:
        yield Text(f"client: {effect}", style="magenta")
    if change.accepted is not None:
        yield Text(f"accepted: {change.accepted}", style="dim")


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
