"""How a user wants changes judged: the levels file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flora_contract.diff.changes import Settings
from flora_contract.diff.lifecycle import STABILITY, Policy
from flora_contract.diff.rules import Level, rules
from flora_contract.diff.tree import Node
from flora_contract.openapi import load

if TYPE_CHECKING:
    from pathlib import Path

OFF = "none"


def read_settings(path: Path) -> Settings:
    """The levels of a file, and how many days of notice what is deprecated must have.

        levels: {request-parameter-removed: breaking, api-tag-removed: none}
        deprecation-days: {stable: 180, beta: 30}

    Raises InputError with the line of what is wrong in it.
    """
    document = load(path)
    root = Node(document.tree, (), document)
    for key in root.mapping():
        if key not in {"levels", "deprecation-days"}:
            raise root.child(key).wrong("is unknown: known are levels and deprecation-days")
    levels: dict[str, Level | None] = {}
    listed = root.get("levels")
    for rule_id, node in listed.items() if listed is not None else ():
        if rule_id not in rules():
            raise node.wrong("is the id of no rule")
        if node.value not in {*Level, OFF}:
            raise node.wrong(f"must be one of {', '.join([*Level, OFF])}")
        levels[rule_id] = None if node.value == OFF else Level(node.value)
    return Settings(levels, Policy(_days(root)))


def _days(root: Node) -> dict[str, int]:
    days = {}
    listed = root.get("deprecation-days")
    for stability, node in listed.items() if listed is not None else ():
        if stability not in STABILITY:
            raise node.wrong(f"must be one of {', '.join(STABILITY)}")
        if not isinstance(node.value, int) or node.value < 0:
            raise node.wrong("must be a number of days")
        days[stability] = node.value
    return days
