"""A request, its answer, and what a transport can do. No HTTP library is named here."""

from __future__ import annotations

import time
import zlib
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from attrs import frozen

from flora_runtime.errors import APIConnectionError, DownloadError

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

    def observe(self, status_code: int, headers: Mapping[str, str]) -> None:
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
    rest: Opened | None = None
    """The body, where it is still to be read."""

    async def read(self) -> bytes | None:
        """The next piece of the rest; None at its end. Raises APIConnectionError."""
        return await self.rest.read() if self.rest is not None else None

    async def close(self) -> None:
        """Free its connection, where that is needed."""
        if self.rest is not None:
            await self.rest.close()


class Opened:
    """An answer whose head is there. Whoever opened it closes it."""

    def __init__(
        self, status_code: int, headers: Mapping[str, str], sent: float, *, packed: bool = False
    ) -> None:
        self.status_code = status_code
        self.headers = headers
        self.sent = sent
        self._gzip = zlib.decompressobj(wbits=31) if packed else None

    async def read(self) -> bytes | None:
        """The next piece of the body, None at its end. Raises APIConnectionError.

        Only gzip is offered, and unpacked a piece at a time: a small answer can be packed so that
        it fills the memory.
        """
        if self._gzip is None:
            return await self.part()
        piece = b""
        while not piece:
            part = self._gzip.unconsumed_tail or await self.part()
            if part is None:
                return None
            try:
                piece = self._gzip.decompress(part, _PIECE)
            except zlib.error:
                raise APIConnectionError("no answer: its gzip cannot be unpacked.") from None
        return piece

    async def part(self) -> bytes | None:
        """The next part of the body as it came; None at its end."""
        raise NotImplementedError

    async def close(self) -> None:
        """Free its connection."""
        raise NotImplementedError


_PIECE = 1024**2


class IO(Protocol):
    """What the client asks of the world, in one form for blocking and for asynchronous use.

    The blocking one never suspends, so that its coroutines can be run to their end in one step.
    """

    blocking: bool
    """Whether it is the one that blocks."""

    async def open(self, request: Request, *, foreign: bool = False) -> Opened:
        """Send to the configured origin; or to a foreign one, with nothing but what the request
        holds. Raises APIConnectionError, APITimeoutError, and HeldBackError where the request says
        so."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        ...

    async def gather(
        self, jobs: Sequence[Callable[[], Coroutine[Any, Any, T]]], at_once: int
    ) -> list[T | Exception]:
        """Do all, some at a time; what each returned or raised, in order."""
        ...

    async def aside(self, work: Callable[..., T], *arguments: Any) -> T:
        """Do what may block, out of the way of others."""
        ...

    async def settle(self, value: Any) -> Any:
        """Await what a caller's function returned, where it can be awaited."""
        ...

    async def close(self) -> None:
        """Close connections that are our own."""
        ...


async def send(io: IO, request: Request, *, stream: bool = False) -> Answer:
    """The answer to a request; with `stream`, a success is still to be read. Raises as the IO."""
    opened = await io.open(request)
    if stream and 200 <= opened.status_code < 300:
        return _answer(opened, b"", rest=opened)
    try:
        body, left = list[bytes](), MOST_BYTES
        while left >= 0 and (piece := await opened.read()) is not None:
            body.append(piece[:left])
            left -= len(piece)
        return _answer(opened, b"".join(body), is_whole=left >= 0)
    finally:
        await opened.close()


async def fetch(io: IO, request: Request, into: BinaryIO, most: int) -> Answer:
    """The answer to a request for a file; a success is written to one.

    Raises DownloadError beyond `most` bytes, and where it comes packed.
    """
    opened = await io.open(request, foreign=True)
    try:
        if not 200 <= opened.status_code < 300:
            return _answer(opened, b"")
        if opened.headers.get("content-encoding", "identity").strip().lower() != "identity":
            raise DownloadError("its server compressed it although asked not to")
        while (piece := await opened.read()) is not None:
            if into.tell() + len(piece) > most:
                raise DownloadError(f"larger than the limit of {most} bytes")
            await io.aside(into.write, piece)
        return _answer(opened, b"")
    finally:
        await opened.close()


def _answer(opened: Opened, body: bytes, **more: Any) -> Answer:
    status, headers = opened.status_code, opened.headers
    return Answer(status, headers, body, opened.sent, time.monotonic(), **more)
