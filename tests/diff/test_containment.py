"""What no keyword alone tells: whether a schema as a whole keeps what was promised."""

from __future__ import annotations

import copy
import json
import random
from typing import TYPE_CHECKING, Any

import jsonschema_rs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flora_contract.diff.changes import Change, compare
from flora_contract.diff.examples import standing
from flora_contract.diff.rules import Level, rules
from flora_contract.diff.sources import contract
from flora_contract.openapi import Document

if TYPE_CHECKING:
    from collections.abc import Iterator

Json = dict[str, Any]

TEXT = {"type": "string"}
NUMBER = {"type": "number"}
CAT = {"type": "object", "required": ["kind"], "properties": {"kind": {"const": "cat"}}}
DOG = {"type": "object", "required": ["kind"], "properties": {"kind": {"const": "dog"}}}


def changes(place: str, old: Json, new: Json) -> list[Change]:
    base, revision = (
        contract(Document(copy.deepcopy(standing(place, one)), "c")) for one in (old, new)
    )
    return [one for one in compare(base, revision).changes if rules()[one.id].area != "info"]


def worst(place: str, old: Json, new: Json) -> Level | None:
    levels = [change.level for change in changes(place, old, new)]
    return min(levels, key=lambda level: level.rank, default=None)


def holding(**properties: Json) -> Json:
    return {"type": "object", "properties": properties}


CLOSED = {**holding(a=TEXT), "additionalProperties": False}
COMBINED: dict[str, tuple[Json, Json, str]] = {
    "type wider, enum narrower": (
        {"type": "integer", "enum": [1, 2, 3]},
        {"type": "number", "enum": [1, 2]},
        "QB",
    ),
    "both bounds lower": (
        {"type": "integer", "minimum": 3, "maximum": 9},
        {"type": "integer", "minimum": 1, "maximum": 8},
        "QB",
    ),
    "a branch replaced": (
        {"oneOf": [TEXT, {"type": "integer"}]},
        {"oneOf": [TEXT, {"type": "boolean"}]},
        "QB",
    ),
    "optional, but nothing else": (
        {**holding(a=TEXT, b=TEXT), "required": ["a"]},
        {**holding(a=TEXT, b=TEXT), "additionalProperties": False},
        "QB",
    ),
    "a new branch takes what another has": (
        {"oneOf": [{"type": "integer"}]},
        {"oneOf": [{"type": "integer"}, NUMBER]},
        "QB",
    ),
    "listed at last, of a map of another type": (
        {"type": "object", "additionalProperties": TEXT},
        {**holding(a=NUMBER), "additionalProperties": TEXT},
        "QB",
    ),
    "gone from what is closed": (
        {**holding(a=TEXT, b=TEXT), "additionalProperties": False},
        CLOSED,
        "QB",
    ),
    "a list becomes a tuple": ({"type": "array"}, {"type": "array", "prefixItems": [TEXT]}, "QB"),
    "types with conditions of their own": (
        TEXT,
        {"anyOf": [{"type": "string", "maxLength": 5}, {"type": "integer"}]},
        "QB",
    ),
    "new to readers who were promised nothing else": (
        CLOSED,
        {**holding(a=TEXT, b=TEXT), "additionalProperties": False},
        "SB",
    ),
    "one more branch in an answer": ({"anyOf": [CAT]}, {"anyOf": [CAT, TEXT]}, "SB"),
    "a condition less in an answer": ({"allOf": [CAT, {"maxProperties": 3}]}, CAT, "SB"),
    "any text in an answer": ({"type": "string", "pattern": "^[a-f0-9]+$"}, TEXT, "SB"),
}


@pytest.mark.parametrize("name", COMBINED)
def test_what_is_broken_together_is_told(name: str) -> None:
    old, new, place = COMBINED[name]
    assert worst(place, old, new) is Level.BREAKING


