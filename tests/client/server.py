"""A server over real sockets. A test decides each of its answers, and each of its faults."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import threading
from collections.abc import Awaitable, Callable, Mapping
from email.utils import formatdate
from typing import Any, Literal, Self
from urllib.parse import parse_qs, urlsplit

from attrs import field, frozen


@frozen
class Seen:
    """A request as it came."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


@frozen
class Reply:
    """An answer, and what becomes of it on its way."""

    status: int = 200
    body: Any = field(default=b"", converter=lambda b: b if isinstance(b, bytes) else _encoded(b))
    headers: Mapping[str, str] = field(factory=dict)
    delay: float = 0.0
    fault: Literal["close", "reset", "truncate"] | None = None
    """Closed or reset before the first byte; or closed in the middle of the body."""


def _encoded(body: Any) -> bytes:
    return body.encode() if isinstance(body, str) else json.dumps(body).encode()


Handler = Callable[[Seen], Reply | Awaitable[Reply]]


class Server:
    """Listens on loopback, in a thread and a loop of its own. Handlers run in that thread."""

    def __init__(self, handler: Handler) -> None:
        self.handler = handler
        self.seen: list[Seen] = []
        self.connections = 0
        self.most_at_once = self._at_once = 0
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._main()), daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    @property
    def base_url(self) -> str:
        return f"{self.url}/api/v1"

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    async def _main(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        listener = await asyncio.start_server(self._connection, "127.0.0.1", 0)
        self._port = listener.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stop.wait()
        # A connection that was accepted and is not served yet, for its client has given up, would
        # never be closed: its transport cannot be made once the listener is closed.
        while len(asyncio.all_tasks()) > 1 + len(self._tasks):  # noqa: ASYNC110  a few steps
            await asyncio.sleep(0)
        listener.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        try:
            while await self._exchange(reader, writer):
                pass
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            self._tasks.discard(task)
            writer.transport.abort()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """One request and its answer. Returns whether the connection is still good."""
        seen = await _request(reader)
        self.seen.append(seen)
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            answer = self.handler(seen)
            reply = answer if isinstance(answer, Reply) else await answer
            if reply.delay:
                await asyncio.sleep(reply.delay)
        finally:
            self._at_once -= 1
        if reply.fault == "reset":
            linger_no_time = struct.pack("ii", 1, 0)
            writer.get_extra_info("socket").setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, linger_no_time
            )
            return False
        if reply.fault == "close":
            writer.close()
            return False
        headers = {
            "content-type": "application/json",
            "date": formatdate(usegmt=True),
            "content-length": str(len(reply.body)),
            **reply.headers,
        }
        head = f"HTTP/1.1 {reply.status} Whatever\r\n"
        head += "".join(f"{name}: {value}\r\n" for name, value in headers.items()) + "\r\n"
        writer.write(head.encode("latin-1"))
        whole = reply.fault is None
        writer.write(reply.body if whole else reply.body[: len(reply.body) // 2])
        await writer.drain()
        if not whole:
            writer.close()
            await writer.wait_closed()
        return whole


async def _request(reader: asyncio.StreamReader) -> Seen:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    method, target, _ = head[0].split(" ", 2)
    headers = {
        name.lower(): value.strip()
        for name, _, value in (line.partition(":") for line in head[1:] if line)
    }
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    parts = urlsplit(target)
    query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    return Seen(method, parts.path, query, headers, body)
