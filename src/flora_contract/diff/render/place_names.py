"""What people call the place of a change: `Run.items[].status`, `response 200: data.name`."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from flora_contract.diff.reading.schema import KNOWN

if TYPE_CHECKING:
    from flora_contract.diff.judging.changes import Change

_STEPS = {"items": "[]", "additionalProperties": ".*", "not": " not", "contains": " contains"}
_BRANCHES = {"oneOf", "anyOf", "allOf", "prefixItems"}
_NAMED = {"patternProperties", "dependentSchemas"}
_GROUPS = {"$defs", "definitions", "schemas"}
_MESSAGES = {"parameters", "requestBody", "responses", "headers", "content"}


def place_name(change: Change) -> str:
    """The place of a change within its operation or among the components; empty if it is that."""
    parts = [part.replace("~1", "/").replace("~0", "~") for part in change.pointer.split("/")[1:]]
    if parts[:1] == ["components"] and len(parts) > 2:
        return parts[2] + _within(parts[3:])
    if change.file and not {"schema", *_MESSAGES} & {*parts}:
        return _shared(change.file, parts)
    where = next((reach.where for reach in change.reaches if reach.where), "")
    schema = parts.index("schema") if "schema" in parts else len(parts)
    inner = _within(parts[schema + 1 :]).lstrip(".")
    return ": ".join(part for part in (where.split(", ")[0], inner) if part)


def _shared(file: str, parts: list[str]) -> str:
    """A schema that stands in a file of its own, or under its name in a file of several."""
    if parts[:1] and parts[0] in _GROUPS:
        parts = parts[1:]
    if not parts or parts[0] in KNOWN:
        return PurePosixPath(file).name.partition(".")[0] + _within(parts)
    return parts[0] + _within(parts[1:])


def _within(parts: list[str]) -> str:
    text = ""
    index = 0
    while index < len(parts):
        part = parts[index]
        following = parts[index + 1] if index + 1 < len(parts) else None
        if part == "properties" and following is not None:
            text += f".{following}"
            index += 1
        elif part in _BRANCHES and following is not None:
            text += f" {part}[{following}]"
            index += 1
        elif part in _NAMED and following is not None:
            text += f".{{{following}}}"
            index += 1
        elif part in _STEPS:
            text += _STEPS[part]
        index += 1
    return text
