"""One run of the suite: the steps of its plan, each judged as soon as it is through."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from flora_contract.conformance.exchange import OWNER
from flora_contract.conformance.judge import Finding, Judge
from flora_contract.conformance.ledger import Ledger
from flora_contract.conformance.oracle import Severity
from flora_contract.conformance.plan import Step, plan
from flora_contract.conformance.refusals import statuses
from flora_contract.conformance.session import NotTested, Session
from flora_contract.conformance.statements import load
from flora_contract.errors import UnreachableError, of_ours

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from flora_contract.conformance.settings import CheckSettings
    from flora_contract.openapi.behaviour import Behaviour


_NOT_HERE = {301, 302, 303, 307, 308, 403, 404, 405}
"""What a server answers under a path where there is no API."""


@dataclass(frozen=True)
class StepOutcome:
    """How a step went. `reason` says what an untested one would need."""

    step: Step
    result: Literal["held", "broken", "not tested"]
    reason: str
    findings: tuple[Finding, ...]
    exchanges: int
    started: float
    seconds: float


class Check:
    """A server held to a contract: ours, unless another one is given with its statements.

    A context manager, for the connections.
    """

    def __init__(self, settings: CheckSettings, behaviour: Behaviour | None = None) -> None:
        self.settings = settings
        self.behaviour = behaviour or load(settings.base_url)
        self.ledger = Ledger(self.behaviour, settings.base_url, settings.facts)
        self.session = Session(settings, self.ledger)
        self.judge = Judge(self.ledger)
        self.outcomes: list[StepOutcome] = []
        self.interrupted = False
        self.unreachable: UnreachableError | None = None
        self._errors: list[Exception] = []

    def __enter__(self) -> Check:
        return self

    def __exit__(self, *_: object) -> None:
        self.session.close()

    def run(
        self,
        chosen: Iterable[Step] | None = None,
        watch: Callable[[StepOutcome], None] = lambda _: None,
        begin: Callable[[Step], object] = lambda _: None,
    ) -> None:
        """Take steps until all are through, the time is up, or one fails under fail_fast.

        `begin` and `watch` are called before and after each. When the user interrupts it, the rest
        counts as not tested, and `interrupted` is set; `unreachable` when the server has gone.
        Raises UnreachableError when it was never there.
        """
        chosen = plan(self.behaviour) if chosen is None else list(chosen)
        if self.settings.fail_fast:
            self.session.is_over = self._is_broken
        try:
            for step in chosen:
                begin(step)
                watch(self.perform(step))
                if self.settings.fail_fast and self.outcomes[-1].result == "broken":
                    return
        except KeyboardInterrupt:
            self.interrupted = True
            self._leave_out(chosen, "needs a run that is not interrupted")
        except UnreachableError as error:
            if not self.ledger.exchanges:
                raise
            self.unreachable = error
            self._leave_out(chosen, "needs a server that stays there")
            self.judge.update()

    def _is_broken(self) -> bool:
        self.judge.update()
        return any(f.severity is Severity.VIOLATION for f in self.judge.findings())

    def _leave_out(self, chosen: Iterable[Step], reason: str) -> None:
        done = {o.step.name for o in self.outcomes}
        self.outcomes += [
            StepOutcome(s, "not tested", reason, (), 0, 0.0, 0.0)
            for s in chosen
            if s.name not in done
        ]

    @property
    def errors(self) -> list[Exception]:
        """What should not have happened: errors of ours, in steps and in oracles."""
        return [*self._errors, *self.judge.errors.values()]

    @property
    def refusal(self) -> str | None:
        """What to tell the user when the server does not accept the key at all; else None."""
        own = [e for e in self.ledger.exchanges if e.credential == OWNER and e.operation]
        if not own or {e.status for e in own} - (statuses(own[0], "wrong-key") or {401}):
            return None
        return (
            f"{self.settings.base_url} answered {own[0].status} to the API key:"
            " give another --api-key, or set FLORA_API_KEY"
        )

    @property
    def _obstacle(self) -> str:
        """What makes it useless to go on: time, or no answer so far of the API to this key."""
        if self.session.time_is_up:
            return "needs more --time-budget"
        if self.refusal is not None:
            return "needs an --api-key that the server accepts"
        exchanges = self.ledger.exchanges
        every = {e.status for e in exchanges}
        if every == {429}:
            return "needs a server that lets requests through: every one was answered 429"
        asked = {e.operation_id for e in exchanges}
        if len(asked) > 1 and len(every) == 1 and every < _NOT_HERE:
            return f"needs another --base-url: every request was answered {every.pop()}"
        return ""

    def perform(self, step: Step) -> StepOutcome:
        """Take one step and judge what came of it."""
        before = {f.fingerprint for f in self.judge.findings()}
        count, started = len(self.ledger.exchanges), self.session.clock()
        clock = time.monotonic()
        reason = self._obstacle
        if not reason:
            self.session.origin = step.name
            reason = self._send(step)
        self.judge.update()
        new = tuple(f for f in self.judge.findings() if f.fingerprint not in before)
        broken = any(f.severity is Severity.VIOLATION for f in new)
        outcome = StepOutcome(
            step=step,
            result="broken" if broken else "not tested" if reason else "held",
            reason=reason,
            findings=new,
            exchanges=len(self.ledger.exchanges) - count,
            started=started,
            seconds=time.monotonic() - clock,
        )
        self.outcomes.append(outcome)
        return outcome

    def _send(self, step: Step) -> str:
        try:
            step.function(self.session)
        except NotTested as reason:
            return str(reason)
        except UnreachableError:
            raise
        except Exception as error:
            self._errors.append(error)
            return of_ours(error)
        return ""
