"""What the script of a finding takes from the answers before it, and where it puts it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from flora_contract.conformance.exchange import (
    OTHER,
    OWNER,
    Credential,
    Exchange,
    RecordedRequest,
    RecordedResponse,
)
from flora_contract.conformance.ledger import Ledger
from flora_contract.conformance.replay import script
from flora_contract.conformance.statements import load

BASE = "https://api.test/api/v1"
KEY = '-H "Authorization: Bearer $FLORA_API_KEY"'


@pytest.fixture
def ledger() -> Ledger:
    return Ledger(load(BASE), BASE)


def say(
    ledger: Ledger,
    request: RecordedRequest,
    status: int,
    answer: Any,
    credential: Credential = OWNER,
) -> Exchange:
    """An exchange a second after the one before."""
    return ledger.record(
        request,
        RecordedResponse(
            status, (("content-type", "application/json"),), json.dumps(answer).encode()
        ),
        credential=credential,
        started=float(len(ledger.exchanges)),
        elapsed=0.5,
    )


def turn(
    ledger: Ledger, query: str, cursor: str | None, credential: Credential = OWNER
) -> Exchange:
    """A page without runs."""
    answer = {"generations": [], "meta": {"next_cursor": cursor}}
    request = RecordedRequest("GET", f"{BASE}/generations?{query}", (), b"")
    return say(ledger, request, 200, answer, credential)


def test_a_cursor_that_is_a_small_number_stands_in_its_place_only(ledger: Ledger) -> None:
    turn(ledger, "limit=1", "1")
    first = turn(ledger, "limit=2", "2")
    turn(ledger, "limit=1&cursor=1", "2")
    second = turn(ledger, "cursor=2&limit=2", None)
    lines = script((first, second), ledger).splitlines()
    taken = "tee /dev/stderr | jq -r '.meta.next_cursor|@uri'"
    assert lines[0] == f"CURSOR_1=$(curl -sS '{BASE}/generations?limit=2' {KEY} | {taken})  # 200"
    asked = f'"{BASE}/generations?cursor=${{CURSOR_1}}&limit=2"'
    assert lines[2] == f"curl -sSiw '\\n' {asked} {KEY}  # 200"


def test_a_cursor_of_another_account_is_taken_from_its_answer_too(ledger: Ledger) -> None:
    turn(ledger, "limit=1", "abc")
    used = turn(ledger, "limit=1&cursor=abc", None, OTHER)
    first, _pause, second = script((used,), ledger).splitlines()
    assert first.startswith("CURSOR_1=$(curl")
    assert "$FLORA_API_KEY" in first
    assert "cursor=${CURSOR_1}" in second
    assert "$FLORA_OTHER_API_KEY" in second


def test_a_run_is_the_one_that_the_script_started(ledger: Ledger) -> None:
    body = b'{"type": "image", "prompt": "run_1"}'
    created = RecordedRequest("POST", f"{BASE}/generate", (("idempotency-key", "run_1"),), body)
    say(ledger, created, 201, {"run_id": "run_1"})
    look = say(ledger, RecordedRequest("GET", f"{BASE}/runs/run_1", (), b""), 404, {})
    key, create, _pause, read = script((look,), ledger).splitlines()
    assert key.startswith('KEY_1="replay-')
    assert '-H "Idempotency-Key: ${KEY_1}"' in create
    assert f"--data-binary '{body.decode()}'" in create
    assert create.startswith("RUN_1=$(curl -sS -X POST ")
    assert create.endswith(" | tee /dev/stderr | jq -r .run_id)  # 201")
    assert read == f"curl -sSiw '\\n' \"{BASE}/runs/${{RUN_1}}\" {KEY}  # 404"
