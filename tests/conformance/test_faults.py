"""What the suite finds of faults that nobody listed, and what it must leave alone."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from flora_contract.conformance.oracle import Severity, catalogue
from flora_contract.conformance.plan import plan

sys.path.insert(0, str(Path(__file__).parents[1] / "faults"))
import measure

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flora_contract.conformance.run import Check

# One for each role of a statement, each of a kind that is always found; scripts/bench_check.py
# draws from all of them and tells the rate.
FOUND = [
    "ignore:refuses:listModels.no-key@always",
    "ignore:refuses:getRun.foreign-id@always",
    "ignore:breach:createGeneration.type.enum@always",
    "ignore:repeats:createGeneration@always",
    "split-by-params:key:createGeneration@second-account",
    "keep:burns:createGenerationRun.no-credits@without-params",
    "forget:makes:createGeneration@always",
    "double:shows:getRun.charged_cost@always",
    "drop:shows:listGenerations.project_id@always",
    "respell:spells:listProjects.project_id@always",
    "drop:wholes:listGenerations.meta@always",
    "cycle:ages:Run@always",
    "leak:shows:getRun.error_code@state=completed",
    "reverse:orders:listGenerations@always",
    "leak:owns:listGenerations@always",
    "grow:sizes:listGenerations@always",
    "repeat:leads:listProjects@second-place",
    "cut-text:answers:listProjects@always",
]

MADE_UP = [
    "ignore:refers:beginRender.board.foreign@always",
    "ignore:deletes:dropBoard@always",
    "repeat:starts:allBoards@always",
    "swap:replays:beginRender@always",
]


@pytest.fixture(scope="module")
def flora() -> Iterator[measure.Bench]:
    with measure.bench("flora") as made:
        yield made


@pytest.fixture(scope="module")
def made_up() -> Iterator[measure.Bench]:
    with measure.bench("made-up") as made:
        yield made


def held(bench: measure.Bench, name: str) -> measure.Outcome:
    """One fault against the layers that are fixed."""
    kind = " ".join(name.split(":")[:2])
    fault = next(f for f in measure.faults_by_kind(bench.name)[kind] if f.name == name)
    return bench.hold(fault, layers=("requests", "lifecycle", "lists"))


SOME = [
    pytest.param(name, marks=[pytest.mark.nightly] if number % 3 else [])
    for number, name in enumerate(FOUND)
]


@pytest.mark.parametrize("name", SOME)
def test_a_fault_is_found_by_a_rule_of_what_it_breaks(name: str, flora: measure.Bench) -> None:
    outcome = held(flora, name)
    assert outcome.named, outcome


@pytest.mark.parametrize("name", MADE_UP)
def test_a_fault_of_what_is_made_up_is_found(name: str, made_up: measure.Bench) -> None:
    outcome = held(made_up, name)
    assert outcome.named, outcome


def test_the_same_seed_draws_the_same_faults_and_each_shows() -> None:
    drawn = [measure.draw("made-up", 5, 100, number) for number in range(4)]
    assert drawn == [measure.draw("made-up", 5, 100, number) for number in range(4)]
    shown = [fault for fault in drawn if fault is not None]
    assert len({fault.name for fault in shown}) == len(shown) > 1
    assert all(measure.probe("made-up").first_sign(fault) for fault in shown)


def test_there_are_thousands_of_faults_and_a_sound_server_shows_none() -> None:
    from operators import Fault

    assert sum(map(len, measure.faults_by_kind("flora").values())) > 10_000
    known = measure.faults_by_kind("flora")["ignore repeats"][0]
    nothing = Fault("keep", "repeats", "nobody", known.judged_by, known.change, known.when)
    assert measure.probe("flora").first_sign(nothing) is None


@pytest.mark.parametrize(
    ("correct", "workers"), [("sound", 1), ("cookies+failures-are-free+seconds", 4)]
)
def test_nothing_is_found_on_a_correct_server(
    correct: str, workers: int, flora: measure.Bench
) -> None:
    check = whole_run(flora, correct, workers)
    assert check.judge.findings() == []
    steps = [o for o in check.outcomes if o.step.layer != "documented"]
    assert {o.reason for o in steps} <= {"", "needs a link to the same host"}
    tally = check.judge.tally()
    untested = [i for i, o in catalogue().items() if not tally[i].applied]
    # Breaches that a correct server cannot show have no verdict that holds.
    assert set(untested) <= {
        "action-id",  # this one shows none
        "field-spelling",
        "undocumented-field",
        "refused-changes-nothing",
        # Nothing of FLORA can be changed or deleted yet.
        "update-kept",
        "deleted-gone",
        "deleted-unlisted",
        "listed-in-place",
        "full-page-leads-on",
        "key-used-once-at-a-time",  # needs requests that truly met
        "retry-after",
        "tolerated-reading",  # nothing is tolerated that is not written
        "filter-shows-open",  # needs looks that are quicker than a run
    }


def test_what_a_newer_server_adds_is_no_violation(flora: measure.Bench) -> None:
    flora.vary("generous+other-repetition")
    with flora.check(max_wait=30.0, timeout=10.0) as check:
        check.run([s for s in plan(check.behaviour) if s.layer not in {"generated", "documented"}])
    found = check.judge.findings()
    assert {f.oracle.id for f in found if f.severity is Severity.NOTE} == {"undocumented-field"}
    told = {(f.oracle.id, f.conflict) for f in found if f.severity is not Severity.NOTE}
    assert {id_ for id_, _ in told} <= {"key-used-once", "key-used-once-for-any-body"}
    assert {conflict for _, conflict in told} == {("C5", "C29", "C30")}


def whole_run(bench: measure.Bench, correct: str, workers: int = 1) -> Check:
    bench.vary(correct)
    with bench.check(seed=11, max_wait=30.0, timeout=10.0, workers=workers) as check:
        check.run()
    assert check.session.creates <= 20
    return check
