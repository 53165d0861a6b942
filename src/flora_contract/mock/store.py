"""What the mock remembers, wherever that is kept, and the rules that are the same in each place."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

from flora_contract.mock.runs import PENDING_SHARE, Run

if TYPE_CHECKING:
    from flora_contract.mock.catalogue import Account, Model
    from flora_contract.mock.exchange import Exchange

KEY_LIFE: Final = 7200_000
"""Milliseconds for which an idempotency key stays used (S000, S001)."""

KEPT_EXCHANGES: Final = 1000


class DuplicateKeyError(Exception):
    """The idempotency key has been used for this operation within its life."""


class NoCreditsError(Exception):
    """The account cannot pay for the run."""


class TooFastError(Exception):
    """The account is over its rate; `seconds` until it may try again."""

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds)
        self.seconds = seconds


@dataclass(frozen=True)
class Draft:
    """A run that somebody asks for. An empty key is none."""

    account: str
    workspace_id: str
    project_id: str
    model: Model
    prompt: str
    operation: str
    key: str


class Filters(NamedTuple):
    """Whose runs a page shows, and which of them; empty means any."""

    account: str
    workspace_id: str = ""
    project_id: str = ""
    status: str = ""

    def scope(self) -> tuple[str, str]:
        """The narrowest column that selects them, and its value.

        A project belongs to one workspace, and that to one account, so the narrowest is enough.
        """
        if self.project_id:
            return "project_id", self.project_id
        if self.workspace_id:
            return "workspace_id", self.workspace_id
        return "account", self.account


@dataclass(frozen=True)
class World:
    """What every request needs to know. A change of it raises the version."""

    version: int
    seed: int
    clock_offset: int
    accounts: dict[str, Account]
    faults: list[dict[str, Any]]


class Store(Protocol):
    """What a mock remembers, and the rules that only hold where it is remembered."""

    world: World

    def close(self) -> None: ...

    def refresh(self) -> None:
        """See what other processes have changed: to be called before each request."""

    def now(self) -> int:
        """Epoch milliseconds by the mock's clock, which never goes back in one process."""

    def advance(self, seconds: float) -> int:
        """Move the clock of every process on; gives what it says then."""

    def set_faults(self, rules: list[dict[str, Any]]) -> None: ...

    def put_account(self, new: Account) -> None:
        """Add an account, or give one other credits and workspaces."""

    def reset(self) -> None:
        """Back to the start: no runs, first accounts, no faults, the clock right."""

    def create(self, draft: Draft) -> Run:
        """Make a run and pay for it, or make nothing.

        Raises DuplicateKeyError, NoCreditsError or TooFastError, in this order of checks.
        """

    def run(self, run_id: str) -> Run | None: ...

    def page(
        self, filters: Filters, before: tuple[int, int] | None, limit: int, now: int
    ) -> list[Run]:
        """Runs newest first, older than `before` (created_at, seq), as they are at `now`."""

    def recent(self, number: int) -> list[Run]:
        """The newest runs of all accounts."""

    def counts(self) -> dict[str, int]:
        """How many runs there are in each status, of all accounts."""

    def total(self, filters: Filters, now: int) -> int:
        """How many runs there are of a kind at `now`."""

    def balance(self, account: str) -> int:
        """Micro-dollars that an account has, with what failed runs gave back."""

    def spend_token(self, account: str) -> None:
        """Count a request against the account's rate. Raises TooFastError."""

    def draw(self, number: int, rule: dict[str, Any]) -> bool:
        """Whether a fault's rule strikes this time; the same seed gives the same answers."""

    def record(self, exchange: Exchange) -> None:
        """Keep an exchange; the oldest goes when there are many."""

    def exchanges(self) -> list[dict[str, Any]]:
        """What was recorded, oldest first."""


def new_run(draft: Draft, now: int, duration: int) -> Run:
    """The run of a draft, but for its number and its id; `duration` in milliseconds."""
    model = draft.model
    return Run(
        seq=0,
        run_id="",
        account=draft.account,
        workspace_id=draft.workspace_id,
        project_id=draft.project_id,
        type=model.type,
        model_id=model.model_id,
        prompt=draft.prompt,
        outputs=model.outputs,
        error=model.error,
        cost=model.cost,
        created_at=now,
        started_at=now + round(duration * PENDING_SHARE),
        completed_at=now + duration,
    )


def refill(tokens: float, refilled: int, now: int, rate: float) -> float:
    """The tokens of an account now, at least the one to be spent. Raises TooFastError."""
    tokens = min(max(rate, 1.0), tokens + max(0, now - refilled) * rate / 1000)
    if tokens < 1:
        raise TooFastError((1 - tokens) / rate)
    return tokens


def strikes(rule: dict[str, Any], seen: int, fired: int) -> bool:
    """Whether a fault's rule strikes, which has been seen and has fired that many times."""
    if rule["count"] is not None and fired >= rule["count"]:
        return False
    chance = random.Random(f"{rule['seed']}/{seen}").random()  # noqa: S311 - repeatable
    return bool(chance < rule["probability"])
