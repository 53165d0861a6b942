"""Memory and database keep the same rules: whatever is asked of both, they answer alike."""

from __future__ import annotations

import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from flora_contract.mock.catalogue import Account, Model
from flora_contract.mock.database import SQLite
from flora_contract.mock.database_store import DatabaseStore
from flora_contract.mock.memory import MemoryStore
from flora_contract.mock.store import (
    Draft,
    DuplicateKeyError,
    Filters,
    NoCreditsError,
    TooFastError,
)
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, rule

if TYPE_CHECKING:
    from collections.abc import Callable

    from flora_contract.mock.runs import Run
    from flora_contract.mock.store import Store

ACCOUNTS = {
    "rich": Account("rich", 10**9, {"ws_a": ("prj_a", "prj_b"), "ws_b": ("prj_c",)}),
    "poor": Account("poor", 100, {"ws_p": ("prj_p",)}),
}
MODELS = [
    Model("works", "image", 40, 1, ("imageUrl",), None),
    Model("fails", "text", 30, 1, (), {"code": "provider_error", "message": "It failed."}),
]
PLACES = [("rich", "ws_a", "prj_a"), ("rich", "ws_a", "prj_b"), ("rich", "ws_b", "prj_c")]
PLACES.append(("poor", "ws_p", "prj_p"))

places = st.sampled_from(PLACES)
statuses = st.sampled_from(["", "pending", "running", "completed", "failed"])
filters = st.builds(
    lambda place, depth, status: Filters(*place[:depth], *[""] * (3 - depth), status),
    places,
    st.integers(1, 3),
    statuses,
)


class Alike(RuleBasedStateMachine):
    runs = Bundle("runs")

    @initialize(rate=st.sampled_from([None, 0.5, 3.0]))
    def start(self, rate: float | None) -> None:
        self.patches = ExitStack()
        self.patches.enter_context(patch.object(time, "time", lambda: 1_800_000_000.0))
        self.stores: list[Store] = [
            MemoryStore(ACCOUNTS, 7, 2.0, rate),
            DatabaseStore(SQLite(":memory:"), ACCOUNTS, 7, 2.0, rate),
        ]

    def teardown(self) -> None:
        for store in self.stores:
            store.close()
        self.patches.close()

    def both(self, ask: Callable[[Store], Any]) -> Any:
        """The one answer that both stores give, an error as its class and what it says."""
        answers = []
        for store in self.stores:
            try:
                answers.append(ask(store))
            except (DuplicateKeyError, NoCreditsError, TooFastError) as error:
                answers.append((type(error), error.args))
        assert answers[0] == answers[1]
        return answers[0]

    @rule(
        target=runs,
        place=places,
        model=st.sampled_from(MODELS),
        key=st.sampled_from(["", "", "k1", "k2"]),
        operation=st.sampled_from(["one", "other"]),
    )
    def create(self, place: tuple[str, str, str], model: Model, key: str, operation: str) -> Any:
        return self.both(lambda store: store.create(Draft(*place, model, "mug", operation, key)))

    @rule(seconds=st.sampled_from([0.0, 0.001, 0.5, 1.5, 2.0]))
    def advance(self, seconds: float) -> None:
        self.both(lambda store: store.advance(seconds))

    @rule(place=places, model=st.sampled_from(MODELS), seconds=st.sampled_from([7199.999, 7200.0]))
    def repeat(self, place: tuple[str, str, str], model: Model, seconds: float) -> None:
        draft = Draft(*place, model, "mug", "one", "again")
        self.both(lambda store: store.create(draft))
        self.both(lambda store: store.advance(seconds))
        self.both(lambda store: store.create(draft))

    @rule(run=runs)
    def look_up(self, run: Run | tuple[Any, ...]) -> None:
        if not isinstance(run, tuple):
            self.both(lambda store: store.run(run.run_id))

    @rule(run_id=st.sampled_from(["", "run_", "run_0", "run_ffffffffffffffff", "other"]))
    def look_up_what_is_not_there(self, run_id: str) -> None:
        assert self.both(lambda store: store.run(run_id)) is None

    @rule(chosen=filters, limit=st.integers(1, 4))
    def page(self, chosen: Filters, limit: int) -> None:
        before, listed = None, []
        while found := self.both(lambda store: store.page(chosen, before, limit, store.now())):  # noqa: B023
            listed += found
            before = found[-1].created_at, found[-1].seq
        assert len(listed) == self.both(lambda store: store.total(chosen, store.now()))
        assert len({run.run_id for run in listed}) == len(listed)

    @invariant()
    def overview(self) -> None:
        self.both(lambda store: store.counts())
        self.both(lambda store: store.recent(3))
        for account in ACCOUNTS:
            self.both(lambda store: store.balance(account))  # noqa: B023
            for status in ("pending", "running", "completed", "failed"):
                chosen = Filters(account, status=status)
                self.both(lambda store: store.page(chosen, None, 100, store.now()))  # noqa: B023

    @rule(account=st.sampled_from(list(ACCOUNTS)))
    def spend(self, account: str) -> None:
        self.both(lambda store: store.spend_token(account))

    @rule(micros=st.integers(0, 100))
    def put_account(self, micros: int) -> None:
        self.both(lambda store: store.put_account(Account("poor", micros, {"ws_p": ("prj_p",)})))

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

    @rule(run=consumes(runs))
    def reset(self, run: Any) -> None:
        self.both(lambda store: store.reset())
        assert self.both(lambda store: store.recent(1)) == []


def test_keys_that_have_expired_are_forgotten() -> None:
    database = DatabaseStore(SQLite(":memory:"), ACCOUNTS, 7, 2.0, None)
    memory = MemoryStore(ACCOUNTS, 7, 2.0, None)
    for store in (database, memory):
        for hours in range(0, 12, 2):
            for number in range(40):
                key = f"{hours}-{number}"
                store.create(Draft(*PLACES[0], MODELS[0], "mug", "one", key))
            store.advance(7200)
    assert database._db.rows("SELECT count(*) FROM keys") == [(40,)]
    assert len(memory._keys) == 40
    database.close()


Alike.TestCase.settings = settings(
    max_examples=60,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
TestAlike = Alike.TestCase
