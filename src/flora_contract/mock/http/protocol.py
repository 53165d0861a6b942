"""HTTP/1.1 on a socket, as thin as it gets: bytes in, `Application.answer`, bytes out."""

from __future__ import annotations

import asyncio
import re
import time
from collections import deque
from dataclasses import dataclass
from email.utils import formatdate
from functools import partial
from typing import TYPE_CHECKING, Any, Final, cast

import httptools

from flora_contract.mock.http.messages import (
    MAX_BODY,
    PIECES,
    HTTPRequest,
    HTTPResponse,
    Rejection,
    content_headers,
    fields_of,
    pieces_of,
    reason,
    too_large,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from flora_contract.mock.application import Application

Asked = tuple[HTTPRequest, str]
"""A request, and what its answer says of the connection."""

SMALL_HEAD: Final = 4096

_HOST = re.compile(rb"(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]*)?\Z")
_ABSOLUTE = re.compile(rb"https?://([^/?#]+)([^#]*)", re.IGNORECASE)


@dataclass(frozen=True)
class Limits:
    """Bytes of a request's head, seconds for one request, seconds between two."""

    head: int = 65_536
    request_seconds: float = 30.0
    idle_seconds: float = 75.0
    linger_seconds: float = 2.0


class Acceptor:
    """What the connections of one listening socket share."""

    def __init__(
        self, application: Application, log: Any = None, limits: Limits | None = None
    ) -> None:
        self.application = application
        self.answer: Callable[[HTTPRequest], Any] = application.answer
        if application.settings.waits:
            self.answer = partial(application.begin, application.answer)
        self.log = log
        self.limits = limits or Limits()
        self.connections: set[Connection] = set()
        self.now = 0.0
        self._second = 0
        self._date = ""
        self.tick()

    @property
    def date(self) -> str:
        """By the mock's clock, as the times of entities are: a client may hold the two together."""
        second = self.application.store.now() // 1000
        if second != self._second:
            self._second, self._date = second, formatdate(second, usegmt=True)
        return self._date

    def tick(self) -> None:
        """Once a second: close what has waited too long."""
        self.now = time.monotonic()
        for connection in [c for c in self.connections if c.deadline < self.now]:
            connection.expire()


class Connection(asyncio.Protocol):
    """One client's connection. Requests are answered in order, one at a time."""

    def __init__(self, acceptor: Acceptor) -> None:
        self.acceptor = acceptor
        self.deadline = float("inf")
        self._queue: deque[Asked] = deque()
        self._rejection: Rejection | None = None
        self._busy = False  # an answer is being held back
        self._full = False  # the client does not read what was written
        self._paused = False
        self._closing = False  # nothing more is read as a request
        self._ending = False  # nothing more comes: close when all is answered
        self._in_request = False
        self._head_done = True
        self._overhead = 0  # bytes of the request that came since it began, without its body
        self._head_size = 0  # at most
        self._body_size = 0

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is not a subclass of it
        self._parser = httptools.HttpRequestParser(self)
        peer = transport.get_extra_info("peername")
        self._client = str(peer[0]) if isinstance(peer, tuple) else ""
        self.deadline = self.acceptor.now + self.acceptor.limits.idle_seconds
        self.acceptor.connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the interface's
        self._closing = True
        self._queue.clear()
        self.acceptor.connections.discard(self)

    def data_received(self, data: bytes) -> None:
        if self._closing:
            return
        self._overhead += len(data)
        self._head_size = max(self._overhead, len(data))
        try:
            self._feed(data)
        except httptools.HttpParserError as error:
            if not self._closing:
                self._reject(Rejection(400, f"Malformed HTTP: {error}."))
        # Beside the body there are the head, what frames each chunk of the body, and trailers.
        if self._in_request and self._overhead > self.acceptor.limits.head + 8 * self._body_size:
            self._reject(head_too_large())
        self._drain()

    def _feed(self, data: bytes) -> None:
        """Let the parser see what came, and the rest of a request that offers an upgrade."""
        rest = memoryview(data)
        while rest:
            try:
                self._parser.feed_data(rest)
            except httptools.HttpParserUpgrade as offer:
                if self._parser.get_method() == b"CONNECT":
                    self._closing = True  # it is answered, and that is all
                    return
                rest = rest[offer.args[0] :]
                self._start_again()
            else:
                return

    def _start_again(self) -> None:
        """The request as if no other protocol had been offered: the parser has passed its body."""
        method, version = self._parser.get_method(), self._parser.get_http_version().encode()
        head = [b"%b %b HTTP/%b\r\n" % (method, self._url, version)]
        head += [b"%b: %b\r\n" % field for field in self._headers if field[0] != b"upgrade"]
        self._parser = httptools.HttpRequestParser(self)
        self._parser.feed_data(b"".join([*head, b"\r\n"]))

    def eof_received(self) -> bool:
        if self._in_request and not self._closing:
            self._reject(Rejection(400, "The request is cut off."))
        self._closing = self._ending = True
        self._drain()
        return True

    def pause_writing(self) -> None:
        self._full = True

    def resume_writing(self) -> None:
        self._full = False
        self._drain()

    # httptools callbacks

    def on_message_begin(self) -> None:
        self._in_request = True
        self._overhead = 0  # what came with the request before it is not counted
        self._head_done = False
        self._url = b""
        self._headers: list[tuple[bytes, bytes]] = []
        self._body: list[bytes] = []
        self._body_size = 0
        self.deadline = self.acceptor.now + self.acceptor.limits.request_seconds

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._head_done:  # what follows a chunked body is no header we read
            self._headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        if self._parser.should_upgrade() and self._parser.get_method() != b"CONNECT":
            return  # it comes again without the offer
        self._head_done = True
        if self._parser.get_http_version() not in {"1.0", "1.1"}:
            self._reject(Rejection(400, "Malformed HTTP: only HTTP/1.0 and 1.1 are spoken here."))
        if self._head_size > self.acceptor.limits.head:  # what came at once may be a body, too
            lines = sum(len(name) + len(value) + 4 for name, value in self._headers)
            if len(self._url) + lines > self.acceptor.limits.head:
                self._reject(head_too_large())
        self._fields = fields_of(self._headers)
        if int(self._fields.get(b"content-length", 0)) > MAX_BODY:
            self._reject(too_large())
        elif self._fields.get(b"expect", b"").lower() == b"100-continue" and not self._queue:
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, body: bytes) -> None:
        self._overhead -= len(body)
        self._body_size += len(body)
        if self._body_size <= MAX_BODY:
            self._body.append(body)
        elif self._rejection is None:
            self._reject(too_large())

    def on_message_complete(self) -> None:
        if self._closing or not self._head_done:
            return
        self._in_request = False
        old = self._parser.get_http_version() == "1.0"
        connection = "keep-alive" if old else ""
        if not self._parser.should_keep_alive() or self._parser.should_upgrade():
            connection = "close"
            self._closing = True
        target, host = self._asked()
        # Several are joined by a comma, which no valid one has.
        if not (old if host is None else _HOST.match(host)):
            self._reject(Rejection(400, "Exactly one valid Host is needed."))
            return
        request = HTTPRequest(
            self._parser.get_method().decode("latin-1"),
            target.decode("latin-1"),
            self._fields,
            b"".join(self._body),
            client=self._client,
            host=host.decode("latin-1") if host else self._address(),
            # What came at once may be many requests: then it is counted.
            head=self._head_size if self._head_size < SMALL_HEAD else 0,
        )
        self._queue.append((request, connection))

    def _asked(self) -> tuple[bytes, bytes | None]:
        """The target, and the host; one in the target, as for a proxy, wins (RFC 9112, 3.2.2)."""
        absolute = None if self._url.startswith(b"/") else _ABSOLUTE.match(self._url)
        if absolute is None:
            return self._url, self._fields.get(b"host")
        host, target = absolute.groups()
        return target if target.startswith(b"/") else b"/" + target, host

    # Answering

    def expire(self) -> None:
        """The deadline has passed: answer half a request, close an idle connection."""
        if self._in_request and not self._closing:
            self._reject(Rejection(408, "The request took too long."))
            self._drain()
        elif not self._busy:
            self._transport.close()

    def shut_down(self) -> None:
        """Finish what was asked, then close."""
        self._closing = self._ending = True
        self._drain()

    def _reject(self, rejection: Rejection) -> None:
        """Answer what cannot be read, after the requests before it, and read no more."""
        self._closing = True
        self._in_request = False
        self._rejection = rejection

    def _drain(self) -> None:
        while self._queue and not self._busy and not self._full:
            asked, started = self._queue.popleft(), time.perf_counter()
            answer = self.acceptor.answer(asked[0])
            if isinstance(answer, HTTPResponse):
                self._finish(asked, started, answer)
            else:
                self._busy = True
                answer.add_done_callback(partial(self._go_on, asked, started))
        if self._rejection is not None and not self._queue and not self._busy:
            response = self.acceptor.application.reject(self._rejection)
            self._rejection = None
            self._send("", response, "close")
        if self._ending and not self._queue and not self._busy:
            self._transport.close()
        if self._transport.is_closing():
            return
        held = self._full or (self._busy and bool(self._queue))
        if held != self._paused:
            self._paused = held
            (self._transport.pause_reading if held else self._transport.resume_reading)()

    def _go_on(self, asked: Asked, started: float, answer: asyncio.Future[HTTPResponse]) -> None:
        self._busy = False
        if not self._transport.is_closing():
            self._finish(asked, started, answer.result())
            self._drain()

    def _finish(self, asked: Asked, started: float, response: HTTPResponse) -> None:
        if self.acceptor.log is not None:
            self.acceptor.log(asked[0], response, time.perf_counter() - started)
        if response.delay:
            self._busy = True
            loop = asyncio.get_running_loop()
            loop.call_later(response.delay, self._resume, asked, response)
        else:
            self._send(asked[0].method, response, asked[1])

    def _resume(self, asked: Asked, response: HTTPResponse) -> None:
        self._busy = False
        if not self._transport.is_closing():
            self._send(asked[0].method, response, asked[1])
            self._drain()

    def _send(self, method: str, response: HTTPResponse, connection: str) -> None:
        self.deadline = self.acceptor.now + self.acceptor.limits.idle_seconds
        if response.hang_up:
            self._transport.close()
            return
        head = f"HTTP/1.1 {response.status} {reason(response.status)}\r\n"
        for name, value in content_headers(response) + response.headers:
            head += f"{name}: {value}\r\n"
        if connection:
            head += f"connection: {connection}\r\n"
        body = b"" if method == "HEAD" else response.body[: response.cut]
        head += f"date: {self.acceptor.date}\r\n\r\n"
        if response.drip:
            self._busy = True
            self._transport.write(head.encode("latin-1"))
            self._drip(pieces_of(body), response, connection)
            return
        self._transport.write(head.encode("latin-1") + body)
        self._sent(response, connection)

    def _drip(self, pieces: list[bytes], response: HTTPResponse, connection: str) -> None:
        if pieces and not self._transport.is_closing():
            self._transport.write(pieces[0])
            pause = response.drip / PIECES
            loop = asyncio.get_running_loop()
            loop.call_later(pause, self._drip, pieces[1:], response, connection)
            return
        self._busy = False
        if not self._transport.is_closing():
            self._sent(response, connection)
            self._drain()

    def _sent(self, response: HTTPResponse, connection: str) -> None:
        if response.cut is not None:
            self._transport.close()
        elif connection == "close":
            self._linger()

    def _linger(self) -> None:
        """Close, but not before the client could read the answer (RFC 9112, 9.6)."""
        self._closing = True
        self._queue.clear()
        self.deadline = self.acceptor.now + self.acceptor.limits.linger_seconds
        self._transport.write_eof()

    def _address(self) -> str:
        name = self._transport.get_extra_info("sockname")
        return f"{name[0]}:{name[1]}"


def head_too_large() -> Rejection:
    return Rejection(431, "The head of the request is too large.", "header_too_large")
