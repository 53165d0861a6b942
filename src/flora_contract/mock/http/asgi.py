"""The mock as an ASGI application, for servers and test clients that speak ASGI."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Unpack

from flora_contract.mock.application import Application, MockSettings, Options, opened
from flora_contract.mock.http.messages import (
    MAX_BODY,
    PIECES,
    HTTPRequest,
    HTTPResponse,
    Rejection,
    content_headers,
    fields_of,
    pieces_of,
    too_large,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    Receive = Callable[[], Awaitable[dict[str, Any]]]
    Send = Callable[[dict[str, Any]], Awaitable[None]]
    ASGI = Callable[[dict[str, Any], Receive, Send], Awaitable[None]]


def create_app(**options: Unpack[Options]) -> ASGI:
    """An ASGI application with a state of its own; the arguments are those of `MockSettings`.

    A fault that drops the connection raises ConnectionAbortedError: ASGI has no other way.
    """
    settings = MockSettings(**options)
    application = None if settings.waits else Application(settings)
    opening = asyncio.Lock()

    async def app(scope: dict[str, Any], receive: Receive, send: Send) -> None:
        nonlocal application
        async with opening:
            application = application or await opened(settings)
        if scope["type"] == "lifespan":
            await _live(application, receive, send)
        elif scope["type"] == "http":
            await _answer(application, scope, receive, send)

    return app


async def _live(application: Application, receive: Receive, send: Send) -> None:
    while True:
        kind = (await receive())["type"]
        if kind == "lifespan.shutdown":
            await application.end()
        await send({"type": f"{kind}.complete"})
        if kind == "lifespan.shutdown":
            return


async def _answer(
    application: Application, scope: dict[str, Any], receive: Receive, send: Send
) -> None:
    try:
        body = await _body(receive)
    except Rejection as rejection:
        response = application.reject(rejection)
    else:
        if body is None:
            return
        response = await application.done(application.answer, _request(scope, body))
    if response.delay:
        await asyncio.sleep(response.delay)
    if response.hang_up:
        raise ConnectionAbortedError("the fault that was asked for")
    await _send(response, send, head=scope["method"] == "HEAD")


async def _body(receive: Receive) -> bytes | None:
    """The body of a request, or None if the client went away. Raises Rejection 413."""
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        body += message.get("body", b"")
        if len(body) > MAX_BODY:
            raise too_large()
        if not message.get("more_body"):
            return bytes(body)


def _request(scope: dict[str, Any], body: bytes) -> HTTPRequest:
    query = scope["query_string"].decode("latin-1")
    path = scope.get("raw_path") or scope["path"].encode()
    target = path.decode("latin-1").partition("?")[0]
    fields = fields_of(scope["headers"])
    host = fields.get(b"host")
    return HTTPRequest(
        scope["method"],
        f"{target}?{query}" if query else target,
        fields,
        body,
        client=(scope.get("client") or ("",))[0],
        host=host.decode("latin-1") if host else "127.0.0.1",
        scheme=scope.get("scheme", "http"),
    )


async def _send(response: HTTPResponse, send: Send, *, head: bool) -> None:
    headers = [
        (name.encode(), value.encode("latin-1"))
        for name, value in (*content_headers(response), *response.headers)
    ]
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    body = b"" if head else response.body[: response.cut]
    for piece in pieces_of(body) if response.drip else ():
        await send({"type": "http.response.body", "body": piece, "more_body": True})
        await asyncio.sleep(response.drip / PIECES)
    await send({"type": "http.response.body", "body": b"" if response.drip else body})
    if response.cut is not None:
        raise ConnectionAbortedError("the fault that was asked for")
