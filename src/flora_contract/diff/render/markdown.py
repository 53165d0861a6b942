"""A comparison as a comment on a pull request: folded, the worst first, never too long."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from flora_contract.diff.render.changelog import entry
from flora_contract.diff.render.machine import title
from flora_contract.diff.render.place_names import place_name
from flora_contract.diff.render.summary import foremost
from flora_contract.diff.render.text import by_operation, reached, version_line
from flora_contract.diff.rules import Level
from flora_contract.report.markdown import block, code, escape, table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flora_contract.diff.judging.changes import Change, Spot
    from flora_contract.diff.release.comparison import Comparison

LIMIT = 60_000
"""Characters of the whole; GitHub takes 65,536."""

_SHOWN = 400  # characters of a value before and after
_LINE = 600  # characters of a line of what matters most
_ICONS = {Level.BREAKING: "🔴", Level.RISKY: "🟡", Level.SAFE: "🟢"}
_HEADINGS = {
    Level.BREAKING: "Breaking",
    Level.RISKY: "Risky: look at these",
    Level.SAFE: "Safe",
}


def as_markdown(comparison: Comparison, changes: list[Change], stats: str = "") -> str:
    """The changes by level and operation. What does not fit is counted.

    `stats`: text of how often each rule fired, if it is wanted.
    """
    counts = [[_ICONS[level], level.value, str(comparison.count(level))] for level in Level]
    head = "\n".join(
        [
            f"# {escape(comparison.base)} to {escape(comparison.revision)}",
            "",
            table(["", "level", "changes"], counts),
            version_line(comparison).removeprefix("; ").capitalize()
            or ("" if comparison.changes else "Nothing changed."),
            "",
            *_foremost(changes),
        ]
    )
    after = []
    if comparison.client:
        told = "".join(f"- {escape(effect)}\n" for effect in comparison.client)
        after.append(_folded("Generated client, of no single cause", _cut(told)))
    after.append(_folded("Changelog entry", block(_cut(entry(comparison)), "markdown")))
    if stats:
        after.append(_folded("Changes by rule", block(_cut(stats))))
    rest_of_it = "\n".join(after)
    # What is left besides is the line that counts, and the tags of three sections.
    room = LIMIT - len(head) - len(rest_of_it) - 400
    sections = []
    left = 0
    for level in Level:
        some = [change for change in changes if change.level is level]
        if not some:
            continue
        body, rest = _section(some, room)
        room -= len(body)
        left += rest
        title = f"{_ICONS[level]} {_HEADINGS[level]} ({len(some)})"
        sections.append(_folded(title, body, is_open=level is Level.BREAKING))
        room -= len(title) + 60
    more = f"\n{left} more changes did not fit here.\n" if left else ""
    return head + "\n" + "\n".join(sections) + more + "\n" + rest_of_it


def _foremost(changes: list[Change]) -> Iterator[str]:
    """What matters most, where there is much, in a line for each."""
    first = foremost(changes)
    if first:
        yield "**What matters most**\n"
    for change in first:
        where = code(place_name(change) or title(change))
        reach = f" ({escape(reached(change))})" if reached(change) else ""
        line = f"1. {_ICONS[change.level]} {where}: {escape(change.message)}{reach}"
        yield line if len(line) <= _LINE else f"{line[:_LINE]}…"


def _cut(text: str) -> str:
    """Whole lines of a text, as many as an eighth of the comment holds."""
    most = LIMIT // 8
    if len(text) <= most:
        return text
    kept = text[:most].rpartition("\n")[0] or text[:most]
    return f"{kept}\n…\n"


def _section(changes: list[Change], room: int) -> tuple[str, int]:
    """As many changes as there is room for, and how many were left out."""
    body = ""
    shown = 0
    newline = ""
    for name, group in by_operation(changes).items():
        title = f"{newline}#### {code(name)}\n\n"
        for change in group:
            text = title + _change(change)
            if len(body) + len(text) <= room:
                body += text
                shown += 1
                title, newline = "", "\n"
    return body, len(changes) - shown


def _change(change: Change) -> str:
    where = place_name(change)
    told = f"{code(where)}: {escape(change.message)}" if where else escape(change.message)
    lines = [f"- {told} {code(change.id)}"]
    if not change.operation and reached(change):
        lines.append(f"  <br>reaches {escape(reached(change))}")
    lines += [f"  <br>client: {escape(effect)}" for effect in change.client]
    if change.accepted is not None:
        lines.append(f"  <br>accepted: {escape(change.accepted)}")
    before, after = _value(change.base), _value(change.revision)
    if change.level is not Level.SAFE and before != after:
        shown = "".join(
            f"{sign} {line}\n"
            for sign, text in (("-", before), ("+", after))
            for line in text.splitlines()
        )
        lines += ["", *("  " + line for line in block(shown, "diff").splitlines()), ""]
    return "\n".join(lines) + "\n"


def _value(spot: Spot | None) -> str:
    if spot is None or spot.value is None:
        return ""
    key = spot.pointer.rsplit("/", 1)[-1].replace("~1", "/").replace("~0", "~")
    value: Any = spot.value if key.isdigit() else {key: spot.value}
    text = json.dumps(value, indent=2, ensure_ascii=False)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + " …"


def _folded(title: str, body: str, *, is_open: bool = False) -> str:
    attribute = " open" if is_open else ""
    return f"<details{attribute}>\n<summary>{title}</summary>\n\n{body}\n</details>\n"
