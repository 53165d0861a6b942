"""A page costs the same however many runs are stored. Counted, not timed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from flora_contract.mock.application import Application, MockSettings
from flora_contract.mock.state.database import SQLite
from flora_contract.mock.state.database_store import DatabaseStore
from flora_contract.mock.state.entities import Entity, Selection, sortable
from flora_contract.mock.state.store import PageQuery

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FEW, MANY = 6_000, 30_000
HOMES = [("ws_abc123", "prj_abc123"), ("ws_second1", "prj_second1")]


def filled(state: Path, number: int) -> DatabaseStore:
    """A store in which a run was created every millisecond; one in 97 failed."""
    store = Application(MockSettings(state=str(state))).store
    assert isinstance(store, DatabaseStore)
    now = store.now()
    with store._db.transaction():
        for age in range(number, 0, -1):
            workspace, project = HOMES[age % 2]
            members = {"workspace_id": workspace, "project_id": project}
            created = now - age - 9
            final = "failed" if age % 97 == 0 else "completed"
            times = (created, created, created + 2, final)
            store.create(Entity("Run", "sk_live_test", members, "", *times))
    return store


def selection(state: str = "", **equal: str) -> Selection:
    return Selection("Run", "sk_live_test", tuple(equal.items()), (), state)


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[DatabaseStore, ...]]:
    folder = tmp_path_factory.mktemp("states")
    stores = tuple(filled(folder / f"{number}.db", number) for number in (FEW, MANY))
    yield stores
    for store in stores:
        store.close()


def steps(store: DatabaseStore, filters: Selection, behind: int) -> int:
    """Instructions of SQLite's machine that a page takes behind so many runs, in tens."""
    assert isinstance(store._db, SQLite)
    counted = 0

    def count() -> int:
        nonlocal counted
        counted += 1
        return 0

    now = store.now()
    newest = store.recent(1)[0]
    position = sortable(newest.created - behind), newest.seq - behind
    page = PageQuery(position if behind else None, 0, 21, descending=True)
    store._forget()
    store._db._connection.set_progress_handler(count, 10)
    store.page(filters, page, now)
    store._db._connection.set_progress_handler(None, 0)
    return counted


@pytest.mark.parametrize(
    "filters",
    [
        selection(),
        selection(workspace_id="ws_second1"),
        selection(project_id="prj_abc123"),
        selection(workspace_id="ws_abc123", project_id="prj_abc123"),
        selection("failed"),
        selection("completed"),
        selection("pending"),
        selection("running", workspace_id="ws_second1"),
        selection("failed", project_id="prj_second1"),
    ],
)
def test_a_page_of_a_file_takes_the_same_work(
    filters: Selection, stores: tuple[DatabaseStore, DatabaseStore]
) -> None:
    few, many = stores
    assert steps(many, filters, 0) <= 1.5 * steps(few, filters, 0) + 5
    assert steps(many, filters, MANY // 4) <= 1.5 * steps(few, filters, FEW // 4) + 5
