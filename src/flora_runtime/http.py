"""The transport: the one module that knows the HTTP library."""

from __future__ import annotations

import contextlib
import inspect
import os
import sys
import threading
import time
import weakref
from typing import TYPE_CHECKING, Any, TypeVar, cast
from urllib.request import getproxies, proxy_bypass

import anyio
import httpcore
import httpx

from flora_runtime.errors import (
    APIConnectionError,
    APITimeoutError,
    FloraError,
    InvalidArgumentError,
)
from flora_runtime.exchange import Opened, block_on
from flora_runtime.paths import one_line
from flora_runtime.streams import Backend, Deadline, begin

if TYPE_CHECKING:
    from collections.abc import (
        AsyncIterator,
        Callable,
        Coroutine,
        Iterator,
        Mapping,
        Sequence,
    )
    from contextlib import AbstractContextManager

    from flora_runtime.exchange import Request

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

_LIBRARIES = {"httpx", "httpx2", "httpcore", "httpcore2"}
"""httpx2 is httpx as others keep it up: a client of either may be given."""


class _IO:
    """What both kinds have in common."""

    blocking: bool
    _closed = False

    async def open(self, request: Request, *, foreign: bool = False) -> Opened:
        if self._closed:
            raise FloraError("the client is closed; make a new one")
        deadline = Deadline(request.timeout, request.pace)
        try:
            with self.within(deadline):
                response = await self._sent(request, deadline, foreign=foreign)
        except BaseException as error:
            failure = _translated(error, deadline)
        else:
            if request.pace is not None:
                request.pace.observe(response.status_code, response.headers)
            return _Opened(response, deadline, self)
        raise failure

    def within(self, deadline: Deadline) -> AbstractContextManager[object]:
        """Raises TimeoutError where what is done in it takes longer, and can be cut off."""
        raise NotImplementedError

    async def _sent(self, request: Request, deadline: Deadline, *, foreign: bool) -> httpx.Response:
        """The answer as it begins."""
        raise NotImplementedError


class _Opened(Opened):
    """An answer of the HTTP library."""

    def __init__(self, response: httpx.Response, deadline: Deadline, io: _IO) -> None:
        headers = response.headers
        packed = headers.get("content-encoding", "").strip().lower() == "gzip"
        packed = packed and not response.is_stream_consumed
        super().__init__(response.status_code, headers, deadline.sent, packed=packed)
        self._response, self._deadline, self._io = response, deadline, io
        self._parts = _parts(response, blocking=io.blocking)

    async def part(self) -> bytes | None:
        try:
            with self._io.within(self._deadline):
                part = await anext(self._parts, None)
        except BaseException as error:
            failure = _translated(error, self._deadline)
        else:
            if part is None or not self._deadline.is_over():
                return part
            failure = _translated(TimeoutError(), self._deadline)
        raise failure

    async def close(self) -> None:
        with contextlib.suppress(Exception):  # what was read stays read
            if self._io.blocking:
                self._response.close()
            else:
                await self._response.aclose()


async def _parts(response: httpx.Response, *, blocking: bool) -> AsyncIterator[bytes]:
    """The body as it comes; whole where the given client has read, and unpacked, it already."""
    if response.is_stream_consumed:
        yield response.content
    elif blocking:
        for part in response.iter_raw():
            yield part
    else:
        async for part in response.aiter_raw():
            yield part


class BlockingIO(_IO):
    """IO for one client in any number of threads, over one pool of connections."""

    blocking = True

    def __init__(self, client: httpx.Client | None = None) -> None:
        self._given = _checked(client, httpx.Client)
        self._own = _Connections()
        self._process = os.getpid()
        self._lock = threading.Lock()

    def within(self, deadline: Deadline) -> AbstractContextManager[object]:
        return contextlib.nullcontext(deadline)  # its connections keep to it themselves

    async def _sent(self, request: Request, deadline: Deadline, *, foreign: bool) -> httpx.Response:
        if self._given is not None:
            trace = _gate(deadline)
            outgoing = _outgoing(self._given, request, deadline, trace, foreign=foreign)
            auth = {"auth": None} if foreign else {}
            return self._given.send(outgoing, stream=True, follow_redirects=False, **auth)
        begin(deadline)
        return self._connections().send(_request(httpx.Request, request, deadline))

    async def sleep(self, seconds: float) -> None:
        time.sleep(seconds)  # noqa: ASYNC251  blocking is what this IO does

    async def gather(
        self, jobs: Sequence[Callable[[], Coroutine[Any, Any, T]]], at_once: int
    ) -> list[T | Exception]:
        from concurrent.futures import ThreadPoolExecutor

        def attempt(job: Callable[[], Coroutine[Any, Any, T]]) -> T | Exception:
            try:
                return block_on(job())
            except Exception as error:
                return error

        with ThreadPoolExecutor(at_once) as pool:
            return list(pool.map(attempt, jobs))

    async def aside(self, work: Callable[..., T], *arguments: Any) -> T:
        return work(*arguments)

    async def settle(self, value: Any) -> Any:
        if inspect.iscoroutine(value):
            value.close()
            raise InvalidArgumentError(
                "an asynchronous function was given to the blocking client;"
                " use the asynchronous client, or a plain function"
            )
        return value

    async def close(self) -> None:
        self._closed = True
        self._own.close()

    def _connections(self) -> _Connections:
        """After a fork both processes have the same connections; over them, each would be given
        answers of the other."""
        if self._process != os.getpid():
            with self._lock:
                if self._process != os.getpid():
                    self._own, self._process = _Connections(), os.getpid()
        return self._own


