"""Laws that hold for any two contracts: random documents, random single edits."""

from __future__ import annotations

import copy
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import jsonschema_rs
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from flora_contract.diff.containment.deciding import Containment
from flora_contract.diff.reading.schema import Schemas
from flora_contract.diff.reading.sources import contract
from flora_contract.diff.release.comparison import compare
from flora_contract.diff.rules import Level, rules
from flora_contract.openapi import Document, parse
from flora_contract.openapi.tree import Node, Tree

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from flora_contract.diff.judging.changes import Change

Json = dict[str, Any]

LAW = settings(max_examples=60)

NAMES = ["Order", "Item", "Shop"]
WORDS = st.sampled_from(["red", "green", "blue", "grey"])

# Random contracts


def leaves() -> st.SearchStrategy[Json]:
    texts = st.fixed_dictionaries(
        {"type": st.just("string")},
        optional={
            "minLength": st.integers(1, 3),
            "maxLength": st.integers(4, 9),
            "description": WORDS,
        },
    )
    listed = st.lists(WORDS, min_size=2, max_size=4, unique=True).map(
        lambda values: {"type": "string", "enum": values}
    )
    numbers = st.fixed_dictionaries(
        {"type": st.sampled_from(["integer", "number"])},
        optional={"minimum": st.integers(0, 3), "exclusiveMaximum": st.integers(5, 9)},
    )
    nullable = texts.map(lambda schema: {**schema, "type": ["string", "null"]})
    references = st.sampled_from(NAMES).map(lambda name: {"$ref": f"#/components/schemas/{name}"})
    return st.one_of(texts, listed, numbers, nullable, references, st.just({"type": "boolean"}))


def objects(inner: st.SearchStrategy[Json]) -> st.SearchStrategy[Json]:
    properties = st.dictionaries(st.sampled_from("abcd"), inner, min_size=1, max_size=3)
    return properties.flatmap(
        lambda held: st.fixed_dictionaries(
            {"type": st.just("object"), "properties": st.just(held)},
            optional={
                "required": st.lists(st.sampled_from(sorted(held)), min_size=1, unique=True),
                "description": WORDS,
            },
        )
    )


def lists(inner: st.SearchStrategy[Json]) -> st.SearchStrategy[Json]:
    return st.fixed_dictionaries(
        {"type": st.just("array"), "items": inner},
        optional={"minItems": st.integers(1, 2), "maxItems": st.integers(3, 5)},
    )


SCHEMAS = st.recursive(
    leaves(), lambda inner: st.one_of(objects(inner), lists(inner)), max_leaves=3
)


IDENTIFIER = {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}


@st.composite
def contracts(draw: st.DrawFn) -> Json:
    """A contract whose components all refer to something an operation uses."""
    components = {name: draw(objects(SCHEMAS)) for name in NAMES}
    paths: Json = {}
    for index, name in enumerate(NAMES):
        reference = {"$ref": f"#/components/schemas/{name}"}
        body = {"content": {"application/json": {"schema": reference}}}
        reply = {
            "content": {
                "application/json": {"schema": draw(st.sampled_from([reference, draw(SCHEMAS)]))}
            }
        }
        operation: Json = {
            "operationId": f"op{index}",
            "responses": {"200": {"description": "Done", **reply}},
        }
        if draw(st.booleans()):
            operation["requestBody"] = body
        else:
            operation["responses"]["201"] = {"description": "Made", **body}
        paths[f"/{name.lower()}/{{id}}"] = {
            "parameters": [IDENTIFIER],
            "post": operation,
        }
    return {
        "openapi": "3.1.0",
        "info": {"title": "Shop", "version": "1.0.0"},
        "paths": paths,
        "components": {"schemas": components},
    }


def tree(document: Json) -> Tree:
    return contract(Document(copy.deepcopy(document), "contract"))


def changes(base: Json, revision: Json) -> list[Change]:
    found = compare(tree(base), tree(revision)).changes
    return [change for change in found if rules()[change.id].area != "info"]


# Random edits


