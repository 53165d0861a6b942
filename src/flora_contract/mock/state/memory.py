"""What the mock remembers when nobody names a state: plain lists and dicts, by the same rules.

Every entity of a kind takes equally long and the clock never goes back, so that those in the order
of their creation are also in the order in which they move on: whatever a page asks for is a slice,
found by bisection, of a list that exists already.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections import OrderedDict, defaultdict, deque
from contextlib import nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from flora_contract.mock.state.clock import Clock
from flora_contract.mock.state.ids import Ids
from flora_contract.mock.state.store import (
    World,
    looked_through,
    refill,
    since,
    started,
    strikes,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from flora_contract.mock.state.entities import Entity, Facet, Selection
    from flora_contract.mock.state.store import Account, Key, Origin, PageQuery, T


class MemoryStore:
    """The state of one mock in one process, gone with it. See `Store` for what the methods do."""

    def __init__(self, origin: Origin) -> None:
        self._origin = origin
        self._kinds = origin.kinds
        self._rate = origin.rate_limit
        self._ids = Ids(origin.seed)
        self._at_once = nullcontext()
        self._clock = Clock()
        self.world = World(1, origin.seed, 0, {}, [])
        self.reset()

    def close(self) -> None:
        """There is nothing to close."""

    # The world

    def refresh(self) -> None:
        """Nobody else changes what is here."""

    def tick(self) -> None:
        self._clock.now()

    def now(self) -> int:
        return self._clock.now() + self.world.clock_offset

    def advance(self, seconds: float) -> int:
        self._change(clock_offset=self.world.clock_offset + round(seconds * 1000))
        return self.now()

    def set_faults(self, rules: list[dict[str, Any]]) -> None:
        self._draws.clear()
        self._change(faults=since(rules, self.now()))

    def put_account(self, new: Account) -> None:
        held = {(entity.kind, entity.id): entity for entity in self._origin.held(new)}
        for key, entity in list(self._named.items()):
            if entity.owner == new.key and key not in held:
                self.delete(entity)
        for key, entity in held.items():
            if key not in self._named:
                self.create(started(entity, self.now()))
        self._add_balance(new)
        self._change(accounts={**self.world.accounts, new.key: new})

    def begin_with(self, origin: Origin) -> None:
        self._origin = origin

    def reset(self) -> None:
        self._entities: list[Entity | None] = []
        self._named: dict[tuple[str, str], Entity] = {}
        self._lists: defaultdict[Facet, list[Entity]] = defaultdict(list)
        self._belongs: dict[tuple[Any, ...], list[list[Entity]]] = {}
        self._keys: OrderedDict[Key, tuple[int, bytes]] = OrderedDict()
        self._credits: dict[str, int] = {}
        self._refunds: dict[str, deque[tuple[int, int]]] = {}
        self._tokens: dict[str, tuple[float, int]] = {}
        self._draws: dict[int, tuple[int, int]] = {}
        accounts, resets = dict(self._origin.accounts), self.world.resets + 1
        self._change(clock_offset=0, accounts=accounts, resets=resets)
        self._change(faults=since(self._origin.faults, self.now()))
        for account in self._origin.accounts.values():
            self._add_balance(account)
        now = self.now()
        for entity in self._origin.all():
            self.create(started(entity, now))

    # Entities

    def attempt(self, function: Callable[..., T], *arguments: Any) -> T:
        return function(*arguments)

    def transaction(self, account: str, *, alone: bool = False) -> AbstractContextManager[None]:  # noqa: ARG002
        return self._at_once

    def create(self, entity: Entity) -> Entity:
        self._entities.append(entity)
        entity.seq = len(self._entities)
        if entity.id:
            self._named[entity.kind, entity.id] = entity
        else:
            entity.id = self._ids.encode(self._kinds[entity.kind].form, entity.seq)
        kind = self._kinds[entity.kind]
        lists = self._lists_of(entity)
        if kind.key is None:
            for found in lists:
                found.append(entity)
        else:
            for found in lists:
                insort(found, entity, key=kind.position)
        return entity

    def get(self, kind: str, id_: str) -> Entity | None:
        named = self._named.get((kind, id_))
        if named is not None:
            return named
        seq = self._ids.decode(self._kinds[kind].form, id_)
        found = self._entities[seq - 1] if seq is not None and seq <= len(self._entities) else None
        return found if found is not None and (found.kind, found.id) == (kind, id_) else None

    def update(self, entity: Entity, **changes: Any) -> Entity:
        new = replace(entity, **changes)
        self._put(entity, new)
        for found in self._lists_of(new):
            insort(found, new, key=self._kinds[new.kind].position)
        return new

    def delete(self, entity: Entity) -> None:
        self._put(entity, None)

    def page(self, selection: Selection, page: PageQuery, now: int) -> list[Entity]:
        found, start, end = self._span(selection, now)
        if page.after is not None:
            position = self._kinds[selection.kind].position
            if page.descending:
                end = min(end, bisect_left(found, page.after, key=position))
            else:
                start = max(start, bisect_right(found, page.after, key=position))
        if not self._is_exact(selection):
            order = range(start, end)[:: -1 if page.descending else 1]
            entities = (found[n] for n in order if self._means(selection, found[n], now))
            return looked_through(entities, page)
        size = max(0, end - start - page.offset)
        size = size if page.limit is None else min(size, page.limit)
        if page.descending:
            end -= page.offset
            return found[max(start, end - size) : max(start, end)][::-1]
        return found[start + page.offset : start + page.offset + size]

    def total(self, selection: Selection, now: int) -> int:
        found, start, end = self._span(selection, now)
        if self._is_exact(selection):
            return end - start
        return sum(self._means(selection, found[n], now) for n in range(start, end))

    def recent(self, number: int) -> list[Entity]:
        newest = (entity for entity in reversed(self._entities) if entity is not None)
        moving = (entity for entity in newest if self._kinds[entity.kind].steps is not None)
        return [entity for entity, _ in zip(moving, range(number), strict=False)]

    # Keys, credits, rate

    def used(self, key: Key, now: int) -> bytes | None:
        until, answer = self._keys.get(key, (0, b""))
        return answer if until > now else None

    def use(self, key: Key, now: int, until: int, answer: bytes) -> None:
        self._keys[key] = until, answer
        self._keys.move_to_end(key)
        # The oldest come first. One more than is added: what expires at once is gone in time.
        for _ in range(2):
            if next(iter(self._keys.values()))[0] <= now:
                self._keys.popitem(last=False)

    def funds(self, account: str, now: int) -> int:
        return self.balance(account, now)

    def balance(self, account: str, now: int) -> int:
        refunds = self._refunds[account]
        while refunds and refunds[0][0] <= now:
            self._credits[account] += refunds.popleft()[1]
        return self._credits[account]

    def pay(self, account: str, cost: int, refunded_at: int | None = None) -> None:
        self._credits[account] -= cost
        if refunded_at is not None:
            insort(self._refunds[account], (refunded_at, cost))

    def spend_token(self, account: str) -> None:
        if self._rate is not None:
            now = self.now()
            self._tokens[account] = refill(*self._tokens[account], now, self._rate) - 1, now

    # Faults

    def draw(self, number: int, rule: dict[str, Any]) -> bool:
        seen, fired = self._draws.get(number, (0, 0))
        struck = strikes(rule, seen, fired)
        self._draws[number] = seen + 1, fired + struck
        return struck

    def fired(self) -> dict[int, int]:
        return {number: fired for number, (_, fired) in self._draws.items()}

    # Within

    def _change(self, **changes: Any) -> None:
        self.world = replace(self.world, version=self.world.version + 1, **changes)

    def _add_balance(self, account: Account) -> None:
        self._credits[account.key] = account.credits
        self._refunds[account.key] = deque()
        self._tokens.setdefault(account.key, (self._rate or 0, 0))

    def _lists_of(self, entity: Entity) -> list[list[Entity]]:
        """The lists that an entity belongs to."""
        kind = self._kinds[entity.kind]
        character = kind.character(entity)
        found = self._belongs.get(character)
        if found is None:
            found = [self._lists[facet] for facet in kind.facets(character)]
            self._belongs[character] = found
        return found

    def _put(self, old: Entity, new: Entity | None) -> None:
        """Take an entity out of its lists, and let another stand under its number and name."""
        kind = self._kinds[old.kind]
        for found in self._lists_of(old):
            del found[bisect_left(found, kind.position(old), key=kind.position)]
        self._entities[old.seq - 1] = new
        if self._named.pop((old.kind, old.id), None) is not None and new is not None:
            self._named[new.kind, new.id] = new
        self._change()

    def _is_exact(self, selection: Selection) -> bool:
        """Whether a span of a list holds nothing but what is selected."""
        by_time = self._kinds[selection.kind].key is None
        return selection.is_facet and (by_time or not selection.state)

    def _means(self, selection: Selection, entity: Entity, now: int) -> bool:
        kind = self._kinds[selection.kind]
        if selection.state and (
            kind.steps is None or kind.steps.state(entity, now) != selection.state
        ):
            return False
        return kind.passes(entity, selection)

    def _span(self, selection: Selection, now: int) -> tuple[list[Entity], int, int]:
        """A list, and where in it those begin and end among which those that are meant are."""
        kind, steps = self._kinds[selection.kind], self._kinds[selection.kind].steps
        *facet, _ = selection.facet
        state = selection.state
        if not state or steps is None:
            found = self._lists[*facet, ""]  # type: ignore[index]  # a Facet, put together again
            return found, 0, 0 if state else len(found)
        step = steps.rank(state)
        if step == len(steps.order) - 1:
            found = self._lists[*facet, state]  # type: ignore[index]
            if kind.key is not None:
                return found, 0, len(found)
            return found, 0, bisect_right(found, now, key=lambda entity: entity.ended)
        found = self._lists[*facet, ""]  # type: ignore[index]
        if kind.key is not None:
            return found, 0, len(found)
        start = bisect_right(found, now, key=lambda entity: steps.begins(entity, step + 1))
        return found, start, bisect_right(found, now, key=lambda e: steps.begins(e, step))
