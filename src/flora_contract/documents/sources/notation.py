"""Two notations for types: `array of object { id, 2 more }` and `Array<Output> | null`."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from flora_contract.documents.facts.fact import PageFact

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flora_contract.documents.facts.fact import Place

_MORE = re.compile(r"(\d+) more")
_MAP = re.compile(r"map\[(.+)\]|Record<string, (.+)>")
_NAMES = ("string", "number", "integer", "boolean")


@dataclass(frozen=True)
class Shape:
    """A type as a page notates it.

    `values` and `fields` are what the notation lists; `count` how many it says there are in all,
    for the full list stands below. `nullable` is None where the notation cannot say.
    """

    type: str
    nullable: bool | None = None
    values: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()
    count: int = 0
    items: Shape | None = None


def innermost(place: Place, shape: Shape) -> tuple[Place, Shape]:
    """What a list, or a list of lists, holds, and its place; other shapes as they are."""
    while shape.items is not None:
        place, shape = place.items(), shape.items
    return place, shape


class ShapeError(ValueError):
    """A type in a notation that no rule reads."""


def http_shape(text: str) -> Shape:
    """A type as the HTTP pages write it. Raises ShapeError."""
    if text in _NAMES:
        return Shape(text)
    if found := _MAP.fullmatch(text):
        return Shape(_map_of(found[1]))
    if text.startswith("array of "):
        return Shape("array", items=http_shape(text.removeprefix("array of ")))
    if found := re.fullmatch(r"object \{ (.+) \}", text):
        names, count = _listed(found[1].split(", "))
        return Shape("object", fields=names, count=count)
    if text.startswith('"'):
        values, count = _listed(text.split(" or "))
        return Shape("string", values=_unquoted(values), count=count)
    raise ShapeError(f"the type {text!r}")


def typescript_shape(text: str) -> Shape:
    """A type as the TypeScript pages write it. Raises ShapeError."""
    parts = text.split(" | ")
    nullable = "null" in parts
    parts = [part for part in parts if part != "null"]
    if parts and parts[0].startswith('"'):
        values, count = _listed(parts)
        return Shape("string", nullable, values=_unquoted(values), count=count)
    if len(parts) == 1:
        return replace(_typescript_name(parts[0]), nullable=nullable)
    raise ShapeError(f"the type {text!r}")


def _typescript_name(text: str) -> Shape:
    if text in _NAMES:
        return Shape(text)
    if found := _MAP.fullmatch(text):
        return Shape(_map_of(found[2]))
    if found := re.fullmatch(r"Array<(.+)>", text):
        return Shape("array", items=typescript_shape(found[1]))
    if re.fullmatch(r"[A-Z]\w*", text):
        return Shape("object")
    raise ShapeError(f"the type {text!r}")


def _map_of(values: str) -> str:
    return "map" if values == "unknown" else f"map of {values}"


def _listed(parts: list[str]) -> tuple[tuple[str, ...], int]:
    more = _MORE.fullmatch(parts[-1])
    names = tuple(parts[:-1] if more else parts)
    return names, len(names) + (int(more[1]) if more else 0)


def _unquoted(values: tuple[str, ...]) -> tuple[str, ...]:
    for value in values:
        if not re.fullmatch(r'"[^"]*"', value):
            raise ShapeError(f"the value {value!r}")
    return tuple(value[1:-1] for value in values)


def facts_of_shape(shape: Shape, place: Place, line: int) -> Iterator[PageFact]:
    """The type, and whether null belongs to it; the same for the items of an array."""
    yield PageFact(place, "type", shape.type, line)
    if shape.nullable is not None:
        yield PageFact(place, "nullable", shape.nullable, line)
    if shape.items is not None:
        yield from facts_of_shape(shape.items, place.items(), line)
