"""The transport: the one module that knows the HTTP library."""

from __future__ import annotations

import asyncio
import inspect
import os
import threading
import time
import weakref
import zlib
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar

import httpx

from flora_runtime.errors import (
    APIConnectionError,
    APITimeoutError,
    DownloadError,
    FloraError,
    InvalidArgumentError,
)
from flora_runtime.exchange import MOST_BYTES, Answer, HeldBackError, Request, block_on
from flora_runtime.paths import one_line

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Mapping, Sequence
    from typing import BinaryIO

HTTPClient = httpx.Client
AsyncHTTPClient = httpx.AsyncClient

T = TypeVar("T")
C = TypeVar("C", httpx.Client, httpx.AsyncClient)

_CONNECT_SECONDS = 10.0

_GRACE = 0.05
"""Seconds by which the library's own limits come first, for they tell what was waited for."""

_NO_PLAIN_PROXY: Mapping[str, None] = {"http://": None}
"""Plain http is for this machine only. A proxy that the environment names would take it, and the
key with it, away from here in the clear."""


class BlockingIO:
    """IO for one client in any number of threads, over one pool of connections."""

    blocking = True

    def __init__(self, client: httpx.Client | None = None) -> None:
        self._client = _checked(client, httpx.Client)
        self._owned = client is None
        self._process = os.getpid()
        self._closed = False
        self._lock = threading.Lock()

    async def send(self, request: Request) -> Answer:
        client = self._pool()
        deadline = _Deadline(request.timeout)
        try:
            outgoing = _own_request(client, request, deadline, _gate(request))
            response = client.send(outgoing, stream=True, follow_redirects=False)
            body = _Body(response)
            try:
                _hear(request, response)
                for chunk in _chunks(response):
                    if not body.takes(deadline.checked(chunk)):
                        break
            finally:
                response.close()
        except _LIBRARY_ERRORS as error:
            failure = _translated(error)
        except BaseException as error:
            raise error.with_traceback(None)  # noqa: B904  the library's frames hold the key
        else:
            return deadline.answer(response, body)
        raise failure

    async def fetch(self, request: Request, into: BinaryIO, most: int) -> Answer:
        client = self._pool()
        deadline = _Deadline(request.timeout)
        outgoing = _foreign_request(request, deadline)
        try:
            response = client.send(outgoing, stream=True, auth=None, follow_redirects=False)
            try:
                if _is_plain(response):
                    for chunk in _chunks(response):
                        _write(into, deadline.checked(chunk), most)
            finally:
                response.close()
        except _LIBRARY_ERRORS as error:
            raise _translated(error) from None
        return deadline.answer(response, _Body(response))

    async def sleep(self, seconds: float) -> None:
        time.sleep(seconds)  # noqa: ASYNC251  blocking is what this IO does

    async def gather(
        self, jobs: Sequence[Callable[[], Coroutine[Any, Any, T]]], at_once: int
    ) -> list[T | Exception]:
        def attempt(job: Callable[[], Coroutine[Any, Any, T]]) -> T | Exception:
            try:
                return block_on(job())
            except Exception as error:
                return error

        with ThreadPoolExecutor(at_once) as pool:
            return list(pool.map(attempt, jobs))

    async def settle(self, value: Any) -> Any:
        if inspect.iscoroutine(value):
            value.close()
            raise InvalidArgumentError(
                "an asynchronous function was given to the blocking client;"
                " use the asynchronous client, or a plain function"
            )
        return value

    async def close(self) -> None:
        with self._lock:
            self._closed = True
            if self._client is not None and self._owned:
                self._client.close()

    def _pool(self) -> httpx.Client:
        if self._closed:
            raise FloraError("the client is closed; make a new one")
        if self._client is None or self._is_inherited():
            with self._lock:
                if self._client is None or self._is_inherited():
                    self._client, self._process = _made(httpx.Client), os.getpid()
        return self._client

    def _is_inherited(self) -> bool:
        """After a fork both processes have the same connections; over them, each would be given
        answers of the other."""
        return self._owned and self._process != os.getpid()


