"""For each rule two small contracts that it tells apart: for tests, and for the page of rules."""

from __future__ import annotations

import copy
import datetime as dt
from dataclasses import dataclass, field
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from flora_contract.diff.operations.lifecycle import Policy
from flora_contract.diff.rules import PLACES, rules

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Tree = dict[str, Any]

TODAY = dt.date(2026, 1, 1)
STRICT = Policy({"stable": 30}, TODAY)
PLAIN = Policy({}, TODAY)


def _suffixes() -> list[str]:
    """The rows of the matrix of rules, in its order."""
    text = files("flora_contract.diff").joinpath("schema_rules.tsv").read_text(encoding="utf-8")
    return [line.partition("\t")[0] for line in text.splitlines()[1:]]


@dataclass(frozen=True)
class Example:
    """Two contracts between which a rule fires."""

    rule_id: str
    base: Tree
    revision: Tree
    policy: Policy = field(default=PLAIN)


def examples() -> dict[str, Example]:
    """One example for each rule."""
    found = {}
    for example in (
        *_of_schemas(),
        *_of_lives(),
        *_of_properties(),
        *_of_operations(),
        *_of_roots(),
    ):
        assert example.rule_id in rules(), example.rule_id
        assert example.rule_id not in found, example.rule_id
        found[example.rule_id] = example
    return found


# Contracts to put things into


def contract(operation: Tree | None = None, **root: Any) -> Tree:
    """A contract with one operation, `GET /orders`, and what is given."""
    tree = {
        "openapi": "3.1.0",
        "info": {"title": "Shop", "version": "1.0.0"},
        "paths": {"/orders": {"get": {"responses": {"204": {"description": "Done"}}}}},
    }
    tree["paths"]["/orders"]["get"].update(operation or {})  # type: ignore[index] # built above
    return copy.deepcopy({**tree, **root})


def standing(place: str, schema: Any, media_type: str = "application/json") -> Tree:
    """A contract in which a schema stands at a place: a column of the matrix of rules."""
    if place in {"PP", "QF", "SF", "HP"}:
        schema = {"type": "object", "properties": {"p": schema}}
    match place:
        case "P":
            return contract({"parameters": [{"name": "q", "in": "query", "schema": schema}]})
        case "PP":
            parameter = {"name": "q", "in": "query", "style": "deepObject", "schema": schema}
            return contract({"parameters": [parameter]})
        case "QB" | "QF":
            return contract({"requestBody": {"content": {media_type: {"schema": schema}}}})
        case "SB" | "SF":
            return contract(answer({"content": {media_type: {"schema": schema}}}))
        case _:
            return contract(answer({"headers": {"X-Q": {"schema": schema}}}))


def answer(response: Tree, status: str = "200") -> Tree:
    """An operation with one response."""
    return {"responses": {status: {"description": "Done", **response}}}


# Schemas: every row of the matrix, in every column

_A = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}
_B = {"type": "object", "properties": {"b": {"type": "string"}}, "required": ["b"]}
_C = {"type": "object", "properties": {"c": {"type": "string"}}, "required": ["c"]}
_TEXT = {"type": "string"}
_NUMBER = {"type": "number"}
_LIST = {"type": "array"}
_OBJECT = {"type": "object"}
_WORDS = {"description": "Only words."}
_ONE = {"oneOf": [_A, _B]}
_MAPPED = {"propertyName": "kind", "mapping": {"a": "A"}}

