"""Errors, and when a request is sent again."""

from __future__ import annotations

import copy
import pickle
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from email.utils import format_datetime
from pathlib import Path

import flora_client
import pytest
from flora_client import (
    APIConnectionError,
    APIError,
    APITimeoutError,
    AuthenticationError,
    BadRequestError,
    ConflictError,
    DownloadError,
    Drift,
    DriftError,
    FieldError,
    FloraError,
    IdempotencyDuplicateError,
    InsufficientCreditsError,
    InternalServerError,
    NotFoundError,
    PaginationError,
    PermissionDeniedError,
    RateLimitError,
    ResponseDecodingError,
    Run,
    RunFailedError,
    RunOutcomeUnknownError,
    SpendLimitError,
    UnprocessableEntityError,
    WaitTimeoutError,
)

from .bodies import ACCEPTED, CREATE, RUN, page
from .fake import refusal
from .server import Reply

CLASSES = {
    400: BadRequestError,
    401: AuthenticationError,
    402: InsufficientCreditsError,
    403: PermissionDeniedError,
    404: NotFoundError,
    409: ConflictError,
    418: APIError,
    422: UnprocessableEntityError,
    429: RateLimitError,
    500: InternalServerError,
    503: InternalServerError,
    520: InternalServerError,
    529: InternalServerError,
}
PAGES = {
    "envelope": ({"error": {"code": "some_code", "message": "Some words."}}, "application/json"),
    "html": ("<html><h1>Web server is down</h1></html>", "text/html"),
    "empty": (b"", "text/plain"),
}


@pytest.mark.parametrize("body", PAGES)
@pytest.mark.parametrize("status", CLASSES)
def test_each_status_has_its_class_whatever_the_body(connect, serve, status, body):
    content, kind = PAGES[body]
    flora = connect(serve(Reply(status, content, {"content-type": kind})), max_retries=0)
    with pytest.raises(APIError) as caught:
        flora.generations.retrieve("run_1")
    assert type(caught.value) is CLASSES[status]
    assert caught.value.status_code == status
    assert str(status) in str(caught.value)
    assert caught.value.code == ("some_code" if body == "envelope" else None)


def test_a_duplicate_key_is_looked_for_and_never_advice_to_pay_again(connect, serve, naps):
    flora = connect(serve(refusal(409, "idempotency_duplicate")))
    with pytest.raises(RunOutcomeUnknownError) as caught:
        flora.generations.create(**CREATE, idempotency_key="mine")
    assert caught.value.idempotency_key == "mine"
    assert caught.value.may_have_started
    assert isinstance(caught.value.__cause__, IdempotencyDuplicateError)
    assert caught.value.attempts == 1


def examples() -> list[FloraError]:
    """One of each class, with everything it can hold."""
    run = Run.from_dict(RUN)
    now = datetime.now(UTC)
    receipt = {
        "run_id": "run_1",
        "status": "running",
        "progress": 0.5,
        "charged_cost": Decimal("0.04"),
        "run": run,
    }
    made: dict[type[FloraError], FloraError] = {
        SpendLimitError: SpendLimitError(Decimal("1.5"), Decimal(1)),
        ResponseDecodingError: ResponseDecodingError("no JSON", status_code=201, body="<p>"),
        DriftError: DriftError([Drift("extra_field", "Run.new")], status_code=200, body="{}"),
        RunOutcomeUnknownError: RunOutcomeUnknownError(
            idempotency_key="k", window=(now, now), candidates=[run], reason="two"
        ),
        RunFailedError: RunFailedError(
            "run run_1 failed", error_code="provider_error", error_message="No.", **receipt
        ),
        WaitTimeoutError: WaitTimeoutError("run run_1 had not ended", elapsed=1.0, **receipt),
        flora_client.RunError: flora_client.RunError("run run_1", **receipt),
        PaginationError: PaginationError("c1"),
    }
    for name in flora_client.__all__:
        kind = getattr(flora_client, name)
        if not (isinstance(kind, type) and issubclass(kind, FloraError)) or kind in made:
            continue
        if issubclass(kind, APIError):
            made[kind] = kind(
                status_code=400,
                code="c",
                message="m",
                fields=[FieldError("prompt", "Required")],
                request_id="req_1",
                body={"error": [1]},
                retry_after=2.0,
            )
        else:
            made[kind] = kind("some words")
    for error in made.values():
        error.idempotency_key, error.attempts = "k-1", 3
        if isinstance(error, DownloadError):
            error.saved = (Path("a.png"),)
    return list(made.values())


