"""Judging what passes between others: each exchange as it comes, with those before it."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

from flora_contract.conformance.exchange import (
    ABSENT,
    PLUMBING,
    UNKNOWN,
    Credential,
    RecordedRequest,
    without_secrets,
)
from flora_contract.conformance.judge import Judge
from flora_contract.conformance.ledger import Ledger
from flora_contract.conformance.statements import load
from flora_contract.report.redaction import SECRET_HEADERS, Redactor

if TYPE_CHECKING:
    from collections.abc import Iterable

Headers = list[tuple[str, str]]

REMEMBERED: Final = 1000
"""Exchanges that are judged together; then it begins anew, so that it costs the same for days."""


class PassingTraffic:
    """What was said to a server under a base URL. Holds no key."""

    def __init__(self, base_url: str) -> None:
        self._base = base_url.rstrip("/")
        self._behaviour = load(base_url)
        self._accounts: dict[bytes, Credential] = {}
        self._begin()

    def judged(
        self,
        asked: tuple[str, str, Headers, bytes],
        answered: tuple[int, Headers, bytes],
        started: float,
        elapsed: float,
    ) -> list[str]:
        """What an exchange breaks that nothing before it broke, a line for each.

        `asked` is method, URL, headers and body, `answered` status, headers and body.
        """
        if len(self._judge.ledger.exchanges) >= REMEMBERED:
            self._begin()
        method, url, headers, body = asked
        status, answer_headers, answer = answered
        secrets = [v.rpartition(" ")[2] for n, v in headers if n.lower() in SECRET_HEADERS]
        redactor = Redactor(secrets)
        kept = [(n, v) for n, v in headers if n.lower() not in SECRET_HEADERS | PLUMBING]
        self._judge.ledger.record(
            RecordedRequest(
                method, redactor.text(url), redactor.headers(kept), redactor.bytes(body)
            ),
            without_secrets(status, answer_headers, answer, redactor),
            credential=self._credential(secrets, status),
            failure=None,
            started=started,
            elapsed=elapsed,
            origin="passing traffic",
        )
        self._judge.update()
        found = {finding.fingerprint: finding for finding in self._judge.findings()}
        new = [found[name] for name in found.keys() - self._known]
        self._known |= found.keys()
        return [
            f"{finding.title}: expected {finding.expected}, seen {finding.seen}" for finding in new
        ]

    def _begin(self) -> None:
        self._judge = Judge(Ledger(self._behaviour, self._base))
        self._known: set[str] = set()

    def _credential(self, secrets: Iterable[str], status: int) -> Credential:
        """Whose key it was. One that got an answer of the 2xx kind is valid."""
        name = hashlib.sha256("\0".join(secrets).encode()).digest() if secrets else b""
        if not name:
            return ABSENT
        number = len(self._accounts) + 1
        known = self._accounts.setdefault(
            name, Credential(f"account {number}", None, UNKNOWN.header)
        )
        if 200 <= status < 300 and known.accepted is None:
            known = self._accounts[name] = Credential(known.name, True, known.header)
        return known
