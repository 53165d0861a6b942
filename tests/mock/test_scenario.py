"""What a mock can be told to begin with."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from flora_contract.errors import InputError
from flora_contract.mock import MockFlora
from tests.mock.conftest import client_of
from tests.mock.server_process import running

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

PLACE = {"workspace_id": "ws_team", "project_id": "prj_team"}
IMAGE = {"type": "image", "prompt": "A harbour at dawn", **PLACE}
SCENARIO: dict[str, Any] = {
    "accounts": {
        "sk_team": {"credits": 0.05, "workspaces": {"ws_team": ["prj_team", "prj_spare"]}},
        "sk_guest": {"credits": 1, "workspaces": {"ws_guest": ["prj_guest"]}},
    },
    "entities": {
        "Run": [
            {"account": "sk_team", "state": "completed", "age": 3600, "count": 250, "every": 60,
             "with": IMAGE},
            {"state": "failed", "with": {**IMAGE, "model": "t2i-unlucky"}},
            {"state": "running", "with": {**IMAGE, "prompt": "On its way"}},
            {"state": "pending", "with": IMAGE, "count": 2, "every": 0},
        ],
    },
    "faults": [
        {"kind": "status", "status": 500, "operation": "getRun", "after": 100, "until": 200},
        {"kind": "status", "status": 500, "operation": "listModels", "count": 1},
    ],
}  # fmt: skip


@pytest.fixture(scope="module", params=["memory", "sqlite", "postgresql"])
def kept(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[MockFlora]:
    state: Any = {
        "memory": lambda: None,
        "sqlite": lambda: tmp_path_factory.mktemp("state") / "state.db",
        "postgresql": lambda: request.getfixturevalue("postgresql"),
    }[request.param]()
    with MockFlora(state=state, run_seconds=1000, self_check=True) as mock:
        yield mock


def test_it_begins_as_told(kept: MockFlora) -> None:
    kept.reset(SCENARIO)
    for _ in range(2):
        with client_of(kept.base_url, "sk_team") as team:
            assert team.list().json()["meta"]["total_estimate"] == 254
            found = {
                state: team.list(status=state, limit=100).json()
                for state in ("pending", "running", "completed", "failed")
            }
            totals = {state: page["meta"]["total_estimate"] for state, page in found.items()}
            assert totals == {"pending": 2, "running": 1, "completed": 250, "failed": 1}
            (failed,) = found["failed"]["generations"]
            assert failed["error_code"] == "provider_error"
            times = [run["created_at"] for run in found["completed"]["generations"]]
            assert [a - b for a, b in pairwise(times)] == [60_000] * 99
            assert team.create(**PLACE).status_code == 201
            assert team.create(**PLACE).status_code == 402, "what was there had cost nothing"
            run_id = found["running"]["generations"][0]["run_id"]
            assert team.get(f"/runs/{run_id}").json()["status"] == "running"
        with client_of(kept.base_url, "sk_guest") as guest:
            assert guest.list().json()["generations"] == []
            assert guest.get(f"/runs/{run_id}").status_code == 404
            kept.advance(150)
            assert guest.get(f"/runs/{run_id}").status_code == 500
            kept.advance(51)
            assert guest.get(f"/runs/{run_id}").status_code == 404
            kept.advance(800)
        with client_of(kept.base_url, "sk_team") as team:
            assert team.list(status="completed").json()["meta"]["total_estimate"] == 254
        kept.reset()  # which goes back to the same start


def test_a_file_is_a_scenario_for_the_command(tmp_path: Path) -> None:
    file = tmp_path / "scenario.yaml"
    file.write_text(json.dumps(SCENARIO))
    with running("--scenario", str(file)) as server, client_of(server.base_url, "sk_team") as team:
        assert team.list().json()["meta"]["total_estimate"] == 254


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda s: s.update(runs=[]), "a scenario is an object of accounts, entities, faults"),
        (lambda s: s.update(faults={}), "faults is a list"),
        (lambda s: s["faults"].append({"kind": "explode"}), "kind is one of"),
        (lambda s: s["faults"].append({"kind": "null", "after": -1}), "after is a number"),
        (lambda s: s["entities"].update(Ship=[{}]), "a kind is one of Model, Workspace"),
        (lambda s: s["entities"].update(Run=[{"colour": 1}]), "a Run is an object of account"),
        (lambda s: run_of(s, state="sunk"), "state is one of pending, running"),
        (lambda s: run_of(s, account="sk_x"), "account is one of sk_team, sk_guest"),
        (lambda s: run_of(s, count=0), "count is a number from 1"),
        (lambda s: run_of(s, count=1.5), "count is a whole number"),
        (lambda s: run_of(s, age="old"), "age is a number from 0"),
        (lambda s: run_of(s, account="sk_guest"), "workspace_id: there is no Workspace ws_team"),
        (lambda s: run_of(s, **{"with": {**IMAGE, "model": "t2i-x"}}), "model: there is no Model"),
        (lambda s: run_of(s, **{"with": PLACE}), "with needs 'type'"),
        (lambda s: s["accounts"].update(sk_x={"credits": -1}), "credits is a number"),
    ],
)
def test_a_wrong_one_is_refused_with_its_line(
    change: Callable[[Any], None], problem: str, mock: MockFlora, tmp_path: Path
) -> None:
    scenario = json.loads(json.dumps(SCENARIO))
    change(scenario)
    with pytest.raises(InputError, match=f"scenario: .*: {problem}"):
        mock.reset(scenario)
    file = tmp_path / "scenario.yaml"
    file.write_text(json.dumps(scenario, indent=1))
    with pytest.raises(InputError, match=rf"scenario.yaml:\d+: {problem}"):
        mock.reset(file)
    mock.reset({})


def run_of(scenario: Any, **changes: Any) -> None:
    scenario["entities"]["Run"][0].update(changes)


@pytest.mark.flora_scenario({"entities": {"Run": [{"with": {**IMAGE, "workspace_id": "ws_abc123",
    "project_id": "prj_abc123"}, "count": 3}]}})  # fmt: skip
def test_the_fixture_takes_one(flora_mock: MockFlora) -> None:
    with client_of(flora_mock.base_url) as client:
        assert client.list().json()["meta"]["total_estimate"] == 3


def test_and_begins_without_one_again(flora_mock: MockFlora) -> None:
    with client_of(flora_mock.base_url) as client:
        assert client.list().json()["meta"]["total_estimate"] == 0
