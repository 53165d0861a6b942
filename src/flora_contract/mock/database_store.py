"""State in a database: runs are written once, when they are created, and never changed.

Credits, idempotency keys and runs of one create are committed together, before the create is
answered.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

import orjson

from flora_contract.errors import InputError
from flora_contract.mock.catalogue import Account, account, plain
from flora_contract.mock.database import first_line
from flora_contract.mock.runs import Run, RunIds
from flora_contract.mock.schema import EMPTIED_BY_RESET, statements
from flora_contract.mock.store import (
    KEPT_EXCHANGES,
    KEY_LIFE,
    Draft,
    DuplicateKeyError,
    Filters,
    NoCreditsError,
    World,
    new_run,
    refill,
    strikes,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flora_contract.mock.database import Database, Row
    from flora_contract.mock.exchange import Exchange

_CACHED_RUNS: Final = 4096
_COLUMNS: Final = (
    "seq, account, workspace_id, project_id, type, model_id, prompt, outcome, cost,"
    " created_at, started_at, completed_at"
)


class DatabaseStore:
    """The state of a mock in a database that others may share."""

    def __init__(
        self,
        database: Database,
        accounts: dict[str, Account],
        seed: int,
        run_seconds: float,
        rate_limit: float | None,
    ) -> None:
        self._db = database
        self._initial = accounts
        self._duration = round(run_seconds * 1000)
        self._rate = rate_limit
        self._runs: dict[int, Run] = {}
        self._now = 0
        try:
            with database.setup():
                for statement in statements(database.types):
                    database.rows(statement)
                self._create_world(seed)
                self.world = self._read_world()
        except database.error as error:
            raise InputError(
                f"--state: {database.name} holds no state of a mock: {first_line(error)};"
                " name another"
            ) from None
        self._ids = RunIds(self.world.seed)

    def close(self) -> None:
        self._db.close()

    # The world

    def refresh(self) -> None:
        """See what other processes have changed: to be called before each request."""
        version = self._db.rows("SELECT version FROM world")[0][0]
        if version != self.world.version:
            before, self.world = self.world, self._read_world()
            self._runs.clear()
            if self.world.clock_offset < before.clock_offset:  # there has been a reset
                self._now = 0

    def now(self) -> int:
        """Epoch milliseconds by the mock's clock, which never goes back in one process."""
        self._now = max(self._now, int(time.time() * 1000) + self.world.clock_offset)
        return self._now

    def advance(self, seconds: float) -> int:
        """Move the clock of every process on; gives what it says then."""
        with self._db.transaction():
            self._change("clock_offset = clock_offset + ?", round(seconds * 1000))
        return self.now()

    def set_faults(self, rules: list[dict[str, Any]]) -> None:
        with self._db.transaction():
            self._db.empty(["draws"])
            self._change("faults = ?", orjson.dumps(rules).decode())

    def put_account(self, new: Account) -> None:
        """Add an account, or give one other credits and workspaces."""
        with self._db.transaction():
            accounts = {**self._read_world().accounts, new.key: new}
            self._db.rows(
                "INSERT INTO balances VALUES (?, ?, ?, 0) ON CONFLICT (account)"
                " DO UPDATE SET credits = excluded.credits",
                (new.key, new.credits, self._rate or 0),
            )
            self._db.rows("DELETE FROM refunds WHERE account = ?", (new.key,))
            self._change("accounts = ?", _dump_accounts(accounts))

    def reset(self) -> None:
        """Back to the start: no runs, first accounts, no faults, the clock right."""
        with self._db.setup():
            self._db.empty(EMPTIED_BY_RESET)
            self._add_balances(self._initial.values())
            self._change(
                "clock_offset = 0, faults = '[]', accounts = ?", _dump_accounts(self._initial)
            )
        self._runs.clear()
        self._now = 0

    # Runs

    def create(self, draft: Draft) -> Run:
        """Make a run and pay for it, or make nothing.

        Raises DuplicateKeyError, NoCreditsError or TooFastError, in this order of checks.
        """
        with self._db.transaction():
            now = self.now()
            funds = self._settle(draft.account, now)
            if draft.key:
                self._use_key(draft, now)
            if funds < draft.model.cost:
                raise NoCreditsError
            if self._rate is not None:
                self._spend_token(draft.account, now)
            self._db.rows(
                "UPDATE balances SET credits = ? WHERE account = ?",
                (funds - draft.model.cost, draft.account),
            )
            return self._insert(draft, now)

    def run(self, run_id: str) -> Run | None:
        seq = self._ids.decode(run_id)
        if seq is None:
            return None
        return self._runs.get(seq) or next(iter(self._fetch([seq])), None)

    def page(
        self, filters: Filters, before: tuple[int, int] | None, limit: int, now: int
    ) -> list[Run]:
        """Runs newest first, older than `before` (created_at, seq), as they are at `now`."""
        column, value = filters.scope()
        where = [f"{column} = ?"]
        values: list[str | int] = [value]
        created, seq = "created_at", "seq"
        if filters.status in {"completed", "failed"}:
            where += [
                "fails = ?",
                "completed_at + 0 <= ?",
            ]  # a sum, so that the index is one by age
            values += [int(filters.status == "failed"), now]
        elif filters.status:
            # Few runs are unfinished: found by when they end, whatever else is stored. The sums
            # keep the order from choosing the index.
            created, seq = "created_at + 0", "seq + 0"
            where += ["account = ?", "completed_at > ?"]
            where.append("started_at > ?" if filters.status == "pending" else "started_at <= ?")
            values += [filters.account, now, now]
        if before is not None:
            where.append(f"({created}, {seq}) < (?, ?)")
            values += before
        rows = self._db.rows(
            f"SELECT seq FROM runs WHERE {' AND '.join(where)}"  # noqa: S608 - our own columns
            f" ORDER BY {created} DESC, {seq} DESC LIMIT ?",
            [*values, limit],
        )
        return self._fetch([row[0] for row in rows])

    def recent(self, number: int) -> list[Run]:
        """The newest runs of all accounts."""
        rows = self._db.rows("SELECT seq FROM runs ORDER BY seq DESC LIMIT ?", [number])
        return self._fetch([row[0] for row in rows])

    def counts(self) -> dict[str, int]:
        """How many runs there are in each status, of all accounts."""
        found = dict.fromkeys(("pending", "running", "completed", "failed"), 0)
        now = self.now()
        for key in self.world.accounts:
            for status in found:
                found[status] += self.total(Filters(key, status=status), now)
        return found

    def total(self, filters: Filters, now: int) -> int:
        """How many runs there are of a kind at `now`."""
        column, value = filters.scope()
        if filters.status in {"pending", "running"}:
            return self._unfinished(filters, filters.status, now)
        where = f"{column} = ?"
        values: list[str | int] = [value]
        if filters.status:
            where += " AND fails = ?"
            values.append(int(filters.status == "failed"))
        rows = self._db.rows(f"SELECT sum(runs) FROM tallies WHERE {where}", values)  # noqa: S608
        total = int(rows[0][0] or 0)
        return total - self._unfinished(filters, filters.status, now) if filters.status else total

    def balance(self, account: str) -> int:
        """Micro-dollars that an account has, with what failed runs gave back."""
        with self._db.transaction():
            return self._settle(account, self.now())

    def spend_token(self, account: str) -> None:
        """Count a request against the account's rate. Raises TooFastError."""
        if self._rate is not None:
            with self._db.transaction():
                self._spend_token(account, self.now())

    # Faults and exchanges

    def draw(self, number: int, rule: dict[str, Any]) -> bool:
        """Whether a fault's rule strikes this time; the same seed gives the same answers."""
        with self._db.transaction():
            self._db.rows(
                "INSERT INTO draws VALUES (?, 0, 0) ON CONFLICT (rule) DO NOTHING", [number]
            )
            counted = f"SELECT seen, fired FROM draws WHERE rule = ?{self._db.for_update}"  # noqa: S608
            seen, fired = self._db.rows(counted, [number])[0]
            struck = strikes(rule, seen, fired)
            self._db.rows(
                "UPDATE draws SET seen = ?, fired = ? WHERE rule = ?",
                (seen + 1, fired + struck, number),
            )
        return struck

    def record(self, exchange: Exchange) -> None:
        """Keep an exchange; the oldest goes when there are many."""
        with self._db.transaction():
            text = orjson.dumps(exchange.plain()).decode()
            seq = self._db.rows(
                "INSERT INTO exchanges (exchange) VALUES (?) RETURNING seq", [text]
            )[0]
            self._db.rows("DELETE FROM exchanges WHERE seq <= ?", [seq[0] - KEPT_EXCHANGES])

    def exchanges(self) -> list[dict[str, Any]]:
        """What was recorded, oldest first."""
        rows = self._db.rows("SELECT exchange FROM exchanges ORDER BY seq")
        return [orjson.loads(row[0]) for row in rows]

    # Inside a transaction

    def _create_world(self, seed: int) -> None:
        found = self._db.rows("SELECT accounts FROM world")
        if not found:
            self._db.rows(
                "INSERT INTO world VALUES (1, 1, ?, 0, ?, '[]')",
                (str(seed), _dump_accounts(self._initial)),
            )
            self._add_balances(self._initial.values())
            return
        known = _load_accounts(found[0][0])
        new = [entry for key, entry in self._initial.items() if key not in known]
        if new:
            known |= {entry.key: entry for entry in new}
            self._add_balances(new)
            self._db.rows(
                "UPDATE world SET version = version + 1, accounts = ?", [_dump_accounts(known)]
            )

    def _read_world(self) -> World:
        version, seed, offset, accounts, faults = self._db.rows(
            "SELECT version, seed, clock_offset, accounts, faults FROM world"
        )[0]
        return World(version, int(seed), offset, _load_accounts(accounts), orjson.loads(faults))

    def _change(self, assignment: str, *values: Any) -> None:
        self._db.rows(
            f"UPDATE world SET version = version + 1, {assignment}",  # noqa: S608 - our own text
            values,
        )
        self.world = self._read_world()

    def _add_balances(self, accounts: Any) -> None:
        for entry in accounts:
            self._db.rows(
                "INSERT INTO balances VALUES (?, ?, ?, 0)",
                (entry.key, entry.credits, self._rate or 0),
            )

    def _settle(self, account: str, now: int) -> int:
        """Give back what runs cost that have failed by now; what the account has then."""
        funds: int = self._db.rows(
            f"SELECT credits FROM balances WHERE account = ?{self._db.for_update}",  # noqa: S608
            [account],
        )[0][0]
        due = self._db.rows(
            "SELECT sum(credits) FROM refunds WHERE account = ? AND due_at <= ?", (account, now)
        )[0][0]
        if due:
            funds += int(due)
            self._db.rows("DELETE FROM refunds WHERE account = ? AND due_at <= ?", (account, now))
            self._db.rows("UPDATE balances SET credits = ? WHERE account = ?", (funds, account))
        return funds

    def _use_key(self, draft: Draft, now: int) -> None:
        used = self._db.rows(
            "INSERT INTO keys VALUES (?, ?, ?, ?) ON CONFLICT (account, operation, key)"
            " DO UPDATE SET used_at = excluded.used_at WHERE keys.used_at <= ? RETURNING 1",
            (draft.account, draft.operation, draft.key, now, now - KEY_LIFE),
        )
        if not used:
            raise DuplicateKeyError
        # Two for one that is added, so that keys that expire at once are gone in time.
        self._db.rows(
            "DELETE FROM keys WHERE account = ? AND (operation, key) IN (SELECT operation, key"
            " FROM keys WHERE account = ? AND used_at <= ? ORDER BY used_at LIMIT 2)",
            (draft.account, draft.account, now - KEY_LIFE),
        )

    def _spend_token(self, account: str, now: int) -> None:
        assert self._rate is not None
        tokens, refilled = self._db.rows(
            f"SELECT tokens, refilled_at FROM balances WHERE account = ?{self._db.for_update}",  # noqa: S608
            [account],
        )[0]
        tokens = refill(tokens, refilled, now, self._rate)
        self._db.rows(
            "UPDATE balances SET tokens = ?, refilled_at = ? WHERE account = ?",
            (tokens - 1, now, account),
        )

    def _insert(self, draft: Draft, now: int) -> Run:
        run = new_run(draft, now, self._duration)
        fails = int(run.error is not None)
        run.seq = self._db.rows(
            "INSERT INTO runs (account, workspace_id, project_id, type, model_id, prompt, outcome,"
            " fails, cost, created_at, started_at, completed_at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING seq",
            (
                run.account,
                run.workspace_id,
                run.project_id,
                run.type,
                run.model_id,
                # Text columns of PostgreSQL cannot hold a NUL, and a prompt may.
                run.prompt.encode(),
                orjson.dumps(run.error or run.outputs).decode(),
                fails,
                run.cost,
                run.created_at,
                run.started_at,
                run.completed_at,
            ),
        )[0][0]
        run.run_id = self._ids.encode(run.seq)
        self._db.rows(
            "INSERT INTO tallies VALUES (?, ?, ?, ?, 1)"
            " ON CONFLICT (account, workspace_id, project_id, fails)"
            " DO UPDATE SET runs = tallies.runs + 1",
            (run.account, run.workspace_id, run.project_id, fails),
        )
        if fails:
            self._db.rows(
                "INSERT INTO refunds VALUES (?, ?, ?)", (run.account, run.completed_at, run.cost)
            )
        return run

    # Reading

    def _fetch(self, seqs: Sequence[int]) -> list[Run]:
        missing = [seq for seq in seqs if seq not in self._runs]
        if missing:
            if len(self._runs) > _CACHED_RUNS:
                self._runs.clear()
                missing = list(seqs)
            marks = ", ".join("?" * len(missing))
            rows = self._db.rows(
                f"SELECT {_COLUMNS} FROM runs WHERE seq IN ({marks})",  # noqa: S608 - marks only
                missing,
            )
            self._runs.update((row[0], self._run_of(row)) for row in rows)
        return [self._runs[seq] for seq in seqs if seq in self._runs]

    def _run_of(self, row: Row) -> Run:
        seq, account, workspace, project, kind, model, prompt, outcome, cost, *times = row
        outcome = orjson.loads(outcome)
        failed = isinstance(outcome, dict)
        return Run(
            seq=seq,
            run_id=self._ids.encode(seq),
            account=account,
            workspace_id=workspace,
            project_id=project,
            type=kind,
            model_id=model,
            prompt=bytes(prompt).decode(),
            outputs=() if failed else tuple(outcome),
            error=outcome if failed else None,
            cost=cost,
            created_at=times[0],
            started_at=times[1],
            completed_at=times[2],
        )

    def _unfinished(self, filters: Filters, status: str, now: int) -> int:
        """Runs that have not ended: those pending or running, or to be completed or failed."""
        column, value = filters.scope()
        condition = {
            "pending": ("started_at > ?", now),
            "running": ("started_at <= ?", now),
            "completed": ("fails = ?", 0),
            "failed": ("fails = ?", 1),
        }[status]
        return int(
            self._db.rows(
                "SELECT count(*) FROM runs WHERE account = ? AND completed_at > ?"  # noqa: S608
                f" AND {column} = ? AND {condition[0]}",
                (filters.account, now, value, condition[1]),
            )[0][0]
        )


def _dump_accounts(accounts: dict[str, Account]) -> str:
    return orjson.dumps({key: plain(entry) for key, entry in accounts.items()}).decode()


def _load_accounts(text: str) -> dict[str, Account]:
    return {key: account(key, entry, {}) for key, entry in orjson.loads(text).items()}
