"""One run of the suite: scenarios in order, each judged as soon as it is through."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from flora_contract.conformance import contract as contracts
from flora_contract.conformance.exchange import OWNER
from flora_contract.conformance.judge import Finding, Judge
from flora_contract.conformance.ledger import Ledger
from flora_contract.conformance.oracle import Severity
from flora_contract.conformance.scenarios import Scenario, scenarios
from flora_contract.conformance.session import NotTested, Session

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from flora_contract.conformance.settings import Settings

Result = Literal["held", "broken", "not tested"]

_NOT_HERE = {301, 302, 303, 307, 308, 403, 404, 405}
"""What a server answers under a path where there is no API."""


@dataclass(frozen=True)
class Outcome:
    """How a scenario went. `reason` says what an untested one would need."""

    scenario: Scenario
    result: Result
    reason: str
    findings: tuple[Finding, ...]
    exchanges: int
    started: float
    seconds: float


class Check:
    """A server held to the contract. A context manager, for the connections."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.ledger = Ledger(contracts.load(), settings.base_url, settings.facts)
        self.session = Session(settings, self.ledger)
        self.judge = Judge(self.ledger)
        self.outcomes: list[Outcome] = []
        self.interrupted = False

    def __enter__(self) -> Check:
        return self

    def __exit__(self, *_: object) -> None:
        self.session.close()

    def run(
        self,
        chosen: Iterable[Scenario] | None = None,
        watch: Callable[[Outcome], None] = lambda _: None,
        begin: Callable[[Scenario], object] = lambda _: None,
    ) -> None:
        """Perform scenarios until all are through, the time is up, or one fails under fail_fast.

        `begin` and `watch` are called before and after each. When the user interrupts it, the rest
        counts as not tested, and `interrupted` is set.
        """
        chosen = scenarios() if chosen is None else list(chosen)
        try:
            for scenario in chosen:
                begin(scenario)
                watch(self.perform(scenario))
                if self.settings.fail_fast and self.outcomes[-1].result == "broken":
                    return
        except KeyboardInterrupt:
            self.interrupted = True
            done = {o.scenario.name for o in self.outcomes}
            self.outcomes += [
                Outcome(s, "not tested", "needs a run that is not interrupted", (), 0, 0.0, 0.0)
                for s in chosen
                if s.name not in done
            ]

    @property
    def _obstacle(self) -> str:
        """What makes it useless to go on: time, or no answer so far of the API to this key."""
        if self.session.time_is_up:
            return "needs more --time-budget"
        exchanges = self.ledger.exchanges
        shown = {e.status for e in exchanges if e.credential == OWNER}
        if shown == {401}:
            return "needs an --api-key that the server accepts"
        every = {e.status for e in exchanges}
        if every == {429}:
            return "needs a server that lets requests through: every one was answered 429"
        asked = {e.operation for e in exchanges}
        if len(asked) > 1 and len(every) == 1 and every < _NOT_HERE:
            return f"needs another --base-url: every request was answered {every.pop()}"
        return ""

    def perform(self, scenario: Scenario) -> Outcome:
        """Perform one scenario and judge what came of it."""
        before = {f.fingerprint for f in self.judge.findings()}
        count, started = len(self.ledger.exchanges), self.session.clock()
        clock = time.monotonic()
        reason = self._obstacle
        if not reason:
            self.session.origin = scenario.name
            reason = _send(scenario, self.session)
        self.judge.update()
        new = tuple(f for f in self.judge.findings() if f.fingerprint not in before)
        broken = any(f.severity is Severity.VIOLATION for f in new)
        outcome = Outcome(
            scenario=scenario,
            result="broken" if broken else "not tested" if reason else "held",
            reason=reason,
            findings=new,
            exchanges=len(self.ledger.exchanges) - count,
            started=started,
            seconds=time.monotonic() - clock,
        )
        self.outcomes.append(outcome)
        return outcome


def _send(scenario: Scenario, session: Session) -> str:
    try:
        scenario.function(session)
    except NotTested as reason:
        return str(reason)
    return ""
