"""The creates of a client: what was sent under which key, how it ended, and which run it got.

Kept in SQLite: in memory; or in a file, a journal, that outlives the process and that all processes
of a machine can share. A create is written down before it is sent.
"""

from __future__ import annotations

import contextlib
import json
import os
import threading
import time
import uuid
import weakref
from collections import OrderedDict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from attrs import Factory, define, evolve, field, fields, frozen

from flora_runtime.errors import FloraError, InvalidArgumentError
from flora_runtime.log import logger
from flora_runtime.operation import named

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Generator, Mapping, Sequence

_MARGIN = 120.0
"""Seconds before the end of its window at which a key is not sent any more: it may take so long to
arrive. Of a short window half is left."""

_AHEAD = 7200.0
"""Seconds by which the clock may be ahead that a key was made by."""

EXCHANGED = 30.0
"""Seconds between equal creates within which one may have taken the run of the other."""

_REMEMBERED = 10_000
_KEPT = 30 * 86400.0
"""Seconds for which a journal keeps what has ended."""

_LONGEST_FLIGHT = 900.0
"""Seconds after which a create on its way is given up for lost, with the process it came from."""

State = Literal["sent", "accepted", "lost", "unclear", "found", "done"]
"""`sent`: on its way, its answer may name its run; `accepted`: its run exists and is looked for;
`lost`: it exists, and which it is cannot be told; `unclear`: ended without telling whether there is
one; `found`: it took a run of the history, that may have been started by an equal one; `done`: the
API named its run. One that was refused is forgotten."""


def _now() -> float:
    return time.time()


def _now_apart() -> float:
    return time.time() - time.monotonic()


@define(eq=False)
class Create:
    """One logical create: one key, one run at most. Times are of the wall clock, for processes
    share it, and it goes on while the machine sleeps."""

    kind: str
    """Of what it makes."""
    key: str
    request: str
    """Fingerprint: creates with the same one are interchangeable."""
    tariff: str
    """What it has in common with creates that cost as much."""
    window: float
    """Seconds for which the API remembers its key, or for which it is thought of without one."""
    scope: Mapping[str, Any] = field(factory=dict[str, Any])
    """Arguments of the history that it would be listed under."""
    shown: Mapping[str, Any] = field(factory=dict[str, Any])
    """Values by where an item of the history shows them."""
    began: float = field(factory=_now)
    tried: float | None = field(default=Factory(lambda self: self.began, takes_self=True))
    """When the attempt under way was sent; None between attempts. Its answer may name a run that
    was started since then, and no older one."""
    ended: float | None = None
    state: State = "sent"
    run_id: str | None = None
    answer: bytes | None = None
    """As the API gave it, or as it can be told from the history."""
    process: int = field(factory=os.getpid)
    apart: float | None = field(factory=_now_apart)
    """Wall clock less monotonic clock; None where another process began it."""

    @property
    def name(self) -> str:
        """Its kind and key: an API may know the keys of each operation apart."""
        return named(self.kind, self.key)

    @property
    def run(self) -> str:
        """What it got, by kind and id."""
        return named(self.kind, self.run_id or "")

    @property
    def place(self) -> str:
        """What it has in common with creates that the history is asked for alike."""
        return json.dumps([self.kind, self.scope], sort_keys=True)

    def may_share(self, other: Create) -> bool:
        """Whether what the two make can stand in the same history."""
        both = self.scope.keys() & other.scope.keys()
        return self.kind == other.kind and all(
            None in {self.scope[name], other.scope[name]} or self.scope[name] == other.scope[name]
            for name in both
        )

    def stepped(self) -> float:
        """Seconds by which the clocks have come apart since: the machine slept, or was set."""
        return abs(_now_apart() - self.apart) if self.apart is not None else 0.0

    @property
    def is_unclear(self) -> bool:
        """Whether an attempt has ended without telling whether there is a run."""
        return self.state == "unclear" or (self.state == "sent" and self.tried != self.began)

    @property
    def expired(self) -> bool:
        """Whether the API may have forgotten its key, so that sending it again could start
        another run."""
        return time.time() - self.began > max(self.window - _MARGIN, self.window / 2)


@frozen
class StartedRun:
    """What was said of a run when it was started."""

    at: float
    estimate: float | None = None
    link: str | None = None


def new_key() -> str:
    """An idempotency key that tells when it was made: a UUID of version 7 (RFC 9562)."""
    number = int(time.time() * 1000) << 80 | uuid.uuid4().int & (1 << 80) - 1
    return str(uuid.UUID(int=number & ~(0xF << 76) | 7 << 76))


