"""The plan as combinations: what is covered, what is left, and how what costs money is spread."""

from __future__ import annotations

from itertools import combinations
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flora_contract.conformance.coverage import APART, HIDDEN, SentPairs
from flora_contract.conformance.plan.dimensions import (
    ACCOUNT,
    Choice,
    best_first,
    combined_refusals,
    covering,
    every_pair,
    pairs_of,
    refusals,
)
from flora_contract.conformance.session import PAID, RESERVED, Session

DIMENSIONS = st.dictionaries(
    st.sampled_from(["a", "b", "c", "d"]),
    st.integers(1, 4).map(lambda n: [Choice(str(i), i) for i in range(n)]),
    min_size=1,
)


@given(DIMENSIONS, st.integers(0, 9).map(str))
def test_every_pair_is_covered_and_the_plainest_case_comes_first(of: Any, seed: str) -> None:
    cases = covering(of, seed)
    assert cases == covering(of, seed)
    assert all(choice.name == "0" for choice in cases[0].values())
    covered = set().union(*map(pairs_of, cases))
    assert covered == {pair for pair, _ in every_pair(of)}
    met = {(name, choice.name) for case in cases for name, choice in case.items()}
    assert met == {(name, choice.name) for name, choices in of.items() for choice in choices}


def test_the_first_cases_have_every_choice_before_all_pairs() -> None:
    of = {name: [Choice(str(n)) for n in range(5)] for name in "abc"}
    first = best_first(covering(of, "0"))[:8]
    assert all(len({case[name].name for case in first}) == 5 for name in of)


@given(DIMENSIONS)
def test_a_choice_goes_only_with_the_one_that_it_names(of: Any) -> None:
    of = {ACCOUNT: [Choice("owner"), Choice("other")], **of}
    of["key"] = [Choice("new"), Choice("twin", only=(ACCOUNT, "owner"))]
    for case in covering(of, "0"):
        assert (case["key"].name, case[ACCOUNT].name) != ("twin", "other")
    reasons = dict(every_pair(of))
    assert reasons[(ACCOUNT, "other"), ("key", "twin")] == APART


@given(DIMENSIONS)
def test_what_must_be_refused_meets_each_other_choice_and_no_second_reason(of: Any) -> None:
    bad = [Choice("bad", refused=True)]
    of = {name: [*choices, *bad] for name, choices in of.items()}
    cases = [*refusals(of), *combined_refusals(of)]
    assert all(sum(c.refused for c in case.values()) == 1 for case in cases)
    covered = set().union(*map(pairs_of, cases))
    for one, two in combinations(sorted(of), 2):
        for choice in of[two]:
            if not choice.refused:
                assert ((one, "bad"), (two, choice.name)) in covered
        assert dict(every_pair(of))[(one, "bad"), (two, "bad")] == HIDDEN


def test_pairs_tell_what_was_sent_and_what_it_would_take() -> None:
    of = {"a": [Choice("1"), Choice("2", needs="needs --x")], "b": [Choice("3")]}
    pairs = SentPairs()
    pairs.expect("make", every_pair(of))
    pairs.add("make", pairs_of({"a": of["a"][0], "b": of["b"][0]}))
    told = {item.name: (item.seen, item.reason) for item in pairs.items()}
    assert told == {"a=1, b=3": (1, ""), "a=2, b=3": (0, "needs --x")}


@pytest.mark.parametrize("operations", [1, 2, 7, 15, 40])
@pytest.mark.parametrize("seed", [0, 3])
def test_what_may_be_spent_is_spread_over_what_costs(operations: int, seed: int) -> None:
    paid = [SimpleNamespace(charges=n) for n in range(operations)]
    session: Any = SimpleNamespace(
        behaviour=SimpleNamespace(with_role=lambda _: paid),
        settings=SimpleNamespace(seed=seed),
        most_creates=PAID,
    )
    shares = [Session.share(session, operation) for operation in paid]  # type: ignore[arg-type]
    assert sum(shares) == PAID - RESERVED
    assert max(shares) - min(shares) <= 1