# (id ending one way, and the other way, schema before, and after)
_EDITS: list[tuple[str, str | None, Any, Any]] = [
    ("type-generalized", "type-specialized", {"type": "integer"}, _NUMBER),
    ("list-of-types-narrowed", "list-of-types-widened", {"oneOf": [_TEXT, _NUMBER]}, _TEXT),
    ("became-nullable", "became-not-nullable", _TEXT, {"type": ["string", "null"]}),
    ("became-enum", "became-not-enum", _TEXT, {**_TEXT, "enum": ["a", "b"]}),
    (
        "enum-value-added",
        "enum-value-removed",
        {**_TEXT, "enum": ["a"]},
        {**_TEXT, "enum": ["a", "b"]},
    ),
    (
        "x-extensible-enum-value-added",
        "x-extensible-enum-value-removed",
        {**_TEXT, "x-extensible-enum": ["a"]},
        {**_TEXT, "x-extensible-enum": ["a", "b"]},
    ),
    ("const-added", "const-removed", _TEXT, {"type": "string", "const": "a"}),
    ("const-changed", None, {"const": "a"}, {"const": "b"}),
    ("default-value-added", "default-value-removed", _TEXT, {**_TEXT, "default": "a"}),
    ("default-value-changed", None, {**_TEXT, "default": "a"}, {**_TEXT, "default": "b"}),
    ("pattern-added", "pattern-removed", _TEXT, {**_TEXT, "pattern": "^a"}),
    ("pattern-changed", None, {**_TEXT, "pattern": "^a"}, {**_TEXT, "pattern": "^b"}),
    ("pattern-generalized", None, {**_TEXT, "pattern": "^a"}, {**_TEXT, "pattern": ".*"}),
    ("multiple-of-set", "multiple-of-unset", _NUMBER, {**_NUMBER, "multipleOf": 5}),
    (
        "multiple-of-specialized",
        "multiple-of-generalized",
        {**_NUMBER, "multipleOf": 5},
        {**_NUMBER, "multipleOf": 10},
    ),
    (
        "multiple-of-changed",
        None,
        {**_NUMBER, "multipleOf": 5},
        {**_NUMBER, "multipleOf": 7},
    ),
    ("unique-items-set", "unique-items-unset", _LIST, {**_LIST, "uniqueItems": True}),
    (
        "additional-properties-closed",
        "additional-properties-opened",
        _OBJECT,
        {**_OBJECT, "additionalProperties": False},
    ),
    (
        "additional-properties-schema-added",
        "additional-properties-schema-removed",
        _OBJECT,
        {**_OBJECT, "additionalProperties": _TEXT},
    ),
    (
        "pattern-property-added",
        "pattern-property-removed",
        _OBJECT,
        {**_OBJECT, "patternProperties": {"^x": _TEXT}},
    ),
    (
        "property-names-added",
        "property-names-removed",
        _OBJECT,
        {**_OBJECT, "propertyNames": {"maxLength": 8}},
    ),
    (
        "dependent-required-added",
        "dependent-required-removed",
        _OBJECT,
        {**_OBJECT, "dependentRequired": {"card": ["address"]}},
    ),
    (
        "dependent-required-changed",
        None,
        {**_OBJECT, "dependentRequired": {"card": ["address"]}},
        {**_OBJECT, "dependentRequired": {"card": ["name"]}},
    ),
    (
        "dependent-schema-added",
        "dependent-schema-removed",
        _OBJECT,
        {**_OBJECT, "dependentSchemas": {"card": {"required": ["address"]}}},
    ),
    (
        "unevaluated-properties-added",
        "unevaluated-properties-removed",
        _OBJECT,
        {**_OBJECT, "unevaluatedProperties": False},
    ),
    (
        "unevaluated-items-added",
        "unevaluated-items-removed",
        _LIST,
        {**_LIST, "unevaluatedItems": False},
    ),
    ("items-added", "items-removed", _LIST, {**_LIST, "items": _TEXT}),
    ("contains-added", "contains-removed", _LIST, {**_LIST, "contains": _TEXT}),
    (
        "prefix-items-added",
        "prefix-items-removed",
        {**_LIST, "prefixItems": [_TEXT], "items": _TEXT},
        {**_LIST, "prefixItems": [_TEXT, _NUMBER], "items": _TEXT},
    ),
    (
        "if-added",
        "if-removed",
        _OBJECT,
        {**_OBJECT, "if": {"required": ["card"]}, "then": {"required": ["address"]}},
    ),
    (
        "then-added",
        "then-removed",
        {**_OBJECT, "if": {"required": ["card"]}},
        {**_OBJECT, "if": {"required": ["card"]}, "then": {"required": ["address"]}},
    ),
    (
        "else-added",
        "else-removed",
        {**_OBJECT, "if": {"required": ["card"]}},
        {**_OBJECT, "if": {"required": ["card"]}, "else": {"required": ["cash"]}},
    ),
    ("not-added", "not-removed", _OBJECT, {**_OBJECT, "not": {"required": ["card"]}}),
    (
        "content-encoding-changed",
        None,
        {**_TEXT, "contentEncoding": "base64"},
        {**_TEXT, "contentEncoding": "base32"},
    ),
    (
        "content-media-type-changed",
        None,
        {**_TEXT, "contentMediaType": "image/png"},
        {**_TEXT, "contentMediaType": "image/jpeg"},
    ),
    (
        "content-schema-added",
        "content-schema-removed",
        {**_TEXT, "contentMediaType": "application/json"},
        {**_TEXT, "contentMediaType": "application/json", "contentSchema": _OBJECT},
    ),
    ("all-of-added", "all-of-removed", {"allOf": [_A, _B]}, {"allOf": [_A, _B, _C]}),
    (
        "all-of-added-annotation-only",
        "all-of-removed-annotation-only",
        {"allOf": [_A, _B]},
        {"allOf": [_A, _B, _WORDS]},
    ),
    ("any-of-added", "any-of-removed", {"anyOf": [_A, _B]}, {"anyOf": [_A, _B, _C]}),
    ("one-of-added", "one-of-removed", _ONE, {"oneOf": [_A, _B, _C]}),
    (
        "wrapped-in-one-of",
        None,
        {"type": "object", "properties": {"a": _TEXT, "b": _NUMBER}},
        _ONE,
    ),
    (
        "discriminator-added",
        "discriminator-removed",
        _ONE,
        {**_ONE, "discriminator": {"propertyName": "kind"}},
    ),
    (
        "discriminator-property-name-changed",
        None,
        {**_ONE, "discriminator": {"propertyName": "kind"}},
        {**_ONE, "discriminator": {"propertyName": "sort"}},
    ),
    (
        "discriminator-mapping-added",
        "discriminator-mapping-deleted",
        {**_ONE, "discriminator": _MAPPED},
        {**_ONE, "discriminator": {"propertyName": "kind", "mapping": {"a": "A", "b": "B"}}},
    ),
    (
        "discriminator-mapping-changed",
        None,
        {**_ONE, "discriminator": _MAPPED},
        {**_ONE, "discriminator": {"propertyName": "kind", "mapping": {"a": "B"}}},
    ),
    (
        "discriminator-kind-added",
        "discriminator-kind-removed",
        {**_OBJECT, "discriminator": {"propertyName": "kind"}},
        {**_OBJECT, "discriminator": {"propertyName": "kind", "mapping": {"a": "#/info"}}},
    ),
    (
        "discriminator-kind-changed",
        None,
        {**_ONE, "discriminator": {"propertyName": "kind"}},
        {**_ONE, "discriminator": {"propertyName": "sort"}},
    ),
    (
        "discriminator-decides",
        "discriminator-decides-no-more",
        _ONE,
        {**_ONE, "discriminator": {"propertyName": "kind"}},
    ),
    (
        "schema-kept",
        None,
        {**_OBJECT, "required": ["a", "b"], "dependentRequired": {"card": ["a"]}},
        {**_OBJECT, "required": ["a", "b"], "dependentRequired": {"card": ["b"]}},
    ),
    ("schema-widened", "schema-narrowed", _ONE, {"anyOf": [_A, _B]}),
    ("schema-changed", None, {"not": _TEXT}, {"not": _NUMBER}),
    ("schema-undecided", None, {"not": {"pattern": "^a"}}, {"not": {"pattern": "^b"}}),
    ("required-name-added", "required-name-removed", _OBJECT, {**_OBJECT, "required": ["x"]}),
    ("became-read-only", "became-not-read-only", _TEXT, {**_TEXT, "readOnly": True}),
    ("became-write-only", "became-not-write-only", _TEXT, {**_TEXT, "writeOnly": True}),
]

