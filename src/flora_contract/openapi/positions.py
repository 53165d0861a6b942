"""Where nodes stand in their files, found for many at once.

Large documents are JSON, and a few hundred places of them are asked for. A JSON text is walked
once along those places; what lies beside the way is skipped by the decoder at the speed of C.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from flora_contract.openapi import Location

if TYPE_CHECKING:
    from collections.abc import Iterable

    from flora_contract.openapi import Document, Pointer
    from flora_contract.openapi.tree import Node

Positions = dict[tuple[str, "Pointer"], Location]
"""Places by file and pointer."""


def positions(nodes: Iterable[Node]) -> Positions:
    """Where each of the nodes stands; the nearest place above a node that is nowhere."""
    documents: dict[str, Document] = {}
    wanted: dict[str, set[Pointer]] = defaultdict(set)
    for node in nodes:
        documents[node.document.file] = node.document
        wanted[node.document.file].add(node.pointer)
    found: Positions = {}
    for file, document in documents.items():
        if document.is_json:
            places = _in_json(document, wanted[file])
        else:
            places = {pointer: document.locate(pointer) for pointer in wanted[file]}
        found.update({(file, pointer): place for pointer, place in places.items()})
    return found


Way = dict[str, "Way"]
"""The keys that lead to what is wanted, one within the other."""

_BLANK = re.compile(r"[ \t\n\r]*")
_SCAN = json.JSONDecoder(strict=False).raw_decode


def _in_json(document: Document, pointers: set[Pointer]) -> dict[Pointer, Location]:
    way: Way = {}
    for pointer in pointers:
        step = way
        for part in pointer:
            step = step.setdefault(str(part), {})
    text = document.text
    offsets: dict[tuple[str, ...], int] = {(): 0}
    _walk(text, _skip_blank(text, 0), way, (), offsets)
    places = _locations(document, sorted(set(offsets.values())))
    return {pointer: places[_nearest(offsets, pointer)] for pointer in pointers}


def _locations(document: Document, offsets: list[int]) -> dict[int, Location]:
    """Line and column of offsets, which are given in their order."""
    places = {}
    text, line, passed = document.text, 1, 0
    for offset in offsets:
        line += text.count("\n", passed, offset)
        passed = offset
        places[offset] = Location(document.file, line, offset - text.rfind("\n", 0, offset))
    return places


def _nearest(offsets: dict[tuple[str, ...], int], pointer: Pointer) -> int:
    parts = tuple(map(str, pointer))
    while parts not in offsets:
        parts = parts[:-1]
    return offsets[parts]


def _walk(
    text: str, at: int, way: Way, path: tuple[str, ...], offsets: dict[tuple[str, ...], int]
) -> int:
    """Note where the children on the way stand; the offset after the value that starts at `at`."""
    if not way or text[at] not in "{[":
        return _skip(text, at)
    closing = "}" if text[at] == "{" else "]"
    index = 0
    at = _skip_blank(text, at + 1)
    while text[at] != closing:
        start = at
        key = str(index)
        if closing == "}":
            key, at = _SCAN(text, at)
            at = _skip_blank(text, _skip_blank(text, at) + 1)  # the colon
        if key in way:
            offsets[*path, key] = start
            at = _walk(text, at, way[key], (*path, key), offsets)
        else:
            at = _skip(text, at)
        at = _skip_blank(text, at)
        if text[at] == ",":
            at = _skip_blank(text, at + 1)
        index += 1
    return at + 1


def _skip(text: str, at: int) -> int:
    end: int = _SCAN(text, at)[1]
    return end


def _skip_blank(text: str, at: int) -> int:
    found: Any = _BLANK.match(text, at)
    end: int = found.end()
    return end
