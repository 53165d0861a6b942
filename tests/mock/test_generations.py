"""What a client notices of the four operations."""

from __future__ import annotations

import re
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from flora_contract.mock import MockFlora
from tests.mock.conftest import BODY, CONTRACT, Client, client_of

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

MODELS = {model["model_id"]: model for model in CONTRACT.document.tree["x-mock-entities"]["Model"]}


def error_of(response: httpx.Response) -> tuple[int, str]:
    return response.status_code, response.json()["error"]["code"]


def test_a_run_goes_from_pending_over_running_to_completed(mock: MockFlora, client: Client) -> None:
    accepted = client.create(model="t2i-flux-2-pro")
    assert accepted.status_code == 201
    run = accepted.json()
    assert run["poll_url"] == f"{mock.base_url}/runs/{run['run_id']}"
    assert (run["charged_cost"], run["type"]) == (0.04, "generation")
    seen = []
    for _ in range(30):
        view = client.get(run["poll_url"]).json()
        seen.append(view)
        mock.advance(0.1)
    statuses = [view["status"] for view in seen]
    assert list(dict.fromkeys(statuses)) == ["pending", "running", "completed"]
    progress = [view["progress"] for view in seen]
    assert progress == sorted(progress)
    assert (progress[0], progress[-1]) == (0, 100)
    last = seen[-1]
    assert last["created_at"] <= last["started_at"] <= last["completed_at"]
    assert last["charged_cost"] == run["charged_cost"]
    assert [output["type"] for output in last["outputs"]] == ["imageUrl"]
    assert all(view == last for view in seen[statuses.index("completed") :])


@pytest.mark.parametrize("model", MODELS)
def test_every_model_ends_as_the_catalogue_says(
    model: str, mock: MockFlora, client: Client
) -> None:
    run = client.create(type=MODELS[model]["type"], model=model).json()
    assert run["estimated_seconds"] == MODELS[model]["seconds"]
    assert run["charged_cost"] == MODELS[model]["cost"]
    mock.advance(3)
    view = client.get(f"/runs/{run['run_id']}").json()
    if "error" in MODELS[model]:
        assert view["status"] == "failed"
        assert view["error_code"] == MODELS[model]["error"]["code"]
        assert view["error_message"]
        assert "outputs" not in view
        assert view["progress"] == 100
    else:
        assert view["status"] == "completed"
        assert [output["type"] for output in view["outputs"]] == MODELS[model]["outputs"]


def test_the_documentation_lists_the_catalogue() -> None:
    text = (Path(__file__).parents[2] / "docs" / "mock.md").read_text(encoding="utf-8")
    rows = re.findall(r"\| `([\w-]+)` \| \$([\d.]+) \| (\d+) s \| (.*) \|", text)
    assert {name: (float(cost), int(seconds)) for name, cost, seconds, _ in rows} == {
        name: (entry["cost"], entry["seconds"]) for name, entry in MODELS.items()
    }
    failing = {name: makes for name, _, _, makes in rows if "fails" in makes}
    assert failing == {
        name: f"fails: `{entry['error']['code']}`"
        for name, entry in MODELS.items()
        if "error" in entry
    }


def test_the_catalogue_has_two_models_of_each_type_and_one_that_fails() -> None:
    for kind in ("image", "video", "audio", "text"):
        of_kind = [entry for entry in MODELS.values() if entry["type"] == kind]
        assert len([entry for entry in of_kind if "error" not in entry]) >= 2
        assert len([entry for entry in of_kind if "error" in entry]) == 1


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({"prompt": ...}, {"prompt": "Required"}),
        ({"prompt": ""}, {"prompt": "Expected at least 1 character"}),
        ({"type": "t2i"}, {"type": "Expected one of image, video, audio, text"}),
        ({"workspace_id": "abc", "project_id": 3}, None),
        ({"model": None}, {"model": "Expected string"}),
        ({"params": []}, {"params": "Expected object"}),
    ],
)
def test_wrong_fields_are_named_one_by_one(
    changes: dict[str, Any], fields: dict[str, str] | None, client: Client
) -> None:
    response = client.create(**changes)
    assert error_of(response) == (400, "input_validation_error")
    error = response.json()["error"]
    named = {entry["field"]: entry["message"] for entry in error["fields"]}
    assert set(named) == set(changes)
    if fields is not None:
        assert named == fields
        assert error["message"] == "; ".join(f"{k}: {v}" for k, v in fields.items())


