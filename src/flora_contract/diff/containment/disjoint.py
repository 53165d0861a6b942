"""Whether two schemas have no value in common: what tells the branches of a oneOf apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flora_contract.diff.containment.merging import merged
from flora_contract.diff.containment.values import listed, ranges_apart, shares_types, takes_null
from flora_contract.openapi.sameness import exact

if TYPE_CHECKING:
    from flora_contract.diff.reading.schema import Schema, Schemas

_OBJECT = frozenset({"object"})


def disjoint(
    first: Schema, firsts: Schemas, second: Schema, seconds: Schemas, depth: int = 3
) -> bool:
    """Whether it is certain that no value is of both.

    `firsts` and `seconds` are the contracts they stand in; `depth` is how many properties within
    one another are looked into.
    """
    one = merged(first, firsts) or first
    two = merged(second, seconds) or second
    if takes_null(one) and takes_null(two):
        return False
    mine, other = listed(one), listed(two)
    if mine is not None and other is not None:
        return not {exact(value) for value in mine} & {exact(value) for value in other}
    if not shares_types(one, two) or ranges_apart(one, two):
        return True
    if one.types != _OBJECT or two.types != _OBJECT or not depth:
        return False
    for name in sorted(one.required | two.required):
        here, there = one.properties.get(name), two.properties.get(name)
        if here is None or there is None:
            if _refuses(one, name) or _refuses(two, name):
                return True
        elif disjoint(firsts.of(here), firsts, seconds.of(there), seconds, depth - 1):
            return True
    return False


def _refuses(schema: Schema, name: str) -> bool:
    closed = schema.closed and "patternProperties" not in schema.maps
    return closed and name not in schema.properties
