"""The contract's own words for a schema: its keywords, through references and `allOf`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from flora_contract.openapi import Document


def keywords(document: Document, schema: Any) -> dict[str, Any]:
    """A schema's keywords with those of what it references; its own come first."""
    if not isinstance(schema, dict):
        return {}
    merged: dict[str, Any] = {}
    seen = set()
    while isinstance(schema, dict):
        merged = {**schema, **merged}
        reference = schema.get("$ref")
        if not isinstance(reference, str) or reference in seen:
            break
        seen.add(reference)
        schema = document.follow(reference)
    options = [*merged.get("anyOf", []), *merged.get("oneOf", [])]
    real = [option for option in options if not _is_null(option)]
    if len(real) == 1 and len(options) == 2:
        merged = {**keywords(document, real[0]), **merged}
    return merged


def properties(document: Document, schema: Any) -> dict[str, Any]:
    """The members of an object, those of its `allOf` included; each with its keywords."""
    whole = keywords(document, schema)
    members: dict[str, Any] = {}
    for part in whole.get("allOf", []):
        members.update(properties(document, part))
    for name, member in (whole.get("properties") or {}).items():
        members[name] = keywords(document, member)
    return members


def _is_null(schema: Any) -> bool:
    return isinstance(schema, dict) and schema.get("type") == "null"