def test_checks_come_in_the_documented_order(
    mock: MockFlora, as_account: Callable[[str], Client]
) -> None:
    nobody, broke, client = (as_account(key) for key in ("sk_x", "sk_live_broke", "sk_live_test"))
    home = {"workspace_id": "ws_broke1", "project_id": "prj_broke1"}
    assert error_of(nobody.post("/generate", content=b"{")) == (401, "unauthorized")
    assert error_of(client.post("/generate", content=b"{")) == (400, "invalid_json")
    wrong = client.create(prompt="", workspace_id="ws_nobody")
    assert error_of(wrong) == (400, "input_validation_error")
    foreign = {"workspace_id": "ws_other1", "project_id": "prj_nobody", "model": "none"}
    assert error_of(client.create(**foreign)) == (403, "forbidden")
    assert error_of(client.create(workspace_id="ws_nobody")) == (404, "not_found")
    assert error_of(client.create(project_id="prj_second1", model="none")) == (404, "not_found")
    unavailable = client.create(model="t2v-loop")
    assert error_of(unavailable) == (400, "input_validation_error")
    assert "is not available" in unavailable.json()["error"]["message"]
    assert "List models" in unavailable.json()["error"]["message"]
    assert error_of(broke.create(key="k", **home)) == (402, "insufficient_credits")
    assert error_of(broke.create(key="k", **home)) == (402, "insufficient_credits")
    assert client.list().json()["generations"] == []


def test_a_key_is_used_for_two_hours_by_account_and_operation(
    mock: MockFlora, client: Client, as_account: Callable[[str], Client]
) -> None:
    other = as_account("sk_live_other")
    assert client.create(key="k").status_code == 201
    assert error_of(client.create(key="k", prompt="Another")) == (409, "idempotency_duplicate")
    assert client.create(key="k", path="/runs/generation").status_code == 201
    foreign = {"workspace_id": "ws_other1", "project_id": "prj_other1"}
    assert other.create(key="k", **foreign).status_code == 201
    mock.advance(7190)
    assert error_of(client.create(key="k")) == (409, "idempotency_duplicate")
    mock.advance(11)
    assert client.create(key="k").status_code == 201
    assert error_of(client.create(key="k")) == (409, "idempotency_duplicate")


def test_two_hundred_creators_with_one_key_make_one_run(mock: MockFlora) -> None:
    barrier = threading.Barrier(40)

    def create(number: int) -> list[int]:
        with client_of(mock.base_url) as own:
            barrier.wait()
            return [own.create(key="one").status_code for _ in range(5)]

    with ThreadPoolExecutor(40) as pool:
        statuses = [status for found in pool.map(create, range(40)) for status in found]
    assert sorted(statuses) == [201] + [409] * 199
    with client_of(mock.base_url) as own:
        assert len(own.list(limit=100).json()["generations"]) == 1


def test_credits_are_spent_once_and_come_back_when_a_run_fails(
    mock: MockFlora, as_account: Callable[[str], Client]
) -> None:
    mock.put_account("sk_live_small", credits=0.05, workspaces={"ws_small": ["prj_small"]})
    client = as_account("sk_live_small")
    home = {"workspace_id": "ws_small", "project_id": "prj_small"}
    assert client.create(model="t2i-unlucky", **home).status_code == 201  # 0.03 left
    assert client.create(**home).status_code == 402
    mock.advance(3)
    assert client.create(**home).status_code == 201  # 0.01 left
    assert client.create(**home).status_code == 402
    assert client.create(model="t2i-sketch", **home).status_code == 201
    assert client.create(model="t2i-sketch", **home).status_code == 402


def test_the_history_is_paged_without_repeats_or_gaps_while_runs_are_added(
    mock: MockFlora, client: Client
) -> None:
    first = [client.create().json()["run_id"] for _ in range(25)]
    pages, cursor = [], None
    while True:
        page = client.list(limit=4, **({"cursor": cursor} if cursor else {})).json()
        pages.append([run["run_id"] for run in page["generations"]])
        cursor = page["meta"]["next_cursor"]
        client.create()
        if cursor is None:
            break
    assert [len(page) for page in pages] == [4] * 6 + [1]
    assert [run_id for page in pages for run_id in page] == first[::-1]
    assert len(client.list().json()["generations"]) == 20


