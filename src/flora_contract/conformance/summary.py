"""What a run of the suite came to: the one thing that every rendering reads."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from flora_contract.conformance.causes import Cause, causes
from flora_contract.conformance.coverage import Item, coverage
from flora_contract.conformance.oracle import Severity
from flora_contract.conformance.replay import script

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from flora_contract.conformance.judge import Finding, Judge, Tally
    from flora_contract.conformance.ledger import Ledger
    from flora_contract.conformance.oracle import Oracle
    from flora_contract.conformance.run import Check, StepOutcome


@dataclass(frozen=True)
class Summary:
    """Findings, coverage and what was not tested.

    `accepted` are findings that a baseline lists; they do not count. `spent` is US dollars.
    """

    server: str
    profile: str | None
    seed: int | None
    findings: tuple[Finding, ...]
    accepted: tuple[Finding, ...]
    outcomes: tuple[StepOutcome, ...]
    oracles: tuple[Oracle, ...]
    tally: dict[str, Tally]
    items: tuple[Item, ...]
    ledger: Ledger
    creates: int
    spent: float
    fail_on: Severity = Severity.VIOLATION

    @property
    def holds(self) -> bool:
        """Whether no rule is broken as a violation, or as a warning where these count."""
        return not any(f.severity.rank <= self.fail_on.rank for f in self.findings)

    @cached_property
    def causes(self) -> list[Cause]:
        """The findings, each with those that only follow from it."""
        return causes(self.findings)

    @property
    def verdict(self) -> str:
        """What the contract does."""
        if not self.holds:
            return "does not hold"
        return "holds as far as it was tested" if self.untested else "holds"

    @property
    def counts(self) -> dict[Severity, int]:
        """How many findings of each severity, without those that follow from others."""
        counted = Counter(cause.finding.severity for cause in self.causes)
        return {severity: counted[severity] for severity in Severity}

    @property
    def untested(self) -> list[StepOutcome]:
        """Steps that needed something that was not there."""
        return [o for o in self.outcomes if o.result == "not tested"]

    @property
    def unsent(self) -> dict[str, int]:
        """How many pairs of choices were not sent, by what they would need."""
        return Counter(i.reason for i in self.items if i.reason and i.kind == "pair")

    @property
    def unseen(self) -> dict[str, Counter[str]]:
        """How many of each kind of documented thing were not seen, by what it would take."""
        found: dict[str, Counter[str]] = {}
        for item in self.items:
            if not item.seen and item.kind != "pair":
                found.setdefault(item.reason, Counter())[item.kind] += 1
        return found

    @property
    def idle(self) -> list[Oracle]:
        """Oracles whose rule was never put to the test."""
        return [o for o in self.oracles if not self.tally[o.id].applied and o.severity.rank < 2]

    @property
    def seconds(self) -> float:
        """From the first request to the last answer."""
        return self.ledger.ended

    def statement(self, finding: Finding) -> str:
        """The statement that a finding breaks, with its file and line; empty for a schema."""
        stated = finding.statement
        return f"{stated.name} ({self.ledger.where(stated)})" if stated is not None else ""

    def replay(self, finding: Finding) -> str:
        """The shell script that shows a finding."""
        return finding.script or script(finding.evidence, self.ledger)


def of_check(
    check: Check, baseline: Collection[str] = (), fail_on: Severity = Severity.VIOLATION
) -> Summary:
    """The summary of a run. `baseline` holds fingerprints of accepted findings."""
    return _summary(
        check.judge,
        baseline,
        fail_on=fail_on,
        profile=check.settings.profile,
        seed=check.settings.seed,
        outcomes=tuple(check.outcomes),
        pairs=check.session.pairs.items(),
        creates=check.session.creates,
        spent=check.session.spent,
    )


def of_traffic(
    judge: Judge, baseline: Collection[str] = (), fail_on: Severity = Severity.VIOLATION
) -> Summary:
    """The summary of recorded traffic."""
    return _summary(
        judge,
        baseline,
        fail_on=fail_on,
        profile=None,
        seed=None,
        outcomes=(),
        pairs=(),
        creates=0,
        spent=0.0,
    )


def _summary(
    judge: Judge, baseline: Collection[str], pairs: Iterable[Item], **given: Any
) -> Summary:
    judge.update()
    findings = judge.findings()
    return Summary(
        server=judge.ledger.base_url,
        findings=tuple(f for f in findings if f.fingerprint not in baseline),
        accepted=tuple(f for f in findings if f.fingerprint in baseline),
        oracles=tuple(judge.oracles),
        tally=judge.tally(),
        items=(*coverage(judge.ledger, judge.seen), *pairs),
        ledger=judge.ledger,
        **given,
    )