@pytest.mark.parametrize("error", examples(), ids=lambda error: type(error).__name__)
def test_errors_survive_pickle_and_copy_with_all_they_hold(error):
    for again in (pickle.loads(pickle.dumps(error)), copy.deepcopy(error), copy.copy(error)):
        assert type(again) is type(error)
        assert str(again) == str(error)
        assert vars(again) == vars(error)
    assert "\n" not in str(error)


def test_every_documented_error_is_exported():
    names = (
        "APIError BadRequestError AuthenticationError InsufficientCreditsError "
        "PermissionDeniedError NotFoundError ConflictError IdempotencyDuplicateError "
        "UnprocessableEntityError RateLimitError InternalServerError APIConnectionError "
        "APITimeoutError RunFailedError WaitTimeoutError RunOutcomeUnknownError SpendLimitError "
        "UnsafeURLError PaginationError ResponseDecodingError FloraError"
    )
    assert set(names.split()) <= set(flora_client.__all__)
    assert all(issubclass(getattr(flora_client, name), FloraError) for name in names.split())
    assert issubclass(APITimeoutError, APIConnectionError)
    assert issubclass(IdempotencyDuplicateError, ConflictError)


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 520, 529])
def test_a_create_is_sent_again_with_its_key_after_what_may_pass(connect, serve, naps, status):
    server = serve(Reply(status), Reply(status), Reply(201, ACCEPTED))
    run = connect(server).generations.create(**CREATE)
    keys = [seen.headers["idempotency-key"] for seen in server.seen]
    assert keys == [run.idempotency_key] * 3
    assert run.call.attempts == 3
    pauses = [nap for nap in naps if nap > 0]
    assert 0.375 <= pauses[0] <= 0.5
    assert 0.75 <= pauses[1] <= 1.0


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 409, 422, 301])
def test_nothing_is_sent_again_after_what_will_not_pass(connect, serve, naps, status):
    server = serve(Reply(status, {"error": {"code": "x", "message": "No."}}))
    with pytest.raises(APIError) as caught:
        connect(server).generations.create(**CREATE)
    assert len(server.seen) == caught.value.attempts == 1
    assert naps == []


@pytest.mark.parametrize("fault", ["close", "reset", "truncate"])
def test_an_attempt_without_an_answer_is_made_again(connect, serve, naps, fault):
    server = serve(Reply(200, RUN, fault=fault), Reply(200, RUN))
    assert connect(server).generations.retrieve("run_1").call.attempts == 2
    assert len(naps) == 1


def test_no_more_than_max_retries(connect, serve, naps):
    server = serve(Reply(503))
    flora = connect(server)
    for retries, attempts in ((0, 1), (2, 3), (5, 6)):
        server.seen.clear()
        naps.clear()
        with pytest.raises(InternalServerError) as caught:
            flora.generations.retrieve("run_1", max_retries=retries)
        assert len(server.seen) == caught.value.attempts == attempts
    assert all(0.75 * 8 <= nap <= 8 for nap in naps[4:])
    assert flora.with_options(max_retries=0).generations is not None


def in_seconds(seconds: int) -> dict[str, str]:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    later = now + timedelta(seconds=seconds)
    return {
        "date": format_datetime(now, usegmt=True),
        "retry-after": format_datetime(later, usegmt=True),
    }


@pytest.mark.parametrize(
    ("headers", "pause"),
    [
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"retry-after": "3"}, 3.0),
        ({"retry-after": "1.5"}, 1.5),
        ({"retry-after": "60"}, 60.0),
        (in_seconds(7), 7.0),
        (in_seconds(-7), 0.0),
    ],
)
def test_the_server_says_how_long_to_wait(connect, serve, naps, headers, pause):
    server = serve(Reply(503, headers=headers), Reply(200, RUN))
    connect(server).generations.retrieve("run_1")
    (nap,) = naps
    assert pause - 0.01 <= nap <= pause * 1.1 + 0.01  # not all clients at the same moment


