"""What a mock that runs for days meets: clocks that step, a full disk, many and large requests."""

from __future__ import annotations

import importlib.util
import resource
import sys
import time
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import orjson
import pytest

from flora_contract import shipped
from flora_contract.mock.application import Application, MockSettings
from flora_contract.mock.http.messages import HTTPRequest, HTTPResponse
from flora_contract.mock.state import exchange
from tests.mock.conftest import BODY, KEY, client_of
from tests.mock.server_process import running

if TYPE_CHECKING:
    from pathlib import Path

DAY = 86_400.0


class Machine:
    """A machine's clocks, which a test sets."""

    def __init__(self) -> None:
        self.wall, self.steady = 1_800_000_000.0, 1_000.0

    def passes(self, seconds: float) -> None:
        self.wall += seconds
        self.steady += seconds


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    machine = Machine()
    monkeypatch.setattr(time, "time", lambda: machine.wall)
    monkeypatch.setattr(time, "monotonic", lambda: machine.steady)
    return machine


def ask(application: Application, method: str, path: str, body: Any = None) -> HTTPResponse:
    fields = {b"authorization": f"Bearer {KEY}".encode(), b"content-type": b"application/json"}
    content = orjson.dumps(body) if body is not None else b""
    where = {"client": "127.0.0.1", "host": "127.0.0.1"}
    return application.answer(HTTPRequest(method, f"/api/v1{path}", fields, content, **where))


def status(application: Application, run_id: str) -> str:
    found: str = orjson.loads(ask(application, "GET", f"/runs/{run_id}").body)["status"]
    return found


def create(application: Application) -> str:
    found: str = orjson.loads(ask(application, "POST", "/generate", BODY).body)["run_id"]
    return found


@pytest.mark.parametrize("persistent", [True, False])
def test_a_clock_that_steps_back_undoes_nothing(
    persistent: bool, machine: Machine, tmp_path: Path
) -> None:
    settings = MockSettings(state=tmp_path / "state.db" if persistent else None, run_seconds=10)
    application = Application(settings)
    run_id = create(application)
    for _ in range(12):
        machine.passes(1)
        application.store.tick()
    assert status(application, run_id) == "completed"
    machine.wall -= DAY
    assert status(application, run_id) == "completed"
    second = create(application)
    machine.passes(5)
    assert status(application, second) == "running"
    machine.passes(5)
    assert status(application, second) == "completed"
    application.close()


def test_a_restart_after_the_clock_stepped_back_undoes_nothing(
    machine: Machine, tmp_path: Path
) -> None:
    settings = MockSettings(state=tmp_path / "state.db", run_seconds=10)
    application = Application(settings)
    run_id = create(application)
    for _ in range(10):
        machine.passes(1)
        application.store.tick()
    assert status(application, run_id) == "completed"
    application.close()  # which tells nobody, as kill -9 does not
    machine.wall -= DAY
    machine.steady = 5.0  # the machine has been started anew, too
    application = Application(settings)
    assert status(application, run_id) == "completed"
    second = create(application)
    for _ in range(10):
        machine.passes(1)
        application.store.tick()
    assert status(application, second) == "completed"
    other = Application(settings)
    assert abs(other.store.now() - application.store.now()) <= 2000
    assert status(other, second) == "completed"
    other.close()
    application.close()


def test_two_processes_go_by_the_later_clock(machine: Machine, tmp_path: Path) -> None:
    settings = MockSettings(state=tmp_path / "state.db", run_seconds=10)
    first, second = Application(settings), Application(settings)
    machine.wall -= DAY
    third = Application(settings)  # which never saw the time before
    processes = (first, second, third)

    def passes(seconds: float) -> None:
        machine.passes(seconds)
        for process in processes:
            process.store.tick()

    passes(1)
    passes(3600)  # while nothing happens, nothing is kept
    run_id = create(first)
    passes(5)
    passes(5)
    assert {status(one, run_id) for one in processes} == {"completed"}
    for process in processes:
        process.close()


def test_reads_write_nothing(tmp_path: Path) -> None:
    application = Application(MockSettings(state=tmp_path / "state.db", run_seconds=0))
    run_id = create(application)
    time.sleep(1.1)  # the time of the last change is kept for a second longer
    application.store.tick()
    before = [(file.name, file.stat().st_size) for file in sorted(tmp_path.iterdir())]
    changed = (tmp_path / "state.db-wal").stat().st_mtime_ns
    for _ in range(200):
        assert ask(application, "GET", f"/runs/{run_id}").status == 200
        assert ask(application, "GET", "/generations").status == 200
        assert ask(application, "GET", "/nothing").status == 404
        application.store.tick()
    assert [(file.name, file.stat().st_size) for file in sorted(tmp_path.iterdir())] == before
    assert (tmp_path / "state.db-wal").stat().st_mtime_ns == changed
    application.close()


def test_a_full_disk_loses_no_read_and_no_run(tmp_path: Path) -> None:
    """The disk is full for this process: no file may become larger than its log is."""
    state = tmp_path / "state.db"
    with running("--state", str(state)) as server, client_of(server.base_url) as client:
        runs = [client.create().json()["run_id"] for _ in range(10)]
        size = (tmp_path / "state.db-wal").stat().st_size
        limits = resource.prlimit(server.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (size, limits[1]))
        refused = 0
        for _ in range(40):
            answer = client.create(prompt="a" * 3000)
            if answer.status_code == 201:
                runs.append(answer.json()["run_id"])
            refused += answer.status_code == 500
            assert answer.status_code in {201, 500}
        assert refused
        listed = [run["run_id"] for run in client.list(limit=100).json()["generations"]]
        assert listed == runs[::-1]
        assert client.get(f"/runs/{runs[0]}").status_code == 200
        resource.prlimit(server.pid, resource.RLIMIT_FSIZE, limits)
        runs.append(client.create().json()["run_id"])
        server.kill()
        server.start()
        listed = [run["run_id"] for run in client.list(limit=100).json()["generations"]]
        assert listed == runs[::-1]


def test_the_log_has_a_size(tmp_path: Path) -> None:
    application = Application(MockSettings())
    with patch.object(exchange, "KEPT_BYTES", 300_000):
        for number in range(300):
            body = {**BODY, "prompt": "a" * 5000, **{f"x{n}": "" for n in range(number)}}
            ask(application, "POST", "/generate", body)
        kept = application.control.exchanges()
    assert 10 < len(kept) < 60
    assert len(orjson.dumps(kept)) < 2 * 300_000
    assert len(kept[-1]["problems"]) == 21
    assert kept[-1]["problems"][-1] == "and 279 more"
    application.close()


def test_two_thousand_requests_leave_a_thousand(tmp_path: Path) -> None:
    application = Application(MockSettings(run_seconds=0))
    for _ in range(2000):
        ask(application, "GET", "/nothing")
    assert len(application.control.exchanges()) == 1000
    application.close()


@pytest.mark.parametrize("state", ["", "--state={folder}/state.db"])
def test_memory_stays_as_it_is(state: str, tmp_path: Path) -> None:
    """An hour's soak in some seconds, in which speed says nothing."""
    path = shipped.ROOT / "scripts" / "soak_mock.py"
    spec = importlib.util.spec_from_file_location("soak_mock", path)
    assert spec is not None
    assert spec.loader is not None
    soak_mock = sys.modules["soak_mock"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(soak_mock)
    options = [state.format(folder=tmp_path)] if state else []
    memory, _, wrong = soak_mock.soak(options, 5.0)
    assert wrong == []
    assert memory[-1] < 1.3 * memory[2]
