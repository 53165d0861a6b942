"""Following a run until it has ended. Looking is cheap and harmless; giving up is neither."""

from __future__ import annotations

import math
import random
import time
from typing import TYPE_CHECKING, Any, TypeVar

from flora_runtime.codec import decimal_of
from flora_runtime.drift import Drift
from flora_runtime.errors import (
    APIError,
    DriftError,
    FloraError,
    ResponseDecodingError,
    RunError,
    RunFailedError,
    WaitTimeoutError,
    mark,
)
from flora_runtime.operation import named
from flora_runtime.options import Options, checked_function, checked_seconds
from flora_runtime.paths import at_path, one_line
from flora_runtime.retry import backoff, is_transient

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from flora_runtime.exchange import IO
    from flora_runtime.model import Model
    from flora_runtime.operation import Polling, ReadOperation
    from flora_runtime.session import Session

T = TypeVar("T", bound="Model")

DEFAULT_PATIENCE = 600.0

_INTERVAL = (2.0, 5.0)
"""Seconds between looks; FLORA asks for 2 to 5."""

_LAST_LOOK = 1.0
"""Seconds before the time is up at which the run is looked at once more."""

_LONGEST_FIRST_PAUSE = 4.0
"""However long a run is said to take, it is looked at before that."""

_STRANGE = 20.0
"""Seconds for which a status is followed that nobody knows. It may be on its way to a known one, or
a new way to end."""


class Wait:
    """What is known of a run while it is waited for."""

    def __init__(
        self, session: Session, polling: Polling, arguments: Mapping[str, Any], patience: float
    ) -> None:
        self.session = session
        self.polling = polling
        self.arguments = arguments
        self.run_id = str(arguments[polling.argument])
        self.run = named(polling.kind, self.run_id)
        self.shown = one_line(self.run, 100)
        self.began = time.monotonic()
        self.deadline = self.began + patience
        self.strange_since: float | None = None
        self.last: Any = None
        self.data: Any = None

    def first_pause(self, interval: float | None) -> float:
        """Until the run can have ended, by what was said when it was started."""
        longest = _LONGEST_FIRST_PAUSE if interval is None else interval
        started = self.session.shared.ledger.run(self.run)
        if started is None or started.estimate is None:
            return 0.0
        passed = time.monotonic() - started.at
        return max(min(started.estimate, longest) - passed, 0.0)

    def left(self) -> float:
        """Seconds until the time is up."""
        return self.deadline - time.monotonic()

    def see(self, run: Any, data: Any) -> None:
        """Take note of the run as it stands."""
        self.last, self.data = run, data
        known = {*self.polling.moving, *self.polling.completed, *self.polling.failed}
        if self.status in known:
            self.strange_since = None
        elif self.strange_since is None:
            self.strange_since = time.monotonic()

    def is_strange(self) -> bool:
        """Whether its status has been one that nobody knows for too long."""
        since = self.strange_since
        return since is not None and time.monotonic() - since >= _STRANGE

    def _told(self, name: str | None) -> Any:
        return at_path(self.data, name)

    @property
    def status(self) -> str | None:
        """As the API last said; None before the first look."""
        status = self._told(self.polling.status)
        return status if isinstance(status, str) else None

    def _receipt(self) -> dict[str, Any]:
        progress = self._told(self.polling.progress)
        return {
            "run_id": self.run_id,
            "status": self.status,
            "progress": progress if isinstance(progress, int | float) else None,
            "charged_cost": decimal_of(self._told(self.polling.cost)),
            "run": self.last,
        }

    def failed(self) -> RunFailedError:
        """The error of a run that has failed."""
        code, message = self._told(self.polling.error_code), self._told(self.polling.error_message)
        why = ": ".join(part for part in (code, message) if isinstance(part, str))
        text = f"{self.shown} failed{': ' + one_line(why) if why else ''}"
        return RunFailedError(
            text,
            error_code=code if isinstance(code, str) else None,
            error_message=message if isinstance(message, str) else None,
            **self._receipt(),
        )

    def strange(self) -> RunError:
        """The error of a run in a status that nobody knows."""
        status = one_line(self.status or "no status", 50)
        return RunError(
            f"{self.shown} is {status}, which this client does not know: it may have ended."
            f" Look at it, or {self.how_to_resume()}",
            **self._receipt(),
        )

    def timed_out(self) -> WaitTimeoutError:
        """The error of a run that has not ended in time."""
        elapsed = time.monotonic() - self.began
        receipt = self._receipt()
        seen = one_line(self.status or "never", 50)
        if receipt["progress"] is not None:
            seen += f", progress {receipt['progress']}"
        return WaitTimeoutError(
            f"{self.shown} had not ended after {elapsed:.1f} s (last seen: {seen})."
            f" It goes on, and waiting again costs nothing: {self.how_to_resume()}",
            elapsed=elapsed,
            **receipt,
        )

    def how_to_resume(self) -> str:
        """For people."""
        given = ", ".join(map(repr, self.arguments.values()))
        return f"resume with {self.polling.resume}({given})"


