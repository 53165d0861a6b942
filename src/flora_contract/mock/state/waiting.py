"""Waiting without holding others up, in code that is written as if it did.

`begin` runs a function in a greenlet; where it calls `wait`, the event loop goes on with others
until there is a result. So the same code answers from memory, and from a database that is not near.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from greenlet import getcurrent, greenlet

from flora_contract.errors import UnreachableError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

SECONDS: Final = 5.0
"""How long a function may wait in all, where nothing else is said."""

T = TypeVar("T")


class Waiter(greenlet):  # type: ignore[misc]  # which has no types
    """A function that may wait until `deadline`, by the loop's clock, and what it works with."""

    def __init__(self, function: Callable[..., Any], seconds: float) -> None:
        super().__init__(function)
        self.loop = asyncio.get_running_loop()
        self.deadline = self.loop.time() + seconds
        self.connection: Any = None
        """Of its transaction."""
        self.writes: Any = None
        """What it is about to write."""

    def begin(self, *arguments: Any) -> Any:
        """What the function gives, or a future of that."""
        awaited = self.switch(*arguments)
        if not self:  # which is true until the function has returned
            return awaited
        self._result = self.loop.create_future()
        self._go_on_after(awaited)
        return self._result

    def _go_on_after(self, awaited: Awaitable[Any]) -> None:
        asyncio.ensure_future(awaited).add_done_callback(self._go_on)

    def _go_on(self, done: asyncio.Future[Any]) -> None:
        try:
            error = asyncio.CancelledError() if done.cancelled() else done.exception()
            given = self.switch(done.result()) if error is None else self.throw(error)
        except BaseException as error:
            if not self._result.done():
                self._result.set_exception(error)
            return
        if self:
            self._go_on_after(given)
        elif not self._result.done():
            self._result.set_result(given)


def begin(function: Callable[..., T], *arguments: Any) -> T | asyncio.Future[T]:
    """What a function gives, or if it has to wait, a future of that."""
    return Waiter(function, SECONDS).begin(*arguments)  # type: ignore[no-any-return]


async def done(function: Callable[..., T], *arguments: Any, seconds: float = 0) -> T:
    """What a function gives, however long it waits."""
    given = Waiter(function, seconds or SECONDS).begin(*arguments)
    return await given if isinstance(given, asyncio.Future) else given  # type: ignore[no-any-return]


def current() -> Waiter:
    """The greenlet of the function that runs."""
    found = getcurrent()
    assert isinstance(found, Waiter), "to be called by `begin`"
    return found


def wait(awaitable: Awaitable[T]) -> T:
    """The result of an awaitable. Only for functions that `begin` runs."""
    return current().parent.switch(awaitable)  # type: ignore[no-any-return]


def remaining() -> float:
    """Seconds that the function may go on. Raises TimeoutError when there are none."""
    waiter = current()
    left = waiter.deadline - waiter.loop.time()
    if left <= 0:
        raise TimeoutError
    return left


class Together(Generic[T]):
    """Does at once what several ask for: what is asked meanwhile is done the next time.

    `do` gets everything that is asked, and who asked gets its error. Where it cannot reach what
    it asks, nor can those who wait for the next time.
    """

    def __init__(self, do: Callable[[list[T]], Any]) -> None:
        self._do = do
        self._asked: list[T] = []
        self._next: asyncio.Future[Any] | None = None
        self._task: asyncio.Task[None] | None = None

    def __call__(self, item: T) -> Any:
        """Ask, and wait until it is done."""
        loop = asyncio.get_running_loop()
        self._asked.append(item)
        if self._next is None:
            self._next = loop.create_future()
        if self._task is None:
            self._task = loop.create_task(self._all())
        return wait(self._next)

    async def _all(self) -> None:
        while self._next is not None:
            asked, future = self._take()
            try:
                future.set_result(await done(self._do, asked))
            except Exception as error:
                future.set_exception(error)
                if isinstance(error, UnreachableError) and self._next is not None:
                    self._take()[1].set_exception(error)
        self._task = None

    def _take(self) -> tuple[list[T], asyncio.Future[Any]]:
        asked, future, self._asked, self._next = self._asked, self._next, [], None
        assert future is not None
        return asked, future
