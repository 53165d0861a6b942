"""State in PostgreSQL: what several requests ask and create at once goes there in one statement.

A create goes without asking first: the statement that writes it does nothing unless the world is
as it was seen, the key is unused and there are credits enough. Where it does nothing, each request
of it is done again on its own, in a transaction that asks.
"""

from __future__ import annotations

from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import orjson

from flora_contract.mock.state.database_store import DatabaseStore, number_of
from flora_contract.mock.state.entities import MICROS
from flora_contract.mock.state.store import started
from flora_contract.mock.state.waiting import Together, current

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from flora_contract.mock.state.entities import Entity, Facet
    from flora_contract.mock.state.postgresql import PostgreSQL
    from flora_contract.mock.state.store import Account, Key, Origin, T

_FEW_CREDITS: Final = 10 * MICROS
"""Of an account that has less, the balance is looked at before it is charged."""

_ENOUGH: Final = 1 << 62

_REPEATED: Final = 10_000
"""Keys that have been used twice, and are looked for at once when they come again."""

_NUMBERS: Final = 64
"""Numbers of entities that are taken at once."""

_BULK: Final = 2000

_NEXT_NUMBERS: Final = (
    "SELECT nextval(pg_get_serial_sequence('entities', 'seq')) FROM generate_series(1, ?)"
    " ORDER BY 1 DESC"
)

_MADE: Final = """
made AS (
  INSERT INTO entities
    (seq, kind, name, owner, sort, members, created, updated, ended, final, cost, facts)
  SELECT * FROM unnest(?::bigint[], ?::text[], ?::text[], ?::text[], ?::bytea[], ?::bytea[],
    ?::bigint[], ?::bigint[], ?::bigint[], ?::text[], ?::bigint[], ?::bytea[])),
listed AS (
  INSERT INTO facets SELECT * FROM unnest(?::bigint[], ?::bytea[], ?::bigint[], ?::bigint[])),
counted AS (
  INSERT INTO tallies SELECT * FROM unnest(?::bigint[], ?::bigint[])
  ON CONFLICT (facet) DO UPDATE SET number = tallies.number + excluded.number RETURNING 1)
"""

_WRITE: Final = f"""
WITH seen AS (SELECT 1 FROM world WHERE version = ?),
{_MADE},
owed AS (INSERT INTO refunds SELECT * FROM unnest(?::text[], ?::bigint[], ?::bigint[])),
used AS (
  INSERT INTO keys SELECT * FROM unnest(?::text[], ?::text[], ?::text[], ?::bigint[], ?::bytea[])
  ON CONFLICT (account, operation, key) DO UPDATE
  SET until = excluded.until, answer = excluded.answer WHERE keys.until <= ? RETURNING 1),
paid AS (
  UPDATE balances SET credits = credits - due.cost
  FROM unnest(?::text[], ?::bigint[]) AS due (account, cost)
  WHERE balances.account = due.account AND credits >= due.cost RETURNING 1)
SELECT 1 / (EXISTS (SELECT FROM seen) AND (SELECT count(*) FROM paid) = ?
  AND (SELECT count(*) FROM counted) = ? AND (SELECT count(*) FROM used) = ?)::int
"""  # noqa: S608 - our own text
"""All or nothing: where something is not as it should be, it divides by zero.

Its rows are locked in the order in which a transaction of one request locks them.
"""


class UncertainError(Exception):
    """It has to be asked before it is written."""


@dataclass
class Writes:
    """What one request writes."""

    version: int
    now: int = 0
    entities: list[Entity] = field(default_factory=list)
    payments: list[tuple[str, int]] = field(default_factory=list)
    refunds: list[tuple[str, int, int]] = field(default_factory=list)
    keys: list[tuple[str, str, str, int, bytes]] = field(default_factory=list)


