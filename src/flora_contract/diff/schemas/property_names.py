"""The properties that a schema lists, in whichever of its branches, and those within them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flora_contract.diff.reading.schema import Schema, Schemas

_DEPTH = 4  # values within one another
_MOST = 2_000  # names of one schema


def listed_names(schema: Schema, schemas: Schemas) -> Iterator[tuple[str, ...]]:
    """Every way to a property, as the names along it."""
    stack: list[tuple[tuple[str, ...], Schema]] = [((), schema)]
    seen: set[tuple[tuple[str, ...], int]] = set()
    while stack and len(seen) < _MOST:
        way, one = stack.pop()
        if (way, id(one)) in seen:
            continue
        seen.add((way, id(one)))
        for word in ("allOf", "anyOf", "oneOf"):
            stack += [(way, schemas.of(node)) for node in one.lists.get(word, ())]
        if len(way) >= _DEPTH:
            continue
        if "items" in one.single:
            stack.append(((*way, "[]"), schemas.of(one.single["items"])))
        for name, node in one.properties.items():
            yield (*way, name)
            stack.append(((*way, name), schemas.of(node)))
