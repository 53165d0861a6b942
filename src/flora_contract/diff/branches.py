"""Which branches of two unions belong together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flora_contract.diff.unions import reference, title

if TYPE_CHECKING:
    from collections.abc import Callable

    from flora_contract.diff.tree import Node

    Test = Callable[[Node, Node], bool]


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
