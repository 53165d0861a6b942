"""Where state is kept: SQLite, or PostgreSQL in the module beside. One SQL, two dialects."""

from __future__ import annotations

import sqlite3
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

from flora_contract.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from contextlib import AbstractContextManager

Row = tuple[Any, ...]

LOCK_SECONDS: Final = 20
"""How long to wait for another process to finish what it does."""


class Database(Protocol):
    """Statements use `?` for values and the types of `types`."""

    name: str
    """What a person calls it."""
    error: type[Exception]
    """What a statement raises that cannot be done."""
    types: dict[str, str]

    def rows(self, sql: str, values: Sequence[Any] = ()) -> Sequence[Row]: ...

    def among(self, column: str, values: Sequence[Any]) -> tuple[str, Sequence[Any]]:
        """The condition that a column has one of some values, and its values."""

    def changed(self) -> bool:
        """Whether another process may have written since this was asked."""

    def transaction(self) -> AbstractContextManager[None]: ...

    def setup(self) -> AbstractContextManager[None]:
        """A transaction that no other process's setup can run beside."""

    def lock(self, account: str, *, alone: bool) -> None:
        """Keep other transactions from what an account has; `alone`, from all entities."""

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

    def __init__(self, path: str) -> None:
        self.name = path
        if Path(path).exists() and not Path(path).is_file():  # it would put a journal beside it
            raise InputError(f"{path}: cannot be opened as state: is not a regular file")
        try:
            with ExitStack() as unless_it_is_ours:
                self._connection = sqlite3.connect(
                    path, timeout=LOCK_SECONDS, isolation_level=None, cached_statements=256
                )
                unless_it_is_ours.callback(self._connection.close)
                found = self._connection.execute("SELECT name FROM sqlite_master").fetchall()
                if found and ("world",) not in found:
                    raise InputError(f"{path}: is a database of something else; name another file")
                self._connection.execute("PRAGMA journal_mode=WAL").fetchall()
                self._connection.execute("PRAGMA synchronous=NORMAL")
                unless_it_is_ours.pop_all()
        except sqlite3.OperationalError as error:
            raise InputError(f"{path}: cannot be opened as state: {error}") from None
        except sqlite3.DatabaseError:
            raise InputError(f"{path}: is not a SQLite database; name another file") from None
        self._execute = self._connection.execute
        self._version: Row = ()

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[Row]:
        return self._execute(sql, values).fetchall()

    def among(self, column: str, values: Sequence[Any]) -> tuple[str, Sequence[Any]]:
        return f"{column} IN ({', '.join('?' * len(values))})", values

    def changed(self) -> bool:
        before, self._version = self._version, self._execute("PRAGMA data_version").fetchone()
        return before != self._version

    @contextmanager
    def transaction(self) -> Iterator[None]:
        self._execute("BEGIN IMMEDIATE")
        try:
            yield
            self._execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:  # a full disk has ended it
                self._execute("ROLLBACK")
            raise

    setup = transaction

    def lock(self, account: str, *, alone: bool) -> None:
        """One process writes at a time."""

    def empty(self, tables: Sequence[str]) -> None:
        for table in tables:
            self._execute(f"DELETE FROM {table}")  # noqa: S608 - our own names
            self._execute("DELETE FROM sqlite_sequence WHERE name = ?", [table])

    def close(self) -> None:
        self._connection.close()


def is_postgresql(state: str) -> bool:
    return state.startswith(("postgresql://", "postgres://"))


def first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]
