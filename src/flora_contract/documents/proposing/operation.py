"""An operation that sources state and the contract lacks, drafted as edits of openapi.yaml.

What no source says is not made up: a person writes the words, and answers the questions.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from itertools import count, pairwise
from typing import TYPE_CHECKING, Any, Final

from flora_contract.documents.checking.evidence import wanted
from flora_contract.documents.facts.fact import Place
from flora_contract.documents.proposing.schemas import Drafts, flow, singular, title
from flora_contract.documents.sources.kinds import DRAFTED
from flora_contract.openapi import Edit

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from flora_contract.documents.checking.claims import Claims
    from flora_contract.documents.checking.evidence import Evidence
    from flora_contract.documents.proposing.schemas import Stated
    from flora_contract.openapi import Document

_VERBS: Final = {
    "GET": "get",
    "POST": "create",
    "PUT": "replace",
    "PATCH": "update",
    "DELETE": "delete",
}
_PAGED: Final = "meta"


class NewOperations:
    """Drafts of operations, each of which may use the components of those before it."""

    def __init__(self, document: Document, made: Claims, stated: Evidence) -> None:
        self.document = document
        self.made = made
        at: dict[Place, list[Stated]] = defaultdict(list)
        for page, fact in stated.current:
            at[fact.place].append((page, fact))
        self.drafts = Drafts(document, at)
        self.of: dict[str, list[Place]] = defaultdict(list)
        for place in at:
            self.of[place.operation].append(place)
        self.ids = {found.node.get("operationId") for found in document.operations()}
        self.tags = {tag["name"] for tag in document.tree.get("tags", [])}
        self.paths = set(document.tree.get("paths", {}))

    def edits(self, operations: Iterable[str]) -> tuple[list[Edit], list[str]]:
        """The edits that add operations with what they need, and what a person has to decide."""
        edits: list[Edit] = []
        asked: list[str] = []
        for name in operations:
            new = self.draft(name)
            method, node = new.method.lower(), new.node()
            if new.path in self.paths:
                edits.append(Edit("set", ("paths", new.path, method), node))
            else:
                edits.append(Edit("set", ("paths", new.path), {method: node}))
            if new.tag not in self.tags:
                described = f"Operations of /{new.path.split('/')[1]}."
                edits.append(Edit("append", ("tags",), {"name": new.tag, "description": described}))
            if name in self.document.tree.get("x-undescribed", {}):
                edits.append(Edit("delete", ("x-undescribed", name)))
            self.ids.add(new.id)
            self.tags.add(new.tag)
            self.paths.add(new.path)
            asked += new.questions()
        return edits + self.added(), asked

    def draft(self, operation: str) -> NewOperation:
        """A draft of one operation."""
        return NewOperation(self, operation)

    def added(self) -> list[Edit]:
        """The components that drafts need."""
        return [
            Edit("set", ("components", "schemas", name), schema)
            for name, schema in self.drafts.added.items()
        ]


class NewOperation:
    """A draft of one operation."""

    def __init__(self, drafting: NewOperations, operation: str) -> None:
        self.document = drafting.document
        self.made = drafting.made
        self.drafts = drafting.drafts
        self.at = drafting.drafts.at
        self.places = drafting.of[operation]
        self.everywhere = drafting.of["API"]
        self.operation = operation
        self.method, self.path = operation.split(" ", 1)
        named = _identifiers(self.method, self.path, listed=self._lists())
        self.id = next(name for name in named if name not in drafting.ids)

    def questions(self) -> list[str]:
        """What a person has to decide."""
        asked = [f"{self.operation}: write its summary and description"]
        if not self._statuses("2"):
            asked.append(
                f"{self.operation}: its status is {self.success} here, and no source says so:"
                " 200, 201, 202 or 204?"
            )
        return asked

    @property
    def tag(self) -> str:
        return title(self.path.split("/")[1])

    @property
    def success(self) -> str:
        stated = self._statuses("2")
        return stated[0] if stated else "200"

    def node(self) -> dict[str, Any]:
        """The operation as it stands under its path."""
        place = Place(self.operation)
        words = re.sub(r"(?<!^)([A-Z])", lambda found: f" {found[1].lower()}", self.id)
        labels = self.drafts.labels(place)
        facts = self.at.get(place, ())
        says = [DRAFTED[str(fact.value)] for _, fact in facts if fact.aspect == "says"]
        node: dict[str, Any] = {
            "operationId": self.id,
            "tags": flow([self.tag]),
            "summary": words[0].upper() + words[1:],
            "description": " ".join(
                [f"{self.operation}, as {' and '.join(labels)} has it.", *says]
            ),
        }
        if self.drafts.said(place).get("deprecated"):
            node["deprecated"] = True
        node["x-source"] = labels
        if parameters := self.parameters():
            node["parameters"] = parameters
        body = Place(self.operation, "body")
        if body in self.at:
            node["requestBody"] = self.body(body)
        node["responses"] = self.responses()
        return node

    def parameters(self) -> list[dict[str, Any]]:
        found = []
        for place in self.places:
            if place.part not in {"path", "query", "header"}:
                continue
            if not place.field or re.search(r"[\[{<.]", place.field):
                continue
            found.append(self._shared(place) or self.parameter(place))
        order = {name: number for number, name in enumerate(re.findall(r"\{(\w+)\}", self.path))}
        return sorted(found, key=lambda node: order.get(node.get("name", ""), len(order)))

    def parameter(self, place: Place) -> dict[str, Any]:
        node: dict[str, Any] = {"name": place.field, "in": place.part}
        if place.part == "path" or self.drafts.said(place).get("required") is True:
            node["required"] = True
        node["x-source"] = self.drafts.labels(place)
        schema = self.drafts.schema(place, title(place.field))
        return {**node, "schema": schema or {"type": "string"}}

    def _shared(self, place: Place) -> dict[str, Any] | None:
        """The component that a header parameter of the same name is."""
        components = self.document.tree.get("components", {}).get("parameters", {})
        for name, node in components.items():
            if node.get("name") == place.field and node.get("in") == place.part == "header":
                return {"$ref": f"#/components/parameters/{name}"}
        return None

    def body(self, place: Place) -> dict[str, Any]:
        media = self.drafts.said(place).get("media", "application/json")
        schema = self.drafts.schema(place, f"{title(self.id)}Request")
        needed = any(
            fact.value is True
            for inner in self.drafts.inside.get(place, ())
            for deep in (inner, *self.drafts.inside.get(inner, ()))
            for _, fact in self.at[deep]
            if fact.aspect == "required"
        )
        return {
            **({"required": True} if needed else {}),
            "x-source": self.drafts.labels(place),
            "content": {media: {"schema": schema, "example": self.example(schema)}},
        }

    def responses(self) -> dict[str, Any]:
        answer = Place(self.operation, "answer")
        found: dict[str, Any] = {}
        for status in self._statuses("2") or [self.success]:
            stating = [Place(self.operation, "status", status), answer, Place(self.operation)]
            pages = [
                page
                for place in stating[:2]
                for page, fact in self.at.get(place, ())
                if fact.aspect != "wording"
            ]
            labels = wanted(pages) or self.drafts.labels(stating[-1])
            response: dict[str, Any] = {"description": "It is done.", "x-source": flow(labels)}
            if headers := self._headers():
                response["headers"] = headers
            if answer in self.at:
                schema = self.drafts.schema(answer, self._noun())
                content = {"schema": schema, "example": self.example(schema)}
                response["content"] = {"application/json": content}
            found[status] = response
        return {**found, **self._errors()}

    def _errors(self) -> dict[str, Any]:
        """The error answers that are stated everywhere, and those whose code is stated here."""
        places = (*self.everywhere, *self.places)
        everywhere = {place.field for place in places if place.part == "status"}
        codes = [
            fact.value
            for _, fact in self.at.get(Place(self.operation, "error", "error.code"), ())
            if fact.aspect == "value"
        ]
        found: dict[str, Any] = {}
        for pointer, responses in self.made.responses.items():
            for response in responses:
                stated = response.status in everywhere and response.part == "error"
                if pointer[:2] == ("components", "responses") and (
                    stated or response.code in codes
                ):
                    found[response.status] = {"$ref": f"#/components/responses/{pointer[2]}"}
        return dict(sorted(found.items()))

    def _headers(self) -> dict[str, Any]:
        """The headers that every other success has."""
        answers = [
            self.document.at(pointer)
            for pointer, responses in self.made.responses.items()
            if any(response.part == "answer" for response in responses)
        ]
        names = Counter(name for node in answers for name in node.get("headers", {}))
        return {
            name: next(node["headers"][name] for node in answers if name in node.get("headers", {}))
            for name, count in names.items()
            if count == len(answers)
        }

    def _statuses(self, first: str) -> list[str]:
        return [
            place.field
            for place in self.places
            if place.part == "status" and place.field.startswith(first)
        ]

    def _lists(self) -> bool:
        """Whether the answer is one list, with what leads to its next page at most."""
        lists = [p for p in self.places if p.part == "answer" and re.fullmatch(r"\w+\[\]", p.field)]
        return len(lists) == 1

    def _noun(self) -> str:
        """What an answer is called: `TechniquePage` for a page of techniques, else its noun."""
        noun = title(self.id)
        for verb in ("List", "Get"):
            noun = noun.removeprefix(verb) if noun != verb else noun
        if not self._lists() or not self.id.startswith("list"):
            return noun if self.id.startswith("get") else f"{noun}Answer"
        paged = Place(self.operation, "answer", _PAGED) in self.at
        return f"{singular(noun)}{'Page' if paged else 'List'}"

    def example(self, schema: Any, name: str = "", depth: int = 0) -> Any:
        """The least that a schema takes, ids as they are shown elsewhere."""
        if depth > 12 or not isinstance(schema, dict):
            return None
        if "$ref" in schema:
            known = self.drafts.components[schema["$ref"].rpartition("/")[2]]
            return self.example(known, name, depth + 1)
        if "anyOf" in schema:
            return self.example(schema["anyOf"][0], name, depth + 1)
        if schema.get("examples"):
            return schema["examples"][0]
        if "enum" in schema:
            return schema["enum"][0]
        kind = schema.get("type", "string")
        kind = kind if isinstance(kind, str) else kind[0]
        if kind == "object":
            members = schema.get("properties", {})
            return {
                n: self.example(members[n], n, depth + 1)
                for n in schema.get("required", ())
                if n in members
            }
        if kind == "array":
            return [self.example(schema.get("items", {}), singular(name), depth + 1)]
        plain: dict[str, Any] = {"number": 0, "integer": 0, "boolean": False}
        return max(plain[kind], schema.get("minimum", 0)) if kind in plain else _text(schema, name)


def _text(schema: dict[str, Any], name: str) -> str:
    if schema.get("format") == "uri":
        return "https://example.com"
    prefix = re.match(r"\^(\w+_)", schema.get("pattern", ""))
    return f"{prefix[1]}abc123" if prefix else name or "text"


def _identifiers(method: str, path: str, *, listed: bool) -> Iterator[str]:
    """Names for an operation, the plainest first: `listTechniques`, `completeAsset`."""
    words = path.strip("/").split("/")
    static = [word for word in words if not word.startswith("{")]
    named = {word for word, after in pairwise(words) if after.startswith("{")}
    last = static[-1]
    owners = [title(singular(word)) for word in static[:-1] if word in named]
    kinds = [title(singular(word)) for word in static[:-1] if word not in named]
    owner = "".join(owners)
    acts = method == "POST" and words[-1] == last and last == singular(last)
    if method == "GET" and listed and words[-1] == last:
        yield f"list{owner}{title(last)}"
    elif acts and owners:
        yield f"{title(last)[:1].lower()}{title(last)[1:]}{owner}"
    else:
        verb = _VERBS[method]
        yield f"{verb}{owner}{title(singular(last))}{''.join(kinds) if acts else ''}"
    for number in count(2):
        yield f"{_VERBS[method]}{''.join(title(word) for word in static)}{number or ''}"
