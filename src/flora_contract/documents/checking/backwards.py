"""From the contract to the sources: each label, keyword and value of it is a fact of one."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import TYPE_CHECKING

from flora_contract.documents.checking.claims import Claim
from flora_contract.documents.checking.evidence import mislabelled, wanted
from flora_contract.documents.checking.forwards import agree
from flora_contract.documents.facts.fact import Place
from flora_contract.documents.sources.kinds import REFUSAL

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from flora_contract.documents.checking.claims import Response
    from flora_contract.documents.checking.forwards import Forwards
    from flora_contract.documents.checking.result import Verdict
    from flora_contract.documents.facts.fact import PageFact, SourcePage
    from flora_contract.openapi import Pointer

    Stated = tuple[SourcePage, PageFact]


class Backwards:
    """The labels, keywords and examples of the contract, each looked for in the sources."""

    def __init__(self, forwards: Forwards) -> None:
        self.made = forwards.made
        self.document = forwards.made.document
        self.evidence = forwards.evidence
        self.result = forwards.result
        self.claims = forwards.claims
        self.contradicted = forwards.contradicted
        self.responses: dict[tuple[str, str], list[Response]] = defaultdict(list)
        for responses in self.made.responses.values():
            for response in responses:
                self.responses[response.operation, response.status].append(response)
        self.of_answers = [(p, f) for p, f in self.evidence.facts if _is_of_answers(f)]

    def run(self) -> None:
        """Judge each label, keyword and example."""
        self.labels()
        self.witnesses()
        self.illustrations()

    def labels(self) -> None:
        """Each `x-source` names the sources that state its node, by their rank."""
        for pointer in self.made.unsourced:
            self.result.add("invented", "has no x-source", pointer=pointer)
        for pointer, places in self.made.nodes.items():
            stated = list(self.evidence.stating(places))
            self.compare(pointer, stated)
            self.values(pointer, stated)
        for pointer, responses in self.made.responses.items():
            self.compare(pointer, list(self.answering(responses)))
        for pointer, places in self.made.samples.items():
            if pointer[-1] == "value":
                self.compare(pointer[:-1], list(self.sampling(pointer, places)))
        for operation in self.made.undescribed:
            self.undescribed(operation)

    def undescribed(self, operation: str) -> None:
        """An operation that is left out is one that sources state or name, and not described."""
        at: Pointer = ("x-undescribed", operation)
        facts = [(p, f) for p, f in self.evidence.at.get(Place(operation), ()) if f.aspect == "is"]
        stated = self.evidence.bearing(facts)
        wrong, lacking = mislabelled(self.made.undescribed[operation], stated)
        if self.claims[Place(operation), "is"]:
            self.result.add("invented", f"{operation} is described, and left out", pointer=at)
        elif wrong or lacking:
            told = f"{operation} is named by {_list(wanted(stated))}"
            self.result.add("invented", told, pointer=at, stated=wanted(stated))

    def compare(self, pointer: Pointer, facts: list[Stated]) -> None:
        labels = self.document.at(pointer).get("x-source", [])
        at = (*pointer, "x-source")
        stated = self.evidence.bearing(facts)
        wrong, lacking = mislabelled(labels, stated)
        for label in wrong:
            what = f"{label} does not state {_short(pointer)}"
            self.result.add("invented", what, pointer=at, stated=wanted(stated))
        for label in lacking:
            what = f"{_short(pointer)} is stated by {label}, and x-source lacks it"
            where = next(page.where(fact) for page, fact in facts if page.label == label)
            self.result.add("missing", what, where, at, stated=wanted(stated))
        if len(set(labels)) != len(labels):
            self.result.add("invented", f"{_short(pointer)} names a label twice", pointer=at)

    def answering(self, responses: Iterable[Response]) -> Iterator[Stated]:
        for page, fact in self.of_answers:
            if any(_answers(fact, response) for response in responses):
                yield page, fact

    def sampling(self, pointer: Pointer, places: Iterable[Place]) -> Iterator[Stated]:
        body = self.document.at(pointer)
        for page, fact in self.evidence.stating(places):
            if fact.aspect == "sample" and json.loads(str(fact.value)) == body:
                yield page, fact

    def values(self, pointer: Pointer, facts: list[Stated]) -> None:
        """Each value of an enum is stated by the sources that `x-source-values` names, or by all.

        What is wrong with the labels of the enum itself has been told already.
        """
        node = self.document.at(pointer)
        listed = node.get("enum", node.get("x-extensible-enum", []))
        single = node.get("x-source-values", {})
        for value in single.keys() - set(listed):
            at = (*pointer, "x-source-values", value)
            self.result.add("invented", f"{value} is not a value of {_short(pointer)}", pointer=at)
        told = set().union(*mislabelled(node["x-source"], self.evidence.bearing(facts)))
        stating: dict[object, list[Stated]] = defaultdict(list)
        for page, fact in facts:
            if fact.aspect in {"value", "shows"}:
                stating[fact.value].append((page, fact))
        for value in listed:
            named = single.get(value, node["x-source"])
            stated = self.evidence.bearing(stating[value])
            wrong, lacking = mislabelled(named, stated)
            if not {*wrong, *lacking} - (set() if value in single else told):
                continue
            kind: Verdict = "invented" if wrong else "missing"
            should = wanted(stated)
            what = f"the value {value} of {_short(pointer)} is stated by {_list(should)}"
            at = (*pointer, "x-source-values", value)
            self.result.add(kind, f"{what}, not by {_list(named)}", pointer=at, stated=should)

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
            self.result.add("invented", what, pointer=pointer, claim=claims[0])
        for (place, aspect), twice in self.claims.items():
            if aspect == "nullable" and sum(c.value is True for c in twice) > 1:
                self.result.add(
                    "invented", f"{place} is made nullable twice", pointer=twice[0].pointer
                )
        for claim in self.made.claims:
            if claim.aspect == "is" and claim.value == "response" and not self.answered(claim):
                self.result.add(
                    "invented", f"{claim.place}: no page says so", pointer=claim.pointer
                )

    def illustrations(self) -> None:
        """What the contract gives as an example is a sample of a page, where pages have any."""
        shown = {json.dumps(f.value) for _, f in self.evidence.facts if f.aspect == "shows"}
        for claim in self.made.examples:
            values = [c.value for c in self.claims[claim.place, "value"]]
            if json.dumps(claim.value) not in shown and claim.value not in values:
                what = f"{claim.place}: no page shows {json.dumps(claim.value)}"
                self.result.add("invented", what, pointer=claim.pointer, claim=claim)
        for pointer, places in self.made.samples.items():
            sampled = any(fact.aspect == "sample" for _, fact in self.evidence.stating(places))
            if sampled and pointer[-1] == "example" and not any(self.sampling(pointer, places)):
                what = f"no page has the sample of {_short(pointer)}"
                sample = Claim(min(places), "sample", None, pointer)
                self.result.add("invented", what, pointer=pointer, claim=sample)

    def witnessed(self, claim: Claim) -> bool:
        return any(
            fact.aspect == claim.aspect and agree(self.evidence, page, fact, claim)
            for page, fact in self.evidence.at.get(claim.place, ())
        )

    def answered(self, claim: Claim) -> bool:
        everywhere = Place("API", "status", claim.place.field)
        if claim.place in self.evidence.at or everywhere in self.evidence.at:
            return True
        return any(
            _answers(fact, response)
            for response in self.responses[claim.place.operation, claim.place.field]
            for _, fact in self.of_answers
        )


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
