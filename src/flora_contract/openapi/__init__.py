"""Load, resolve and overlay OpenAPI documents, and tell where each node came from."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from flora_contract.openapi.document import Document, Operation, Pointer, load, parse, walk
from flora_contract.openapi.reading import Location

if TYPE_CHECKING:
    from flora_contract.openapi.overlay import Applied, Edit, apply
    from flora_contract.openapi.roundtrip import written

__all__ = [
    "Applied",
    "Document",
    "Edit",
    "Location",
    "Operation",
    "Pointer",
    "apply",
    "load",
    "parse",
    "walk",
    "written",
]

_LATER = {"Applied": "overlay", "Edit": "overlay", "apply": "overlay", "written": "roundtrip"}


def __getattr__(name: str) -> object:
    """Import on use what takes longer to import than most documents take to load."""
    if name not in _LATER:
        raise AttributeError(name)
    return getattr(importlib.import_module(f"{__name__}.{_LATER[name]}"), name)
