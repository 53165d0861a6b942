"""What a schema says of the members of a value: through references, `allOf` and alternatives.

A member is named by its dotted path, with `[]` for any item of a list: `outputs[].type`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flora_contract.openapi.document import Document

_PREFIX: Final = re.compile(r"\^((?:[\w-]|\\[^\w\s])+)(?:\Z|[^\w*+?{])[^|]*\Z")


@dataclass(frozen=True)
class Member:
    """One documented member of a value.

    `schema` has its reference followed; `values` are the strings of its enum, or its known values
    where it stays open; `required` holds where all that lies around it is there.
    """

    path: str
    schema: dict[str, Any]
    values: tuple[str, ...]
    required: bool

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rpartition(".")[2]


def members(document: Document, schema: Any) -> Iterator[Member]:
    """Every member below a schema, each path once, in the order of the document."""
    seen: set[str] = set()
    for member in _members(document, schema, "", frozenset(), frozenset()):
        if member.path not in seen:
            seen.add(member.path)
            yield member


def member(document: Document, schema: Any, path: str) -> Member | None:
    """The member at a dotted path; lists on the way may be written with or without `[]`."""
    wanted = path.replace("[]", "")
    return next((m for m in members(document, schema) if m.path.replace("[]", "") == wanted), None)


def put(members: dict[str, Any], path: str, value: Any) -> None:
    """Set a member by its dotted path."""
    *outer, name = path.split(".")
    for part in outer:
        members = members.setdefault(part, {})
    members[name] = value


def values(document: Document, schema: Any) -> tuple[str, ...]:
    """The strings of a schema's enum, or its known values where it stays open."""
    for node in _alternatives(document, schema):
        if found := node.get("enum") or node.get("x-extensible-enum"):
            return tuple(value for value in found if isinstance(value, str))
    return ()


def types(document: Document, schema: Any) -> frozenset[str]:
    """The JSON types that a schema names, its alternatives included; empty for any."""
    found: set[str] = set()
    for node in _alternatives(document, schema, through_typed=False):
        kind = node.get("type", [])
        found |= set(kind if isinstance(kind, list) else [kind])
    return frozenset(found)


def prefix_of(pattern: str) -> str:
    """What every text that a pattern allows begins with, as far as that is plain to see."""
    found = _PREFIX.match(pattern)
    return found[1].replace("\\", "") if found else ""


def _alternatives(
    document: Document,
    schema: Any,
    *,
    through_typed: bool = True,
    trail: frozenset[int] = frozenset(),
) -> Iterator[dict[str, Any]]:
    """A schema and those that it is made of, from the outside in."""
    schema = document.resolve(schema)
    if not isinstance(schema, dict) or id(schema) in trail:  # a schema may hold itself
        return
    yield schema
    if through_typed or "type" not in schema:
        for part in _parts(schema):
            yield from _alternatives(
                document, part, through_typed=through_typed, trail=trail | {id(schema)}
            )


def _members(
    document: Document, schema: Any, prefix: str, required: frozenset[str], trail: frozenset[int]
) -> Iterator[Member]:
    schema = document.resolve(schema)
    if not isinstance(schema, dict) or id(schema) in trail:  # a schema may hold itself
        return
    trail |= {id(schema)}
    required |= _required(document, schema, trail)
    for part in _parts(schema):
        yield from _members(document, part, prefix, required, trail)
    if isinstance(schema.get("items"), dict):
        yield from _members(document, schema["items"], f"{prefix}[]", frozenset(), trail)
    for name, child in schema.get("properties", {}).items():
        path = f"{prefix}.{name}" if prefix else name
        resolved = document.resolve(child)
        if isinstance(resolved, dict):
            yield Member(path, resolved, values(document, child), name in required)
        yield from _members(document, child, path, frozenset(), trail)


def _required(document: Document, schema: Any, trail: frozenset[int]) -> frozenset[str]:
    """Names that a schema requires, by itself or by a part that always holds."""
    schema = document.resolve(schema)
    if not isinstance(schema, dict):
        return frozenset()
    parts = [p for p in schema.get("allOf", ()) if id(document.resolve(p)) not in trail]
    own = frozenset(schema.get("required", ()))
    return own.union(*(_required(document, p, trail | {id(schema)}) for p in parts))


def _parts(schema: dict[str, Any]) -> list[Any]:
    return [*schema.get("allOf", ()), *schema.get("anyOf", ()), *schema.get("oneOf", ())]
