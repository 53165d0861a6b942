"""What changed between two captures of a page, as facts."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from flora_contract.documents.facts.fact import PageFact, Place, SourcePage

Kind = Literal["added", "removed", "renamed", "changed", "reworded"]

_WORDS = {
    "says": "the rule",
    "refuses": "the refusal of",
    "value": "the value",
    "shows": "the sample",
}


@dataclass(frozen=True)
class PageChange:
    """One difference. `old` and `new` are the lines it stands on; None where it does not."""

    kind: Kind
    place: Place
    what: str
    old: int | None
    new: int | None

    def __str__(self) -> str:
        return f"{self.place}: {self.what}" if self.what else str(self.place)


def changes(old: SourcePage, new: SourcePage) -> list[PageChange]:
    """The differences, in the order of the pages.

    A field that is gone, with all that stood in it, is one change; so is one under a new name
    whose facts are the same. Samples are compared field by field.
    """
    before, after = _by_place(old), _by_place(new)
    gone = _outermost(before.keys() - after.keys())
    come = _outermost(after.keys() - before.keys())
    renamed = _renamed(gone, come, before, after)
    found = [
        PageChange(
            "renamed", place, f"is now {to.field or to}", _line(before[place]), _line(after[to])
        )
        for place, to in renamed.items()
    ]
    found += [
        PageChange("removed", place, "", _line(before[place]), None)
        for place in gone
        if place not in renamed
    ]
    found += [
        PageChange("added", place, _summary(after[place]), None, _line(after[place]))
        for place in come
        if place not in renamed.values()
    ]
    for place in before.keys() & after.keys():
        found += _differences(place, before[place], after[place])
    return sorted(found, key=lambda c: (c.new or c.old or 0, str(c)))


def _by_place(page: SourcePage) -> dict[Place, list[PageFact]]:
    facts: dict[Place, list[PageFact]] = defaultdict(list)
    for fact in page.facts:
        if fact.aspect != "sample":
            facts[fact.place].append(fact)
    return facts


def _outermost(places: set[Place]) -> list[Place]:
    inner = {p for p in places if any(p.within(other) and p != other for other in places)}
    operations = {p.operation for p in places if not p.part}
    return sorted(p for p in places - inner if not p.part or p.operation not in operations)


def _renamed(
    gone: Iterable[Place],
    come: Iterable[Place],
    before: dict[Place, list[PageFact]],
    after: dict[Place, list[PageFact]],
) -> dict[Place, Place]:
    """Fields that went and came in the same object with the same facts, in the order of lines."""
    pairs: dict[Place, Place] = {}
    for place in sorted(gone, key=lambda p: _line(before[p])):
        for to in sorted(come, key=lambda p: _line(after[p])):
            same = place.parent() is not None and place.parent() == to.parent()
            if same and to not in pairs.values() and _body(place, before) == _body(to, after):
                pairs[place] = to
                break
    return pairs


def _body(root: Place, facts: dict[Place, list[PageFact]]) -> set[tuple[str, str, str]]:
    """The facts of a field and those in it, without its name."""
    return {
        (place.field.removeprefix(root.field), fact.aspect, json.dumps(fact.value))
        for place, stated in facts.items()
        if place == root or place.within(root)
        for fact in stated
    }


def _differences(
    place: Place, before: list[PageFact], after: list[PageFact]
) -> Iterator[PageChange]:
    for aspect in sorted({f.aspect for f in (*before, *after)}):
        old = [f for f in before if f.aspect == aspect]
        new = [f for f in after if f.aspect == aspect]
        less = Counter(json.dumps(f.value) for f in old)
        more = Counter(json.dumps(f.value) for f in new)
        gone = [f for f in old if (less - more)[json.dumps(f.value)]]
        come = [f for f in new if (more - less)[json.dumps(f.value)]]
        if aspect == "wording":
            if gone or come:
                yield PageChange("reworded", place, "read it anew", _line(before), _line(after))
        elif len(gone) == len(come) == 1 and aspect not in {"value", "says", "refuses"}:
            what = f"{_WORDS.get(aspect, aspect)} was {_shown(gone[0])}, is {_shown(come[0])}"
            yield PageChange("changed", place, what, gone[0].line, come[0].line)
        else:
            for fact in gone:
                yield PageChange("removed", place, f"{_word(fact)}", fact.line, None)
            for fact in come:
                yield PageChange("added", place, f"{_word(fact)}", None, fact.line)


def _word(fact: PageFact) -> str:
    return f"{_WORDS.get(fact.aspect, fact.aspect)} {_shown(fact)}"


def _shown(fact: PageFact) -> str:
    return fact.value if isinstance(fact.value, str) else json.dumps(fact.value)


def _summary(facts: list[PageFact]) -> str:
    stated = {f.aspect: f.value for f in facts}
    words = [str(stated["type"])] if "type" in stated else []
    if "required" in stated:
        words.append("required" if stated["required"] else "optional")
    return ", ".join(words)


def _line(facts: list[PageFact]) -> int:
    return min(fact.line for fact in facts)
