"""Unions: what their branches are called, which belong together, and which are plain types."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from flora_contract.diff.schemas.facts import Fact

if TYPE_CHECKING:
    from flora_contract.diff.reading.schema import Schema
    from flora_contract.openapi.tree import Node


Test = Callable[["Node", "Node"], bool]


def reference(node: Node) -> str | None:
    return node.value.get("$ref") if isinstance(node.value, dict) else None


def title(node: Node) -> str | None:
    return node.value.get("title") if isinstance(node.value, dict) else None


def names(nodes: list[Node]) -> str:
    """What people call branches: the name of the component, the title, or the number."""
    return ", ".join(_name(node) for node in nodes)


def _name(node: Node) -> str:
    referred = reference(node)
    if referred is not None:
        return referred.rsplit("/", 1)[-1]
    number = f"#{int(node.pointer[-1]) + 1}"
    return f"{number}: {title(node)}" if title(node) else number


def pure_union(schema: Schema) -> str | None:
    """anyOf or oneOf, if the schema is that and nothing else."""
    if len(schema.lists) != 1 or replace(schema, lists={}, nullable=False).constrains:
        return None
    [keyword] = schema.lists
    return keyword if keyword in {"anyOf", "oneOf"} else None


def list_of_types(base: Schema, revision: Schema) -> Fact | None:
    """A type that became one of several, each a branch of a union of its own, or the reverse."""
    before, after = _alternatives(base), _alternatives(revision)
    if before is None and after is None:
        return None
    old = before if before is not None else base.types
    new = after if after is not None else revision.types
    if (
        not old
        or not new
        or _plainest(old) == _plainest(new)
        or base.properties
        or revision.properties
    ):
        return None
    return Fact("list-of-types", base.at, revision.at, frozenset(old), frozenset(new))


def _plainest(types: frozenset[str]) -> frozenset[str]:
    return types - {"integer"} if "number" in types else types


def _alternatives(schema: Schema) -> frozenset[str] | None:
    """The types of a union whose branches are plain types."""
    if schema.types is not None or schema.maps or "not" in schema.single:
        return None
    for keyword in ("oneOf", "anyOf"):
        types = [_plain_type(node) for node in schema.lists.get(keyword, [])]
        if types and None not in types and "allOf" not in schema.lists:
            return frozenset(name for name in types if name is not None)
    return None


def _plain_type(node: Node) -> str | None:
    value = node.value if isinstance(node.value, dict) else {}
    if {"properties", "oneOf", "anyOf", "allOf"} & value.keys():
        return None
    return value["type"] if isinstance(value.get("type"), str) else None


# Which branches of two unions belong together


def matched(old: list[Node], new: list[Node], same: Test) -> list[tuple[Node, Node]]:
    """The pairs of branches with the same reference, meaning or title, or left as only ones.

    `same` tells whether two nodes mean the same.
    """
    found: list[tuple[Node, Node]] = []
    rest_old, rest_new = list(old), list(new)
    tests: tuple[Test, ...] = (
        lambda one, two: reference(one) is not None and reference(one) == reference(two),
        same,
        lambda one, two: title(one) is not None and title(one) == title(two),
    )
    for test in tests:
        for one in rest_old:
            two = next((node for node in rest_new if test(one, node)), None)
            if two is not None:
                found.append((one, two))
                rest_new = [node for node in rest_new if node is not two]
        gone = {one.pointer for one, _ in found}
        rest_old = [node for node in rest_old if node.pointer not in gone]
    nameless_old = [node for node in rest_old if reference(node) is None]
    nameless_new = [node for node in rest_new if reference(node) is None]
    if len(nameless_old) == len(nameless_new) == 1:
        one, two = nameless_old[0], nameless_new[0]
        if title(one) is None and title(two) is None:
            found.append((one, two))
    return found


def leftover(old: list[Node], new: list[Node], same: Test) -> tuple[list[Node], list[Node]]:
    """The branches on either side that have no counterpart."""
    pairs = matched(old, new, same)
    ones, twos = {one.pointer for one, _ in pairs}, {two.pointer for _, two in pairs}
    return (
        [node for node in old if node.pointer not in ones],
        [node for node in new if node.pointer not in twos],
    )
