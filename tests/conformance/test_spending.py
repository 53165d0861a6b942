"""What may be sent, and what it may cost."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from click.testing import CliRunner

from flora_contract.conformance.command import check as command
from flora_contract.conformance.exchange import OWNER
from flora_contract.conformance.plan import plan
from flora_contract.errors import UnreachableError

if TYPE_CHECKING:
    from flora_contract.conformance.run import Check
    from flora_contract.conformance.session import Session


def accepted(check: Check) -> list[str]:
    return [str(e) for e in check.ledger.creations if e.succeeded]


def test_read_only_sends_gets_only(server: Any) -> None:
    with server.check(profile="read-only") as check:
        check.run()
    assert {request["method"] for request in server.came()} == {"GET"}
    assert check.judge.findings() == []


def test_free_starts_no_run(server: Any) -> None:
    with server.check(profile="free") as check:
        check.run()
    assert accepted(check) == []
    assert {request["method"] for request in server.came()} == {"GET", "POST"}
    with httpx.Client(headers={"Authorization": "Bearer sk_live_test"}) as client:
        assert client.get(f"{server.base_url}/generations").json()["generations"] == []
    assert check.judge.findings() == []
    reasons = {o.reason for o in check.outcomes}
    assert "needs --profile full" in reasons


@pytest.mark.parametrize("limit", [0.10, 0.40, 1.15])
def test_full_stops_before_the_limit(limit: float, server: Any) -> None:
    with server.check(max_spend=limit) as check:
        check.run([s for s in plan(check.behaviour) if s.layer != "generated"])
    assert 0 < check.session.spent <= limit
    assert len(accepted(check)) == check.session.creates
    assert any("--max-spend" in o.reason for o in check.outcomes)


def test_a_limit_of_nothing_spends_nothing(server: Any) -> None:
    with server.check(max_spend=0) as check:
        check.run([s for s in plan(check.behaviour) if s.layer == "lifecycle"])
    assert accepted(check) == []


def test_every_post_has_a_key_unless_its_absence_is_tested(server: Any) -> None:
    with server.check() as check:
        check.run([s for s in plan(check.behaviour) if s.layer == "lifecycle"])
    keyless = {
        e.origin for e in check.ledger.creations if e.request.header("Idempotency-Key") is None
    }
    assert keyless <= {"create-createGeneration", "create-createGenerationRun"}
    assert keyless


def test_it_waits_as_it_is_told(server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    answers = iter(
        [
            httpx.Response(429, headers={"Retry-After": "7"}, json={}),
            httpx.Response(429, json={}),
            httpx.Response(200, json={}),
        ]
    )
    with server.check() as check:
        session: Session = check.session
        monkeypatch.setattr(session._client(OWNER), "send", lambda *_, **__: next(answers))
        assert session.send("GET", "/generations", OWNER).status == 200
    assert slept == [7.0, 2.0]
    assert [e.status for e in check.ledger.exchanges] == [429, 429, 200]


def test_nothing_is_sent_when_the_time_is_up(server: Any) -> None:
    with server.check(time_budget=0.5) as check:
        check.run()
    assert check.ledger.exchanges
    assert all(e.started < 1.0 for e in check.ledger.exchanges)
    assert "needs more --time-budget" in {o.reason for o in check.outcomes}


def test_a_server_that_only_puts_off_is_not_called_sound(
    server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time, "sleep", lambda _: None)
    error = {"code": "rate_limited", "message": "Slow down."}
    answer = httpx.Response(429, json={"error": error})
    monkeypatch.setattr(httpx.Client, "send", lambda *_, **__: answer)
    done = CliRunner().invoke(command, ["--base-url", server.base_url])
    assert isinstance(done.exception, UnreachableError)
    assert "429" in str(done.exception)


def test_a_silent_operation_is_asked_once(server: Any) -> None:
    server.switch("hang:answers:listGenerations@always")
    with server.check(timeout=0.3) as check:
        check.run([s for s in plan(check.behaviour) if s.layer == "requests"])
    silent = [e for e in check.ledger.exchanges if e.response is None]
    assert len(silent) == 1
    assert any("gave no answer" in o.reason for o in check.outcomes)
