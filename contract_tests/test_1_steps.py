"""What the suite does to the server, step by step; a step fails with what it found."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from flora_contract.conformance.oracle import Severity
from flora_contract.conformance.plan import Step, plan
from flora_contract.conformance.replay import script
from flora_contract.conformance.statements import load

if TYPE_CHECKING:
    from flora_contract.conformance.judge import Finding
    from flora_contract.conformance.run import Check


@pytest.mark.parametrize("step", plan(load()), ids=lambda s: f"{s.layer}-{s.name}")
def test_step(step: Step, check: Check, accepted: frozenset[str]) -> None:
    outcome = check.perform(step)
    violations = [
        f
        for f in outcome.findings
        if f.severity is Severity.VIOLATION and f.fingerprint not in accepted
    ]
    if violations:
        pytest.fail("\n\n".join(_shown(f, check) for f in violations), pytrace=False)
    if outcome.result == "not tested":
        pytest.skip(f"not tested: {outcome.reason}")


def _shown(finding: Finding, check: Check) -> str:
    return (
        f"{finding.title}\n  {finding.oracle.sentence}\n"
        f"  expected {finding.expected}\n  seen     {finding.seen}\n\n"
        f"{script(finding.evidence, check.ledger)}"
    )
