"""allOf as one schema, where that can be said without changing what it allows."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from flora_contract.diff.reading.schema import ANNOTATIONS

if TYPE_CHECKING:
    from flora_contract.diff.reading.schema import Schema, Schemas
    from flora_contract.openapi.tree import Node

_LARGEST = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties", "minContains")
_SMALLEST = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties", "maxContains")
_MAX_DEPTH = 50


def merged(schema: Schema, schemas: Schemas, depth: int = 0) -> Schema | None:
    """The schema without allOf, or None if its branches cannot be told as one schema."""
    branches = schema.lists.get("allOf", [])
    rest = {word: nodes for word, nodes in schema.lists.items() if word != "allOf"}
    result: Schema | None = replace(schema, altered=True, lists=rest)
    if depth > _MAX_DEPTH:
        return None
    for branch in branches:
        flat = merged(schemas.of(branch), schemas, depth + 1)
        if flat is None or result is None:
            return None
        result = both(result, flat)
    if schema.or_null and result is not None:
        return replace(result, nullable=True)
    return result


def both(one: Schema, two: Schema) -> Schema | None:
    """One schema that allows what both allow."""
    if not two.constrains:
        return one
    if _counts_properties(one, two) or one.single.keys() & two.single.keys():
        return None
    if one.lists.keys() & two.lists.keys():
        return None
    words = _words(one.words, two.words)
    maps = _maps(one, two)
    if words is None or maps is None:
        return None
    return replace(
        one,
        types=_types(one.types, two.types),
        nullable=_nullable(one, two),
        closed=one.closed or two.closed,
        required=one.required | two.required,
        words=words,
        spots={
            **{word: two.spots.get(word, two.at) for word in two.words},
            **{word: one.spots.get(word, one.at) for word in one.words},
        },
        single={**one.single, **two.single},
        lists={**one.lists, **two.lists},
        maps=maps,
        beside=(*one.beside, *two.beside),
    )


def _counts_properties(one: Schema, two: Schema) -> bool:
    """Whether a keyword looks at the properties beside it, and so cannot move to others."""
    words = {"additionalProperties", "unevaluatedProperties", "unevaluatedItems", "items"}
    for schema, other in ((one, two), (two, one)):
        looks = schema.closed or words & (schema.single.keys() | schema.words.keys())
        if looks and (other.maps or "prefixItems" in other.lists):
            return True
    return False


def _types(one: frozenset[str] | None, two: frozenset[str] | None) -> frozenset[str] | None:
    if one is None or two is None:
        return two if one is None else one
    both = one & two
    if "integer" in one | two and "number" in one | two:
        both |= {"integer"}
    return both


def _nullable(one: Schema, two: Schema) -> bool:
    if one.types is None or two.types is None:
        return two.nullable if one.types is None and two.types is not None else one.nullable
    return one.nullable and two.nullable


def _words(one: dict[str, Any], two: dict[str, Any]) -> dict[str, Any] | None:
    words = {**two, **one}
    for word in one.keys() & two.keys():
        if one[word] == two[word] or word in ANNOTATIONS or word[:2] == "x-":
            continue
        if word in _LARGEST:
            words[word] = max(one[word], two[word])
        elif word in _SMALLEST:
            words[word] = min(one[word], two[word])
        elif word == "enum":
            words[word] = [value for value in one[word] if value in two[word]]
        else:
            return None
    return words


def _maps(one: Schema, two: Schema) -> dict[str, dict[str, Node]] | None:
    maps: dict[str, dict[str, Node]] = {}
    for word in one.maps.keys() | two.maps.keys():
        first, second = one.maps.get(word, {}), two.maps.get(word, {})
        if any(first[name].value != second[name].value for name in first.keys() & second.keys()):
            return None
        maps[word] = {**second, **first}
    return maps