class _Connections:
    """Blocking connections that end with the time of each exchange, by the proxies and the
    certificates that the environment names."""

    def __init__(self) -> None:
        self._pools: dict[str, httpcore.ConnectionPool] = {}
        self._lock = threading.Lock()
        self._proxy: str | None = None
        weakref.finalize(self, _close_all, self._pools, os.getpid())

    def send(self, request: httpx.Request) -> httpx.Response:
        url = request.url
        response = self.pool(url.scheme, url.host).handle_request(
            httpcore.Request(
                method=request.method,
                url=httpcore.URL(
                    scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path
                ),
                headers=request.headers.raw,
                content=request.stream,
                extensions=request.extensions,
            )
        )
        return httpx.Response(response.status, headers=response.headers, stream=_Content(response))

    def pool(self, scheme: str, host: str) -> httpcore.ConnectionPool:
        """The one that leads to a server."""
        with self._lock:
            if scheme != "http" and scheme not in self._pools:
                proxies = getproxies()
                self._proxy = proxies.get("https") or proxies.get("all")
            proxied = scheme != "http" and self._proxy and not proxy_bypass(host)
            way = "proxy" if proxied else scheme
            if way not in self._pools:
                self._pools[way] = _as_environment_wants(
                    lambda: _pool(scheme, self._proxy if proxied else None)
                )
            return self._pools[way]

    def close(self) -> None:
        with self._lock:
            _close_all(self._pools, os.getpid())


def _close_all(pools: dict[str, httpcore.ConnectionPool], process: int) -> None:
    if process == os.getpid():
        for pool in pools.values():
            pool.close()


def _pool(scheme: str, proxy: str | None) -> httpcore.ConnectionPool:
    settings: dict[str, Any] = {
        "ssl_context": httpx.create_ssl_context() if scheme != "http" else None,
        "max_connections": 100,
        "max_keepalive_connections": 20,
        "keepalive_expiry": 5.0,
        "network_backend": Backend(),
    }
    if proxy is None:
        return httpcore.ConnectionPool(**settings)
    named = httpx.Proxy(proxy if "://" in proxy else f"http://{proxy}")
    url = httpcore.URL(
        scheme=named.url.raw_scheme,
        host=named.url.raw_host,
        port=named.url.port,
        target=named.url.raw_path,
    )
    if named.url.scheme.startswith("socks"):
        return httpcore.SOCKSProxy(proxy_url=url, proxy_auth=named.raw_auth, **settings)
    return httpcore.HTTPProxy(
        proxy_url=url,
        proxy_auth=named.raw_auth,
        proxy_headers=named.headers.raw,
        **settings,
    )


class _Content(httpx.SyncByteStream):
    """The body of an answer, as its connection gives it."""

    def __init__(self, response: httpcore.Response) -> None:
        self._response = response

    def __iter__(self) -> Iterator[bytes]:
        return self._response.iter_stream()

    def close(self) -> None:
        self._response.close()


class AsyncIO(_IO):
    """IO for asyncio and trio. Connections belong to a loop; each that uses the client has its
    own."""

    blocking = False

    def __init__(self, client: httpx.AsyncClient | None = None) -> None:
        self._given = _checked(client, httpx.AsyncClient)
        self._clients: dict[Any, httpx.AsyncClient] = {}

    def within(self, deadline: Deadline) -> AbstractContextManager[object]:
        return anyio.fail_after(deadline.left() + _GRACE)

    async def _sent(self, request: Request, deadline: Deadline, *, foreign: bool) -> httpx.Response:
        client = self._client()
        outgoing = _outgoing(client, request, deadline, _async_gate(deadline), foreign=foreign)
        auth = {"auth": None} if foreign else {}
        return await client.send(outgoing, stream=True, follow_redirects=False, **auth)

    async def sleep(self, seconds: float) -> None:
        await anyio.sleep(seconds)

    async def gather(
        self, jobs: Sequence[Callable[[], Coroutine[Any, Any, T]]], at_once: int
    ) -> list[T | Exception]:
        free = anyio.Semaphore(at_once)
        results: dict[int, T | Exception] = {}

        async def attempt(number: int, job: Callable[[], Coroutine[Any, Any, T]]) -> None:
            async with free:
                try:
                    results[number] = await job()
                except Exception as error:
                    results[number] = error

        async with anyio.create_task_group() as group:
            for number, job in enumerate(jobs):
                group.start_soon(attempt, number, job)
        return [results[number] for number in range(len(jobs))]

    async def aside(self, work: Callable[..., T], *arguments: Any) -> T:
        from anyio import to_thread

        return await to_thread.run_sync(work, *arguments)

    async def settle(self, value: Any) -> Any:
        if inspect.isawaitable(value):
            value = await value
        return value

    async def close(self) -> None:
        self._closed = True
        client = self._clients.pop(_loop(), None)
        if client is not None:
            await client.aclose()

    def _client(self) -> httpx.AsyncClient:
        if self._given is not None:
            return self._given
        loop = _loop()
        client = self._clients.get(loop)
        if client is None:
            for ended in [other for other in self._clients if _has_ended(other.native_token)]:
                del self._clients[ended]  # its connections can close no more
            client = self._clients[loop] = _as_environment_wants(
                lambda: httpx.AsyncClient(mounts=_NO_PLAIN_PROXY)
            )
        return client


