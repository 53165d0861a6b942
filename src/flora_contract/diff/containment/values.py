"""What the keywords of two schemas that hold no schema say about each other."""

from __future__ import annotations

import json
import math
import re
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from flora_contract.diff.reading.schema import MISSING
from flora_contract.openapi.sameness import exact

if TYPE_CHECKING:
    from flora_contract.diff.reading.schema import Schema

_TYPES = frozenset({"array", "boolean", "number", "object", "string"})
_KNOWN = _TYPES | {"integer"}
_COUNTED = {
    ("minLength", "maxLength"): "string",
    ("minItems", "maxItems"): "array",
    ("minProperties", "maxProperties"): "object",
}
_SIZES: dict[type, tuple[str, str]] = dict(zip((str, list, dict), _COUNTED, strict=True))


def differ_anyway(schema: Schema) -> bool:
    """Whether the items of each list differ, because they must or because there is one at most."""
    return schema.flag("uniqueItems") or schema.words.get("maxItems", 2) <= 1


def is_empty(schema: Schema) -> bool:
    """Whether a schema has no value at all, by its type."""
    return schema.types == frozenset() and not schema.nullable


def types_of(schema: Schema) -> frozenset[str]:
    """The types that a schema allows, without null."""
    return _TYPES if schema.types is None else schema.types


def allows(schema: Schema, name: str) -> bool:
    """Whether a schema allows values of a type."""
    types = types_of(schema)
    return name in types or (name == "number" and "integer" in types)


def takes_null(schema: Schema) -> bool:
    """Whether null is a value, as far as types and listed values tell."""
    if schema.or_null:
        return True
    values = listed(schema)
    if values is not None and None not in values:
        return False
    return schema.nullable or schema.types is None


def listed(schema: Schema) -> list[object] | None:
    """The values that enum and const limit a schema to; None if they do not."""
    values: list[object] | None = schema.words.get("enum")
    if "const" in schema.words:
        const = schema.words["const"]
        inside = values is None or exact(const) in {exact(value) for value in values}
        return [const] if inside else []
    return values


def types_within(small: Schema, large: Schema) -> bool | None:
    """Whether each type of one schema is one of the other; undecided if no one knows the type."""
    if small.types != large.types and not types_of(small) | types_of(large) <= _KNOWN:
        return None
    if large.types is None or listed(small) is not None:
        return True  # listed values are judged one by one
    whole = _is_whole(small)
    return all(
        name in large.types
        or (name == "integer" and "number" in large.types)
        or (name == "number" and whole and "integer" in large.types)
        for name in types_of(small)
    )


def values_within(small: Schema, large: Schema) -> bool | None:
    """Whether each listed value of one schema is one of the other."""
    mine, allowed = listed(small), listed(large)
    if mine is not None:
        mine = [value for value in mine if has_type(value, small)]
        if not all(has_type(value, large) for value in mine):
            return False
    if allowed is None:
        return True
    if mine is None and types_of(small) <= {"boolean"}:
        mine = [True, False, *([None] if takes_null(small) else [])]
    if mine is None:
        return False
    return {exact(value) for value in mine} <= {exact(value) for value in allowed}


def has_type(value: object, schema: Schema) -> bool:
    """Whether a value has one of the types of a schema."""
    if value is None:
        return schema.nullable or schema.types is None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    names = {
        bool: {"boolean"},
        int: {"integer", "number"},
        float: {"number"},
        str: {"string"},
        list: {"array"},
        dict: {"object"},
    }.get(type(value), set())
    types = types_of(schema)
    return bool(names & types) or not types <= _KNOWN  # no one can tell what `int` is to mean


def texts_within(small: Schema, large: Schema) -> bool:
    """Whether both list their values, and those of one are written as some of the other are."""
    mine, other = _texts(small), _texts(large)
    return mine is not None and other is not None and mine <= other


def _texts(schema: Schema) -> set[str] | None:
    values = [True, False] if schema.types == frozenset({"boolean"}) else listed(schema)
    if values is None or not all(isinstance(one, bool | int | float | str) for one in values):
        return None
    return {one if isinstance(one, str) else json.dumps(one) for one in values}


def shares_types(one: Schema, two: Schema) -> bool:
    """Whether a value can have a type of both, null left out."""
    mine, other = types_of(one), types_of(two)
    if listed(one) is not None:
        return any(has_type(value, one) and has_type(value, two) for value in listed(one) or ())
    if listed(two) is not None:
        return any(has_type(value, one) and has_type(value, two) for value in listed(two) or ())
    return bool(mine & other) or (allows(one, "number") and allows(two, "number"))


def bounds_within(small: Schema, large: Schema) -> bool | None:
    """Whether the bounds and divisors of one schema keep within those of the other."""
    values = listed(small)
    if values is not None:
        return all(_keeps_bounds(value, large) for value in values if has_type(value, small))
    answers: list[bool | None] = []
    for (least, most), name in _COUNTED.items():
        if allows(small, name):
            answers.append(_is_bounded(small.word(least), large.word(least), sign=1))
            answers.append(_is_bounded(small.word(most), large.word(most), sign=-1))
    if allows(small, "number"):
        answers += [_range(small, large), _divides(small, large)]
    return False if False in answers else None if None in answers else True