@dataclass(frozen=True)
class Edit:
    """A change of one schema: whether it can be made there, and what it does to what is allowed."""

    name: str
    effect: str  # narrows, widens, words
    fits: Callable[[Json], bool]
    make: Callable[[Json], None]


def put(key: str, value: Any) -> Callable[[Json], None]:
    def make(schema: Json) -> None:
        schema[key] = value

    return make


def shift(key: str, by: int) -> Callable[[Json], None]:
    def make(schema: Json) -> None:
        schema[key] += by

    return make


def has(kind: str, *, without: str = "", holding: str = "") -> Callable[[Json], bool]:
    def fits(schema: Json) -> bool:
        if schema.get("type") != kind or (without and without in schema):
            return False
        return not holding or holding in schema

    return fits


def drop(key: str) -> Callable[[Json], None]:
    def make(schema: Json) -> None:
        del schema[key]

    return make


def enum_pop(schema: Json) -> None:
    schema["enum"].pop()


def enum_push(schema: Json) -> None:
    schema["enum"].append("pink")


def required_pop(schema: Json) -> None:
    schema["required"].pop()


def typed(schema: Json) -> bool:
    return "type" in schema


EDITS = [
    Edit("maxLength set", "narrows", has("string", without="maxLength"), put("maxLength", 40)),
    Edit("maxLength lower", "narrows", has("string", holding="maxLength"), shift("maxLength", -1)),
    Edit("maxLength higher", "widens", has("string", holding="maxLength"), shift("maxLength", 5)),
    Edit("minLength higher", "narrows", has("string", holding="minLength"), shift("minLength", 1)),
    Edit("minLength gone", "widens", has("string", holding="minLength"), drop("minLength")),
    Edit("enum value gone", "narrows", has("string", holding="enum"), enum_pop),
    Edit("enum value new", "widens", has("string", holding="enum"), enum_push),
    Edit("enum put on", "narrows", has("string", without="enum"), put("enum", ["red"])),
    Edit("pattern put on", "narrows", has("string"), put("pattern", "^[a-z]+$")),
    Edit("null allowed", "widens", has("string"), put("type", ["string", "null"])),
    Edit("minimum set", "narrows", has("integer", without="minimum"), put("minimum", -7)),
    Edit("minimum lower", "widens", has("number", holding="minimum"), shift("minimum", -9)),
    Edit(
        "maximum gone",
        "widens",
        has("integer", holding="exclusiveMaximum"),
        drop("exclusiveMaximum"),
    ),
    Edit("wider type", "widens", has("integer"), put("type", "number")),
    Edit("narrower type", "narrows", has("number"), put("type", "integer")),
    Edit("multipleOf set", "narrows", has("number"), put("multipleOf", 3)),
    Edit("another type", "narrows", has("boolean"), put("type", "array")),
    Edit("items unique", "narrows", has("array"), put("uniqueItems", True)),
    Edit("maxItems higher", "widens", has("array", holding="maxItems"), shift("maxItems", 1)),
    Edit("minItems gone", "widens", has("array", holding="minItems"), drop("minItems")),
    Edit("closed", "narrows", has("object"), put("additionalProperties", False)),
    Edit("maxProperties set", "narrows", has("object"), put("maxProperties", 9)),
    Edit("required gone", "widens", has("object", holding="required"), required_pop),
    Edit("described", "words", typed, put("description", "Another word.")),
    Edit("titled", "words", typed, put("title", "Another name")),
    Edit("marked", "words", typed, put("x-source", ["S000"])),
]


def schemas(node: Any) -> Iterator[Json]:
    """Every schema of a contract that is written there, and no reference."""
    if isinstance(node, dict):
        if "$ref" not in node and "type" in node:
            yield node
        for key, value in node.items():
            if key != "parameters":
                yield from schemas(value)
    elif isinstance(node, list):
        for value in node:
            yield from schemas(value)


def edited(data: st.DataObject, base: Json, edits: list[Edit]) -> tuple[Json, Edit]:
    revision = copy.deepcopy(base)
    places = [(one, edit) for one in schemas(revision) for edit in edits if edit.fits(one)]
    schema, edit = data.draw(st.sampled_from(places))
    edit.make(schema)
    return revision, edit


