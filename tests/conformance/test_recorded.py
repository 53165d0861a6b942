"""Traffic that others recorded."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from flora_contract.conformance.recorded import har
from flora_contract.conformance.traffic import Traffic
from flora_contract.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

    from flora_contract.conformance.judge import Judge

RUN = {"run_id": "run_1", "status": "running", "progress": 5, "created_at": 1}


def har_entry(second: int, body: dict[str, Any], status: int = 200) -> dict[str, Any]:
    return {
        "startedDateTime": f"2026-06-15T12:00:{second:02}.000Z",
        "time": 120,
        "request": {
            "method": "GET",
            "url": "https://app.flora.ai/api/v1/runs/run_1",
            "headers": [{"name": "Authorization", "value": "Bearer sk_live_secret"}],
        },
        "response": {
            "status": status,
            "headers": [{"name": "Content-Type", "value": "application/json"}],
            "content": {"text": json.dumps(body)},
        },
    }


def read(path: Path) -> Judge:
    return Traffic([path]).read()


def oracles(path: Path) -> set[str]:
    return {f.oracle.id for f in read(path).findings()}


def test_a_har_file(tmp_path: Path) -> None:
    path = tmp_path / "browser.har"
    entries = [har_entry(2, RUN | {"status": "pending"}), har_entry(1, RUN)]
    path.write_text(json.dumps({"log": {"entries": entries}}))
    assert oracles(path) == {"state-forward"}


def test_keys_that_a_recorder_has_filtered_are_not_all_the_same(tmp_path: Path) -> None:
    def creation(second: int) -> dict[str, Any]:
        run = {
            "run_id": f"run_{second}",
            "type": "generation",
            "charged_cost": 0.04,
            "estimated_seconds": 1,
        }
        entry = har_entry(second, run, 201)
        entry["request"] |= {"method": "POST", "url": "https://app.flora.ai/api/v1/generate"}
        entry["request"]["headers"].append({"name": "Idempotency-Key", "value": "[Filtered]"})
        return entry

    path = tmp_path / "st.har"
    path.write_text(json.dumps({"log": {"entries": [creation(1), creation(2)]}}))
    assert oracles(path) == set()


def test_what_a_fuzzer_tries_beside_the_contract_is_no_breach_of_it(tmp_path: Path) -> None:
    path = tmp_path / "fuzzed.har"
    refusal = {"error": {"code": "method_not_allowed", "message": "No."}}
    beside = har_entry(1, refusal, 405)
    beside["request"]["url"] = "https://app.flora.ai/api/v1/runs/generation"
    started = {"run_id": "run_1", "type": "generation", "charged_cost": 0, "estimated_seconds": 1}
    creation = har_entry(2, started, 201)
    creation["request"] |= {"method": "POST", "url": "https://app.flora.ai/api/v1/generate"}
    unauthorized = {"error": {"code": "unauthorized", "message": "Another key, filtered as well."}}
    entries = [beside, creation, har_entry(3, RUN), har_entry(4, unauthorized, 401)]
    for entry in entries:
        entry["request"]["headers"] = [{"name": "Authorization", "value": "[Filtered]"}]
    path.write_text(json.dumps({"log": {"entries": entries}}))
    assert oracles(path) == set()


def test_no_key_survives(tmp_path: Path) -> None:
    path = tmp_path / "browser.har"
    body = RUN | {"error_message": "key sk_live_secret is odd"}
    path.write_text(json.dumps({"log": {"entries": [har_entry(1, body)]}}))
    assert "sk_live_secret" not in har(read(path).ledger)


def keyless(entry: dict[str, Any]) -> dict[str, Any]:
    entry["request"]["headers"] = []
    return entry


def test_who_is_behind_a_key_is_inferred_from_the_answers(tmp_path: Path) -> None:
    path = tmp_path / "browser.har"
    entries = [har_entry(1, RUN), keyless(har_entry(2, RUN))]
    path.write_text(json.dumps({"log": {"entries": entries}}))
    assert oracles(path) == {"key-required"}
    # Where no request has a key, the recorder has left them out.
    path.write_text(json.dumps({"log": {"entries": [keyless(e) for e in entries]}}))
    assert oracles(path) == set()


def test_what_the_suite_has_written_names_its_accounts(tmp_path: Path) -> None:
    first = tmp_path / "first.har"
    entries = [har_entry(1, RUN), keyless(har_entry(2, RUN))]
    first.write_text(json.dumps({"log": {"entries": entries}}))
    second = tmp_path / "second.har"
    ledger = read(first).ledger
    second.write_text(har(ledger))
    assert [e.credential for e in read(second).ledger.exchanges] == [
        e.credential for e in ledger.exchanges
    ]


@pytest.mark.parametrize("packed", [False, True])
def test_one_exchange_a_line(tmp_path: Path, packed: bool) -> None:
    lines = [json.dumps(har_entry(n, RUN | {"progress": 5 - n})) for n in range(1, 3)]
    content = "\n".join(lines).encode()
    path = tmp_path / "traffic.ndjson"
    path.write_bytes(gzip.compress(content) if packed else content)
    assert oracles(path) == {"grows"}
    path.write_bytes(content + b"\n{}\n")
    with pytest.raises(InputError, match=r"traffic\.ndjson:3: no exchange: 'request' is missing"):
        read(path)


@pytest.mark.parametrize("as_bytes", [False, True])
def test_a_vcr_cassette(tmp_path: Path, as_bytes: bool) -> None:
    def interaction(body: dict[str, Any]) -> dict[str, Any]:
        text = json.dumps(body)
        return {
            "request": {
                "method": "GET",
                "uri": "https://app.flora.ai/api/v1/runs/run_1",
                "headers": {"Authorization": ["Bearer sk_live_secret"]},
                "body": None,
            },
            "response": {
                "status": {"code": "200" if as_bytes else 200, "message": "OK"},
                "headers": {"Content-Type": ["application/json"]},
                "body": {"string": text.encode() if as_bytes else text},
            },
        }

    path = tmp_path / "cassette.yaml"
    story = [interaction(RUN), interaction(RUN | {"progress": 3})]
    path.write_text(yaml.safe_dump({"interactions": story, "version": 1}))
    assert oracles(path) == {"grows"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "neither JSON nor YAML"),
        ("{", "neither JSON nor YAML"),
        ("- a\n", "no mapping"),
        ("a: [1\nb: 2\n", r"x\.har:2: neither"),
        ("{}", "not a HAR file"),
        ('{"log": {"entries": [{"request": {}}]}}', "not a HAR file"),
        ('{"log": {"entries": []}}', "no request to an operation"),
    ],
)
def test_what_is_no_recording(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "x.har"
    path.write_text(text)
    with pytest.raises(InputError, match=words):
        read(path)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read(tmp_path / "nothing.har")