class PostgreSQLStore(DatabaseStore):
    """See `Store` for the methods. Requests wait for the database side by side."""

    def __init__(self, database: PostgreSQL, origin: Origin) -> None:
        self._look_together: Together[None] = Together(lambda _: self._look())
        self._fetch_together = Together(self._fetch_all)
        self._tally_together = Together(self._tally_all)
        self._write_together = Together(self._write)
        self._few_credits: set[str] = set()
        self._free: list[int] = []
        self._numbered = 0
        self._keys_of: set[str] = set()
        self._repeated: dict[Key, None] = {}
        super().__init__(database, origin)

    def refresh(self) -> None:
        self._look_together(None)

    def attempt(self, function: Callable[..., T], *arguments: Any) -> T:
        if self._rate is not None:
            return function(*arguments)
        waiter = current()
        writes = waiter.writes = Writes(self.world.version)
        try:
            given = function(*arguments)
            self._write_together(writes)
        except (UncertainError, self._db.error):
            waiter.writes = None
            self.refresh()
            return function(*arguments)
        finally:
            waiter.writes = None
        return given

    @contextmanager
    def transaction(self, account: str, *, alone: bool = False) -> Iterator[None]:
        if current().writes is None:
            with super().transaction(account, alone=alone):
                yield
        elif account in self._few_credits:
            raise UncertainError
        else:
            yield

    def put_account(self, new: Account) -> None:
        super().put_account(new)
        self._few_credits.discard(new.key)

    def tick(self) -> None:
        super().tick()
        if self._keys_of:
            accounts, self._keys_of = [*self._keys_of], set()
            self._db.rows(
                "DELETE FROM keys WHERE account = ANY(?) AND until <= ?", [accounts, self.now()]
            )

    # What is read together, or for itself

    def _fetch_new(self, seqs: Sequence[int]) -> dict[int, Entity]:
        if current().connection is not None:
            return super()._fetch_new(seqs)
        found: dict[int, Entity] = self._fetch_together(seqs)
        return found

    def _fetch_all(self, asked: list[Sequence[int]]) -> dict[int, Entity]:
        return super()._fetch_new(sorted({seq for seqs in asked for seq in seqs}))

    def _tally(self, facet: Facet) -> int:
        number = number_of(facet)
        found: dict[int, int] = self._tally_together(number)
        return found.get(number, 0)

    def _tally_all(self, facets: list[int]) -> dict[int, int]:
        sql = "SELECT facet, number FROM tallies WHERE facet = ANY(?)"
        return {row[0]: row[1] for row in self._db.rows(sql, [facets])}

    # What is written together, or for itself

    def create(self, entity: Entity) -> Entity:
        writes: Writes | None = current().writes
        if writes is None:
            return super().create(entity)
        entity.seq = self._next_number()
        entity.id = entity.id or self._ids.encode(self._kinds[entity.kind].form, entity.seq)
        writes.entities.append(entity)
        return entity

    def used(self, key: Key, now: int) -> bytes | None:
        if current().writes is not None:
            if key in self._repeated:
                raise UncertainError
            return None
        found = super().used(key, now)
        if found is not None:
            self._repeated[key] = None
            if len(self._repeated) > _REPEATED:
                self._repeated.pop(next(iter(self._repeated)))
        return found

    def use(self, key: Key, now: int, until: int, answer: bytes) -> None:
        writes: Writes | None = current().writes
        if writes is None:
            super().use(key, now, until, answer)
        else:
            writes.now = now
            writes.keys.append((*key, until, answer))

    def balance(self, account: str, now: int) -> int:
        if current().writes is not None:
            return _ENOUGH  # the statement will tell
        found = super().balance(account, now)
        (self._few_credits.add if found < _FEW_CREDITS else self._few_credits.discard)(account)
        return found

    def pay(self, account: str, cost: int, refunded_at: int | None = None) -> None:
        writes: Writes | None = current().writes
        if writes is None:
            super().pay(account, cost, refunded_at)
            return
        writes.payments.append((account, cost))
        if refunded_at is not None:
            writes.refunds.append((account, refunded_at, cost))

    def _next_number(self) -> int:
        if self._numbered != self.world.resets:
            self._numbered = self.world.resets
            self._free = []
        while not self._free:
            rows = self._db.rows(_NEXT_NUMBERS, [_NUMBERS])
            self._free = [row[0] for row in rows] + self._free
        return self._free.pop()

    def _start(self, entities: Iterable[Entity]) -> None:
        now = self.now()
        begun = [started(entity, now) for entity in entities]
        for start in range(0, len(begun), _BULK):
            some = begun[start : start + _BULK]
            numbers = self._db.rows(_NEXT_NUMBERS, [len(some)])
            for entity, (number,) in zip(some, reversed(numbers), strict=True):
                entity.seq = number
                entity.id = entity.id or self._ids.encode(self._kinds[entity.kind].form, number)
            rows, facets, tallies = self._rows(some)
            values = [*_columns(rows, 12), *_columns(facets, 4), *_columns(tallies, 2)]
            self._db.rows(f"WITH {_MADE} SELECT 1", values)

    def _write(self, group: list[Writes]) -> None:
        if len({writes.version for writes in group}) > 1:
            raise UncertainError
        rows, facets, tallies = self._rows(
            [entity for writes in group for entity in writes.entities]
        )
        costs: Counter[str] = Counter()
        for writes in group:
            for account, cost in writes.payments:
                costs[account] += cost
        refunds = [refund for writes in group for refund in writes.refunds]
        keys = sorted(key for writes in group for key in writes.keys)
        self._keys_of.update(key[0] for key in keys)
        self._db.rows(
            _WRITE,
            [
                group[0].version,
                *_columns(rows, 12),
                *_columns(facets, 4),
                *_columns(tallies, 2),
                *_columns(refunds, 3),
                *_columns(keys, 5),
                max(writes.now for writes in group),
                *_columns(sorted(costs.items()), 2),
                len(costs),
                len(tallies),
                len(keys),
            ],
        )

    def _rows(self, entities: list[Entity]) -> tuple[list[Any], list[Any], list[tuple[int, int]]]:
        """Rows of entities, of the lists that they belong to, and what these grow by."""
        tallies: Counter[int] = Counter()
        rows, facets = [], []
        for entity in entities:
            self._moves(entity)
            kind = self._kinds[entity.kind]
            sort, _ = kind.position(entity)
            rows.append(
                (
                    entity.seq,
                    entity.kind,
                    entity.id if entity.id != self._ids.encode(kind.form, entity.seq) else None,
                    entity.owner,
                    sort,
                    orjson.dumps(entity.members),
                    entity.created,
                    entity.updated,
                    entity.ended,
                    entity.final,
                    entity.cost,
                    orjson.dumps(entity.facts),
                )
            )
            for facet in self._facets(entity):
                tallies[facet] += 1
                facets.append((facet, sort, entity.seq, entity.ended))
        return rows, facets, sorted(tallies.items())


def _columns(rows: list[Any], number: int) -> list[list[Any]]:
    """Rows as PostgreSQL takes many of them: a list for each column."""
    return [list(column) for column in zip(*rows, strict=True)] if rows else [[]] * number