KEPT: dict[str, tuple[Json, Json, str]] = {
    "a branch that shares nothing": ({"oneOf": [CAT]}, {"oneOf": [CAT, DOG]}, "QB"),
    "a branch that changed, apart from the other": (
        {"oneOf": [CAT, {**DOG, "maxProperties": 3}]},
        {"oneOf": [CAT, {**DOG, "maxProperties": 5}]},
        "QB",
    ),
    "told apart by a discriminator": (
        {"oneOf": [holding(a=TEXT), holding(b=TEXT)], "discriminator": {"propertyName": "k"}},
        {
            "oneOf": [holding(a=TEXT, c=TEXT), holding(b=TEXT)],
            "discriminator": {"propertyName": "k"},
        },
        "QB",
    ),
    "a property that nobody sent": (holding(a=TEXT), holding(a=TEXT, b=TEXT), "QB"),
    "a type as a union": ({"type": ["integer", "string"]}, {"anyOf": [TEXT, NUMBER]}, "QB"),
    "null, in words of 3.1": (TEXT, {"anyOf": [TEXT, {"type": "null"}]}, "QB"),
    "a read-only value that is no longer given": (
        holding(a={"enum": ["x", "y"], "readOnly": True}),
        holding(a={"enum": ["x"], "readOnly": True}),
        "QB",
    ),
    "a read-only name, required": (
        CLOSED,
        {
            **holding(a=TEXT, b={"type": "string", "readOnly": True}),
            "required": ["b"],
            "additionalProperties": False,
        },
        "QB",
    ),
}


@pytest.mark.parametrize("name", KEPT)
def test_what_is_kept_together_is_safe(name: str) -> None:
    old, new, place = KEPT[name]
    assert worst(place, old, new) in {Level.SAFE, None}


SAME = [
    ({"type": ["integer", "string"]}, {"anyOf": [TEXT, {"type": "integer"}]}),
    ({"type": ["integer", "string"]}, {"oneOf": [{"type": "integer"}, TEXT]}),
    ({"type": "integer", "minimum": 5}, {"type": "integer", "exclusiveMinimum": 4}),
    ({"type": "string", "enum": ["a", "b"]}, {"enum": ["b", "a"]}),
    ({"enum": ["a", "b"]}, {"oneOf": [{"const": "a"}, {"const": "b", "title": "The second"}]}),
    ({"type": ["number", "integer"]}, NUMBER),
    ({"oneOf": [CAT, DOG]}, {"anyOf": [DOG, CAT]}),
    ({"type": "string", "maxLength": 5}, {"allOf": [TEXT, {"maxLength": 9}, {"maxLength": 5}]}),
]


@pytest.mark.parametrize("place", ["QB", "SB"])
@pytest.mark.parametrize(("old", "new"), SAME)
def test_the_same_values_in_other_words_are_no_change(old: Json, new: Json, place: str) -> None:
    assert {change.id for change in changes(place, old, new)} <= {"title-changed"}
    assert {change.id for change in changes(place, new, old)} <= {"title-changed"}


UNDECIDED: dict[str, tuple[Json, Json, str, str]] = {
    "no pattern matches any more": (
        {**CLOSED, "patternProperties": {"^x": TEXT}},
        CLOSED,
        "QB",
        "request-body-schema-undecided",
    ),
    "a branch that may share values": (
        {"oneOf": [holding(a=TEXT)]},
        {"oneOf": [holding(a=TEXT), {**holding(b=TEXT), "minProperties": 1}]},
        "QB",
        "request-body-schema-undecided",
    ),
    "a wider branch beside one that may share values": (
        {"oneOf": [holding(a=TEXT), {**holding(b=TEXT), "maxProperties": 2}]},
        {"oneOf": [holding(a=TEXT), {**holding(b=TEXT), "maxProperties": 3}]},
        "QB",
        "request-property-schema-undecided",
    ),
    "another pattern": (
        {"type": "string", "pattern": "^a"},
        {"type": "string", "pattern": "^[ab]"},
        "SF",
        "response-property-schema-undecided",
    ),
    "another pattern, which the table calls risky": (
        {"type": "string", "pattern": "^a"},
        {"type": "string", "pattern": "^[ab]"},
        "QF",
        "request-property-pattern-changed",
    ),
    "a condition": (
        TEXT,
        {**TEXT, "if": {"maxLength": 3}, "then": {"pattern": "^a"}},
        "QB",
        "request-body-if-added",
    ),
    "another condition": (
        {**TEXT, "if": {"maxLength": 3}, "then": {"pattern": "^a"}},
        {**TEXT, "if": {"maxLength": 4}, "then": {"pattern": "^a"}},
        "QB",
        "request-body-schema-undecided",
    ),
    "less that another keyword looks at": (
        {"type": "object", "anyOf": [CAT, DOG], "unevaluatedProperties": False},
        {"type": "object", "unevaluatedProperties": False},
        "SB",
        "response-body-schema-undecided",
    ),
}