def reached(found: list[Change]) -> list[tuple[str, Level]]:
    return [(reach.side, reach.level) for change in found for reach in change.reaches]


@LAW
@given(contracts())
def test_nothing_differs_from_itself(document: Json) -> None:
    assert changes(document, document) == []


@LAW
@given(contracts(), st.data())
def test_an_edit_is_told_once_and_in_the_right_direction(
    document: Json, data: st.DataObject
) -> None:
    revision, edit = edited(data, document, EDITS)
    found = changes(document, revision)
    assert len(found) == 1, [change.message for change in found]
    for side, level in reached(found):
        if edit.effect == "words":
            assert level is Level.SAFE
        elif (edit.effect == "narrows") == (side == "request"):
            kept = found[0].id.endswith("-schema-kept")  # proved: an enum keeps every bound
            assert level is not Level.SAFE or kept, (edit.name, found[0].id)


@LAW
@given(contracts(), st.data())
def test_what_loosens_breaks_in_one_direction_only(document: Json, data: st.DataObject) -> None:
    loosening = [edit for edit in EDITS if edit.effect == "widens"]
    revision, _ = edited(data, document, [*loosening, EDITS[0]])
    forth, back = reached(changes(document, revision)), reached(changes(revision, document))
    for side in ("request", "response"):
        worst = [
            any(level is Level.BREAKING for where, level in found if where == side)
            for found in (forth, back)
        ]
        assert not all(worst)


@LAW
@given(contracts(), st.data())
def test_an_edit_is_the_same_edit_told_by_operation(document: Json, data: st.DataObject) -> None:
    revision, _ = edited(data, document, EDITS)
    grouped = compare(tree(document), tree(revision)).changes
    expanded = compare(tree(document), tree(revision), expand=True).changes
    told = {(one.operation, one.path, one.id) for one in expanded}
    reaches = {(one.operation, one.path, one.id) for change in grouped for one in change.reaches}
    # Within itself a recursive schema is not told again.
    assert told <= reaches
    assert {one[:2] for one in told} == {one[:2] for one in reaches}


# The same contract, written differently


def shuffled(node: Any, data: st.DataObject) -> Any:
    if isinstance(node, dict):
        keys = data.draw(st.permutations(sorted(node)))
        return {key: shuffled(node[key], data) for key in keys}
    return [shuffled(value, data) for value in node] if isinstance(node, list) else node


def wrapped(schema: Json) -> Json:
    """Each reference within an allOf of its own, as OpenAPI 3.0 has it."""
    if isinstance(schema, dict):
        if "$ref" in schema:
            return {"allOf": [schema]}
        return {key: wrapped(value) for key, value in schema.items()}
    return [wrapped(value) for value in schema] if isinstance(schema, list) else schema


def with_null_branches(node: Any) -> Any:
    if isinstance(node, dict):
        made = {key: with_null_branches(value) for key, value in node.items()}
        if made.get("type") == ["string", "null"]:
            return {"anyOf": [{**made, "type": "string"}, {"type": "null"}]}
        return made
    return [with_null_branches(value) for value in node] if isinstance(node, list) else node


def split(node: Any) -> Any:
    """Each object as an allOf of its properties and of what is required of them."""
    if isinstance(node, dict):
        made = {key: split(value) for key, value in node.items()}
        if isinstance(made.get("properties"), dict) and isinstance(made.get("required"), list):
            required = {"required": made.pop("required")}
            return {"allOf": [made, required]}
        return made
    return [split(value) for value in node] if isinstance(node, list) else node


def renamed(document: Json) -> Json:
    text = json.dumps(document)
    for name in NAMES:
        text = text.replace(f"schemas/{name}", f"schemas/{name}Model")
    made: Json = json.loads(text)
    models = made["components"]["schemas"]
    made["components"]["schemas"] = {f"{name}Model": model for name, model in models.items()}
    return made


