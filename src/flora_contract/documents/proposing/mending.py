"""The edits of the contract that end a fault: what a source states now, made what it says."""

from __future__ import annotations

import copy
import json
import re
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from flora_contract.documents.checking.evidence import rank, wanted
from flora_contract.documents.facts.fact import CONSTRAINTS, Place
from flora_contract.documents.proposing.operation import NewOperations
from flora_contract.documents.proposing.schemas import Drafts, flow
from flora_contract.documents.sources.kinds import DRAFTED, FORMS
from flora_contract.documents.sources.prose import durations
from flora_contract.openapi import Edit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from flora_contract.documents.checking.claims import Claim, Claims
    from flora_contract.documents.checking.evidence import Evidence
    from flora_contract.documents.checking.result import Judgement
    from flora_contract.documents.facts.fact import PageFact
    from flora_contract.openapi import Document, Pointer

_PARTS: Final = {"query", "path", "header"}


class Mending:
    """What would end each fault of a contract; nothing where a person has to decide."""

    def __init__(self, document: Document, made: Claims, evidence: Evidence) -> None:
        self.document = document
        self.made = made
        self.evidence = evidence
        self.ranks = {page.label: FORMS[page.form].rank for page in evidence.pages}
        self.claims: dict[Place, list[Claim]] = {}
        for claim in made.claims:
            self.claims.setdefault(claim.place, []).append(claim)

    def edits(self, fault: Judgement) -> list[Edit]:
        """Edits that end a fault."""
        if fault.stated is not None:
            if "x-source-values" in fault.pointer:
                return self.value_labels(fault.pointer, fault.stated)
            if fault.pointer[0] == "x-undescribed":
                return self.left_out(fault.pointer, fault.stated)
            return self.labels(fault.pointer[:-1], fault.stated)
        if self.is_outranked(fault):
            return []
        if fault.claim is not None:
            return self.unstated(fault.claim)
        fact = fault.fact
        if fact is None:
            return []
        whole = Place(fact.place.operation, fact.place.part)
        if whole.part in {"body", "answer"} and not self.has(whole):
            return self.whole(whole)
        if fact.place.field and fact.place not in self.claims and fact.aspect != "is":
            return self.field(fact.place)
        rule = _RULES.get(fact.aspect, Mending.keyword)
        return rule(self, fact)

    def is_outranked(self, fault: Judgement) -> bool:
        """Whether a source that ranks as high as the fact's says what the contract says."""
        if not fault.against or fault.page is None:
            return False
        label = re.split(r"[ :]", fault.page)[0]
        return min(self.ranks[other] for other in fault.against) <= self.ranks[label]

    # Labels

    def labels(self, node: Pointer, stated: tuple[str, ...]) -> list[Edit]:
        """Set the labels of a node; one that no source states goes."""
        labels = self.document.at(node).get("x-source", [])
        if stated:
            kept = [label for label in labels if label in stated]
            kept += [label for label in stated if label not in labels]
            ranks = {page.label: rank(page) for page in self.evidence.pages}
            return [Edit("set", (*node, "x-source"), flow(sorted(kept, key=ranks.__getitem__)))]
        if node[-2] == "properties":
            return self.removed(node[:-2], str(node[-1]))
        if node[0] == "paths" and len(node) == 3:
            only = len([m for m in self.document.at(node[:2]) if m in {*_METHODS}]) == 1
            return [Edit("delete", node[:2] if only else node)]
        removable = node[-2] in {"parameters", "responses", "schemas", "headers"}
        return [Edit("delete", node)] if removable and not self.is_used(node) else []

    def left_out(self, pointer: Pointer, stated: tuple[str, ...]) -> list[Edit]:
        """Set the labels of an operation that is left out; one that no source names goes."""
        return [Edit("set", pointer, flow(stated)) if stated else Edit("delete", pointer)]

    def is_used(self, node: Pointer) -> bool:
        """Whether something refers to a component."""
        return node[0] == "components" and "#/" + "/".join(map(str, node)) in json.dumps(
            self.document.tree
        )

    def removed(self, schema: Pointer, name: str) -> list[Edit]:
        required = self.document.at(schema).get("required", [])
        edits = [Edit("delete", (*schema, "properties", name))]
        if name in required:
            edits.append(Edit("delete", (*schema, "required", required.index(name))))
        return [*edits, *self.without(schema, name)]

    def without(self, schema: Pointer, name: str) -> list[Edit]:
        """Samples without a member that is gone."""
        places = [place for place, schemas in self.made.objects.items() if schema in schemas]
        edits = []
        for pointer, roots in self.made.samples.items():
            body = copy.deepcopy(self.document.at(pointer))
            inner = [place for place in places if any(_in(place, root) for root in roots)]
            dropped = [place for place in inner if _drop(body, place.field, name)]
            if dropped:
                edits.append(Edit("set", pointer, body))
        return edits

    def value_labels(self, pointer: Pointer, stated: tuple[str, ...]) -> list[Edit]:
        """Set the labels of one value of an enum; one that no source states goes."""
        node, value = pointer[:-2], pointer[-1]
        schema = self.document.at(node)
        keyword = "enum" if "enum" in schema else "x-extensible-enum"
        single = schema.get("x-source-values", {})
        edits = [Edit("delete", pointer)] if value in single else []
        if value not in schema[keyword]:
            return edits
        if newer := self.newer(schema["x-source"], stated):
            return [Edit("set", (*node, "x-source"), flow(newer))]
        if not stated:
            return [*edits, Edit("delete", (*node, keyword, schema[keyword].index(value)))]
        if set(stated) == set(schema["x-source"]):
            return edits
        if not single:
            return [Edit("set", pointer[:-1], {value: flow(stated)})]
        return [Edit("set", pointer, flow(stated))]

    def newer(self, labels: list[str], stated: tuple[str, ...]) -> list[str]:
        """Labels with the version of the SDK that states more, in place of an older one."""
        sdk = [page.label for page in self.evidence.pages if page.form == "sdk"]
        more = [label for label in stated if label in sdk and label not in labels]
        old = [label for label in labels if label in sdk]
        return [more[0] if label in old else label for label in labels] if more and old else []

    # What no source states any more

    def unstated(self, claim: Claim) -> list[Edit]:
        pointer, word = claim.pointer, str(claim.pointer[-1])
        if claim.aspect == "sample":
            return self.sample(claim)
        if claim.aspect == "example":
            return self.example(claim)
        if claim.aspect == "value" and pointer[-2] == "enum":
            both = [Edit("delete", pointer[:-1])]
            single = "x-source-values" in self.document.at(pointer[:-2])
            return both + ([Edit("delete", (*pointer[:-2], "x-source-values"))] if single else [])
        if claim.aspect == "nullable" and word == "type":
            kinds = self.document.at(pointer)
            return [Edit("set", pointer, next(k for k in kinds if k != "null"))]
        if claim.aspect == "required" and (pointer[-2:-1] == ("required",) or word == "required"):
            return [Edit("delete", pointer)]
        if claim.aspect in {"deprecated", "prefix"} or word in CONSTRAINTS:
            return [Edit("delete", pointer)]
        if claim.aspect == "is" and claim.place.part == "status":
            return [Edit("delete", pointer)]
        if claim.aspect == "duration":
            return self.duration_gone(claim)
        return []

    def duration_gone(self, claim: Claim) -> list[Edit]:
        stated = [f for _, f in self.facts(claim.place) if f.aspect == "duration"]
        return self.duration(stated[0]) if len(stated) == 1 else []

    def example(self, claim: Claim) -> list[Edit]:
        """Another value that a source shows at the place, in place of one that none does."""
        shown = [
            fact.value
            for place in self.claims_at(claim.pointer)
            for _, fact in self.facts(place)
            if fact.aspect == "shows" and fact.value not in ("{}", "[]")
        ]
        if shown:
            return [Edit("set", claim.pointer, shown[0])]
        at = claim.pointer[:-1] if claim.pointer[-2:-1] == ("examples",) else claim.pointer
        return [Edit("delete", at)]

    def claims_at(self, pointer: Pointer) -> list[Place]:
        return [example.place for example in self.made.examples if example.pointer == pointer]

    def sample(self, claim: Claim) -> list[Edit]:
        """The sample that a source has now, in place of the one it had."""
        held = [self.document.at(pointer) for pointer in self.made.samples]
        for place in self.made.samples[claim.pointer]:
            for _, fact in self.facts(place):
                if fact.aspect == "sample" and json.loads(str(fact.value)) not in held:
                    return [Edit("set", claim.pointer, json.loads(str(fact.value)))]
        return []

    # What a source states now

    def facts(self, place: Place) -> list[tuple[Any, PageFact]]:
        return [
            (page, fact)
            for page, fact in self.evidence.at.get(place, ())
            if not self.evidence.is_history(page)
        ]

    @property
    def drafts(self) -> Drafts:
        at: dict[Place, list[Any]] = {}
        for page, fact in self.evidence.current:
            at.setdefault(fact.place, []).append((page, fact))
        return Drafts(self.document, at)

    def has(self, whole: Place) -> bool:
        """Whether the contract knows a body, or an answer, at all."""
        return any(_in(place, whole) for place in self.claims)

    def whole(self, place: Place) -> list[Edit]:
        """Add the body of an operation, or its answer."""
        at = [c.pointer for c in self.claims.get(Place(place.operation), ()) if c.aspect == "is"]
        if not at:
            return []
        drafting = NewOperations(self.document, self.made, self.evidence)
        node = drafting.draft(place.operation).node()
        if place.part == "body":
            edits = [Edit("set", (*at[0], "requestBody"), node["requestBody"])]
        else:
            edits = [
                Edit("set", (*at[0], "responses", status), response)
                for status, response in node["responses"].items()
                if status.startswith("2")
            ]
        return edits + drafting.added()

    def field(self, place: Place) -> list[Edit]:
        """Add a parameter, or a member with all that is in it."""
        if place.part in _PARTS:
            return self.parameter(place)
        parent = place.parent()
        schemas = self.made.objects.get(parent, []) if parent is not None else []
        if not schemas:
            return []
        drafts, schema = self.drafts, schemas[-1]
        edits = [
            Edit("set", (*schema, "properties", place.name), drafts.member(place, _name(place)))
        ]
        edits += [
            Edit("set", ("components", "schemas", name), added)
            for name, added in drafts.added.items()
        ]
        if drafts.said(place).get("required") is True:
            edits.append(self.require(schema, place.name))
        return edits

    def parameter(self, place: Place) -> list[Edit]:
        at = [c.pointer for c in self.claims.get(Place(place.operation), ()) if c.aspect == "is"]
        if not at:
            return []
        drafts = self.drafts
        parameter: dict[str, Any] = {"name": place.field, "in": place.part}
        if place.part == "path" or drafts.said(place).get("required") is True:
            parameter["required"] = True
        parameter["x-source"] = drafts.labels(place)
        parameter["schema"] = drafts.schema(place, _name(place)) or {"type": "string"}
        if "parameters" in self.document.at(at[0]):
            return [Edit("append", (*at[0], "parameters"), parameter)]
        return [Edit("set", (*at[0], "parameters"), [parameter])]

    def existence(self, fact: PageFact) -> list[Edit]:
        """A parameter, or an answer with a status that its operation has not."""
        if fact.place.part in _PARTS:
            return self.parameter(fact.place)
        operation = [
            claim.pointer
            for claim in self.claims.get(Place(fact.place.operation), ())
            if claim.aspect == "is"
        ]
        if fact.place.part != "status" or not operation:
            return []
        known = Counter(
            pointer
            for pointer, responses in self.made.responses.items()
            for response in responses
            if response.status == fact.place.field and pointer[:2] == ("components", "responses")
        )
        at = (*operation[0], "responses", fact.place.field)
        if known:
            name = known.most_common(1)[0][0][2]
            return [Edit("set", at, {"$ref": f"#/components/responses/{name}"})]
        labels = flow(wanted(page for page, _ in self.facts(fact.place)))
        return [Edit("set", at, {"description": f"Answer {fact.place.field}.", "x-source": labels})]

    def require(self, schema: Pointer, name: str) -> Edit:
        if "required" in self.document.at(schema):
            return Edit("append", (*schema, "required"), name)
        return Edit("set", (*schema, "required"), flow([name]))

    def required(self, fact: PageFact) -> list[Edit]:
        for claim in self.claims.get(fact.place, ()):
            if claim.aspect == "required":
                break
        else:
            return []
        pointer = claim.pointer
        if "parameters" in pointer or (fact.place.part == "body" and not fact.place.field):
            node = pointer[:-1] if pointer[-1] == "required" else pointer
            return [Edit("set", (*node, "required"), fact.value)]
        if fact.value is False:
            return [Edit("delete", pointer)] if pointer[-2] == "required" else []
        return [self.require(pointer[:-2], str(pointer[-1]))] if pointer[-2] == "properties" else []

    def value(self, fact: PageFact) -> list[Edit]:
        """One more value of an enum."""
        same = [c.pointer for c in self.claims.get(fact.place, ()) if c.aspect == "value"]
        typed = [c.pointer for c in self.claims.get(fact.place, ()) if c.aspect == "type"]
        listed = [pointer for pointer in same if pointer[-1] != "const"]
        if listed:
            return [Edit("append", listed[0][:-1], fact.value)]
        stated = [f.value for _, f in self.facts(fact.place) if f.aspect == "value"]
        return [Edit("set", (*typed[0][:-1], "enum"), flow(dict.fromkeys(stated)))] if typed else []

    def shown(self, fact: PageFact) -> list[Edit]:
        """One more value that only samples tell, such as an error code."""
        known = [c.value for c in self.claims.get(fact.place, ()) if c.aspect == "value"]
        stating = [page.label for page, _ in self.facts(fact.place)]
        declared = any((label, fact.place) in self.evidence.declared for label in stating)
        return [] if not known or declared or fact.value in known else self.value(fact)

    def duration(self, fact: PageFact) -> list[Edit]:
        """The new duration in the words that told the old one."""
        for claim in self.claims.get(fact.place, ()):
            if claim.aspect != "duration" or claim.value == fact.value:
                continue
            words = str(self.document.at(claim.pointer))
            for written, value in durations(words):
                if value == claim.value:
                    return [Edit("set", claim.pointer, words.replace(written, str(fact.value)))]
        return self.say(fact.place, f"{str(fact.value).capitalize()}.")

    def saying(self, fact: PageFact) -> list[Edit]:
        words = DRAFTED.get(str(fact.value), "")
        return self.say(fact.place, words) if words else []

    def say(self, place: Place, words: str) -> list[Edit]:
        """Add a sentence to the description of a place."""
        site = self.made.sites.get(place)
        nodes = [p for p, places in self.made.nodes.items() if place in places]
        at = site if site is not None and len(place.field) else next(iter(nodes), None)
        if at is None:
            return []
        if at[-1] == "schema":
            at = at[:-1]
        node = self.document.at(at)
        there = str(node.get("description", "")).strip()
        return [Edit("set", (*at, "description"), f"{there} {words}".strip())]

    def plain(self, fact: PageFact) -> list[Edit]:
        """A URL, a scheme, a media type: the word itself."""
        same = [c for c in self.claims.get(fact.place, ()) if c.aspect == fact.aspect]
        if not same or fact.aspect == "media":
            return []
        return [Edit("set", same[0].pointer, fact.value)]

    def deprecated(self, fact: PageFact) -> list[Edit]:
        at = [c.pointer for c in self.claims.get(fact.place, ()) if c.aspect == "is"]
        return [Edit("set", (*at[0], "deprecated"), fact.value)] if at else []

    def keyword(self, fact: PageFact) -> list[Edit]:
        """A type, null, a bound or a prefix, where the schema of the place is written."""
        typed = [c.pointer for c in self.claims.get(fact.place, ()) if c.aspect == "type"]
        if not typed:
            site = self.made.sites.get(fact.place)
            if site is None or fact.aspect not in {"type", *CONSTRAINTS}:
                return []
            return [Edit("set", (*site, fact.aspect), fact.value)]
        node = typed[0][:-1]
        if self.is_shared(node, fact):
            return self.forked(node, fact)
        schema = self.document.at(node)
        changed = _changed(schema, fact)
        return [
            Edit("set", (*node, word), changed[word])
            for word in changed
            if changed[word] != schema.get(word)
        ] + [Edit("delete", (*node, word)) for word in schema if word not in changed]

    def is_shared(self, node: Pointer, fact: PageFact) -> bool:
        """Whether a schema stands at another place too, of which a source says otherwise."""
        others = {
            claim.place
            for claim in self.made.claims
            if claim.pointer[:-1] == node and claim.place != fact.place
        }
        return any(
            stated.aspect == fact.aspect and stated.value != fact.value
            for place in others
            for _, stated in self.facts(place)
        )

    def forked(self, node: Pointer, fact: PageFact) -> list[Edit]:
        """The schema written out at its place, where what it refers to is not meant any more."""
        site = self.made.sites[fact.place]
        shared = [place for place, at in self.made.sites.items() if at == site]
        if len(shared) > 1 or node[: len(site)] == site:
            return []
        there, target = self.document.at(site), self.document.at(node)
        own = {word: value for word, value in there.items() if word not in {"$ref", "anyOf"}}
        copied = {word: copy.deepcopy(target[word]) for word in target if word[:2] != "x-"}
        if "anyOf" in there:
            copied["type"] = flow([copied["type"], "null"])
        return [Edit("set", site, {**_changed(copied, fact), **own})]


_METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")

_RULES: dict[str, Callable[[Mending, PageFact], list[Edit]]] = {
    "is": Mending.existence,
    "required": Mending.required,
    "value": Mending.value,
    "duration": Mending.duration,
    "says": Mending.saying,
    "url": Mending.plain,
    "scheme": Mending.plain,
    "media": Mending.plain,
    "deprecated": Mending.deprecated,
    "sample": lambda _mending, _fact: [],
    "shows": Mending.shown,
    "refuses": lambda _mending, _fact: [],
}


def _changed(schema: dict[str, Any], fact: PageFact) -> dict[str, Any]:
    """A schema as a fact has it."""
    changed = dict(schema)
    kinds = schema.get("type")
    listed = list(kinds) if isinstance(kinds, list) else [kinds]
    if fact.aspect == "nullable":
        kept = [kind for kind in listed if kind != "null"]
        changed["type"] = flow([*kept, "null"]) if fact.value else kept[0]
    elif fact.aspect == "type":
        kind = "object" if str(fact.value).startswith("map") else fact.value
        changed["type"] = flow([kind, "null"]) if "null" in listed else kind
        for word in (*CONSTRAINTS, "enum", "items", "properties", "additionalProperties"):
            if not _suits(word, str(kind)):
                changed.pop(word, None)
        if str(fact.value).startswith("map"):
            changed["additionalProperties"] = True
    elif fact.aspect == "prefix":
        changed["pattern"] = f"^{fact.value}"
    else:
        changed[fact.aspect] = fact.value
    return changed


