"""Pairs of contracts whose answer the meaning decides: `meaning/*.yaml`, the reason with each.

A change is breaking when a request that was accepted may be refused or mean something else, or
when an answer may come that a client written for the old contract does not understand.
`unsure`: the documents do not say enough, so that risky is as right as breaking.
"""

from __future__ import annotations

import copy
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from flora_contract.diff.reading.sources import contract
from flora_contract.diff.release.comparison import Comparison, compare
from flora_contract.diff.rules import Level, rules
from flora_contract.openapi import Document, load

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Json = dict[str, Any]

FOLDER = Path(__file__).parent / "meaning"
RIGHT: dict[str, set[Level | None]] = {
    "breaking": {Level.BREAKING},
    "unsure": {Level.BREAKING, Level.RISKY},
    "unsure_or_safe": {Level.RISKY, Level.SAFE, None},
    "safe": {Level.SAFE, None},
}
SCHEMES: Json = {
    "key": {"type": "apiKey", "in": "header", "name": "X-Key"},
    "other": {"type": "apiKey", "in": "header", "name": "x-key"},
    "bearer": {"type": "http", "scheme": "bearer"},
    "login": {
        "type": "oauth2",
        "flows": {"clientCredentials": {"tokenUrl": "/token", "scopes": {"read": "", "write": ""}}},
    },
}
BODIES: Json = {
    "A": {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]},
    "B": {"type": "object", "properties": {"b": {"type": "string"}}, "required": ["b"]},
}


def merged(tree: Json, fragment: Json) -> Json:
    """A tree with a fragment laid over it; null takes away."""
    for key, value in fragment.items():
        if value is None:
            tree.pop(key, None)
        elif isinstance(value, dict) and isinstance(tree.get(key), dict):
            merged(tree[key], value)
        else:
            tree[key] = copy.deepcopy(value)
    return tree


def plain(**operation: Any) -> Json:
    """A contract with one operation."""
    return {
        "openapi": "3.1.0",
        "info": {"title": "Shop", "version": "1.0.0"},
        "paths": {"/orders": {"post": {"responses": {"200": {"description": "d"}}, **operation}}},
        "components": {"securitySchemes": copy.deepcopy(SCHEMES)},
    }


def answering(response: Json) -> Json:
    return {"responses": {"200": {"description": "d", **response}}}


def of_document(fragment: Json) -> Json:
    return merged(plain(), fragment)


def of_operation(fragment: Json) -> Json:
    return of_document({"paths": {"/orders": {"post": fragment}}})


def of_responses(named: dict[str, str]) -> Json:
    found = {
        status: {"description": "d", "content": {"application/json": {"schema": BODIES[name]}}}
        for status, name in named.items()
    }
    tree = plain()
    tree["paths"]["/orders"]["post"]["responses"] = found
    return tree


def parameter(where: str) -> Callable[[Json], Json]:
    def of(schema: Json) -> Json:
        given: Json = {"name": "q", "in": where, "schema": schema}
        tree = plain(parameters=[{**given, "required": True} if where == "path" else given])
        if where == "path":
            tree["paths"] = {"/orders/{q}": tree["paths"]["/orders"]}
        return tree

    return of


def body(schema: Json, media: str) -> Json:
    return {"requestBody": {"content": {media: {"schema": schema}}}}


def hook(operation: Json) -> Json:
    return of_document({"webhooks": {"w": {"post": {"responses": {}, **operation}}}})


PLACES: dict[str, Callable[[Any, str], Json]] = {
    "document": lambda fragment, _: of_document(fragment),
    "operation": lambda fragment, _: of_operation(fragment),
    "responses": lambda named, _: of_responses(named),
    "parameter": lambda one, _: plain(parameters=[one]),
    "request-content": lambda content, _: plain(requestBody={"content": content}),
    "response-content": lambda content, _: plain(**answering({"content": content})),
    "response-object": lambda response, _: plain(**answering(response)),
    "request": lambda schema, media: plain(**body(schema, media)),
    "response": lambda schema, media: plain(**answering({"content": {media: {"schema": schema}}})),
    "answer-header": lambda schema, _: plain(**answering({"headers": {"X-Q": {"schema": schema}}})),
    "webhook": lambda schema, media: hook(body(schema, media)),
    "webhook-answer": lambda schema, media: hook(
        answering({"content": {media: {"schema": schema}}})
    ),
    "callback": lambda schema, media: of_operation(
        {"callbacks": {"c": {"{$url}": {"post": {"responses": {}, **body(schema, media)}}}}}
    ),
    **{
        where: lambda schema, _, where=where: parameter(where)(schema)  # type: ignore[misc]
        for where in ("query", "path", "header", "cookie")
    },
}

