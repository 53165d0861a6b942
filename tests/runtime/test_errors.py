from __future__ import annotations

import copy
import inspect
import pickle
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from flora_client import (
    APIError,
    ConflictError,
    FieldError,
    Flora,
    IdempotencyDuplicateError,
    InternalServerError,
    Run,
)

from flora_runtime import errors
from flora_runtime.drift import Drift
from flora_runtime.errors import FloraError, class_of_status

POSITIONAL = {"spent", "limit", "cursor", "problem", "text", "drifts"}


def made(cls: type[FloraError]) -> FloraError:
    """An error of a class, with everything that it can hold."""
    values: dict[str, Any] = {
        "status_code": 418,
        "code": "teapot",
        "message": "Short and stout.",
        "fields": [FieldError("prompt", "Required")],
        "request_id": "req_1",
        "body": {"error": {}},
        "retry_after": 2.0,
        "should_retry": None,
        "spent": Decimal(1),
        "limit": Decimal(1),
        "cursor": "c1",
        "problem": "no JSON",
        "drifts": [Drift("extra_field", "Run.new")],
        "error_code": "provider_error",
        "error_message": "It broke.",
        "elapsed": 1.5,
        "idempotency_key": "key",
        "window": (datetime.now(UTC), datetime.now(UTC)),
        "candidates": [Run.from_dict({"run_id": "run_1"})],
        "reason": "nobody knows",
        "text": "run run_1 failed",
        "run_id": "run_1",
        "status": "failed",
        "progress": 10,
        "charged_cost": Decimal("0.04"),
        "run": Run.from_dict({"run_id": "run_1"}),
    }
    if not any("__init__" in vars(c) for c in cls.__mro__ if issubclass(c, FloraError)):
        error = cls("so it is")
    else:
        own = inspect.signature(cls).parameters.values()
        names = [one.name for one in own if one.kind is not one.VAR_KEYWORD]
        if len(names) < len(own):
            above = inspect.signature(cls.__mro__[1]).parameters.values()
            names += [one.name for one in above if one.kind is one.KEYWORD_ONLY]
        error = cls(
            *(values[name] for name in names if name in POSITIONAL),
            **{name: values[name] for name in names if name not in POSITIONAL},
        )
    error.idempotency_key, error.attempts = "key", 3
    return error


CLASSES = [
    each
    for each in vars(errors).values()
    if isinstance(each, type) and issubclass(each, FloraError)
]


@pytest.mark.parametrize("cls", CLASSES)
def test_errors_survive_pickle_and_copy(cls: type[FloraError]) -> None:
    error = made(cls)
    error.add_note("a note")
    for same in (pickle.loads(pickle.dumps(error)), copy.deepcopy(error), copy.copy(error)):
        assert type(same) is cls
        assert str(same) == str(error)
        assert same.args == error.args
        assert same.__dict__ == error.__dict__
        assert same.__notes__ == ["a note"]


@pytest.mark.parametrize("cls", CLASSES)
def test_messages_are_one_line(cls: type[FloraError]) -> None:
    assert len(str(made(cls)).splitlines()) == 1


@pytest.mark.parametrize(
    ("status", "name"),
    [
        (400, "BadRequestError"),
        (401, "AuthenticationError"),
        (402, "InsufficientCreditsError"),
        (403, "PermissionDeniedError"),
        (404, "NotFoundError"),
        (409, "ConflictError"),
        (418, "APIError"),
        (422, "UnprocessableEntityError"),
        (429, "RateLimitError"),
        (500, "InternalServerError"),
        (520, "InternalServerError"),
        (529, "InternalServerError"),
        (599, "InternalServerError"),
    ],
)
def test_each_status_has_its_class(status: int, name: str) -> None:
    assert class_of_status(status).__name__ == name


def caught(flora: Flora) -> APIError:
    with pytest.raises(APIError) as caught:
        flora.generations.retrieve("run_1", max_retries=0)
    return caught.value


def test_an_error_holds_what_the_envelope_tells(world, flora: Flora) -> None:
    envelope = {
        "error": {
            "code": "input_validation_error",
            "message": "prompt: Required",
            "fields": [{"field": "prompt", "message": "Required", "more": 1}, "odd"],
        }
    }
    world.script = [world.reply(envelope, 400, request_id="req_9")]
    error = caught(flora)
    assert (error.status_code, error.code) == (400, "input_validation_error")
    assert error.message == "prompt: Required"
    assert error.fields == (FieldError("prompt", "Required"),)
    assert error.request_id == "req_9"
    assert error.body == envelope
    assert error.attempts == 1
    assert str(error) == (
        "400 input_validation_error: prompt: Required. Correct the request; sending it again"
        " unchanged cannot succeed. (request req_9)"
    )


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>\xff</html>",
        b"null",
        b"[]",
        b'"error"',
        b'{"error": 7}',
        b'{"error": {"code": 7}}',
    ],
)
def test_a_body_that_is_no_envelope_is_kept(world, flora: Flora, body: bytes) -> None:
    world.script = [world.reply(body, 520, content_type="text/html; charset=utf-8")]
    error = caught(flora)
    assert type(error) is InternalServerError
    assert error.code is None
    assert error.fields == ()
    assert "text/html" in str(error)
    assert len(str(error).splitlines()) == 1


def test_a_conflict_is_a_duplicate_by_its_code_alone(world, flora: Flora) -> None:
    world.script = [world.error(409, "idempotency_duplicate"), world.error(409, "conflict")]
    assert type(caught(flora)) is IdempotencyDuplicateError
    assert type(caught(flora)) is ConflictError


def test_a_code_does_not_outweigh_the_status(world, flora: Flora) -> None:
    world.script = [world.error(500, "idempotency_duplicate")]
    assert type(caught(flora)) is InternalServerError


def test_a_message_cannot_write_to_the_terminal(world, flora: Flora) -> None:
    evil = {"error": {"code": "x", "message": "a\x1b[31m\nb\u202e" + "c" * 9999}}
    world.script = [world.reply(evil, 400)]
    error = caught(flora)
    assert "\x1b" not in str(error)
    assert "\u202e" not in str(error)
    assert len(str(error)) < 1000


def test_an_echo_of_the_key_is_blotted_out(world, flora: Flora) -> None:
    echo = {"error": {"code": "unauthorized", "message": "Bad key sk_live_secret."}}
    world.script = [world.reply(echo, 401), world.reply(b"<html>sk_live_secret", 200)]
    error = caught(flora)
    assert "sk_live_secret" not in str(error) + repr(error) + repr(error.__dict__)
    with pytest.raises(FloraError) as unreadable:
        flora.generations.retrieve("run_1")
    assert "sk_live_secret" not in repr(unreadable.value.__dict__)


def test_a_redirect_is_an_error_that_says_what_to_set(world, flora: Flora) -> None:
    world.script = [world.reply(b"", 301, location="https://elsewhere.example/")]
    error = caught(flora)
    assert "base_url" in str(error)
    assert len(world.sent) == 1
