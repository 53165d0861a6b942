"""Answers that are not the mock's own: those of a recording, and of a server behind it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from click.testing import CliRunner

from flora_contract.cli import group, judge_of
from flora_contract.errors import InputError
from flora_contract.mock import MockFlora
from tests.mock.conftest import BODY, KEY
from tests.mock.server_process import free_port, running

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HEADERS = {"authorization": f"Bearer {KEY}", "content-type": "application/json"}


def talk(base_url: str) -> list[Any]:
    """What a client hears: of a run, of lists, of mistakes."""
    with httpx.Client(base_url=base_url, headers=HEADERS) as client:
        created = client.post("/generate", json=BODY)
        run_id = created.json()["run_id"]
        answers = [
            created,
            client.get(f"/runs/{run_id}"),
            client.get("/generations", params={"limit": 1}),
            client.post("/generate", json={**BODY, "prompt": ""}),
            client.get("/nothing"),
            client.get("/models"),
        ]
    return [(answer.status_code, answer.json()) for answer in answers]


def test_what_was_recorded_is_answered_again(tmp_path: Path) -> None:
    file = tmp_path / "talk.har"
    with MockFlora(record=file, run_seconds=0) as mock:
        said = talk(mock.base_url)
        entries = json.loads(file.read_text())["log"]["entries"]  # while it goes on
        assert [entry["response"]["status"] for entry in entries] == [201, 200, 200, 400, 404, 200]
        mock.reset()
        assert KEY not in file.read_text()
        recorded = mock.origin
    with MockFlora(replay=file) as replaying:
        again = talk(replaying.base_url)
        assert json.dumps(again) == json.dumps(said).replace(recorded, replaying.origin)
        assert talk(replaying.base_url) == again, "the last answer is given again"
        with httpx.Client(base_url=replaying.base_url) as client:
            missing = client.get("/generations", params={"limit": 7})
            assert missing.status_code == 404
            assert missing.json()["error"]["message"] == "No such request was recorded."
        assert replaying.requests()[-1]["problems"] == ["No such request was recorded."]
    judged = CliRunner().invoke(group, ["traffic", str(file)], standalone_mode=False)
    assert judged.exception is None or getattr(judged.exception, "code", 0) == 0, judged.output


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"log": {"entries": [{}]}}', "\x00"])
def test_what_is_no_recording_is_refused(content: str, tmp_path: Path) -> None:
    file = tmp_path / "talk.har"
    file.write_text(content)
    with pytest.raises(InputError, match="not a HAR file"):
        MockFlora(replay=file).__enter__()
    with pytest.raises(InputError, match="cannot be read"):
        MockFlora(replay=tmp_path / "nothing.har").__enter__()
    with pytest.raises(InputError, match="cannot be written"):
        MockFlora(record=tmp_path / "nowhere" / "talk.har").__enter__()
    with pytest.raises(InputError, match="no regular file"):
        MockFlora(record=tmp_path).__enter__()


@pytest.fixture(scope="module")
def behind() -> Iterator[MockFlora]:
    with MockFlora(run_seconds=0) as behind:
        yield behind


@pytest.fixture
def proxy(behind: MockFlora) -> Iterator[MockFlora]:
    behind.reset()
    with MockFlora(proxy=behind.base_url, judge=judge_of) as proxy:
        yield proxy


def test_what_passes_is_as_it_was_and_sound(behind: MockFlora, proxy: MockFlora) -> None:
    through = talk(proxy.base_url)
    behind.reset()
    assert [status for status, _ in through] == [status for status, _ in talk(behind.base_url)]
    assert through[1][1]["run_id"] == through[0][1]["run_id"]
    passed = proxy.requests()
    assert [one["problems"] for one in passed] == [[]] * 6
    assert [one["operation"] for one in passed][:3] == [
        "createGeneration",
        "getRun",
        "listGenerations",
    ]
    assert KEY not in json.dumps(passed)
    assert len(behind.requests()) == 6


def test_what_breaks_the_contract_is_told_once(behind: MockFlora, proxy: MockFlora) -> None:
    behind.put_faults({"kind": "drop", "field": "status", "operation": "getRun"})
    with httpx.Client(base_url=proxy.base_url, headers=HEADERS) as client:
        run_id = client.post("/generate", json=BODY).json()["run_id"]
        for _ in range(2):
            assert "status" not in client.get(f"/runs/{run_id}").json()
    created, first, second = proxy.requests()
    assert created["problems"] == second["problems"] == []
    assert any("getRun" in problem and "status" in problem for problem in first["problems"])


def test_faults_come_between(behind: MockFlora, proxy: MockFlora) -> None:
    proxy.put_faults({"kind": "status", "status": 500, "operation": "listGenerations", "count": 1})
    with httpx.Client(base_url=proxy.base_url, headers=HEADERS) as client:
        assert [client.get("/generations").status_code for _ in range(2)] == [500, 200]
    assert len(behind.requests()) == 1


def test_a_server_that_is_not_there_is_502() -> None:
    with MockFlora(proxy=f"http://127.0.0.1:{free_port()}/api/v1", judge=judge_of) as proxy:
        answer = httpx.get(f"{proxy.base_url}/generations", headers=HEADERS)
        assert answer.status_code == 502
        assert "gives no answer" in answer.json()["error"]["message"]


def test_what_may_cost_is_forwarded_only_if_it_is_named() -> None:
    """The host is one that nobody has (RFC 5737): whatever is forwarded to it fails."""
    with MockFlora(proxy="http://192.0.2.1:9/api/v1") as proxy:
        for path in ("/generate", "/runs/generation", "/unknown"):
            answer = httpx.post(f"{proxy.base_url}{path}", headers=HEADERS, json=BODY)
            assert answer.status_code == 403
            assert "Not forwarded" in answer.json()["error"]["message"]
    with pytest.raises(InputError, match="--allow: generate is none of createGeneration"):
        MockFlora(proxy="http://192.0.2.1:9", allow=("generate",)).__enter__()
    with pytest.raises(InputError, match="not the URL of a server"):
        MockFlora(proxy="flora").__enter__()


def test_the_command_says_what_it_forwards(behind: MockFlora) -> None:
    with running("--proxy", behind.base_url) as server:
        assert talk(server.base_url)[0][0] == 201
        _, log = server.stop()
    assert f"Forwarding to {behind.base_url}\n" in log
    with running("--proxy", "http://192.0.2.1:9/api/v1", "--allow", "createGeneration") as server:
        _, log = server.stop()
    assert "of what may cost something there: createGeneration" in log
