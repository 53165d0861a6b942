from __future__ import annotations

import pickle
from decimal import Decimal
from typing import Any

import pytest
from flora_client import (
    APIConnectionError,
    APITimeoutError,
    AuthenticationError,
    DriftError,
    Flora,
    InvalidArgumentError,
    RunError,
    RunFailedError,
    WaitTimeoutError,
)


def test_the_first_look_waits_for_the_estimate(
    world, flora: Flora, arguments, accepted, run
) -> None:
    world.script = [world.reply(accepted, 201), world.reply(run("completed", progress=100))]
    done = flora.generations.create_and_wait(**arguments)
    assert done.status == "completed"
    assert done.idempotency_key == world.sent[0].headers["idempotency-key"]
    assert world.slept == [4.0]  # and not 12: what is said may be far off


def test_time_since_the_create_counts(world, flora: Flora, arguments, accepted, run) -> None:
    world.script = [world.reply(accepted, 201), world.reply(run("completed"))]
    started = flora.generations.create(**arguments)
    world.now += 3
    flora.generations.wait(started.run_id)
    assert world.slept == [1.0]


@pytest.mark.parametrize("estimate", [None, "12", True, 86400, -5])
def test_an_odd_estimate_is_no_reason_to_look_late(
    world, flora: Flora, arguments, accepted, run, estimate: Any
) -> None:
    world.script = [
        world.reply(accepted | {"estimated_seconds": estimate}, 201),
        world.reply(run("completed")),
    ]
    flora.generations.create_and_wait(**arguments)
    assert sum(world.slept) <= 60


def test_looks_are_two_to_five_seconds_apart(world, flora: Flora, run) -> None:
    world.script = [*[world.reply(run())] * 40, world.reply(run("completed"))]
    flora.generations.wait("run_1")
    pauses = world.slept[1:]
    assert len(pauses) == 40
    assert all(2 <= pause <= 5 for pause in pauses)
    assert len(set(pauses)) > 30


@pytest.mark.parametrize("timeout", [0.5, 7, 60])
def test_the_deadline_is_kept_and_the_run_seen_last_just_before(
    world, flora: Flora, run, timeout: float
) -> None:
    world.route = lambda _request: world.reply(run(charged_cost=0.04))
    began = world.now
    with pytest.raises(WaitTimeoutError) as caught:
        flora.generations.wait("run_1", timeout=timeout)
    assert timeout - 1 <= world.now - began <= timeout
    error = pickle.loads(pickle.dumps(caught.value))
    assert (error.run_id, error.status, error.progress) == ("run_1", "running", 10)
    assert str(error.charged_cost) == "0.04"
    assert error.run.run_id == "run_1"
    assert "generations.wait('run_1')" in str(error)
    assert all(request.timeout <= timeout for request in world.sent)


def test_no_time_is_no_look(world, flora: Flora) -> None:
    with pytest.raises(WaitTimeoutError, match="never"):
        flora.generations.wait("run_1", timeout=0)
    assert world.sent == []


def test_a_receipt_names_the_key_of_its_create(
    world, flora: Flora, arguments, accepted, run
) -> None:
    world.script = [world.reply(accepted, 201), world.reply(run("failed"))]
    with pytest.raises(RunFailedError) as caught:
        flora.generations.create_and_wait(**arguments)
    assert caught.value.idempotency_key == world.sent[0].headers["idempotency-key"]


def test_a_failed_run_is_a_receipt(world, flora: Flora, run) -> None:
    failed = run("failed", error_code="provider_error", error_message="It broke.", charged_cost=0)
    world.script = [world.reply(failed)]
    with pytest.raises(
        RunFailedError, match=r"^run run_1 failed: provider_error: It broke\.$"
    ) as caught:
        flora.generations.wait("run_1")
    error = pickle.loads(pickle.dumps(caught.value))
    assert (error.error_code, error.error_message) == ("provider_error", "It broke.")
    assert error.charged_cost == 0
    assert error.run.status == "failed"


@pytest.mark.parametrize("status", ["failed", "running"])
def test_a_receipt_is_one_line_whatever_the_run_says(world, flora: Flora, run, status: str) -> None:
    odd = {"error_code": "a\nb", "error_message": "\x1b[31m", "progress": 10**400}
    world.route = lambda _request: world.reply(run(status, **odd))
    with pytest.raises((RunFailedError, WaitTimeoutError)) as caught:
        flora.generations.wait("run_1", timeout=3)
    assert len(str(caught.value).splitlines()) == 1
    assert "\x1b" not in str(caught.value)


def test_trouble_does_not_end_a_wait(world, flora: Flora, run) -> None:
    trouble = [
        APIConnectionError("no answer."),
        APITimeoutError("no answer in time."),
        *(world.error(status) for status in (408, 429, 500, 502, 529)),
        world.reply(b"<html>"),
        world.reply([]),
        world.reply({}),
    ]
    world.script = [*trouble, world.reply(run("completed"))]
    assert flora.generations.wait("run_1").status == "completed"


def test_trouble_up_to_the_deadline_is_named_as_its_cause(world, flora: Flora) -> None:
    world.route = lambda _request: world.error(503)
    with pytest.raises(WaitTimeoutError) as caught:
        flora.generations.wait("run_1", timeout=20)
    assert getattr(caught.value.__cause__, "status_code", None) == 503


