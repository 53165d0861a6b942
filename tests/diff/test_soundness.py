"""Nothing that is called safe breaks: random pairs of schemas, held against every small value.

A request that the old contract takes and the new one refuses, or an answer that the new one gives
and the old one never promised, is found by trying small values with another library.
FLORA_TEST_PAIRS is how many pairs are tried: few, the same each time, unless it is set.
"""

from __future__ import annotations

import copy
import itertools
import json
import os
from typing import TYPE_CHECKING, Any

import jsonschema_rs
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from rule_examples import standing

from flora_contract.diff.containment.deciding import Containment, Given
from flora_contract.diff.reading.schema import Schemas
from flora_contract.diff.reading.sources import contract
from flora_contract.diff.release.comparison import compare
from flora_contract.diff.rules import Level, rules
from flora_contract.openapi import Document

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flora_contract.diff.reading.schema import Schema

Json = dict[str, Any]

PAIRS = int(os.environ.get("FLORA_TEST_PAIRS", "0"))
TRIED = settings(
    max_examples=PAIRS or 250,
    derandomize=not PAIRS,
    suppress_health_check=[HealthCheck.too_slow],
)

# Schemas

NAMES = "abc"
TEXT, WHOLE = {"type": "string"}, {"type": "integer"}
LEAVES: list[Json] = [
    *({"type": name} for name in ("string", "integer", "number", "boolean", "null", "object")),
    *({"type": "string", "maxLength": length} for length in (0, 1, 2)),
    *({"type": "string", "minLength": length} for length in (1, 2)),
    *({"type": "string", "pattern": pattern} for pattern in ("^a", "b$", "^[a-z]*$", "^[0-9]+$")),
    *({"type": "number", "minimum": low, "maximum": 7} for low in (0, 2, 5)),
    *({"type": "number", "multipleOf": step} for step in (0.5, 1, 2)),
    *({"type": "integer", "exclusiveMinimum": 3, "multipleOf": step} for step in (1, 2)),
    *({"enum": values} for values in (["a", 1], ["a", None], ["a", "ab", 2], ["1", "a"])),
    *({}, {"const": "a"}, {"not": TEXT}),
    *({"type": ["string", other]} for other in ("null", "integer")),
]
OF_OBJECTS: list[Json] = [
    {"required": ["a"]},
    {"required": ["a", "b"]},
    {"properties": {"a": TEXT}},
    {"properties": {"b": WHOLE}},
    {"additionalProperties": False},
    {"additionalProperties": TEXT},
    {"additionalProperties": WHOLE},
    {"patternProperties": {"^[bc]": WHOLE}},
    {"patternProperties": {"^a": TEXT}},
    {"minProperties": 1},
    {"minProperties": 2},
    {"maxProperties": 2},
    {"dependentRequired": {"a": ["b"]}},
    {"dependentSchemas": {"a": {"required": ["b"]}}},
    {"dependentSchemas": {"a": {"properties": {"b": TEXT}}}},
    {"propertyNames": {"enum": ["a", "b"]}},
    {"propertyNames": {"pattern": "^a"}},
    {"unevaluatedProperties": False},
    {"unevaluatedProperties": WHOLE},
    {"not": {"required": ["c"]}},
    {"if": {"required": ["a"]}, "then": {"required": ["b"]}},
    {"if": {"required": ["a"]}, "then": {"properties": {"b": TEXT}}},
]
OF_LISTS: list[Json] = [
    {"minItems": 1},
    {"minItems": 2},
    {"maxItems": 1},
    {"maxItems": 2},
    {"uniqueItems": True},
    {"items": False},
    {"items": TEXT},
    {"prefixItems": [TEXT]},
    {"prefixItems": [WHOLE, TEXT]},
    {"contains": TEXT},
    {"contains": WHOLE, "maxContains": 1},
    {"contains": WHOLE, "minContains": 0},
    {"contains": WHOLE, "minContains": 2},
    {"unevaluatedItems": False},
    {"unevaluatedItems": TEXT},
]
BESIDE_UNIONS: list[Json] = [
    *({}, {}, {"unevaluatedProperties": False}, {"unevaluatedProperties": WHOLE}),
    {"unevaluatedItems": False},
]


def joined(*some: Json) -> Json:
    """One schema that says what all say; of two that use one keyword, what the last says."""
    made: Json = {}
    for one in some:
        made |= copy.deepcopy(one)
    return made


