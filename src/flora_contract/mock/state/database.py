"""Where state is kept: SQLite or PostgreSQL. One SQL, two dialects."""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

from flora_contract.errors import InputError, UnreachableError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Row = tuple[Any, ...]

LOCK_SECONDS: Final = 20
"""How long to wait for another process to finish what it does."""


class Database(Protocol):
    """A connection. Statements use `?` for values and the types of `types`."""

    name: str
    """What a person calls it."""
    error: type[Exception]
    """What a statement raises that cannot be done."""
    types: dict[str, str]
    for_update: str
    """What a SELECT ends with to keep others from changing its rows until the commit."""

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[Row]: ...

    def transaction(self) -> Any: ...

    def setup(self) -> Any:
        """A transaction that no other process's setup can run beside."""

    def empty(self, tables: Sequence[str]) -> None:
        """Delete all rows, and number new ones from 1."""

    def close(self) -> None: ...


class SQLite:
    """A file in WAL mode, which several processes may share.

    A commit is in the file, or in the system's cache of it, before it is acknowledged: a process
    that is killed loses nothing. Only a machine that loses power could lose the last commits.
    """

    error: type[Exception] = sqlite3.Error
    types = {  # noqa: RUF012 - read only
        "serial": "INTEGER PRIMARY KEY AUTOINCREMENT",
        "bytes": "BLOB",
        "clustered": " WITHOUT ROWID",
    }
    for_update = ""

    def __init__(self, path: str) -> None:
        self.name = path
        try:
            self._connection = sqlite3.connect(
                path, timeout=LOCK_SECONDS, isolation_level=None, cached_statements=256
            )
            found = self._connection.execute("SELECT name FROM sqlite_master").fetchall()
            if found and ("world",) not in found:
                raise InputError(f"{path}: is a database of something else; name another file")
            self._connection.execute("PRAGMA journal_mode=WAL").fetchall()
            self._connection.execute("PRAGMA synchronous=NORMAL")
        except sqlite3.OperationalError as error:
            raise InputError(f"{path}: cannot be opened as state: {error}") from None
        except sqlite3.DatabaseError:
            raise InputError(f"{path}: is no SQLite database; name another file") from None
        self._execute = self._connection.execute

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[Row]:
        return self._execute(sql, values).fetchall()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        self._execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._execute("ROLLBACK")
            raise
        self._execute("COMMIT")

    setup = transaction

    def empty(self, tables: Sequence[str]) -> None:
        for table in tables:
            self._execute(f"DELETE FROM {table}")  # noqa: S608 - our own names
            self._execute("DELETE FROM sqlite_sequence WHERE name = ?", [table])

    def close(self) -> None:
        self._connection.close()


class PostgreSQL:
    """A database that servers on several machines share. A lost connection is made anew."""

    name = "PostgreSQL"
    types = {  # noqa: RUF012 - read only
        "serial": "BIGSERIAL PRIMARY KEY",
        "bytes": "BYTEA",
        "clustered": "",
    }
    for_update = " FOR UPDATE"

    def __init__(self, url: str) -> None:
        try:
            import psycopg
        except ImportError:
            raise InputError(
                "state in PostgreSQL needs psycopg: pip install psycopg[binary]"
            ) from None
        self._psycopg = psycopg
        self.error: type[Exception] = psycopg.Error
        self._url = url
        self._translated: dict[str, str] = {}
        self._in_transaction = False
        self._connection = self._connect()

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[Row]:
        try:
            return self._execute(sql, values)
        except self._psycopg.OperationalError:
            if self._in_transaction or not self._connection.closed:
                raise
            self._connection = self._connect()
            return self._execute(sql, values)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        self.rows("BEGIN")
        self._in_transaction = True
        try:
            yield
            self._execute("COMMIT")
        except BaseException:
            if not self._connection.closed:
                self._execute("ROLLBACK")
            raise
        finally:
            self._in_transaction = False

    @contextmanager
    def setup(self) -> Iterator[None]:
        with self.transaction():
            self.rows("SELECT pg_advisory_xact_lock(46406)")
            yield

    def empty(self, tables: Sequence[str]) -> None:
        self.rows(f"TRUNCATE {', '.join(tables)} RESTART IDENTITY")

    def close(self) -> None:
        self._connection.close()

    def _execute(self, sql: str, values: Sequence[Any] = ()) -> list[Row]:
        if sql not in self._translated:
            self._translated[sql] = sql.replace("?", "%s")
        cursor = self._connection.execute(self._translated[sql], values)
        return cursor.fetchall() if cursor.description else []

    def _connect(self) -> Any:
        try:
            connection = self._psycopg.connect(self._url, autocommit=True, connect_timeout=10)
            connection.execute(f"SET statement_timeout = '{LOCK_SECONDS}s'")
        except self._psycopg.ProgrammingError as error:
            raise InputError(f"--state: not a PostgreSQL address: {first_line(error)}") from None
        except self._psycopg.OperationalError as error:
            raise UnreachableError(f"--state: PostgreSQL: {first_line(error)}") from None
        return connection


def connect(state: str) -> Database:
    """PostgreSQL for its addresses, else a SQLite file.

    Raises InputError for a file that is no state, UnreachableError for a silent server.
    """
    if state.startswith(("postgresql://", "postgres://")):
        return PostgreSQL(state)
    if state in {"", ":memory:"}:  # to SQLite, a database that nobody else can open
        raise InputError("--state: names no file; leave it out to keep state in memory")
    if Path(state).exists() and not Path(state).is_file():  # SQLite would put a journal beside it
        raise InputError(f"{state}: cannot be opened as state: is no regular file")
    return SQLite(state)


def first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]
