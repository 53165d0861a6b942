"""Time that goes on, whatever happens to the machine's clock."""

from __future__ import annotations

import time


class Clock:
    """Epoch milliseconds: by the machine's clock, or by its steady one where that steps back."""

    def __init__(self) -> None:
        self._ahead = 0.0
        self._last = 0

    def now(self) -> int:
        steady = time.monotonic() * 1000
        wall = time.time() * 1000
        if wall - steady > self._ahead:
            self._ahead = wall - steady
        now = int(steady + self._ahead)
        if now > self._last:
            self._last = now
        return self._last

    def at_least(self, moment: int) -> None:
        """Go on from a moment that somebody has seen already."""
        self._ahead = max(self._ahead, moment - time.monotonic() * 1000)