def _loop() -> Any:
    from anyio.lowlevel import current_token

    return current_token()


def _has_ended(loop: Any) -> bool:
    is_closed = getattr(loop, "is_closed", None)  # only asyncio's can tell
    return is_closed is not None and is_closed()


def _checked(client: object, kind: type[C]) -> C | None:
    if client is None:
        return None
    names = {base.__name__ for base in type(client).__mro__ if _library(base)}
    if kind.__name__ not in names:
        raise InvalidArgumentError(
            f"http_client must be an httpx.{kind.__name__}, not a {type(client).__name__}"
        )
    return cast("C", client)


def _as_environment_wants(made: Callable[[], T]) -> T:
    """What reads the environment: proxies and certificates."""
    try:
        return made()
    except (ImportError, RuntimeError, ValueError, OSError, httpx.InvalidURL) as error:
        problem = " ".join(str(error).split())
        raise FloraError(
            f"the proxy or the certificates of the environment cannot be used: {problem}."
            " Correct ALL_PROXY, HTTPS_PROXY, SSL_CERT_FILE or SSL_CERT_DIR, or pass http_client="
        ) from None


def _outgoing(
    client: httpx.Client | httpx.AsyncClient,
    request: Request,
    deadline: Deadline,
    trace: Callable[[str, Any], Any],
    *,
    foreign: bool,
) -> httpx.Request:
    """A request for a client. A foreign one is not built by it, so that none of its headers,
    cookies or credentials go along."""
    made = sys.modules[_library(type(client))].Request if foreign else client.build_request
    return _request(made, request, deadline, trace=trace)


def _request(
    made: Callable[..., httpx.Request], request: Request, deadline: Deadline, **extensions: Any
) -> httpx.Request:
    left = deadline.left()
    phases = {"connect": min(left, _CONNECT_SECONDS), "read": left, "write": left, "pool": left}
    return made(
        request.method,
        request.url,
        headers=request.headers,
        content=request.body,
        extensions={"timeout": phases, **extensions},
    )


_SENDING = {f"{version}.send_request_headers.started" for version in ("http11", "http2")}


def _gate(deadline: Deadline) -> Callable[[str, Any], None]:
    """What the library calls at each step of an exchange. A request waits for a connection longer
    than it seems: for a free one, for a handshake."""

    def gate(event: str, _info: Any) -> None:
        if event in _SENDING and deadline.pace is not None:
            deadline.pace.check()

    return gate


def _async_gate(deadline: Deadline) -> Callable[[str, Any], Coroutine[Any, Any, None]]:
    gate = _gate(deadline)

    async def asynchronous(event: str, info: Any) -> None:
        gate(event, info)

    return asynchronous


_BEFORE_SENDING = {
    "ConnectError",
    "ConnectTimeout",
    "PoolTimeout",
    "UnsupportedProtocol",
    "InvalidURL",
}


def _translated(error: BaseException, deadline: Deadline) -> BaseException:
    """An error of a library as ours; any other without the library's frames, which hold the key."""
    if isinstance(error, TimeoutError):
        return APITimeoutError(f"the answer was not whole after {deadline.seconds:g} seconds.")
    if not _library(type(error)):
        return error.with_traceback(None)
    name = type(error).__name__
    if "Timeout" in name:
        ours: APIConnectionError = APITimeoutError(f"no answer in time ({name}).")
    else:
        detail = one_line(f"{name}: {error}".partition("\n")[0])
        detail = detail.partition("bytearray(")[0].rstrip(". :")  # the server's own words
        ours = APIConnectionError(f"no answer: {detail}.")
    ours.never_sent = name in _BEFORE_SENDING
    return ours


def _library(kind: type) -> str:
    """The HTTP library that a class, or one that it is made from, belongs to."""
    homes = (base.__module__.partition(".")[0] for base in kind.__mro__)
    return next((home for home in homes if home in _LIBRARIES), "")
