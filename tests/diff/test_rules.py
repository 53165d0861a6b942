"""Every rule fires on its example and not on the way back, and the table is that of oasdiff."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from rule_examples import Example, examples

from flora_contract.diff.judging.settings import Settings
from flora_contract.diff.reading.sources import contract
from flora_contract.diff.release.comparison import Comparison, compare
from flora_contract.diff.rules import NEVER, Level, rules
from flora_contract.openapi import Document

if TYPE_CHECKING:
    from flora_contract.diff.operations.lifecycle import Policy

EXAMPLES = examples()
TABLE = Path(__file__).parents[3] / "shared" / "research" / "diff-rules.tsv"
LEVELS = {"E": Level.BREAKING, "W": Level.RISKY, "I": Level.SAFE}


def compared(base: Any, revision: Any, policy: Policy, **options: bool) -> Comparison:
    trees = contract(Document(base, "base")), contract(Document(revision, "revision"))
    return compare(*trees, Settings(policy=policy), **options)


def fired(example: Example, *, back: bool = False) -> set[str]:
    pair = (example.base, example.revision)
    comparison = compared(*(pair[::-1] if back else pair), example.policy)
    return {change.id for change in comparison.changes} | {
        reach.id for change in comparison.changes for reach in change.reaches
    }


def test_every_rule_has_an_example() -> None:
    assert set(EXAMPLES) == set(rules())


SYMMETRIC = (
    *("-changed", "-moved", "-unasked", "-covered", "-undecided", "-renamed", "-kept"),
    *("-sunset-parse", "-invalid-stability-level"),
)


@pytest.mark.parametrize("rule_id", EXAMPLES)
def test_a_rule_fires_on_its_example_only(rule_id: str) -> None:
    example = EXAMPLES[rule_id]
    assert rule_id in fired(example)
    if not rule_id.endswith(SYMMETRIC):
        assert rule_id not in fired(example, back=True)
    for tree in (example.base, example.revision):
        assert not compared(tree, tree, example.policy).changes


@pytest.mark.skipif(not TABLE.exists(), reason="the table of oasdiff's rules is not here")
def test_the_rules_are_those_of_oasdiff_and_more() -> None:
    with TABLE.open(encoding="utf-8") as file:
        theirs = {row["id"]: LEVELS[row["level"]] for row in csv.DictReader(file, delimiter="\t")}
    ours = {rule.id: rule.level for rule in rules().values() if rule.shared}
    assert ours.keys() == theirs.keys() - NEVER
    assert all(ours[name] == theirs[name] for name in ours)
    assert len(ours) >= 495
