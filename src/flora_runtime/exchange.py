"""A request, its answer, and what a transport can do. No HTTP library is named here."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from attrs import frozen

if TYPE_CHECKING:
    from typing import BinaryIO

T = TypeVar("T")


class Headers(Mapping[str, str]):
    """Header fields; names are compared without regard to case."""

    def __init__(self, pairs: Mapping[str, str]) -> None:
        self._values = {name.lower(): value for name, value in pairs.items()}

    def __getitem__(self, name: str) -> str:
        return self._values[name.lower()]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"Headers({self._values!r})"


@frozen
class Request:
    """A request as it goes out; `url` is whole."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes | None
    timeout: float
    """Seconds for the whole exchange, from connecting to the last byte."""


@frozen
class Answer:
    """An answer, read to its end. Times are of the monotonic clock, in seconds."""

    status_code: int
    headers: Headers
    body: bytes
    sent: float
    received: float


class IO(Protocol):
    """What the client asks of the world, in one form for blocking and for asynchronous use.

    The blocking one never suspends, so that its coroutines can be run to their end in one step.
    """

    async def send(self, request: Request) -> Answer:
        """Send to the configured origin. Raises APIConnectionError, APITimeoutError."""

    async def fetch(self, request: Request, into: BinaryIO, most: int) -> Answer:
        """Send to a foreign origin, with nothing but what the request holds; a success is written
        to the file, and refused with DownloadError beyond `most` bytes."""

    async def sleep(self, seconds: float) -> None:
        """Wait."""

    async def gather(
        self, jobs: Sequence[Callable[[], Coroutine[Any, Any, T]]], at_once: int
    ) -> list[T | Exception]:
        """Do all, some at a time; what each returned or raised, in order."""

    async def settle(self, value: Any) -> Any:
        """Await what a caller's function returned, where it can be awaited."""

    async def close(self) -> None:
        """Close connections that are our own."""