def test_a_rate_limit_is_waited_out_within_the_deadline(world, flora: Flora, run) -> None:
    world.script = [world.error(429, retry_after="30"), world.reply(run("completed"))]
    flora.generations.wait("run_1", timeout=100)
    assert 30 <= max(world.slept) <= 33
    world.route = lambda _request: world.error(429, retry_after="50")
    began = world.now
    with pytest.raises(WaitTimeoutError):
        flora.generations.wait("run_1", timeout=20)
    assert world.now - began <= 20


def test_what_looking_again_cannot_mend_ends_the_wait_with_the_id(world, flora: Flora) -> None:
    world.script = [world.error(401, "unauthorized")]
    with pytest.raises(AuthenticationError) as caught:
        flora.generations.wait("run_1")
    assert "generations.wait('run_1')" in caught.value.__notes__[0]


def test_an_unknown_status_is_looked_at_again_and_told_once(world, client_with, run) -> None:
    told: list[Any] = []
    flora = client_with(on_drift=told.append)
    world.script = [*[world.reply(run("paused"))] * 5, world.reply(run("completed"))]
    assert flora.generations.wait("run_1").status == "completed"
    assert [str(drift) for drift in told] == ["Run.status: unknown value ('paused')"]


def test_a_strict_client_does_not_wait_on(world, client_with, run) -> None:
    world.script = [world.reply(run("paused"))]
    with pytest.raises(DriftError):
        client_with(strict=True).generations.wait("run_1")


def test_each_look_is_told(world, flora: Flora, run) -> None:
    seen: list[float] = []
    world.script = [world.reply(run(progress=n)) for n in (0, 50)] + [world.reply(run("completed"))]
    flora.generations.wait("run_1", on_progress=lambda run: seen.append(run.progress))
    assert seen == [0, 50, 10]


def test_the_run_is_told_before_waiting(world, flora: Flora, arguments, accepted) -> None:
    started: list[str] = []

    def interrupted(_request: Any) -> Any:
        raise KeyboardInterrupt

    world.script = [world.reply(accepted, 201), interrupted]
    with pytest.raises(KeyboardInterrupt) as caught:
        flora.generations.create_and_wait(
            **arguments, on_started=lambda run: started.append(run.run_id)
        )
    assert started == ["run_1"]
    assert "run_1" in caught.value.__notes__[0]


def test_a_failing_on_started_does_not_lose_the_id(
    world, flora: Flora, arguments, accepted
) -> None:
    def fail(_run: Any) -> None:
        raise ZeroDivisionError

    world.script = [world.reply(accepted, 201)]
    with pytest.raises(ZeroDivisionError) as caught:
        flora.generations.create_and_wait(**arguments, on_started=fail)
    assert "run_1" in caught.value.__notes__[0]


@pytest.mark.parametrize(
    ("poll_url", "followed"),
    [
        ("https://api.example/v1/runs/run_1?via=poll", True),
        ("https://api.example:443/v1/runs/run_1?via=poll", True),
        ("http://api.example/v1/runs/run_1", False),
        ("https://api.example:8443/v1/runs/run_1", False),
        ("https://api.example.evil.example/v1/runs/run_1", False),
        ("https://evil@api.example/v1/runs/run_1", False),
        ("https://api.example/v2/followed/run_1?via=poll", True),
        ("//evil.example/v1", False),
        ("https://[::1", False),
        (7, False),
        (None, False),
    ],
)
def test_a_poll_url_is_followed_only_on_the_configured_server(
    world, flora: Flora, arguments, accepted, run, poll_url: Any, followed: bool
) -> None:
    world.script = [
        world.reply(accepted | {"poll_url": poll_url}, 201),
        world.reply(run("completed")),
    ]
    flora.generations.create_and_wait(**arguments)
    expected = poll_url if followed else "https://api.example/v1/runs/run_1"
    assert world.sent[1].url == expected


@pytest.mark.parametrize("run_id", ["", ".", "..", "ws_1", "run"])
def test_an_id_that_is_none_is_refused(world, flora: Flora, run_id: str) -> None:
    for method in (flora.generations.wait, flora.generations.retrieve):
        with pytest.raises(InvalidArgumentError, match="run_id"):
            method(run_id)
    assert world.sent == []


@pytest.mark.parametrize("interval", [0.5, 30])
def test_the_pace_of_looking_can_be_chosen(world, flora: Flora, run, interval: float) -> None:
    world.script = [*[world.reply(run())] * 3, world.reply(run("completed"))]
    flora.generations.wait("run_1", poll_interval=interval)
    assert world.slept == [0, interval, interval, interval]


@pytest.mark.parametrize("interval", [0, -1, "2", True, float("inf"), float("nan")])
def test_a_pace_that_is_none_is_refused(world, flora: Flora, arguments, interval: Any) -> None:
    with pytest.raises(InvalidArgumentError, match="poll_interval"):
        flora.generations.create_and_wait(**arguments, poll_interval=interval)
    assert world.sent == []


def test_a_status_that_nobody_knows_ends_the_wait_after_a_grace(world, flora: Flora, run) -> None:
    world.script = [lambda _: world.reply(run("cancelled", charged_cost=0.04))]
    with pytest.raises(RunError, match="cancelled, which this client does not know") as caught:
        flora.generations.wait("run_1")
    assert 20 <= sum(world.slept) <= 26
    assert caught.value.run.status == "cancelled"
    assert caught.value.charged_cost == Decimal("0.04")


def test_a_status_that_nobody_knows_may_pass(world, flora: Flora, run) -> None:
    strange = [world.reply(run("dreaming"))] * 3
    world.script = [*strange, world.reply(run()), *strange, world.reply(run("completed"))]
    assert flora.generations.wait("run_1").status == "completed"
