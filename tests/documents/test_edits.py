"""A slip of the hand in the contract turns the check red: 100 random ones, each on its own."""

from __future__ import annotations

import random as randomness
from itertools import islice

import pytest

from flora_contract import shipped
from flora_contract.documents.checking.check import check
from flora_contract.documents.checking.conflicts import read_conflicts
from flora_contract.documents.sources.read import elsewhere, stored_pages
from flora_contract.openapi import load
from tests.documents.contract_edits import edits


@pytest.mark.parametrize("seed", [20260621])
def test_100_random_edits_turn_the_check_red(seed: int) -> None:
    document = load(shipped.CONTRACT)
    pages = stored_pages() + elsewhere()
    accepted = read_conflicts(shipped.REGISTERS / "conflicts.md")
    assert not check(document, pages, accepted).faults
    survivors = [
        str(edit)
        for edit in islice(edits(document, randomness.Random(seed)), 100)
        if not check(edit.document, pages, accepted).faults
    ]
    assert survivors == []
