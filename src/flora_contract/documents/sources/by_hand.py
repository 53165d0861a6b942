"""Facts that only a person can type, for no file here states them: `facts/elsewhere.yaml`.

A table by operation, or `API` for what holds everywhere, then by label, then by place:

    GET /projects:
      SPEC160:
        status: 200
        query limit: integer, minimum 1, maximum 100
      SPEC160, TSnext:
        answer meta.total_estimate: optional, integer | null
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from flora_contract.documents.facts.fact import CONSTRAINTS, PageFact, Place, SourcePage
from flora_contract.errors import InputError
from flora_contract.openapi import load

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from flora_contract.documents.facts.fact import Scalar

_TYPES: Final = {"string", "number", "integer", "boolean", "object", "array", "map"}
_WORDS: Final[dict[str, tuple[str, Scalar]]] = {
    "required": ("required", True),
    "optional": ("required", False),
    "null": ("nullable", True),
    "deprecated": ("deprecated", True),
    "parameter": ("is", "parameter"),
    "operation": ("is", "operation"),
    **{name: ("type", name) for name in _TYPES},
}


def read_by_hand(path: Path) -> list[SourcePage]:
    """What the table states, one `SourcePage` for each label. Raises InputError."""
    pages: dict[str, SourcePage] = {}
    document = load(path)
    for operation, labels in document.tree.items():
        for names, said in labels.items():
            try:
                facts = list(_facts(operation, said))
            except (AttributeError, TypeError, ValueError) as error:
                at = document.locate((operation, names))
                raise InputError(f"{at}: not written as its table is: {error}") from None
            for label in names.split(", "):
                page = pages.setdefault(label, SourcePage(label, "elsewhere", path.name))
                page.facts += facts
    return list(pages.values())


def _facts(operation: str, said: dict[str, Any]) -> Iterator[PageFact]:
    for where, words in said.items():
        if where == "status":
            for status in str(words).split():
                yield PageFact(Place(operation, "status", status), "is", "response", 0)
        else:
            place = Place.parse(operation if where == "operation" else f"{operation} {where}")
            for aspect, value in _said(str(words)):
                yield PageFact(place, aspect, value, 0)


def _said(text: str) -> Iterator[tuple[str, Scalar]]:
    for words in text.replace(" | ", ", ").split(", "):
        name, _, rest = words.partition(" ")
        if words in _WORDS:
            yield _WORDS[words]
        elif words.startswith("one of "):
            yield from (("value", value) for value in words.split(" ")[2:])
        elif name in {"prefix", "shows", "format", "pattern"}:
            yield name, rest
        elif name in CONSTRAINTS:
            yield name, int(rest) if rest.lstrip("-").isdecimal() else float(rest)
        else:
            raise ValueError(words)
