"""Time that goes on, whatever happens to the machine's clock."""

from __future__ import annotations

import time


class Clock:
    """Epoch milliseconds: by the machine's clock, or by its steady one where that steps back.

    To be looked at every second, so that it knows when that was.
    """

    def __init__(self) -> None:
        self._last = 0
        self._ahead: float | None = None

    def now(self) -> int:
        wall = int(time.time() * 1000)
        if wall >= self._last:
            self._last = wall
            self._ahead = None
            return wall
        steady = time.monotonic() * 1000
        if self._ahead is None:
            self._ahead = self._last - steady
        self._last = max(self._last, int(steady + self._ahead))
        return self._last

    def at_least(self, moment: int) -> None:
        """Go on from a moment that somebody has seen already."""
        if moment > self._last:
            self._last = moment
            self._ahead = None
