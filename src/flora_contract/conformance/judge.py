"""Judging a ledger: every oracle over everything it applies to, and findings grouped by cause."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from flora_contract.conformance.basis import statement_of
from flora_contract.conformance.coverage import counted
from flora_contract.conformance.oracle import Severity, catalogue
from flora_contract.conformance.replay import script

if TYPE_CHECKING:
    from collections.abc import Iterable

    from flora_contract.conformance.coverage import Seen
    from flora_contract.conformance.exchange import Exchange
    from flora_contract.conformance.ledger import Ledger
    from flora_contract.conformance.oracle import Oracle, Verdict
    from flora_contract.openapi.behaviour import Statement


@dataclass(frozen=True)
class Finding:
    """One cause: an oracle broken at one operation and subject, however often it was seen.

    `expected`, `seen` and `evidence` are of the case that takes the fewest requests to show.
    `source` and `conflict` are labels of the statement that it breaks, else of the operation.
    `script` shows it again where the ledger has forgotten what led to it.
    """

    oracle: Oracle
    severity: Severity
    operation: str
    subject: str
    expected: str
    seen: str
    evidence: tuple[Exchange, ...]
    count: int
    statement: Statement | None
    source: tuple[str, ...]
    conflict: tuple[str, ...]
    script: str | None = None

    @property
    def fingerprint(self) -> str:
        """What identifies the cause from run to run, for baselines and code hosts."""
        text = f"{self.oracle.id}\0{self.operation}\0{self.subject}"
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    @property
    def title(self) -> str:
        """Oracle, operation and subject on one line."""
        subject = f" ({self.subject})" if self.subject else ""
        return f"{self.oracle.id} on {self.operation}{subject}"


@dataclass
class Tally:
    """How often an oracle's rule was put to the test, and how often it was broken."""

    applied: int = 0
    broken: int = 0

    def add(self, verdict: Verdict) -> None:
        """Count a verdict."""
        self.applied += 1
        self.broken += not verdict.holds


@dataclass
class _Case:
    """What makes one finding: the verdict that is shown, and how many there were."""

    oracle: Oracle
    shown: Verdict
    count: int = 0
    script: str | None = None

    def add(self, verdict: Verdict) -> None:
        """Show the worst, and of these the one that takes the fewest requests."""
        self.count += 1
        if self._order(verdict) < self._order(self.shown):
            self.shown, self.script = verdict, None

    def _order(self, verdict: Verdict) -> tuple[int, int, int]:
        severity = verdict.severity or self.oracle.severity
        return severity.rank, len(verdict.evidence), verdict.evidence[-1].number


_Cases = dict[tuple[str, str, str], _Case]


