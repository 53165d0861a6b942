"""Documents that cannot be compared end with exit code 2 and one line that names the place."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rule_examples import contract as example
from rule_examples import standing

from flora_contract.diff.reading.sources import contract, open_contract
from flora_contract.diff.release.comparison import compare
from flora_contract.errors import InputError
from flora_contract.openapi import Document, parse

if TYPE_CHECKING:
    from pathlib import Path

GOOD = json.dumps(example())


def told(text: str) -> str:
    with pytest.raises(InputError) as caught:
        compare(contract(parse(GOOD, "good.json")), contract(parse(text, "bad.yaml")))
    return str(caught.value)


def body(schema: Any) -> str:
    return json.dumps(standing("QB", schema), indent=1)


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        ("openapi: 3.1.0\npaths:\n  /a: [1", 4, "not valid YAML"),
        ("swagger: '2.0'\n", 1, "Swagger 2.0"),
        ("title: none\n", 1, "not an OpenAPI document"),
        ("openapi: 4.0.0\n", 1, "only OpenAPI 3"),
        ("openapi: 3.1.0\npaths: 7\n", 2, "/paths must be a mapping"),
        ("openapi: 3.1.0\npaths:\n  /orders:\n    get: []\n", 4, "must be a mapping"),
        (
            "openapi: 3.1.0\npaths:\n  /orders:\n    get:\n      parameters: {}\n",
            5,
            "must be a list",
        ),
        ("openapi: 3.1.0\npaths:\n  /orders:\n    $ref: '#/paths/~1orders'\n", 3, "itself"),
        ("openapi: 3.1.0\npaths:\n  /orders:\n    $ref: '#/nowhere'\n", 3, "not there"),
        ("openapi: 3.1.0\npaths:\n  /orders:\n    $ref: other.yaml\n", None, "other.yaml"),
        (
            "openapi: 3.1.0\npaths:\n  /orders:\n    $ref: https://example.com/a.yaml\n",
            None,
            "URL",
        ),
    ],
)
def test_the_line_names_place_and_fault(text: str, line: int | None, problem: str) -> None:
    message = told(text)
    if line is not None:
        assert message.startswith(f"bad.yaml:{line}: "), message
    assert problem in message
    assert "\n" not in message


@pytest.mark.parametrize(
    ("schema", "problem"),
    [
        ({"type": "string", "maxLength": "ten"}, "/maxLength must be a number"),
        ({"enum": "red"}, "/enum must be a list"),
        ({"properties": ["a"]}, "/properties must be a mapping"),
        ({"allOf": {"type": "string"}}, "/allOf must be a list"),
        ("string", "/schema must be a mapping"),
        ({"$ref": "#/components/schemas/Gone"}, "Gone, which is not there"),
        ({"$ref": "#anchor"}, "anchor"),
    ],
)
def test_a_malformed_schema_is_named(schema: Any, problem: str) -> None:
    text = body(schema)
    with pytest.raises(InputError) as caught:
        compare(
            contract(parse(body({"type": "object"}), "good.json")),
            contract(parse(text, "bad.json")),
        )
    assert problem in str(caught.value)
    assert str(caught.value).startswith("bad.json:")


ONE_SIDED = {
    "an operation of one side": {"paths": {"/new": {"get": {"$ref": "#/nowhere"}}}},
    "a schema that nothing uses": {
        "components": {"schemas": {"A": {"properties": {"default": {"$ref": "#/nowhere"}}}}}
    },
    "a component that nothing uses": {"components": {"responses": {"A": {"$ref": "#/nowhere"}}}},
    "a file": {"components": {"schemas": {"A": {"$ref": "parts.yaml#/B"}}}},
    "a URL": {"components": {"schemas": {"A": {"$ref": "https://example.com/a.yaml"}}}},
    "a list of parameters": {"paths": {"/new": {"get": {"parameters": {}}}}},
}


@pytest.mark.parametrize("name", ONE_SIDED)
def test_what_only_one_document_has_is_read_too(tmp_path: Path, name: str) -> None:
    (tmp_path / "parts.yaml").write_text("B: {items: {$ref: '#/C'}}\n")
    (tmp_path / "good.json").write_text(GOOD)
    (tmp_path / "bad.json").write_text(json.dumps({**example(), **ONE_SIDED[name]}, indent=1))
    files = [str(tmp_path / file) for file in ("good.json", "bad.json")]
    place = "parts.yaml:1: " if name == "a file" else "bad.json"
    for pair in (files, files[::-1]):
        with pytest.raises(InputError, match=place):
            compare(*(open_contract(file) for file in pair))


def test_what_only_looks_like_a_reference_is_none() -> None:
    schema = {"type": "object", "default": {"$ref": "#/nowhere"}, "examples": [{"$ref": "gone"}]}
    tree = standing("QB", {**schema, "example": {"$ref": 7}, "x-of": {"$ref": "#/nowhere"}})
    base, revision = (contract(Document(copy.deepcopy(tree), name)) for name in "ab")
    assert not compare(base, revision).changes


@pytest.mark.parametrize("word", ["$ref", "$dynamicRef"])
def test_anchors_are_followed(word: str) -> None:
    def anchored(kind: str) -> Any:
        tree = standing("QB", {"type": "array", "items": {word: "#part"}})
        part = {"$anchor": "part"} if word == "$ref" else {"$dynamicAnchor": "part"}
        tree["components"] = {"schemas": {"Part": {**part, "type": kind}}}
        return contract(Document(tree, kind))

    found = compare(anchored("string"), anchored("array")).changes
    assert "request-property-type-changed" in {change.id for change in found}


def nested(depth: int, wrap: str) -> Any:
    schema: Any = {"type": "string"}
    for _ in range(depth):
        schema = {wrap: [schema, {"type": "object"}] if wrap.endswith("Of") else schema}
    return schema


@pytest.mark.parametrize("wrap", ["items", "anyOf", "allOf", "oneOf", "not"])
def test_deep_nesting_is_compared_or_refused(wrap: str) -> None:
    for depth in (80, 5_000):
        texts = [body({"type": "object"}), "[" * 0 + _deep(depth, wrap)]
        try:
            trees = [contract(parse(text, "deep.json")) for text in texts]
            compare(*trees)
            compare(*trees[::-1])
        except InputError as error:
            assert "deep" in str(error)  # noqa: PT017 - either outcome is right
        else:
            assert depth == 80


def _deep(depth: int, wrap: str) -> str:
    start, end = (f'{{"{wrap}":[', "]}") if wrap.endswith("Of") else (f'{{"{wrap}":', "}")
    schema = start * depth + '{"type":"string"}' + end * depth
    return body("HERE").replace('"HERE"', schema)


def test_cycles_of_every_kind_end() -> None:
    def cyclic(kind: str) -> dict[str, Any]:
        tree = standing("SB", {"$ref": "#/components/schemas/A"})
        a: dict[str, Any] = {
            "items": {"$ref": "#/components/schemas/B"},
            "allOf": [{"$ref": "#/components/schemas/B"}],
            "anyOf": [{"$ref": "#/components/schemas/A"}, {"type": kind}],
            "not": {"$ref": "#/components/schemas/A"},
        }
        b = {"oneOf": [{"$ref": "#/components/schemas/A"}, {"$ref": "#/components/schemas/B"}]}
        tree["components"] = {"schemas": {"A": a, "B": b}}
        return tree

    one, two = (Document(cyclic(kind), "cyclic") for kind in ("string", "integer"))
    try:
        assert not compare(contract(one), contract(Document(cyclic("string"), "same"))).changes
        assert compare(contract(one), contract(two)).changes
    except InputError as error:
        assert "itself" in str(error)  # noqa: PT017 - allOf of itself allows no reading


def test_a_reference_that_is_only_itself_is_refused() -> None:
    tree = standing("SB", {"$ref": "#/components/schemas/A"})
    tree["components"] = {"schemas": {"A": {"allOf": [{"$ref": "#/components/schemas/A"}]}}}
    document = parse(json.dumps(tree), "bad.json")
    with pytest.raises(InputError):
        compare(contract(document), contract(parse(json.dumps(tree), "bad2.json")))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    for argument in ("nothing.yaml", "https://example.com/a.yaml"):
        with pytest.raises(InputError, match=argument.replace(".", r"\.")):
            open_contract(str(tmp_path / argument) if "://" not in argument else argument)


JUNK = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-2, 2), st.sampled_from(["", "a", "3.1.0"])),
    lambda inner: st.one_of(
        st.lists(inner, max_size=2), st.dictionaries(st.sampled_from("ab"), inner, max_size=2)
    ),
    max_leaves=4,
)
WHOLE: dict[str, Any] = {
    **standing("QB", {"type": "object", "properties": {"a": {"type": "string", "enum": ["x"]}}}),
    "components": {
        "schemas": {"A": {"anyOf": [{"type": "string"}, {"type": "integer"}], "required": ["a"]}},
        "securitySchemes": {"k": {"type": "oauth2", "flows": {"implicit": {"scopes": {"a": "A"}}}}},
    },
    "security": [{"k": ["a"]}],
    "servers": [{"url": "/", "variables": {"v": {"default": "a", "enum": ["a"]}}}],
    "tags": [{"name": "a"}],
    "webhooks": {"w": {"post": {"responses": {"200": {"description": "d"}}}}},
}
WHOLE["paths"]["/orders"]["get"].update(
    parameters=[{"name": "q", "in": "query", "schema": {"$ref": "#/components/schemas/A"}}],
    callbacks={"c": {"{$url}": {"post": {"responses": {}}}}},
    tags=["a"],
)


def places(node: Any, way: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [way]
    if isinstance(node, dict | list):
        for key in node if isinstance(node, dict) else range(len(node)):
            found += places(node[key], (*way, key))
    return found


@settings(max_examples=300)
@given(st.sampled_from(places(WHOLE)[1:]), JUNK)
def test_junk_anywhere_is_compared_or_refused_with_its_place(
    way: tuple[Any, ...], junk: Any
) -> None:
    tree = copy.deepcopy(WHOLE)
    node: Any = tree
    for key in way[:-1]:
        node = node[key]
    node[way[-1]] = junk
    trees = [json.dumps(one, indent=1) for one in (WHOLE, tree)]
    for pair in (trees, trees[::-1]):
        try:
            compare(*(contract(parse(text, f"{n}.json")) for n, text in enumerate(pair)))
        except InputError as error:
            assert "\n" not in str(error)  # noqa: PT017 - either outcome is right


@settings(max_examples=150)
@given(st.data(), JUNK)
def test_junk_in_another_file_is_compared_or_refused(data: st.DataObject, junk: Any) -> None:
    spot = data.draw(st.sampled_from([("paths", "/orders"), ("components", "schemas", "A")]))
    tree = copy.deepcopy(WHOLE)
    holder: Any = tree
    for key in spot[:-1]:
        holder = holder[key]
    part = holder[spot[-1]]
    way = data.draw(st.sampled_from(places(part)[1:]))
    node = part
    for key in way[:-1]:
        node = node[key]
    node[way[-1]] = junk
    holder[spot[-1]] = {"$ref": "part.json#/part"}
    trees = [
        contract(Document(one, "whole.json"), lambda _: Document({"part": part}, "part.json"))
        for one in (copy.deepcopy(WHOLE), tree)
    ]
    for pair in (trees, trees[::-1]):
        try:
            compare(*pair)
        except InputError as error:
            assert "\n" not in str(error)  # noqa: PT017 - either outcome is right


@pytest.mark.parametrize("kind", ["string", "integer"])
@pytest.mark.parametrize(
    ("reference", "part"),
    [
        ("https://example.com/schemas/part", {"$id": "https://example.com/schemas/part"}),
        ("https://example.com/schemas/part#inner", {"$id": "https://example.com/schemas/part"}),
        ("https://example.com/api#/components/schemas/Part", {}),
    ],
)
def test_what_has_the_name_of_a_reference_is_where_it_leads(
    reference: str, part: Any, kind: str
) -> None:
    def named(kind: str) -> Any:
        tree = standing("QB", {"$ref": reference})
        inner = {"$defs": {"inner": {"$anchor": "inner", "type": kind}}}
        schema = {**part, **inner, "type": kind}
        return {
            **tree,
            "$self": "https://example.com/api",
            "components": {"schemas": {"Part": schema}},
        }

    trees = [contract(Document(named(one), name)) for one, name in (("string", "a"), (kind, "b"))]
    found = {change.id for change in compare(*trees).changes}
    assert ("request-body-type-changed" in found) == (kind == "integer")


@pytest.mark.parametrize("start", ["", "\ufeff"])
def test_numbers_beyond_64_bits_and_a_mark_at_the_start_are_read(start: str) -> None:
    texts = [start + body({"type": "integer", "maximum": most}) for most in (10**40, 10**39)]
    trees = [contract(parse(text, "big.json")) for text in texts]
    assert "request-body-max-decreased" in {change.id for change in compare(*trees).changes}
