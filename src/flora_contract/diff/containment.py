"""Whether every value of one schema is a value of another, where that can be decided.

Sound in both directions: True and False are proofs, None is "it cannot be told". Recursive
schemas are taken to be contained until something shows otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from flora_contract.diff.facts import exact
from flora_contract.diff.merging import merged
from flora_contract.diff.schema import ANNOTATIONS, MISSING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from flora_contract.diff.schema import Schema, Schemas
    from flora_contract.diff.tree import Node

Answer = bool | None

_TYPES = frozenset({"array", "boolean", "number", "object", "string"})
_LOWER = {
    "minLength": "string",
    "minItems": "array",
    "minProperties": "object",
}
_UPPER = {
    "maxLength": "string",
    "maxItems": "array",
    "maxProperties": "object",
}
_OPAQUE = ("pattern", "format", "contentEncoding", "contentMediaType", "multipleOf")
_JUDGED = {
    *_LOWER,
    *_UPPER,
    *_OPAQUE,
    *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "enum", "const"),
    "uniqueItems",
}
_JUDGED_SCHEMAS = {"items", "additionalProperties"}


def all_of(answers: Iterable[Answer]) -> Answer:
    """True if all are, False if one is, else None."""
    result: Answer = True
    for answer in answers:
        if answer is False:
            return False
        if answer is None:
            result = None
    return result


@dataclass
class Containment:
    """Asks about schemas of two contracts: `small` holds those that may lie within the others."""

    small: Schemas
    large: Schemas
    _open: set[tuple[int, int]] = field(default_factory=set)

    def holds(self, small: Schema, large: Schema) -> Answer:
        """Whether every value of `small` is a value of `large`."""
        if not large.constrains or _is_empty(small):
            return True
        key = id(small), id(large)
        if key in self._open:
            return True
        self._open.add(key)
        try:
            return self._judge(small, large)
        finally:
            self._open.discard(key)

    def _nodes(self, small: Node, large: Node) -> Answer:
        return self.holds(self.small.of(small), self.large.of(large))

    def _judge(self, small: Schema, large: Schema) -> Answer:
        one, two = merged(small, self.small), merged(large, self.large)
        if one is None or two is None:
            return None
        if one.lists.keys() & {"anyOf", "oneOf"}:
            return self._union_within(one, two)
        if two.lists.keys() & {"anyOf", "oneOf"}:
            return self._within_union(one, two)
        # What is left out of `one` here only makes it smaller: True stands, False does not.
        exact_small = _is_simple(one)
        answer = all_of(self._conditions(one, two))
        if not _is_simple(two) and answer is True:
            return None
        return None if answer is False and not exact_small else answer

    def _union_within(self, small: Schema, large: Schema) -> Answer:
        [keyword, *others] = [word for word in ("anyOf", "oneOf") if word in small.lists]
        rest = replace(small, lists={}, nullable=False)
        if others or rest.constrains:
            return None
        branches = [self.small.of(node) for node in small.lists[keyword]]
        answer = all_of(self.holds(branch, large) for branch in branches)
        if small.nullable and not _takes_null(large):
            return False
        # A value that two branches of a oneOf match is none of its values.
        return None if answer is False and keyword == "oneOf" else answer

    def _within_union(self, small: Schema, large: Schema) -> Answer:
        [keyword, *others] = [word for word in ("anyOf", "oneOf") if word in large.lists]
        rest = replace(large, lists={}, nullable=False)
        if others or rest.constrains:
            return None
        branches = [self.large.of(node) for node in large.lists[keyword]]
        small = replace(small, nullable=small.nullable and not large.nullable)
        answers = [self.holds(small, branch) for branch in branches]
        if True not in answers:
            apart = all(_apart(small, branch) for branch in branches)
            return False if apart and _is_simple(small) and not _is_empty(small) else None
        if keyword == "anyOf":
            return True
        others_apart = sum(not _apart(small, branch) for branch in branches) == 1
        return True if others_apart else None

    def _conditions(self, small: Schema, large: Schema) -> Iterator[Answer]:
        yield not small.nullable or _takes_null(large)
        yield _types_within(small, large)
        yield _values_within(small, large)
        for word, name in _LOWER.items():
            if _allows(small, name):
                yield _bound(small.word(word), large.word(word), lower=True)
        for word, name in _UPPER.items():
            if _allows(small, name):
                yield _bound(small.word(word), large.word(word), lower=False)
        if _allows(small, "number"):
            yield _range(small, large)
        for word in _OPAQUE:
            if word in large.words:
                yield True if small.word(word) == large.word(word) else None
        if _allows(small, "array"):
            yield from self._lists(small, large)
        if _allows(small, "object"):
            yield from self._objects(small, large)

    def _lists(self, small: Schema, large: Schema) -> Iterator[Answer]:
        yield small.flag("uniqueItems") or not large.flag("uniqueItems")
        if "items" in large.single:
            item = small.single.get("items")
            yield self._nodes(item, large.single["items"]) if item is not None else None

    def _objects(self, small: Schema, large: Schema) -> Iterator[Answer]:
        yield large.required <= small.required
        beyond = small.single.get("additionalProperties")
        for name, node in large.properties.items():
            mine = small.properties.get(name, beyond)
            if mine is not None:
                yield self._nodes(mine, node)
            elif not small.closed:
                yield not self.large.of(node).constrains
        unlisted = small.properties.keys() - large.properties.keys()
        if large.closed:
            yield small.closed and not unlisted
        elif "additionalProperties" in large.single:
            node = large.single["additionalProperties"]
            for name in unlisted:
                yield self._nodes(small.properties[name], node)
            if not small.closed:
                yield self._nodes(beyond, node) if beyond is not None else None


def _is_simple(schema: Schema) -> bool:
    """Whether a schema holds nothing but what is judged here."""
    words = {word for word in schema.words if word not in ANNOTATIONS and word[:2] != "x-"}
    return (
        words <= _JUDGED
        and schema.single.keys() <= _JUDGED_SCHEMAS
        and schema.maps.keys() <= {"properties"}
        and not schema.lists
    )


def _is_empty(schema: Schema) -> bool:
    return schema.types == frozenset() and not schema.nullable


def _types(schema: Schema) -> frozenset[str]:
    return _TYPES if schema.types is None else schema.types


def _allows(schema: Schema, name: str) -> bool:
    types = _types(schema)
    return name in types or (name == "number" and "integer" in types)


def _takes_null(schema: Schema) -> bool:
    return schema.nullable or (schema.types is None and "enum" not in schema.words)


def _types_within(small: Schema, large: Schema) -> Answer:
    if large.types is None:
        return True
    if "enum" in small.words or "const" in small.words:
        return True  # judged by the values
    return all(
        name in large.types or (name == "integer" and "number" in large.types)
        for name in _types(small)
    )


def _apart(one: Schema, two: Schema) -> bool:
    """Whether no value can be of both, by their types alone."""
    if one.types is None or two.types is None or (one.nullable and two.nullable):
        return False
    if one.types & two.types:
        return False
    return not (_allows(one, "number") and _allows(two, "number"))


def _listed(schema: Schema) -> list[object] | None:
    if "const" in schema.words:
        return [schema.words["const"]]
    return schema.words.get("enum")


def _values_within(small: Schema, large: Schema) -> Answer:
    mine, allowed = _listed(small), _listed(large)
    if allowed is None:
        return mine is None or large.types is None or all(_has_type(one, large) for one in mine)
    if mine is None:
        return None if _types(small) <= {"boolean"} else False
    return {exact(value) for value in mine} <= {exact(value) for value in allowed}


def _has_type(value: object, schema: Schema) -> bool:
    names = {
        bool: {"boolean"},
        int: {"integer", "number"},
        float: {"number"},
        str: {"string"},
        list: {"array"},
        dict: {"object"},
    }.get(type(value))
    if names is None:
        return schema.nullable
    return bool(names & _types(schema))


def _bound(small: object, large: object, *, lower: bool) -> Answer:
    if large is MISSING:
        return True
    if small is MISSING:
        return False
    assert isinstance(small, int | float)
    assert isinstance(large, int | float)
    return small >= large if lower else small <= large


def _range(small: Schema, large: Schema) -> Answer:
    if small.types is not None and "integer" in small.types and "number" not in small.types:
        return None if _edges(small) != _edges(large) and not _in_range(small, large) else True
    return _in_range(small, large)


def _edges(schema: Schema) -> list[object]:
    words = ("minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum")
    return [schema.word(word) for word in words]


def _in_range(small: Schema, large: Schema) -> bool:
    return all(
        _reaches_less(small, large, bound, exclusive, sign)
        for bound, exclusive, sign in (
            ("minimum", "exclusiveMinimum", 1),
            ("maximum", "exclusiveMaximum", -1),
        )
    )


def _reaches_less(small: Schema, large: Schema, bound: str, exclusive: str, sign: int) -> bool:
    """Whether `small` ends no later than `large` at one end; an open end comes before a closed."""
    mine = _end(small, bound, exclusive, sign)
    other = _end(large, bound, exclusive, sign)
    return other is None or (mine is not None and mine >= other)


def _end(schema: Schema, bound: str, exclusive: str, sign: int) -> tuple[float, int] | None:
    ends = [(sign * schema.words[bound], 0)] if bound in schema.words else []
    if exclusive in schema.words:
        ends.append((sign * schema.words[exclusive], 1))
    return max(ends, default=None)
