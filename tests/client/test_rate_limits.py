"""A rate limit met by one call, while others are truly in flight: threads, or tasks."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from flora_client import AsyncFlora, Flora

from .bodies import ACCEPTED, CREATE, RUN
from .fake import refusal
from .server import Reply, Seen, Server

PAUSE = 0.4
"""Seconds that the server asks to wait."""
Use = Callable[[Any], list[Any]]
"""What a test asks of a client: the calls to be made at once."""


def in_threads(server: Server, limited: Limited, use: Use, **settings: Any) -> list[Any]:
    own = httpx.Client(limits=httpx.Limits(max_connections=limited.connections))
    with own, Flora(**_settings(server), http_client=own, **settings) as flora:
        limited.client, limited.pool = flora, own._transport._pool
        calls = use(flora)
        with ThreadPoolExecutor(len(calls)) as pool:
            return [future.result() for future in [pool.submit(call) for call in calls]]


def in_tasks(server: Server, limited: Limited, use: Use, **settings: Any) -> list[Any]:
    async def main() -> list[Any]:
        own = httpx.AsyncClient(limits=httpx.Limits(max_connections=limited.connections))
        async with own, AsyncFlora(**_settings(server), http_client=own, **settings) as flora:
            limited.client, limited.pool = flora, own._transport._pool
            return list(await asyncio.gather(*(call() for call in use(flora))))

    return asyncio.run(main())


def _settings(server: Server) -> dict[str, Any]:
    return {"api_key": "secret-key", "base_url": server.base_url}


async def until(condition: Callable[[], bool]) -> None:
    while not condition():  # noqa: ASYNC110  nothing tells when it holds
        await asyncio.sleep(0.005)


class Limited:
    """Refuses its first request once `together` of them are there, and `waiting` more calls wait
    for a connection. The others are answered when the client has heard of the limit, so that what
    it does next it does knowingly."""

    client: Any = None
    pool: Any = None

    def __init__(self, together: int, *, waiting: int = 0, then: Reply | None = None) -> None:
        self.connections = together if waiting else 100
        self._together = together
        self._waiting = waiting
        self._then = then
        self._arrived: list[float] = []
        self._refused_at: float | None = None

    async def __call__(self, seen: Seen) -> Reply:
        self._arrived.append(time.monotonic())
        number = len(self._arrived)
        if number > self._together:
            return self._success(seen)
        await until(lambda: len(self.pool._requests) >= self._together + self._waiting)
        if number == 1:
            await until(lambda: len(self._arrived) >= self._together)
            self._refused_at = time.monotonic()
            return refusal(429, "rate_limited", **{"retry-after-ms": str(PAUSE * 1000)})
        await until(lambda: self.client._session.shared.cool_down._until > 0)
        return self._then or self._success(seen)

    def held_back(self) -> None:
        """After the refusal nothing came until the pause was over."""
        assert self._refused_at is not None
        later = [time - self._refused_at for time in self._arrived[self._together :]]
        assert later
        assert min(later) >= PAUSE

    def _success(self, seen: Seen) -> Reply:
        if seen.method == "GET":
            return Reply(200, RUN)
        return Reply(201, {**ACCEPTED, "run_id": f"run_{seen.headers['idempotency-key']}"})


BOTH = pytest.mark.parametrize("do", [in_threads, in_tasks])


@contextmanager
def serving(limited: Limited) -> Iterator[Server]:
    with Server(limited) as server:
        yield server
    limited.held_back()


@BOTH
def test_calls_in_flight_are_not_sent_again_before_the_pause_is_over(do: Any) -> None:
    def use(flora: Any) -> list[Any]:
        other = flora.with_options(timeout=30)
        return [
            lambda: flora.generations.retrieve("run_1"),
            lambda: other.generations.retrieve("run_1"),
            lambda: flora.generations.create(**CREATE),
            lambda: other.generations.create(**CREATE),
            lambda: flora.request("GET", "/runs/run_1"),
            lambda: flora.generations.with_raw_response.retrieve("run_1"),
        ]

    # Repeated at once if it were not for the limit that another call has met.
    limited = Limited(6, then=refusal(503, "service_unavailable", **{"retry-after-ms": "0"}))
    with serving(limited) as server:
        assert len(do(server, limited, use)) == 6


@BOTH
def test_creates_in_a_queue_wait_too(do: Any) -> None:
    limited = Limited(3)
    requests = [{**CREATE, "idempotency_key": f"key-{number}"} for number in range(12)]
    with serving(limited) as server:
        (runs,) = do(
            server,
            limited,
            lambda flora: [lambda: flora.generations.create_many(requests, max_concurrency=3)],
        )
    assert [run.run_id for run in runs] == [f"run_key-{number}" for number in range(12)]


@BOTH
def test_calls_that_wait_for_a_connection_wait_for_the_pause_as_well(do: Any) -> None:
    limited = Limited(1, waiting=3)
    with serving(limited) as server:
        runs = do(
            server,
            limited,
            lambda flora: [lambda: flora.generations.retrieve("run_1") for _ in range(4)],
        )
    assert sorted(run.call.attempts for run in runs) == [1, 1, 1, 2]
