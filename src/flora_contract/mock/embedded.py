"""A mock inside a Python program: a real server, in a thread, on a free port."""

from __future__ import annotations

import asyncio
import threading
from contextlib import closing
from typing import TYPE_CHECKING, Any, Self, TypeVar, Unpack

from flora_contract.mock.application import MockSettings, Options, opened
from flora_contract.mock.http.server import listen, origin_of, run_loop, serve

if TYPE_CHECKING:
    from collections.abc import Callable

    from flora_contract.mock.http.protocol import Limits
    from flora_contract.mock.scenario import Source

T = TypeVar("T")


class MockFlora:
    """A mock server for tests: `with MockFlora() as mock: call(mock.base_url)`.

    Its methods do what `/_mock` does. It listens at `host` and `port`, 0 for a free one; the other
    arguments are those of `MockSettings`.
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        limits: Limits | None = None,
        **options: Unpack[Options],
    ) -> None:
        self._address = host, port
        self._limits = limits
        self._settings = MockSettings(**options)
        self.origin = ""
        """Scheme and authority, such as `http://127.0.0.1:4010`."""
        self.base_url = ""
        """What a client of FLORA takes as its base URL."""

    def __enter__(self) -> Self:
        self._listener = listen(*self._address)
        self._ready = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="flora-mock", daemon=True)
        self._thread.start()
        self._ready.wait()
        if self._failure is not None:
            self._thread.join()
            raise self._failure
        self.origin = origin_of(self._listener)
        self.base_url = self.origin + self._application.contract.base
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def reset(self, scenario: Source | None = None) -> None:
        """Forget everything, and begin again: as at the start, or with a scenario.

        Raises InputError that says what is wrong with the scenario.
        """
        self._call(lambda: self._application.reset(scenario))

    def advance(self, seconds: float) -> None:
        """Move the mock's clock on. Raises ValueError for less than 0 or more than 1e9 seconds."""
        self._call(lambda: self._application.control.advance(seconds))

    def put_account(self, key: str, **entry: Any) -> None:
        """Add or change an account: `credits` in US dollars, `workspaces` {ws_…: [prj_…]}.

        Raises ValueError that says what is wrong with it.
        """
        self._call(lambda: self._application.control.put_account(key, entry))

    def put_faults(self, *rules: dict[str, Any]) -> None:
        """Replace the faults, by rules as in `PUT /_mock/faults`; none ends them all.

        Raises ValueError that says what is wrong with a rule.
        """
        self._call(lambda: self._application.control.put_faults(list(rules)))

    def requests(self) -> list[dict[str, Any]]:
        """What was asked, oldest first, without keys; `problems` is what broke the contract."""
        return self._call(self._application.control.exchanges)

    def _call(self, function: Callable[[], T]) -> T:
        called = self._application.done(function)
        return asyncio.run_coroutine_threadsafe(called, self._loop).result()

    def _run(self) -> None:
        try:
            run_loop(self._main())
        except BaseException as error:
            self._failure = error
            self._ready.set()

    async def _main(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        with closing(self._listener):
            self._application = await opened(self._settings)
            self._loop.call_soon(self._ready.set)
            try:
                await serve(self._application, self._listener, limits=self._limits, stop=self._stop)
            finally:
                await self._application.end()