_SUITING: Final[dict[str, set[str]]] = {
    "string": {"minLength", "maxLength", "pattern", "format", "enum", "default"},
    "number": {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"},
    "integer": {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"},
    "array": {"minItems", "maxItems", "items"},
    "object": {"properties", "additionalProperties"},
}


def _suits(word: str, kind: str) -> bool:
    """Whether a keyword says something of a type."""
    return word in _SUITING.get(kind, set())


def _name(place: Place) -> str:
    """What a component for a place would be called."""
    words = re.findall(r"[A-Za-z0-9]+", f"{place.operation.split('/')[-1]} {place.field}")
    return "".join(word[:1].upper() + word[1:] for word in words)


def _in(place: Place, root: Place) -> bool:
    return (place.operation, place.part) == (root.operation, root.part)


def _drop(body: Any, field: str, name: str) -> bool:
    """Take a member out of the objects at a place of a sample; whether there was one."""
    found = [body]
    for step in re.findall(r"[\w-]+|\[\]|\{\}", field):
        inner: list[Any] = []
        for node in found:
            if step == "[]":
                inner += node if isinstance(node, list) else []
            elif isinstance(node, dict):
                inner += node.values() if step == "{}" else [node.get(step)]
        found = inner
    objects = [node for node in found if isinstance(node, dict) and name in node]
    for node in objects:
        del node[name]
    return bool(objects)


def touched(edits: Iterable[Edit]) -> set[Pointer]:
    """The lists and mappings whose order or length edits change, and nodes that go."""
    return {
        edit.pointer if edit.kind == "append" else edit.pointer[:-1]
        for edit in edits
        if edit.kind != "set"
    } | {edit.pointer for edit in edits}