@pytest.mark.parametrize("name", UNDECIDED)
def test_what_cannot_be_decided_is_risky_and_says_so(name: str) -> None:
    old, new, place, rule_id = UNDECIDED[name]
    [change] = [one for one in changes(place, old, new) if one.id == rule_id]
    assert change.level in {Level.RISKY, rules()[rule_id].level}
    assert "decided" in change.message


def test_a_table_row_that_containment_contradicts_is_one_change_with_both_rules() -> None:
    [change] = changes("SB", {"anyOf": [CAT]}, {"anyOf": [CAT, DOG]})
    assert change.id == "response-body-schema-widened"
    assert [(reach.id, reach.level) for reach in change.reaches] == [
        ("response-body-any-of-added", Level.SAFE),
        ("response-body-schema-widened", Level.BREAKING),
    ]


def test_what_lies_below_a_branch_that_was_looked_into_is_told() -> None:
    def titled(deep: Json, least: int) -> Json:
        branch = {**holding(a=holding(b=deep)), "title": "X", "minProperties": least}
        return {"anyOf": [branch, TEXT]}

    found = {change.id for change in changes("QB", titled(TEXT, 1), titled({"type": "array"}, 2))}
    assert found == {"request-property-min-properties-increased", "request-property-type-changed"}


# Random pairs: nothing that is called safe may break

LETTERS = "abc"
LEAVES: list[Json] = [
    *({"type": name} for name in ("string", "integer", "number", "boolean", "null", "object")),
    *({"type": "string", "maxLength": length} for length in (0, 1, 2)),
    *({"type": "string", "pattern": pattern} for pattern in ("^a", "b$", "^[a-z]*$")),
    *({"type": "number", "minimum": low, "maximum": 7} for low in (0, 2, 5)),
    *({"type": "integer", "exclusiveMinimum": 3, "multipleOf": step} for step in (1, 2)),
    *({"enum": values} for values in (["a", 1], ["a", None], ["a", "ab", 2])),
    *({}, {"const": "a"}, {"not": {"type": "string"}}, {"type": ["string", "null"]}),
]
EXTRAS: list[Json] = [
    {"required": ["a"]},
    {"required": ["a", "b"]},
    {"additionalProperties": False},
    {"additionalProperties": {"type": "string"}},
    {"patternProperties": {"^[bc]": {"type": "integer"}}},
    {"maxProperties": 2},
    {"dependentRequired": {"a": ["b"]}},
    {"propertyNames": {"enum": ["a", "b"]}},
    {"unevaluatedProperties": False},
    {"if": {"required": ["a"]}, "then": {"required": ["b"]}},
]


def wider(inner: st.SearchStrategy[Json]) -> st.SearchStrategy[Json]:
    held = st.dictionaries(st.sampled_from(LETTERS), inner, min_size=1, max_size=3)
    extra = st.sampled_from([{}, {}, *EXTRAS])
    objects = st.builds(
        lambda some, one, two: {"type": "object", "properties": some, **one, **two},
        held,
        extra,
        extra,
    )
    lists = st.fixed_dictionaries(
        {"type": st.just("array")},
        optional={
            "items": st.one_of(inner, st.just(False)),
            "prefixItems": st.lists(inner, min_size=1, max_size=2),
            "contains": inner,
            "maxContains": st.integers(1, 2),
            "uniqueItems": st.just(True),
        },
    )
    unions = st.builds(
        lambda word, some: {word: some},
        st.sampled_from(["anyOf", "oneOf", "allOf"]),
        st.lists(inner, min_size=1, max_size=3),
    )
    return st.one_of(objects, lists, unions)


SCHEMAS = st.recursive(st.sampled_from(LEAVES), wider, max_leaves=5)


