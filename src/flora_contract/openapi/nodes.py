"""What each node of an OpenAPI document is, by its place: a parameter, a property, a response.

A property may be called `properties` or `example`, and an example may hold anything; so what a
node is follows from the path to it, keyword by keyword, and not from the name it stands under.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from flora_contract.openapi.document import Pointer

_SCHEMA: Final = {
    **dict.fromkeys(["properties", "patternProperties"], "{property}"),
    **dict.fromkeys(["$defs", "definitions", "dependentSchemas"], "{schema}"),
    **dict.fromkeys(["allOf", "anyOf", "oneOf", "prefixItems"], "[subschema]"),
    **dict.fromkeys(
        [
            "additionalProperties",
            "contains",
            "contentSchema",
            "else",
            "if",
            "items",
            "not",
            "propertyNames",
            "then",
            "unevaluatedItems",
            "unevaluatedProperties",
        ],
        "subschema",
    ),
}
_PARAMETER: Final = {"schema": "subschema", "content": "{media type}", "examples": "{example}"}
_METHODS: Final = ("get", "put", "post", "delete", "options", "head", "patch", "trace")

_GRAMMAR: Final[dict[str, Mapping[str, str]]] = {
    "document": {
        "info": "info",
        "servers": "[server]",
        "tags": "[tag]",
        "paths": "{path item}",
        "webhooks": "{path item}",
        "components": "components",
    },
    "components": {
        "schemas": "{schema}",
        "responses": "{response}",
        "parameters": "{parameter}",
        "examples": "{example}",
        "requestBodies": "{request body}",
        "headers": "{header}",
        "securitySchemes": "{security scheme}",
        "callbacks": "{callback}",
        "pathItems": "{path item}",
    },
    "path item": {
        **dict.fromkeys(_METHODS, "operation"),
        "parameters": "[parameter]",
        "servers": "[server]",
    },
    "operation": {
        "parameters": "[parameter]",
        "requestBody": "request body",
        "responses": "{response}",
        "callbacks": "{callback}",
        "servers": "[server]",
    },
    "callback": {"*": "path item"},
    "parameter": _PARAMETER,
    "header": _PARAMETER,
    "request body": {"content": "{media type}"},
    "response": {"headers": "{header}", "content": "{media type}"},
    "media type": {"schema": "subschema", "examples": "{example}", "encoding": "{encoding}"},
    "encoding": {"headers": "{header}"},
    "schema": _SCHEMA,
    "property": _SCHEMA,
    "subschema": _SCHEMA,
}
"""What stands under the keywords of a node: `x` is one, `[x]` a list and `{x}` a map of them."""

SCHEMAS: Final = frozenset({"schema", "property", "subschema"})
"""Kinds that are schemas: named, of a property, or inside another node."""


@dataclass(frozen=True)
class TypedNode:
    """A mapping that describes the API: its place, what it is, and what it holds."""

    pointer: Pointer
    kind: str
    tree: dict[str, Any]


def nodes(tree: Any, kind: str = "document", pointer: Pointer = ()) -> Iterator[TypedNode]:
    """Every node that describes the API, a parent before its children; no extension, no data."""
    if not isinstance(tree, dict):
        return
    yield TypedNode(pointer, kind, tree)
    keywords = _GRAMMAR.get(kind, {})
    for name, child in tree.items():
        shape = keywords.get(name, keywords.get("*", ""))
        inner = shape.strip("[]{}")
        if shape.startswith("[") and isinstance(child, list):
            for index, item in enumerate(child):
                yield from nodes(item, inner, (*pointer, name, index))
        elif shape.startswith("{") and isinstance(child, dict):
            for key, item in child.items():
                if not (shape == "{path item}" and key.startswith("x-")):
                    yield from nodes(item, inner, (*pointer, name, key))
        elif shape and shape[0] not in "[{":
            yield from nodes(child, inner, (*pointer, name))
