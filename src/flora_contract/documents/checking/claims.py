"""The contract as claims: what each of its nodes says about the places where it is used.

A schema that several operations share makes its claims at each place it stands at.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from flora_contract.documents.facts.fact import CONSTRAINTS, Place, Scalar, alternatives
from flora_contract.documents.sources.prose import durations
from flora_contract.errors import InputError
from flora_contract.openapi.document import METHODS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flora_contract.openapi import Document, Pointer

_PREFIX = re.compile(r"\^(\w+_)\Z")
_DEEPEST = 12

# Keywords that claim nothing of their own, or are read here by name.
_READ = {
    "$ref",
    "additionalProperties",
    "allOf",
    "anyOf",
    "const",
    "description",
    "discriminator",
    "enum",
    "example",
    "examples",
    "items",
    "oneOf",
    "properties",
    "required",
    "title",
    "type",
}


@dataclass(frozen=True)
class Claim:
    """One statement of the contract about a place, and the node that makes it."""

    place: Place
    aspect: str
    value: Scalar
    pointer: Pointer


@dataclass(frozen=True)
class Response:
    """A response node: an operation it belongs to, its status, the error code of its example."""

    operation: str
    status: str
    code: str | None

    @property
    def part(self) -> str:
        return "answer" if self.status.startswith("2") else "error"


@dataclass
class Claims:
    """All that a contract claims.

    `nodes`: what carries `x-source`, and the places it describes. `unsourced`: what should carry
    it and does not. `examples`: sample values of single fields. `objects`: the schemas that list
    the fields of a place. `sites`: where the schema of a place is written, or referred to.
    """

    document: Document
    claims: list[Claim] = field(default_factory=list)
    nodes: dict[Pointer, set[Place]] = field(default_factory=dict)
    responses: dict[Pointer, set[Response]] = field(default_factory=dict)
    samples: dict[Pointer, set[Place]] = field(default_factory=dict)
    unsourced: list[Pointer] = field(default_factory=list)
    examples: list[Claim] = field(default_factory=list)
    descriptions: dict[Place, str] = field(default_factory=dict)
    conflicts: dict[Place, set[str]] = field(default_factory=dict)
    undescribed: dict[str, list[str]] = field(default_factory=dict)
    objects: dict[Place, list[Pointer]] = field(default_factory=dict)
    sites: dict[Place, Pointer] = field(default_factory=dict)


def claims(document: Document) -> Claims:
    """Read a contract. Raises InputError when it is none, or a reference leads nowhere."""
    made = Claims(document)
    try:
        made.undescribed = document.tree.get("x-undescribed", {})
        _Walk(made).everything()
    except (AttributeError, KeyError, TypeError) as error:
        problem = f"not a contract that can be read ({error}): see flora-contract lint"
        raise InputError(f"{document.file}: {problem}") from None
    return made


class _Walk:
    def __init__(self, made: Claims) -> None:
        self.made = made
        self.document = made.document
        self.read: set[tuple[Pointer, Place]] = set()
        self.unions: dict[Place, Pointer] = {}
        self.fields: dict[Place, dict[str, Pointer]] = {}
        self.required: dict[Place, dict[str, Pointer]] = {}

    def everything(self) -> None:
        tree = self.document.tree
        for index, server in enumerate(tree.get("servers", [])):
            place = Place("API", "server")
            self.describe(("servers", index), place)
            self.claim(place, "url", server["url"], ("servers", index, "url"))
        for name, scheme in tree.get("components", {}).get("securitySchemes", {}).items():
            place = Place("API", "security")
            pointer: Pointer = ("components", "securitySchemes", name)
            self.describe(pointer, place)
            self.claim(place, "scheme", scheme.get("scheme"), (*pointer, "scheme"))
        for path, item in tree.get("paths", {}).items():
            for method in METHODS:
                if method in item:
                    self.operation(Place(f"{method.upper()} {path}"), ("paths", path, method))
        self.settle()

    def operation(self, place: Place, pointer: Pointer) -> None:
        node = self.document.at(pointer)
        self.describe(pointer, place)
        self.claim(place, "is", "operation", pointer)
        if "deprecated" in node:
            self.claim(place, "deprecated", node["deprecated"], (*pointer, "deprecated"))
        item = pointer[:-1]
        shared = self.document.at(item).get("parameters", [])
        for index in range(len(shared)):
            self.parameter(place, (*item, "parameters", index))
        for index in range(len(node.get("parameters", []))):
            self.parameter(place, (*pointer, "parameters", index))
        if "requestBody" in node:
            self.body(Place(place.operation, "body"), (*pointer, "requestBody"))
        for status in node.get("responses", {}):
            self.response(place, status, (*pointer, "responses", status))

    def parameter(self, operation: Place, pointer: Pointer) -> None:
        pointer = self.follow(pointer)
        node = self.document.at(pointer)
        place = Place(operation.operation, node["in"], node["name"])
        self.describe(pointer, place)
        self.claim(place, "is", "parameter", pointer)
        at = (*pointer, "required") if "required" in node else pointer
        self.claim(place, "required", node.get("required", False), at)
        self.example(pointer, place)
        if "schema" in node:
            self.schema((*pointer, "schema"), place)

    def body(self, place: Place, pointer: Pointer) -> None:
        pointer = self.follow(pointer)
        node = self.document.at(pointer)
        self.describe(pointer, place)
        at = (*pointer, "required") if "required" in node else pointer
        self.claim(place, "required", node.get("required", False), at)
        self.content(place, pointer)

    def response(self, operation: Place, status: str, pointer: Pointer) -> None:
        self.claim(Place(operation.operation, "status", status), "is", "response", pointer)
        pointer = self.follow(pointer)
        node = self.document.at(pointer)
        self.sourced(pointer)
        response = Response(operation.operation, status, _error_code(node))
        self.made.responses.setdefault(pointer, set()).add(response)
        place = Place(operation.operation, response.part)
        self.content(place, pointer)
        for name in node.get("headers", {}):
            header = self.follow((*pointer, "headers", name))
            at = Place("API", "answer-header", name)
            self.describe(header, at)
            self.claim(at, "is", "parameter", header)
            self.schema((*header, "schema"), at)

    def content(self, place: Place, pointer: Pointer) -> None:
        for media, node in self.document.at(pointer).get("content", {}).items():
            at = (*pointer, "content", media)
            if place.part == "body":
                self.claim(place, "media", media, at)
            if "schema" in node:
                self.schema((*at, "schema"), place)
            if "example" in node:
                self.made.samples.setdefault((*at, "example"), set()).add(place)
            for name in node.get("examples", {}):
                sample = self.follow((*at, "examples", name))
                self.sourced(sample)
                self.made.samples.setdefault((*sample, "value"), set()).add(place)

    def schema(self, pointer: Pointer, place: Place) -> None:
        """A schema, with all that it refers to and consists of."""
        deep = place.field.count(".") + place.field.count("[") > _DEEPEST
        if deep or (pointer, place) in self.read:
            return
        self.read.add((pointer, place))
        self.made.sites.setdefault(place, pointer)
        node = self.document.at(pointer)
        self.describe(pointer, place, must=False)
        self.example(pointer, place)
        if "$ref" in node:
            self.schema(self.target(node["$ref"]), place)
        self.alternatives(pointer, node, place)
        self.keywords(pointer, node, place)
        self.members(pointer, node, place)
        if "items" in node:
            self.schema((*pointer, "items"), place.items())
        if isinstance(node.get("additionalProperties"), dict):
            self.schema((*pointer, "additionalProperties"), place.values())

    def alternatives(self, pointer: Pointer, node: dict[str, Any], place: Place) -> None:
        for index in range(len(node.get("allOf", []))):
            self.schema((*pointer, "allOf", index), place)
        for keyword in ("anyOf", "oneOf"):
            ways: list[Pointer] = []
            for index, branch in enumerate(node.get(keyword, [])):
                at = (*pointer, keyword, index)
                if branch.get("type") == "null":
                    self.claim(place, "nullable", value=True, pointer=at)
                else:
                    ways.append(at)
            if len(ways) < 2:
                for way in ways:
                    self.schema(way, place)
                continue
            self.unions[place] = (*pointer, keyword)
            schemas = [self.document.at(self.follow(way)) for way in ways]
            for way, name in zip(ways, alternatives(map(_sketch, schemas)), strict=True):
                self.schema(way, place.alternative(name))

    def members(self, pointer: Pointer, node: dict[str, Any], place: Place) -> None:
        if "properties" in node:
            self.made.objects.setdefault(place, []).append(pointer)
        for name in node.get("required", []):
            at = (*pointer, "required", node["required"].index(name))
            self.required.setdefault(place, {})[name] = at
        for name in node.get("properties", {}):
            at = (*pointer, "properties", name)
            self.fields.setdefault(place, {})[name] = at
            self.sourced(at)
            self.schema(at, place.child(name))

    def keywords(self, pointer: Pointer, node: dict[str, Any], place: Place) -> None:
        types = node["type"] if isinstance(node.get("type"), list) else [node.get("type")]
        for name in types:
            at = (*pointer, "type")
            if name == "null":
                self.claim(place, "nullable", value=True, pointer=at)
            elif name is not None:
                mapped = name == "object" and bool(node.get("additionalProperties"))
                self.claim(place, "type", "map" if mapped else name, at)
        for keyword in ("enum", "x-extensible-enum"):
            for index, value in enumerate(node.get(keyword, [])):
                self.claim(place, "value", value, (*pointer, keyword, index))
        if "const" in node:
            self.claim(place, "value", node["const"], (*pointer, "const"))
        for keyword, value in node.items():
            prefix = _PREFIX.match(value) if keyword == "pattern" else None
            if prefix is not None:
                self.claim(place, "prefix", prefix[1], (*pointer, keyword))
            elif keyword not in _READ and not keyword.startswith("x-"):
                aspect = keyword if keyword in CONSTRAINTS else f"keyword {keyword}"
                self.claim(place, aspect, _scalar(value), (*pointer, keyword))

    def settle(self) -> None:
        """What follows from the whole: which fields are required, what is not nullable."""
        for place, fields in self.fields.items():
            required = self.required.get(place, {})
            for name, pointer in fields.items():
                self.claim(
                    place.child(name), "required", name in required, required.get(name, pointer)
                )
        for place, names in self.required.items():
            for name in names.keys() - self.fields.get(place, {}).keys():
                self.claim(place.child(name), "required", value=True, pointer=names[name])
        nullable = {c.place for c in self.made.claims if c.aspect == "nullable"}
        typed = {c.place: c.pointer for c in reversed(self.made.claims) if c.aspect == "type"}
        for place, pointer in (typed | self.unions).items():
            if place not in nullable:
                self.claim(place, "nullable", value=False, pointer=pointer)

    def claim(self, place: Place, aspect: str, value: Scalar, pointer: Pointer) -> None:
        self.made.claims.append(Claim(place, aspect, value, pointer))

    def example(self, pointer: Pointer, place: Place) -> None:
        node = self.document.at(pointer)
        examples = node.get("examples", [])
        if "example" in node:
            self.made.examples.append(
                Claim(place, "example", _scalar(node["example"]), (*pointer, "example"))
            )
        if isinstance(examples, list):
            for index, value in enumerate(examples):
                at = (*pointer, "examples", index)
                self.made.examples.append(Claim(place, "example", _scalar(value), at))

    def describe(self, pointer: Pointer, place: Place, *, must: bool = True) -> None:
        """Note a node's sources, words and conflicts for the place it stands at."""
        node = self.document.at(pointer)
        if "x-source" in node:
            self.made.nodes.setdefault(pointer, set()).add(place)
        elif must:
            self.sourced(pointer)
        for _, duration in durations(node.get("description", "")):
            self.claim(place, "duration", duration, (*pointer, "description"))
        words = (self.made.descriptions.get(place, ""), node.get("description", ""))
        self.made.descriptions[place] = " ".join(words)
        self.made.conflicts.setdefault(place, set()).update(node.get("x-conflict", []))

    def sourced(self, pointer: Pointer) -> None:
        if "x-source" not in self.document.at(pointer) and pointer not in self.made.unsourced:
            self.made.unsourced.append(pointer)

    def follow(self, pointer: Pointer) -> Pointer:
        while "$ref" in self.document.at(pointer):
            pointer = self.target(self.document.at(pointer)["$ref"])
        return pointer

    def target(self, reference: str) -> Pointer:
        document, pointer = self.document.find(reference)
        if document is not self.document:
            raise InputError(f"{self.document.file}: the check does not follow {reference}")
        return pointer


def _sketch(schema: dict[str, Any]) -> tuple[str, dict[str, Scalar]]:
    """What tells a schema from its alternatives: its type, and members of one value."""
    kind = schema.get("type", "object")
    constants: dict[str, Scalar] = {}
    for name, member in schema.get("properties", {}).items():
        values = [member["const"]] if "const" in member else member.get("enum", [])
        if len(values) == 1:
            constants[name] = values[0]
    return kind if isinstance(kind, str) else kind[0], constants


def _scalar(value: Any) -> Scalar:
    return value if isinstance(value, Scalar) else json.dumps(value)


def _error_code(response: dict[str, Any]) -> str | None:
    for media in response.get("content", {}).values():
        for body in _examples(media):
            if isinstance(body, dict) and isinstance(body.get("error"), dict):
                code = body["error"].get("code")
                return code if isinstance(code, str) else None
    return None


def _examples(media: dict[str, Any]) -> Iterator[Any]:
    if "example" in media:
        yield media["example"]
    for example in media.get("examples", {}).values():
        yield example.get("value")
