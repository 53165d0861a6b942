"""A world in which time passes only by sleeping, and answers are what a test says."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Coroutine, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from attrs import evolve
from flora_client import Flora

from flora_runtime.exchange import Answer, Opened, Request, block_on

BASE = "https://api.example/v1"
SERVER_START = datetime(2031, 5, 1, tzinfo=UTC)
"""The server's clock is years ahead of ours: nothing may depend on the two agreeing."""

WALL = 1_800_000_000.0

Reply = Answer | Exception | Callable[[Request], "Answer | Exception"]


class Heard(Opened):
    """An answer whose head is there."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status_code, answer.headers, answer.sent)
        self.parts = [answer.body]

    async def part(self) -> bytes | None:
        return self.parts.pop() if self.parts else None

    async def close(self) -> None:
        pass


class World:
    """An IO whose answers are scripted and whose clock moves by sleeping alone.

    The last of a script stays for ever if it is a function."""

    blocking = True

    def __init__(self) -> None:
        self.now = 1000.0
        self.script: list[Reply] = []
        self.route: Callable[[Request], Answer | Exception] | None = None
        self.sent: list[Request] = []
        self.slept: list[float] = []

    def date(self) -> datetime:
        """The server's time."""
        return SERVER_START + timedelta(seconds=self.now)

    def reply(self, data: Any = None, status: int = 200, **headers: str) -> Answer:
        body = data if isinstance(data, bytes) else json.dumps(data).encode()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        shown = {"date": format_datetime(self.date(), usegmt=True), **named}
        return Answer(status, shown, body, self.now, self.now)

    def error(self, status: int, code: str = "some_code", **headers: str) -> Answer:
        return self.reply({"error": {"code": code, "message": "So."}}, status, **headers)

    async def send(self, request: Request) -> Answer:
        self.sent.append(request)
        if self.route is not None:
            result: Reply = self.route(request)
        else:
            stays = len(self.script) == 1 and callable(self.script[0])
            result = self.script[0] if stays else self.script.pop(0)
            if callable(result):
                result = result(request)
        if isinstance(result, Exception):
            raise result
        return evolve(result, sent=self.now, received=self.now)

    async def open(self, request: Request, *, foreign: bool = False) -> Heard:
        return Heard(await self.send(request))

    async def aside(self, work: Callable[..., Any], *arguments: Any) -> Any:
        return work(*arguments)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    async def gather(
        self, jobs: Sequence[Callable[[], Coroutine[Any, Any, Any]]], at_once: int
    ) -> list[Any]:
        results: list[Any] = []
        for job in jobs:
            try:
                results.append(block_on(job()))
            except Exception as error:
                results.append(error)
        return results

    async def settle(self, value: Any) -> Any:
        return value

    async def close(self) -> None:
        pass


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    world = World()
    monkeypatch.setattr(time, "monotonic", lambda: world.now)
    monkeypatch.setattr(time, "time", lambda: WALL + world.now)
    return world


@pytest.fixture
def flora(world: World) -> Flora:
    """A client in that world."""
    return client(world)


def client(world: World, **settings: Any) -> Flora:
    """One that repeats creates no more often than anything else: tests script every answer."""
    given = {"api_key": "sk_live_secret", "base_url": BASE, "max_retries": 2, **settings}
    flora = Flora(**given)
    flora._session = evolve(flora._session, io=world)
    return flora


@pytest.fixture
def client_with(world: World) -> Callable[..., Flora]:
    """Makes clients with settings of their own."""
    return lambda **settings: client(world, **settings)


@pytest.fixture
def arguments() -> dict[str, Any]:
    """Of a create that nothing is wrong with."""
    return {"type": "image", "prompt": "A mug", "workspace_id": "ws_1", "project_id": "prj_1"}


@pytest.fixture
def accepted() -> dict[str, Any]:
    """The answer of a create."""
    return {"run_id": "run_1", "type": "generation", "estimated_seconds": 12, "charged_cost": 0.04}


@pytest.fixture
def run() -> Callable[..., dict[str, Any]]:
    """Makes runs as the API shows them."""

    def make(status: str = "running", **more: Any) -> dict[str, Any]:
        return {"run_id": "run_1", "status": status, "progress": 10, "created_at": 0, **more}

    return make
