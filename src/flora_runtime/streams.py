"""Connections of the blocking client that end with the time of an exchange.

The HTTP library counts its time limits from one byte to the next, so that a head that drips, or one
interim answer after another, would go on for ever. These streams know when all has to be over.
"""

from __future__ import annotations

import math
import threading
import time
from typing import TYPE_CHECKING, Any

import httpcore

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterable

    from flora_runtime.exchange import Pace

_PART = 64 * 1024
"""Bytes that are sent before it is asked again how much time is left."""


class Deadline:
    """The time of an exchange, from connecting to the last byte."""

    def __init__(self, seconds: float, pace: Pace | None = None) -> None:
        self.seconds = seconds
        self.pace = pace
        self.sent = time.monotonic()
        self._end = self.sent + seconds

    def left(self) -> float:
        """Seconds; at least so many that a socket does not take them for none."""
        return max(self._end - time.monotonic(), 0.001)

    def is_over(self) -> bool:
        """Whether nothing may come any more."""
        return time.monotonic() > self._end


class _Current(threading.local):
    """The exchange that a thread is busy with."""

    deadline = Deadline(0)


_current = _Current()


def begin(deadline: Deadline) -> None:
    """What this thread sends next belongs to an exchange with this deadline."""
    _current.deadline = deadline


class Stream(httpcore.NetworkStream):
    """A connection. It belongs to the exchange that has last written to it."""

    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream
        self._deadline: Deadline | None = None

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002
        deadline = self._deadline or _current.deadline
        if deadline.is_over():
            raise httpcore.ReadTimeout
        return self._stream.read(max_bytes, deadline.left())

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002
        deadline = _current.deadline
        if self._deadline is not deadline:  # nothing of the request has been sent yet
            if deadline.pace is not None:
                deadline.pace.check()
            self._deadline = deadline
        for start in range(0, len(buffer), _PART):
            if deadline.is_over():
                raise httpcore.WriteTimeout
            self._stream.write(buffer[start : start + _PART], deadline.left())

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        left = min(_current.deadline.left(), timeout or math.inf)
        return Stream(self._stream.start_tls(ssl_context, server_hostname, left))

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class Backend(httpcore.NetworkBackend):
    """Makes such connections."""

    def __init__(self) -> None:
        self._backend = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        left = min(_current.deadline.left(), timeout or math.inf)
        return Stream(self._backend.connect_tcp(host, port, left, local_address, socket_options))