def check_waiting(
    io: IO, patience: object, interval: object, callbacks: Mapping[str, object]
) -> None:
    """Raises InvalidArgumentError, before anything is sent."""
    if interval is not None:
        checked_seconds(interval, "poll_interval")
    if patience is not None:
        checked_seconds(patience, "timeout", above=-math.inf)
    for name, callback in callbacks.items():
        if callback is not None:
            checked_function(callback, name, blocking=io.blocking)


async def wait(
    session: Session,
    operation: ReadOperation[T],
    arguments: Mapping[str, Any],
    patience: float | None,
    on_progress: Callable[[T], object] | None,
    interval: float | None,
) -> T:
    """The run once it is completed. Raises RunFailedError, WaitTimeoutError, RunError for a status
    that nobody knows, and FloraError for what looking again cannot mend."""
    polling = operation.polling
    session.draft(operation, arguments, Options())
    check_waiting(session.io, patience, interval, {"on_progress": on_progress})
    state = Wait(session, polling, arguments, DEFAULT_PATIENCE if patience is None else patience)
    try:
        return await _follow(session, operation, polling, state, on_progress, interval)
    except BaseException as error:
        mark(error, None, state.run_id)
        if not isinstance(error, RunError):
            error.add_note(f"{state.shown} goes on: {state.how_to_resume()}")
        raise


async def _follow(
    session: Session,
    operation: ReadOperation[T],
    polling: Polling,
    state: Wait,
    on_progress: Callable[[T], object] | None,
    interval: float | None,
) -> T:
    options = Options(max_retries=0, deadline=state.deadline)
    pause = state.first_pause(interval)
    failures = 0
    trouble: FloraError | None = None
    last = False
    while True:
        pause = max(pause, session.shared.cool_down.left())
        if pause >= state.left():
            if last or state.left() <= 0:
                raise state.timed_out() from trouble
            pause, last = max(state.left() - _LAST_LOOK, 0.0), True
        await session.io.sleep(pause)
        try:
            run = await _look(session, operation, state, options)
        except FloraError as error:
            if not _may_pass(error):
                raise
            failures, trouble = failures + 1, error
            asked = error.retry_after if isinstance(error, APIError) else None
            pause = max(backoff(failures), asked or 0.0)
            continue
        failures, trouble = 0, None
        if on_progress is not None:
            await session.io.settle(on_progress(run))
        if state.status in polling.completed:
            return run
        if state.status in polling.failed:
            raise state.failed()
        if state.is_strange():
            raise state.strange()
        pause = random.uniform(*_INTERVAL) if interval is None else interval  # noqa: S311


def _may_pass(error: FloraError) -> bool:
    """Whether looking again can mend it: a wait is not ended by one bad answer."""
    unreadable = isinstance(error, ResponseDecodingError) and not isinstance(error, DriftError)
    return unreadable or is_transient(error)


async def _look(session: Session, operation: ReadOperation[T], state: Wait, options: Options) -> T:
    path = _link(session, state.run)
    raw = await session.call(operation, state.arguments, options, path=path)
    state.see(raw.parse(), raw.json())
    return raw.parse()


def _link(session: Session, run: str) -> str | None:
    """Where the API said the run can be followed, if that is where the key may go."""
    started = session.shared.ledger.run(run)
    if started is None or started.link is None:
        return None
    if not session.origin.holds(started.link):
        session.shared.drift.tell([Drift("foreign_url", "link", "not followed")])
        return None
    return started.link
