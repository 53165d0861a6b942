"""Which keywords of a schema are judged exactly, which by themselves, and which not at all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flora_contract.diff.reading.schema import ANNOTATIONS, BOUNDS
from flora_contract.openapi.sameness import exact

if TYPE_CHECKING:
    from flora_contract.diff.reading.schema import Schema

HINTS = ("format", "contentEncoding", "contentMediaType")
"""What JSON Schema calls annotations, and people take for conditions: compared by name."""

_EXACT = {*BOUNDS, *HINTS, "pattern", "enum", "const", "uniqueItems"} - {
    "minContains",
    "maxContains",
}
_ELSEWHERE = {
    *("dependentRequired", "minContains", "maxContains"),
    *("unevaluatedProperties", "unevaluatedItems"),
}
_EXACT_SINGLE = {"items", "additionalProperties"}


def is_simple(schema: Schema) -> bool:
    """Whether a schema holds nothing but what is judged exactly."""
    return (
        _asserted(schema).keys() <= _EXACT
        and schema.single.keys() <= _EXACT_SINGLE
        and schema.maps.keys() <= {"properties"}
        and (not schema.lists or _is_tuple(schema))
    )


def _is_tuple(schema: Schema) -> bool:
    """Whether a schema is of lists whose first items are listed, and all of them may be there."""
    return schema.lists.keys() == {"prefixItems"} and "maxItems" not in schema.words


def unevaluated_within(small: Schema, large: Schema) -> bool | None:
    """What looks at all other keywords: contained if those that evaluate are the same."""
    for word in ("unevaluatedProperties", "unevaluatedItems"):
        if word not in large.single and word not in large.words:
            continue
        if small.words.get(word) is False and word in large.single:
            own = small.single.keys() | {word}  # nothing else, which is of any kind
        elif small.words.get(word) == large.words.get(word):
            own = {*small.single}
        else:
            return None
        if own != large.single.keys():
            return None
        if any(_names(small, kind) != _names(large, kind) for kind in (*small.maps, *large.maps)):
            return None
        if {kind: len(nodes) for kind, nodes in small.lists.items()} != {
            kind: len(nodes) for kind, nodes in large.lists.items()
        }:
            return None
    return True


def _names(schema: Schema, kind: str) -> set[str]:
    return set(schema.maps.get(kind, {}))


def _asserted(schema: Schema) -> dict[str, Any]:
    """The keywords that say which values are allowed, and hold no schema."""
    return {
        word: value
        for word, value in schema.words.items()
        if word not in ANNOTATIONS and word[:2] != "x-"
    }


def unknown_within(small: Schema, large: Schema) -> bool | None:
    """Keywords that nothing is known about: the same on both sides, or undecided."""
    words = {
        word: value
        for word, value in _asserted(large).items()
        if word not in _EXACT and word not in _ELSEWHERE
    }
    same = all(exact(small.word(word)) == exact(value) for word, value in words.items())
    return True if same else None
