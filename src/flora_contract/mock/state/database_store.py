"""State in a database: an entity is a row, and a row for each list that it belongs to.

What one request writes is committed together, before it is answered.
"""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from dataclasses import replace
from functools import lru_cache
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final

import orjson

from flora_contract.errors import InputError, UnreachableError
from flora_contract.mock.state.clock import Clock
from flora_contract.mock.state.database import first_line
from flora_contract.mock.state.entities import Entity
from flora_contract.mock.state.ids import Ids
from flora_contract.mock.state.store import (
    Account,
    PageQuery,
    World,
    looked_through,
    refill,
    since,
    started,
    strikes,
)
from flora_contract.mock.state.tables import EMPTIED_BY_RESET, statements

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from flora_contract.mock.state.database import Database, Row
    from flora_contract.mock.state.entities import Facet, Selection
    from flora_contract.mock.state.store import Key, Origin, T

AHEAD: Final = 2000
"""Milliseconds that the time which is kept is ahead of the time that has been shown."""

_CACHED: Final = 4096
_BATCH: Final = 500
_COLUMNS: Final = "seq, kind, name, owner, members, created, updated, ended, final, cost, facts"
_INSERT: Final = (
    "INSERT INTO entities (kind, name, owner, sort, members, created, updated, ended, final, cost,"
    " facts) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING seq"
)


