"""From the sources to the contract: what they state is there, at its place."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from typing import TYPE_CHECKING

from flora_contract.documents.checking.conflicts import row
from flora_contract.documents.facts.fact import CONSTRAINTS, SINGLE, PageFact, Place, SourcePage
from flora_contract.documents.sources.kinds import FORMS, HELD, REFUSAL

if TYPE_CHECKING:
    from collections.abc import Callable

    from flora_contract.documents.checking.claims import Claim, Claims
    from flora_contract.documents.checking.conflicts import Conflicts
    from flora_contract.documents.checking.evidence import Evidence
    from flora_contract.documents.checking.result import CheckResult, Verdict
    from flora_contract.openapi import Pointer


class Forwards:
    """The facts of all sources, each looked for in the contract."""

    def __init__(
        self, made: Claims, evidence: Evidence, conflicts: Conflicts, result: CheckResult
    ) -> None:
        self.made = made
        self.evidence = evidence
        self.conflicts = conflicts
        self.result = result
        self.claims: dict[tuple[Place, str], list[Claim]] = defaultdict(list)
        for claim in made.claims:
            self.claims[claim.place, claim.aspect].append(claim)
        self.places = {claim.place for claim in made.claims}
        self.operations = {place.operation for place in self.places} | {"API"}
        self.contradicted: set[tuple[Pointer, str]] = set()
        self.absent: dict[str, set[Place]] = defaultdict(set)

    def run(self) -> None:
        """Judge each fact."""
        for page, fact in self.evidence.current:
            if fact.aspect != "wording":
                self.fact(page, fact)
        self.absences()

    def fact(self, page: SourcePage, fact: PageFact) -> None:
        """Say whether the contract holds a fact, and where."""
        if fact.place.operation not in self.operations:
            self.operation(page, fact)
            return
        verdict, what, pointer = self.judge(page, fact)
        if verdict == "missing" and fact.place.field and fact.place not in self.places:
            if self.reported(page, fact.place):
                return
            what = f"{fact.place}: not in the contract"
        differs: str | None = None
        against: tuple[str, ...] = ()
        if verdict in {"missing", "contradicted"}:
            if self.conflicts.explain(page, fact):
                verdict = "explained"
            else:
                self.contradicted.add((pointer, fact.aspect))
                against, differs = self.row(page, fact)
        where = page.where(fact)
        self.result.add(verdict, what, where, pointer, fact=fact, against=against, row=differs)

    def operation(self, page: SourcePage, fact: PageFact) -> None:
        """Say once of an operation that it is not in the contract."""
        if fact.aspect != "is" or fact.place.part:
            return
        named = self.made.undescribed.get(fact.place.operation, [])
        if page.label in named or (page.form == "sdk" and named):
            at = ("x-undescribed", fact.place.operation)
            self.result.add("held", str(fact), page.where(fact), at, fact=fact)
        elif not self.reported(page, fact.place):
            what = f"{fact.place}: not in the contract"
            self.result.add("missing", what, page.where(fact), fact=fact)

    def row(self, page: SourcePage, fact: PageFact) -> tuple[tuple[str, ...], str | None]:
        """Who states what the contract says in place of a fact, and a row that tells both."""
        if fact.aspect not in SINGLE:
            return (), None
        others = self.stating(fact.place, fact.aspect, page)
        if not others:
            return (), None
        held = json.dumps(self.claims[fact.place, fact.aspect][-1].value)
        return others, row(self.conflicts.next, page, fact, held, others)

    def stating(self, place: Place, aspect: str, page: SourcePage) -> tuple[str, ...]:
        """The other sources that state what the contract says of a place."""
        return tuple(
            dict.fromkeys(
                other.label
                for other, stated in self.evidence.at.get(place, ())
                for claim in self.claims[place, aspect]
                if other.label != page.label
                and not self.evidence.is_history(other)
                and stated.aspect == aspect
                and agree(self.evidence, other, stated, claim)
            )
        )

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
            if agree(self.evidence, page, fact, claim):
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

    def shown(self, _page: SourcePage, fact: PageFact) -> Pointer | None:
        """What a sample shows is a field, and a value that the field can have."""
        if fact.place not in self.places:
            return None
        pointer = self.nearest(fact.place)
        values = [c.value for c in self.claims[fact.place, "value"]]
        return pointer if not values or fact.value in values else None

    def sampled(self, _page: SourcePage, fact: PageFact) -> Pointer | None:
        body = json.loads(str(fact.value))
        held = any(
            fact.place in places and self.made.document.at(pointer) == body
            for pointer, places in self.made.samples.items()
        )
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
        """What a source would show, had the contract behind it what ours claims."""
        for (place, aspect), claims in list(self.claims.items()):
            if not claims or (aspect != "value" and aspect not in CONSTRAINTS):
                continue
            if claims[0].pointer[-2:-1] == ("x-extensible-enum",):
                continue
            for page in self.evidence.pages:
                declared = self.evidence.declared.get((page.label, place))
                if declared is None or self.evidence.is_history(page):
                    continue
                if self.shows(page, place, aspect) or self.conflicts.explain(
                    page, PageFact(place, aspect, "none", 0)
                ):
                    continue
                self.contradicted.add((claims[0].pointer, aspect))
                what = f"{place} has {_a(aspect)} in the contract, and none on the page"
                self.result.add(
                    "contradicted",
                    what,
                    page.where(declared),
                    claims[0].pointer,
                    claim=claims[0],
                    against=self.stating(place, aspect, page),
                )

    def shows(self, page: SourcePage, place: Place, aspect: str) -> bool:
        form = FORMS[page.form]
        silent = aspect in form.silent or not form.complete
        return silent or bool(self.evidence.of.get((page.label, place, aspect)))


_JUDGES: dict[str, Callable[[Forwards, SourcePage, PageFact], Pointer | None]] = {
    "is": Forwards.existence,
    "shows": Forwards.shown,
    "sample": Forwards.sampled,
    "says": Forwards.said,
    "refuses": Forwards.refused,
}


def agree(evidence: Evidence, page: SourcePage, fact: PageFact, claim: Claim) -> bool:
    """Whether a claim of the contract is what a fact says, as far as its kind of source tells."""
    declared = (page.label, fact.place) in evidence.declared
    if fact.aspect == "type" and claim.value == "integer" and fact.value == "number":
        return not declared or not FORMS[page.form].integers
    if fact.aspect == "type" and claim.value == "map" and fact.value == "object":
        return not declared
    return type(fact.value) is type(claim.value) and fact.value == claim.value


def _a(aspect: str) -> str:
    return "an enum" if aspect == "value" else aspect
