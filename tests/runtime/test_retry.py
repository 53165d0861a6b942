from __future__ import annotations

import pytest
from flora_client import (
    APIConnectionError,
    APIError,
    APITimeoutError,
    Flora,
    InternalServerError,
    RateLimitError,
)
from hypothesis import given
from hypothesis import strategies as st

from flora_runtime import retry


@given(st.integers(1, 100))
def test_backoff_doubles_from_half_a_second_to_eight_less_a_quarter_at_most(attempt: int) -> None:
    longest = min(0.5 * 2 ** (attempt - 1), 8.0)
    assert longest * 0.75 <= retry.backoff(attempt) <= longest


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "1.5"}, 1.5),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after-ms": "250", "retry-after": "7"}, 0.25),
        ({"retry-after-ms": "soon", "retry-after": "7"}, 7.0),
        (
            {
                "date": "Thu, 01 May 2031 10:00:00 GMT",
                "retry-after": "Thu, 01 May 2031 10:00:30 GMT",
            },
            30.0,
        ),
        (
            {
                "date": "Thu, 01 May 2031 10:00:30 GMT",
                "retry-after": "Thu, 01 May 2031 10:00:00 GMT",
            },
            0.0,
        ),
    ],
)
def test_retry_after_is_read_in_every_form(headers: dict[str, str], seconds: float | None) -> None:
    assert retry.retry_after(headers) == seconds


@given(st.text())
def test_retry_after_survives_anything(text: str) -> None:
    seconds = retry.retry_after({"retry-after": text, "retry-after-ms": text, "date": text})
    assert seconds is None or seconds >= 0


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 520, 529])
def test_transient_statuses_of_a_get_are_retried(world, flora: Flora, run, status: int) -> None:
    world.script = [world.error(status), world.error(status), world.reply(run())]
    assert flora.generations.retrieve("run_1").call.attempts == 3
    assert len(world.slept) == 2


@pytest.mark.parametrize("status", [301, 400, 401, 402, 403, 404, 409, 410, 422])
def test_other_statuses_are_not(world, flora: Flora, status: int) -> None:
    world.script = [world.error(status)]
    with pytest.raises(APIError) as caught:
        flora.generations.retrieve("run_1")
    assert caught.value.status_code == status
    assert caught.value.attempts == 1
    assert world.slept == []


def test_retries_can_be_counted_for_the_client_and_for_a_call(world, flora: Flora, run) -> None:
    failure = APITimeoutError("no answer in time.")
    world.script = [failure] * 20
    for caller, options, attempts in [
        (flora, {}, 3),
        (flora, {"max_retries": 0}, 1),
        (flora.with_options(max_retries=5), {}, 6),
    ]:
        with pytest.raises(APITimeoutError) as caught:
            caller.generations.retrieve("run_1", **options)
        assert caught.value.attempts == attempts


def test_a_wait_that_the_server_asks_for_is_kept(world, flora: Flora, run) -> None:
    world.script = [world.error(503, retry_after="17"), world.reply(run())]
    flora.generations.retrieve("run_1")
    assert 17 <= sum(world.slept) <= 18.7


def test_a_longer_wait_is_the_callers_to_decide(world, flora: Flora) -> None:
    world.script = [world.error(429, retry_after="61")]
    with pytest.raises(RateLimitError) as caught:
        flora.generations.retrieve("run_1")
    assert caught.value.retry_after == 61
    assert world.slept == []


def test_a_rate_limit_cools_down_every_call_of_the_client(world, flora: Flora, run) -> None:
    world.script = [world.error(429, retry_after="30"), world.reply(run())]
    with pytest.raises(RateLimitError):
        flora.generations.retrieve("run_1", max_retries=0)
    with pytest.raises(APITimeoutError, match="rate limit"):
        flora.with_options(timeout=5, max_retries=0).generations.retrieve("run_1")
    assert world.slept == []
    assert len(world.sent) == 1
    flora.with_options(timeout=40).generations.retrieve("run_1")
    assert 30 <= sum(world.slept) <= 33


def test_a_cool_down_beyond_the_timeout_is_told_at_once(world, flora: Flora, run) -> None:
    world.script = [world.error(429, retry_after="30"), world.reply(run())]
    with pytest.raises(RateLimitError):
        flora.generations.retrieve("run_1", max_retries=0)
    with pytest.raises(APITimeoutError, match="rate limit") as caught:
        flora.generations.retrieve("run_1", timeout=5)
    assert world.slept == []
    assert caught.value.attempts == 0
    assert not caught.value.may_have_started


def test_the_api_may_say_whether_sending_again_helps(world, flora: Flora, run) -> None:
    world.script = [world.error(400, x_should_retry="true"), world.reply(run())]
    assert flora.generations.retrieve("run_1").call.attempts == 2
    world.script = [world.error(503, x_should_retry="False")]
    with pytest.raises(InternalServerError) as caught:
        flora.generations.retrieve("run_1")
    assert caught.value.attempts == 1
    assert caught.value.should_retry is False


def test_each_attempt_says_which_it_is(world, flora: Flora, run) -> None:
    world.script = [world.error(503), world.error(503), world.reply(run())]
    flora.generations.retrieve("run_1")
    assert [request.headers["x-retry-count"] for request in world.sent] == ["0", "1", "2"]


def test_a_call_waits_no_longer_than_its_timeout(world, flora: Flora) -> None:
    world.script = [world.error(503, retry_after="17")]
    with pytest.raises(InternalServerError):
        flora.generations.retrieve("run_1", timeout=5)
    assert world.slept == []


def test_a_post_without_a_key_is_sent_once(world, flora: Flora) -> None:
    world.script = [APIConnectionError("no answer.")]
    with pytest.raises(APIConnectionError) as caught:
        flora.request("POST", "/feedback", json={"text": "hello"})
    assert caught.value.attempts == 1


def test_a_post_with_a_key_is_repeated_under_it(world, flora: Flora) -> None:
    world.script = [APIConnectionError("no answer."), world.reply({}, 201)]
    flora.request("POST", "/feedback", json={"text": "hello"}, idempotency_key="k-1")
    assert [r.headers["idempotency-key"] for r in world.sent] == ["k-1", "k-1"]
