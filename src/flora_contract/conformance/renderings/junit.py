"""For CI systems: one test case an oracle, named by its id."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flora_contract.conformance.oracle import Severity
from flora_contract.report.junit import Case, junit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flora_contract.conformance.summary import Summary


def render(summary: Summary) -> str:
    """A failed case for each violation, a passed or skipped one for each other oracle."""
    return junit("flora-contract check", _cases(summary))


def _cases(summary: Summary) -> Iterator[Case]:
    for oracle in summary.oracles:
        broken = [
            f for f in summary.findings if f.oracle is oracle and f.severity is Severity.VIOLATION
        ]
        for finding in broken:
            subject = f" ({finding.subject})" if finding.subject else ""
            yield Case(
                oracle.family,
                f"{oracle.id} on {finding.operation}{subject}",
                "failed",
                f"{oracle.sentence} Expected {finding.expected}; seen {finding.seen}"
                + (f", by {stated}" if (stated := summary.statement(finding)) else ""),
                summary.replay(finding),
            )
        if not broken and summary.tally[oracle.id].applied:
            yield Case(oracle.family, oracle.id, "passed")
        elif not broken:
            yield Case(oracle.family, oracle.id, "skipped", "not put to the test")
    for outcome in summary.untested:
        yield Case("steps", outcome.step.name, "skipped", f"not tested: {outcome.reason}")
