"""Servers, both clients as one, and a clock that sleeping moves on."""

from __future__ import annotations

import asyncio
import functools
import inspect
import ssl
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest
from flora_client import AsyncFlora, AsyncPager, Flora

from .server import Handler, Reply, Seen, Server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

KEY = "sk-live-0123456789"


@pytest.fixture(scope="session", autouse=True)
def _certificates_once() -> Iterator[None]:
    """Reading all certificates takes a client longer than most tests, none of which needs them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ssl.create_default_context", functools.cache(ssl.create_default_context))
        yield


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    """Start a server: on a handler, or on answers that are given in order, the last for ever."""
    with ExitStack() as stack:

        def start(*answers: Handler | Reply) -> Server:
            first, *rest = answers
            if not isinstance(first, Reply):
                return stack.enter_context(Server(first))
            left = [first, *rest]

            def script(_: Seen) -> Reply:
                reply = left.pop(0) if len(left) > 1 else left[0]
                assert isinstance(reply, Reply)
                return reply

            return stack.enter_context(Server(script))

        yield start


class Blocked:
    """AsyncFlora, or a part of it, driven from blocking code: one test holds both clients."""

    def __init__(self, target: Any, runner: asyncio.Runner) -> None:
        self._target = target
        self._runner = runner

    def __getattr__(self, name: str) -> Any:
        return self._blocked(getattr(self._target, name))

    def _blocked(self, value: Any) -> Any:
        if isinstance(value, AsyncPager):
            return BlockedPager(value, self._runner)
        if inspect.isawaitable(value):
            return self._runner.run(_awaited(value))
        if inspect.ismethod(value) or inspect.isfunction(value):
            return lambda *args, **kwargs: self._blocked(value(*args, **kwargs))
        parts = (AsyncFlora,)
        if isinstance(value, parts) or type(value).__module__.startswith("flora_client.resources"):
            return Blocked(value, self._runner)
        return value


class BlockedPager:
    def __init__(self, pager: AsyncPager[Any], runner: asyncio.Runner) -> None:
        self._pager = pager
        self._runner = runner

    def __iter__(self) -> Iterator[Any]:
        return self._iterated(self._pager)

    def pages(self) -> Iterator[Any]:
        return self._iterated(self._pager.pages())

    def _iterated(self, items: Any) -> Iterator[Any]:
        iterator = aiter(items)
        try:
            while True:
                try:
                    item = self._runner.run(_awaited(anext(iterator)))
                except StopAsyncIteration:
                    return
                yield item
        finally:
            if inspect.isasyncgen(iterator):
                self._runner.run(iterator.aclose())


async def _awaited(value: Any) -> Any:
    return await value


@pytest.fixture(params=["Flora", "AsyncFlora"])
def connect(request: pytest.FixtureRequest) -> Iterator[Callable[..., Any]]:
    """Make a client of a server; each test that asks for this runs with either client."""
    with ExitStack() as stack:

        def make(server: Server | str, **options: Any) -> Any:
            base_url = server if isinstance(server, str) else server.base_url
            options = {"api_key": KEY, "base_url": base_url, "max_retries": 2, **options}
            if request.param == "Flora":
                return stack.enter_context(Flora(**options))
            runner = stack.enter_context(asyncio.Runner())
            client = AsyncFlora(**options)
            stack.callback(lambda: runner.run(client.close()))
            return Blocked(client, runner)

        yield make


@pytest.fixture
def naps(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Let the client sleep in no time, as far as its clock can tell. Returns for how long it did.

    The clock goes on by itself besides.
    """
    slept: list[float] = []
    monotonic, wall = time.monotonic, time.time
    monkeypatch.setattr("time.monotonic", lambda: monotonic() + sum(slept))
    monkeypatch.setattr("time.time", lambda: wall() + sum(slept))

    async def sleep(_: object, seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr("flora_runtime.http.BlockingIO.sleep", sleep)
    monkeypatch.setattr("flora_runtime.http.AsyncIO.sleep", sleep)
    return slept
