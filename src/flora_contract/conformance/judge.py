"""Judging a ledger: every oracle over everything it applies to, and findings grouped by cause."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flora_contract.conformance.basis import statement_of
from flora_contract.conformance.oracle import Severity, catalogue

if TYPE_CHECKING:
    from collections.abc import Iterable

    from flora_contract.conformance.exchange import Exchange
    from flora_contract.conformance.ledger import Ledger
    from flora_contract.conformance.oracle import Oracle, Verdict
    from flora_contract.openapi.behaviour import Statement


@dataclass(frozen=True)
class Finding:
    """One cause: an oracle broken at one operation and subject, however often it was seen.

    `expected`, `seen` and `evidence` are of the case that takes the fewest requests to show.
    `source` and `conflict` are labels of the statement that it breaks, else of the operation.
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


class Judge:
    """Applies oracles to a ledger as it grows; asked again, it judges only what is new.

    What depends on several exchanges is judged anew when one of them is new, so the verdicts at
    the end are the same as if the whole ledger were judged at once. `errors` are what oracles
    raised, by their ids: errors of ours, which must not hide what the others see.
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
        self._exchanges = 0
        self._pages = 0
        self._observed: dict[tuple[str, str], int] = {}
        self._walked: dict[int, int] = {}
        self._used: dict[str, int] = {}

    def update(self) -> None:
        """Judge what is new."""
        ledger = self.ledger
        for exchange in ledger.exchanges[self._exchanges :]:
            self._judge_exchange(exchange)
        for number, page in enumerate(ledger.pages[self._pages :], self._pages):
            self._judge("page", number, page)
        for key, instance in list(ledger.instances.items()):
            if self._observed.get(key) != instance.size:
                self._judge("instance", key, instance)
                self._observed[key] = instance.size
        for name, uses in list(ledger.uses.items()):
            if self._used.get(name) != len(uses):
                self._judge("key", name, list(uses))
                self._used[name] = len(uses)
        for number, walk in enumerate(ledger.walks):
            if self._walked.get(number) != len(walk.pages):
                self._judge("walk", number, walk)
                self._walked[number] = len(walk.pages)
        if len(ledger.exchanges) != self._exchanges:
            self._judge("ledger", 0, ledger)
        self._exchanges = len(ledger.exchanges)
        self._pages = len(ledger.pages)

    def _judge_exchange(self, exchange: Exchange) -> None:
        self._judge("answer", exchange.number, exchange)
        if not exchange.staged:
            self._judge("exchange", exchange.number, exchange)

    def _judge(self, scope: str, key: object, subject: Any) -> None:
        given = [
            (oracle, verdict)
            for oracle in self._by_scope.get(scope, ())
            for verdict in self._apply(oracle, subject)
        ]
        self._verdicts[scope, key] = given
        broken = [(oracle, verdict) for oracle, verdict in given if not verdict.holds]
        if broken:
            self._broken[scope, key] = broken
        else:
            self._broken.pop((scope, key), None)

    def _apply(self, oracle: Oracle, subject: Any) -> list[Verdict]:
        try:
            return oracle(subject, self.ledger)
        except Exception as error:
            self.errors.setdefault(oracle.id, error)
            return []

    def tally(self) -> dict[str, Tally]:
        """For every oracle: applied and broken. Those never applied stand at zero."""
        tally = {oracle.id: Tally() for oracle in self.oracles}
        for given in self._verdicts.values():
            for oracle, verdict in given:
                tally[oracle.id].applied += 1
                tally[oracle.id].broken += not verdict.holds
        return tally

    def findings(self) -> list[Finding]:
        """Broken rules grouped by cause, the worst first, then in the order of the ledger."""
        groups: dict[tuple[str, str, str], list[tuple[Oracle, Verdict]]] = {}
        for broken in self._broken.values():
            for oracle, verdict in broken:
                key = (oracle.id, _operation(verdict), verdict.subject)
                groups.setdefault(key, []).append((oracle, verdict))
        found = [
            _finding(operation, group, self.ledger) for (_, operation, _), group in groups.items()
        ]
        return sorted(found, key=lambda f: (f.severity.rank, f.evidence[-1].number, f.oracle.id))


def _operation(verdict: Verdict) -> str:
    """The operation whose answer broke the rule: the last one of the evidence."""
    return verdict.evidence[-1].operation_id or "unknown operation"


def _finding(operation: str, group: list[tuple[Oracle, Verdict]], ledger: Ledger) -> Finding:
    oracle = group[0][0]
    severities = [verdict.severity or oracle.severity for _, verdict in group]
    worst = min(severities, key=lambda s: s.rank)
    shown = [v for (_, v), severity in zip(group, severities, strict=True) if severity is worst]
    shortest = min(shown, key=lambda v: (len(v.evidence), v.evidence[-1].number))
    statement = statement_of(oracle, shortest, ledger.behaviour)
    source, conflict = _labels(oracle, statement, shortest)
    return Finding(
        oracle=oracle,
        severity=worst,
        operation=operation,
        subject=shortest.subject,
        expected=shortest.expected,
        seen=shortest.seen,
        evidence=shortest.evidence,
        count=len(group),
        statement=statement,
        source=source,
        conflict=conflict,
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