def _is_bounded(small: object, large: object, *, sign: int) -> bool:
    if large is MISSING:
        return True
    if small is MISSING:
        return False
    assert isinstance(small, int | float)
    assert isinstance(large, int | float)
    return sign * small >= sign * large


def _divides(small: Schema, large: Schema) -> bool | None:
    wanted, given = large.word("multipleOf"), small.word("multipleOf")
    if wanted is MISSING or wanted == given:
        return True
    if not _is_step(wanted):
        return None
    steps = [given] if _is_step(given) else []
    if small.types == frozenset({"integer"}):
        steps.append(1)  # each multiple of the step that is whole, and each whole number
    return any(_multiple(step, wanted) for step in steps) or None


def _is_step(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value > 0


def _multiple(value: Any, step: Any) -> bool:
    """Whether a number is a multiple of another, both as they are written."""
    return (Fraction(str(value)) / Fraction(str(step))).denominator == 1


def _keeps_bounds(value: object, schema: Schema) -> bool:
    """Whether one value keeps the bounds and divisors of a schema."""
    if isinstance(value, str | list | dict):
        least, most = _SIZES[type(value)]
        return bool(schema.words.get(least, 0) <= len(value) <= schema.words.get(most, math.inf))
    if isinstance(value, bool) or not isinstance(value, int | float):
        return True
    step = schema.word("multipleOf")
    return _is_between(value, schema) and (not _is_step(step) or _multiple(value, step))


def _is_between(value: float, schema: Schema) -> bool:
    words = schema.words
    return bool(
        words.get("minimum", value) <= value <= words.get("maximum", value)
        and words.get("exclusiveMinimum", -math.inf) < value
        and value < words.get("exclusiveMaximum", math.inf)
    )


def _range(small: Schema, large: Schema) -> bool | None:
    if _in_range(small, large):
        return True
    return None if _is_whole(small) and "multipleOf" in small.words else False


def _is_whole(schema: Schema) -> bool:
    types = schema.types or frozenset()
    step = schema.word("multipleOf")
    if "number" in types:
        return _is_step(step) and _multiple(step, 1)
    return "integer" in types


def _in_range(small: Schema, large: Schema) -> bool:
    whole = _is_whole(small)
    for bound, exclusive, sign in _ENDS:
        mine = _end(small, bound, exclusive, sign, whole=whole)
        other = _end(large, bound, exclusive, sign, whole=whole)
        if other is not None and (mine is None or mine < other):
            return False
    return True


_SAMPLES = ("", "a", "Z", "0", "-", " ", "~", "aa0", "Zebra-9 ~", "x" * 40)


def pattern_within(small: Schema, large: Schema) -> bool | None:
    """Whether the texts of one schema match the pattern of the other."""
    pattern = large.word("pattern")
    if pattern is MISSING or not allows(small, "string") or small.word("pattern") == pattern:
        return True
    if not isinstance(pattern, str) or "pattern" in small.words or "format" in small.words:
        return None
    values = listed(small)
    if values is not None:
        return all(matches(pattern, one) for one in values if isinstance(one, str))
    least, most = small.words.get("minLength", 0), small.words.get("maxLength", 99)
    samples = [text for text in _SAMPLES if least <= len(text) <= most]
    return None if all(matches(pattern, text) for text in samples) else False


def matches(pattern: str, text: str) -> bool:
    """Whether a text matches a pattern; no text does that Python cannot read."""
    try:
        return re.search(pattern, text) is not None
    except re.error:
        return False


def ranges_apart(one: Schema, two: Schema) -> bool:
    """Whether both are numbers, and one ends below the start of the other."""
    if not all(types_of(schema) <= {"integer", "number"} for schema in (one, two)):
        return False
    for low, high in ((one, two), (two, one)):
        top = _end(low, "maximum", "exclusiveMaximum", -1)
        bottom = _end(high, "minimum", "exclusiveMinimum", 1)
        if top is not None and bottom is not None and (-top[0], -top[1]) < bottom:
            return True
    return False


_ENDS = (("minimum", "exclusiveMinimum", 1), ("maximum", "exclusiveMaximum", -1))


def _end(
    schema: Schema, bound: str, exclusive: str, sign: int, *, whole: bool = False
) -> tuple[float, int] | None:
    """Where values begin, seen from one side; an open end comes after a closed one."""
    ends: list[tuple[float, int]] = []
    if bound in schema.words:
        value = sign * schema.words[bound]
        ends.append((math.ceil(value) if whole else value, 0))
    if exclusive in schema.words:
        value = sign * schema.words[exclusive]
        ends.append((math.floor(value) + 1, 0) if whole else (value, 1))
    return max(ends, default=None)
