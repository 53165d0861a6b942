"""What the mock remembers when nobody names a state: plain lists and dicts, by the same rules.

Every run of a mock takes equally long and its clock never goes back, so that runs in the order
of their creation are also in the order in which they start and end: whatever a page asks for is
a slice, found by bisection, of a list that exists already.
"""

from __future__ import annotations

import time
from bisect import bisect_left, bisect_right
from collections import OrderedDict, defaultdict, deque
from dataclasses import replace
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final

from flora_contract.mock.runs import RunIds
from flora_contract.mock.store import (
    KEPT_EXCHANGES,
    KEY_LIFE,
    DuplicateKeyError,
    Filters,
    NoCreditsError,
    World,
    new_run,
    refill,
    strikes,
)

if TYPE_CHECKING:
    from flora_contract.mock.catalogue import Account
    from flora_contract.mock.exchange import Exchange
    from flora_contract.mock.runs import Run
    from flora_contract.mock.store import Draft

_FAILS: Final = {"completed": False, "failed": True}
_seq, _started, _ended = map(attrgetter, ("seq", "started_at", "completed_at"))


class MemoryStore:
    """The state of one mock in one process, gone with it. See `Store` for what the methods do."""

    def __init__(
        self,
        accounts: dict[str, Account],
        seed: int,
        run_seconds: float,
        rate_limit: float | None,
    ) -> None:
        self._initial = accounts
        self._duration = round(run_seconds * 1000)
        self._rate = rate_limit
        self._ids = RunIds(seed)
        self._exchanges: deque[Exchange] = deque(maxlen=KEPT_EXCHANGES)
        self._now = 0
        self.world = World(1, seed, 0, {}, [])
        self.reset()

    def close(self) -> None:
        """There is nothing to close."""

    # The world

    def refresh(self) -> None:
        """Nobody else changes what is here."""

    def now(self) -> int:
        now = int(time.time() * 1000) + self.world.clock_offset
        if now > self._now:
            self._now = now
        return self._now

    def advance(self, seconds: float) -> int:
        self._change(clock_offset=self.world.clock_offset + round(seconds * 1000))
        return self.now()

    def set_faults(self, rules: list[dict[str, Any]]) -> None:
        self._draws.clear()
        self._change(faults=rules)

    def put_account(self, new: Account) -> None:
        self._add_balance(new)
        self._change(accounts={**self.world.accounts, new.key: new})

    def reset(self) -> None:
        self._now = 0
        self._runs: list[Run] = []
        self._lists: defaultdict[tuple[str, str, bool | None], list[Run]] = defaultdict(list)
        self._keys: OrderedDict[tuple[str, str, str], int] = OrderedDict()
        self._credits: dict[str, int] = {}
        self._refunds: dict[str, deque[tuple[int, int]]] = {}
        self._tokens: dict[str, tuple[float, int]] = {}
        self._draws: dict[int, tuple[int, int]] = {}
        self._exchanges.clear()
        for entry in self._initial.values():
            self._add_balance(entry)
        self._change(clock_offset=0, accounts=self._initial, faults=[])

    # Runs

    def create(self, draft: Draft) -> Run:
        now = self.now()
        account, cost = draft.account, draft.model.cost
        key = (account, draft.operation, draft.key)
        if draft.key and self._keys.get(key, -KEY_LIFE) > now - KEY_LIFE:
            raise DuplicateKeyError
        funds = self._settle(account, now)
        if funds < cost:
            raise NoCreditsError
        if self._rate is not None:
            self._spend_token(account, now, self._rate)
        if draft.key:
            self._use_key(key, now)
        self._credits[account] = funds - cost
        run = new_run(draft, now, self._duration)
        run.seq = len(self._runs) + 1
        run.run_id = self._ids.encode(run.seq)
        self._keep(run)
        return run

    def run(self, run_id: str) -> Run | None:
        seq = self._ids.decode(run_id)
        return self._runs[seq - 1] if seq is not None and seq <= len(self._runs) else None

    def page(
        self, filters: Filters, before: tuple[int, int] | None, limit: int, now: int
    ) -> list[Run]:
        runs, start, end = self._span(filters, now)
        if before is not None:
            end = min(end, bisect_left(runs, before[1], key=_seq))
        return runs[max(start, end - limit) : end][::-1]

    def recent(self, number: int) -> list[Run]:
        return self._runs[: -number - 1 : -1]

    def counts(self) -> dict[str, int]:
        statuses, now = ("pending", "running", "completed", "failed"), self.now()
        return {
            status: sum(self.total(Filters(key, status=status), now) for key in self.world.accounts)
            for status in statuses
        }

    def total(self, filters: Filters, now: int) -> int:
        _, start, end = self._span(filters, now)
        return end - start

    def balance(self, account: str) -> int:
        return self._settle(account, self.now())

    def spend_token(self, account: str) -> None:
        if self._rate is not None:
            self._spend_token(account, self.now(), self._rate)

    # Faults and exchanges

    def draw(self, number: int, rule: dict[str, Any]) -> bool:
        seen, fired = self._draws.get(number, (0, 0))
        struck = strikes(rule, seen, fired)
        self._draws[number] = seen + 1, fired + struck
        return struck

    def record(self, exchange: Exchange) -> None:
        self._exchanges.append(exchange)

    def exchanges(self) -> list[dict[str, Any]]:
        return [exchange.plain() for exchange in self._exchanges]

    # Within

    def _change(self, **changes: Any) -> None:
        self.world = replace(self.world, version=self.world.version + 1, **changes)

    def _add_balance(self, account: Account) -> None:
        self._credits[account.key] = account.credits
        self._refunds[account.key] = deque()
        self._tokens.setdefault(account.key, (self._rate or 0, 0))

    def _use_key(self, key: tuple[str, str, str], now: int) -> None:
        self._keys[key] = now
        self._keys.move_to_end(key)
        # The oldest come first. One more than is added: what expires at once is gone in time.
        for _ in range(2):
            if next(iter(self._keys.values())) <= now - KEY_LIFE:
                self._keys.popitem(last=False)

    def _settle(self, account: str, now: int) -> int:
        refunds = self._refunds[account]
        while refunds and refunds[0][0] <= now:
            self._credits[account] += refunds.popleft()[1]
        return self._credits[account]

    def _spend_token(self, account: str, now: int, rate: float) -> None:
        self._tokens[account] = refill(*self._tokens[account], now, rate) - 1, now

    def _keep(self, run: Run) -> None:
        fails = run.error is not None
        self._runs.append(run)
        for column in ("account", "workspace_id", "project_id"):
            value = getattr(run, column)
            self._lists[column, value, None].append(run)
            self._lists[column, value, fails].append(run)
        if fails:
            self._refunds[run.account].append((run.completed_at, run.cost))

    def _span(self, filters: Filters, now: int) -> tuple[list[Run], int, int]:
        """A list of runs, oldest first, and where in it those begin and end that are meant."""
        fails = _FAILS.get(filters.status)
        runs = self._lists[*filters.scope(), fails]
        if not filters.status:
            return runs, 0, len(runs)
        ended = bisect_right(runs, now, key=_ended)
        if fails is not None:
            return runs, 0, ended
        started = bisect_right(runs, now, key=_started)
        return (runs, ended, started) if filters.status == "running" else (runs, started, len(runs))
