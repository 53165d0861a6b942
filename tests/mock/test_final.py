"""What is kept of finished runs is what would be made anew, whatever happened in between."""

from __future__ import annotations

import time
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flora_contract.mock import kept
from flora_contract.mock.application import Application, MockSettings
from flora_contract.mock.http.messages import HTTPRequest, HTTPResponse
from tests.mock.conftest import BODY, KEY

PLACES = [("ws_abc123", "prj_abc123"), ("ws_second1", "prj_second1")]
HOSTS = ["127.0.0.1:4010", "flora.test"]

steps = st.one_of(
    st.tuples(
        st.just("create"),
        st.sampled_from(PLACES),
        st.sampled_from(["t2i-flux-2-pro", "t2i-unlucky"]),
    ),
    st.tuples(st.just("pass"), st.sampled_from([0.001, 0.4, 0.6, 1.0])),
    st.just(("reset",)),
)
queries = st.builds(
    lambda *parts: "&".join(filter(None, parts)),
    st.sampled_from(["", "status=pending", "status=running", "status=completed", "status=failed"]),
    st.sampled_from(["", "project_id=prj_abc123"]),
    st.sampled_from(["", "limit=1", "limit=2"]),
)


def request(method: str, target: str, host: str = HOSTS[0], body: bytes = b"") -> HTTPRequest:
    fields = {b"authorization": f"Bearer {KEY}".encode()}
    return HTTPRequest(method, f"/api/v1{target}", fields, body, client="127.0.0.1", host=host)


def ask_twice(application: Application, target: str, host: str) -> bytes:
    """The body of an answer, which is the same if nothing was kept of earlier ones."""
    first = application.answer(request("GET", target, host))
    made = application.final._made
    application.final._made = {}
    fresh = application.answer(request("GET", target, host))
    application.final._made = made
    assert (first.status, first.body) == (fresh.status, fresh.body)
    return first.body


def create(application: Application, model: str, place: tuple[str, str]) -> HTTPResponse:
    body = {**BODY, "model": model, "workspace_id": place[0], "project_id": place[1]}
    return application.answer(request("POST", "/generate", body=orjson.dumps(body)))


def read_all(application: Application, host: str, query: str) -> None:
    """Every page of a list, and every run on it."""
    cursor = ""
    while True:
        target = f"/generations?{query}" + (f"&cursor={cursor}" if cursor else "")
        page = orjson.loads(ask_twice(application, target, host))
        for run in page["generations"]:
            assert run["poll_url"] == f"http://{host}/api/v1/runs/{run['run_id']}"
            ask_twice(application, f"/runs/{run['run_id']}", host)
            cursor = page["meta"]["next_cursor"]
        if not cursor:
            return


@settings(max_examples=60)
@given(st.lists(steps, max_size=12), st.lists(queries, min_size=1, max_size=2), st.booleans())
def test_what_is_kept_is_never_stale(
    steps: list[tuple[Any, ...]], queries: list[str], persistent: bool
) -> None:
    now = 1_800_000_000.0
    clocks = {"time": lambda: now, "monotonic": lambda: now}
    with patch.multiple(time, **clocks), TemporaryDirectory() as folder:
        state = f"{folder}/state.db" if persistent else None
        application = Application(MockSettings(state=state, run_seconds=1))
        for kind, *details in steps:
            match kind, details:
                case "create", [place, model]:
                    create(application, model, place)
                case "pass", [seconds]:
                    now += seconds
                case "reset", []:
                    application.store.reset()
            for host in HOSTS:
                for query in queries:
                    read_all(application, host, query)
        application.close()


@pytest.mark.parametrize("milliseconds", [8, 16, 28, 40, 52])
def test_a_list_by_status_shows_that_status_while_time_passes(milliseconds: int) -> None:
    """The clock moves on at each look at it: a page is still of one moment."""
    ticks = iter(range(1_800_000_000_000, 1_800_000_100_000))
    with patch.object(time, "time", lambda: next(ticks) / 1000):
        application = Application(MockSettings(run_seconds=milliseconds / 1000))
        for status in ("pending", "running", "completed") * 20:
            for _ in range(5):
                create(application, "t2i-flux-2-pro", PLACES[0])
            answer = application.answer(request("GET", f"/generations?status={status}"))
            page = orjson.loads(answer.body)
            assert {run["status"] for run in page["generations"]} <= {status}
            assert page["meta"]["total_estimate"] >= len(page["generations"])
        application.close()


def test_no_more_is_kept_than_may_be() -> None:
    with patch.object(kept, "KEPT_BYTES", 20_000):
        application = Application(MockSettings(run_seconds=0))
        for _ in range(50):
            create(application, "t2i-flux-2-pro", PLACES[0])
        for limit in range(1, 51):
            application.answer(request("GET", f"/generations?limit={limit}"))
            made = application.final._made.values()
            assert sum(map(len, made)) <= 20_000 + 50 * 800
        application.close()
