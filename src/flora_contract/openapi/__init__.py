"""Load, resolve and overlay OpenAPI documents, and tell where each node came from."""

from flora_contract.openapi.document import Document, Operation, Pointer, load, parse, walk
from flora_contract.openapi.overlay import Applied, Edit, apply
from flora_contract.openapi.reading import Location
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
