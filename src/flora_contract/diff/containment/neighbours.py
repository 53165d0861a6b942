"""Which schemas say what a property or an item may hold.

All schemas that apply to one value say so together: those of its unions, conditions and
dependencies, and those that stand beside it in the schema around it. So what one of them does not
list may still be sent, because another one lists it.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from flora_contract.diff.containment.values import matches

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from flora_contract.diff.reading.schema import Schema, Schemas
    from flora_contract.openapi.tree import Node

Group = list["Schema"]

_UNIONS = ("allOf", "anyOf", "oneOf")
UNEVALUATED = ("unevaluatedProperties", "unevaluatedItems")
_CONDITIONS = ("if", "then", "else")
_DEPTH = 2  # values within one another that are looked into
_MOST = 20  # schemas that apply to one value: with more, nothing is said of what they list


def is_crowded(schema: Schema, schemas: Schemas) -> bool:
    """Whether too many schemas apply to the values of a schema to ask them all."""
    return any(True for _ in itertools.islice(_in_place([schema], schemas), _MOST, None))


def elsewhere(schema: Schema, schemas: Schemas) -> list[Schema]:
    """The other schemas that apply to the values of a schema, or may."""
    return list(_in_place([schema], schemas))[1:]


def _in_place(start: Iterable[Schema], schemas: Schemas) -> Iterator[Schema]:
    stack = list(start)[::-1]
    seen: set[int] = set()
    while stack:
        one = stack.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        nodes = [
            *(node for word in _UNIONS for node in one.lists.get(word, ())),
            *(one.single[word] for word in _CONDITIONS if word in one.single),
            *one.maps.get("dependentSchemas", {}).values(),
        ]
        stack += [*one.beside, *(schemas.of(node) for node in nodes)]


def of_property(schemas: Iterable[Schema], name: str) -> list[Node]:
    """What schemas say of a property, each by itself."""
    found: list[Node] = []
    for one in schemas:
        patterns = one.maps.get("patternProperties", {})
        own = [node for pattern, node in patterns.items() if matches(pattern, name)]
        if name in one.properties:
            own.append(one.properties[name])
        beyond = ["unevaluatedProperties"] if own else _BEYOND
        found += [*own, *(one.single[word] for word in beyond if word in one.single)]
    return found


_BEYOND = ["additionalProperties", "unevaluatedProperties"]


def of_pattern(schemas: Iterable[Schema], pattern: str) -> list[Node]:
    """What schemas say of properties whose names may match a pattern."""
    found: list[Node] = []
    for one in schemas:
        found += [node for name, node in one.properties.items() if matches(pattern, name)]
        found += one.maps.get("patternProperties", {}).values()
        found += [one.single[word] for word in _BEYOND if word in one.single]
    return found


def of_item(schemas: Iterable[Schema], index: int) -> list[Node]:
    """What schemas say of the item at an index of a list."""
    found: list[Node] = []
    for one in schemas:
        first = one.lists.get("prefixItems", [])
        found += [first[index]] if index < len(first) else _single(one, "items")
        found += _single(one, "contains", "unevaluatedItems")
    return found


def of_items(schemas: Iterable[Schema]) -> list[Node]:
    """What schemas say of any item of a list."""
    found: list[Node] = []
    for one in schemas:
        found += one.lists.get("prefixItems", [])
        found += _single(one, "items", "contains", "unevaluatedItems")
    return found


def _single(schema: Schema, *words: str) -> list[Node]:
    return [schema.single[word] for word in words if word in schema.single]


def looks_alike(one: Schema, two: Schema) -> bool:
    """Whether two schemas say something of the same properties and items, under no condition."""
    if any(schema.single.keys() & {*_CONDITIONS} for schema in (one, two)):
        return bool(one.at.value == two.at.value)
    return _looked_at(one) == _looked_at(two)


def _looked_at(schema: Schema) -> list[Any]:
    return [
        *(set(schema.maps.get(word, {})) for word in ("properties", "patternProperties")),
        len(schema.lists.get("prefixItems", ())),
        schema.closed,
        schema.single.keys() & {*_BEYOND, "items", "contains", "unevaluatedItems"},
        schema.words.keys() & {*UNEVALUATED},
    ]


def asks_for(schemas: Iterable[Schema], name: str) -> bool:
    """Whether a schema requires a property, always or beside another one."""
    return any(
        name in one.required
        or any(name in names for names in one.words.get("dependentRequired", {}).values())
        for one in schemas
    )


def groups(schema: Schema, schemas: Schemas) -> Iterator[Group]:
    """The schemas that apply to a value, then those that apply to one value within it.

    Left out are values within that a single schema speaks of.
    """
    group = list(_in_place([schema], schemas))
    yield group
    said = [of_property(group, name) for name in sorted(_names(group))]
    said += [of_item(group, index) for index in range(_longest(group) + 1)]
    for nodes in said:
        if len(nodes) > 1:
            yield list(_in_place(map(schemas.of, nodes), schemas))


def neighbours(schema: Schema, group: Group, schemas: Schemas) -> Group:
    """The rest of a group, but for the other branches of a union that the schema is a branch of.

    What such a branch lists is sent in values of that branch, and the union allows those anyway.
    """
    own = [schema]
    for one in group:
        for word in ("anyOf", "oneOf"):
            branches = [schemas.of(node) for node in one.lists.get(word, ())]
            if any(branch is schema for branch in branches):
                own += branches
    left_out = {id(one) for one in _in_place(own, schemas)}
    return [one for one in group if id(one) not in left_out]


@dataclass(frozen=True)
class Side:
    """Schemas of one contract that apply to a value: those that are asked about, and others."""

    schemas: Schemas
    own: Group
    others: Group

    def within(self, own: list[Node], others: list[Node]) -> Side:
        """The same for a value within."""
        rest = _in_place(map(self.schemas.of, others), self.schemas)
        return Side(self.schemas, list(map(self.schemas.of, own)), list(rest))


Differs = Callable[["Schema", "Schema"], bool]


def relists(old: Side, new: Side, differs: Differs, depth: int = _DEPTH) -> bool:
    """Whether schemas list more or less than they did, of what others list.

    By themselves they would be taken to list what nobody had sent so far. `differs` tells whether
    a schema of the old side has become another one in the new.
    """
    others = [*old.others, *new.others]
    if not others:
        return False
    if len(others) > _MOST:
        return True
    before, after = (list(_in_place(side.own, side.schemas)) for side in (old, new))
    if _general(before) != _general(after) and any(map(_lists_anything, others)):
        return True
    if _seen(before) != _seen(after) and any(map(_looks_at_the_rest, others)):
        return True
    ask: list[Callable[[Iterable[Schema]], list[Node]]]
    ask = [partial(of_property, name=name) for name in sorted(_names([*before, *after]))]
    ask += [partial(of_item, index=index) for index in range(_longest([*before, *after]) + 1)]
    for said_by in ask:
        was, now = said_by(before), said_by(after)
        rest = said_by(old.others), said_by(new.others)
        if not any(rest):
            continue
        if not was or not now:
            if not _are_among(was, rest[0]) or not _are_among(now, rest[1]):
                return True
            continue
        inner = old.within(was, rest[0]), new.within(now, rest[1])
        if any(differs(one, two) for one in inner[0].own for two in inner[1].own) and (
            not depth or relists(*inner, differs, depth - 1)
        ):
            return True
    return False


def _are_among(nodes: list[Node], others: list[Node]) -> bool:
    """Whether each says what another one says too, and so nothing new."""
    return all(any(one.value == other.value for other in others) for one in nodes)


def _names(schemas: Iterable[Schema]) -> set[str]:
    return {name for one in schemas for name in one.properties}


def _longest(schemas: Iterable[Schema]) -> int:
    return max((len(one.lists.get("prefixItems", ())) for one in schemas), default=0)


def _general(schemas: Iterable[Schema]) -> set[str]:
    """What is said of properties by what their names are like, or are not."""
    found: set[str] = set()
    for one in schemas:
        found |= one.maps.get("patternProperties", {}).keys()
        found |= one.single.keys() & {*_BEYOND}
    return found


def _seen(schemas: Iterable[Schema]) -> list[Any]:
    """What of a value is not left to the keywords that look at the rest."""
    return [_looked_at(one) for one in schemas]


def _looks_at_the_rest(schema: Schema) -> bool:
    return any(word in schema.single or word in schema.words for word in UNEVALUATED)


def _lists_anything(schema: Schema) -> bool:
    return bool(schema.properties or _general([schema]))