_BOUNDS = [
    ("max", "maximum", "number"),
    ("min", "minimum", "number"),
    ("exclusive-max", "exclusiveMaximum", "number"),
    ("exclusive-min", "exclusiveMinimum", "number"),
    ("max-length", "maxLength", "string"),
    ("min-length", "minLength", "string"),
    ("max-items", "maxItems", "array"),
    ("min-items", "minItems", "array"),
    ("max-properties", "maxProperties", "object"),
    ("min-properties", "minProperties", "object"),
    ("max-contains", "maxContains", "array"),
    ("min-contains", "minContains", "array"),
]


def _all_edits() -> dict[str, tuple[Any, Any]]:
    edits: dict[str, tuple[Any, Any]] = {}
    for forth, back, before, after in _EDITS:
        edits[forth] = before, after
        if back is not None:
            edits[back] = after, before
    for name, keyword, kind in _BOUNDS:
        bare: Tree = {"type": kind}
        if keyword.endswith("Contains"):
            bare["contains"] = _TEXT
        low, high = {**bare, keyword: 5}, {**bare, keyword: 8}
        edits[f"{name}-increased"], edits[f"{name}-decreased"] = (low, high), (high, low)
        edits[f"{name}-set"], edits[f"{name}-unset"] = (bare, low), (low, bare)
    return edits


def _typed(place: str, suffix: str) -> tuple[Any, Any, str] | None:
    """Types read differently in different media, so that their examples depend on the place."""
    whole, text = {"type": "integer"}, _TEXT
    json, form, plain = "application/json", "application/x-www-form-urlencoded", "text/plain"
    if suffix == "type-changed":
        backwards = place in {"PP", "H", "HP"}
        return (whole, text, json) if backwards else (text, whole, json)
    if suffix == "type-compatible":
        return (whole, text, form) if place[0] == "Q" else (text, whole, plain)
    return None


def _of_schemas() -> Iterator[Example]:
    edits = _all_edits()
    for suffix in _suffixes():
        for place, prefix in PLACES.items():
            rule_id = f"{prefix}-{suffix}"
            typed = _typed(place, suffix)
            if rule_id not in rules() or (typed is None and suffix not in edits):
                continue
            before, after, media = typed or (*edits[suffix], "application/json")
            yield Example(rule_id, standing(place, before, media), standing(place, after, media))
    before, after = edits["enum-value-removed"]
    rule_id = "response-mediatype-enum-value-removed"
    yield Example(rule_id, standing("SB", before), standing("SB", after))


# Deprecation, sunset and stability


_OLD: Tree = {"deprecated": True}
_SUNSET: Tree = {"deprecated": True, "x-sunset": "2026-12-31"}
_SOON: Tree = {"deprecated": True, "x-sunset": "2026-01-05"}
_NEVER: Tree = {"deprecated": True, "x-sunset": "some day"}
_FAR: Tree = {"deprecated": True, "x-sunset": "2027-12-31"}