def time_of(key: str) -> float | None:
    """When a key was made, as a time since 1970; None if it does not tell."""
    try:
        number = uuid.UUID(key)
    except ValueError:
        return None
    made = (number.int >> 80) / 1000
    return made if number.version == 7 and made <= time.time() + _AHEAD else None


_TABLE = """
create table if not exists creates (
    kind text, key text, request text, tariff text, window real, scope text, shown text,
    began real, tried real, ended real, state text, run_id text, answer blob, process integer,
    primary key (kind, key), unique (kind, run_id)
) without rowid;
create index if not exists open on creates (kind, state, began);
"""
_COLUMNS = [f.name for f in fields(Create) if f.name != "apart"]
_JSON = ("scope", "shown")
_ROW = f"insert or replace into creates values ({', '.join('?' * len(_COLUMNS))})"  # noqa: S608
_FORGET = """
delete from creates where state in ('done', 'found', 'unclear') and began < coalesce(
    (select began from creates order by began desc limit 1 offset ?), 0
)
"""
_SELECT = f"select {', '.join(_COLUMNS)} from creates"  # noqa: S608  our own names


class Ledger:
    """Thread-safe; bounded, so that a client can live for ever."""

    def __init__(self, journal: str | os.PathLike[str] | None = None) -> None:
        self._journal = Path(journal) if journal is not None else None
        self._lock = threading.RLock()
        self._database: sqlite3.Connection | None = None
        self._process = self._begun = 0
        self._runs: OrderedDict[str, StartedRun] = OrderedDict()
        if self._journal is not None:
            try:
                self._do("select 1")
            except FloraError as error:
                raise InvalidArgumentError(str(error)) from None

    @property
    def is_shared(self) -> bool:
        """Whether it knows of every create of this machine."""
        return self._journal is not None

    def begin(self, create: Create) -> Create | None:
        """Note a create before it is sent. Returns the one before it under the same key; if that
        one has not ended well, the two are one from now on. Raises FloraError."""
        self._forget_old()
        with self.alone():
            earlier = self.get(create.kind, create.key)
            if earlier is None or (earlier.run_id is None and earlier.request == create.request):
                create.began = earlier.began if earlier is not None else create.began
                self._write(create)
            return earlier

    @contextlib.contextmanager
    def alone(self) -> Generator[None]:
        """While no other thread or process changes anything. Raises FloraError."""
        with self._lock:
            self._do("begin immediate")
            try:
                yield
            finally:
                self._do("commit")

    def _forget_old(self) -> None:
        """Of those in memory, all but the newest; a journal is tidied up when it is opened."""
        self._begun += 1
        if self._journal is None and self._begun % 1000 == 0:
            self._do(_FORGET, _REMEMBERED)

    def get(self, kind: str, key: str) -> Create | None:
        """The create of a kind under a key."""
        return next(iter(self._creates("where kind = ? and key = ?", kind, key)), None)

    def tries(self, create: Create, *, now: bool) -> None:
        """An attempt begins, or has ended without a clear answer."""
        create.tried = time.time() if now else None
        self.note(create)

    def end(self, create: Create, state: State) -> None:
        """It has ended without its run, for now."""
        create.state, create.ended = state, time.time()
        self.note(create)

    def note(self, create: Create) -> None:
        """Write down what has changed of it."""
        self._keep(lambda: self._write(create))

    def forget(self, create: Create) -> None:
        """It was refused: there is no run."""
        self._keep(
            lambda: self._do(
                "delete from creates where kind = ? and key = ?", create.kind, create.key
            )
        )

    def hand_out(self, create: Create, run_id: str, run: StartedRun, answer: bytes) -> None:
        """The API named the run of a create."""
        create.run_id, create.answer = run_id, answer
        self._remember(create.run, run)
        self._keep(
            lambda: self._do(
                "update creates set run_id = null, state = 'lost'"
                " where kind = ? and run_id = ? and key <> ?",
                create.kind,
                run_id,
                create.key,
            )
        )
        self.end(create, "done")

    def claim(self, create: Create, run_id: str, run: StartedRun, answer: bytes) -> bool:
        """Take a run that was found in the history, unless another create has it by now."""
        changed = self._do(
            "update or ignore creates set run_id = ?, state = 'found' where kind = ? and key = ?",
            run_id,
            create.kind,
            create.key,
        )
        if not changed:
            return False
        create.run_id, create.answer, create.state = run_id, answer, "found"
        self._remember(create.run, run)
        self.note(create)
        return True

    def others(self, create: Create) -> list[Create]:
        """Other creates that may own a run of the same history nobody has, or have left one."""
        rows = self._creates(
            "where kind = ? and state in ('sent', 'accepted', 'lost', 'unclear', 'found')"
            " and began > ? and key <> ? and (state <> 'found' or (request = ? and began > ?))",
            create.kind,
            create.began - create.window,
            create.key,
            create.request,
            create.began - EXCHANGED,
        )
        return [
            evolve(row, state=_WITHOUT_PROCESS[row.state]) if _is_dead(row) else row
            for row in rows
            if create.may_share(row)
        ]

    def handed_out(self, kind: str, run_ids: Sequence[str]) -> dict[str, str]:
        """Those of a kind that a create has got, and its tariff."""
        marks = ", ".join("?" * len(run_ids))
        text = f"select run_id, tariff from creates where kind = ? and run_id in ({marks})"  # noqa: S608  marks only
        with self._lock:
            return dict(self._execute(text, [kind, *run_ids]).fetchall())

    def run(self, run: str) -> StartedRun | None:
        """What a create of this client has got, by kind and id; None if none has."""
        return self._runs.get(run)

    def _remember(self, run: str, started: StartedRun) -> None:
        with self._lock:
            self._runs[run] = started
            if len(self._runs) > _REMEMBERED:
                self._runs.popitem(last=False)

    # The database

    def _write(self, create: Create) -> None:
        values = [getattr(create, name) for name in _COLUMNS]
        for name in _JSON:
            values[_COLUMNS.index(name)] = json.dumps(dict(getattr(create, name)))
        self._do(_ROW, *values)

    def _creates(self, where: str, *values: Any) -> list[Create]:
        with self._lock:
            rows = self._execute(f"{_SELECT} {where}", values).fetchall()
        found = [dict(zip(_COLUMNS, row, strict=True)) for row in rows]
        read = [{**row, **{name: json.loads(row[name]) for name in _JSON}} for row in found]
        return [Create(**row, apart=None) for row in read]

    def _keep(self, write: Callable[[], object]) -> None:
        """Write what is known after sending: a disk that is full takes nobody's run away."""
        try:
            write()
        except FloraError as error:
            logger.error("%s", error)

    def _do(self, text: str, *values: Any) -> int:
        with self._lock:
            return self._execute(text, values).rowcount

    def _execute(self, text: str, values: Sequence[Any]) -> sqlite3.Cursor:
        import sqlite3

        try:
            return self._open().execute(text, values)
        except sqlite3.Error as error:
            raise FloraError(f"the journal cannot be used: {self._journal}: {error}") from None

    def _open(self) -> sqlite3.Connection:
        if self._database is None or (self._journal is not None and self._process != os.getpid()):
            self._database, self._process = _opened(self._journal), os.getpid()
            weakref.finalize(self, _close, self._database, self._process)
        return self._database


