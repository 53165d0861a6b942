"""Memory and database do as a plain list does, whatever is asked of the three."""

from __future__ import annotations

import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, rule

from flora_contract.mock.state.database import SQLite
from flora_contract.mock.state.database_store import DatabaseStore
from flora_contract.mock.state.entities import Entity, Kind, Selection, Steps, comparable
from flora_contract.mock.state.ids import IdForm, hexadecimal
from flora_contract.mock.state.memory import MemoryStore
from flora_contract.mock.state.store import Account, Origin, PageQuery, TooFastError

if TYPE_CHECKING:
    from collections.abc import Callable

    from flora_contract.mock.state.store import Store

STEPS = Steps((("queued",), ("open",), ("busy",), ("done", "lost")), frozenset({"lost"}))
DURATION = 2000


def member(name: str) -> Callable[[Entity], Any]:
    return lambda entity: entity.members.get(name)


JOB = Kind(
    "Job",
    hexadecimal("job_", 16),
    member("id"),
    STEPS,
    {name: member(name) for name in ("home", "tags", "size")},
    {"note": member("note")},
)
BOOK = Kind(
    "Book",
    IdForm(53, str, int),
    member("id"),
    None,
    {"home": member("home")},
    {"note": member("note")},
    member("size"),
)
KINDS = {"Job": JOB, "Book": BOOK}
ACCOUNTS = {
    "rich": Account("rich", 10**9, {"Book": [{"id": "b-first", "size": 2}]}),
    "poor": Account("poor", 100, {}),
}

kinds = st.sampled_from(list(KINDS))
owners = st.sampled_from([*ACCOUNTS, ""])
bodies = st.fixed_dictionaries(
    {},
    optional={
        "home": st.sampled_from(["a", "b", None]),
        "tags": st.lists(st.sampled_from(["x", "y"]), max_size=3),
        "size": st.sampled_from([1, 2.0, 2, -3.5, "big", True]),
        "note": st.sampled_from(["one", "two", "one two", "a\x00b"]),
    },
)
filters = st.fixed_dictionaries(
    {},
    optional={
        "home": st.sampled_from(["a", "b"]),
        "tags": st.sampled_from(["x", "y"]),
        "size": st.sampled_from([1, 2, "big"]),
    },
)


