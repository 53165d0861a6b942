"""`/_mock`, as a program asks it, and the faults it can order."""

from __future__ import annotations

import socket
import time
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from flora_contract.mock import MockFlora
from tests.mock.conftest import BODY, KEY, Client, client_of

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def control(mock: MockFlora) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"{mock.origin}/_mock") as control:
        yield control


@pytest.fixture
def plain(mock: MockFlora) -> Iterator[httpx.Client]:
    """Without the eye on the contract: a fault breaks it."""
    headers = {"authorization": f"Bearer {KEY}"}
    with httpx.Client(base_url=mock.base_url, headers=headers) as plain:
        yield plain


def test_reset_goes_back_to_the_start(client: Client, control: httpx.Client) -> None:
    first = client.create(key="k").json()
    control.post("/clock", json={"advance_seconds": 60})
    control.put("/accounts/sk_new", json={"credits": 1})
    control.put("/faults", json=[{"kind": "delay", "seconds": 0}])
    assert control.post("/reset").status_code == 204
    assert client.list().json()["generations"] == []
    assert client.create(key="k").json() == first
    assert abs(control.get("/clock").json()["now"] / 1000 - time.time()) < 5
    assert control.get("/faults").json()["faults"] == []
    assert client.get("/generations", headers={"authorization": "Bearer sk_new"}).status_code == 401


def test_the_clock_moves_on(client: Client, control: httpx.Client) -> None:
    run = client.create().json()
    before = control.get("/clock").json()["now"]
    after = control.post("/clock", json={"advance_seconds": 1.5}).json()["now"]
    assert 1500 <= after - before < 4000
    assert client.get(run["poll_url"]).json()["status"] == "running"


@pytest.mark.parametrize("value", [-1, "1", None, True, 1e10])
def test_the_clock_does_not_go_back(value: object, control: httpx.Client) -> None:
    response = control.post("/clock", json={"advance_seconds": value})
    assert response.status_code == 400
    assert response.json()["error"]["fields"][0]["field"] == "advance_seconds"


def test_the_clock_does_not_leave_the_calendar(
    mock: MockFlora, client: Client, control: httpx.Client
) -> None:
    answers = [control.post("/clock", json={"advance_seconds": 1e9}) for _ in range(300)]
    assert {answer.status_code for answer in answers} == {200, 400}
    assert "1e+11" in answers[-1].json()["error"]["message"]
    assert client.create().status_code == 201
    assert control.get("/").status_code == 200
    with pytest.raises(ValueError, match="0 to 1e9"):
        mock.advance(-1)


def test_requests_tell_what_broke_the_contract_and_no_key(
    mock: MockFlora, client: Client, control: httpx.Client
) -> None:
    client.create(key="order-1", modle="t2i-sketch")
    client.create(prompt="", key="sk_live_somebody")
    client.get("/generations?limit=0&page=2")
    client.put("/generations", json={})
    client.get("/nothing")
    client.get("/generations", headers={"authorization": "Bearer sk_live_wrong"})
    with socket.create_connection(("127.0.0.1", int(mock.origin.rpartition(":")[2]))) as raw:
        raw.sendall(b"NONSENSE\r\n\r\n")
        raw.recv(1000)
    answer = control.get("/requests")
    found = answer.json()["requests"]
    assert [r["status"] for r in found] == [201, 400, 400, 405, 404, 401, 400]
    assert [r["problems"] for r in found[:-1]] == [
        ["modle: not in the contract"],
        ["prompt: Expected at least 1 character"],
        ["limit: Expected 1 or more", "page: not in the contract"],
        ["the contract has no such method here"],
        ["the contract has no such path"],
        ["Invalid API key."],
    ]
    assert "Malformed HTTP" in found[-1]["problems"][0]
    assert found[0]["operation"] == "createGeneration"
    assert found[0]["headers"]["idempotency-key"] == "order-1"
    assert BODY["prompt"] in found[0]["body"]
    assert "sk_live" not in answer.text


def test_accounts_can_be_made(control: httpx.Client, mock: MockFlora) -> None:
    entry = {"credits": 0.04, "workspaces": {"ws_new": ["prj_new"]}}
    assert control.put("/accounts/sk_live_new", json=entry).status_code == 204
    with client_of(mock.base_url, "sk_live_new") as client:
        place = {"workspace_id": "ws_new", "project_id": "prj_new"}
        assert client.create(**place).status_code == 201
        assert client.create(**place).status_code == 402
        assert control.put("/accounts/sk_live_new", json=entry).status_code == 204
        assert client.create(**place).status_code == 201
        assert len(client.list(workspace_id="ws_new").json()["generations"]) == 2