def _close(database: sqlite3.Connection, process: int) -> None:
    if process == os.getpid():  # a process that was forked off has locks in common with its parent
        database.close()


def _opened(journal: Path | None) -> sqlite3.Connection:
    import sqlite3

    if journal is not None:
        try:
            os.close(os.open(journal, os.O_CREAT | os.O_RDWR, 0o600))
        except OSError as error:
            raise FloraError(f"the journal cannot be used: {journal}: {error.strerror}") from None
    database = sqlite3.connect(
        journal or ":memory:", timeout=30, isolation_level=None, check_same_thread=False
    )
    try:
        if journal is not None:
            database.execute("pragma journal_mode = wal")
            database.execute("pragma synchronous = full")
        database.executescript(_TABLE)
        database.execute(
            "delete from creates where began < ? and state <> 'lost'",
            (time.time() - _KEPT,),
        )
    except sqlite3.Error:
        database.close()
        raise
    return database


_WITHOUT_PROCESS: Mapping[State, State] = {"sent": "unclear", "accepted": "lost"}


def _is_dead(create: Create) -> bool:
    """Whether a create that is under way will never hear an answer."""
    if create.state not in _WITHOUT_PROCESS or create.process == os.getpid():
        return False
    if time.time() - create.began > _LONGEST_FLIGHT:
        return True
    try:
        if os.name == "posix":
            os.kill(create.process, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        pass
    return False
