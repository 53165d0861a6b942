"""A parameter that took one value and takes a list: `q=1` reads as the list that holds 1."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flora_contract.diff.containment.values import listed
from flora_contract.diff.reading.schema import WORDS

if TYPE_CHECKING:
    from flora_contract.diff.reading.schema import Schema
    from flora_contract.openapi.tree import Node

_PLAIN = {"integer", "number", "boolean"}
_COUNTS = ("minItems", "maxItems", "uniqueItems")


def becomes_list(base: Schema, revision: Schema, *, exploded: bool) -> bool:
    """Whether each value that was sent is now read as a list that holds it alone."""
    if revision.types != frozenset({"array"}) or not base.types:
        return False
    if base.types & {"array", "object"}:
        return False
    return exploded or _has_no_comma(base)


def _has_no_comma(schema: Schema) -> bool:
    values = listed(schema)
    if values is not None:
        return not any("," in str(value) for value in values)
    return (schema.types or set()) <= _PLAIN


def as_list(base: Node, revision: Schema) -> Node:
    """The schema of the lists that hold one value of `base`, to be compared with the new one.

    It says of their length what the new one says, if that allows for one item.
    """
    counts = {word: revision.words[word] for word in _COUNTS if word in revision.words}
    if counts.get("minItems", 1) > 1 or counts.get("maxItems", 1) < 1:
        counts = {"minItems": 1, "maxItems": 1}
    item: dict[str, Any] = base.value if isinstance(base.value, dict) else {}
    about = {word: item[word] for word in item if word in WORDS or word[:2] == "x-"}
    if "default" in item:
        about["default"] = [item["default"]]
    inner = {word: value for word, value in item.items() if word not in about}
    return base._replace(value={"type": "array", **counts, **about, "items": inner})
