"""Processes and sockets: run an application until it is told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import multiprocessing
import multiprocessing.connection
import shutil
import signal
import socket
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flora_contract.errors import InputError
from flora_contract.mock.application import opened
from flora_contract.mock.http.protocol import Acceptor, Connection

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.context import SpawnProcess

    from flora_contract.mock.application import Application, MockSettings
    from flora_contract.mock.http.messages import HTTPRequest, HTTPResponse
    from flora_contract.mock.http.protocol import Limits


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes a free one. Raises InputError when it is taken."""
    try:
        family, _, _, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, socket.SOCK_STREAM)
        if sys.platform != "win32":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(1024)
    except (OSError, OverflowError) as error:
        detail = getattr(error, "strerror", None) or str(error)
        raise InputError(
            f"cannot listen on {host}:{port}: {detail}; name another with --host or --port"
        ) from None
    listener.setblocking(False)
    return listener


def origin_of(listener: socket.socket) -> str:
    """What a client calls the server: `http://127.0.0.1:4010`."""
    host, port = listener.getsockname()[:2]
    if host in {"0.0.0.0", "::"}:  # noqa: S104 - compared, not bound
        host = "127.0.0.1"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


async def serve(
    application: Application,
    listener: socket.socket,
    *,
    log: Callable[[HTTPRequest, HTTPResponse, float], None] | None = None,
    limits: Limits | None = None,
    stop: asyncio.Event,
) -> None:
    """Answer on a socket until `stop` is set; what was asked before that is still answered."""
    loop = asyncio.get_running_loop()
    acceptor = Acceptor(application, log, limits)
    ticking: asyncio.Task[None] | None = None
    server = await loop.create_server(lambda: Connection(acceptor), sock=listener)
    while not stop.is_set():
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), 1.0)
        acceptor.tick()
        if ticking is None or ticking.done():
            ticking = loop.create_task(application.tick())
    server.close()
    for connection in list(acceptor.connections):
        connection.shut_down()
    deadline = time.monotonic() + 3
    while acceptor.connections and time.monotonic() < deadline:  # noqa: ASYNC110 - at the end, once
        await asyncio.sleep(0.01)


def run(
    settings: MockSettings,
    listener: socket.socket,
    *,
    log_requests: bool = False,
    greeting: str = "",
    siblings: Path | None = None,
) -> None:
    """Serve in this process until SIGINT or SIGTERM; the greeting is said once all is ready."""
    log = log_line if log_requests else None

    async def main() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for signal_number in (signal.SIGINT, signal.SIGTERM):
            with contextlib.suppress(NotImplementedError):  # Windows has no handlers in loops
                loop.add_signal_handler(signal_number, stop.set)
        parent = multiprocessing.parent_process()
        if parent is not None:  # a worker does not outlive what would replace it
            loop.add_reader(parent.sentinel, stop.set)
        application = await opened(settings, siblings)
        tune_garbage_collection()
        greet(greeting)
        try:
            await serve(application, listener, log=log, stop=stop)
        finally:
            await application.end()

    with contextlib.suppress(KeyboardInterrupt):
        run_loop(main())


async def make(settings: MockSettings) -> None:
    """Make the state that workers are to share, or say why not."""
    (await opened(settings)).close()


def tune_garbage_collection() -> None:
    """Collect young garbage only, in a process that does nothing but serve.

    Entities refer to nothing that refers to them, so that a full collection finds nothing, and
    stops the server while it walks all there are: 0.1 s at 300,000.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 1_000_000)


def run_workers(
    settings: MockSettings,
    listener: socket.socket,
    number: int,
    *,
    log_requests: bool = False,
    greeting: str = "",
) -> None:
    """Serve in several processes that share a socket and the state; one that dies is replaced."""
    asyncio.run(make(replace(settings, self_check=False)))
    greet(greeting)
    siblings = Path(tempfile.mkdtemp(prefix="flora-mock-")) if sys.platform != "win32" else None
    spawn = multiprocessing.get_context("spawn")
    stopping = False

    def start() -> SpawnProcess:
        worker = spawn.Process(
            target=run,
            args=(settings, listener),
            kwargs={"log_requests": log_requests, "siblings": siblings},
        )
        worker.start()
        return worker

    def stop(*_: Any) -> None:
        nonlocal stopping
        stopping = True

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    workers = [start() for _ in range(number)]
    while not stopping:
        multiprocessing.connection.wait([worker.sentinel for worker in workers], timeout=0.2)
        workers = [worker if stopping or worker.is_alive() else start() for worker in workers]
    for worker in workers:
        worker.terminate()
    for worker in workers:
        worker.join()
    if siblings is not None:
        shutil.rmtree(siblings, ignore_errors=True)


def run_loop(main: Any) -> None:
    """Run on uvloop where there is one."""
    try:
        import uvloop
    except ImportError:
        asyncio.run(main)
    else:
        uvloop.run(main)


def greet(greeting: str) -> None:
    if greeting:
        print(greeting, file=sys.stderr, flush=True)


def log_line(request: HTTPRequest, response: HTTPResponse, seconds: float) -> None:
    request_id = dict(response.headers).get("request-id", "")
    line = f"{request.method} {request.path} {response.status} {seconds * 1000:.1f} ms {request_id}"
    print(line.encode("ascii", "backslashreplace").decode(), file=sys.stderr, flush=True)