@pytest.mark.parametrize("headers", [{"retry-after": "61"}, in_seconds(3600)])
def test_a_wait_that_is_too_long_is_told_at_once(connect, serve, naps, headers):
    server = serve(Reply(429, headers=headers))
    with pytest.raises(RateLimitError) as caught:
        connect(server).generations.retrieve("run_1")
    assert caught.value.retry_after > 60
    assert len(server.seen) == 1
    assert naps == []


def test_a_rate_limit_cools_down_every_call_of_the_client(connect, serve, naps):
    server = serve(Reply(429, headers={"retry-after": "20"}), Reply(200, RUN))
    flora = connect(server)
    with pytest.raises(RateLimitError):
        flora.generations.retrieve("run_1", max_retries=0)
    assert naps == []
    with pytest.raises(APITimeoutError, match="a rate limit lasts longer"):
        flora.with_options(timeout=5).generations.retrieve("run_2")
    assert sum(naps) < 5
    assert len(server.seen) == 1
    flora.generations.retrieve("run_2")
    assert sum(naps) == pytest.approx(20, abs=3)
    flora.generations.retrieve("run_3")
    assert sum(naps) == pytest.approx(20, abs=3)


def test_a_post_without_a_key_is_sent_once(connect, serve, naps):
    server = serve(Reply(503))
    flora = connect(server)
    for options, attempts in (({}, 1), ({"idempotency_key": "k"}, 3)):
        server.seen.clear()
        with pytest.raises(InternalServerError):
            flora.request("POST", "/undocumented", json={"a": 1}, **options)
        assert len(server.seen) == attempts
    assert server.seen[0].headers["idempotency-key"] == "k"
    assert server.seen[0].json() == {"a": 1}


def test_an_undocumented_request_has_the_key_the_retries_and_the_errors(connect, serve, naps):
    server = serve(Reply(502), Reply(200, {"models": []}), Reply(404))
    flora = connect(server)
    raw = flora.request("GET", "/models", params={"type": "image", "none": None})
    assert raw.json() == raw.parse() == {"models": []}
    assert (server.seen[-1].path, server.seen[-1].query) == ("/api/v1/models", {"type": "image"})
    assert server.seen[-1].headers["authorization"].startswith("Bearer ")
    with pytest.raises(NotFoundError):
        flora.request("GET", "/nothing")


def test_an_attempt_takes_no_longer_than_its_timeout(connect, serve):
    server = serve(Reply(200, RUN, delay=3))
    with pytest.raises(APITimeoutError) as caught:
        connect(server, timeout=0.1).generations.retrieve("run_1", max_retries=0)
    assert caught.value.attempts == 1
    with pytest.raises(APITimeoutError):
        connect(server).generations.retrieve("run_1", max_retries=0, timeout=0.1)


def test_nobody_listens(connect):
    with pytest.raises(APIConnectionError) as caught:
        connect("http://127.0.0.1:9").generations.create(**CREATE, max_retries=0)
    assert caught.value.idempotency_key
    assert not caught.value.may_have_started


@pytest.mark.parametrize(("status", "unclear"), [(429, False), (408, True), (503, True)])
def test_an_error_says_whether_a_run_may_have_been_started(connect, serve, naps, status, unclear):
    with pytest.raises(APIError) as caught:
        connect(serve(Reply(status))).generations.create(**CREATE)
    assert caught.value.may_have_started is unclear
    assert (f"idempotency_key={caught.value.idempotency_key!r}" in str(caught.value)) is unclear


def test_per_call_options_reach_the_request(connect, serve):
    server = serve(Reply(201, ACCEPTED), Reply(200, page()))
    flora = connect(server).with_options(default_headers={"X-Client": "1"})
    flora.generations.create(
        **CREATE,
        extra_headers={"X-Trace": "t1"},
        extra_query={"beta": "1"},
        extra_body={"callback_url": "https://example.com/hook"},
    )
    seen = server.seen[0]
    assert (seen.headers["x-trace"], seen.headers["x-client"]) == ("t1", "1")
    assert seen.query == {"beta": "1"}
    assert seen.json() == {**CREATE, "callback_url": "https://example.com/hook"}