_LIVES: dict[str, tuple[Tree, Tree, Policy]] = {
    "deprecated": ({}, _OLD, PLAIN),
    "reactivated": (_OLD, {}, PLAIN),
    "deprecated-with-sunset": ({}, _SUNSET, PLAIN),
    "deprecated-sunset-missing": ({}, _OLD, STRICT),
    "deprecated-sunset-invalid": ({}, _NEVER, PLAIN),
    "sunset-date-too-small": ({}, _SOON, STRICT),
    "sunset-date-changed-too-small": (_FAR, _SOON, STRICT),
    "sunset-deleted": (_SUNSET, _OLD, PLAIN),
    "sunset-parse": (_SUNSET, _NEVER, PLAIN),
    "stability-increased": ({"x-stability-level": "beta"}, {"x-stability-level": "stable"}, PLAIN),
    "stability-decreased": ({"x-stability-level": "stable"}, {"x-stability-level": "beta"}, PLAIN),
}
_OPERATION_LIVES = {
    "endpoint-deprecated": "deprecated",
    "endpoint-reactivated": "reactivated",
    "endpoint-deprecated-with-sunset": "deprecated-with-sunset",
    "api-deprecated-sunset-missing": "deprecated-sunset-missing",
    "api-deprecated-sunset-parse": "deprecated-sunset-invalid",
    "api-sunset-date-too-small": "sunset-date-too-small",
    "api-sunset-date-changed-too-small": "sunset-date-changed-too-small",
    "sunset-deleted": "sunset-deleted",
    "api-stability-increased": "stability-increased",
    "api-stability-decreased": "stability-decreased",
}


def _of_lives() -> Iterator[Example]:
    for place, prefix in PLACES.items():
        for kind, (before, after, policy) in _LIVES.items():
            rule_id = f"{prefix}-{kind}"
            if rule_id not in rules():
                continue
            mount: Callable[[Tree], Tree] = _parameter_with if place == "P" else _schema_with(place)
            yield Example(rule_id, mount(before), mount(after), policy)
    for rule_id, kind in _OPERATION_LIVES.items():
        before, after, policy = _LIVES[kind]
        yield Example(rule_id, contract(before), contract(after), policy)
    for kind in ("deprecated", "reactivated"):
        before, after, policy = _LIVES[kind]
        mount = _schema_with("P")
        yield Example(f"request-parameter-schema-{kind}", mount(before), mount(after), policy)
    rest = contract(paths={"/orders": {"post": {"responses": {}}}})
    for ending, life in (
        ("removed-without-deprecation", {}),
        ("removed-with-deprecation", _OLD),
        ("removed-before-sunset", _SUNSET),
    ):
        yield Example(f"api-path-{ending}", contract(life), contract(paths={}))
        whole = contract(life)
        whole["paths"]["/orders"].update(rest["paths"]["/orders"])
        yield Example(f"api-{ending}", whole, rest)
        if life:
            rule_id = f"request-parameter-{ending}"
            yield Example(rule_id, _parameter_with(life), contract({"parameters": []}))
    yield Example("api-path-sunset-parse", contract(_NEVER), contract(paths={}))
    yield Example(
        "api-invalid-stability-level", contract(), contract({"x-stability-level": "fine"})
    )


def _parameter_with(words: Tree) -> Tree:
    return contract({"parameters": [{"name": "q", "in": "query", "schema": _TEXT, **words}]})


def _schema_with(place: str) -> Callable[[Tree], Tree]:
    return lambda words: standing(place, {**_TEXT, **words})


# Properties that come, go and become required


def _of_properties() -> Iterator[Example]:
    for place, added in (("QF", "new-{}-request-property"), ("SF", "response-{}-property-added")):
        for need in ("required", "optional"):
            without, with_p = _with_property(place, need)
            yield Example(added.format(need), without, with_p)
            if place == "SF":
                yield Example(f"response-{need}-property-removed", with_p, without)
                hidden = _with_property(place, need, {"writeOnly": True})
                yield Example(f"response-{need}-write-only-property-added", *hidden)
                yield Example(f"response-{need}-write-only-property-removed", *hidden[::-1])
    without, with_p = _with_property("QF", "optional")
    yield Example("request-property-removed", with_p, without)
    default = _with_property("QF", "required", {"default": "a"})
    yield Example("new-required-request-property-with-default", *default)
    yield Example(
        "request-read-only-property-changed", *_with_property("QF", "required", {"readOnly": True})
    )
    yield Example(
        "response-write-only-property-changed",
        standing("SF", {"type": "string", "writeOnly": True}),
        standing("SF", {"type": "integer", "writeOnly": True}),
    )
    for need in ("required", "optional"):
        without, with_p = _with_property("PP", need)
        yield Example(f"new-{need}-request-parameter-property", without, with_p)
    yield Example("request-parameter-property-removed", with_p, without)
    without, with_p = _with_property("HP", "optional")
    yield Example("response-header-property-added", without, with_p)
    yield Example("response-header-property-removed", with_p, without)
    yield from _required_properties()
    yield from _guarded_properties()


def _with_property(place: str, need: str, words: Tree | None = None) -> tuple[Tree, Tree]:
    """A contract without a property at a place, and with it."""
    held = _held({"p": {**_TEXT, **(words or {})}}, ["p"] if need == "required" else [])
    return _top(place, _held({}, [])), _top(place, held)


