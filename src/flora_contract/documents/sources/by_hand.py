"""Facts from outside the pages: `facts/elsewhere.yaml`, typed by hand.

`facts` are written as those of pages are, place by place. `operations` are written in whole: a
member is a line, `beta?: boolean` or `created_at: integer | null, minimum 0`; its name ends in `?`
where it need not be there, in `[]` where it is a list of what follows, in `{}` where it is a map.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from flora_contract.documents.facts.fact import PageFact, Place, SourcePage, entries, statements
from flora_contract.errors import InputError
from flora_contract.openapi import load

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_MEMBER: Final = re.compile(r"([\w-]+)(\[\]|\{\})?(\?)?")
_TYPES: Final = {"string", "number", "integer", "boolean", "object", "array", "map"}

Entry = dict[str, Any]


def read_elsewhere(path: Path) -> list[SourcePage]:
    """What other public material states, one `SourcePage` for each label it is from."""
    pages: dict[str, SourcePage] = {}
    tree = load(path).tree
    for place, entry in (*entries(tree, path), *_operations(tree.get("operations", {}), path)):
        for label in entry.pop("from"):
            page = pages.setdefault(label, SourcePage(label, "elsewhere", path.name))
            page.facts += [PageFact(place, aspect, value, 0) for aspect, value in statements(entry)]
    return list(pages.values())


def _operations(operations: dict[str, Any], path: Path) -> Iterator[tuple[Place, Entry]]:
    try:
        for name, operation in operations.items():
            operation_place = Place.parse(name)
            found = [(operation_place, {"is": "operation"})]
            for member, said in operation.get("query", {}).items():
                place, entry = _member(Place(operation_place.operation, "query"), member)
                found.append((place, {"is": "parameter", **entry, **_said(said)}))
            found += _object(Place(operation_place.operation, "answer"), operation["answer"])
            for place, entry in found:
                yield place, {**entry, "from": list(operation["from"])}
    except (KeyError, TypeError, AttributeError, ValueError):
        raise InputError(f"{path}: not a file of facts") from None


def _object(place: Place, members: dict[str, Any]) -> Iterator[tuple[Place, Entry]]:
    yield place, {"type": "object"}
    for member, said in members.items():
        child, entry = _member(place, member)
        holder = {"[]": "array", "{}": "map"}.get(member.rstrip("?")[-2:])
        if holder is not None:
            yield child, {**entry, "type": holder}
            child, entry = child.items() if holder == "array" else child.values(), {}
        if isinstance(said, dict):
            yield child, entry
            yield from _object(child, said)
        else:
            yield child, {**entry, **_said(said)}


def _member(place: Place, member: str) -> tuple[Place, Entry]:
    """The place of a member, and whether it must be there."""
    written = _MEMBER.fullmatch(member)
    if written is None:
        raise ValueError(member)
    return place.child(written[1]), {"required": written[3] is None}


def _said(text: str) -> Entry:
    """`one of image video` names its values; `integer | null, minimum 0` says what it says."""
    kinds, *constraints = text.split(", ")
    entry: Entry = {}
    if kinds.startswith("one of "):
        entry = {"type": "string", "value": kinds.split(" ")[2:]}
    elif kinds != "any":
        named = kinds.split(" | ")
        if not {*named} <= {*_TYPES, "null"}:
            raise ValueError(kinds)
        entry = {"nullable": True} if "null" in named else {}
        entry["type"] = next(name for name in named if name != "null")
    for constraint in constraints:
        aspect, value = constraint.split(" ", 1)
        entry[aspect] = int(value) if value.isdecimal() else value
    return entry
