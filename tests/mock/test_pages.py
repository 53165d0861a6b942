"""A page costs the same however many runs are stored. Counted, not timed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from flora_contract.mock.database import SQLite
from flora_contract.mock.database_store import DatabaseStore
from flora_contract.mock.store import Filters

from flora_contract.mock.application import Application, Settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FEW, MANY = 6_000, 60_000
INSERT = (
    "INSERT INTO runs (account, workspace_id, project_id, type, model_id, prompt, outcome, fails,"
    " cost, created_at, started_at, completed_at)"
    " VALUES ('sk_live_test', ?, ?, 'image', 'm', x'41', '[\"imageUrl\"]', ?, 1, ?, ?, ?)"
)
PLACES = [("ws_abc123", "prj_abc123"), ("ws_second1", "prj_second1")]


def filled(state: Path, number: int) -> DatabaseStore:
    """A store in which a run was created every millisecond; one in 97 failed."""
    store = Application(Settings(state=str(state))).store
    assert isinstance(store, DatabaseStore)
    assert isinstance(store._db, SQLite)
    now = store.now()
    with store._db.transaction():
        store._db._connection.executemany(
            INSERT,
            (
                (*PLACES[age % 2], int(age % 97 == 0), now - age - 9, now - age - 8, now - age - 7)
                for age in range(number, 0, -1)
            ),
        )
    return store


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[DatabaseStore, ...]]:
    folder = tmp_path_factory.mktemp("states")
    stores = tuple(filled(folder / f"{number}.db", number) for number in (FEW, MANY))
    yield stores
    for store in stores:
        store.close()


def steps(store: DatabaseStore, filters: Filters, behind: int) -> int:
    """Instructions of SQLite's machine that a page takes behind so many runs, in tens."""
    assert isinstance(store._db, SQLite)
    counted = 0

    def count() -> int:
        nonlocal counted
        counted += 1
        return 0

    now = store.now()
    newest = store.recent(1)[0]
    before = (newest.created_at - behind, newest.seq - behind) if behind else None
    store._runs.clear()
    store._db._connection.set_progress_handler(count, 10)
    store.page(filters, before, 21, now)
    store._db._connection.set_progress_handler(None, 0)
    return counted


@pytest.mark.parametrize(
    "filters",
    [
        Filters("sk_live_test"),
        Filters("sk_live_test", workspace_id="ws_second1"),
        Filters("sk_live_test", project_id="prj_abc123"),
        Filters("sk_live_test", status="failed"),
        Filters("sk_live_test", status="completed"),
        Filters("sk_live_test", status="pending"),
        Filters("sk_live_test", status="running", workspace_id="ws_second1"),
        Filters("sk_live_test", status="failed", project_id="prj_second1"),
    ],
)
def test_a_page_of_a_file_takes_the_same_work(
    filters: Filters, stores: tuple[DatabaseStore, DatabaseStore]
) -> None:
    few, many = stores
    assert steps(many, filters, 0) <= 1.5 * steps(few, filters, 0) + 5
    assert steps(many, filters, MANY // 4) <= 1.5 * steps(few, filters, FEW // 4) + 5
