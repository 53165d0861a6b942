"""What changed between two versions of a source, as facts."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from flora_contract.documents.facts.fact import SINGLE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from flora_contract.documents.facts.fact import PageFact, Place, SourcePage

Kind = Literal["added", "removed", "renamed", "changed", "reworded"]

_WORDS = {
    "says": "the rule",
    "refuses": "the refusal of",
    "value": "the value",
    "shows": "the example",
}


@dataclass(frozen=True)
class SourceChange:
    """One difference. `old` and `new` are where it stands; None where it does not."""

    kind: Kind
    place: Place
    what: str
    old: PageFact | None
    new: PageFact | None

    def __str__(self) -> str:
        return f"{self.place}: {self.what}" if self.what else str(self.place)


def differences(old: SourcePage, new: SourcePage) -> list[SourceChange]:
    """The differences, in the order of the source; those of words alone stand last.

    A field that is gone, with all that stood in it, is one change; so is one under a new name
    whose facts are the same. Samples are compared field by field.
    """
    before, after = _by_place(old), _by_place(new)
    gone = _outermost(before.keys() - after.keys())
    come = _outermost(after.keys() - before.keys())
    renamed = _renamed(gone, come, before, after)
    found = [
        SourceChange("renamed", place, f"is now {to.field or to}", before[place][0], after[to][0])
        for place, to in renamed.items()
    ]
    found += [
        SourceChange("removed", place, "", before[place][0], None)
        for place in gone
        if place not in renamed
    ]
    found += [
        SourceChange("added", place, _summary(after[place]), None, after[place][0])
        for place in come
        if place not in renamed.values()
    ]
    inside = [(place, to) for place, to in renamed.items()]
    for place in before.keys() & after.keys():
        if not any(place.within(old_) or place.within(new_) for old_, new_ in inside):
            found += _of_a_place(place, before[place], after[place])
    order = {id(fact): number for number, fact in enumerate((*new.facts, *old.facts))}
    return sorted(
        _without_mentions(found),
        key=lambda c: (c.kind == "reworded", order.get(id(c.new or c.old), 0), str(c)),
    )


def _without_mentions(found: list[SourceChange]) -> Iterator[SourceChange]:
    """Whole operations, and no field of one that came or went."""
    whole = {
        c.place.operation for c in found if not c.place.part and c.kind in {"added", "removed"}
    }
    for change in found:
        if not change.place.part or change.place.operation not in whole:
            yield change


def _by_place(page: SourcePage) -> dict[Place, list[PageFact]]:
    facts: dict[Place, list[PageFact]] = defaultdict(list)
    for fact in page.facts:
        if fact.aspect != "sample":
            facts[fact.place].append(fact)
    return facts


def _outermost(places: set[Place]) -> list[Place]:
    inner = {
        p for p in places if any(p.within(other) and p != other for other in _around(p, places))
    }
    return sorted(places - inner)


def _around(place: Place, places: set[Place]) -> Iterator[Place]:
    """The places of a set that a place stands in."""
    holder = place.holder()
    while holder is not None:
        if holder in places:
            yield holder
        holder = holder.holder()


def _renamed(
    gone: Iterable[Place],
    come: Iterable[Place],
    before: dict[Place, list[PageFact]],
    after: dict[Place, list[PageFact]],
) -> dict[Place, Place]:
    """Fields that went and came in the same object with the same facts, in the order of lines."""
    pairs: dict[Place, Place] = {}
    for place in sorted(gone, key=lambda p: before[p][0].line):
        for to in sorted(come, key=lambda p: after[p][0].line):
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


def _of_a_place(
    place: Place, before: list[PageFact], after: list[PageFact]
) -> Iterator[SourceChange]:
    for aspect in sorted({f.aspect for f in (*before, *after)}):
        old = [f for f in before if f.aspect == aspect]
        new = [f for f in after if f.aspect == aspect]
        less = Counter(json.dumps(f.value) for f in old)
        more = Counter(json.dumps(f.value) for f in new)
        gone = [f for f in old if (less - more)[json.dumps(f.value)]]
        come = [f for f in new if (more - less)[json.dumps(f.value)]]
        if aspect == "wording":
            if gone or come:
                yield SourceChange("reworded", place, "read it anew", before[0], after[0])
        elif len(gone) == len(come) == 1:
            word = _WORDS.get(aspect, aspect)
            what = f"{word} was {_shown(gone[0])}, is {_shown(come[0])}"
            yield SourceChange("changed", place, what, gone[0], come[0])
        elif aspect in SINGLE and (gone or come) and old and new:
            what = f"{aspect} was {_shown(old[0])}, is {_shown(new[0])}"
            yield SourceChange("changed", place, what, old[0], new[0])
        else:
            for fact in gone:
                yield SourceChange("removed", place, _word(fact), fact, None)
            for fact in come:
                yield SourceChange("added", place, _word(fact), None, fact)


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