def test_filters_are_joined_by_and(mock: MockFlora, client: Client) -> None:
    client.create(model="t2i-unlucky")
    second = {"workspace_id": "ws_second1", "project_id": "prj_second1"}
    client.create(**second)
    mock.advance(3)
    client.create()
    client.create(**second)

    def found(**query: str) -> tuple[list[str], int]:
        page = client.list(**query).json()
        return [g["status"] for g in page["generations"]], page["meta"]["total_estimate"]

    assert found() == (["pending", "pending", "completed", "failed"], 4)
    assert found(workspace_id="ws_second1") == (["pending", "completed"], 2)
    assert found(project_id="prj_abc123") == (["pending", "failed"], 2)
    assert found(workspace_id="ws_second1", project_id="prj_abc123") == ([], 0)
    assert found(workspace_id="ws_other1") == ([], 0)
    assert found(status="pending") == (["pending", "pending"], 2)
    assert found(status="running") == ([], 0)
    assert found(status="failed", project_id="prj_abc123") == (["failed"], 1)
    assert found(status="completed", workspace_id="ws_second1") == (["completed"], 1)
    assert found(status="pending", project_id="prj_second1") == (["pending"], 1)


@pytest.mark.parametrize("cursor", ["", "x", "eyJvZmZzZXQiOjIwfQ", "A" * 32, "é", "%00"])
def test_a_cursor_of_somebody_else_is_refused(cursor: str, client: Client) -> None:
    response = client.list(cursor=cursor)
    assert error_of(response) == (400, "input_validation_error")
    assert response.json()["error"]["fields"][0]["field"] == "cursor"


def test_a_cursor_of_other_filters_is_refused(client: Client) -> None:
    for _ in range(3):
        client.create()
    cursor = client.list(limit=1).json()["meta"]["next_cursor"]
    assert error_of(client.list(cursor=cursor, status="pending"))[0] == 400
    assert client.list(cursor=cursor, limit=2).status_code == 200


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=101", "limit=x", "limit=1.5", "limit=", "limit=1&limit=2", "status=done"],
)
def test_wrong_queries_are_refused(query: str, client: Client) -> None:
    assert error_of(client.get(f"/generations?{query}")) == (400, "input_validation_error")


def test_a_run_of_another_account_is_not_found(
    client: Client, as_account: Callable[[str], Client]
) -> None:
    run_id = client.create().json()["run_id"]
    assert error_of(as_account("sk_live_other").get(f"/runs/{run_id}")) == (404, "not_found")
    assert error_of(client.get("/runs/run_0000000000000000")) == (404, "not_found")
    assert error_of(client.get(f"/runs/{run_id.upper()}"))[0] == 400
    assert error_of(client.get("/runs/abc")) == (400, "input_validation_error")


def test_the_rate_limit_says_when_to_come_back() -> None:
    with MockFlora(rate_limit=3) as mock, client_of(mock.base_url) as client:
        for _ in range(3):
            assert client.create(key="k" * 5).status_code in {201, 409}
        statuses = [client.list().status_code for _ in range(4)]
        assert 429 in statuses
        limited = next(
            r for r in (client.create(key="later") for _ in range(9)) if r.status_code != 201
        )
        assert error_of(limited) == (429, "rate_limited")
        assert int(limited.headers["retry-after"]) >= 1
        mock.advance(2)
        assert client.list().status_code == 200


def test_the_same_seed_gives_the_same_ids() -> None:
    found = []
    for seed in (1, 1, 2):
        with MockFlora(seed=seed) as mock, client_of(mock.base_url) as client:
            found.append(client.create().json()["run_id"])
    assert found[0] == found[1] != found[2]


def test_a_body_of_another_type_is_no_json(client: Client) -> None:
    response = client.post(
        "/generate", content=str(BODY).encode(), headers={"content-type": "text/plain"}
    )
    assert error_of(response) == (400, "invalid_json")
