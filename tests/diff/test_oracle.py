"""What a value proves is never called safe: random operations, changed at random, and values tried.

A request that the old contract takes and the new one refuses, or an answer that the new one gives
and the old one never promised, is found by trying small values with another library.
FLORA_TEST_PAIRS is how many pairs are tried: 300, the same each time, unless it is set.
"""

from __future__ import annotations

import copy
import itertools
import json
import os
from typing import TYPE_CHECKING, Any

import jsonschema_rs
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flora_contract.diff.reading.sources import contract
from flora_contract.diff.release.comparison import compare
from flora_contract.diff.rules import Level, rules
from flora_contract.openapi import Document

if TYPE_CHECKING:
    from collections.abc import Iterator

Json = dict[str, Any]

PAIRS = int(os.environ.get("FLORA_TEST_PAIRS", "0"))
TRIED = settings(
    max_examples=PAIRS or 300,
    derandomize=not PAIRS,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)

SCALARS: list[Json] = [
    *({"type": name} for name in ("string", "integer", "number", "boolean")),
    *({"type": "string", "maxLength": length} for length in (1, 2)),
    *({"type": "string", "minLength": length} for length in (1, 2)),
    *({"type": "string", "pattern": pattern} for pattern in ("^a", "^[0-9]+$")),
    *({"type": "string", "enum": values} for values in (["a"], ["a", "b"], ["1", "a"])),
    *({"type": "integer", "minimum": low} for low in (0, 2)),
    *({"type": "integer", "maximum": high} for high in (1, 5)),
    *({"type": "number", "multipleOf": step} for step in (0.5, 1, 2)),
    *({"type": "integer", "enum": values} for values in ([1], [1, 2])),
    {"type": ["string", "null"]},
    {"type": ["integer", "string"]},
    {"const": "a"},
]


def wider(inner: st.SearchStrategy[Json]) -> st.SearchStrategy[Json]:
    objects = st.fixed_dictionaries(
        {
            "type": st.just("object"),
            "properties": st.dictionaries(st.sampled_from("ab"), inner, min_size=1, max_size=2),
        },
        optional={
            "required": st.lists(st.sampled_from("ab"), min_size=1, max_size=2, unique=True),
            "additionalProperties": st.sampled_from([False, {"type": "string"}]),
            "if": st.just({"required": ["a"]}),
            "then": st.just({"required": ["b"]}),
        },
    )
    lists = st.fixed_dictionaries(
        {"type": st.just("array")},
        optional={
            "items": inner,
            "prefixItems": st.lists(inner, min_size=1, max_size=2),
            "minItems": st.integers(1, 2),
            "maxItems": st.integers(0, 2),
            "uniqueItems": st.just(True),
        },
    )
    unions = st.builds(
        lambda word, some: {word: some},
        st.sampled_from(["anyOf", "oneOf", "allOf"]),
        st.lists(inner, min_size=1, max_size=2),
    )
    return st.one_of(objects, lists, unions)


BODIES = st.recursive(st.sampled_from(SCALARS), wider, max_leaves=4)
QUERIES = st.one_of(
    st.sampled_from(SCALARS),
    st.sampled_from(SCALARS),
    st.fixed_dictionaries(
        {"type": st.just("array"), "items": st.sampled_from(SCALARS)},
        optional={"minItems": st.integers(1, 2), "maxItems": st.integers(1, 2)},
    ),
)


def within(schema: Any) -> Iterator[Json]:
    """A schema and those within it."""
    if isinstance(schema, dict):
        yield schema
        for word in ("items", "additionalProperties"):
            yield from within(schema.get(word))
        for word in ("anyOf", "oneOf", "allOf", "prefixItems"):
            for branch in schema.get(word, ()):
                yield from within(branch)
        for inner in schema.get("properties", {}).values():
            yield from within(inner)


def edited(draw: st.DrawFn, schema: Json, fresh: st.SearchStrategy[Json]) -> Json:
    """A schema in which something became another thing, is gone, or is new."""
    made = copy.deepcopy(schema)
    target = draw(st.sampled_from(list(within(made))))
    lists = [word for word in ("anyOf", "oneOf", "allOf", "prefixItems") if word in target]
    match draw(st.sampled_from(["drop", "replace", "grow", "wrap"])):
        case "drop" if len(target) > 1:
            del target[draw(st.sampled_from(sorted(target)))]
        case "grow" if lists:
            target[lists[0]].append(copy.deepcopy(draw(fresh)))
        case "wrap":
            inner, word = dict(target), draw(st.sampled_from(["anyOf", "oneOf", "allOf"]))
            target.clear()
            target[word] = [inner, copy.deepcopy(draw(fresh))]
        case _:
            new = copy.deepcopy(draw(fresh))
            target.clear()
            target.update(new)
    return made


