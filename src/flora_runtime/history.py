"""Which run of the history is the one whose id was lost with the answer that named it.

Only judged here, from what the history shows, by the server's own clock. A run is adopted if it is
the only one that can be meant, and can be nobody else's.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from attrs import frozen

from flora_runtime.paths import at_path, text_at
from flora_runtime.retry import http_date

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flora_runtime.exchange import Answer
    from flora_runtime.ledger import Create
    from flora_runtime.operation import Recovery

_SLACK = timedelta(seconds=2)
"""Dates of headers and of the history may be cut to whole seconds."""


@frozen
class ServerClock:
    """The server's clock as one of its answers showed it; ours is asked for durations only."""

    date: datetime
    sent: float
    received: float

    @classmethod
    def of(cls, answer: Answer) -> ServerClock | None:
        """None where the answer shows no time."""
        date = http_date(answer.headers.get("date"))
        return cls(date, answer.sent, answer.received) if date is not None else None

    def window(self, create: Create) -> tuple[datetime, datetime]:
        """When the run of a create can have been started, at the earliest and at the latest."""
        ended = create.ended if create.ended is not None else time.monotonic()
        age = self.received - create.started + create.slept()
        earliest = self.date - timedelta(seconds=age)
        latest = self.date + timedelta(seconds=1 + ended - self.sent)
        return earliest - _SLACK, latest + _SLACK


@frozen
class Finding:
    """What a look into the history showed."""

    reason: str
    window: tuple[datetime, datetime] | None = None
    candidates: Sequence[Any] = ()
    adopted: Any = None
    final: bool = False
    """Looking again would show nothing else."""


def judge(
    recovery: Recovery[Any],
    create: Create,
    others: Sequence[Create],
    items: Sequence[Any],
    clock: ServerClock,
) -> Finding:
    """Which of the items, none of them handed out yet, is the run of a create.

    One is adopted if it is the only one that can be, and can be nobody else's.
    """
    window = clock.window(create)
    once = {text_at(item, recovery.id): item for item in items}  # a page may repeat another's
    candidates = [item for item in once.values() if _can_own(recovery, create, item, clock)]
    if not candidates:
        return Finding("the history does not show it", window)
    contested = [
        item for item in candidates if any(_can_own(recovery, o, item, clock) for o in others)
    ]
    undated = created_at(at_path(candidates[0], recovery.created)) is None
    if len(candidates) == 1 and not contested and not undated:
        return Finding("found", window, candidates, adopted=candidates[0], final=True)
    waiting = any(not other.unknown for other in others)
    if len(candidates) > 1:
        reason = f"{len(candidates)} of the newest runs can be it"
    elif undated:
        reason = "the one run that can be it does not say when it was created"
    else:
        reason = "the one run that can be it can be another create's too"
    return Finding(
        reason,
        window,
        candidates,
        final=not waiting or len(candidates) - len(contested) > 1,
    )


def reaches_back(recovery: Recovery[Any], items: Sequence[Any], since: datetime) -> bool:
    """Whether a page of the history ends before a point of time."""
    oldest = created_at(at_path(items[-1], recovery.created)) if items else None
    return oldest is not None and oldest < since


def _can_own(recovery: Recovery[Any], create: Create, item: Any, clock: ServerClock) -> bool:
    for place, wanted in create.shown.items():
        found = at_path(item, place)
        if isinstance(wanted, str | int) and found is not None and found != wanted:
            return False
    created = created_at(at_path(item, recovery.created))
    earliest, latest = clock.window(create)
    return created is None or earliest <= created <= latest


def created_at(value: object) -> datetime | None:
    """A time of the history; None if it is none. No document states its unit: seconds and
    milliseconds since 1970 are told apart by their size, and a date of ISO 8601 is one too."""
    try:
        if isinstance(value, str):
            date = datetime.fromisoformat(value)
            return date if date.tzinfo is not None else date.replace(tzinfo=UTC)
        if isinstance(value, bool) or not isinstance(value, int | float):
            return None
        return datetime.fromtimestamp(value / 1000 if value > 1e11 else value, UTC)
    except (ValueError, OverflowError, OSError):
        return None
