"""What a client has spent, and the limit it keeps."""

from __future__ import annotations

import threading
from collections import OrderedDict
from decimal import Decimal, InvalidOperation

from flora_runtime.codec import decimal_of
from flora_runtime.errors import SpendLimitError

_REMEMBERED = 10_000
"""Runs whose cost may still change. That of older ones stands."""


def amount_of(raw: object) -> Decimal | None:
    """What an answer says that something costs; text with a number in it counts."""
    if not isinstance(raw, str):
        return decimal_of(raw)
    try:
        number = Decimal(raw)
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


class Spend:
    """Sums the cost of each run this client started; the newest figure of a run counts.

    A create is counted before it is sent: with what the caller says, or the dearest run of its kind
    so far. It stays counted while it is unclear whether it was accepted.
    """

    def __init__(self, limit: Decimal | None) -> None:
        self._limit = limit
        self._costs: OrderedDict[str, Decimal] = OrderedDict()
        self._dearest: dict[str, Decimal] = {}
        self._reserved: dict[str, Decimal | None] = {}
        self._total = Decimal(0)
        self._lock = threading.Lock()

    @property
    def total(self) -> Decimal:
        """US dollars, or whatever unit the API counts in."""
        return self._total

    def admits(self, key: str, kind: str, expected: Decimal | None) -> bool:
        """Reserve what a create will cost. False while that has to be told first by another create
        that is on its way. Raises SpendLimitError."""
        if self._limit is None:
            return True
        with self._lock:
            amount = expected if expected is not None else self._dearest.get(kind)
            others = [held for other, held in self._reserved.items() if other != key]
            counted = self._total + sum((held for held in others if held is not None), Decimal(0))
            if counted >= self._limit or counted + (amount or 0) > self._limit:
                raise SpendLimitError(counted, self._limit)
            if others and (amount is None or None in others):
                return False
            self._reserved[key] = amount
            return True

    def unclear(self, key: str) -> None:
        """A create may have been accepted: what it can cost stays counted."""
        with self._lock:
            if key in self._reserved and self._reserved[key] is None:
                self._reserved[key] = max(self._dearest.values(), default=Decimal(0))

    def release(self, key: str) -> Decimal | None:
        """What was reserved for a create, and is no more."""
        with self._lock:
            return self._reserved.pop(key, None)

    def started(self, run_id: str, raw_cost: object, key: str, kind: str) -> None:
        """A run was started, at this cost as far as is known; else at what was reserved."""
        cost, reserved = amount_of(raw_cost), self.release(key)
        with self._lock:
            if cost is not None:
                self._dearest[kind] = max(cost, self._dearest.get(kind, cost))
            if run_id not in self._costs:
                self._count(run_id, cost if cost is not None else reserved or Decimal(0))
            if len(self._costs) > _REMEMBERED:
                self._costs.popitem(last=False)

    def counts(self, run_id: str) -> bool:
        """Whether a run is one that this client started."""
        return run_id in self._costs

    def seen(self, run_id: str, raw_cost: object) -> None:
        """A run was looked at; its cost counts if this client started it."""
        cost = amount_of(raw_cost)
        with self._lock:
            if cost is not None and run_id in self._costs:
                self._count(run_id, cost)

    def _count(self, run_id: str, cost: Decimal) -> None:
        self._total += cost - self._costs.get(run_id, Decimal(0))
        self._costs[run_id] = cost
