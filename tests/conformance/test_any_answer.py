"""Whatever a server answers, the suite says something of it, and has no error of its own."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from flora_contract.conformance.exchange import RecordedRequest, RecordedResponse
from flora_contract.conformance.judge import Judge
from flora_contract.conformance.ledger import Ledger
from flora_contract.conformance.recorded import har
from flora_contract.conformance.renderings import FORMATS, render
from flora_contract.conformance.run import Check
from flora_contract.conformance.settings import gather
from flora_contract.conformance.summary import of_traffic
from flora_contract.mock import MockFlora

ODD: list[Any] = [
    None,
    True,
    0,
    -1,
    1e308,
    10**400,
    float("nan"),
    "",
    "x" * 100_000,
    "\x00\x1b[31m\u202e\r\n",
    "\ud800",
    "http://[::1",
    "http://x:99999999/%zz?%",
    "//\\\\",
    "9999-99-99T99:99:99Z",
    [],
    [[]],
    [None, 1, "a", {}],
    {},
    {"": {"a.b": None}},
]
BODIES = [b"", b"null", b"[]", b'"', b"{", b"\xff\xfe", b"1" * 5000, b"[" * 5000, b"NaN", b"{}{}"]
HEADERS = [
    ("Date", "yesterday"),
    ("Retry-After", "-1"),
    ("Retry-After", "9" * 400),
    ("Retry-After", "Fri, 99 Nov 2026 99:99:99 GMT"),
    ("Content-Type", ";;;charset=\u00e4"),
    ("Content-Type", "application/json; charset=utf-7"),
    ("Content-Length", "many"),
    ("Location", "http://[::1"),
    ("Set-Cookie", "=;;\x00"),
]


@pytest.fixture(scope="module")
def seen() -> Ledger:
    """What a run of the suite has exchanged with a server that is right."""
    with MockFlora(run_seconds=0.2) as mock:
        told = gather({"base_url": mock.base_url, "max_wait": 5.0, "poll_interval": 0.05})
        with Check(told) as check:
            check.run()
    assert check.errors == []
    return check.ledger


def spoilt(response: RecordedResponse, chance: random.Random) -> RecordedResponse:
    status, headers, body = response.status, response.headers, response.body
    match chance.randrange(6):
        case 0:
            status = chance.choice([100, 200, 204, 299, 302, 400, 418, 429, 500, 599, 999])
        case 1:
            headers = (*headers, chance.choice(HEADERS))
        case 2:
            body = chance.choice([*BODIES, body[: len(body) // 2], body + b" garbage"])
        case _:
            body = json.dumps(_with_one_odd(response.json, chance)).encode()
    return RecordedResponse(status, headers, body)


def _with_one_odd(value: Any, chance: random.Random) -> Any:
    """The same with an odd value somewhere in it."""
    if isinstance(value, dict) and value and chance.random() < 0.85:
        name = chance.choice(list(value))
        return {**value, name: _with_one_odd(value[name], chance)}
    if isinstance(value, list) and value and chance.random() < 0.85:
        number = chance.randrange(len(value))
        return [*value[:number], _with_one_odd(value[number], chance), *value[number + 1 :]]
    return chance.choice(ODD)


def judged_again(seen: Ledger, seed: int, share: float) -> Judge:
    """The same exchanges, of whose answers a share are spoilt."""
    chance = random.Random(seed)
    ledger = Ledger(seen.behaviour, seen.base_url, seen.facts)
    for exchange in seen.exchanges:
        response = exchange.response
        if response is not None and chance.random() < share:
            response = None if chance.random() < 0.05 else spoilt(response, chance)
        ledger.record(
            RecordedRequest(
                exchange.request.method,
                exchange.request.url,
                exchange.request.headers,
                exchange.request.body,
            ),
            response,
            credential=exchange.credential,
            failure=None if response is not None else "broken answer: cut",
            started=exchange.started,
            elapsed=exchange.elapsed,
            origin=exchange.origin,
        )
    return Judge(ledger)


@settings(phases=[Phase.generate], max_examples=8)
@given(seed=st.integers(0, 2**32), share=st.sampled_from([0.02, 0.3, 1.0]))
def test_no_answer_is_too_odd_to_be_judged(seen: Ledger, seed: int, share: float) -> None:
    judge = judged_again(seen, seed, share)
    judge.update()
    if judge.errors:
        raise ExceptionGroup("errors of ours", list(judge.errors.values()))
    assert judge.findings()


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("seed", range(1, 3))
def test_no_finding_is_too_odd_to_be_shown(seen: Ledger, seed: int, form: str) -> None:
    judge = judged_again(seen, seed, 0.5)
    shown = render(of_traffic(judge), form)
    assert judge.errors == {}
    assert "\x1b" not in shown.replace("\\u001b", "")
    shown.encode()


def test_odd_traffic_can_be_kept(seen: Ledger) -> None:
    json.loads(har(judged_again(seen, 1, 1.0).ledger))


@pytest.mark.parametrize("seed", range(2))
def test_each_finding_is_a_cause_or_follows_from_one(seen: Ledger, seed: int) -> None:
    summary = of_traffic(judged_again(seen, seed, 0.05))
    told = [f for c in summary.causes for f in (c.finding, *c.consequences)]
    assert sorted(f.fingerprint for f in told) == sorted(f.fingerprint for f in summary.findings)
    for cause in summary.causes:
        for finding in cause.consequences:
            assert cause.finding.severity.rank <= finding.severity.rank