class Judge:
    """Applies oracles to a ledger as it grows; asked again, it judges only what is new.

    What depends on several exchanges is judged anew when one of them is new, so the verdicts at
    the end are the same as if the whole ledger were judged at once. `errors` are what oracles
    raised, by their ids: errors of ours, which must not hide what the others see. `seen` counts
    what was seen in exchanges that are forgotten.
    """

    def __init__(self, ledger: Ledger, oracles: Iterable[Oracle] | None = None) -> None:
        self.ledger = ledger
        self.oracles = list(oracles if oracles is not None else catalogue().values())
        self._by_scope: dict[str, list[Oracle]] = {}
        for oracle in self.oracles:
            self._by_scope.setdefault(oracle.scope, []).append(oracle)
        # What was judged (an exchange, an instance, a page, …), and what came of it.
        self._verdicts: dict[Any, list[tuple[Oracle, Verdict]]] = {}
        self._broken: dict[Any, list[tuple[Oracle, Verdict]]] = {}
        self.errors: dict[str, Exception] = {}
        # What came of what is forgotten.
        self.seen: Counter[Seen] = Counter()
        self._tally = {oracle.id: Tally() for oracle in self.oracles}
        self._cases: _Cases = {}
        self._settled: set[tuple[str, str, Exchange]] = set()
        # How much of each is judged.
        self._exchanges = 0
        self._pages = 0
        self._observed: dict[tuple[str, str], int] = {}
        self._walked: dict[Exchange, int] = {}
        self._used: dict[str, int] = {}

    def update(self) -> None:
        """Judge what is new."""
        ledger = self.ledger
        for exchange in ledger.exchanges[self._exchanges :]:
            self._judge_exchange(exchange)
        for page in ledger.pages[self._pages :]:
            self._judge("page", page.exchange, page)
        for key, instance in list(ledger.instances.items()):
            if self._observed.get(key) != instance.size:
                self._judge("instance", key, instance)
                self._observed[key] = instance.size
        for name, uses in list(ledger.uses.items()):
            if self._used.get(name) != len(uses):
                self._judge("key", name, list(uses))
                self._used[name] = len(uses)
        for walk in ledger.walks:
            first = walk.pages[0].exchange
            if self._walked.get(first) != len(walk.pages):
                self._judge("walk", first, walk)
                self._walked[first] = len(walk.pages)
        if len(ledger.exchanges) != self._exchanges:
            self._judge("ledger", 0, ledger)
        self._exchanges = len(ledger.exchanges)
        self._pages = len(ledger.pages)

    def forget(self, window: float) -> None:
        """Forget what the ledger has no more room for; what came of it is kept.

        Verdicts stand as they were given: what loses a part of its past is judged anew only when
        more is learnt of it, and then not of what was judged by its past.
        """
        outdated = self.ledger.outdated(window)
        if not outdated:
            return
        self.seen += counted(outdated, self.ledger.behaviour)
        for subject, given in list(self._verdicts.items()):
            for oracle, verdict in given:
                if not outdated.isdisjoint(verdict.evidence):
                    self._settle(oracle, verdict)
            self._file(subject, [g for g in given if outdated.isdisjoint(g[1].evidence)])
        self._settled = {known for known in self._settled if known[2] not in outdated}
        self.ledger.forget(outdated)
        ledger = self.ledger
        self._exchanges, self._pages = len(ledger.exchanges), len(ledger.pages)
        self._observed = {key: instance.size for key, instance in ledger.instances.items()}
        self._used = {name: len(uses) for name, uses in ledger.uses.items()}
        self._walked = {walk.pages[0].exchange: len(walk.pages) for walk in ledger.walks}

    def _settle(self, oracle: Oracle, verdict: Verdict) -> None:
        self._tally[oracle.id].add(verdict)
        self._settled.add((oracle.id, verdict.subject, verdict.evidence[-1]))
        if not verdict.holds:
            case = _add(self._cases, oracle, verdict)
            if case.shown is verdict:  # while it is known what led to it
                case.script = script(verdict.evidence, self.ledger)

    def _judge_exchange(self, exchange: Exchange) -> None:
        self._judge("answer", exchange, exchange)
        if not exchange.staged:
            self._judge("exchange", exchange, exchange)

    def _judge(self, scope: str, key: object, subject: Any) -> None:
        given = [
            (oracle, verdict)
            for oracle in self._by_scope.get(scope, ())
            for verdict in self._apply(oracle, subject)
            if (oracle.id, verdict.subject, verdict.evidence[-1]) not in self._settled
        ]
        self._file((scope, key), given)

    def _file(self, subject: tuple[str, object], given: list[tuple[Oracle, Verdict]]) -> None:
        broken = [(oracle, verdict) for oracle, verdict in given if not verdict.holds]
        for verdicts, kept in ((self._verdicts, given), (self._broken, broken)):
            if kept:
                verdicts[subject] = kept
            else:
                verdicts.pop(subject, None)

    def _apply(self, oracle: Oracle, subject: Any) -> list[Verdict]:
        try:
            return oracle(subject, self.ledger)
        except Exception as error:
            self.errors.setdefault(oracle.id, error)
            return []

    def tally(self) -> dict[str, Tally]:
        """For every oracle: applied and broken. Those never applied stand at zero."""
        tally = {id_: replace(settled) for id_, settled in self._tally.items()}
        for given in self._verdicts.values():
            for oracle, verdict in given:
                tally[oracle.id].add(verdict)
        return tally

    def findings(self) -> list[Finding]:
        """Broken rules grouped by cause, the worst first, then in the order of the ledger."""
        cases = {key: replace(case) for key, case in self._cases.items()}
        for broken in self._broken.values():
            for oracle, verdict in broken:
                _add(cases, oracle, verdict)
        found = [_finding(key[1], case, self.ledger) for key, case in cases.items()]
        return sorted(found, key=lambda f: (f.severity.rank, f.evidence[-1].number, f.oracle.id))


def _add(cases: _Cases, oracle: Oracle, verdict: Verdict) -> _Case:
    """Add a verdict to the case that it belongs to."""
    key = (oracle.id, _operation(verdict), verdict.subject)
    case = cases.setdefault(key, _Case(oracle, verdict))
    case.add(verdict)
    return case


def _operation(verdict: Verdict) -> str:
    """The operation whose answer broke the rule: the last one of the evidence."""
    return verdict.evidence[-1].operation_id or "unknown operation"


def _finding(operation: str, case: _Case, ledger: Ledger) -> Finding:
    oracle, shown = case.oracle, case.shown
    statement = statement_of(oracle, shown, ledger.behaviour)
    source, conflict = _labels(oracle, statement, shown)
    return Finding(
        oracle=oracle,
        severity=shown.severity or oracle.severity,
        operation=operation,
        subject=shown.subject,
        expected=shown.expected,
        seen=shown.seen,
        evidence=shown.evidence,
        count=case.count,
        statement=statement,
        source=source,
        conflict=conflict,
        script=case.script,
    )


def _labels(
    oracle: Oracle, stated: Statement | None, shown: Verdict
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Labels of documents and of conflicts: those of whoever states the rule."""
    if oracle.source or oracle.conflict or shown.conflict:
        return oracle.source, shown.conflict or oracle.conflict
    if stated is not None and (stated.sources or stated.conflicts):
        return stated.sources, stated.conflicts
    operation = shown.evidence[-1].operation
    node = operation.endpoint.operation.node if operation is not None else {}
    return tuple(node.get("x-source", ())), tuple(node.get("x-conflict", ()))