def within(schema: Any) -> Iterator[Json]:
    """A schema and those within it."""
    if isinstance(schema, dict):
        yield schema
        for word in ("items", "contains", "additionalProperties", "not"):
            yield from within(schema.get(word))
        for word in ("anyOf", "oneOf", "allOf", "prefixItems"):
            for branch in schema.get(word, ()):
                yield from within(branch)
        for inner in schema.get("properties", {}).values():
            yield from within(inner)


def edit(draw: st.DrawFn, schema: Json) -> None:
    """Change something in a schema, mostly so that it looks harmless."""
    target = draw(st.sampled_from(list(within(schema))))
    lists = [target[word] for word in ("anyOf", "oneOf", "allOf", "prefixItems") if word in target]
    match draw(st.sampled_from(["drop", "grow", "add", "shift", "replace"])):
        case "drop" if target:
            del target[draw(st.sampled_from(sorted(target)))]
        case "grow" if lists:
            draw(st.sampled_from(lists)).append(copy.deepcopy(draw(SCHEMAS)))
        case "grow" if "properties" in target:
            new = copy.deepcopy(draw(SCHEMAS))
            target["properties"][draw(st.sampled_from(LETTERS))] = new
        case "shift":
            for word, by in (("maxLength", 1), ("maximum", 1), ("minimum", -1), ("maxContains", 1)):
                if word in target:
                    target[word] += by
        case "add":
            target.update(copy.deepcopy(draw(st.sampled_from(EXTRAS))))
        case _:
            new = copy.deepcopy(draw(SCHEMAS))
            target.clear()
            target.update(new)


@st.composite
def edited(draw: st.DrawFn) -> tuple[Json, Json]:
    old = copy.deepcopy(draw(SCHEMAS))
    new = copy.deepcopy(old)
    for _ in range(draw(st.integers(1, 3))):
        edit(draw, new)
    return old, new


def values() -> list[Any]:
    """Values to try, the same each time."""
    choice = random.Random(0)

    def value(depth: int) -> Any:
        kind = choice.random()
        if not depth or kind < 0.4:
            return choice.choice([None, True, -1, 0, 2, 3, 5, 7, 8, 4.5, "", "a", "ab", "B", "1b"])
        count = choice.randint(0, 3)
        if kind < 0.8:
            return {choice.choice(LETTERS): value(depth - 1) for _ in range(count)}
        return [value(depth - 1) for _ in range(count)]

    return list({json.dumps(one): one for one in (value(2) for _ in range(1_200))}.values())


VALUES = values()


def as_sent(schema: Any, *, whole: bool = True) -> Any:
    """A schema that allows only what it lists, unless it says what else there may be."""
    if not isinstance(schema, dict):
        return schema
    made = dict(schema)
    for word, value in schema.items():
        match word:
            case "anyOf" | "oneOf" | "allOf":
                made[word] = [as_sent(branch, whole=False) for branch in value]
            case "prefixItems":
                made[word] = [as_sent(item) for item in value]
            case "properties":
                made[word] = {name: as_sent(inner) for name, inner in value.items()}
            case "items" | "additionalProperties":
                made[word] = as_sent(value)
    if whole and not made.keys() & {"additionalProperties", "unevaluatedProperties"}:
        made["unevaluatedProperties"] = False
    if whole and any("prefixItems" in one for one in within(schema)):
        made.setdefault("unevaluatedItems", False)
    return made


def witness(small: Json, large: Json) -> Any:
    """A value of one schema that the other refuses; a word if none was found."""
    promised, sent, kept = map(jsonschema_rs.validator_for, (small, as_sent(small), large))
    for value in VALUES:
        if promised.is_valid(value) and sent.is_valid(value) and not kept.is_valid(value):
            return value
    return "none found"


@settings(max_examples=250, deadline=None)
@given(edited(), st.sampled_from(["request", "response"]))
def test_nothing_that_is_called_safe_breaks(pair: tuple[Json, Json], side: str) -> None:
    old, new = pair
    if worst("QB" if side == "request" else "SB", old, new) in {Level.SAFE, None}:
        small, large = (old, new) if side == "request" else (new, old)
        assert witness(small, large) == "none found"
