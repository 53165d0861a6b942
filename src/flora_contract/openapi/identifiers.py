"""Schemas with a name of their own, `$id`, and what such names lead to (JSON Schema, 8.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urljoin

from flora_contract.openapi import walk

if TYPE_CHECKING:
    from flora_contract.openapi import Document, Pointer


class Identifiers:
    """The names of a document and of the schemas in it."""

    def __init__(self, document: Document) -> None:
        tree = document.tree
        name = tree.get("$self") if isinstance(tree, dict) else None
        self._names: dict[Pointer, str] = {(): name} if isinstance(name, str) else {}
        if "$id" in document.text or not document.text:
            for pointer, value in walk(tree):
                if isinstance(value, dict) and isinstance(value.get("$id"), str):
                    self._names[pointer] = urljoin(self.around(pointer), value["$id"])
        self._places = {name.partition("#")[0]: place for place, name in self._names.items()}

    def around(self, pointer: Pointer) -> str:
        """The name that references at a place are relative to; empty if there is none."""
        if not self._names:
            return ""
        for length in range(len(pointer), -1, -1):
            if pointer[:length] in self._names:
                return self._names[pointer[:length]]
        return ""

    def find(self, pointer: Pointer, reference: str) -> tuple[Pointer, str] | None:
        """The schema that a reference at a place names, and the fragment to look for in it."""
        if not self._names:
            return None
        name, _, fragment = urljoin(self.around(pointer), reference).partition("#")
        place = self._places.get(name)
        return None if place is None else (place, fragment)
