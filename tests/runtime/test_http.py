"""The transport on real sockets: what scripted answers cannot show."""

from __future__ import annotations

import asyncio
import gc
import gzip
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import httpcore
import httpx
import httpx2
import pytest
import trio
from flora_client import (
    APIConnectionError,
    APITimeoutError,
    AsyncFlora,
    DownloadError,
    Flora,
    FloraError,
    InternalServerError,
    NotFoundError,
    ResponseDecodingError,
    Run,
    WaitTimeoutError,
)

if TYPE_CHECKING:
    from pathlib import Path

CREATE = {"type": "image", "prompt": "A mug", "workspace_id": "ws_1", "project_id": "prj_1"}
RUN = {"run_id": "run_1", "status": "completed", "progress": 100, "created_at": 0}

Handler = Callable[[str, asyncio.StreamWriter], Awaitable[None]]


def answer(data: Any, kind: str = "application/json") -> bytes:
    body = data if isinstance(data, bytes) else json.dumps(data).encode()
    head = f"HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ncontent-length: {len(body)}\r\n\r\n"
    return head.encode() + body


class Server:
    """Answers each request by a function; counts connections and keeps the heads it saw."""

    def __init__(self) -> None:
        self.connections = 0
        self.heads: list[str] = []
        self.serving: set[asyncio.Task[None]] = set()
        self.handle: Handler = self.give_run
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self._serve)
        self.ready = threading.Event()
        self.thread.start()
        self.ready.wait()
        self.url = f"http://127.0.0.1:{self.port}"

    async def give_run(self, _head: str, writer: asyncio.StreamWriter) -> None:
        writer.write(answer(RUN))

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.current_task()
        assert task is not None
        self.serving.add(task)
        try:
            while not writer.is_closing():
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                self.heads.append(head)
                await self.handle(head, writer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            self.serving.discard(task)
            writer.close()

    def _serve(self) -> None:
        async def main() -> None:
            server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
            self.port = server.sockets[0].getsockname()[1]
            self.stop = asyncio.Event()
            self.ready.set()
            await self.stop.wait()
            # A connection that was accepted and is not served yet, for its client has given up,
            # would never be closed: its transport cannot be made once the listener is closed.
            while len(asyncio.all_tasks()) > 1 + len(self.serving):  # noqa: ASYNC110  a few steps
                await asyncio.sleep(0)
            server.close()
            for task in self.serving:
                task.cancel()
            await asyncio.gather(*self.serving, return_exceptions=True)

        with asyncio.Runner(loop_factory=lambda: self.loop) as runner:
            runner.run(main())

    def close(self) -> None:
        self.loop.call_soon_threadsafe(self.stop.set)
        self.thread.join()


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.close()


@pytest.fixture
def flora(server: Server) -> Iterator[Flora]:
    with Flora(api_key="sk_live_secret", base_url=server.url, max_retries=0) as flora:
        yield flora


def test_one_client_in_many_threads_makes_one_pool(
    server: Server, flora: Flora, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[httpcore.ConnectionPool] = []

    class Slow(httpcore.ConnectionPool):
        def __init__(self, **settings: Any) -> None:
            time.sleep(0.05)
            super().__init__(**settings)
            made.append(self)

    monkeypatch.setattr("httpcore.ConnectionPool", Slow)
    with ThreadPoolExecutor(8) as pool:
        runs = list(pool.map(lambda _: flora.generations.retrieve("run_1"), range(80)))
    assert {run.run_id for run in runs} == {"run_1"}
    assert len(made) == 1
    assert server.connections <= 8
    flora.with_options(timeout=5).generations.retrieve("run_1")
    assert len(made) == 1


def test_an_asynchronous_client_is_bound_to_no_loop(server: Server) -> None:
    flora = AsyncFlora(api_key="sk", base_url=server.url)

    async def use() -> str:
        run, _ = await asyncio.gather(*(flora.generations.retrieve("run_1") for _ in range(2)))
        return run.run_id

    async def last() -> str:
        async with flora:
            return await use()

    assert asyncio.run(last_but_open(flora)) == "run_1"
    assert asyncio.run(last()) == "run_1"


async def last_but_open(flora: AsyncFlora) -> str:
    """Use a client and leave its connections to be closed with the loop."""
    run = await flora.generations.retrieve("run_1")
    for client in list(flora._session.io._clients.values()):
        await client.aclose()
    flora._session.io._clients.clear()
    return run.run_id


@pytest.mark.parametrize(
    ("whole", "dripping"),
    [
        (b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n", b" "),
        (b"HTTP/1.1 200 OK\r\n", b"x-more: yes\r\n"),
        (b"HTTP/1.1 200 OK\r\nx-long: ", b"y"),
        (b"", b"HTTP/1.1 103 Early Hints\r\n\r\n"),
        (b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\n\r\n\x1f\x8b\x08\x08", b"n"),
    ],
    ids=["body", "headers", "one header", "interim answers", "head of a gzip"],
)
def test_an_answer_that_drips_is_cut_off_in_time(
    server: Server, flora: Flora, whole: bytes, dripping: bytes
) -> None:
    async def drip(_head: str, writer: asyncio.StreamWriter) -> None:
        writer.write(whole)
        for _ in range(50):
            writer.write(dripping)
            await writer.drain()
            await asyncio.sleep(0.05)

    server.handle = drip
    began = time.monotonic()
    with pytest.raises(APITimeoutError):
        flora.generations.retrieve("run_1", timeout=0.3)
    with pytest.raises(WaitTimeoutError):
        flora.generations.wait("run_1", timeout=0.3)
    assert time.monotonic() - began < 1.5

    async def main() -> None:
        async with AsyncFlora(api_key="sk", base_url=server.url, max_retries=0) as flora:
            with pytest.raises(APITimeoutError):
                await flora.generations.retrieve("run_1", timeout=0.3)

    began = time.monotonic()
    asyncio.run(main())
    assert time.monotonic() - began < 1


@pytest.mark.parametrize(
    "damage",
    [
        b"",
        b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{",
        b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 4\r\n\r\nnope",
        b"not http at all: sk_live_secret\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nan echo: sk_live_secret\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
    ],
)
def test_a_damaged_answer_is_no_answer(server: Server, flora: Flora, damage: bytes) -> None:
    async def break_off(_head: str, writer: asyncio.StreamWriter) -> None:
        writer.write(damage)
        await writer.drain()
        writer.close()

    server.handle = break_off
    with pytest.raises(APIConnectionError) as caught:
        flora.generations.retrieve("run_1")
    error = caught.value
    assert error.__cause__ is None
    assert "sk_live" not in str(error) + repr(error.__dict__)
    assert len(str(error).splitlines()) == 1


def test_nobody_there_is_a_connection_error() -> None:
    with (
        Flora(api_key="sk", base_url="http://127.0.0.1:9", max_retries=0) as flora,
        pytest.raises(APIConnectionError, match="ConnectError"),
    ):
        flora.generations.retrieve("run_1")


def test_a_client_of_ones_own_is_used_and_left_open(server: Server) -> None:
    with httpx.Client(headers={"X-Proxy": "1"}, cookies={"session": "abc"}) as own:
        with Flora(api_key="sk_live_secret", base_url=server.url, http_client=own) as flora:
            flora.generations.retrieve("run_1")
        assert not own.is_closed
    assert "x-proxy: 1" in server.heads[0].lower()
    assert "authorization: bearer sk_live_secret" in server.heads[0].lower()


def test_files_come_without_anything_of_the_clients(server: Server, tmp_path: Path) -> None:
    async def give(_head: str, writer: asyncio.StreamWriter) -> None:
        writer.write(answer(b"\x89PNG" * 1000, "image/png"))

    server.handle = give
    run = Run.from_dict(
        {"outputs": [{"output_id": "a", "type": "imageUrl", "url": f"{server.url}/a.png"}]}
    )
    with httpx.Client(
        headers={"X-Proxy": "1", "Authorization": "Basic geheim"},
        cookies={"session": "abc"},
        auth=("user", "word"),
    ) as own:
        flora = Flora(api_key="sk_live_secret", base_url=server.url, http_client=own)
        (path,) = flora.generations.download(run, tmp_path)
        assert path.read_bytes() == b"\x89PNG" * 1000
        with pytest.raises(DownloadError, match="limit of 100 bytes"):
            flora.generations.download(run, tmp_path / "small", max_bytes=100)
        assert list((tmp_path / "small").iterdir()) == []
    for head in server.heads:
        for secret in ("authorization", "cookie", "x-proxy", "sk_live"):
            assert secret not in head.lower()

    async def main() -> None:
        async with AsyncFlora(api_key="sk_live_secret", base_url=server.url) as flora:
            (path,) = await flora.generations.download(run, tmp_path / "async")
            assert path.read_bytes() == b"\x89PNG" * 1000

    asyncio.run(main())
    assert "authorization" not in server.heads[-1].lower()


def test_a_client_of_httpx2_will_do_too(server: Server, tmp_path: Path) -> None:
    run = Run.from_dict(
        {"outputs": [{"output_id": "a", "type": "imageUrl", "url": f"{server.url}/a.png"}]}
    )

    async def give(head: str, writer: asyncio.StreamWriter) -> None:
        picture = answer(b"PNG", "image/png")
        writer.write(picture if "/a.png" in head else answer({**RUN, "more": server.url}))

    server.handle = give
    with httpx2.Client() as own, Flora(api_key="sk", base_url=server.url, http_client=own) as flora:
        assert flora.generations.retrieve("run_1").run_id == "run_1"
        assert flora.generations.download(run, tmp_path)[0].read_bytes() == b"PNG"
        with pytest.raises(APIConnectionError, match="ConnectError") as caught:
            Flora(
                api_key="sk", base_url="http://127.0.0.1:9", http_client=own, max_retries=0
            ).request("POST", "/any")
        assert not caught.value.may_have_started

    async def main() -> None:
        async with httpx2.AsyncClient() as own:
            flora = AsyncFlora(api_key="sk", base_url=server.url, http_client=own)
            assert (await flora.generations.retrieve("run_1")).run_id == "run_1"

    asyncio.run(main())


def test_the_asynchronous_client_runs_under_trio(server: Server, tmp_path: Path) -> None:
    run = Run.from_dict(
        {"outputs": [{"output_id": "a", "type": "imageUrl", "url": f"{server.url}/a.png"}]}
    )

    async def give(head: str, writer: asyncio.StreamWriter) -> None:
        if "/run_slow" in head:
            await asyncio.sleep(2)
        if head.startswith("POST"):
            writer.write(answer({"run_id": "run_1", "type": "generation", "charged_cost": 1}))
        else:
            picture = answer(b"PNG", "image/png")
            writer.write(picture if "/a.png" in head else answer(RUN))

    server.handle = give

    async def main() -> None:
        async with AsyncFlora(api_key="sk", base_url=server.url, max_retries=0) as flora:
            assert (await flora.generations.wait("run_1", timeout=5)).status == "completed"
            many = await flora.generations.create_many([CREATE] * 5, max_concurrency=2)
            assert [made.run_id for made in many] == ["run_1"] * 5
            (path,) = await flora.generations.download(run, tmp_path)
            assert path.read_bytes() == b"PNG"
            with pytest.raises(APITimeoutError):
                await flora.generations.retrieve("run_slow", timeout=0.2)
            with trio.move_on_after(0.2) as scope:
                await flora.generations.retrieve("run_slow")
            assert scope.cancelled_caught

    trio.run(main)


def test_a_copy_leaves_the_connections_open(server: Server, flora: Flora) -> None:
    with flora.with_options(timeout=5) as copy:
        copy.generations.retrieve("run_1")
    flora.generations.retrieve("run_1")
    copy.generations.retrieve("run_1")
    assert server.connections == 1

    async def main() -> None:
        async with AsyncFlora(api_key="sk", base_url=server.url) as twin:
            async with twin.with_options(timeout=5):
                pass
            await twin.generations.retrieve("run_1")

    asyncio.run(main())


FORGETFUL = """
import sys
from concurrent.futures import ThreadPoolExecutor
from flora_client import Flora
flora = Flora(api_key="sk", base_url=sys.argv[1])
with ThreadPoolExecutor(8) as pool:
    list(pool.map(lambda _: flora.generations.create(**{CREATE}), range(32)))
del flora
"""


def test_a_client_that_is_not_closed_warns_of_no_socket(server: Server) -> None:
    async def start(_head: str, writer: asyncio.StreamWriter) -> None:
        writer.write(answer({"run_id": "run_1", "type": "generation", "charged_cost": 1}))

    server.handle = start
    code = FORGETFUL.replace("{CREATE}", repr(CREATE))
    command = [sys.executable, "-X", "dev", "-c", code, server.url]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert "ResourceWarning" not in done.stderr


def test_a_rate_limit_holds_back_other_threads(server: Server) -> None:
    times: list[float] = []

    async def limit(_head: str, writer: asyncio.StreamWriter) -> None:
        times.append(time.monotonic())
        if len(times) == 1:
            writer.write(b"HTTP/1.1 429 X\r\nretry-after: 0.5\r\ncontent-length: 0\r\n\r\n")
        else:
            writer.write(answer(RUN))

    server.handle = limit
    with Flora(api_key="sk", base_url=server.url) as flora:
        first = threading.Thread(target=flora.generations.retrieve, args=("run_1",))
        first.start()
        while flora._session.shared.cool_down.left() == 0:
            time.sleep(0.005)
        flora.generations.retrieve("run_1")
        first.join()
    assert times[1] - times[0] >= 0.45


def test_cancelling_a_wait_is_prompt_and_leaves_the_run(server: Server) -> None:
    async def pending(_head: str, writer: asyncio.StreamWriter) -> None:
        writer.write(answer({**RUN, "status": "running"}))

    server.handle = pending

    async def main() -> None:
        async with AsyncFlora(api_key="sk", base_url=server.url) as flora:
            task = asyncio.create_task(flora.generations.wait("run_1"))
            await asyncio.sleep(0.2)
            task.cancel()
            with pytest.raises(asyncio.CancelledError) as caught:
                await task
            assert "generations.wait('run_1')" in caught.value.__notes__[0]

    began = time.monotonic()
    asyncio.run(main())
    assert time.monotonic() - began < 2
    gc.collect()


def test_callbacks_of_an_asynchronous_client_may_be_asynchronous(server: Server) -> None:
    seen: list[str] = []

    async def note(run: Run) -> None:
        await asyncio.sleep(0)
        seen.append(run.run_id)

    async def key() -> str:
        return "sk"

    async def main() -> None:
        async with AsyncFlora(api_key=key, base_url=server.url) as flora:
            await flora.generations.wait("run_1", on_progress=note)

    asyncio.run(main())
    assert seen == ["run_1"]


def test_an_answer_without_end_is_read_to_a_limit_only(
    server: Server, flora: Flora, monkeypatch: pytest.MonkeyPatch
) -> None:
    most = 1_000_000
    for module in ("exchange", "session"):
        monkeypatch.setattr(f"flora_runtime.{module}.MOST_BYTES", most)
    body = gzip.compress(b" " * (most + 1), 1)
    status = b"200 OK"

    async def flood(_head: str, writer: asyncio.StreamWriter) -> None:
        head = b"HTTP/1.1 %b\r\ncontent-encoding: gzip\r\ncontent-length: %d\r\n\r\n"
        writer.write(head % (status, len(body)) + body)

    server.handle = flood
    with pytest.raises(ResponseDecodingError, match="longer than 1000000 bytes") as caught:
        flora.generations.create(**CREATE)
    error = caught.value
    assert len(error.body) == most
    assert error.may_have_started
    assert error.idempotency_key is not None
    assert f"idempotency-key: {error.idempotency_key}" in server.heads[-1].lower()

    async def main() -> None:
        async with AsyncFlora(api_key="sk", base_url=server.url, max_retries=0) as twin:
            with pytest.raises(ResponseDecodingError, match="longer than 1000000 bytes"):
                await twin.request("GET", "/any")

    asyncio.run(main())
    status = b"502 Bad Gateway"
    with pytest.raises(InternalServerError):
        flora.generations.retrieve("run_1")


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("ALL_PROXY", "socks5://user:geheim@127.0.0.1:9"),
        ("HTTPS_PROXY", "gopher://user:geheim@127.0.0.1:9"),
        ("HTTPS_PROXY", "http://user:geheim@127.0.0.1:port"),
        ("SSL_CERT_FILE", "/nowhere/certificates.pem"),
    ],
)
def test_an_environment_that_cannot_be_used_is_told_with_the_remedy(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)
    with (
        Flora(api_key="sk", base_url="https://api.example") as flora,
        pytest.raises(FloraError, match="Correct ALL_PROXY") as caught,
    ):
        flora.generations.create(**CREATE)
    assert "geheim" not in str(caught.value)
    assert not caught.value.may_have_started

    async def main() -> None:
        async with AsyncFlora(api_key="sk", base_url="https://api.example") as twin:
            with pytest.raises(FloraError, match="pass http_client="):
                await twin.generations.retrieve("run_1")

    asyncio.run(main())


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "ALL_PROXY"])
def test_a_proxy_of_the_environment_is_used_but_where_it_says_not_to(
    server: Server, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    async def refuse(_head: str, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n")

    server.handle = refuse
    for name in ("HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    monkeypatch.setenv(variable, server.url)
    settings: dict[str, Any] = {"api_key": "sk_live_secret", "max_retries": 0}
    with Flora(**settings, base_url="https://127.0.0.1:9") as flora:
        with pytest.raises(APIConnectionError, match="ProxyError"):
            flora.generations.retrieve("run_1")
        (head,) = server.heads
        assert head.startswith("CONNECT 127.0.0.1:9 ")
        assert "sk_live" not in head
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        with pytest.raises(APIConnectionError, match="ConnectError"):
            flora.generations.retrieve("run_1")
    with Flora(**settings, base_url="http://127.0.0.1:9") as flora:
        monkeypatch.delenv("NO_PROXY")
        with pytest.raises(APIConnectionError, match="ConnectError"):
            flora.generations.retrieve("run_1")
    assert len(server.heads) == 1


FORKING = """
import os, sys
from flora_client import Flora
with Flora(api_key="sk", base_url=sys.argv[1], max_retries=0) as flora:
    flora.generations.retrieve("run_1")
    child = os.fork()
    flora.generations.retrieve("run_1")
    if child:
        assert os.waitpid(child, 0)[1] == 0
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_process_and_its_fork_share_no_connection(server: Server) -> None:
    command = [sys.executable, "-W", "ignore", "-c", FORKING, server.url]
    subprocess.run(command, check=True, timeout=60)
    assert server.connections == 2
    assert len(server.heads) == 3


def test_an_answer_can_be_read_as_it_comes(server: Server, flora: Flora) -> None:
    go_on = asyncio.Event()
    packed = gzip.compress(b"first" + b"x" * 5_000_000)

    async def handle(head: str, writer: asyncio.StreamWriter) -> None:
        if "/no" in head:
            writer.write(answer({"error": {"code": "not_found"}}).replace(b"200", b"404"))
        elif "/packed" in head:
            length = b"content-encoding: gzip\r\ncontent-length: %d\r\n\r\n" % len(packed)
            writer.write(b"HTTP/1.1 200 OK\r\n" + length + packed)
        else:
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nfirst")
            await go_on.wait()
            writer.write(b" last")

    server.handle = handle
    with flora.stream("GET", "/slow", params={"a": 1}, timeout=5) as response:
        assert (response.status_code, response.headers["content-length"]) == (200, "10")
        pieces = response.iter_bytes()
        assert next(pieces) == b"first"
        server.loop.call_soon_threadsafe(go_on.set)
        assert list(pieces) == [b" last"]
    with flora.stream("GET", "/packed") as response:
        pieces = list(response.iter_bytes())
        assert max(map(len, pieces)) <= 2**20
        assert b"".join(pieces) == gzip.decompress(packed)
    assert server.connections == 1
    with flora.stream("GET", "/packed") as response:
        next(response.iter_bytes())  # and no more
    with pytest.raises(NotFoundError), flora.stream("GET", "/no"):
        pytest.fail("an error is raised, not streamed")
    server.loop.call_soon_threadsafe(go_on.clear)
    with pytest.raises(APITimeoutError), flora.stream("GET", "/slow", timeout=0.2) as response:
        list(response.iter_bytes())
    server.loop.call_soon_threadsafe(go_on.set)

    async def main() -> None:
        async with (
            AsyncFlora(api_key="sk", base_url=server.url) as twin,
            twin.stream("GET", "/packed") as response,
        ):
            read = [piece async for piece in response.iter_bytes()]
            assert b"".join(read) == gzip.decompress(packed)

    asyncio.run(main())
    trio.run(main)
