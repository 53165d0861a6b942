"""Waiting without holding others up, in code that is written as if it did.

`begin` runs a function in a greenlet; where it calls `wait`, the event loop goes on with others
until there is a result. So the same code answers from memory, without a task or a switch, and from
a database that is not near.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from greenlet import getcurrent, greenlet

from flora_contract.errors import UnreachableError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

SECONDS: Final = 5.0
"""How long a function may wait in all, where nothing else is said."""

T = TypeVar("T")


class Waiter(greenlet):  # type: ignore[misc]  # which has no types
    """A function that may wait until `deadline`, by the loop's clock, and what it works with."""

    def __init__(self, function: Callable[..., Any], seconds: float) -> None:
        super().__init__(function)
        self.deadline = asyncio.get_running_loop().time() + seconds
        self.connection: Any = None
        """Of its transaction."""
        self.writes: Any = None
        """What it is about to write."""


def begin(function: Callable[..., T], *arguments: Any) -> T | Coroutine[Any, Any, T]:
    """What a function gives, or if it has to wait, what is to be awaited for that."""
    waiter = Waiter(function, SECONDS)
    given = waiter.switch(*arguments)
    return _rest(waiter, given) if waiter else given


async def done(function: Callable[..., T], *arguments: Any, seconds: float = 0) -> T:
    """What a function gives, however long it waits."""
    waiter = Waiter(function, seconds or SECONDS)
    given = waiter.switch(*arguments)
    return await _rest(waiter, given) if waiter else given  # type: ignore[no-any-return]


async def _rest(waiter: Waiter, awaited: Awaitable[Any]) -> Any:
    given: Any = awaited
    while waiter:  # which is true until the function has returned
        try:
            result = await given
        except BaseException as error:
            given = waiter.throw(error)
        else:
            given = waiter.switch(result)
    return given


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
    left: float = current().deadline - asyncio.get_running_loop().time()
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
        self._asked: list[tuple[T, asyncio.Future[Any]]] = []
        self._task: asyncio.Task[None] | None = None

    def __call__(self, item: T) -> Any:
        """Ask, and wait until it is done."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Any] = loop.create_future()
        self._asked.append((item, future))
        if self._task is None:
            self._task = loop.create_task(self._all())
        return wait(future)

    async def _all(self) -> None:
        while self._asked:
            now, self._asked = self._asked, []
            try:
                result = await done(self._do, [item for item, _ in now])
            except Exception as error:
                if isinstance(error, UnreachableError):
                    now += self._asked
                    self._asked = []
                for _, future in now:
                    if not future.done():
                        future.set_exception(error)
            else:
                for _, future in now:
                    if not future.done():
                        future.set_result(result)
        self._task = None
