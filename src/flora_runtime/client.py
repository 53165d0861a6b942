"""What generated clients inherit: settings, connections, and what needs no operation."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, Callable, Generator, Mapping
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Self, TypeVar, Unpack

from attrs import evolve

from flora_runtime import log
from flora_runtime.credentials import Key, KeySource, Origin
from flora_runtime.drift import Drift, DriftReporter
from flora_runtime.errors import InvalidArgumentError
from flora_runtime.exchange import block_on
from flora_runtime.ledger import Ledger
from flora_runtime.options import (
    amount,
    checked_count,
    checked_flag,
    checked_function,
    checked_names,
    checked_path,
    checked_seconds,
)
from flora_runtime.request import checked_headers
from flora_runtime.session import Session, Shared
from flora_runtime.spend import Spend
from flora_runtime.streaming import AsyncStreamedResponse, StreamedResponse

if TYPE_CHECKING:
    from decimal import Decimal

    from flora_runtime.exchange import IO
    from flora_runtime.http import AsyncHTTPClient, HTTPClient
    from flora_runtime.operation import KeyedCallOptions, Profile
    from flora_runtime.session import RawResponse

DEFAULT_TIMEOUT = 60.0

OnDrift = Callable[[Drift], object]


K = TypeVar("K")
H = TypeVar("H")


class _Client(Generic[K, H]):
    """What both clients have; what gives the key, and the client of the library, are of a kind."""

    profile: ClassVar[Profile]
    _is_copy = False

    def __init__(
        self,
        *,
        api_key: K | None = None,
        base_url: str | None = None,
        timeout: float = DEFAULT_TIMEOUT,
        max_retries: int | None = None,
        default_headers: Mapping[str, str] | None = None,
        default_query: Mapping[str, Any] | None = None,
        http_client: H | None = None,
        spend_limit: Decimal | float | str | None = None,
        journal: str | os.PathLike[str] | None = None,
        on_drift: OnDrift | None = None,
        strict: bool = False,
    ) -> None:
        log.switch_on_from_environment()
        if on_drift is not None:
            checked_function(on_drift, "on_drift", blocking=True)
        self._session = Session(
            io=self._io(http_client),
            origin=_origin(self.profile, base_url),
            key=_key(self.profile, api_key),
            profile=self.profile,
            shared=Shared(
                spend=Spend(None if spend_limit is None else amount(spend_limit, "spend_limit")),
                drift=DriftReporter(on_drift),
                ledger=Ledger(None if journal is None else checked_path(journal, "journal")),
            ),
            timeout=checked_seconds(timeout, "timeout"),
            max_retries=None if max_retries is None else checked_count(max_retries, "max_retries"),
            headers=_headers(self.profile, default_headers),
            query=checked_names(default_query or {}, "default_query"),
            strict=checked_flag(strict, "strict"),
        )

    def _io(self, client: H | None) -> IO:
        raise NotImplementedError

    @property
    def spent(self) -> Decimal:
        """What the runs started by this client cost, by the newest figures, in the API's unit."""
        return self._session.shared.spend.total

    @property
    def base_url(self) -> str:
        """The server that is called."""
        return self._session.origin.base_url

    def with_options(
        self,
        *,
        timeout: float | None = None,
        max_retries: int | None = None,
        default_headers: Mapping[str, str] | None = None,
        default_query: Mapping[str, Any] | None = None,
    ) -> Self:
        """A copy with other settings. It shares connections, spending and everything else; closing
        it leaves them open."""
        now = self._session
        copy = object.__new__(type(self))
        copy._is_copy = True
        copy._session = evolve(
            now,
            timeout=now.timeout if timeout is None else checked_seconds(timeout, "timeout"),
            max_retries=now.max_retries
            if max_retries is None
            else checked_count(max_retries, "max_retries"),
            headers={**now.headers, **_headers(self.profile, default_headers)},
            query={**now.query, **checked_names(default_query or {}, "default_query")},
        )
        return copy

    def __repr__(self) -> str:
        return f"{type(self).__name__}(base_url={self.base_url!r})"

    def __reduce__(self) -> Any:
        raise TypeError("a client holds a key and cannot be pickled; make one where it is needed")


