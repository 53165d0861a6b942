"""The facts of all sources, by place, with what follows from them, and how sources rank."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

from flora_contract.documents.facts.fact import PageFact, Place, SourcePage
from flora_contract.documents.sources.kinds import FORMS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_TEMPLATE = re.compile(r"\{([^}]*)\}")
_OF_A_BODY = re.compile(r"(<[^>]*>\.)?[\w-]+")
"""A member of a body itself, or of one of the types that it may have."""


class Evidence:
    """Sources and their facts.

    Pages stand first, then the SDK, its newest version first, then what was typed by hand. An
    older version of the SDK is history: it contradicts nothing, and bears out a label as long as
    the newer one states the same.
    """

    def __init__(self, pages: tuple[SourcePage, ...], operations: tuple[str, ...]) -> None:
        self.pages = sorted(pages, key=rank)
        about = [(page, _about(page, operations)) for page in self.pages]
        self.facts = [(page, fact) for page, (facts, _) in about for fact in facts]
        self.declared = {
            (page.label, place): fact
            for page, (_, declared) in about
            for place, fact in declared.items()
        }
        """Where a source says what a place is, other than by a sample."""
        self.at: dict[Place, list[tuple[SourcePage, PageFact]]] = defaultdict(list)
        self.of: dict[tuple[str, Place, str], list[PageFact]] = defaultdict(list)
        for page, fact in self.facts:
            self.at[fact.place].append((page, fact))
            self.of[page.label, fact.place, fact.aspect].append(fact)
        self.newest = next((page.label for page in self.pages if page.form == "sdk"), None)
        self.current = [pair for pair in self.facts if not self.is_history(pair[0])]

    def is_history(self, page: SourcePage) -> bool:
        """Whether a newer version of the SDK speaks in place of this one."""
        return page.form == "sdk" and page.label != self.newest

    def stating(self, places: Iterable[Place]) -> Iterator[tuple[SourcePage, PageFact]]:
        """What sources state of places; words and refusals do not count."""
        for place in places:
            for page, fact in self.at.get(place, ()):
                if fact.aspect not in {"wording", "refuses"}:
                    yield page, fact

    def bearing(self, facts: Iterable[tuple[SourcePage, PageFact]]) -> list[SourcePage]:
        """The sources that bear out a label by facts: an older SDK only beside the newest."""
        pages = [page for page, _ in facts]
        current = [page for page in pages if not self.is_history(page)]
        return pages if any(page.form == "sdk" for page in current) else current


@lru_cache(maxsize=8)
def evidence(pages: tuple[SourcePage, ...], operations: tuple[str, ...]) -> Evidence:
    """The facts of sources about operations; those of the last few are kept."""
    return Evidence(pages, operations)


def rank(page: SourcePage) -> tuple[int, list[int], str]:
    """Where a source stands: pages, the SDK from its newest version on, the rest."""
    form = FORMS[page.form]
    return form.rank, [-int(part) for part in page.version.split(".") if part], page.label


def wanted(stated: Iterable[SourcePage]) -> tuple[str, ...]:
    """The labels that a node must carry: all of pages and of what was typed by hand.

    The SDK has to be named where no page states the node: its newest version, or one before.
    """
    pages = sorted({page.label: page for page in stated}.values(), key=rank)
    labels = tuple(page.label for page in pages if page.form != "sdk")
    if any(FORMS[page.form].rank == 0 for page in pages):
        return labels
    return tuple(page.label for page in pages if page.form == "sdk")[:1] + labels


def mislabelled(named: Iterable[str], stated: Iterable[SourcePage]) -> tuple[list[str], list[str]]:
    """Labels that do not state a node, and those that it lacks."""
    pages = {page.label: page for page in stated}
    named = list(named)
    wrong = [label for label in named if label not in pages]
    of_sdk = any(pages[label].form == "sdk" for label in named if label in pages)
    lacking = [
        label
        for label in wanted(pages.values())
        if label not in named and not (of_sdk and pages[label].form == "sdk")
    ]
    return wrong, lacking


@lru_cache(maxsize=64)
def _about(
    page: SourcePage, operations: tuple[str, ...]
) -> tuple[list[PageFact], dict[Place, PageFact]]:
    """What a source states of operations, and the places whose type it declares.

    Of other operations it is kept that there are such.
    """
    alike = _Alike([*operations, *(fact.place.operation for fact in page.described)])
    ours = {"API", *operations}
    facts = [
        fact
        for fact in map(alike, readings(page))
        if fact.place.operation in ours or fact.aspect == "is"
    ]
    declared = {fact.place: fact for fact in map(alike, page.facts) if fact.aspect == "type"}
    return facts, declared


class _Alike:
    """Facts of an operation as the contract writes it: names in a path are no difference."""

    def __init__(self, operations: Iterable[str]) -> None:
        self.known: dict[str, str] = {}
        for name in operations:
            self.known.setdefault(_TEMPLATE.sub("{}", name), name)
        self.made: dict[str, tuple[str, dict[str, str]]] = {}

    def __call__(self, fact: PageFact) -> PageFact:
        operation = fact.place.operation
        if "{" not in operation:
            return fact
        if operation not in self.made:
            ours = self.known.get(_TEMPLATE.sub("{}", operation), operation)
            pairs = zip(_TEMPLATE.findall(operation), _TEMPLATE.findall(ours), strict=True)
            self.made[operation] = ours, dict(pairs)
        ours, names = self.made[operation]
        if ours == operation:
            return fact
        place = fact.place
        field = names.get(place.field, place.field) if place.part == "path" else place.field
        return replace(fact, place=Place(ours, place.part, field))


def readings(page: SourcePage) -> list[PageFact]:
    """The facts of a source, with those that follow from its samples and from HTTP.

    A header carries a string. A sample shows the type of what is described nowhere else. Where
    the form of the page renders samples whole, the keys that each sample of an object has are
    required and the others are not. A body with a required member is required.
    """
    facts = list(page.facts)
    facts += [
        replace(fact, aspect="type", value="string")
        for fact in page.facts
        if fact.aspect == "is" and fact.place.part in {"header", "answer-header"}
    ]
    facts += _shown(page)
    bodies = {
        fact.place.operation: fact
        for fact in reversed(page.facts)
        if fact.place.part == "body" and fact.aspect == "required" and fact.value
        if _OF_A_BODY.fullmatch(fact.place.field)
    }
    facts += [
        replace(fact, place=Place(operation, "body"), value=True)
        for operation, fact in bodies.items()
    ]
    return facts


def _shown(page: SourcePage) -> Iterator[PageFact]:
    declared = {f.place for f in page.facts if f.aspect == "type"}
    shown: dict[Place, list[PageFact]] = defaultdict(list)
    for fact in page.facts:
        if fact.aspect == "shows":
            shown[fact.place].append(fact)
    for place, samples in shown.items():
        first = samples[0]
        if place in declared:
            continue
        if first.value is not None:
            yield replace(first, aspect="type", value=_type_of(first.value))
        parent = place.parent()
        if parent in shown and FORMS[page.form].whole_samples:
            always = len(samples) == len(shown[parent])
            yield replace(first, aspect="required", value=always)


def _type_of(value: object) -> str:
    if value in ("{}", "[]"):
        return "object" if value == "{}" else "array"
    if isinstance(value, bool):
        return "boolean"
    return "string" if isinstance(value, str) else "number"
