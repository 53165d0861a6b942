"""A request, its answer, and what a transport can do. No HTTP library is named here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from attrs import frozen

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping, Sequence
    from typing import BinaryIO

T = TypeVar("T")


def block_on(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run to its end a coroutine that never suspends, because its IO blocks."""
    try:
        coroutine.send(None)
    except StopIteration as done:
        result: T = done.value
        return result
    coroutine.close()
    raise TypeError("an awaitable was given to the blocking client; use the asynchronous one")


@frozen
class Request:
    """A request as it goes out; `url` is whole."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes | None
    timeout: float
    """Seconds for the whole exchange, from connecting to the last byte."""
    pace: Pace | None = None


class Pace(Protocol):
    """What holds requests back."""

    def check(self) -> None:
        """Asked once there is a connection. Raises HeldBackError to send nothing after all."""
        ...

    def hear(self, status_code: int, headers: Mapping[str, str]) -> None:
        """Told of an answer before its connection is free for another request."""
        ...


MOST_BYTES = 64 * 1024**2
"""Of an answer: thousands of times what the API says at once, and no danger to the memory."""


class HeldBackError(Exception):
    """A request was held back: nothing of it was sent."""


@frozen
class Answer:
    """An answer, read to its end, or to `MOST_BYTES`. Times are seconds of the monotonic clock."""

    status_code: int
    headers: Mapping[str, str]
    """Names are compared without regard to case."""
    body: bytes
    sent: float
    received: float
    is_whole: bool = True


class IO(Protocol):
    """What the client asks of the world, in one form for blocking and for asynchronous use.

    The blocking one never suspends, so that its coroutines can be run to their end in one step.
    """

    blocking: bool
    """Whether it is the one that blocks."""

    async def send(self, request: Request) -> Answer:
        """Send to the configured origin. Raises APIConnectionError, APITimeoutError, and
        HeldBackError where the request says so."""
        ...

    async def fetch(self, request: Request, into: BinaryIO, most: int) -> Answer:
        """Send to a foreign origin, with nothing but what the request holds; a success is written
        to the file, and refused with DownloadError beyond `most` bytes."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        ...

    async def gather(
        self, jobs: Sequence[Callable[[], Coroutine[Any, Any, T]]], at_once: int
    ) -> list[T | Exception]:
        """Do all, some at a time; what each returned or raised, in order."""
        ...

    async def settle(self, value: Any) -> Any:
        """Await what a caller's function returned, where it can be awaited."""
        ...

    async def close(self) -> None:
        """Close connections that are our own."""
        ...
