"""Answers that are read as they come."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import frozen

from flora_runtime.exchange import block_on

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping

    from flora_runtime.exchange import Answer
    from flora_runtime.model import Call


@frozen
class _Streamed:
    _answer: Answer
    call: Call

    @property
    def status_code(self) -> int:
        """A success: any other answer was raised as an error."""
        return self._answer.status_code

    @property
    def headers(self) -> Mapping[str, str]:
        """Names are compared without regard to case."""
        return self._answer.headers


class StreamedResponse(_Streamed):
    """An answer whose body is read as it comes, while the `with` lasts that gave it."""

    def iter_bytes(self) -> Iterator[bytes]:
        """The pieces of the body. Raises APIConnectionError, APITimeoutError."""
        while (piece := block_on(self._answer.read())) is not None:
            yield piece


class AsyncStreamedResponse(_Streamed):
    """An answer whose body is read as it comes, while the `async with` lasts that gave it."""

    async def iter_bytes(self) -> AsyncIterator[bytes]:
        """The pieces of the body. Raises APIConnectionError, APITimeoutError."""
        while (piece := await self._answer.read()) is not None:
            yield piece
