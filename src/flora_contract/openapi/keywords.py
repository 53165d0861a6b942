"""Keywords of JSON Schema that several rooms read alike."""

from __future__ import annotations

BOUNDS = (
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
)
"""What limits a number, a text or a list by a number."""
