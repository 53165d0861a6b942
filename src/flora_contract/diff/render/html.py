"""A comparison as one page: the changes with filters, and both documents side by side."""

from __future__ import annotations

import collections
import difflib
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import yaml
from markupsafe import Markup

from flora_contract.diff.render.changelog import entry
from flora_contract.diff.render.machine import title
from flora_contract.diff.render.place_names import place_name
from flora_contract.diff.render.summary import MANY, foremost
from flora_contract.diff.render.text import by_operation, reached, version_line
from flora_contract.diff.rules import Level, rules
from flora_contract.report.page import environment, page

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flora_contract.diff.judging.changes import Change, Spot
    from flora_contract.diff.release.comparison import Comparison

MAX_LINES = 20_000
"""Lines of a document that are put side by side; of longer ones only the changes are shown."""

_LONG = 3_000  # lines from which on common lines no longer align anything
_CONTEXT = 4  # unchanged lines that stay unfolded around a change
_VALUES = 700_000  # characters of all values together
_SHOWN = 300, 3_000  # of one value, at least and at most
_REACHES = 20_000  # operations that the changes list, all together
_MOST_REACHES = 10, 100  # of one change, at least and at most
_BADGES = {Level.BREAKING: "bad", Level.RISKY: "warn", Level.SAFE: "good"}


@dataclass(frozen=True)
class Text:
    """A document as it was read, and the name that places in it have."""

    file: str
    text: str

    @property
    def lines(self) -> list[str]:
        """Its lines, none if they are too many or too long to be read side by side."""
        lines = self.text.splitlines()
        return lines if len(lines) <= MAX_LINES and all(len(line) < 5_000 for line in lines) else []


@dataclass(frozen=True)
class Row:
    """A line on either side, and the changes that are about it."""

    before: tuple[int, str] | None
    after: tuple[int, str] | None
    kind: str
    changes: tuple[int, ...] = ()


def as_html(comparison: Comparison, changes: list[Change], base: Text, revision: Text) -> str:
    """The page. It loads nothing and sends nothing."""
    numbers = {id(change): number for number, change in enumerate(changes, 1)}
    most = _share(_VALUES, changes, *_SHOWN)
    body = environment.from_string(_read("page.html")).render(
        comparison=comparison,
        foremost=foremost(changes),
        groups=by_operation(changes),
        few=len(changes) <= MANY,
        title=title,
        counted=_counted,
        number_of=lambda change: numbers[id(change)],
        levels=[(level, _BADGES[level], comparison.count(level)) for level in Level],
        badges=_BADGES,
        version=version_line(comparison).removeprefix("; ").capitalize(),
        changelog=entry(comparison),
        blocks=list(_folded(_rows(changes, numbers, base, revision))),
        place=place_name,
        reached=reached,
        most_reaches=_share(_REACHES, changes, *_MOST_REACHES),
        shown=lambda spot: _shown(spot, most),
        rules=rules(),
        here={"base": base.file if base.lines else "", "revision": revision.file},
    )
    name = f"{comparison.base} to {comparison.revision}"
    return page(name, Markup(body), script=_read("page.js"), style=_read("page.css"))  # noqa: S704 - rendered with escaping


def _read(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


def _share(whole: int, changes: list[Change], least: int, most: int) -> int:
    """What each change may take of a whole."""
    return min(most, max(least, whole // max(len(changes), 1)))


def _counted(changes: list[Change]) -> str:
    """How many changes of each level there are: `2 breaking, 1 safe`."""
    counts = collections.Counter(change.level for change in changes)
    return ", ".join(f"{counts[level]} {level}" for level in Level if counts[level])


def _shown(spot: Spot | None, most: int) -> str:
    """What stands at a place, as YAML, with its key."""
    if spot is None or spot.value is None:
        return ""
    key = spot.pointer.rsplit("/", 1)[-1].replace("~1", "/").replace("~0", "~")
    value: Any = spot.value if key.isdigit() or not key else {key: spot.value}
    text = yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=72)
    text = text.removesuffix("...\n")
    return text if len(text) <= most else text[:most] + "…\n"


class _Dumper(yaml.CSafeDumper):
    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002
        return True


def _rows(
    changes: list[Change], numbers: dict[int, int], base: Text, revision: Text
) -> Iterator[Row]:
    """Both documents, aligned by their lines."""
    old, new = base.lines, revision.lines
    if not old or not new:
        return
    marks: dict[tuple[str, int], list[int]] = {}
    for change in changes:
        for side, text, spot in (("b", base, change.base), ("r", revision, change.revision)):
            if spot is not None and spot.file == text.file:
                marks.setdefault((side, spot.line), []).append(numbers[id(change)])
    # Lines that stand everywhere tell nothing about what belongs together, and cost the most.
    matcher = difflib.SequenceMatcher(None, old, new, autojunk=len(new) > _LONG)
    for tag, first, last, start, stop in matcher.get_opcodes():
        for step in range(max(last - first, stop - start)):
            one, two = first + step, start + step
            before = (one + 1, old[one]) if one < last else None
            after = (two + 1, new[two]) if two < stop else None
            found = marks.get(("b", one + 1), []) if before else []
            found = [*found, *(marks.get(("r", two + 1), []) if after else [])]
            yield Row(before, after, tag, tuple(dict.fromkeys(found)))


def _folded(rows: Iterator[Row]) -> Iterator[tuple[bool, list[Row]]]:
    """Runs of rows: those to show, and those that nothing happened in, folded."""
    every = list(rows)
    near: set[int] = set()
    for index, row in enumerate(every):
        if row.kind != "equal" or row.changes:
            near.update(range(index - _CONTEXT, index + _CONTEXT + 1))
    run: list[Row] = []
    hidden = False
    for index, row in enumerate(every):
        if (index not in near) != hidden and run:
            yield hidden, run
            run = []
        hidden = index not in near
        run.append(row)
    if run:
        yield hidden, run