class AsyncIO:
    """IO for asyncio. Connections belong to a loop; each loop that uses the client has its own."""

    blocking = False

    def __init__(self, client: httpx.AsyncClient | None = None) -> None:
        self._given = _checked(client, httpx.AsyncClient)
        self._clients: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, httpx.AsyncClient]
        self._clients = weakref.WeakKeyDictionary()
        self._closed = False

    async def send(self, request: Request) -> Answer:
        client = self._pool()
        deadline = _Deadline(request.timeout)
        try:
            outgoing = _own_request(client, request, deadline, _async_gate(request))
            async with asyncio.timeout(request.timeout + _GRACE):
                response = await client.send(outgoing, stream=True, follow_redirects=False)
                body = _Body(response)
                try:
                    _hear(request, response)
                    async for chunk in _later(response):
                        if not body.takes(deadline.checked(chunk)):
                            break
                finally:
                    await response.aclose()
        except TimeoutError:
            failure: APIConnectionError = deadline.over()
        except _LIBRARY_ERRORS as error:
            failure = _translated(error)
        except BaseException as error:
            raise error.with_traceback(None)  # noqa: B904  the library's frames hold the key
        else:
            return deadline.answer(response, body)
        raise failure

    async def fetch(self, request: Request, into: BinaryIO, most: int) -> Answer:
        client = self._pool()
        deadline = _Deadline(request.timeout)
        outgoing = _foreign_request(request, deadline)
        try:
            async with asyncio.timeout(request.timeout + _GRACE):
                response = await client.send(
                    outgoing, stream=True, auth=None, follow_redirects=False
                )
                try:
                    if _is_plain(response):
                        async for chunk in _later(response):
                            await asyncio.to_thread(_write, into, deadline.checked(chunk), most)
                finally:
                    await response.aclose()
        except TimeoutError:
            raise deadline.over() from None
        except _LIBRARY_ERRORS as error:
            raise _translated(error) from None
        return deadline.answer(response, _Body(response))

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def gather(
        self, jobs: Sequence[Callable[[], Coroutine[Any, Any, T]]], at_once: int
    ) -> list[T | Exception]:
        free = asyncio.Semaphore(at_once)

        async def attempt(job: Callable[[], Coroutine[Any, Any, T]]) -> T | Exception:
            async with free:
                try:
                    return await job()
                except Exception as error:
                    return error

        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(attempt(job)) for job in jobs]
        return [task.result() for task in tasks]

    async def settle(self, value: Any) -> Any:
        if inspect.isawaitable(value):
            value = await value
        return value

    async def close(self) -> None:
        self._closed = True
        client = self._clients.pop(asyncio.get_running_loop(), None)
        if client is not None:
            await client.aclose()

    def _pool(self) -> httpx.AsyncClient:
        if self._closed:
            raise FloraError("the client is closed; make a new one")
        if self._given is not None:
            return self._given
        loop = asyncio.get_running_loop()
        client = self._clients.get(loop)
        if client is None:
            for ended in [other for other in self._clients if other.is_closed()]:
                del self._clients[ended]  # its connections keep it alive, and can close no more
            client = self._clients[loop] = _made(httpx.AsyncClient)
        return client


def _checked(client: object, kind: type[C]) -> C | None:
    if client is None or isinstance(client, kind):
        return client
    raise InvalidArgumentError(
        f"http_client must be an httpx.{kind.__name__}, not a {type(client).__name__}"
    )


def _made(kind: Callable[..., C]) -> C:
    """A client of the library, which reads the environment: proxies and certificates."""
    try:
        return kind(mounts=_NO_PLAIN_PROXY)
    except (ImportError, ValueError, OSError, httpx.InvalidURL) as error:
        problem = " ".join(str(error).split())
        raise FloraError(
            f"no connection can be made as the environment wants it: {problem}. Correct ALL_PROXY,"
            " HTTPS_PROXY, SSL_CERT_FILE or SSL_CERT_DIR, or pass http_client="
        ) from None


