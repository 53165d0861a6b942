"""What two mappings hold under the same names."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from flora_contract.openapi.tree import Node


def by_name(
    base: Mapping[str, Node], revision: Mapping[str, Node]
) -> Iterator[tuple[str, Node | None, Node | None]]:
    """Each name of either mapping with its node on both sides; the names of the base first."""
    for name in [*base, *(name for name in revision if name not in base)]:
        yield name, base.get(name), revision.get(name)


def fields(base: Node, revision: Node, key: str) -> Iterator[tuple[str, Node | None, Node | None]]:
    """The same for the mappings that stand under a key of two nodes, where there are any."""
    return by_name(mapped(base, key), mapped(revision, key))


def mapped(node: Node, key: str) -> dict[str, Node]:
    """The mapping under a key of a node; empty if there is none."""
    inner = node.get(key)
    return dict(inner.items()) if inner is not None else {}
