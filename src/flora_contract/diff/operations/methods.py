"""The methods of HTTP that OpenAPI knows, and the operations they name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flora_contract.diff.operations.by_name import mapped

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flora_contract.openapi.tree import Node, Tree

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace", "query")


def operations(item: Node) -> Iterator[tuple[str, Node]]:
    """The operations of a path item by their methods."""
    for method in METHODS:
        node = item.get(method)
        if node is not None:
            node.mapping()
            yield method, node


def operations_of(tree: Tree) -> Iterator[Node]:
    """Every operation that clients call."""
    for name, item in mapped(tree.root, "paths").items():
        if name[:2] != "x-":
            yield from (node for _, node in operations(tree.resolve(item)))
