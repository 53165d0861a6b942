"""What a store does, wherever it keeps things, and the rules that are the same in each place."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeVar

from flora_contract.mock.state.entities import Entity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from contextlib import AbstractContextManager

    from flora_contract.mock.state.entities import Kind, Position, Selection

T = TypeVar("T")


class TooFastError(Exception):
    """The account is over its rate; `seconds` until it may try again."""

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds)
        self.seconds = seconds


@dataclass(frozen=True)
class Account:
    """An API key, what it may spend (micro-dollars) and what it has from the start, by kind."""

    key: str
    credits: int
    holds: Mapping[str, list[dict[str, Any]]]


@dataclass(frozen=True)
class World:
    """What every request needs to know. A change of it, or of an entity, raises the version."""

    version: int
    seed: int
    clock_offset: int
    accounts: dict[str, Account]
    faults: list[dict[str, Any]]
    resets: int = 0


@dataclass(frozen=True)
class Origin:
    """What a state begins with, and how it is kept."""

    kinds: Mapping[str, Kind]
    accounts: Mapping[str, Account]
    entities: tuple[Entity, ...] = ()
    """What else there is. Times count from the start, and are in their order by kind."""
    seed: int = 0
    rate_limit: float | None = None
    faults: tuple[dict[str, Any], ...] = ()

    def held(self, account: Account) -> Iterator[Entity]:
        """What an account has from the start."""
        for name, listed in account.holds.items():
            if name in self.kinds:
                kind = self.kinds[name]
                for members in listed:
                    entity = Entity(name, account.key, members)
                    entity.id = kind.id(entity)
                    yield entity

    def all(self) -> Iterator[Entity]:
        """Everything that is there from the start."""
        for account in self.accounts.values():
            yield from self.held(account)
        yield from self.entities


def since(rules: Iterable[dict[str, Any]], now: int) -> list[dict[str, Any]]:
    """Rules of faults with the time from which theirs count."""
    return [{"since": now, **rule} for rule in rules]


def started(entity: Entity, now: int) -> Entity:
    """An entity whose times counted from the start."""
    times = {name: now + getattr(entity, name) for name in ("created", "updated", "ended")}
    return replace(entity, members=dict(entity.members), **times)


class PageQuery(NamedTuple):
    """The part of a list that is asked for: after a position, or a number of entities."""

    after: Position | None = None
    offset: int = 0
    limit: int | None = None
    descending: bool = False


class Store(Protocol):
    """What a mock remembers."""

    world: World

    def close(self) -> None: ...

    # The world

    def refresh(self) -> None:
        """See what other processes have changed: to be called before what needs the state."""

    def tick(self) -> None:
        """To be called each second: keep what time it is, while anything moves."""

    def now(self) -> int:
        """Epoch milliseconds by the mock's clock, which never goes back but by a reset."""

    def advance(self, seconds: float) -> int:
        """Move the clock of every process on; gives what it says then."""

    def set_faults(self, rules: list[dict[str, Any]]) -> None: ...

    def put_account(self, new: Account) -> None:
        """Add an account, or give one other credits and other things that it has."""

    def begin_with(self, origin: Origin) -> None:
        """What there is after the next reset."""

    def reset(self) -> None:
        """Back to the start: what was there then, no faults, the clock right."""

    # Entities

    def attempt(self, function: Callable[..., T], *arguments: Any) -> T:
        """What a function gives that creates something; it may be called twice."""

    def transaction(self, account: str, *, alone: bool = False) -> AbstractContextManager[None]:
        """All of what is written within, or nothing.

        No other process writes for the account meanwhile; `alone`, none changes any entity.
        """

    def create(self, entity: Entity) -> Entity:
        """Keep an entity, under its id or a new one."""

    def get(self, kind: str, id_: str) -> Entity | None: ...

    def update(self, entity: Entity, **changes: Any) -> Entity:
        """Put an entity with changes in the place of the one that is kept."""

    def delete(self, entity: Entity) -> None: ...

    def page(self, selection: Selection, page: PageQuery, now: int) -> list[Entity]:
        """Entities in their order, as they are at `now`."""

    def total(self, selection: Selection, now: int) -> int: ...

    def recent(self, number: int) -> list[Entity]:
        """The newest entities that move by themselves, of all accounts."""

    # Keys, credits, rate

    def used(self, key: Key, now: int) -> bytes | None:
        """What the request of a key was answered with, if the key is in use."""

    def use(self, key: Key, now: int, until: int, answer: bytes) -> None: ...

    def funds(self, account: str, now: int) -> int:
        """Micro-dollars that an account has, with what failures gave back."""

    def balance(self, account: str, now: int) -> int:
        """The same, before something is paid."""

    def pay(self, account: str, cost: int, refunded_at: int | None = None) -> None: ...

    def spend_token(self, account: str) -> None:
        """Count a request against the account's rate. Raises TooFastError."""

    # Faults

    def draw(self, number: int, rule: dict[str, Any]) -> bool:
        """Whether a fault's rule strikes this time; the same seed gives the same answers."""

    def fired(self) -> dict[int, int]:
        """How often each fault's rule has struck."""


Key = tuple[str, str, str]
"""An idempotency key: its account, the operation, and what the client calls it."""


def looked_through(found: Iterable[Entity], page: PageQuery) -> list[Entity]:
    """The part of a list that no position leads to."""
    skipped = 0
    chosen: list[Entity] = []
    for entity in found:
        if skipped < page.offset:
            skipped += 1
            continue
        if page.limit is not None and len(chosen) >= page.limit:
            break
        chosen.append(entity)
    return chosen


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
