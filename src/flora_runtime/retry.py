"""When to send again, and when next. Nothing here sends or sleeps."""

from __future__ import annotations

import random
import threading
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from flora_runtime.errors import (
    APIConnectionError,
    APIError,
    DriftError,
    FloraError,
    ResponseDecodingError,
)
from flora_runtime.exchange import HeldBackError

if TYPE_CHECKING:
    from collections.abc import Mapping

LONGEST_WAIT = 60.0
"""Seconds. A server that asks for more gets no retry; the caller is told instead."""

_FIRST, _MOST, _JITTER = 0.5, 8.0, 0.25


def is_transient(error: FloraError) -> bool:
    """Whether the same request may succeed later."""
    if isinstance(error, APIError):
        if error.should_retry is not None:
            return error.should_retry
        return error.status_code in {408, 429} or error.status_code >= 500
    return isinstance(error, APIConnectionError)


def is_unreadable(error: FloraError) -> bool:
    """Whether an answer was there that made no sense."""
    return isinstance(error, ResponseDecodingError) and not isinstance(error, DriftError)


def leaves_unclear(error: FloraError) -> bool:
    """Whether the API may have done what it was asked, for all that the error tells."""
    if isinstance(error, APIError):
        # What names a code is the API's own refusal; another may come from anything before it.
        refused = 400 <= error.status_code < 500 and error.code is not None
        return not refused and error.status_code != 429
    return not (isinstance(error, APIConnectionError) and error.never_sent)


def backoff(attempt: int) -> float:
    """Seconds to wait after an attempt, counted from 1."""
    longest: float = min(_FIRST * 2 ** (attempt - 1), _MOST)
    return longest * (1 - random.uniform(0, _JITTER))  # noqa: S311  no secret


def delay_before_retry(
    error: FloraError, attempt: int, timeout: float = LONGEST_WAIT
) -> float | None:
    """Seconds to wait before the next attempt; None if there should be none, or the server asks
    for more time than an attempt has."""
    if not is_transient(error):
        return None
    asked = error.retry_after if isinstance(error, APIError) else None
    if asked is None:
        return backoff(attempt)
    return jittered(asked) if asked <= min(LONGEST_WAIT, timeout) else None


def jittered(seconds: float) -> float:
    """A little more: what waits for the same moment does not all go on at once."""
    return seconds * random.uniform(1, 1.1)  # noqa: S311  no secret


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that an answer asks to wait: `retry-after-ms`, or Retry-After (RFC 9110, 10.2.3)."""
    milliseconds = _number(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return milliseconds / 1000
    value = headers.get("retry-after")
    seconds = _number(value)
    if seconds is not None or value is None:
        return seconds
    date = http_date(value)
    if date is None:
        return None
    now = http_date(headers.get("date")) or datetime.now(UTC)
    return max((date - now).total_seconds(), 0.0)


def http_date(value: str | None) -> datetime | None:
    """A point of time in the form of HTTP headers; None if it is none."""
    if value is None:
        return None
    from email.utils import parsedate_to_datetime  # slow to load, and seldom needed

    try:
        date = parsedate_to_datetime(value)
    except (TypeError, ValueError, IndexError, OverflowError):
        return None
    return date if date.tzinfo is not None else date.replace(tzinfo=UTC)


def _number(value: str | None) -> float | None:
    try:
        number = float(value) if value is not None else None
    except ValueError:
        return None
    return number if number is not None and 0 <= number < float("inf") else None


class CoolDown:
    """A pause for every request of a client, for a rate limit meets all of them."""

    def __init__(self) -> None:
        self._until = 0.0
        self._lock = threading.Lock()

    def start(self, seconds: float) -> None:
        """Pause for so long, or longer where a longer pause is under way."""
        with self._lock:
            self._until = max(self._until, time.monotonic() + seconds)

    def observe(self, status_code: int, headers: Mapping[str, str]) -> None:
        """Pause where an answer asks for it."""
        asked = retry_after(headers) if status_code == 429 else None
        if asked is not None and asked <= LONGEST_WAIT:
            self.start(asked)

    def left(self) -> float:
        """Seconds until requests may be sent."""
        return max(self._until - time.monotonic(), 0.0)

    def check(self) -> None:
        """Raises HeldBackError while the pause lasts."""
        if self._until > time.monotonic():
            raise HeldBackError
