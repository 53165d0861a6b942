"""The contract held to the pages, in both directions.

Forwards: every fact of a page is in the contract, at its place, and the nodes there name the page.
Backwards: every label, keyword and value of the contract is a fact of a page that may show it.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from flora_contract.documents.checking.claims import Claim, Response, Transcript, transcript
from flora_contract.documents.facts.fact import CONSTRAINTS, SINGLE, PageFact, Place, SourcePage
from flora_contract.documents.sources.kinds import FORMS, HELD, REFUSAL

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from flora_contract.openapi import Document, Pointer

Verdict = Literal["held", "explained", "missing", "invented", "contradicted", "unread"]
VERDICTS: tuple[Verdict, ...] = (
    "held",
    "explained",
    "missing",
    "invented",
    "contradicted",
    "unread",
)


@dataclass(frozen=True)
class Judgement:
    """A fact or a claim and what became of it.

    `page` is where a page says so, `S002:57`, or None; `pointer` the node of the contract. Where
    a fact was judged it is `fact`; where the labels of a node or value were, `stated` are those
    of the pages that do state it.
    """

    verdict: Verdict
    what: str
    page: str | None = None
    pointer: Pointer = ()
    fact: PageFact | None = None
    stated: tuple[str, ...] | None = None


@dataclass
class CheckResult:
    """All that came of holding a contract to pages."""

    findings: list[Judgement] = field(default_factory=list)

    @property
    def faults(self) -> list[Judgement]:
        """What must not be: everything but what is held or explained."""
        return [f for f in self.findings if f.verdict not in {"held", "explained"}]

    def count(self, verdict: Verdict) -> int:
        return sum(f.verdict == verdict for f in self.findings)


def check(
    document: Document, pages: list[SourcePage], explained: dict[str, str] | None = None
) -> CheckResult:
    """Hold a contract to pages.

    `explained` are facts that a row of docs/conflicts.md names, with the row's number: the
    contract takes another reading there (`S003 GET /generations … required true`: `C50`).
    """
    return _Check(transcript(document), pages, explained or {}).run()


def readings(page: SourcePage) -> list[PageFact]:
    """The facts of a page, with those that follow from its samples and from HTTP.

    A header carries a string. A sample shows the type of what is described nowhere else. Where
    the form of the page renders samples whole, the keys that each sample of an object has are
    required and the others are not.
    """
    facts = list(page.facts)
    facts += [
        PageFact(fact.place, "type", "string", fact.line)
        for fact in page.facts
        if fact.aspect == "is" and fact.place.part in {"header", "answer-header"}
    ]
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
            facts.append(PageFact(place, "type", _type_of(first.value), first.line))
        parent = place.parent()
        if parent in shown and FORMS[page.form].whole_samples:
            always = len(samples) == len(shown[parent])
            facts.append(PageFact(place, "required", always, first.line))
    bodies = [f for f in page.facts if f.place.part == "body" and f.aspect == "required"]
    for operation in {f.place.operation for f in bodies if f.value}:
        facts.append(
            PageFact(Place(operation, "body"), "required", value=True, line=bodies[0].line)
        )
    return facts


def _type_of(value: object) -> str:
    if value in ("{}", "[]"):
        return "object" if value == "{}" else "array"
    if isinstance(value, bool):
        return "boolean"
    return "string" if isinstance(value, str) else "number"


class _Check:
    def __init__(
        self, made: Transcript, pages: list[SourcePage], explained: dict[str, str]
    ) -> None:
        self.made = made
        self.document = made.document
        self.pages = pages
        self.explained = explained
        self.used: set[str] = set()
        self.result = CheckResult()
        self.facts = [(page, fact) for page in pages for fact in readings(page)]
        self.at: dict[Place, list[tuple[SourcePage, PageFact]]] = defaultdict(list)
        for page, fact in self.facts:
            self.at[fact.place].append((page, fact))
        self.of_answers = [(page, fact) for page, fact in self.facts if _is_of_answers(fact)]
        self.claims: dict[tuple[Place, str], list[Claim]] = defaultdict(list)
        for claim in made.claims:
            self.claims[claim.place, claim.aspect].append(claim)
        self.places = {claim.place for claim in made.claims}
        self.samples = {
            place: [
                json.dumps(made.document.at(p), sort_keys=True)
                for p, at in made.samples.items()
                if place in at
            ]
            for place in {place for places in made.samples.values() for place in places}
        }
        self.contradicted: set[tuple[Pointer, str]] = set()
        self.absent: dict[str, set[Place]] = defaultdict(set)

    def run(self) -> CheckResult:
        for page in self.pages:
            for unread in page.unread:
                self.add("unread", unread.problem, page.where(unread.line))
        for page, fact in self.facts:
            if fact.aspect != "wording":
                self.forwards(page, fact)
        self.absences()
        self.labels()
        self.witnesses()
        self.illustrations()
        for name in self.explained.keys() - self.used:
            self.add("invented", f"{self.explained[name]} explains {name}, which is no difference")
        return self.result

    def add(
        self,
        verdict: Verdict,
        what: str,
        page: str | None = None,
        pointer: Pointer = (),
        *,
        fact: PageFact | None = None,
        stated: Iterable[str] | None = None,
    ) -> None:
        labels = None if stated is None else tuple(sorted(stated))
        self.result.findings.append(Judgement(verdict, what, page, pointer, fact, labels))

    # Forwards: from the pages to the contract.

    def forwards(self, page: SourcePage, fact: PageFact) -> None:
        """Say whether the contract holds a fact, and where."""
        verdict, what, pointer = self.judge(page, fact)
        if verdict == "missing" and fact.place.field and fact.place not in self.places:
            if self.reported(page, fact.place):
                return
            what = f"{fact.place}: not in the contract"
        if verdict in {"missing", "contradicted"}:
            name = f"{page.label} {fact}"
            if name in self.explained:
                self.used.add(name)
                what, verdict = f"{fact}: {self.explained[name]}", "explained"
        if verdict == "contradicted":
            self.contradicted.add((pointer, fact.aspect))
        self.add(verdict, what, page.where(fact.line), pointer, fact=fact)

    def reported(self, page: SourcePage, place: Place) -> bool:
        """Whether a field that the contract lacks, or one around it, was reported before."""
        known = any(place.within(p) or place == p for p in self.absent[page.label])
        self.absent[page.label].add(place)
        return known

    def judge(self, page: SourcePage, fact: PageFact) -> tuple[Verdict, str, Pointer]:
        rule = _JUDGES.get(fact.aspect)
        if rule is not None:
            pointer = rule(self, page, fact)
            return ("missing", str(fact), ()) if pointer is None else ("held", str(fact), pointer)
        claims = self.claims[fact.place, fact.aspect]
        for claim in claims:
            if _agree(page, fact, claim):
                return "held", str(fact), claim.pointer
        if not claims or fact.aspect not in SINGLE:
            return "missing", str(fact), self.nearest(fact.place)
        claim = claims[-1]
        return "contradicted", f"{fact}, the contract says {json.dumps(claim.value)}", claim.pointer

    def nearest(self, place: Place) -> Pointer:
        """The node of the contract where something about the place would stand."""
        for claims in (self.claims[place, "type"], self.claims[place, "is"]):
            if claims:
                return claims[0].pointer
        around = place.parent() or Place(place.operation)
        return self.nearest(around) if around != place else ()

    def existence(self, _page: SourcePage, fact: PageFact) -> Pointer | None:
        claims = self.claims[fact.place, "is"]
        if fact.place.operation == "API" and fact.place.part == "status":
            claims = [c for c in self.made.claims if c.place.field == fact.place.field]
        return claims[0].pointer if claims else None

    def mentioned(self, page: SourcePage, fact: PageFact) -> Pointer | None:
        """An operation that a page describes, or one it only names."""
        pointer = self.existence(page, fact)
        if pointer is not None or fact.value != "mention":
            return pointer
        named = page.label in self.made.undescribed.get(fact.place.operation, [])
        return ("x-undescribed", fact.place.operation) if named else None

    def shown(self, _page: SourcePage, fact: PageFact) -> Pointer | None:
        """What a sample shows is a field, and a value that the field can have."""
        if fact.place not in self.places:
            return None
        pointer = self.nearest(fact.place)
        values = [c.value for c in self.claims[fact.place, "value"]]
        return pointer if not values or fact.value in values else None

    def sampled(self, _page: SourcePage, fact: PageFact) -> Pointer | None:
        body = json.dumps(json.loads(str(fact.value)), sort_keys=True)
        held = body in self.samples.get(fact.place, [])
        return self.nearest(fact.place) if held else None

    def said(self, _page: SourcePage, fact: PageFact) -> Pointer | None:
        rule = HELD[str(fact.value)]
        if rule in self.made.conflicts.get(fact.place, set()):
            return self.nearest(fact.place)
        found = re.search(rule, self.made.descriptions.get(fact.place, ""))
        return self.nearest(fact.place) if found else None

    def refused(self, _page: SourcePage, fact: PageFact) -> Pointer | None:
        name = Place(fact.place.operation, "body", str(fact.value))
        for pointer, responses in self.made.responses.items():
            for response in responses:
                if response.operation == fact.place.operation and response.code == REFUSAL:
                    return pointer if name in self.places else None
        return None

    def absences(self) -> None:
        """What a page would show, had the contract behind it what ours claims."""
        for (place, aspect), claims in list(self.claims.items()):
            if not claims or (aspect != "value" and aspect not in CONSTRAINTS):
                continue
            for page in self.pages:
                declared = page.at(place, "type")
                if not declared or self.shows(page, place, aspect):
                    continue
                if claims[0].pointer[-2:-1] == ("x-extensible-enum",):
                    continue
                self.contradicted.add((claims[0].pointer, aspect))
                what = f"{place} has {_a(aspect)} in the contract, and none on the page"
                self.add("contradicted", what, page.where(declared[0].line), claims[0].pointer)

    def shows(self, page: SourcePage, place: Place, aspect: str) -> bool:
        form = FORMS[page.form]
        silent = aspect in form.silent or not form.whole_samples
        return silent or bool(page.at(place, aspect))

    # Backwards: from the contract to the pages.

    def labels(self) -> None:
        """Each `x-source` names exactly the pages that state its node."""
        for pointer in self.made.unsourced:
            self.add("invented", "has no x-source", pointer=pointer)
        for pointer, places in self.made.nodes.items():
            stated = {p.label: p.where(f.line) for p, f in self.stating(places)}
            self.compare(pointer, stated)
            wrong = set(self.document.at(pointer)["x-source"]) ^ set(stated)
            self.values(pointer, places, wrong)
        for pointer, responses in self.made.responses.items():
            self.compare(pointer, {p.label: p.where(f.line) for p, f in self.answering(responses)})
        for pointer, places in self.made.samples.items():
            if pointer[-1] == "value":
                self.compare(pointer[:-1], self.sampling(pointer, places))
        for operation, labels in self.made.undescribed.items():
            at: Pointer = ("x-undescribed", operation)
            said = {p.label for p, f in self.at[Place(operation)] if f.aspect == "is"}
            if not said or set(labels) != said:
                self.add("invented", f"{operation} is named by {_list(said)}", pointer=at)

    def compare(self, pointer: Pointer, stated: dict[str, str]) -> None:
        labels = self.document.at(pointer).get("x-source", [])
        at = (*pointer, "x-source")
        for label in labels:
            if label not in stated:
                what = f"{label} does not state {_short(pointer)}"
                self.add("invented", what, pointer=at, stated=stated)
        for label in stated.keys() - set(labels):
            what = f"{_short(pointer)} is stated by {label}, and x-source lacks it"
            self.add("missing", what, stated[label], at, stated=stated)
        if len(set(labels)) != len(labels):
            self.add("invented", f"{_short(pointer)} names a label twice", pointer=at)

    def stating(self, places: Iterable[Place]) -> Iterator[tuple[SourcePage, PageFact]]:
        for place in places:
            for page, fact in self.at[place]:
                if fact.aspect not in {"wording", "refuses"}:
                    yield page, fact

    def answering(self, responses: Iterable[Response]) -> Iterator[tuple[SourcePage, PageFact]]:
        for page, fact in self.of_answers:
            if any(_answers(fact, response) for response in responses):
                yield page, fact

    def sampling(self, pointer: Pointer, places: Iterable[Place]) -> dict[str, str]:
        body = self.document.at(pointer)
        return {
            page.label: page.where(fact.line)
            for page, fact in self.stating(places)
            if fact.aspect == "sample" and json.loads(str(fact.value)) == body
        }

    def values(self, pointer: Pointer, places: set[Place], wrong: set[str]) -> None:
        """Each value of an enum is stated by the pages that `x-source-values` names, or by all.

        What is wrong with the labels of the enum itself has been told already.
        """
        node = self.document.at(pointer)
        listed = node.get("enum", node.get("x-extensible-enum", []))
        single = node.get("x-source-values", {})
        for value in single.keys() - set(listed):
            at = (*pointer, "x-source-values", value)
            self.add("invented", f"{value} is no value of {_short(pointer)}", pointer=at)
        stated: dict[object, set[str]] = defaultdict(set)
        for page, fact in self.stating(places):
            if fact.aspect in {"value", "shows"}:
                stated[fact.value].add(page.label)
        for value in listed:
            named = set(single.get(value, node["x-source"]))
            told = set() if value in single else wrong
            if (named ^ stated[value]) - told:
                kind: Verdict = "invented" if named - stated[value] else "missing"
                what = f"the value {value} of {_short(pointer)} is stated by {_list(stated[value])}"
                at = (*pointer, "x-source-values", value)
                what = f"{what}, not by {_list(named)}"
                self.add(kind, what, pointer=at, stated=stated[value])

    def witnesses(self) -> None:
        """Each keyword has a page that states it at one of the places where it holds."""
        groups: dict[tuple[Pointer, str, str], list[Claim]] = defaultdict(list)
        for claim in self.made.claims:
            weakest = claim.aspect in {"required", "nullable"} and claim.value is False
            if not weakest and claim.aspect not in {"is", "value"}:
                groups[claim.pointer, claim.aspect, json.dumps(claim.value)].append(claim)
        for (pointer, aspect, value), claims in groups.items():
            if (pointer, aspect) in self.contradicted or any(map(self.witnessed, claims)):
                continue
            what = f"{claims[0].place} {aspect} {value}: no page says so"
            self.add("invented", what, pointer=pointer)
        for (place, aspect), twice in self.claims.items():
            if aspect == "nullable" and sum(c.value is True for c in twice) > 1:
                self.add("invented", f"{place} is made nullable twice", pointer=twice[0].pointer)
        for claim in self.made.claims:
            if claim.aspect == "is" and claim.value == "response" and not self.answered(claim):
                self.add("invented", f"{claim.place}: no page says so", pointer=claim.pointer)

    def illustrations(self) -> None:
        """What the contract gives as an example is a sample of a page, where pages have any."""
        shown = {json.dumps(f.value) for _, f in self.facts if f.aspect == "shows"}
        for claim in self.made.examples:
            values = [c.value for c in self.claims[claim.place, "value"]]
            if json.dumps(claim.value) not in shown and claim.value not in values:
                what = f"{claim.place}: no page shows {json.dumps(claim.value)}"
                self.add("invented", what, pointer=claim.pointer)
        for pointer, places in self.made.samples.items():
            sampled = any(fact.aspect == "sample" for _, fact in self.stating(places))
            if sampled and pointer[-1] == "example" and not self.sampling(pointer, places):
                what = f"no page has the sample of {_short(pointer)}"
                self.add("invented", what, pointer=pointer)

    def witnessed(self, claim: Claim) -> bool:
        return any(
            fact.aspect == claim.aspect and _agree(page, fact, claim)
            for page, fact in self.at[claim.place]
        )

    def answered(self, claim: Claim) -> bool:
        everywhere = Place("API", "status", claim.place.field)
        if self.at[claim.place] or self.at[everywhere]:
            return True
        success = claim.place.field.startswith("2")
        return success and any(
            f.place.operation == claim.place.operation and f.place.part == "answer"
            for _, f in self.facts
        )


_JUDGES: dict[str, Callable[[_Check, SourcePage, PageFact], Pointer | None]] = {
    "is": _Check.mentioned,
    "shows": _Check.shown,
    "sample": _Check.sampled,
    "says": _Check.said,
    "refuses": _Check.refused,
}


def _agree(page: SourcePage, fact: PageFact, claim: Claim) -> bool:
    if fact.aspect == "type" and claim.value == "integer" and fact.value == "number":
        sampled = not page.at(fact.place, "type")
        return sampled or not FORMS[page.form].integers
    if fact.aspect == "type" and claim.value == "map" and fact.value == "object":
        return not page.at(fact.place, "type")
    return type(fact.value) is type(claim.value) and fact.value == claim.value


def _is_of_answers(fact: PageFact) -> bool:
    """Whether a fact is one that `_answers` can be asked about at all."""
    place = fact.place
    if fact.aspect == "wording":
        return False
    if place.part == "answer":
        return not place.field
    code = place.part == "error" and place.field == "error.code"
    return place.part == "status" or fact.aspect == "refuses" or code


def _answers(fact: PageFact, response: Response) -> bool:
    """Whether a fact is about a response: its status, its body, or the code of its error."""
    place = fact.place
    if place.operation not in {response.operation, "API"}:
        return False
    if place.part == "status":
        return place.field == response.status
    if response.part == "answer":
        return place.part == "answer" and not place.field
    if fact.aspect == "refuses":
        return response.code == REFUSAL
    code = place.part == "error" and place.field == "error.code"
    return code and fact.aspect in {"value", "shows"} and fact.value == response.code


def _short(pointer: Pointer) -> str:
    return "/".join(str(part) for part in pointer if part not in {"components", "properties"})


def _list(labels: Iterable[str]) -> str:
    return ", ".join(sorted(labels)) or "no page"


def _a(aspect: str) -> str:
    return "an enum" if aspect == "value" else aspect
