"""State that outlives processes: files that several share, kill -9, PostgreSQL."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import httpx
import pytest

from flora_contract.errors import InputError
from flora_contract.mock import MockFlora
from tests.mock.conftest import client_of
from tests.mock.postgresql_server import execute
from tests.mock.server_process import free_port, running

if TYPE_CHECKING:
    from pathlib import Path


def test_a_restart_goes_on_where_it_was(tmp_path: Path) -> None:
    state = tmp_path / "state.db"
    with MockFlora(state=state, seed=5) as mock, client_of(mock.base_url) as client:
        mock.put_account("sk_live_small", credits=0.04, workspaces={"ws_s": ["prj_s"]})
        mock.advance(100)
        run_id = client.create(key="k").json()["run_id"]
        with client_of(mock.base_url, "sk_live_small") as small:
            assert small.create(workspace_id="ws_s", project_id="prj_s").status_code == 201
    with MockFlora(state=state, seed=6) as mock, client_of(mock.base_url) as client:
        assert client.create(key="k").status_code == 409
        assert client.get(f"/runs/{run_id}").json()["created_at"] / 1000 > time.time() + 90
        with client_of(mock.base_url, "sk_live_small") as small:
            assert small.create(workspace_id="ws_s", project_id="prj_s").status_code == 402
        mock.advance(7300)
        assert client.get(f"/runs/{run_id}").json()["status"] == "completed"
        assert client.create(key="k").status_code == 201


def test_a_mock_that_cannot_start_lets_its_port_go(tmp_path: Path) -> None:
    port = free_port()
    for _ in range(2):
        with pytest.raises(InputError, match="cannot be opened"):
            MockFlora(port=port, state=tmp_path / "nowhere" / "state.db").__enter__()


@pytest.mark.parametrize("workers", [1, 2])
def test_kill_9_under_load_loses_nothing_that_was_acknowledged(
    workers: int, tmp_path: Path
) -> None:
    options = "--state", str(tmp_path / "state.db"), "--workers", str(workers)
    with running(*options, "--run-seconds", "600") as server:
        _set_credits(server.origin, 1000.0)
        acknowledged: dict[str, str] = {}
        for round_number in range(2):
            stop = threading.Event()

            def create(
                thread: int, number: int = round_number, stop: threading.Event = stop
            ) -> None:
                with client_of(server.base_url) as client:
                    for count in range(10_000):
                        key = f"{number}-{thread}-{count}"
                        try:
                            answer = client.create(key=key, model="t2i-sketch")
                        except httpx.HTTPError:
                            return
                        acknowledged[key] = answer.json()["run_id"]
                        if stop.is_set():
                            return

            with ThreadPoolExecutor(6) as pool:
                futures = [pool.submit(create, thread) for thread in range(6)]
                deadline = time.monotonic() + 30  # a busy machine is slow, and no reason to fail
                while len(acknowledged) < 20 * (round_number + 1) and time.monotonic() < deadline:
                    time.sleep(0.05)
                server.kill()
                stop.set()
                for future in futures:
                    future.result()
            server.start()
        assert len(acknowledged) >= 40
        with client_of(server.base_url) as client:
            listed = _all_ids(client)
            assert set(acknowledged.values()) <= set(listed)
            assert len(listed) == len(set(listed))
            for key in list(acknowledged)[-20:]:
                assert client.create(key=key, model="t2i-sketch").status_code == 409
            # What is listed was paid for, and nothing else: what is left buys exactly the rest.
            _set_credits(server.origin, 0.01)
            assert client.create(model="t2i-sketch").status_code == 201
            assert client.create(model="t2i-sketch").status_code == 402


def test_credits_match_runs_after_kill_9(tmp_path: Path) -> None:
    """Two hundred runs can be paid for: so many exist in the end, however often it is killed."""
    with running("--state", str(tmp_path / "state.db"), "--run-seconds", "600") as server:
        _set_credits(server.origin, 2.0)
        for _ in range(3):
            timer = threading.Timer(0.3, server.kill)
            timer.start()
            try:
                with client_of(server.base_url) as client:
                    while client.create(model="t2i-sketch").status_code == 201:
                        pass
            except httpx.HTTPError:
                pass
            timer.join()
            server.start()
        with client_of(server.base_url) as client:
            while client.create(model="t2i-sketch").status_code == 201:
                pass
            assert len(_all_ids(client)) == 200


def test_a_reset_puts_every_process_clock_back(tmp_path: Path) -> None:
    state = tmp_path / "state.db"
    with MockFlora(state=state) as one, MockFlora(state=state) as two:
        one.advance(7200)
        with client_of(two.base_url) as client:
            assert client.create().status_code == 201
            one.reset()
            assert client.list().json()["generations"] == []
            run = client.get(client.create().json()["poll_url"]).json()
            assert abs(run["created_at"] / 1000 - time.time()) < 60


def test_workers_share_clock_accounts_faults_and_requests(tmp_path: Path) -> None:
    with running("--state", str(tmp_path / "state.db"), "--workers", "2") as server:
        httpx.put(f"{server.origin}/_mock/accounts/sk_new", json={"credits": 1})
        httpx.post(f"{server.origin}/_mock/clock", json={"advance_seconds": 5000})
        rule = {"kind": "status", "status": 500, "method": "GET", "count": 3}
        httpx.put(f"{server.origin}/_mock/faults", json=[rule])
        statuses = []
        for _ in range(12):  # a connection each: either worker may take it
            with client_of(server.base_url, "sk_new") as client:
                statuses.append(client.list().status_code)
        assert sorted(statuses) == [200] * 9 + [500] * 3
        clocks = [httpx.get(f"{server.origin}/_mock/clock").json()["now"] for _ in range(8)]
        assert all(now / 1000 > time.time() + 4900 for now in clocks)
        for _ in range(4):
            found = httpx.get(f"{server.origin}/_mock/requests").json()["requests"]
            assert len([r for r in found if r["operation"] == "listGenerations"]) >= 12
        code, log = server.stop()
        assert code == 0
        assert "Traceback" not in log


# PostgreSQL


def test_two_servers_on_one_postgresql_are_one_flora(postgresql: str) -> None:
    with (
        MockFlora(state=postgresql, run_seconds=600) as one,
        MockFlora(state=postgresql) as two,
        client_of(one.base_url) as at_one,
        client_of(two.base_url) as at_two,
    ):
        one.reset()
        run_id = at_one.create(key="k", prompt="a\x00b ü").json()["run_id"]
        assert at_two.create(key="k").status_code == 409
        assert at_two.get(f"/runs/{run_id}").json()["status"] == "pending"
        one.advance(7300)
        assert at_two.get(f"/runs/{run_id}").json()["status"] == "completed"
        assert at_two.create(key="k").status_code == 201
        two.put_account("sk_new", credits=0.05, workspaces={"ws_n": ["prj_n"]})
        home = {"workspace_id": "ws_n", "project_id": "prj_n"}
        with client_of(one.base_url, "sk_new") as new:
            assert new.create(model="t2i-unlucky", **home).status_code == 201
            assert new.create(**home).status_code == 402
            one.advance(601)
            assert new.create(**home).status_code == 201
        page = at_two.list(limit=1).json()
        rest = at_one.list(limit=5, cursor=page["meta"]["next_cursor"]).json()
        assert [g["run_id"] for g in rest["generations"]] == [run_id]
        assert page["meta"]["total_estimate"] == 2
        assert len(at_one.list(status="completed").json()["generations"]) == 2
        two.put_faults({"kind": "status", "status": 500, "count": 2})
        statuses = [client.list().status_code for client in (at_one, at_two, at_one)]
        assert statuses == [500, 500, 200]
        assert len(one.requests()) > 5 < len(two.requests())


def test_a_connection_that_postgresql_ends_is_made_anew(postgresql: str) -> None:
    with MockFlora(state=postgresql) as mock, client_of(mock.base_url) as client:
        mock.reset()
        assert client.create().status_code == 201
        execute(
            postgresql,
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()",
        )
        assert client.create().status_code == 201
        assert len(client.list().json()["generations"]) == 2


def test_two_hundred_creators_on_two_servers_make_one_run(postgresql: str) -> None:
    with MockFlora(state=postgresql) as one, MockFlora(state=postgresql) as two:
        one.reset()

        def create(number: int) -> list[int]:
            with client_of((one, two)[number % 2].base_url) as own:
                return [own.create(key="one").status_code for _ in range(10)]

        with ThreadPoolExecutor(20) as pool:
            statuses = [status for found in pool.map(create, range(20)) for status in found]
        assert sorted(statuses) == [201] + [409] * 199


def _all_ids(client: httpx.Client) -> list[str]:
    found: list[str] = []
    query: dict[str, str | int] = {"limit": 100}
    while True:
        page = client.get("/generations", params=query).json()
        found += [run["run_id"] for run in page["generations"]]
        if page["meta"]["next_cursor"] is None:
            return found
        query["cursor"] = page["meta"]["next_cursor"]


def _set_credits(origin: str, dollars: float) -> None:
    workspaces = {"ws_abc123": ["prj_abc123"], "ws_second1": ["prj_second1"]}
    entry = {"credits": dollars, "workspaces": workspaces}
    httpx.put(f"{origin}/_mock/accounts/sk_live_test", json=entry).raise_for_status()
