"""What a client has spent, and the limit it keeps."""

from __future__ import annotations

import threading
from collections import OrderedDict
from decimal import Decimal

from flora_runtime.errors import SpendLimitError

_REMEMBERED = 10_000
"""Runs whose cost may still change. That of older ones stands."""


class Spend:
    """Sums the cost of each run this client started; the newest figure of a run counts."""

    def __init__(self, limit: Decimal | None) -> None:
        self._limit = limit
        self._costs: OrderedDict[str, Decimal] = OrderedDict()
        self._total = Decimal(0)
        self._lock = threading.Lock()

    @property
    def total(self) -> Decimal:
        """US dollars, or whatever unit the API counts in."""
        return self._total

    def admit(self) -> None:
        """Raises SpendLimitError when the limit is reached."""
        if self._limit is not None and self._total >= self._limit:
            raise SpendLimitError(self._total, self._limit)

    def started(self, run_id: str, cost: Decimal | None) -> None:
        """A run was started, at this cost as far as is known."""
        with self._lock:
            self._count(run_id, cost or Decimal(0))
            if len(self._costs) > _REMEMBERED:
                self._costs.popitem(last=False)

    def counts(self, run_id: str) -> bool:
        """Whether a run is one that this client started."""
        return run_id in self._costs

    def seen(self, run_id: str, cost: Decimal | None) -> None:
        """A run was looked at; its cost counts if this client started it."""
        with self._lock:
            if cost is not None and run_id in self._costs:
                self._count(run_id, cost)

    def _count(self, run_id: str, cost: Decimal) -> None:
        self._total += cost - self._costs.get(run_id, Decimal(0))
        self._costs[run_id] = cost
