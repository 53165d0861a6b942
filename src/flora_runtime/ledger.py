"""The creates of a client: which are in flight, how each ended, and which runs they got."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

from attrs import define, field, frozen

from flora_runtime.operation import named

if TYPE_CHECKING:
    from collections.abc import Mapping

_REMEMBERED = 10_000


@define(eq=False)
class Create:
    """One logical create: one key, one run at most. Times are of the monotonic clock, but one."""

    kind: str
    """Of what it makes."""
    key: str
    has_own_key: bool
    """The key was made up for it; no caller has seen it before."""
    started: float
    scope: Mapping[str, Any] = field(factory=dict[str, Any])
    """Arguments of the history that it would be listed under."""
    shown: Mapping[str, Any] = field(factory=dict[str, Any])
    """Values by where an item of the history shows them."""
    window: float = 7200.0
    """Seconds for which the API remembers its key, or for which it is thought of without one."""
    ended: float | None = None
    run_id: str | None = None
    unknown: bool = False
    """It has ended without telling whether there is a run."""
    started_by_wall: float = field(factory=time.time)

    @property
    def run(self) -> str:
        """What it got, by kind and id."""
        return named(self.kind, self.run_id or "")

    def may_share(self, other: Create) -> bool:
        """Whether what the two make can stand in the same history."""
        both = self.scope.keys() & other.scope.keys()
        return self.kind == other.kind and all(self.scope[n] == other.scope[n] for n in both)

    def slept(self) -> float:
        """Seconds since it began that the monotonic clock did not count, for the machine was
        suspended. A wall clock set forward looks the same, and only makes the window larger."""
        by_wall = time.time() - self.started_by_wall
        return max(by_wall - (time.monotonic() - self.started), 0.0)


@frozen
class StartedRun:
    """What was said of a run when it was started."""

    at: float
    estimate: float | None = None
    link: str | None = None


class Ledger:
    """Thread-safe; bounded, so that a client can live for ever."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: list[Create] = []
        self._by_key: OrderedDict[str, Create] = OrderedDict()
        self._runs: OrderedDict[str, StartedRun] = OrderedDict()

    def begin(self, create: Create) -> Create | None:
        """Note a create before it is sent. Returns the one before it under the same key.

        If that one's outcome is unknown, the two are one logical create from now on.
        """
        with self._lock:
            key = named(create.kind, create.key)
            earlier = self._by_key.get(key)
            if earlier is not None and earlier.unknown:
                create.started = earlier.started
                create.started_by_wall = earlier.started_by_wall
                if earlier in self._open:
                    self._open.remove(earlier)
            self._forget_old()
            self._open.append(create)
            if earlier is None or earlier.run_id is None:
                self._by_key[key] = create
            if len(self._by_key) > _REMEMBERED:
                self._by_key.popitem(last=False)
            return earlier

    def hand_out(self, create: Create, run_id: str, run: StartedRun) -> None:
        """The API named the run of a create."""
        with self._lock:
            self._hand_out(create, run_id, run)

    def claim(self, create: Create, run_id: str, run: StartedRun) -> bool:
        """Take a run that was found in the history, unless another create has it by now."""
        with self._lock:
            if named(create.kind, run_id) in self._runs:
                return False
            self._hand_out(create, run_id, run)
            return True

    def fail(self, create: Create, *, unknown: bool) -> None:
        """It has ended with an error; `unknown` where a run may exist."""
        with self._lock:
            create.ended = time.monotonic()
            create.unknown = unknown
            if not unknown and create in self._open:
                self._open.remove(create)

    def others(self, create: Create) -> list[Create]:
        """Other creates that may own a run of the same history, not handed out yet."""
        with self._lock:
            self._forget_old()
            return [c for c in self._open if c is not create and c.may_share(create)]

    def run(self, run: str) -> StartedRun | None:
        """What a create of this client has got, by kind and id; None if none has."""
        return self._runs.get(run)

    def _forget_old(self) -> None:
        now = time.monotonic()
        self._open = [c for c in self._open if not c.unknown or c.started > now - c.window]

    def _hand_out(self, create: Create, run_id: str, run: StartedRun) -> None:
        create.run_id = run_id
        create.ended = time.monotonic()
        if create in self._open:
            self._open.remove(create)
        self._runs[create.run] = run
        if len(self._runs) > _REMEMBERED:
            self._runs.popitem(last=False)
