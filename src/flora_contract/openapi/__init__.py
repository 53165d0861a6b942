"""Load, resolve and overlay OpenAPI documents, and tell where each node came from."""

from flora_contract.openapi.document import Document, Location, Operation, Pointer, load, parse

__all__ = ["Document", "Location", "Operation", "Pointer", "load", "parse"]