def wider(inner: st.SearchStrategy[Json]) -> st.SearchStrategy[Json]:
    objects = st.builds(
        lambda held, extra: joined({"type": "object", "properties": held}, *extra),
        st.dictionaries(st.sampled_from(NAMES), inner, max_size=3),
        st.lists(st.sampled_from(OF_OBJECTS), max_size=3),
    )
    lists = st.builds(
        lambda held, extra: joined({"type": "array"}, *extra, held),
        st.fixed_dictionaries(
            {},
            optional={
                "items": st.one_of(inner, st.just(False)),
                "prefixItems": st.lists(inner, min_size=1, max_size=2),
                "contains": inner,
                "minContains": st.integers(0, 2),
                "maxContains": st.integers(1, 2),
            },
        ),
        st.lists(st.sampled_from(OF_LISTS), max_size=2),
    )
    unions = st.builds(
        lambda word, some, beside, extra: joined(beside, extra, {word: some}),
        st.sampled_from(["anyOf", "oneOf", "allOf"]),
        st.lists(inner, min_size=1, max_size=3),
        st.one_of(st.just({}), inner),
        st.sampled_from(BESIDE_UNIONS),
    )
    return st.one_of(objects, lists, unions)


SCHEMAS = st.recursive(st.sampled_from(LEAVES), wider, max_leaves=6)


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


def edit(draw: st.DrawFn, schema: Json, fresh: st.SearchStrategy[Json]) -> None:
    """Change something in a schema, mostly so that it looks harmless."""
    target = draw(st.sampled_from(list(within(schema))))
    lists = [target[word] for word in ("anyOf", "oneOf", "allOf", "prefixItems") if word in target]
    match draw(st.sampled_from(["drop", "grow", "add", "shift", "wrap", "replace"])):
        case "drop" if target:
            del target[draw(st.sampled_from(sorted(target)))]
        case "grow" if lists:
            draw(st.sampled_from(lists)).append(copy.deepcopy(draw(fresh)))
        case "grow" if "properties" in target:
            new = copy.deepcopy(draw(fresh))
            target["properties"][draw(st.sampled_from(NAMES))] = new
        case "shift":
            for word, by in (("maxLength", 1), ("maximum", 1), ("minimum", -1), ("maxContains", 1)):
                if word in target:
                    target[word] += by
        case "wrap":
            inner, word = dict(target), draw(st.sampled_from(["anyOf", "oneOf", "allOf"]))
            target.clear()
            target[word] = [inner, copy.deepcopy(draw(fresh))]
        case "add":
            target.update(copy.deepcopy(draw(st.sampled_from([*OF_OBJECTS, *OF_LISTS]))))
        case _:
            new = copy.deepcopy(draw(fresh))
            target.clear()
            target.update(new)


@st.composite
def edited(draw: st.DrawFn, schemas: st.SearchStrategy[Json] = SCHEMAS) -> tuple[Json, Json]:
    old = copy.deepcopy(draw(schemas))
    new = copy.deepcopy(old)
    for _ in range(draw(st.integers(1, 3))):
        edit(draw, new, schemas)
    return old, new


ANY_PAIRS = st.one_of(edited(), edited().map(lambda pair: pair[::-1]), st.tuples(SCHEMAS, SCHEMAS))
SCALARS = [one for one in LEAVES if one.get("type") not in (None, "null", "object")]
QUERIES = st.one_of(
    st.sampled_from(SCALARS),
    st.fixed_dictionaries(
        {"type": st.just("array"), "items": st.sampled_from(SCALARS)},
        optional={"minItems": st.integers(1, 2), "maxItems": st.integers(1, 2)},
    ),
)


# Values


def small_values() -> list[Any]:
    """Every value of some few texts and numbers, three deep at most."""
    simple = [None, True, -1, 0, 0.5, 1, 2, 3, 4, 4.5, 5, 7, 8, "", "a", "ab", "B", "1b", "1"]
    some = [None, True, 0, 2, 3, 4.5, "", "a", "ab"]
    few = [None, 2, 4, "a", "ab"]
    inner: list[Any] = [[], [2], ["a"], ["a", 2], {}, {"a": "a"}, {"b": 2}, {"a": 2, "b": "a"}]
    missing = object()

    def objects(choices: list[Any]) -> Iterator[Json]:
        for chosen in itertools.product([missing, *choices], repeat=3):
            pairs = zip(NAMES, chosen, strict=True)
            yield {name: value for name, value in pairs if value is not missing}

    found = [
        *simple,
        *(list(chosen) for size in (0, 1, 2) for chosen in itertools.product(some, repeat=size)),
        *(list(chosen) for chosen in itertools.product(few, repeat=3)),
        *objects(few),
        *objects([2, "a", {"a": "a"}, {"b": 2}, ["a", 2]]),
        *({"a": one} for one in inner),
        *(list(chosen) for chosen in itertools.product([2, "a", *inner], repeat=2)),
    ]
    return list({json.dumps(value): value for value in found}.values())


VALUES = small_values()
OPENING = ("additionalProperties", "unevaluatedProperties", "items", "unevaluatedItems")