@pytest.mark.parametrize(
    "entry",
    [
        [],
        {"credits": -1},
        {"credits": "1"},
        {"workspaces": {"abc": []}},
        {"workspaces": {"ws_x": ["ws_x"]}},
        {"workspaces": {"ws_abc123": []}},
        {"workspaces": {"ws_x": ["prj_x", "prj_x"]}},
        {"workspaces": {"ws_x": [1]}},
        {"money": 1},
    ],
)
def test_wrong_accounts_are_refused(entry: object, control: httpx.Client) -> None:
    assert control.put("/accounts/sk_live_new", json=entry).status_code == 400


def test_unknown_paths_and_methods(control: httpx.Client) -> None:
    assert control.get("/nothing").status_code == 404
    refused = control.get("/reset")
    assert (refused.status_code, refused.headers["allow"]) == (405, "POST")
    assert httpx.get(str(control.base_url).rstrip("/"), follow_redirects=True).status_code == 200


def test_a_site_in_a_browser_cannot_reach_it(control: httpx.Client, mock: MockFlora) -> None:
    elsewhere = control.post("/reset", headers={"origin": "https://example.com"})
    assert elsewhere.status_code == 403
    assert control.post("/reset", headers={"origin": mock.origin}).status_code == 204
    for host in ("example.com", "127.example.com", "127.0.0.1.example.com:4010", "localhost.x"):
        own = {"host": host, "origin": f"http://{host}"}
        assert control.post("/reset", headers=own).status_code == 403
    for host in ("localhost:1", "LOCALHOST", "127.9.9.9", "[::1]:4010", "[::ffff:127.0.0.1]"):
        assert control.get("/requests", headers={"host": host}).status_code == 200


def test_without_control_there_is_none() -> None:
    with MockFlora(control=False) as mock:
        assert httpx.post(f"{mock.origin}/_mock/reset").status_code == 404
        assert httpx.get(f"{mock.origin}/_mock/").status_code == 404


# Faults


def create(plain: httpx.Client) -> httpx.Response:
    return plain.post("/generate", json=BODY)


def runs(mock: MockFlora) -> int:
    with client_of(mock.base_url) as client:
        return len(client.list().json()["generations"])


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 409, 429, 500])
def test_a_status_is_answered_and_nothing_done(
    status: int, mock: MockFlora, client: Client
) -> None:
    mock.put_faults({"kind": "status", "status": status, "method": "POST", "count": 1})
    refused = client.create()
    assert refused.status_code == status
    assert ("retry-after" in refused.headers) == (status == 429)
    assert runs(mock) == 0
    assert client.create().status_code == 201


def test_a_connection_closes_before_or_after(mock: MockFlora, plain: httpx.Client) -> None:
    mock.put_faults({"kind": "close_before", "operation": "createGeneration", "count": 1})
    with pytest.raises(httpx.RemoteProtocolError):
        create(plain)
    assert runs(mock) == 0
    mock.put_faults({"kind": "close_after", "operation": "createGeneration", "count": 1})
    with pytest.raises(httpx.RemoteProtocolError):
        create(plain)
    assert runs(mock) == 1
    assert [r["fault"] for r in mock.requests() if r["status"] is None] == [
        "close_before",
        "close_after",
    ]


def test_a_delay_holds_only_its_own_answer(mock: MockFlora, plain: httpx.Client) -> None:
    mock.put_faults({"kind": "delay", "seconds": 0.5, "operation": "createGeneration"})
    started = time.monotonic()
    with socket.create_connection(("127.0.0.1", plain.base_url.port or 0)) as slow:
        head = f"POST {plain.base_url.path}generate HTTP/1.1\r\nhost: x\r\n"
        slow.sendall(f"{head}authorization: Bearer {KEY}\r\ncontent-length: 2\r\n\r\n{{}}".encode())
        assert runs(mock) == 0
        assert time.monotonic() - started < 0.4
        assert slow.recv(100).startswith(b"HTTP/1.1 400")
    assert time.monotonic() - started > 0.5


def test_a_delayed_answer_comes_to_whoever_has_said_all(mock: MockFlora) -> None:
    mock.put_faults({"kind": "delay", "seconds": 0.2})
    with socket.create_connection(("127.0.0.1", int(mock.origin.rpartition(":")[2]))) as raw:
        raw.settimeout(5)
        raw.sendall(b"GET /api/v1/generations HTTP/1.1\r\nhost: x\r\n\r\n")
        raw.shutdown(socket.SHUT_WR)
        assert raw.recv(1000).startswith(b"HTTP/1.1 401")
        assert raw.recv(1000) == b""


def test_a_mock_that_ends_answers_what_was_asked() -> None:
    with MockFlora() as mock:
        mock.put_faults({"kind": "delay", "seconds": 0.3})
        raw = socket.create_connection(("127.0.0.1", int(mock.origin.rpartition(":")[2])), 5)
        raw.sendall(b"GET /api/v1/generations HTTP/1.1\r\nhost: x\r\n\r\n")
        while not mock.requests():
            time.sleep(0.01)
        started = time.monotonic()
    assert time.monotonic() - started < 2
    with raw:
        assert raw.recv(1000).startswith(b"HTTP/1.1 401")
        assert raw.recv(1000) == b""


