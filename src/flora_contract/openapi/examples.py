"""Values that a schema allows: for requests that must be valid, and answers without a memory."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any, Final

from flora_contract.openapi.schemas import prefix_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flora_contract.openapi.document import Document, Operation

_FORMATS: Final = {
    "uri": "https://example.com/x",
    "date-time": "2026-01-02T03:04:05Z",
    "date": "2026-01-02",
    "uuid": "123e4567-e89b-42d3-a456-426614174000",
    "email": "someone@example.com",
}
_DEPTH: Final = 6
"""Objects inside objects, after which optional fields are left out."""


def example(document: Document, schema: Any, chance: random.Random, depth: int = 0) -> Any:
    """A value that a schema allows."""
    schema = document.resolve(schema)
    if not isinstance(schema, dict):
        return None
    for keyword in ("examples", "enum"):
        if schema.get(keyword):
            return chance.choice(schema[keyword])
    for keyword in ("const", "example", "default"):
        if keyword in schema:
            return schema[keyword]
    for keyword in ("anyOf", "oneOf"):
        if schema.get(keyword):
            return example(document, schema[keyword][0], chance, depth)
    if "allOf" in schema:
        parts = [example(document, part, chance, depth) for part in schema["allOf"]]
        own = _object(document, schema, chance, depth) if "properties" in schema else {}
        return {k: v for part in [*parts, own] if isinstance(part, dict) for k, v in part.items()}
    return _of_type(document, schema, chance, depth)


def _of_type(document: Document, schema: dict[str, Any], chance: random.Random, depth: int) -> Any:
    kind = schema.get("type", "object" if "properties" in schema else "string")
    if isinstance(kind, list):
        kind = kind[0]
    if kind == "object":
        return _object(document, schema, chance, depth)
    if kind == "array":
        length = max(schema.get("minItems", 0), 0 if depth > _DEPTH else 1)
        items = schema.get("items", {})
        return [example(document, items, chance, depth + 1) for _ in range(length)]
    if kind in {"integer", "number"}:
        low = schema.get("minimum", schema.get("exclusiveMinimum", 0))
        high = schema.get("maximum", low + 100)
        step = 1 if "exclusiveMinimum" in schema else 0
        return chance.randint(int(low) + step, int(high)) if int(high) > int(low) else low
    if kind == "boolean":
        return chance.random() < 0.5
    return None if kind == "null" else _string(schema, chance)


def _object(document: Document, schema: dict[str, Any], chance: random.Random, depth: int) -> Any:
    required = set(schema.get("required", ()))
    return {
        name: example(document, part, chance, depth + 1)
        for name, part in schema.get("properties", {}).items()
        if name in required or depth < _DEPTH
    }


def _string(schema: dict[str, Any], chance: random.Random) -> str:
    if schema.get("format") in _FORMATS:
        return _FORMATS[schema["format"]]
    text = prefix_of(schema.get("pattern", "")) + "".join(
        chance.choices("abcdefghkmnprstwxyz", k=8)
    )
    return text.ljust(schema.get("minLength", 0), "x")[: schema.get("maxLength", 200)]


def showcases(document: Document, schema: Any, most: int = 200) -> Iterator[Any]:
    """Values with every property, that together have every value of every enum."""
    chance = random.Random(0)  # noqa: S311 - values of examples
    return (_whole(document, schema, turn, chance) for turn in range(most))


def _whole(document: Document, schema: Any, turn: int, chance: random.Random) -> Any:
    """A value with every property; `turn` chooses where there is a choice."""
    schema = document.resolve(schema)
    if not isinstance(schema, dict):
        return None
    for keyword in ("enum", "x-extensible-enum"):
        if schema.get(keyword):
            return schema[keyword][turn % len(schema[keyword])]
    for keyword in ("anyOf", "oneOf"):
        options = [o for o in schema.get(keyword, ()) if document.resolve(o).get("type") != "null"]
        if options:
            chosen, further = options[turn % len(options)], turn // len(options)
            return _whole(document, chosen, further, chance)
    if "allOf" in schema:
        parts = [_whole(document, part, turn, chance) for part in schema["allOf"]]
        objects = [part for part in parts if isinstance(part, dict)]
        own = _properties(document, schema, turn, chance)
        return {k: v for part in [*objects, own] for k, v in part.items()} if objects else parts[0]
    if "properties" in schema:
        return _properties(document, schema, turn, chance)
    if "items" in schema:
        length = max(schema.get("minItems", 0), 1)
        return [_whole(document, schema["items"], turn + n, chance) for n in range(length)]
    return example(document, schema, chance)


def _properties(
    document: Document, schema: dict[str, Any], turn: int, chance: random.Random
) -> dict[str, Any]:
    parts = schema.get("properties", {}).items()
    return {name: _whole(document, part, turn, chance) for name, part in parts}


def body_example(operation: Operation) -> Any:
    """The first example that the contract has of an operation's JSON body; None for none."""
    content = (operation.request_body or {}).get("content", {}).get("application/json", {})
    named: dict[str, Any] = next(iter(content.get("examples", {}).values()), {})
    return content.get("example", named.get("value"))
