"""Whatever ends a call after its create was sent leaves key and run behind."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from typing import Any

import pytest
from flora_client import (
    APITimeoutError,
    AsyncFlora,
    AuthenticationError,
    Flora,
    FloraError,
    InvalidArgumentError,
    NotFoundError,
)

from .bodies import ACCEPTED, CREATE, RUN
from .conftest import KEY
from .fake import FakeFlora, refusal
from .server import Reply, Seen, Server

SCRIPT = """
import sys
from flora_client import Flora
with Flora(journal=sys.argv[1], max_retries=0) as flora:
    flora.generations.create(
        type="image", prompt="A mug", workspace_id="ws_1", project_id="prj_1", idempotency_key="k"
    )
"""


def test_a_process_that_is_killed_leaves_its_run_to_the_next(tmp_path):
    flora = FakeFlora()
    arrived: list[Seen] = []

    def handler(seen: Seen) -> Reply:
        reply = flora(seen)
        if seen.method == "POST" and not arrived:
            arrived.append(seen)
            os.kill(process.pid, signal.SIGKILL)
        return reply

    journal = str(tmp_path / "journal")
    with Server(handler) as server:
        environment = {**os.environ, "FLORA_API_KEY": KEY, "FLORA_BASE_URL": server.base_url}
        process = subprocess.Popen([sys.executable, "-c", SCRIPT, journal], env=environment)
        assert process.wait(30) == -signal.SIGKILL
        with Flora(api_key=KEY, base_url=server.base_url, journal=journal) as client:
            again = {"prompt": "A mug", "idempotency_key": "k"}
            assert client.generations.create(**{**CREATE, **again}).run_id == "run_000000"
            assert client.generations.resume("k").run_id == "run_000000"
    assert len(flora.runs) == 1
    assert (tmp_path / "journal").stat().st_mode & 0o077 == 0


def never(_: Seen) -> Any:
    return asyncio.sleep(60)


@pytest.mark.parametrize("how", ["timeout", "cancel"])
def test_a_create_that_is_cancelled_names_its_key(serve, how):
    server = serve(never)

    async def main() -> Any:
        async with AsyncFlora(api_key=KEY, base_url=server.base_url) as flora:
            task = asyncio.ensure_future(flora.generations.create(**CREATE))
            try:
                if how == "timeout":
                    async with asyncio.timeout(0.5):
                        await task
                else:
                    await asyncio.sleep(0.5)
                    task.cancel()
                    await task
            except TimeoutError as error:
                return error.__cause__
            except asyncio.CancelledError as error:
                return error

    error = asyncio.run(main())
    assert error.idempotency_key == server.seen[0].headers["idempotency-key"]
    assert any(error.idempotency_key in note for note in error.__notes__)


@pytest.mark.parametrize(("status", "kind"), [(401, AuthenticationError), (404, NotFoundError)])
def test_what_ends_a_wait_names_key_and_run(connect, serve, naps, status, kind):
    server = serve(Reply(201, ACCEPTED), refusal(status, "x"))
    with pytest.raises(kind) as caught:
        connect(server).generations.create_and_wait(**CREATE)
    assert caught.value.run_id == "run_1"
    assert caught.value.idempotency_key == server.seen[0].headers["idempotency-key"]


async def asynchronous(_: Any) -> None: ...


@pytest.mark.parametrize(
    "wrong",
    [
        {"timeout": "300"},
        {"timeout": float("nan")},
        {"timeout": float("inf")},
        {"on_started": "print"},
        {"on_progress": 7},
        {"on_started": asynchronous},
        {"on_progress": asynchronous},
    ],
)
def test_nothing_is_refused_after_it_was_paid_for(connect, serve, naps, wrong):
    server = serve(Reply(201, ACCEPTED), Reply(200, RUN))
    flora = connect(server)
    if asynchronous in wrong.values() and not isinstance(flora, Flora):
        assert flora.generations.create_and_wait(**CREATE, **wrong).run_id == "run_1"
        return
    with pytest.raises(InvalidArgumentError, match=next(iter(wrong))):
        flora.generations.create_and_wait(**CREATE, **wrong)
    assert server.seen == []


def test_an_id_of_a_new_shape_is_no_reason_to_lose_its_run(connect, serve, naps):
    server = serve(
        Reply(201, {**ACCEPTED, "run_id": "gen-1"}), Reply(200, {**RUN, "run_id": "gen-1"})
    )
    flora = connect(server)
    assert flora.generations.create_and_wait(**CREATE).run_id == "gen-1"
    assert flora.generations.retrieve("gen-1").run_id == "gen-1"
    with pytest.raises(InvalidArgumentError):
        flora.generations.retrieve("gen-2")


def test_many_tell_each_result_as_it_is_there(connect, serve):
    told: dict[int, Any] = {}

    def on_result(number: int, result: Any) -> None:
        told[number] = result
        raise ValueError("a listener that fails")

    flora = connect(serve(Reply(201, ACCEPTED)))
    requests = [CREATE, {**CREATE, "prompt": ""}]
    results = flora.generations.create_many(requests, on_result=on_result)
    assert [told[0], told[1]] == results
    assert isinstance(results[1], FloraError)
    with pytest.raises(InvalidArgumentError, match="on_result"):
        flora.generations.create_many(requests, on_result=7)


class Dripping(asyncio.Protocol):
    """Sends an answer that never ends, a little at a time."""

    first, more = b"HTTP/1.1 200 OK\r\n", b"x-more: 1\r\n"

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        transport.write(self.first)
        asyncio.get_running_loop().call_later(0.1, self.drip)

    def drip(self) -> None:
        if not self.transport.is_closing():
            self.transport.write(self.more)
            asyncio.get_running_loop().call_later(0.1, self.drip)


class Continuing(Dripping):
    first = more = b"HTTP/1.1 103 Early Hints\r\n\r\n"


@pytest.mark.parametrize("kind", [Dripping, Continuing])
def test_an_attempt_has_an_end_whatever_drips(kind):
    async def main() -> float:
        loop = asyncio.get_running_loop()
        async with await loop.create_server(kind, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            flora = AsyncFlora(api_key=KEY, base_url=f"http://127.0.0.1:{port}", max_retries=0)
            began = time.monotonic()
            with pytest.raises(APITimeoutError):
                await flora.generations.retrieve("run_1", timeout=0.5)
            await flora.close()
            return time.monotonic() - began

    assert asyncio.run(main()) < 2
