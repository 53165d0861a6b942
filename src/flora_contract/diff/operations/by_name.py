"""What two mappings hold under the same names."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from flora_contract.openapi.tree import Node

Key = TypeVar("Key")
Value = TypeVar("Value")


def by_name(
    base: Mapping[Key, Value], revision: Mapping[Key, Value]
) -> Iterator[tuple[Key, Value | None, Value | None]]:
    """Each name of either mapping with what it has on both sides; the names of the base first."""
    for name in [*base, *(name for name in revision if name not in base)]:
        yield name, base.get(name), revision.get(name)


def fields(base: Node, revision: Node, key: str) -> Iterator[tuple[str, Node | None, Node | None]]:
    """The same for the mappings that stand under a key of two nodes, where there are any."""
    return by_name(mapped(base, key), mapped(revision, key))


def mapped(node: Node, key: str) -> dict[str, Node]:
    """The mapping under a key of a node; empty if there is none."""
    inner = node.get(key)
    return dict(inner.items()) if inner is not None else {}
