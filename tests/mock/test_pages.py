"""A page costs the same however many runs are stored. Counted, not timed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from flora_contract.mock.application import Application, Settings
from flora_contract.mock.database import SQLite
from flora_contract.mock.store import DatabaseStore, Filters

if TYPE_CHECKING:
    from pathlib import Path

INSERT = (
    "INSERT INTO runs (account, workspace_id, project_id, type, model_id, prompt, outcome, fails,"
    " cost, created_at, started_at, completed_at)"
    " VALUES ('sk_live_test', ?, ?, 'image', 'm', x'41', '[\"imageUrl\"]', ?, 1, ?, ?, ?)"
)
PLACES = [("ws_abc123", "prj_abc123"), ("ws_second1", "prj_second1")]


def steps(path: Path, number: int, filters: Filters) -> int:
    """Instructions of SQLite's machine that one page takes, in tens."""
    application = Application(Settings(state=str(path)))
    store = application.store
    assert isinstance(store, DatabaseStore)
    assert isinstance(store._db, SQLite)
    now = store.now()
    store._db._connection.executemany(
        INSERT,
        (
            (*PLACES[age % 2], int(age % 97 == 0), now - age - 9, now - age - 8, now - age - 7)
            for age in range(number, 0, -1)
        ),
    )
    counted = 0

    def count() -> int:
        nonlocal counted
        counted += 1
        return 0

    store.page(filters, None, 21, now)  # what is fetched once is kept
    store._db._connection.set_progress_handler(count, 10)
    store.page(filters, (now - 20, number // 2), 21, now)
    store._db._connection.set_progress_handler(None, 0)
    application.close()
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
def test_a_page_of_a_file_takes_the_same_work(filters: Filters, tmp_path: Path) -> None:
    few = steps(tmp_path / "few.db", 3_000, filters)
    many = steps(tmp_path / "many.db", 30_000, filters)
    assert many <= 1.5 * few + 5