def _held(properties: Tree, required: list[str]) -> Tree:
    schema: Tree = {"type": "object", "properties": properties}
    return {**schema, "required": required} if required else schema


def _top(place: str, schema: Tree) -> Tree:
    """A contract with an object at the place that the properties of a place stand in."""
    return standing({"PP": "P", "QF": "QB", "SF": "SB", "HP": "H"}[place], schema)


def _required_properties() -> Iterator[Example]:
    for place in ("PP", "QF", "SF", "HP"):
        optional, required = (_top(place, _held({"p": _TEXT}, names)) for names in ([], ["p"]))
        yield Example(f"{PLACES[place]}-became-required", optional, required)
        yield Example(f"{PLACES[place]}-became-optional", required, optional)
    hidden = {**_TEXT, "writeOnly": True}
    optional, required = (_top("SF", _held({"p": hidden}, names)) for names in ([], ["p"]))
    yield Example("response-write-only-property-became-required", optional, required)
    yield Example("response-write-only-property-became-optional", required, optional)
    given = {**_TEXT, "default": "a"}
    optional, required = (_top("QF", _held({"p": given}, names)) for names in ([], ["p"]))
    yield Example("request-property-became-required-with-default", optional, required)
    optional, required = (_header_parameter({"p": _TEXT}, names) for names in ([], ["p"]))
    yield Example("request-header-property-became-required", optional, required)
    yield Example(
        "new-required-request-header-property",
        _header_parameter({}, []),
        _header_parameter({"p": _TEXT}, ["p"]),
    )
    yield Example(
        "request-header-property-became-enum",
        _header_parameter({"p": _TEXT}, []),
        _header_parameter({"p": {**_TEXT, "enum": ["a"]}}, []),
    )


def _header_parameter(properties: Tree, required: list[str]) -> Tree:
    schema = _held(properties, required)
    return contract({"parameters": [{"name": "X-Q", "in": "header", "schema": schema}]})


def _guarded_properties() -> Iterator[Example]:
    """Properties that only answers show, or only requests."""
    for side, place in (("request", "QF"), ("response", "SF")):
        for need, names in (("required", ["p"]), ("optional", [])):
            for flag, name in (("readOnly", "read-only"), ("writeOnly", "write-only")):
                off = _top(place, _held({"p": _TEXT}, names))
                on = _top(place, _held({"p": {**_TEXT, flag: True}}, names))
                yield Example(f"{side}-{need}-property-became-{name}", off, on)
                yield Example(f"{side}-{need}-property-became-not-{name}", on, off)
    edits = _all_edits()
    for suffix in (
        *("enum-value-removed", "exclusive-max-decreased", "exclusive-min-increased"),
        *("max-decreased", "max-length-decreased", "min-increased"),
    ):
        before, after = (standing("QF", {**one, "readOnly": True}) for one in edits[suffix])
        yield Example(f"request-read-only-property-{suffix}", before, after)
    before, after = (
        standing("SF", {**one, "writeOnly": True}) for one in edits["enum-value-added"]
    )
    yield Example("response-write-only-property-enum-value-added", before, after)


# Operations


def _of_operations() -> Iterator[Example]:
    for rule_id, (before, after) in {
        **_operations(),
        **_parameters(),
        **_bodies(),
        **_answers(),
        **_callbacks(),
    }.items():
        yield Example(rule_id, contract(before), contract(after))
    path = {"name": "id", "in": "path", "required": True, "schema": _TEXT}
    listed, bare = ({"get": {"parameters": some, "responses": {}}} for some in ([path], []))
    yield Example(
        "new-request-path-parameter",
        contract(paths={"/orders/{id}": bare}),
        contract(paths={"/orders/{id}": listed}),
    )
    renamed = {"get": {"parameters": [{**path, "name": "key"}], "responses": {}}}
    yield Example(
        "path-parameter-renamed",
        contract(paths={"/orders/{id}": listed}),
        contract(paths={"/orders/{key}": renamed}),
    )
    for need in (True, False):
        shared = {"name": "q", "in": "query", "schema": _TEXT, "required": need}
        word = "required" if need else "optional"
        without = contract()
        with_q = contract()
        with_q["paths"]["/orders"]["parameters"] = [shared]
        rule_id = f"new-{word}-request-default-parameter-to-existing-path"
        yield Example(rule_id, without, with_q)
    yield Example("request-default-parameter-removed-from-existing-path", with_q, without)
    more = contract()
    more["paths"]["/orders"]["post"] = {"responses": {}}
    yield Example("endpoint-added", contract(), more)
    empty = contract()
    empty["paths"]["/nothing"] = {}
    yield Example("path-without-operations-added", contract(), empty)
    yield Example("path-without-operations-removed", empty, contract())


def _both(forth: str, back: str, before: Tree, after: Tree) -> dict[str, tuple[Tree, Tree]]:
    return {forth: (before, after), back: (after, before)}