def as_sent(schema: Any, *, whole: bool = True) -> Any:
    """A schema that allows only what it lists, unless it says what else there may be."""
    if not isinstance(schema, dict):
        return schema
    # That there may be anything else is what JSON Schema takes for granted.
    schema = {k: v for k, v in schema.items() if k not in OPENING or v not in (True, {})}
    made = dict(schema)
    for word, value in schema.items():
        match word:
            case "anyOf" | "oneOf" | "allOf":
                made[word] = [as_sent(branch, whole=False) for branch in value]
            case "prefixItems":
                made[word] = [as_sent(item) for item in value]
            case "properties" | "patternProperties":
                made[word] = {name: as_sent(inner) for name, inner in value.items()}
            case "items" | "additionalProperties" | "contains":
                made[word] = as_sent(value)
    if whole and not made.keys() & {"additionalProperties", "unevaluatedProperties"}:
        made["unevaluatedProperties"] = False
    if whole and any("prefixItems" in one for one in within(schema)):
        made.setdefault("unevaluatedItems", False)
    return made


def witness(small: Json, large: Json, *, listed_only: bool = True) -> Any:
    """A value of one schema that the other refuses; a word if none was found."""
    sent = as_sent(small) if listed_only else small
    promised, sent, kept = map(jsonschema_rs.validator_for, (small, sent, large))
    for value in VALUES:
        if promised.is_valid(value) and sent.is_valid(value) and not kept.is_valid(value):
            return value
    return "none found"


# The two together


def worst(place: str, old: Json, new: Json) -> Level | None:
    """The level of the worst change, at a place: a column of the matrix of rules."""
    base, revision = (
        contract(Document(copy.deepcopy(standing(place, one)), "c")) for one in (old, new)
    )
    changes = compare(base, revision).changes
    levels = [change.level for change in changes if rules()[change.id].area != "info"]
    return min(levels, key=lambda level: level.rank, default=None)


@TRIED
@given(edited(), st.sampled_from(["request", "response"]))
def test_nothing_that_is_called_safe_breaks(pair: tuple[Json, Json], side: str) -> None:
    old, new = pair
    if worst("QB" if side == "request" else "SB", old, new) in {Level.SAFE, None}:
        small, large = (old, new) if side == "request" else (new, old)
        assert witness(small, large) == "none found"


def read(schema: Json) -> tuple[Schemas, Schema]:
    tree = contract(Document({"openapi": "3.1.0", "x-schema": copy.deepcopy(schema)}, "c"))
    schemas = Schemas(tree)
    return schemas, schemas.of(tree.root.child("x-schema"))


BRANCH = {"type": "object", "properties": {"a": TEXT}}
CLOSED = {"anyOf": [BRANCH], "unevaluatedProperties": False}


@pytest.mark.parametrize("listed_only", [False, True], ids=["any-value", "as-sent"])
# Two that were once taken for proved.
@example((CLOSED, {**CLOSED, "anyOf": [{"type": "object"}]}))
@example(({"unevaluatedProperties": WHOLE}, {"unevaluatedProperties": TEXT}))
@TRIED
@given(ANY_PAIRS)
def test_what_is_proved_is_so(listed_only: bool, pair: tuple[Json, Json]) -> None:
    (smalls, small), (larges, large) = map(read, pair)
    containment = Containment(smalls, larges, Given(listed_only=listed_only))
    if containment.holds(small, large) or all(containment.parts(small, large).values()):
        assert witness(*pair, listed_only=listed_only) == "none found"


# Queries, which are text

TEXTS = ["", "a", "b", "ab", "abc", "0", "1", "2", "3", "6", "-1", "0.5", "1.5", "true", "null"]


def readings(text: str) -> Iterator[Any]:
    """What a text in a query may stand for."""
    yield text
    if text in {"true", "false"}:
        yield text == "true"
    try:
        yield json.loads(text) if text.lstrip("-")[:1].isdigit() else text
    except ValueError:
        return


def takes(validator: Any, sent: list[str], *, listed: bool) -> bool:
    """Whether a query that names a parameter some times is taken."""
    read = [list(readings(text)) for text in sent]
    if listed and any(validator.is_valid(list(some)) for some in itertools.product(*read)):
        return True
    return len(sent) == 1 and any(validator.is_valid(one) for one in read[0])


@TRIED
@given(edited(QUERIES))
def test_no_query_that_is_called_safe_breaks(pair: tuple[Json, Json]) -> None:
    if worst("P", *pair) not in {Level.SAFE, None}:
        return
    before, after = map(jsonschema_rs.validator_for, pair)
    queries = [[one] for one in TEXTS] + [[one, two] for one in TEXTS[:6] for two in TEXTS[:8]]
    for sent in queries:
        if takes(before, sent, listed=True):
            assert takes(after, sent, listed=True), sent