class _Deadline(dict[str, float]):
    """The time left of an exchange, in the form of httpx's timeouts: asked anew in every phase,
    so that connecting, sending and reading together keep to one deadline."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.sent = time.monotonic()
        self._seconds = seconds
        self._end = self.sent + seconds

    def get(self, phase: str, default: Any = None) -> Any:  # noqa: ARG002  httpx asks so
        left = max(self._end - time.monotonic(), 0.001)
        return min(left, _CONNECT_SECONDS) if phase == "connect" else left

    def checked(self, chunk: bytes) -> bytes:
        """A part of the answer, if it came in time."""
        if time.monotonic() > self._end:
            raise self.over()
        return chunk

    def over(self) -> APITimeoutError:
        """The error of an answer that did not come in time."""
        return APITimeoutError(f"the answer was not whole after {self._seconds:g} seconds.")

    def answer(self, response: httpx.Response, body: _Body) -> Answer:
        return Answer(
            status_code=response.status_code,
            headers=response.headers,
            body=b"".join(body.chunks),
            sent=self.sent,
            received=time.monotonic(),
            is_whole=body.is_whole,
        )


def _chunks(response: httpx.Response) -> Iterable[bytes]:
    """The body as it comes; whole where the given client has read, and unpacked, it already."""
    return (response.content,) if response.is_stream_consumed else response.iter_raw()


async def _later(response: httpx.Response) -> AsyncIterator[bytes]:
    """The same of an asynchronous client."""
    if response.is_stream_consumed:
        yield response.content
        return
    async for chunk in response.aiter_raw():
        yield chunk


class _Body:
    """What came of the body of an answer, as far as it is read. Only gzip is asked for, and
    unpacked no further than is kept."""

    def __init__(self, response: httpx.Response) -> None:
        packed = response.headers.get("content-encoding", "").strip().lower() == "gzip"
        packed = packed and not response.is_stream_consumed
        self._unpacked = zlib.decompressobj(wbits=31) if packed else None
        self.chunks: list[bytes] = []
        self.is_whole = True
        self._left = MOST_BYTES

    def takes(self, chunk: bytes) -> bool:
        """Keep a part of it. Whether more is wanted. Raises APIConnectionError."""
        if self._unpacked is not None:
            try:
                chunk = self._unpacked.decompress(chunk, self._left + 1)
            except zlib.error:
                raise APIConnectionError("no answer: its gzip cannot be unpacked.") from None
        self.chunks.append(chunk[: self._left])
        self._left -= len(chunk)
        self.is_whole = self._left >= 0
        return self.is_whole


def _is_plain(response: httpx.Response) -> bool:
    """Whether a file is there to be saved as it comes. Raises DownloadError if it is packed."""
    packed = response.headers.get("content-encoding", "identity").strip().lower()
    if response.is_success and packed != "identity":
        raise DownloadError("its server packs it, although it was asked not to")
    return response.is_success


def _own_request(
    client: httpx.Client | httpx.AsyncClient,
    request: Request,
    deadline: _Deadline,
    gate: Callable[[str, Any], Any],
) -> httpx.Request:
    return client.build_request(
        request.method,
        request.url,
        headers=request.headers,
        content=request.body,
        extensions={"timeout": deadline, "trace": gate},
    )


_SENDING = {f"{version}.send_request_headers.started" for version in ("http11", "http2")}


def _gate(request: Request) -> Callable[[str, Any], None]:
    """What the library calls at each step of an exchange. A request waits for a connection longer
    than it seems: for a free one, for a handshake."""

    def gate(event: str, _info: Any) -> None:
        if event in _SENDING and request.pace is not None and request.pace.lasts():
            raise HeldBackError

    return gate


def _async_gate(request: Request) -> Callable[[str, Any], Coroutine[Any, Any, None]]:
    gate = _gate(request)

    async def asynchronous(event: str, info: Any) -> None:
        gate(event, info)

    return asynchronous


def _hear(request: Request, response: httpx.Response) -> None:
    if request.pace is not None:
        request.pace.hear(response.status_code, response.headers)


def _foreign_request(request: Request, deadline: _Deadline) -> httpx.Request:
    """Not built by the client, so that none of its headers, cookies or credentials go along."""
    return httpx.Request(
        request.method,
        request.url,
        headers=request.headers,
        content=request.body,
        extensions={"timeout": deadline},
    )


_BEFORE_SENDING = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.UnsupportedProtocol,
    httpx.InvalidURL,
)

_LIBRARY_ERRORS = (httpx.HTTPError, httpx.InvalidURL, httpx.CookieConflict)


def _translated(error: Exception) -> APIConnectionError:
    """An error of the library as ours. Not to be chained: theirs hold the request, and its key."""
    name = type(error).__name__
    if isinstance(error, httpx.TimeoutException):
        ours: APIConnectionError = APITimeoutError(f"no answer in time ({name}).")
    else:
        detail = one_line(f"{name}: {error}".partition("\n")[0]).rstrip(". :")
        ours = APIConnectionError(f"no answer: {detail}.")
    ours.never_sent = isinstance(error, _BEFORE_SENDING)
    return ours


def _write(into: BinaryIO, chunk: bytes, most: int) -> None:
    if into.tell() + len(chunk) > most:
        raise DownloadError(f"larger than the limit of {most} bytes")
    into.write(chunk)