def _operations() -> dict[str, tuple[Tree, Tree]]:
    key: Tree = {"security": [{"key": []}]}
    scoped: Tree = {"security": [{"login": ["read"]}]}
    return {
        "api-operation-id-added": ({}, {"operationId": "list"}),
        "api-operation-id-removed": ({"operationId": "list"}, {}),
        **_both("api-tag-added", "api-tag-removed", {"tags": []}, {"tags": ["Orders"]}),
        **_both(
            "api-security-added",
            "api-security-removed",
            key,
            {"security": [{"key": []}, {"login": []}]},
        ),
        **_both(
            "api-security-scope-added",
            "api-security-scope-removed",
            scoped,
            {"security": [{"login": ["read", "write"]}]},
        ),
        "api-security-way-lost": ({}, key),
        "description-changed": ({"description": "Orders."}, {"description": "All orders."}),
        "summary-changed": ({"summary": "Orders"}, {"summary": "All orders"}),
        "external-docs-changed": ({}, {"externalDocs": {"url": "https://example.com"}}),
        "extension-changed": ({"x-owner": "shop"}, {"x-owner": "sales"}),
        "document-field-changed": ({"owner": "shop"}, {"owner": "sales"}),
    }


def _query(**words: Any) -> Tree:
    return {"parameters": [{"name": "q", "in": "query", "schema": _TEXT, **words}]}


def _parameters() -> dict[str, tuple[Tree, Tree]]:
    none: Tree = {"parameters": []}
    lists = {"schema": {"type": "array", "items": _TEXT}}
    content = {"content": {"application/json": {"schema": _TEXT}}}
    bare = {"parameters": [{"name": "q", "in": "query", **content}]}
    default = [{**_TEXT, "default": value} for value in ("a", "b")]
    return {
        "new-required-request-parameter": (none, _query(required=True)),
        "new-optional-request-parameter": (none, _query()),
        "request-parameter-removed": (_query(), none),
        **_both(
            "request-parameter-became-required",
            "request-parameter-became-optional",
            _query(),
            _query(required=True),
        ),
        "request-parameter-style-changed": (
            _query(**lists),
            _query(style="spaceDelimited", **lists),
        ),
        "request-parameter-explode-changed": (_query(**lists), _query(explode=False, **lists)),
        "request-parameter-allow-reserved-changed": (_query(), _query(allowReserved=True)),
        **_both(
            "request-parameter-allow-empty-value-added",
            "request-parameter-allow-empty-value-removed",
            _query(),
            _query(allowEmptyValue=True),
        ),
        "request-parameter-media-type-changed": (_query(), bare),
        "request-parameter-default-value-unused-changed": (
            _query(required=True, schema=default[0]),
            _query(required=True, schema=default[1]),
        ),
        "title-changed": (
            _query(schema={**_TEXT, "title": "Word"}),
            _query(schema={**_TEXT, "title": "Term"}),
        ),
        "example-changed": (_query(example="a"), _query(example="b")),
        "xml-changed": (
            _query(schema={**_TEXT, "xml": {"name": "a"}}),
            _query(schema={**_TEXT, "xml": {"name": "b"}}),
        ),
    }


def _body(content: Tree, **words: Any) -> Tree:
    return {"requestBody": {"content": content, **words}}


def _bodies() -> dict[str, tuple[Tree, Tree]]:
    json: Tree = {"application/json": {"schema": _OBJECT}}
    both: Tree = {**json, "text/plain": {"schema": _TEXT}}
    bare: Tree = {"application/json": {}}
    form = {"schema": {"type": "object", "properties": {"p": _TEXT}}}
    encoded = {**form, "encoding": {"p": {"contentType": "text/csv"}}}
    usual = {**form, "encoding": {"p": {"contentType": "text/plain"}}}
    name = "multipart/form-data"
    return {
        "request-body-added-optional": ({}, _body(json)),
        "request-body-added-required": ({}, _body(json, required=True)),
        "request-body-removed": (_body(json), {}),
        **_both(
            "request-body-became-required",
            "request-body-became-optional",
            _body(json),
            _body(json, required=True),
        ),
        **_both(
            "request-body-media-type-added",
            "request-body-media-type-removed",
            _body(json),
            _body(both),
        ),
        **_both(
            "request-body-media-type-schema-added",
            "request-body-media-type-schema-removed",
            _body(bare),
            _body(json),
        ),
        "request-body-media-type-name-generalized": (_body(json), _body({"application/*": {}})),
        "request-body-media-type-name-changed": (
            _body({"application/json": {}}),
            _body({"Application/JSON": {}}),
        ),
        "request-body-encoding-changed": (_body({name: form}), _body({name: encoded})),
        "response-body-encoding-changed": (
            answer({"content": {name: form}}),
            answer({"content": {name: encoded}}),
        ),
        "request-body-encoding-kept": (_body({name: form}), _body({name: usual})),
        "response-body-encoding-kept": (
            answer({"content": {name: form}}),
            answer({"content": {name: usual}}),
        ),
    }


