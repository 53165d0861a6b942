"""Whether every `$ref` of a contract leads somewhere, used or not, in each of its files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flora_contract.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flora_contract.openapi.tree import Node, Tree

_LITERAL = {"example", "default", "const", "enum", "value"}
_NAMES = {
    *("properties", "patternProperties", "dependentSchemas", "$defs", "definitions"),
    *("schemas", "responses", "parameters", "headers", "requestBodies", "examples", "links"),
    *("callbacks", "pathItems", "securitySchemes", "content", "paths", "webhooks", "encoding"),
}
"""Fields that map names to parts: what the names are says nothing."""


def check_references(tree: Tree) -> None:
    """Follow every reference. Raises InputError with the place of one that leads nowhere."""
    seen: set[tuple[str, str]] = set()
    stack = [tree.root]
    while stack:
        node = stack.pop()
        for reference in _mentioned(node.value):
            key = node.document.file, reference
            if key in seen:
                continue
            seen.add(key)
            try:
                target = tree.follow(node._replace(value={"$ref": reference}))
            except InputError:
                _find_fault(tree, node)
                continue  # an example may hold what only looks like a reference
            if target.document is not tree.document:
                stack.append(target)


def _mentioned(value: Any) -> Iterator[str]:
    stack = [value]
    while stack:
        value = stack.pop()
        if isinstance(value, dict):
            reference = value.get("$ref")
            if isinstance(reference, str):
                yield reference
            stack.extend(value.values())
        elif isinstance(value, list):
            stack.extend(value)


def _find_fault(tree: Tree, start: Node) -> None:
    """Follow the references below a node, and only those, in their order."""
    stack = [start]
    while stack:
        node = stack.pop()
        if isinstance(node.value, dict) and isinstance(node.value.get("$ref"), str):
            tree.follow(node)
        stack.extend(reversed(list(_parts(node))))


def _parts(node: Node) -> Iterator[Node]:
    if isinstance(node.value, list):
        yield from node.each()
    elif isinstance(node.value, dict):
        named = bool(node.pointer) and node.pointer[-1] in _NAMES
        for key, part in node.items():
            data = key in _LITERAL or key[:2] == "x-"
            listed = key == "examples" and isinstance(part.value, list)
            if named or not (data or listed):
                yield part
