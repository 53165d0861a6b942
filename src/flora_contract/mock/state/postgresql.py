"""PostgreSQL: a few connections, and a limit to what is waited for them."""

from __future__ import annotations

import asyncio
import re
from collections import deque
from contextlib import contextmanager
from itertools import count
from typing import TYPE_CHECKING, Any, Final

from flora_contract.errors import InputError, UnreachableError
from flora_contract.mock.state import waiting
from flora_contract.mock.state.waiting import current, remaining, wait

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from flora_contract.mock.state.database import Row

CONNECTIONS: Final = 8

_SETTINGS: Final = {
    "application_name": "flora-contract mock",
    # A mock that cannot be reached any more keeps nobody else waiting for its locks.
    "idle_in_transaction_session_timeout": f"{waiting.SECONDS * 2:.0f}s",
    "statement_timeout": f"{waiting.SECONDS:.0f}s",
}


class LostError(UnreachableError):
    """A connection has ended, in whatever it was doing."""


class SilentError(UnreachableError):
    """There is no answer, or no connection is free."""

    def __init__(self) -> None:
        super().__init__(message_of(f"no answer within {waiting.SECONDS:g} s"))


class PostgreSQL:
    """A database that servers on several machines share. See `Database` for the methods.

    To be used within `begin`: whoever waits for an answer holds nobody else up.
    """

    name = "PostgreSQL"
    types = {  # noqa: RUF012 - read only
        "serial": "BIGSERIAL PRIMARY KEY",
        "bytes": "BYTEA",
        "clustered": "",
    }

    def __init__(self, url: str) -> None:
        try:
            import asyncpg
        except ImportError:
            raise InputError("state in PostgreSQL needs asyncpg: pip install asyncpg") from None
        self._asyncpg = asyncpg
        self.error: type[Exception] = asyncpg.PostgresError
        self._lost = (
            asyncpg.InterfaceError,
            asyncpg.InternalClientError,
            asyncpg.PostgresConnectionError,
            asyncpg.OperatorInterventionError,
            OSError,
        )
        self._url = url
        self._translated: dict[str, str] = {}
        self._open: set[Any] = set()
        self._opening = 0
        self._idle: list[Any] = []
        self._queue: deque[asyncio.Future[Any]] = deque()

    def rows(self, sql: str, values: Sequence[Any] = ()) -> Sequence[Row]:
        own = current().connection
        if own is not None:
            return self._fetch(own, sql, values)
        try:
            return self._fetch_once(sql, values)
        except LostError:  # a server that was restarted has ended all connections
            if not sql.startswith("SELECT"):
                raise
            return self._fetch_once(sql, values)

    def among(self, column: str, values: Sequence[Any]) -> tuple[str, Sequence[Any]]:
        return f"{column} = ANY(?)", [list(values)]

    def changed(self) -> bool:
        return True

    @contextmanager
    def transaction(self) -> Iterator[None]:
        waiter = current()
        connection = waiter.connection = self._take()
        try:
            self._fetch(connection, "BEGIN", ())
            yield
            self._fetch(connection, "COMMIT", ())
        except BaseException:
            if not connection.is_closed():
                self._fetch(connection, "ROLLBACK", ())
            raise
        finally:
            waiter.connection = None
            self._give(connection)

    @contextmanager
    def setup(self) -> Iterator[None]:
        with self.transaction():
            self.rows("SELECT pg_advisory_xact_lock(46406)")
            yield

    def lock(self, account: str, *, alone: bool) -> None:
        # The table before the row, as in a statement that writes for many: no ring of waiters.
        mode = "SHARE ROW EXCLUSIVE" if alone else "ROW EXCLUSIVE"
        self.rows(f"LOCK TABLE entities IN {mode} MODE")
        self.rows("SELECT 1 FROM balances WHERE account = ? FOR UPDATE", [account])

    def empty(self, tables: Sequence[str]) -> None:
        self.rows(f"TRUNCATE {', '.join(tables)} RESTART IDENTITY")

    def close(self) -> None:
        for connection in self._open:
            connection.terminate()

    def _fetch_once(self, sql: str, values: Sequence[Any]) -> Sequence[Row]:
        connection = self._take()
        try:
            return self._fetch(connection, sql, values)
        finally:
            self._give(connection)

    def _fetch(self, connection: Any, sql: str, values: Sequence[Any]) -> Sequence[Row]:
        text = self._translated.get(sql)
        if text is None:
            numbers = count(1)
            text = self._translated[sql] = re.sub(r"\?", lambda _: f"${next(numbers)}", sql)
        try:
            return wait(connection.fetch(text, *values, timeout=remaining()))
        except TimeoutError:
            connection.terminate()
            raise SilentError from None
        except self._lost as error:
            connection.terminate()
            for idle in self._idle:  # which may well have ended, too
                idle.terminate()
            raise LostError(message_of(error)) from None
        except self.error:
            raise
        except BaseException:  # it is given up, in the middle of an answer
            connection.terminate()
            raise

    def _take(self) -> Any:
        """A connection: one that is idle, a new one, or the next that is given back."""
        while self._idle:
            connection = self._idle.pop()
            if not connection.is_closed():
                return connection
            self._open.discard(connection)
        if len(self._open) + self._opening < CONNECTIONS:
            return self._connect()
        future = asyncio.get_running_loop().create_future()
        self._queue.append(future)
        try:
            return wait(asyncio.wait_for(future, remaining())) or self._take()
        except TimeoutError:
            raise SilentError from None

    def _give(self, connection: Any) -> None:
        closed = connection.is_closed()
        if closed:
            self._open.discard(connection)
        while self._queue:
            future = self._queue.popleft()
            if not future.done():
                future.set_result(None if closed else connection)  # None: it may open another
                return
        if not closed:
            self._idle.append(connection)

    def _connect(self) -> Any:
        asyncpg = self._asyncpg
        self._opening += 1
        try:
            connection = wait(
                asyncpg.connect(
                    self._url,
                    timeout=remaining(),
                    statement_cache_size=500,
                    max_cached_statement_lifetime=0,
                    server_settings=_SETTINGS,
                )
            )
        except (ValueError, asyncpg.exceptions.ClientConfigurationError) as error:
            raise InputError(f"--state: not a PostgreSQL address: {error}") from None
        except TimeoutError:
            raise SilentError from None
        except (*self._lost, asyncpg.PostgresError) as error:
            raise UnreachableError(message_of(error)) from None
        finally:
            self._opening -= 1
        self._open.add(connection)
        return connection


def message_of(error: object) -> str:
    return "--state: PostgreSQL: " + str(error).strip().partition("\n")[0]