def _answers() -> dict[str, tuple[Tree, Tree]]:
    json: Tree = {"application/json": {"schema": _OBJECT}}
    done = {"200": {"description": "Done"}}
    header: Tree = {"headers": {"X-Q": {"schema": _TEXT}}}
    required: Tree = {"headers": {"X-Q": {"schema": _TEXT, "required": True}}}
    link: Tree = {"links": {"next": {"operationId": "list"}}}

    def media(name: str) -> Tree:
        return answer({"content": {name: {"schema": _OBJECT}}})

    many: Tree = {"schema": _OBJECT}

    def headed(**words: Any) -> Tree:
        return answer({"headers": {"X-Q": {"schema": {"type": "array"}, **words}}})

    def also(status: str) -> Tree:
        return {"responses": {**done, status: {"description": "Other"}}}

    return {
        **_both(
            "response-success-status-added",
            "response-success-status-removed",
            {"responses": done},
            also("201"),
        ),
        **_both(
            "response-non-success-status-added",
            "response-non-success-status-removed",
            {"responses": done},
            also("404"),
        ),
        "response-status-undocumented": (also("404"), {"responses": done}),
        "response-success-unexpected": ({"responses": done}, also("202")),
        "response-covered": (also("202"), also("2XX")),
        **_both(
            "response-default-added",
            "response-default-removed",
            {"responses": done},
            also("default"),
        ),
        **_both(
            "response-media-type-added",
            "response-media-type-removed",
            answer({"content": json}),
            answer({"content": {**json, "text/csv": {}}}),
        ),
        "response-media-type-name-changed": (
            media("application/json; q=1"),
            media("application/json; q=2"),
        ),
        "response-media-type-name-unasked": (
            media("application/json"),
            media("application/problem+json"),
        ),
        **_both(
            "response-media-type-name-generalized",
            "response-media-type-name-specialized",
            media("application/problem+json"),
            media("application/json"),
        ),
        **_both(
            "response-body-media-type-schema-added",
            "response-body-media-type-schema-removed",
            answer({"content": {"application/json": {}}}),
            answer({"content": json}),
        ),
        "response-header-added": (answer({}), answer(header)),
        "optional-response-header-removed": (answer(header), answer({})),
        "required-response-header-removed": (answer(required), answer({})),
        **_both(
            "response-header-became-required",
            "response-header-became-optional",
            answer(header),
            answer(required),
        ),
        "response-header-style-changed": (headed(), headed(style="pipeDelimited")),
        "response-header-explode-changed": (headed(**many), headed(**many, explode=True)),
        **_both("api-response-link-added", "api-response-link-removed", answer({}), answer(link)),
        "api-response-link-changed": (
            answer(link),
            answer({"links": {"next": {"operationId": "all"}}}),
        ),
    }


def _callbacks() -> dict[str, tuple[Tree, Tree]]:
    json: Tree = {"application/json": {"schema": _OBJECT}}

    def called(operation: Tree | None) -> Tree:
        item = {"post": {"responses": {}, **operation}} if operation is not None else {}
        return {"callbacks": {"paid": {"{$request.body#/url}": item}}}

    return {
        **_both("api-callback-added", "api-callback-removed", {}, called({})),
        **_both(
            "api-callback-operation-added",
            "api-callback-operation-removed",
            called(None),
            called({}),
        ),
        **_both(
            "api-callback-body-added",
            "api-callback-body-removed",
            called({}),
            called(_body(json)),
        ),
        **_both(
            "api-callback-media-type-added",
            "api-callback-media-type-removed",
            called(_body(json)),
            called(_body({**json, "text/csv": {}})),
        ),
        **_both(
            "api-callback-body-became-required",
            "api-callback-body-became-optional",
            called(_body(json)),
            called(_body(json, required=True)),
        ),
    }


# The document around the operations


def _of_roots() -> Iterator[Example]:
    for rule_id, (before, after) in {
        **_security_schemes(),
        **_servers(),
        **_components(),
    }.items():
        yield Example(rule_id, contract(**before), contract(**after))
    key: list[Tree] = [{"key": []}]
    both: list[Tree] = [{"key": []}, {"login": []}]
    some, more = [{"login": ["read"]}], [{"login": ["read", "write"]}]
    for name, old, new in (("security", key, both), ("security-scope", some, more)):
        one, two = contract(security=old), contract(security=new)
        yield Example(f"api-global-{name}-added", one, two)
        yield Example(f"api-global-{name}-removed", two, one)
    yield Example("api-global-security-way-lost", contract(), contract(security=key))
    hook: Tree = {"paid": {"post": {"responses": {}}}}
    yield Example("webhook-added", contract(webhooks={}), contract(webhooks=hook))
    yield Example("webhook-removed", contract(webhooks=hook), contract(webhooks={}))
    yield Example("tag-changed", contract(tags=[]), contract(tags=[{"name": "Orders"}]))
    accept = {"parameters": [{"name": "Accept", "in": "header", "schema": _TEXT}]}
    yield Example("ignored-header-changed", contract(accept), contract())
    yield Example("openapi-version-changed", contract(openapi="3.0.3"), contract())
    info = {"title": "Shop", "version": "1.0.0"}
    yield Example("info-changed", contract(), contract(info={**info, "termsOfService": "/terms"}))
    yield from _versions()


