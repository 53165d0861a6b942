"""What the suite finds, and what it must leave alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from flora_contract.conformance.oracle import Severity, catalogue
from flora_contract.conformance.plan import Step, plan

if TYPE_CHECKING:
    from flora_contract.conformance.run import Check


def violated(check: Check) -> set[str]:
    return {f.oracle.id for f in check.judge.findings() if f.severity is Severity.VIOLATION}


def layers_for(kind: str, check: Check) -> list[Step]:
    """The fixed layers, those first in which a fault of this class comes to light."""
    first = {"lifecycle", "lists"} if kind in {"e", "f"} else {"requests", "lifecycle"}
    fixed = [s for s in plan(check.behaviour) if s.layer != "generated"]
    return sorted(fixed, key=lambda s: s.layer not in first)


def test_a_fault_is_found_by_the_oracle_that_is_meant_for_it(
    fault: dict[str, str], server: Any
) -> None:
    server.switch(fault["name"])
    with server.check(timeout=1.0, max_wait=1.5) as check:
        for step in layers_for(fault["class"], check):
            check.perform(step)
            if fault["oracle"] in violated(check):
                return
    pytest.fail(f"{fault['oracle']} does not speak; found {sorted(violated(check))}")


@pytest.mark.parametrize(("correct", "workers"), [("sound", 1), ("variant", 4)])
def test_nothing_is_found_on_a_correct_server(correct: str, workers: int, server: Any) -> None:
    check = whole_run(server, correct, workers)
    assert check.judge.findings() == []
    assert [o.reason for o in check.outcomes if o.reason] == []
    tally = check.judge.tally()
    untested = [i for i, o in catalogue().items() if not tally[i].applied]
    # Breaches that a correct server cannot show have no verdict that holds.
    assert set(untested) <= {
        "field-spelling",
        "undocumented-field",
        "refused-changes-nothing",
        # Nothing of FLORA can be changed or deleted yet.
        "update-kept",
        "deleted-gone",
        "deleted-unlisted",
        "listed-in-place",
        "action-id",
        "full-page-leads-on",
        "key-used-once-at-a-time",  # needs requests that truly met
    }


def test_what_a_newer_server_adds_is_no_violation(server: Any) -> None:
    check = whole_run(server, "newer")
    assert violated(check) == set()
    spoken = {(f.oracle.id, f.severity) for f in check.judge.findings()}
    assert spoken == {
        ("undocumented-field", Severity.NOTE),
        ("status-documented", Severity.WARNING),  # 422 for a used key with another request
    }


def whole_run(server: Any, correct: str, workers: int = 1) -> Check:
    server.switch(correct)
    with server.check(seed=11, max_wait=30, timeout=10, workers=workers) as check:
        check.run()
    assert check.session.creates <= 20
    return check  # type: ignore[no-any-return]  # what a fixture gives