@st.composite
def pairs(draw: st.DrawFn, schemas: st.SearchStrategy[Json]) -> tuple[Json, Json]:
    old = draw(schemas)
    return old, edited(draw, old, schemas)


def operation(place: str, schema: Json) -> Json:
    media = {"content": {"application/json": {"schema": schema}}}
    given: Json = {"responses": {"200": {"description": "Done"}}}
    match place:
        case "request":
            given["requestBody"] = media
        case "response":
            given["responses"]["200"].update(media)
        case _:
            given["parameters"] = [{"name": "q", "in": "query", "schema": schema}]
    info = {"title": "Shop", "version": "1.0.0"}
    return {"openapi": "3.1.0", "info": info, "paths": {"/orders": {"post": given}}}


def worst(place: str, old: Json, new: Json) -> Level:
    base, revision = (
        contract(Document(operation(place, copy.deepcopy(one)), name))
        for one, name in ((old, "a"), (new, "b"))
    )
    found = [one for one in compare(base, revision).changes if rules()[one.id].area != "info"]
    return min((one.level for one in found), key=lambda level: level.rank, default=Level.SAFE)


# Values


def values() -> list[Any]:
    """Small values of every kind, one within another."""
    plain = [None, True, -1, 0, 1, 2, 3, 6, 0.5, 1.5, "", "a", "b", "ab", "1", "abc"]
    objects = [
        {name: value for name, value in zip("abc", some, strict=True) if value != ""}
        for some in itertools.product(["", "a", "ab", 1, 3], ["", "b", 2], ["", "c"])
    ]
    lists = [[], *([one] for one in plain), *([one, two] for one in plain for two in plain)]
    deep = [{"a": one} for one in (*objects, *lists[:20])] + [[one] for one in objects]
    return [*plain, *objects, *lists, *deep]


VALUES = values()
TEXTS = ["", "a", "b", "ab", "abc", "0", "1", "2", "3", "6", "-1", "0.5", "1.5", "true", "null"]


def as_sent(schema: Any) -> Any:
    """A schema that allows only what it lists, unless it says what else there may be."""
    if not isinstance(schema, dict):
        return schema
    made: Json = {}
    for word, value in schema.items():
        match word:
            case "anyOf" | "oneOf":
                made.setdefault("anyOf", []).extend(map(as_sent, value))
            case "prefixItems":
                made[word] = [as_sent(one) for one in value]
            case "properties":
                made[word] = {name: as_sent(one) for name, one in value.items()}
            case "items" | "additionalProperties":
                made[word] = as_sent(value)
            case _:
                made[word] = value
    if "properties" in made and "additionalProperties" not in made:
        made["additionalProperties"] = False
    if "prefixItems" in made and "items" not in made:
        made["items"] = False
    return made


def broken_by(promised: Json, kept: Json) -> str | None:
    """A value that was promised and is not kept; None if none was found."""
    sure, sent, other = map(jsonschema_rs.validator_for, (promised, as_sent(promised), kept))
    for value in VALUES:
        if sure.is_valid(value) and sent.is_valid(value) and not other.is_valid(value):
            return json.dumps(value)
    return None


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
@given(pairs(BODIES), st.sampled_from(["request", "response"]))
def test_what_a_body_proves_is_not_called_safe(pair: tuple[Json, Json], place: str) -> None:
    old, new = pair
    if worst(place, old, new) is Level.SAFE:
        promised = pair if place == "request" else (new, old)
        assert broken_by(*promised) is None


@TRIED
@given(pairs(QUERIES))
def test_what_a_query_proves_is_not_called_safe(pair: tuple[Json, Json]) -> None:
    if worst("query", *pair) is not Level.SAFE:
        return
    before, after = map(jsonschema_rs.validator_for, pair)
    queries = [[one] for one in TEXTS] + [[one, two] for one in TEXTS[:6] for two in TEXTS[:8]]
    for sent in queries:
        if takes(before, sent, listed=True):
            assert takes(after, sent, listed=True), sent
