"""Thousands of creates over a network that breaks: none makes two runs, and no run gets lost."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from email.utils import formatdate
from typing import Any

import pytest
from attrs import evolve
from flora_client import (
    AsyncFlora,
    Flora,
    FloraError,
    RunAccepted,
    RunOutcomeUnknownError,
)

from .fake import FAULTS, FakeFlora, refusal
from .server import Reply, Seen, Server

HASTE = 200
"""Pauses of the client are this much shorter, so that thousands of creates fit into a test."""
TIMEOUT = 0.3

Create = Callable[..., list[RunAccepted | FloraError]]


@pytest.fixture(autouse=True)
def _hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    async def nap(_: object, seconds: float) -> None:
        await asyncio.sleep(seconds / HASTE)

    def short(_: object, seconds: float) -> object:
        time.sleep(seconds / HASTE)
        return _nothing()

    async def _nothing() -> None: ...

    monkeypatch.setattr("flora_runtime.http.AsyncIO.sleep", nap)
    monkeypatch.setattr("flora_runtime.http.BlockingIO.sleep", short)


def settle(flora: FakeFlora, outcomes: Sequence[RunAccepted | FloraError]) -> None:
    """Hold what callers got against what the server did. Outcomes are in the order of prompts."""
    started = {flora.prompt_of(run["run_id"]): run["run_id"] for run in flora.runs}
    assert len(started) == len(flora.runs), "a logical create made two runs"
    keys = {id(run): key for key, run in flora.by_key.items()}
    key_of = {run["run_id"]: keys[id(run)] for run in flora.runs if id(run) in keys}
    for number, outcome in enumerate(outcomes):
        run_id = started.get(f"prompt {number}")
        if isinstance(outcome, RunAccepted):
            assert outcome.run_id == run_id, "a caller got the run of another"
        elif run_id is not None:
            assert outcome.idempotency_key == key_of[run_id], "a run is lost"
            if isinstance(outcome, RunOutcomeUnknownError):
                assert flora.lag or run_id in {candidate.run_id for candidate in outcome.candidates}
            else:
                assert outcome.may_have_started
    assert len({outcome.idempotency_key for outcome in outcomes}) == len(outcomes)


def arguments(number: int, projects: int) -> dict[str, str]:
    return {
        "type": "image",
        "prompt": f"prompt {number}",
        "workspace_id": "ws_1",
        "project_id": f"prj_{number % projects}",
    }


def create_blocking(
    server: Server, creates: int, at_once: int, projects: int, timeout: float = 10.0
) -> list[RunAccepted | FloraError]:
    with Flora(api_key="secret-key", base_url=server.base_url, timeout=timeout) as flora:

        def create(number: int) -> RunAccepted | FloraError:
            try:
                return flora.generations.create(**arguments(number, projects))
            except FloraError as error:
                return error

        with ThreadPoolExecutor(at_once) as pool:
            return list(pool.map(create, range(creates)))


def create_async(
    server: Server, creates: int, at_once: int, projects: int, timeout: float = 10.0
) -> list[RunAccepted | FloraError]:
    async def main() -> list[RunAccepted | FloraError]:
        free = asyncio.Semaphore(at_once)
        async with AsyncFlora(
            api_key="secret-key", base_url=server.base_url, timeout=timeout
        ) as flora:

            async def create(number: int) -> RunAccepted | FloraError:
                async with free:
                    try:
                        return await flora.generations.create(**arguments(number, projects))
                    except FloraError as error:
                        return error

            return list(await asyncio.gather(*(create(n) for n in range(creates))))

    return asyncio.run(main())


BOTH = pytest.mark.parametrize("create", [create_blocking, create_async])
AFTER_ACCEPTANCE = (
    "lost_answer",
    "reset_after_acceptance",
    "gateway_error_after_acceptance",
    "truncated_body",
)


@BOTH
@pytest.mark.parametrize("at_once", [1, 8])
@pytest.mark.parametrize("fault", FAULTS)
def test_no_create_makes_two_runs_and_no_run_is_lost(
    create: Create, at_once: int, fault: str
) -> None:
    flora = FakeFlora(fault, seed=at_once)
    slow = fault == "slow_answer"
    with Server(flora) as server:
        outcomes = create(server, 40 if slow else 80, at_once, 8, TIMEOUT if slow else 10.0)
    settle(flora, outcomes)
    returned = [outcome for outcome in outcomes if isinstance(outcome, RunAccepted)]
    assert len(returned) > len(outcomes) / 3
    assert flora.broken > len(outcomes) / 5


@BOTH
@pytest.mark.parametrize("fault", AFTER_ACCEPTANCE)
def test_a_run_that_no_other_can_be_taken_for_is_always_found_again(
    create: Create, fault: str
) -> None:
    flora = FakeFlora(fault, seed=7)
    with Server(flora) as server:
        outcomes = create(server, 100, 8, projects=100)
    settle(flora, outcomes)
    recovered = [o for o in outcomes if isinstance(o, RunAccepted) and o.call and o.call.recovered]
    assert len(recovered) > 10
    assert not any(isinstance(outcome, RunOutcomeUnknownError) for outcome in outcomes)


@BOTH
@pytest.mark.parametrize("fault", AFTER_ACCEPTANCE)
def test_an_answer_that_is_replayed_is_the_same_run(create: Create, fault: str) -> None:
    flora = FakeFlora(fault, seed=5, replays=True)
    with Server(flora) as server:
        outcomes = create(server, 60, 8, projects=1)
    settle(flora, outcomes)
    assert all(isinstance(o, RunAccepted) or o.attempts == 6 for o in outcomes)


def test_a_key_that_was_used_up_without_a_run_starts_none_and_adopts_none() -> None:
    """An API may keep a key whose request failed: a duplicate is no proof of a run (C5)."""
    flora = FakeFlora()

    def handler(seen: Seen) -> Reply:
        if seen.method == "GET":
            return flora(seen)
        return Reply(502) if len(server.seen) == 1 else flora_duplicate(flora)

    server = Server(handler)
    with server, Flora(api_key="secret-key", base_url=server.base_url) as client:
        error = outcome_of(client)
    assert error.candidates == ()
    assert error.idempotency_key == server.seen[0].headers["idempotency-key"]
    assert flora.runs == []


@pytest.mark.parametrize("where", ["an hour before", "another project", "another model"])
def test_a_run_that_cannot_be_it_is_not_adopted(where: str) -> None:
    flora = FakeFlora()

    def handler(seen: Seen) -> Reply:
        if seen.method == "GET":
            return flora(evolve(seen, query={}))
        return Reply(502) if len(server.seen) == 1 else flora_duplicate(flora)

    theirs = {"workspace_id": "ws_1", "project_id": "prj_0", "model": "m"}
    if where == "another project":
        theirs["project_id"] = "prj_other"
    if where == "another model":
        theirs["model"] = "other"
    run = flora.add(prompt="somebody else's", **theirs)
    if where == "an hour before":
        run["created_at"] -= 3600
    server = Server(handler)
    with (
        server,
        Flora(api_key="secret-key", base_url=server.base_url) as client,
        pytest.raises(RunOutcomeUnknownError) as caught,
    ):
        client.generations.create(**arguments(0, 1), model="m")
    assert caught.value.candidates == ()


@BOTH
def test_a_history_that_lags_does_not_mix_up_runs(create: Create) -> None:
    flora = FakeFlora("lost_answer", seed=3, lag=0.1)
    with Server(flora) as server:
        outcomes = create(server, 100, 8, projects=4)
    settle(flora, outcomes)


def test_a_create_that_began_while_the_history_was_read_keeps_its_run() -> None:
    """The first create looks for its run, which the history does not show yet. What it shows is
    the run of a second create, begun meanwhile, whose answer is still on its way."""
    flora = FakeFlora()
    second = threading.Event()
    theirs: list[dict[str, Any]] = []

    def handler(seen: Seen) -> Reply:
        if seen.method == "GET":
            if not theirs:
                theirs.append(flora.add(prompt="prompt 1", workspace_id="ws_1", project_id="prj_0"))
                second.set()
                return evolve(flora(evolve(seen, query={})), delay=0.4)
            return flora(seen)
        if b"prompt 1" in seen.body:
            return Reply(201, {**theirs[0], "type": "generation"}, delay=1.5)
        return Reply(fault="close") if len(server.seen) == 1 else flora_duplicate(flora)

    def begin_second() -> RunAccepted:
        assert second.wait(5)
        return client.generations.create(**arguments(1, 1))

    with Server(handler) as server, Flora(api_key="secret-key", base_url=server.base_url) as client:
        pool = ThreadPoolExecutor(1)
        other = pool.submit(begin_second)
        error = outcome_of(client)
        assert other.result().run_id == theirs[0]["run_id"]
    assert error.idempotency_key == server.seen[0].headers["idempotency-key"]


def flora_duplicate(flora: FakeFlora) -> Reply:
    date = formatdate(flora.now(), usegmt=True)
    return refusal(409, "idempotency_duplicate", date=date)


def test_what_a_failing_look_cannot_see_is_not_forgotten() -> None:
    flora = FakeFlora()
    looks = 0

    def handler(seen: Seen) -> Reply:
        nonlocal looks
        if seen.method == "POST":
            reply = flora(seen)
            return Reply(fault="close") if reply.status == 201 else reply
        looks += 1
        return flora(seen) if looks == 1 else Reply(403)

    with Server(handler) as server, Flora(api_key="secret-key", base_url=server.base_url) as client:
        flora.add(prompt="somebody else's", workspace_id="ws_1", project_id="prj_0")
        error = outcome_of(client)
    assert {item.run_id for item in error.candidates} == {run["run_id"] for run in flora.runs}
    assert error.window is not None


def outcome_of(client: Flora) -> RunOutcomeUnknownError:
    with pytest.raises(RunOutcomeUnknownError) as caught:
        client.generations.create(**arguments(0, 1))
    return caught.value