class Alike(RuleBasedStateMachine):
    made = Bundle("made")

    @initialize(rate=st.sampled_from([None, 0.5, 3.0]))
    def start(self, rate: float | None) -> None:
        self.patches = ExitStack()
        clocks = {"time": lambda: 1_800_000_000.0, "monotonic": lambda: 0.0}
        self.patches.enter_context(patch.multiple(time, **clocks))
        origin = Origin(KINDS, ACCOUNTS, (Entity("Book", "", {"id": "b-all"}, "b-all"),), 7, rate)
        self.stores: list[Store] = [
            MemoryStore(origin),
            DatabaseStore(SQLite(":memory:"), origin),
        ]
        self._begin()

    def _begin(self) -> None:
        self.now = 1_800_000_000_000
        self.credits = {key: account.credits for key, account in ACCOUNTS.items()}
        self.refunds: list[tuple[str, int, int]] = []
        self.keys: dict[tuple[str, str, str], tuple[int, bytes]] = {}
        self.known = {
            (kind, id_): found
            for kind, id_ in (("Book", "b-all"), ("Book", "b-first"))
            if (found := self.stores[0].get(kind, id_)) is not None
        }
        assert len(self.known) == 2

    def teardown(self) -> None:
        for store in self.stores:
            store.close()
        self.patches.close()

    def both(self, ask: Callable[[Store], Any]) -> Any:
        """The one answer that both stores give, an error as its class and what it says."""
        answers = []
        for store in self.stores:
            store.refresh()
            try:
                answers.append(ask(store))
            except TooFastError as error:
                answers.append((type(error), error.args))
        assert answers[0] == answers[1]
        return answers[0]

    @rule(
        target=made,
        kind=kinds,
        owner=owners,
        members=bodies,
        final=st.sampled_from(["done", "lost"]),
        cost=st.sampled_from([0, 40]),
    )
    def create(
        self, kind: str, owner: str, members: dict[str, Any], final: str, cost: int
    ) -> tuple[str, str]:
        def make(store: Store) -> Entity:
            now = store.now()
            entity = Entity(kind, owner, dict(members), "", now, now, now, cost=cost)
            if kind == "Job":
                entity.ended, entity.final = now + DURATION, final
            fails = entity.ended if entity.final == "lost" else None
            with store.transaction(owner):
                if owner:
                    store.pay(owner, cost, fails)
                return store.create(entity)

        entity = self.both(make)
        assert (kind, entity.id) not in self.known
        self.known[kind, entity.id] = entity
        if owner:
            self.credits[owner] -= cost
            if entity.final == "lost":
                self.refunds.append((owner, entity.ended, cost))
        return kind, entity.id

    @rule(name=made, members=bodies)
    def update(self, name: tuple[str, str], members: dict[str, Any]) -> None:
        if name in self.known:

            def change(store: Store) -> Entity:
                with store.transaction("rich", alone=True):
                    found = store.get(*name)
                    assert found is not None
                    return store.update(found, members=members, updated=store.now())

            self.known[name] = self.both(change)
            assert self.known[name].members == members

    @rule(name=made)
    def delete(self, name: tuple[str, str]) -> None:
        if name in self.known:

            def drop(store: Store) -> None:
                with store.transaction("rich", alone=True):
                    found = store.get(*name)
                    assert found is not None
                    store.delete(found)

            self.both(drop)
            del self.known[name]

    @rule(name=made)
    def look_up(self, name: tuple[str, str]) -> None:
        assert self.both(lambda store: store.get(*name)) == self.known.get(name)

    @rule(kind=kinds, id_=st.sampled_from(["", "job_", "job_0", "job_ffffffffffffffff", "b-\x00"]))
    def look_up_what_is_not_there(self, kind: str, id_: str) -> None:
        assert self.both(lambda store: store.get(kind, id_)) is None

    @rule(seconds=st.sampled_from([0.0, 0.001, 0.5, 1.0, 2.0]))
    def advance(self, seconds: float) -> None:
        self.now = self.both(lambda store: store.advance(seconds))

    @rule(
        kind=kinds,
        owner=owners,
        equal=filters,
        note=st.sampled_from(["", "", "one", "two"]),
        state=st.sampled_from(["", "", *STEPS.states]),
        limit=st.integers(1, 4),
        descending=st.booleans(),
    )
    def page(
        self,
        kind: str,
        owner: str,
        equal: dict[str, Any],
        note: str,
        state: str,
        limit: int,
        descending: bool,
    ) -> None:
        chosen = tuple((name, equal[name]) for name in KINDS[kind].members if name in equal)
        texts = (("note", note),) if note else ()
        selection = Selection(kind, owner, chosen, texts, state)
        expected = [entity for entity in self.known.values() if self._is_meant(entity, selection)]
        expected.sort(key=KINDS[kind].position, reverse=descending)
        assert self.both(lambda store: store.total(selection, self.now)) == len(expected)
        after, listed = None, []
        while True:
            page = PageQuery(after, 0, limit, descending)
            found = self.both(lambda store: store.page(selection, page, self.now))  # noqa: B023
            if not found:
                break
            assert len(found) <= limit
            listed += found
            after = KINDS[kind].position(found[-1])
        assert listed == expected
        skipped = PageQuery(None, limit, None, descending)
        assert self.both(lambda store: store.page(selection, skipped, self.now)) == expected[limit:]

    def _is_meant(self, entity: Entity, selection: Selection) -> bool:
        steps = KINDS[entity.kind].steps
        if (entity.kind, entity.owner) != (selection.kind, selection.owner):
            return False
        if selection.state and (steps is None or steps.state(entity, self.now) != selection.state):
            return False
        return all(
            any(str(one) == str(value) for one in comparable(entity.members.get(name)))
            for name, value in selection.equal
        ) and all(text in (entity.members.get(name) or "") for name, text in selection.contain)

    @invariant()
    def overview(self) -> None:
        newest = [entity for entity in self.known.values() if entity.kind == "Job"]
        newest.sort(key=lambda entity: -entity.seq)
        assert self.both(lambda store: store.recent(3)) == newest[:3]
        for account, amount in self.credits.items():
            back = sum(c for key, due, c in self.refunds if key == account and due <= self.now)
            assert self.both(lambda store: store.balance(account, self.now)) == amount + back  # noqa: B023

    @rule(
        key=st.tuples(st.sampled_from(list(ACCOUNTS)), st.just("one"), st.sampled_from("ab")),
        seconds=st.sampled_from([1, 60]),
    )
    def use_a_key(self, key: tuple[str, str, str], seconds: int) -> None:
        until, answer = self.keys.get(key, (0, b""))
        used = self.both(lambda store: store.used(key, self.now))
        assert used == (answer if until > self.now else None)
        if used is None:
            answer = b"%d" % self.now
            self.keys[key] = self.now + seconds * 1000, answer
            self.both(lambda store: store.use(key, self.now, self.now + seconds * 1000, answer))

    @rule(account=st.sampled_from(list(ACCOUNTS)))
    def spend(self, account: str) -> None:
        self.both(lambda store: store.spend_token(account))

    @rule(micros=st.integers(0, 100), held=st.sets(st.sampled_from(["b-x", "b-y"])))
    def put_account(self, micros: int, held: set[str]) -> None:
        new = Account("poor", micros, {"Book": [{"id": name} for name in sorted(held)]})
        self.both(lambda store: store.put_account(new))
        self.credits["poor"] = micros
        self.refunds = [refund for refund in self.refunds if refund[0] != "poor"]
        for name in ("b-x", "b-y"):
            found = self.both(lambda store: store.get("Book", name))  # noqa: B023
            assert (found is not None) == (name in held)
            self.known.pop(("Book", name), None)
            if found is not None:
                self.known["Book", name] = found

    @rule(
        count=st.sampled_from([None, 1, 2]),
        probability=st.sampled_from([0.0, 0.5, 1.0]),
        draws=st.integers(1, 5),
    )
    def faults(self, count: int | None, probability: float, draws: int) -> None:
        fault = {"seed": 3, "count": count, "probability": probability}
        self.both(lambda store: store.set_faults([fault]))
        for _ in range(draws):
            self.both(lambda store: store.draw(0, fault))

    @rule(name=consumes(made))
    def reset(self, name: Any) -> None:
        self.both(lambda store: store.reset())
        assert self.both(lambda store: store.recent(1)) == []
        self._begin()


def test_keys_that_have_expired_are_forgotten() -> None:
    origin = Origin(KINDS, ACCOUNTS)
    database, memory = DatabaseStore(SQLite(":memory:"), origin), MemoryStore(origin)
    stores: list[Store] = [database, memory]
    for store in stores:
        for hours in range(0, 12, 2):
            for number in range(40):
                now = store.now()
                store.use(("rich", "one", f"{hours}-{number}"), now, now + 7200_000, b"")
            store.advance(7200)
    assert database._db.rows("SELECT count(*) FROM keys") == [(40,)]
    assert len(memory._keys) == 40
    database.close()


Alike.TestCase.settings = settings(
    max_examples=60,
    stateful_step_count=40,
    suppress_health_check=[HealthCheck.too_slow],
)
TestAlike = Alike.TestCase
