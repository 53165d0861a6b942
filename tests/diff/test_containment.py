"""What no keyword alone tells: whether a schema as a whole keeps what was promised."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest
from rule_examples import standing

from flora_contract.diff.reading.sources import contract
from flora_contract.diff.release.comparison import compare
from flora_contract.diff.rules import Level, rules
from flora_contract.openapi import Document

if TYPE_CHECKING:
    from flora_contract.diff.judging.changes import Change

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
    "null in two branches": (
        {"oneOf": [NUMBER, {"type": "null"}]},
        {"oneOf": [{"minimum": 0}, {"type": "null"}]},
        "QB",
    ),
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
    "an item that nobody sent": (
        {"type": "array", "prefixItems": [TEXT]},
        {"type": "array", "prefixItems": [TEXT, TEXT]},
        "QB",
    ),
    "a property that only values of another branch have": (
        {"anyOf": [holding(a=TEXT), holding(b=NUMBER)]},
        {"anyOf": [holding(a=TEXT, b=TEXT), holding(b=NUMBER)]},
        "QB",
    ),
    "a property that a branch has as it is": (
        {"allOf": [{**holding(a=TEXT), "title": "A"}, {**holding(b=TEXT), "title": "B"}]},
        {"allOf": [{**holding(a=TEXT, c=TEXT), "title": "A"}, {**holding(b=TEXT), "title": "B"}]},
        "QB",
    ),
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
    "a tuple that contains what it does not list": (
        {"type": "array", "prefixItems": [TEXT], "contains": {"type": "integer"}},
        {"type": "array", "prefixItems": [TEXT, TEXT], "contains": {"type": "integer"}},
        "QB",
        "request-body-schema-undecided",
    ),
    "listed by a condition": (
        {**holding(a=TEXT), "if": {"required": ["a"]}, "then": holding(b=NUMBER)},
        {**holding(a=TEXT, b=TEXT), "if": {"required": ["a"]}, "then": holding(b=NUMBER)},
        "QB",
        "request-body-schema-undecided",
    ),
    "listed where another one is sent": (
        {**holding(a=TEXT), "dependentSchemas": {"a": holding(b=NUMBER)}},
        {**holding(a=TEXT, b=TEXT), "dependentSchemas": {"a": holding(b=NUMBER)}},
        "QB",
        "request-body-schema-undecided",
    ),
    "sent where another one is": (
        {**holding(a=TEXT), "dependentRequired": {"a": ["b"]}},
        {**holding(a=TEXT, b=TEXT), "dependentRequired": {"a": ["b"]}},
        "QB",
        "request-body-schema-undecided",
    ),
    "listed by the other branch": (
        {"allOf": [{**holding(a=TEXT), "title": "A"}, {**holding(b=NUMBER), "title": "B"}]},
        {"allOf": [{**holding(a=TEXT, b=TEXT), "title": "A"}, {**holding(b=NUMBER), "title": "B"}]},
        "QB",
        "request-property-schema-undecided",
    ),
    "listed beside a union": (
        {**holding(b=NUMBER), "anyOf": [holding(a=TEXT), holding(c=TEXT)]},
        {**holding(b=NUMBER), "anyOf": [holding(a=TEXT, b=TEXT), holding(c=TEXT)]},
        "QB",
        "request-property-schema-undecided",
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
