"""A world over HTTP: on a thread of this process, or as a process of its own."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
import time
from typing import TYPE_CHECKING, Any

import uvicorn
from world import Answer, Request

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Application:
    """An ASGI application that asks `handle`, and remembers what came."""

    def __init__(self, handle: Callable[[Request], Answer]) -> None:
        self.handle = handle
        self.came: list[Request] = []

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        request = Request(
            scope["method"],
            scope["raw_path"].decode("latin-1").partition("?")[0],
            scope["query_string"].decode("latin-1"),
            {k.decode("latin-1").lower(): v.decode("latin-1") for k, v in scope["headers"]},
            body,
        )
        self.came.append(request)
        await send_answer(self.handle(request), send, receive)


async def send_answer(answer: Answer, send: Any, receive: Any) -> None:
    """Send an answer in its manner."""
    body = answer.content
    headers = [(k.encode("latin-1"), v.encode("latin-1")) for k, v in answer.headers.items()]
    if answer.status != 204:
        headers.append((b"content-length", str(len(body)).encode()))
    if answer.manner == "hang":
        await receive()  # until the client gives up
    elif answer.manner in {"whole", "slow"}:
        if answer.manner == "slow":
            await asyncio.sleep(0.05)
        start = {"type": "http.response.start", "status": answer.status, "headers": headers}
        await send(start)
        await send({"type": "http.response.body", "body": body})
    else:
        await _break_off(answer, send)


async def _break_off(answer: Answer, send: Any) -> None:
    """What cannot be said in ASGI is written to the socket."""
    transport, body = send.__self__.transport, answer.content
    if answer.manner != "reset":
        announced = {"cut": len(body), "short": len(body) // 2, "long": len(body) + 20}
        shown = body[: len(body) // 2] if answer.manner == "cut" else body
        lines = [f"HTTP/1.1 {answer.status} OK", f"content-length: {announced[answer.manner]}"]
        lines += [f"{name}: {value}" for name, value in answer.headers.items()]
        transport.write("\r\n".join([*lines, "", ""]).encode() + shown)
        await asyncio.sleep(0.02)
    transport.abort()


@contextlib.contextmanager
def serving(application: Any) -> Iterator[str]:
    """The application on a thread; gives its origin."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    options: dict[str, Any] = {"lifespan": "off", "log_level": "critical", "proxy_headers": False}
    options["timeout_keep_alive"] = 600  # closing in between is a trait of its own
    server = uvicorn.Server(uvicorn.Config(application, host="127.0.0.1", port=port, **options))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = server.force_exit = True
    thread.join()