class DatabaseStore:
    """The state of a mock in a database that others may share. See `Store` for the methods."""

    def __init__(self, database: Database, origin: Origin) -> None:
        self._db = database
        self._origin = origin
        self._kinds = origin.kinds
        self._rate = origin.rate_limit
        self._clock = Clock()
        self._kept_time = 0
        self._moves_until = 0
        self._looked = False
        self._tallies: dict[Facet, int] = {}
        self._forget()
        try:
            with database.setup():
                for statement in statements(database.types):
                    database.rows(statement)
                self.world = self._first_world()
                self._ids = Ids(self.world.seed)
                self._clock.at_least(database.rows("SELECT high_water FROM clock")[0][0])
                self._add_what_is_new()
                self._moves_until = self._last_end()
        except database.error as error:
            raise InputError(
                f"--state: {database.name} holds no state of a mock: {first_line(error)};"
                " name another"
            ) from None

    def close(self) -> None:
        self._db.close()

    # The world

    def refresh(self) -> None:
        if self._looked:
            return
        self._look()
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return
        # What else came in this turn of the loop was there before the look.
        self._looked = True
        loop.call_soon(self._look_again)

    def tick(self) -> None:
        if self.now() < self._moves_until + 1000:
            self._keep_time()

    def now(self) -> int:
        return self._clock.now() + self.world.clock_offset

    def advance(self, seconds: float) -> int:
        with self._db.transaction():
            self._change("clock_offset = clock_offset + ?", round(seconds * 1000))
        return self.now()

    def set_faults(self, rules: list[dict[str, Any]]) -> None:
        with self._db.transaction():
            self._db.empty(["draws"])
            self._change("faults = ?", orjson.dumps(since(rules, self.now())).decode())

    def put_account(self, new: Account) -> None:
        with self.transaction(new.key, alone=True):
            self._add_balance(new)
            self._db.rows("DELETE FROM refunds WHERE account = ?", (new.key,))
            held = {(entity.kind, entity.id): entity for entity in self._origin.held(new)}
            known = self._fetch_where("owner = ? AND name IS NOT NULL", (new.key,))
            for entity in known:
                if held.pop((entity.kind, entity.id), None) is None:
                    self._take(entity)
            self._start(held.values())
            accounts = {**self._read_world().accounts, new.key: new}
            self._change("accounts = ?", _dump_accounts(accounts))

    def begin_with(self, origin: Origin) -> None:
        self._origin = origin

    def reset(self) -> None:
        self._tallies.clear()
        with self._db.setup():
            self._db.empty(EMPTIED_BY_RESET)
            self._db.rows("UPDATE clock SET resets = resets + 1")
            self._change("clock_offset = 0, accounts = ?", _dump_accounts(self._origin.accounts))
            self._set_first_faults()
            for account in self._origin.accounts.values():
                self._add_balance(account)
            self._start(self._origin.all())

    # Entities

    def attempt(self, function: Callable[..., T], *arguments: Any) -> T:
        return function(*arguments)

    @contextmanager
    def transaction(self, account: str, *, alone: bool = False) -> Iterator[None]:
        self._tallies.clear()
        before = self.world
        try:
            with self._db.transaction():
                self._db.lock(account, alone=alone)
                if alone:
                    self._look()
                yield
        except BaseException as error:
            if self.world is not before:  # it was never committed
                self._forget_world()
            if isinstance(error, self._db.error):
                where = f"--state: {self._db.name}"
                raise UnreachableError(f"{where}: {first_line(error)}") from error
            raise

    def create(self, entity: Entity) -> Entity:
        self._insert(entity)
        return entity

    def get(self, kind: str, id_: str) -> Entity | None:
        seq = self._seqs.get((kind, id_)) or self._ids.decode(self._kinds[kind].form, id_)
        found = self._fetch([seq]) if seq is not None else []
        if not found and "\0" not in id_:  # which no text of PostgreSQL can be compared with
            found = self._fetch_where("kind = ? AND name = ?", (kind, id_))
        return next((e for e in found if (e.kind, e.id) == (kind, id_)), None)

    def update(self, entity: Entity, **changes: Any) -> Entity:
        new = replace(entity, **changes)
        self._unlist(entity)
        kind = self._kinds[new.kind]
        self._db.rows(
            "UPDATE entities SET members = ?, facts = ?, updated = ?, sort = ? WHERE seq = ?",
            (
                orjson.dumps(new.members),
                orjson.dumps(new.facts),
                new.updated,
                kind.position(new)[0],
                new.seq,
            ),
        )
        self._enlist(new)
        self._change("clock_offset = clock_offset")
        return new

    def delete(self, entity: Entity) -> None:
        self._take(entity)
        self._change("clock_offset = clock_offset")

    def page(self, selection: Selection, page: PageQuery, now: int) -> list[Entity]:
        if selection.is_facet:
            return self._page(selection, page, now)
        return looked_through(self._scan(selection, page, now), page)

    def total(self, selection: Selection, now: int) -> int:
        if not selection.is_facet:
            return sum(1 for _ in self._scan(selection, PageQuery(), now))
        steps = self._kinds[selection.kind].steps
        if not selection.state or steps is None:
            return 0 if selection.state else self._tally(selection.facet)
        unfinished = self._unfinished(selection, now)
        if selection.state not in steps.order[-1]:
            return self._count(*unfinished)
        sql, values = unfinished
        going = self._count(f"{sql} AND e.final = ?", [*values, selection.state])
        return self._tally((*selection.facet[:3], selection.state)) - going

    def recent(self, number: int) -> list[Entity]:
        rows = self._db.rows(
            "SELECT seq FROM entities WHERE final <> '' ORDER BY seq DESC LIMIT ?", [number]
        )
        return self._fetch([row[0] for row in rows])

    # Keys, credits, rate

    def used(self, key: Key, now: int) -> bytes | None:
        rows = self._db.rows(
            "SELECT answer FROM keys WHERE account = ? AND operation = ? AND key = ? AND until > ?",
            (*key, now),
        )
        return bytes(rows[0][0]) if rows else None

    def use(self, key: Key, now: int, until: int, answer: bytes) -> None:
        self._db.rows(
            "INSERT INTO keys VALUES (?, ?, ?, ?, ?) ON CONFLICT (account, operation, key)"
            " DO UPDATE SET until = excluded.until, answer = excluded.answer",
            (*key, until, answer),
        )
        # Two for one that is added, so that keys that expire at once are gone in time.
        self._db.rows(
            "DELETE FROM keys WHERE account = ? AND (operation, key) IN (SELECT operation, key"
            " FROM keys WHERE account = ? AND until <= ? ORDER BY until LIMIT 2)",
            (key[0], key[0], now),
        )

    def funds(self, account: str, now: int) -> int:
        return sum(self._funds(account, now))

    def balance(self, account: str, now: int) -> int:
        paid, due = self._funds(account, now)
        if due:
            self._db.rows("DELETE FROM refunds WHERE account = ? AND due_at <= ?", (account, now))
            self._db.rows(
                "UPDATE balances SET credits = credits + ? WHERE account = ?", (due, account)
            )
        return paid + due

    def _funds(self, account: str, now: int) -> tuple[int, int]:
        """What an account has, and what is due to it."""
        (paid, due), *_ = self._db.rows(
            "SELECT credits, (SELECT sum(credits) FROM refunds WHERE account = ? AND due_at <= ?)"
            " FROM balances WHERE account = ?",
            (account, now, account),
        )
        return paid, int(due or 0)

    def pay(self, account: str, cost: int, refunded_at: int | None = None) -> None:
        self._db.rows(
            "UPDATE balances SET credits = credits - ? WHERE account = ?", (cost, account)
        )
        if refunded_at is not None:
            self._db.rows("INSERT INTO refunds VALUES (?, ?, ?)", (account, refunded_at, cost))

    def spend_token(self, account: str) -> None:
        if self._rate is None:
            return
        now = self.now()
        tokens, refilled = self._db.rows(
            "SELECT tokens, refilled_at FROM balances WHERE account = ?", [account]
        )[0]
        tokens = refill(tokens, refilled, now, self._rate)
        self._db.rows(
            "UPDATE balances SET tokens = ?, refilled_at = ? WHERE account = ?",
            (tokens - 1, now, account),
        )

    # Faults

    def draw(self, number: int, rule: dict[str, Any]) -> bool:
        with self._db.transaction():
            self._db.rows(
                "INSERT INTO draws VALUES (?, 0, 0) ON CONFLICT (rule) DO NOTHING", [number]
            )
            (seen, fired), *_ = self._db.rows(
                "UPDATE draws SET seen = seen + 1 WHERE rule = ? RETURNING seen - 1, fired",
                [number],
            )
            struck = strikes(rule, seen, fired)
            if struck:
                self._db.rows("UPDATE draws SET fired = fired + 1 WHERE rule = ?", [number])
        return struck

    def fired(self) -> dict[int, int]:
        return {row[0]: row[1] for row in self._db.rows("SELECT rule, fired FROM draws")}

    # The world, inside a transaction

    def _first_world(self) -> World:
        """The world that is there, or a new one without anything in it."""
        if not self._db.rows("SELECT 1 FROM world"):
            seed = str(self._origin.seed)
            self._db.rows("INSERT INTO world VALUES (1, 0, ?, 0, '{}', '[]')", [seed])
        self._db.rows("INSERT INTO clock VALUES (1, 0, 0) ON CONFLICT (id) DO NOTHING")
        return self._read_world()

    def _add_what_is_new(self) -> None:
        """Accounts that the world does not know, and if it is new, everything."""
        origin, known = self._origin, self.world.accounts
        new = {key: account for key, account in origin.accounts.items() if key not in known}
        entities = [entity for account in new.values() for entity in origin.held(account)]
        if self.world.version == 0:
            entities = list(origin.all())
            self._set_first_faults()
        if new or entities:
            for account in new.values():
                self._add_balance(account)
            self._start(entities)
            self._change("accounts = ?", _dump_accounts({**known, **new}))

    def _set_first_faults(self) -> None:
        self._change("faults = ?", orjson.dumps(since(self._origin.faults, self.now())).decode())

    def _read_world(self) -> World:
        (version, seed, offset, accounts, faults, resets), *_ = self._db.rows(
            "SELECT version, seed, clock_offset, accounts, faults, resets FROM world, clock"
        )
        faults = orjson.loads(faults)
        return World(version, int(seed), offset, _load_accounts(accounts), faults, resets)

    def _look(self) -> None:
        """See the world as it is, and a time that another process has shown."""
        if not self._db.changed() and self.world.version >= 0:
            return
        self._tallies.clear()
        (version, time), *_ = self._db.rows("SELECT version, high_water FROM world, clock")
        self._clock.at_least(time - AHEAD)
        if version != self.world.version:
            self.world = self._read_world()
            self._forget()

    def _look_again(self) -> None:
        self._looked = False

    def _forget_world(self) -> None:
        self.world = replace(self.world, version=-1)
        self._looked = False

    def _last_end(self) -> int:
        """When the last of all entities ends."""
        owners = ["", *self.world.accounts]
        found = [
            self._db.rows(
                "SELECT max(ended) FROM entities WHERE kind = ? AND owner = ?", (kind, owner)
            )[0][0]
            for kind in self._kinds
            for owner in owners
        ]
        return max((end for end in found if end is not None), default=0)

    def _keep_time(self) -> None:
        """Keep a time that is a little ahead: none after it is shown before it is kept again."""
        now = self._clock.now() + AHEAD
        self._db.rows("UPDATE clock SET high_water = ? WHERE high_water < ?", (now, now))
        self._kept_time = now

    def _change(self, assignment: str, *values: Any) -> None:
        self._db.rows(
            f"UPDATE world SET version = version + 1, {assignment}",  # noqa: S608 - our own text
            values,
        )
        self.world = self._read_world()
        self._forget()

    def _add_balance(self, account: Account) -> None:
        self._db.rows(
            "INSERT INTO balances VALUES (?, ?, ?, 0) ON CONFLICT (account)"
            " DO UPDATE SET credits = excluded.credits",
            (account.key, account.credits, self._rate or 0),
        )

    # Rows of entities, inside a transaction

    def _start(self, entities: Iterable[Entity]) -> None:
        now = self.now()
        for entity in entities:
            self._insert(started(entity, now))

    def _insert(self, entity: Entity) -> None:
        kind = self._kinds[entity.kind]
        self._moves(entity)
        entity.seq = self._db.rows(
            _INSERT,
            (
                entity.kind,
                entity.id or None,
                entity.owner,
                kind.position(entity)[0],
                orjson.dumps(entity.members),
                entity.created,
                entity.updated,
                entity.ended,
                entity.final,
                entity.cost,
                orjson.dumps(entity.facts),
            ),
        )[0][0]
        entity.id = entity.id or self._ids.encode(kind.form, entity.seq)
        self._enlist(entity)

    def _moves(self, entity: Entity) -> None:
        """Time is kept for as long as something is on its way."""
        self._moves_until = max(self._moves_until, entity.ended)
        if self._clock.now() > self._kept_time - AHEAD // 2:
            self._keep_time()

    def _take(self, entity: Entity) -> None:
        self._unlist(entity)
        self._db.rows("DELETE FROM entities WHERE seq = ?", [entity.seq])

    def _facets(self, entity: Entity) -> list[int]:
        """Each once, in one order for all, so that no two transactions wait for each other."""
        kind = self._kinds[entity.kind]
        character = kind.character(entity)
        found = self._numbers.get(character)
        if found is None:
            found = sorted({number_of(facet) for facet in kind.facets(character)})
            self._numbers[character] = found
        return found

    def _enlist(self, entity: Entity) -> None:
        facets = self._facets(entity)
        sort, _ = self._kinds[entity.kind].position(entity)
        marks = ", ".join(["(?, ?, ?, ?)"] * len(facets))
        values = [value for facet in facets for value in (facet, sort, entity.seq, entity.ended)]
        self._db.rows(f"INSERT INTO facets VALUES {marks}", values)  # noqa: S608 - marks only
        marks = ", ".join(["(?, 1)"] * len(facets))
        self._db.rows(
            f"INSERT INTO tallies VALUES {marks} ON CONFLICT (facet)"  # noqa: S608 - marks only
            " DO UPDATE SET number = tallies.number + 1",
            facets,
        )

    def _unlist(self, entity: Entity) -> None:
        sort, _ = self._kinds[entity.kind].position(entity)
        for facet in self._facets(entity):
            self._db.rows(
                "DELETE FROM facets WHERE facet = ? AND sort = ? AND seq = ?",
                (facet, sort, entity.seq),
            )
            self._db.rows("UPDATE tallies SET number = number - 1 WHERE facet = ?", [facet])

    # Reading

    def _page(self, selection: Selection, page: PageQuery, now: int) -> list[Entity]:
        steps, state = self._kinds[selection.kind].steps, selection.state
        values: list[Any]
        if not state:
            sql, values = "FROM facets e WHERE e.facet = ?", [number_of(selection.facet)]
        elif steps is None:
            return []
        elif state in steps.order[-1]:
            # A sum, so that no index of it is chosen: those that have not ended are few.
            sql = "FROM facets e WHERE e.facet = ? AND e.ended + 0 <= ?"
            values = [number_of((*selection.facet[:3], state)), now]
        else:
            sql, values = self._unfinished(selection, now)
        direction, after = ("DESC", "<") if page.descending else ("ASC", ">")
        if page.after is not None:
            sql += f" AND (e.sort, e.seq) {after} (?, ?)"
            values += page.after
        rows = self._db.rows(
            f"SELECT e.seq {sql} ORDER BY e.sort {direction}, e.seq {direction} LIMIT ? OFFSET ?",
            [*values, (1 << 62) if page.limit is None else page.limit, page.offset],
        )
        return self._fetch([row[0] for row in rows])

    def _unfinished(self, selection: Selection, now: int) -> tuple[str, list[Any]]:
        """Entities that have not ended: those in a state, or all if it is final.

        They are few: found by when they end, whatever else is stored.
        """
        steps = self._kinds[selection.kind].steps
        assert steps is not None
        sql = (
            "FROM entities e CROSS JOIN facets f WHERE e.kind = ? AND e.owner = ? AND e.ended > ?"
            " AND f.facet = ? AND f.sort = e.sort AND f.seq = e.seq"
        )
        values = [selection.kind, selection.owner, now, number_of(selection.facet)]
        step = steps.rank(selection.state)
        if step < len(steps.order) - 1:
            begins = "e.created + (e.ended - e.created) * ? / 1000"
            sql += f" AND {begins} <= ? AND {begins} > ?"
            values += [steps.shares[step], now, steps.shares[step + 1], now]
        return sql, values

    def _scan(self, selection: Selection, page: PageQuery, now: int) -> Iterator[Entity]:
        """All that is selected, where no list holds just that."""
        kind = self._kinds[selection.kind]
        wide = selection._replace(equal=selection.equal[:2], contain=())
        after = page.after
        while True:
            found = self._page(wide, PageQuery(after, 0, _BATCH, page.descending), now)
            yield from (entity for entity in found if kind.passes(entity, selection))
            if len(found) < _BATCH:
                return
            after = kind.position(found[-1])

    def _count(self, sql: str, values: Sequence[Any]) -> int:
        return int(self._db.rows(f"SELECT count(*) {sql}", values)[0][0])

    def _tally(self, facet: Facet) -> int:
        known = self._tallies.get(facet)
        if known is None:
            rows = self._db.rows("SELECT number FROM tallies WHERE facet = ?", [number_of(facet)])
            known = self._tallies[facet] = int(rows[0][0]) if rows else 0
        return known

    def _fetch(self, seqs: Sequence[int]) -> list[Entity]:
        # Another request may let all be forgotten while this one waits for the database.
        known = self._entities
        found = {seq: known[seq] for seq in seqs if seq in known}
        if len(found) < len(seqs):
            found |= self._fetch_new([seq for seq in seqs if seq not in found])
        return [found[seq] for seq in seqs if seq in found]

    def _fetch_new(self, seqs: Sequence[int]) -> dict[int, Entity]:
        return {
            entity.seq: entity
            for start in range(0, len(seqs), _BATCH)
            for entity in self._fetch_where(*self._db.among("seq", seqs[start : start + _BATCH]))
        }

    def _fetch_where(self, condition: str, values: Sequence[Any]) -> list[Entity]:
        if len(self._entities) > _CACHED:
            self._forget()
        entities, seqs = self._entities, self._seqs
        rows = self._db.rows(f"SELECT {_COLUMNS} FROM entities WHERE {condition}", values)  # noqa: S608
        found = [self._entity(row) for row in rows]
        for entity in found:
            entities[entity.seq] = entity
            seqs[entity.kind, entity.id] = entity.seq
        return found

    def _entity(self, row: Row) -> Entity:
        seq, kind, name, owner, members, created, updated, ended, final, cost, facts = row
        return Entity(
            kind=kind,
            owner=owner,
            members=orjson.loads(bytes(members)),
            id=name or self._ids.encode(self._kinds[kind].form, seq),
            created=created,
            updated=updated,
            ended=ended,
            final=final,
            cost=cost,
            facts=orjson.loads(bytes(facts)),
            seq=seq,
        )

    def _forget(self) -> None:
        """What is cached: by number, and numbers by id."""
        self._entities: dict[int, Entity] = {}
        self._seqs: dict[tuple[str, str], int] = {}
        self._numbers: dict[tuple[Any, ...], list[int]] = {}


@lru_cache(maxsize=65_536)
def number_of(facet: Facet) -> int:
    """A facet as a column holds it."""
    digest = blake2b(orjson.dumps(facet), digest_size=8).digest()
    return int.from_bytes(digest, signed=True)


def _dump_accounts(accounts: Mapping[str, Account]) -> str:
    plain = {key: {"credits": a.credits, "holds": a.holds} for key, a in accounts.items()}
    return orjson.dumps(plain).decode()


def _load_accounts(text: str) -> dict[str, Account]:
    return {key: Account(key, **entry) for key, entry in orjson.loads(text).items()}