REWRITINGS = {
    "references in allOf": wrapped,
    "null in a union": with_null_branches,
    "objects in allOf": split,
    "YAML": lambda document: parse(yaml.safe_dump(document), "x.yaml").tree,
    "JSON": lambda document: parse(json.dumps(document, indent=1), "x.json").tree,
}


@LAW
@given(contracts(), st.sampled_from(sorted(REWRITINGS)), st.data())
def test_the_same_contract_written_differently_has_no_changes(
    document: Json, name: str, data: st.DataObject
) -> None:
    rewritten = shuffled(REWRITINGS[name](document), data)
    # The description of a split object stands with its first half.
    found = [one for one in changes(document, rewritten) if one.id != "description-changed"]
    assert found == []
    assert [one for one in changes(rewritten, document) if one.id != "description-changed"] == []


@LAW
@given(contracts())
def test_a_renamed_component_is_no_change_to_any_operation(document: Json) -> None:
    assert {one.id for one in changes(document, renamed(document))} <= {"api-schema-removed"}


def test_the_dialects_of_3_0_and_3_1_say_the_same() -> None:
    def document(version: str, schema: Json) -> Json:
        body = {"content": {"application/json": {"schema": schema}}}
        operation = {"requestBody": body, "responses": {}}
        info = {"title": "Shop", "version": "1.0.0"}
        return {"openapi": version, "info": info, "paths": {"/": {"post": operation}}}

    old = document(
        "3.0.3",
        {
            "type": "object",
            "properties": {
                "a": {"type": "string", "nullable": True},
                "b": {"type": "integer", "minimum": 3, "exclusiveMinimum": True},
            },
        },
    )
    new = document(
        "3.1.0",
        {
            "type": "object",
            "properties": {
                "a": {"type": ["string", "null"]},
                "b": {"type": "integer", "exclusiveMinimum": 3},
            },
        },
    )
    assert [one.id for one in changes(old, new)] == ["openapi-version-changed"]


# Containment


PLAIN = st.recursive(
    st.one_of(
        st.just({"type": "null"}),
        st.just({"type": "boolean"}),
        st.fixed_dictionaries(
            {"type": st.sampled_from(["integer", "number"])},
            optional={"minimum": st.integers(0, 4), "maximum": st.integers(4, 8)},
        ),
        st.fixed_dictionaries(
            {"type": st.just("string")}, optional={"maxLength": st.integers(1, 3)}
        ),
        st.lists(WORDS, min_size=1, max_size=3, unique=True).map(lambda values: {"enum": values}),
    ),
    lambda inner: st.one_of(
        objects(inner),
        lists(inner),
        st.lists(inner, min_size=1, max_size=3).map(lambda some: {"anyOf": some}),
        st.lists(inner, min_size=1, max_size=3).map(lambda some: {"oneOf": some}),
        st.lists(inner, min_size=1, max_size=2).map(lambda some: {"allOf": some}),
    ),
    max_leaves=4,
)
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-1, 9), st.just(4.5), WORDS, st.just("ab")
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.sampled_from("abcd"), inner, max_size=3)
    ),
    max_leaves=5,
)


def contained(small: Json, large: Json) -> bool | None:
    trees = [contract(Document({"openapi": "3.1.0", "x": one}, "x")) for one in (small, large)]
    views = [Schemas(one) for one in trees]
    nodes = [Node(one.root.value["x"], ("x",), one.document) for one in trees]
    return Containment(*views).holds(views[0].of(nodes[0]), views[1].of(nodes[1]))


@LAW
@given(PLAIN, PLAIN, st.lists(VALUES, min_size=5, max_size=20))
def test_what_is_contained_has_no_value_outside(
    small: Json, large: Json, values: list[Any]
) -> None:
    if contained(small, large):
        for value in values:
            if jsonschema_rs.is_valid(small, value):
                assert jsonschema_rs.is_valid(large, value), value


@LAW
@given(PLAIN)
def test_a_schema_is_never_said_to_lie_outside_itself(schema: Json) -> None:
    assert contained(schema, copy.deepcopy(schema)) is not False