class SyncClient(_Client["str | Callable[[], str]", "HTTPClient"]):
    """A client whose methods block. It can be used from many threads at once.

    `api_key` and `base_url` are taken from the environment where they are left out; a function as
    `api_key` is asked before each request. `timeout` counts seconds for each attempt, and
    `spend_limit` what the API counts costs in. Raises InvalidArgumentError, UnsafeURLError.
    """

    def _io(self, client: HTTPClient | None) -> IO:
        from flora_runtime.http import BlockingIO

        return BlockingIO(client)

    def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        json: Any = None,
        **options: Unpack[KeyedCallOptions],
    ) -> RawResponse[Any]:
        """Call what there is no method for. A POST is repeated only with `idempotency_key=`."""
        session = self._session
        return block_on(session.request(method, path, params or {}, json, options))

    @contextmanager
    def stream(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        json: Any = None,
        **options: Unpack[KeyedCallOptions],
    ) -> Generator[StreamedResponse]:
        """The same, for a body that is read as it comes: `timeout` counts to its last byte."""
        session = self._session
        sent = session.other(method, path, params or {}, json, options, stream=True)
        answer, call = block_on(sent)
        try:
            yield StreamedResponse(answer, call)
        finally:
            block_on(answer.close())

    def close(self) -> None:
        """Close the connections, unless they came with `http_client=` or are another client's."""
        if not self._is_copy:
            block_on(self._session.io.close())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class AsyncClient(_Client[KeySource, "AsyncHTTPClient"]):
    """A client for asyncio and trio, method for method the twin of the blocking one.

    It can be made anywhere, and used from any loop. `api_key` may be an asynchronous function.
    Raises InvalidArgumentError, UnsafeURLError.
    """

    def _io(self, client: AsyncHTTPClient | None) -> IO:
        from flora_runtime.http import AsyncIO

        return AsyncIO(client)

    async def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        json: Any = None,
        **options: Unpack[KeyedCallOptions],
    ) -> RawResponse[Any]:
        """Call what there is no method for. A POST is repeated only with `idempotency_key=`."""
        session = self._session
        return await session.request(method, path, params or {}, json, options)

    @asynccontextmanager
    async def stream(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        json: Any = None,
        **options: Unpack[KeyedCallOptions],
    ) -> AsyncGenerator[AsyncStreamedResponse]:
        """The same, for a body that is read as it comes: `timeout` counts to its last byte."""
        session = self._session
        sent = session.other(method, path, params or {}, json, options, stream=True)
        answer, call = await sent
        try:
            yield AsyncStreamedResponse(answer, call)
        finally:
            await answer.close()

    async def close(self) -> None:
        """Close the connections of this loop, unless they came with `http_client=` or are another
        client's."""
        if not self._is_copy:
            await self._session.io.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


def _headers(profile: Profile, given: Mapping[str, str] | None) -> Mapping[str, str]:
    headers = checked_headers(checked_names(given or {}, "default_headers"))
    if any(name.lower() in headers for name in profile.idempotency_headers):
        raise InvalidArgumentError(
            "a key belongs to one request: give each its own idempotency_key="
        )
    return headers


def _key(profile: Profile, given: Any) -> Key:
    key = given if given is not None else os.environ.get(profile.key_variable)
    if key is None:
        raise InvalidArgumentError(f"no API key: set {profile.key_variable} or pass api_key=")
    return Key(key)


def _origin(profile: Profile, given: object) -> Origin:
    if given is not None and not isinstance(given, str):
        raise InvalidArgumentError("base_url must be a string")
    return Origin.of(given or os.environ.get(profile.base_url_variable) or profile.base_url)