A = {"$ref": "#/components/schemas/Deep"}
WITHIN: dict[str, Callable[[Json], tuple[Json, Json]]] = {
    "items": lambda one: ({"type": "array", "items": one}, {}),
    "property": lambda one: ({"type": "object", "properties": {"p": one}}, {}),
    "rest": lambda one: ({"type": "object", "additionalProperties": one}, {}),
    "pattern": lambda one: ({"type": "object", "patternProperties": {"^p": one}}, {}),
    "tuple": lambda one: ({"type": "array", "prefixItems": [{"type": "boolean"}, one]}, {}),
    "anyOf": lambda one: ({"anyOf": [{"type": "boolean"}, one]}, {}),
    "oneOf": lambda one: ({"oneOf": [{"type": "boolean"}, one]}, {}),
    "allOf": lambda one: ({"allOf": [{"description": "d"}, one]}, {}),
    "reference": lambda one: ({"type": "object", "properties": {"p": A}}, one),
    "recursive": lambda one: (A, {"type": "object", "properties": {"p": one, "more": A}}),
    "then": lambda one: (
        {"type": "object", "if": {"required": ["k"]}, "then": {"properties": {"p": one}}},
        {},
    ),
    "dependent": lambda one: (
        {"type": "object", "dependentSchemas": {"k": {"properties": {"p": one}}}},
        {},
    ),
    "not": lambda one: ({"not": one}, {}),
    "if": lambda one: ({"type": ["number", "string"], "if": one, "then": {"maximum": 5}}, {}),
}


class Row:
    """A pair, where it stands, and what it means."""

    def __init__(self, file: str, entry: Json, place: str, wrap: str | None) -> None:
        self.name = f"{file}: {place}{f' in {wrap}' if wrap else ''}: {entry['why']}"
        self.means: str = entry[place]
        self.told = entry.get("told", False)
        self._entry, self._place, self._wrap = entry, place, wrap

    def __repr__(self) -> str:
        return self.name

    def trees(self) -> Iterator[Json]:
        for index, side in enumerate(("old", "new")):
            fragment = copy.deepcopy(self._entry[side])
            shared = copy.deepcopy(self._entry.get("shared", {}))
            if self._wrap:
                fragment, deep = WITHIN[self._wrap](fragment)
                shared |= {"Deep": deep} if deep else {}
            tree = PLACES[self._place](fragment, self._entry.get("media", "application/json"))
            if shared:
                merged(tree, {"components": {"schemas": shared}})
            around = self._entry.get("base", {})
            merged(tree, around if side == "old" else self._entry.get("revision", around))
            tree["openapi"] = self._entry.get("openapi", ("3.1.0", "3.1.0"))[index]
            yield tree


def rows() -> list[Row]:
    return [
        Row(file.stem, entry, place, wrap)
        for file in sorted(FOLDER.glob("*.yaml"))
        for entry in read(file)
        for place in PLACES
        if place in entry
        for wrap in entry.get("within", [None])
    ]


def read(file: Path) -> list[Json]:
    entries: list[Json] = load(file).tree["pairs"]
    return entries


def compared(row: Row) -> Comparison:
    base, revision = (
        contract(Document(tree, side)) for tree, side in zip(row.trees(), "ab", strict=True)
    )
    return compare(base, revision)


def worst(comparison: Comparison) -> Level | None:
    levels = [one.level for one in comparison.changes if rules()[one.id].area != "info"]
    return min(levels, key=lambda level: level.rank, default=None)


@pytest.mark.parametrize("row", rows(), ids=repr)
def test_the_answer_is_what_the_meaning_decides(row: Row) -> None:
    comparison = compared(row)
    told = [f"{one.level} {one.id}: {one.message}" for one in comparison.changes]
    assert worst(comparison) in RIGHT[row.means], told
    if row.told:
        assert told


def test_the_table_is_large_enough() -> None:
    assert len(rows()) >= 150
