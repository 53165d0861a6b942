"""Where answers differ from the contract the client was made from: tolerated, and told once."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Literal

from attrs import frozen

from flora_runtime.log import logger
from flora_runtime.paths import one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

DriftKind = Literal[
    "unknown_value", "extra_field", "missing_field", "wrong_type", "unreadable_item", "foreign_url"
]

_MOST_TOLD = 1000
"""A server that makes up new values for ever must not fill the memory."""


@frozen
class Drift:
    """One difference between an answer and the contract."""

    kind: DriftKind
    where: str
    """`Model.field`, or the name of an operation."""
    detail: str = ""
    """The unknown value, or the type that came instead. Never the value of a known field."""

    def __str__(self) -> str:
        detail = f" ({self.detail})" if self.detail else ""
        return one_line(f"{self.where}: {self.kind.replace('_', ' ')}{detail}")


class DriftReporter:
    """Tells each difference once, to the log and to whoever asked. Thread-safe."""

    def __init__(self, listener: Callable[[Drift], object] | None) -> None:
        self._listener = listener or (lambda _: None)
        self._told: set[Drift] = set()
        self._lock = threading.Lock()

    def tell(self, drifts: Iterable[Drift]) -> None:
        """Report those that have not been reported before."""
        for drift in drifts:
            with self._lock:
                if drift in self._told or len(self._told) >= _MOST_TOLD:
                    continue
                self._told.add(drift)
            logger.warning("the API has drifted from this client's contract: %s", drift)
            try:
                self._listener(drift)
            except Exception:  # no answer is lost for it: it may have cost money
                logger.exception("on_drift failed")
