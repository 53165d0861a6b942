"""Recorded traffic, judged as it is read: however long it is, only its last part is in memory.

Whose key a request carried is told apart, and inferred: a key that got an answer of the 2xx kind is
valid. HAR files that the suite writes name its accounts.
"""

from __future__ import annotations

import heapq
import math
from dataclasses import replace
from operator import attrgetter
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from flora_contract.conformance.exchange import ABSENT, UNKNOWN, Credential, weight
from flora_contract.conformance.judge import Judge
from flora_contract.conformance.ledger import Ledger
from flora_contract.conformance.lines import Lines
from flora_contract.conformance.recorded import entries, followed
from flora_contract.conformance.statements import load
from flora_contract.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from flora_contract.conformance.recorded import Entry

WINDOW = 4 * 1024 * 1024
"""Bytes of an account's traffic that are kept to hold what comes after them against."""


class Traffic:
    """Files of exchanges on their way through a judge.

    `window` is in bytes: so much is read before it is judged, in the order of time, and so much of
    each account is remembered. Files that are not read as a stream are judged as a whole.
    `following` one file waits for what is written to it.
    """

    def __init__(
        self,
        files: Sequence[Path],
        base_url: str | None = None,
        *,
        following: bool = False,
        window: float = WINDOW,
    ) -> None:
        self.files = [Lines(file) for file in files]
        self.following = following
        self.window = window
        self.base_url = base_url
        behaviour = load(base_url)
        base = base_url.rstrip("/") if base_url is not None else behaviour.contract.base
        self.judge = Judge(Ledger(behaviour, base))
        self._accounts = _Accounts()
        self._began: float | None = None
        self._fits = False

    @property
    def bytes(self) -> int:
        """How many were read, unpacked."""
        return sum(file.bytes for file in self.files)

    def read(self, watch: Callable[[], object] = lambda: None) -> Judge:
        """Judge everything; `watch` is called now and then. Raises InputError."""
        for batch in self._batches():
            self._accounts.learn(batch)
            for entry in batch:
                self._record(entry)
            self.judge.update()
            self.judge.forget(self.window)
            watch()
        if not self._fits:
            raise InputError(
                f"{', '.join(f.name for f in self.files)}: no request to an operation of the "
                "contract"
                + (f" under {self.base_url}" if self.base_url else "; is --base-url needed?")
            )
        return self.judge

    def _record(self, entry: Entry) -> None:
        if self._began is None:
            self._began = entry.started
        exchange = self.judge.ledger.record(
            entry.request,
            entry.response,
            credential=self._accounts.credential(entry),
            failure=entry.failure,
            started=entry.started - self._began,
            elapsed=entry.elapsed,
            origin="recorded traffic",
        )
        self._fits = self._fits or exchange.operation is not None

    def _entries(self) -> Iterator[Entry | None]:
        if self.following:
            return followed(self.files[0])
        read = [entries(file) for file in self.files]
        if all(isinstance(one, list) for one in read):
            self.window = math.inf  # it is in memory already
        return heapq.merge(*read, key=attrgetter("started"))

    def _batches(self) -> Iterator[list[Entry]]:
        """Windows of exchanges in the order of time.

        The last quarter of each waits for the next: recorders write what took long late.
        """
        waiting: list[Entry] = []
        size = 0
        for entry in self._entries():
            if entry is not None and self._is_inside(entry.request.url):
                waiting.append(entry)
                size += weight(entry.request, entry.response)
            if entry is None or size > self.window:
                waiting.sort(key=attrgetter("started"))
                ready = len(waiting) if entry is None else (len(waiting) * 3 + 3) // 4
                if ready:
                    yield waiting[:ready]
                waiting = waiting[ready:]
                size = sum(weight(e.request, e.response) for e in waiting)
        yield sorted(waiting, key=attrgetter("started"))

    def _is_inside(self, url: str) -> bool:
        if self.base_url is None:
            return True
        one, two = urlsplit(url), urlsplit(self.base_url.rstrip("/"))
        here = (one.scheme, one.netloc) == (two.scheme, two.netloc)
        return here and f"{one.path}/".startswith(f"{two.path}/")


class _Accounts:
    """Who is behind each key, as far as the answers tell.

    Where no request has a key, recorders have left them out.
    """

    def __init__(self) -> None:
        self._numbers: dict[int, int] = {}
        self._valid: set[int] = set()

    def learn(self, batch: Iterable[Entry]) -> None:
        """Look at some exchanges before they are judged."""
        for entry in batch:
            key = hash(entry.authorization)
            self._numbers.setdefault(key, len(self._numbers) + 1)
            if entry.was_accepted:
                self._valid.add(key)

    def credential(self, entry: Entry) -> Credential:
        """Whose key it was; of a request whose body was perhaps left out, nothing follows."""
        if entry.account is not None:
            return entry.account
        key = hash(entry.authorization)
        if entry.authorization is None:
            found = ABSENT if len(self._numbers) > 1 else UNKNOWN
        else:
            valid = True if key in self._valid else None
            found = Credential(f"account {self._numbers[key]}", valid, UNKNOWN.header)
        bodiless = entry.request.method in {"GET", "HEAD", "DELETE"}
        return found if bodiless or entry.request.body else replace(found, accepted=None)