def test_a_body_is_cut_off(mock: MockFlora, plain: httpx.Client) -> None:
    mock.put_faults({"kind": "truncate"})
    with pytest.raises(httpx.RemoteProtocolError, match=r"incomplete|without sending complete"):
        create(plain)


def test_a_body_drips(mock: MockFlora, plain: httpx.Client) -> None:
    mock.put_faults({"kind": "drip", "seconds": 0.4})
    started = time.monotonic()
    with plain.stream("POST", "/generate", json=BODY) as dripping:
        assert time.monotonic() - started < 0.3, "the head comes at once"
        assert plain.get("/nothing").status_code == 404, "others do not wait"
        pieces = list(dripping.iter_raw())
    assert time.monotonic() - started > 0.3
    assert len(pieces) > 3
    assert plain.get("/generations").json()["generations"][0]["run_id"].encode() in b"".join(pieces)


def test_a_body_is_no_json_or_called_something_else(mock: MockFlora, plain: httpx.Client) -> None:
    mock.put_faults({"kind": "not_json"})
    with pytest.raises(ValueError, match="Expecting value"):
        create(plain).json()
    mock.put_faults({"kind": "content_type"})
    response = create(plain)
    assert response.headers["content-type"] == "text/html"
    assert response.json()["run_id"]


@pytest.mark.parametrize(
    ("rule", "changed"),
    [
        ({"kind": "extra_field"}, {"x_undocumented": "something new"}),
        ({"kind": "extra_field", "field": "eta"}, {"eta": "something new"}),
        ({"kind": "unknown_value"}, {"status": "undocumented_value"}),
        ({"kind": "null"}, {"charged_cost": None}),
        ({"kind": "null", "field": "poll_url"}, {"poll_url": None}),
        ({"kind": "drop"}, {"created_at": ...}),
        ({"kind": "drop", "field": "status"}, {"status": ...}),
    ],
)
def test_fields_change(
    rule: dict[str, Any], changed: dict[str, Any], mock: MockFlora, plain: httpx.Client
) -> None:
    run_id = create(plain).json()["run_id"]
    mock.advance(3)
    whole = plain.get(f"/runs/{run_id}").json()
    mock.put_faults(rule)
    expected = {k: v for k, v in {**whole, **changed}.items() if v is not ...}
    assert plain.get(f"/runs/{run_id}").json() == expected
    item = plain.get("/generations").json()["generations"][0]
    assert {k: item.get(k, ...) for k in changed} == changed


def test_chance_is_repeatable_and_counts_are_kept(mock: MockFlora, plain: httpx.Client) -> None:
    rule = {"kind": "status", "status": 500, "probability": 0.5, "seed": 7, "count": 4}

    def statuses() -> list[int]:
        mock.put_faults(rule)
        return [create(plain).status_code for _ in range(20)]

    first = statuses()
    assert first == statuses()
    assert first.count(500) == 4
    assert 201 in first[: len(first) - first[::-1].index(500)]


@pytest.mark.parametrize(
    "rule",
    [
        [],
        {},
        {"kind": "explode"},
        {"kind": "status"},
        {"kind": "status", "status": 418},
        {"kind": "status", "status": 409, "operation": "getRun"},
        {"kind": "delay"},
        {"kind": "delay", "seconds": -1},
        {"kind": "drip"},
        {"kind": "drop", "operation": "nothing"},
        {"kind": "drop", "method": "post"},
        {"kind": "drop", "count": 0},
        {"kind": "drop", "probability": 2},
        {"kind": "drop", "seed": "x"},
        {"kind": "drop", "field": 1},
        {"kind": "drop", "often": True},
    ],
)
def test_wrong_rules_are_refused(rule: object, control: httpx.Client) -> None:
    response = control.put("/faults", json=[rule])
    assert response.status_code == 400
    assert response.json()["error"]["message"]
    assert control.get("/faults").json()["faults"] == []


def test_what_is_told_of_faults_can_be_put_back(control: httpx.Client) -> None:
    control.put("/faults", json=[{"kind": "null", "after": 5}, {"kind": "drop"}])
    told = control.get("/faults").json()["faults"]
    assert control.put("/faults", json=told[:1]).status_code == 200
    assert control.get("/faults").json()["faults"] == told[:1]


def test_every_kind_of_fault_is_told(control: httpx.Client) -> None:
    kinds = control.get("/faults").json()["kinds"]
    assert set(kinds) == {
        *("status", "answer", "close_before", "close_after", "delay", "drip", "truncate"),
        "not_json",
        *("content_type", "extra_field", "unknown_value", "null", "drop"),
    }
