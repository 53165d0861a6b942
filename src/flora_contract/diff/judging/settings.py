"""How a user wants changes judged."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from flora_contract.diff.operations.lifecycle import STABILITY, Policy
from flora_contract.diff.rules import Level, rules
from flora_contract.openapi import load
from flora_contract.openapi.tree import Node

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

OFF = "none"
_KEYS = ("levels", "deprecation-days", "by-keyword")


@dataclass(frozen=True)
class Settings:
    """How changes are judged: levels by id (None: not reported) and the policy on deprecation.

    `by_keyword`: each keyword has the level of its rule, though it can be proved harmless.
    """

    levels: Mapping[str, Level | None] = field(default_factory=dict)
    policy: Policy = field(default_factory=Policy)
    by_keyword: bool = False

    def level(self, rule_id: str) -> Level | None:
        """The level of a rule, as the user set it or as the table has it."""
        return self.levels.get(rule_id, rules()[rule_id].level)


def read_settings(path: Path) -> Settings:
    """The levels of a file, and how many days of notice what is deprecated must have.

        levels: {request-parameter-removed: breaking, api-tag-removed: none}
        deprecation-days: {stable: 180, beta: 30}
        by-keyword: true

    Raises InputError with the line of what is wrong in it.
    """
    document = load(path)
    root = Node(document.tree, (), document)
    for key in root.mapping():
        if key not in _KEYS:
            raise root.child(key).wrong(f"is unknown: known are {', '.join(_KEYS)}")
    levels: dict[str, Level | None] = {}
    listed = root.get("levels")
    for rule_id, node in listed.items() if listed is not None else ():
        if rule_id not in rules():
            raise node.wrong("is the id of no rule")
        if node.value not in {*Level, OFF}:
            raise node.wrong(f"must be one of {', '.join([*Level, OFF])}")
        levels[rule_id] = None if node.value == OFF else Level(node.value)
    by_keyword = root.mapping().get("by-keyword", False)
    if not isinstance(by_keyword, bool):
        raise root.child("by-keyword").wrong("must be true or false")
    return Settings(levels, Policy(_days(root)), by_keyword)


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