def _versions() -> Iterator[Example]:
    def gone(version: str) -> Tree:
        return contract(info={"title": "Shop", "version": version}, paths={})

    yield Example("api-version-changed", contract(), gone("2.0.0"))
    yield Example("api-version-not-bumped", contract(), gone("1.0.0"))
    yield Example("api-major-version-not-bumped", contract(), gone("1.1.0"))
    yield Example("api-version-decreased", contract(), gone("0.9.0"))
    yield Example("api-version-hides-breaking", contract(), gone("1.0.0"))
    unread = standing("QF", {"type": "number"}), standing("QB", {"type": "object"})
    yield Example("api-version-hides-risky", *unread)


def _scheme(**words: Any) -> Tree:
    return {"components": {"securitySchemes": {"login": words}}, "security": [{"login": []}]}


def _flow(**words: Any) -> Tree:
    flow = {"authorizationUrl": "/login", "tokenUrl": "/token", "scopes": {"read": "Read."}}
    return _scheme(type="oauth2", flows={"authorizationCode": {**flow, **words}})


def _security_schemes() -> dict[str, tuple[Tree, Tree]]:
    prefix = "api-security-component"
    key: Tree = {"type": "apiKey", "in": "header", "name": "X-Key"}
    bearer: Tree = {"type": "http", "scheme": "bearer"}
    two: Tree = {"authorizationCode": {}, "clientCredentials": {}}
    return {
        **_both(f"{prefix}-added", f"{prefix}-removed", {"components": {}}, _scheme(**key)),
        f"{prefix}-type-changed": (_scheme(**key), _scheme(**bearer)),
        f"{prefix}-in-use-changed": (_scheme(**key), _scheme(**bearer)),
        f"{prefix}-in-use-moved": (_flow(), _flow(tokenUrl="/tokens")),
        f"{prefix}-in-changed": (_scheme(**key), _scheme(**{**key, "in": "query"})),
        f"{prefix}-name-changed": (_scheme(**key), _scheme(**{**key, "name": "X-Token"})),
        f"{prefix}-http-scheme-changed": (
            _scheme(**bearer),
            _scheme(type="http", scheme="basic"),
        ),
        f"{prefix}-bearer-format-changed": (
            _scheme(**bearer),
            _scheme(**bearer, bearerFormat="JWT"),
        ),
        f"{prefix}-open-id-connect-url-changed": (
            _scheme(type="openIdConnect", openIdConnectUrl="/a"),
            _scheme(type="openIdConnect", openIdConnectUrl="/b"),
        ),
        f"{prefix}-oauth-url-changed": (_flow(), _flow(authorizationUrl="/enter")),
        f"{prefix}-oauth-token-url-changed": (_flow(), _flow(tokenUrl="/tokens")),
        f"{prefix}-oauth-refresh-url-changed": (_flow(), _flow(refreshUrl="/refresh")),
        **_both(
            f"{prefix}-oauth-scope-added",
            f"{prefix}-oauth-scope-removed",
            _flow(),
            _flow(scopes={"read": "Read.", "write": "Write."}),
        ),
        f"{prefix}-oauth-scope-changed": (_flow(), _flow(scopes={"read": "Look."})),
        **_both(
            f"{prefix}-oauth-flow-added",
            f"{prefix}-oauth-flow-removed",
            _scheme(type="oauth2", flows={"authorizationCode": {}}),
            _scheme(type="oauth2", flows=two),
        ),
    }


def _servers() -> dict[str, tuple[Tree, Tree]]:
    one, two = {"url": "https://a.example"}, {"url": "https://b.example"}

    def varied(**variables: Any) -> Tree:
        return {"servers": [{"url": "https://{zone}.example", "variables": variables}]}

    eu = {"default": "eu"}
    return {
        **_both(
            "api-server-added",
            "api-server-removed",
            {"servers": [one]},
            {"servers": [one, two]},
        ),
        "api-server-url-changed": ({"servers": [one]}, {"servers": [two]}),
        **_both(
            "api-server-variable-added", "api-server-variable-removed", varied(), varied(zone=eu)
        ),
        "api-server-variable-default-changed": (
            varied(zone=eu),
            varied(zone={"default": "us"}),
        ),
        **_both(
            "api-server-variable-enum-value-added",
            "api-server-variable-enum-value-removed",
            varied(zone={**eu, "enum": ["eu"]}),
            varied(zone={**eu, "enum": ["eu", "us"]}),
        ),
    }


def _components() -> dict[str, tuple[Tree, Tree]]:
    none: Tree = {"components": {}}
    schema: Tree = {"components": {"schemas": {"Order": _OBJECT}}}
    other: Tree = {"components": {"schemas": {"Order": _A}}}
    response: Tree = {"components": {"responses": {"Gone": {"description": "Gone"}}}}
    return {
        **_both("api-schema-added", "api-schema-removed", none, schema),
        **_both("api-component-added", "api-component-removed", none, response),
        "api-unused-component-changed": (schema, other),
    }
