"""Whatever the server answers, a caller gets a value or a documented error."""

from __future__ import annotations

import copy
import json
import logging
import pickle
from typing import TYPE_CHECKING, Any

import hypothesis.strategies as st
import pytest
from flora_client import (
    UNSET,
    BadRequestError,
    Drift,
    DriftError,
    FloraError,
    Generation,
    ResponseDecodingError,
    Run,
    RunAccepted,
    RunStatus,
)
from flora_client import __all__ as documented
from hypothesis import given, settings

from .bodies import ACCEPTED, CREATE, ITEM, RUN, page
from .conftest import KEY
from .server import Reply, Seen

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def near(body: Mapping[str, Any]) -> st.SearchStrategy[Any]:
    """Bodies like a documented one, with some of its members something else."""
    wrong = st.dictionaries(st.sampled_from(sorted(body)), JSON, max_size=3)
    return wrong.map(lambda changes: {**body, **changes})


BODIES = (
    JSON.map(lambda value: json.dumps(value).encode())
    | st.one_of(near(ACCEPTED), near(RUN), near(page(ITEM)), near({"error": {"code": "x"}})).map(
        lambda value: json.dumps(value).encode()
    )
    | st.binary(max_size=60)
    | st.sampled_from([b"", b"NaN", b'{"run_id": "run_1"', b"[" * 5000, b"\xff\xfe", b"1e999"])
)
STATUSES = st.sampled_from([200, 201, 202, 301, 400, 402, 404, 409, 429, 500, 502, 520, 529]) | (
    st.integers(200, 999).filter(lambda status: status not in {204, 304})
)
HEADERS = st.fixed_dictionaries(
    {},
    optional={
        "content-type": st.sampled_from(["text/html", "application/json; charset=utf-9", ""]),
        "retry-after": st.sampled_from(["0", "soon", "-1", "1e400", "Sun, 99 Foo 2026", "1e9"]),
        "retry-after-ms": st.sampled_from(["1", "nan", "x"]),
        "date": st.sampled_from(["", "yesterday", "Thu, 01 Jan 1970 00:00:00 GMT"]),
        "request-id": st.sampled_from(["", "req_1"]),
        "location": st.sampled_from(["/elsewhere", "http://elsewhere.example/"]),
    },
)

CALLS: dict[str, Callable[[Any], Any]] = {
    "create": lambda flora: flora.generations.create(**CREATE),
    "retrieve": lambda flora: flora.generations.retrieve("run_1"),
    "list": lambda flora: [next(iter(flora.generations.list()), None)],
    "wait": lambda flora: flora.generations.wait("run_1", timeout=5),
    "create_and_wait": lambda flora: flora.generations.create_and_wait(**CREATE, timeout=5),
    "request": lambda flora: flora.request("GET", "/models").parse(),
    "raw": lambda flora: flora.generations.with_raw_response.retrieve("run_1").parse(),
}


@pytest.mark.parametrize("call", CALLS)
def test_whatever_is_answered_only_documented_errors_come_out(connect, serve, naps, call):
    replies: list[Reply] = []
    server = serve(lambda _: replies[0])
    flora = connect(server)

    @settings(max_examples=60)
    @given(STATUSES, BODIES, HEADERS)
    def check(status: int, body: bytes, headers: dict[str, str]) -> None:
        replies[:] = [Reply(status, body, headers)]
        error = error_of(lambda: CALLS[call](flora))
        naps.clear()
        if error is None:
            return
        assert type(error).__name__ in documented
        assert error.idempotency_key or call != "create"
        again = pickle.loads(pickle.dumps(error))
        assert str(copy.deepcopy(error)) == str(again) == str(error)
        assert "\n" not in str(error)
        assert KEY not in f"{error!r}{error}{error.__cause__!r}{vars(error)}"

    check()


def error_of(call: Callable[[], Any]) -> FloraError | None:
    try:
        call()
    except FloraError as error:
        return error
    return None


def variants(body: Any) -> Iterator[tuple[str, Any]]:
    """A documented body with each of its members missing, null and of every other type."""
    for place, parent, key in _members(body, ""):
        value = parent[key]
        del parent[key]
        yield f"{place} missing", copy.deepcopy(body)
        for other in (None, "text", 7, 0.5, True, [], [7], {}, {"a": 1}):
            if type(other) is not type(value):
                parent[key] = other
                yield f"{place}={json.dumps(other)}", copy.deepcopy(body)
        parent[key] = value


def _members(value: Any, place: str) -> Iterator[tuple[str, dict[str, Any], str]]:
    if isinstance(value, list):
        for item in value:
            yield from _members(item, f"{place}[]")
    if isinstance(value, dict):
        for key in list(value):
            yield f"{place}.{key}", value, key
            yield from _members(value[key], f"{place}.{key}")


def test_a_create_with_any_member_missing_null_or_of_another_type_is_a_run(connect, serve, naps):
    replies: list[Reply] = []
    flora = connect(serve(lambda _: replies[0]))
    seen = 0
    for what, body in variants(copy.deepcopy(ACCEPTED)):
        replies[:] = [Reply(201, body)]
        seen += 1
        if what.startswith(".run_id"):
            with pytest.raises(ResponseDecodingError) as caught:
                flora.generations.create(**CREATE)
            error = caught.value
            assert error.status_code == 201
            assert json.loads(error.body) == body
            assert error.idempotency_key
            assert error.may_have_started
        else:
            assert flora.generations.create(**CREATE).run_id == "run_1", what
            assert flora.generations.create(**CREATE).to_dict() == body, what
    assert seen > 100


def test_a_run_with_any_member_missing_null_or_of_another_type_is_read(connect, serve):
    replies: list[Reply] = []
    flora = connect(serve(lambda _: replies[0]))
    for what, body in variants(copy.deepcopy(RUN)):
        replies[:] = [Reply(200, body)]
        assert flora.generations.retrieve("run_1").to_dict() == body, what


def test_one_item_that_is_odd_does_not_hide_the_others(connect, serve):
    replies: list[Reply] = []
    flora = connect(serve(lambda _: replies[0]))
    for what, body in variants(copy.deepcopy(ITEM)):
        replies[:] = [Reply(200, page(ITEM, body, ITEM))]
        assert [item.to_dict() for item in flora.generations.list()] == [ITEM, body, ITEM], what


@pytest.mark.parametrize("member", ["error", "code", "message", "fields", "item"])
@pytest.mark.parametrize("value", [None, "text", 7, True, [], [7], [None], {}, "missing"])
def test_an_error_whose_envelope_is_odd_is_still_the_error_of_its_status(
    connect, serve, member, value
):
    error: dict[str, Any] = {
        "code": "input_validation_error",
        "message": "prompt: Required",
        "fields": [{"field": "prompt", "message": "Required"}],
    }
    if member == "error":
        body: Any = {"error": value}
    elif member == "item":
        body = {"error": {**error, "fields": [value, {"field": value}, *error["fields"]]}}
    else:
        body = {"error": {**error, member: value}}
    with pytest.raises(BadRequestError) as caught:
        connect(serve(Reply(400, body))).generations.create(**CREATE)
    assert caught.value.body == body
    if member in {"code", "message", "item"}:
        assert caught.value.fields[-1].field == "prompt"


def test_a_documented_error_tells_everything(connect, serve):
    fields = [{"field": "prompt", "message": "Required"}]
    body = {"error": {"code": "input_validation_error", "message": "prompt: R", "fields": fields}}
    with pytest.raises(BadRequestError) as caught:
        connect(serve(Reply(400, body, {"request-id": "req_7"}))).generations.create(**CREATE)
    error = caught.value
    assert (error.status_code, error.code) == (400, "input_validation_error")
    assert (error.message, error.request_id, error.attempts) == ("prompt: R", "req_7", 1)
    assert [(item.field, item.message) for item in error.fields] == [("prompt", "Required")]
    assert error.idempotency_key
    assert not error.may_have_started
    assert "req_7" in str(error)


@pytest.mark.parametrize("status", [200, 201, 202])
def test_an_unknown_type_an_extra_field_and_another_success_are_a_run(connect, serve, status):
    body = {**ACCEPTED, "type": "dream", "new": {"a": [1]}}
    run = connect(serve(Reply(status, body))).generations.create(**CREATE)
    assert run.run_id == "run_1"
    assert run.type == "dream"
    assert not run.type.is_known
    assert run.extra_fields == {"new": {"a": [1]}}
    assert run.call.status_code == status
    assert run.call.idempotency_key == run.idempotency_key is not None


@pytest.mark.parametrize(
    "body", [b"", b"<p>", b"[]", b"{}", b'"run_1"', b'{"run_id": ""}', b"null"]
)
def test_a_success_that_cannot_be_read_keeps_body_status_key_and_request_id(
    connect, serve, naps, body
):
    server = serve(Reply(201, body, {"request-id": "req_9"}))
    with pytest.raises(ResponseDecodingError) as caught:
        connect(server).generations.create(**CREATE)
    error = caught.value
    assert (error.status_code, error.body, error.request_id) == (201, body.decode(), "req_9")
    assert {error.idempotency_key} == {seen.headers["idempotency-key"] for seen in server.seen}
    assert error.attempts == len(server.seen) == 3


def test_drift_is_told_once_each(connect, serve, caplog):
    body = {**RUN, "status": "dreaming", "new": 1}
    del body["progress"]
    told: list[Drift] = []
    flora = connect(serve(Reply(200, body)), on_drift=told.append)
    for _ in range(3):
        run = flora.generations.retrieve("run_1")
    assert run.progress is UNSET
    assert {(drift.kind, drift.where) for drift in told} == {
        ("unknown_value", "Run.status"),
        ("extra_field", "Run.new"),
        ("missing_field", "Run.progress"),
    }
    warned = [r for r in caplog.records if r.name == "flora" and r.levelno == logging.WARNING]
    assert len(told) == len(warned) == 3


def test_strict_raises_what_else_is_tolerated(connect, serve):
    flora = connect(serve(Reply(200, {**RUN, "new": 1}), Reply(200, RUN)), strict=True)
    with pytest.raises(DriftError) as caught:
        flora.generations.retrieve("run_1")
    assert [drift.where for drift in caught.value.drifts] == ["Run.new"]
    assert flora.generations.retrieve("run_1").status is RunStatus.COMPLETED


def test_strict_does_not_lose_a_run_that_was_started(connect, serve):
    flora = connect(serve(Reply(201, {**ACCEPTED, "new": 1})), strict=True)
    with pytest.raises(DriftError) as caught:
        flora.generations.create(**CREATE)
    assert json.loads(caught.value.body)["run_id"] == "run_1"
    assert caught.value.idempotency_key
    assert str(flora.spent) == "0.04"


def test_a_listener_that_fails_does_not_lose_an_answer(connect, serve):
    def fail(_: Drift) -> None:
        raise RuntimeError("listener")

    flora = connect(serve(Reply(201, {**ACCEPTED, "new": 1})), on_drift=fail)
    assert flora.generations.create(**CREATE).run_id == "run_1"


MODELS = {RunAccepted: ACCEPTED, Run: RUN, Generation: ITEM}


@pytest.mark.parametrize("model", MODELS)
def test_models_survive_copy_and_pickle_and_are_hashable(model):
    value = model.from_dict({**MODELS[model], "new": {"a": [1]}, "type": "dream"})
    for again in (copy.copy(value), copy.deepcopy(value), pickle.loads(pickle.dumps(value))):
        assert again == value
        assert hash(again) == hash(value)
        assert again.to_dict() == value.to_dict()
    assert copy.deepcopy(UNSET) is pickle.loads(pickle.dumps(UNSET)) is UNSET
    with pytest.raises(AttributeError):
        value.run_id = "run_2"


@given(st.sampled_from(sorted(MODELS, key=str)), st.data())
def test_from_dict_and_to_dict_go_round_to_the_byte(model, data):
    body = data.draw(near(MODELS[model]) | st.dictionaries(st.text(), JSON))
    assert json.dumps(model.from_dict(body).to_dict()) == json.dumps(body)


@given(st.text())
def test_a_member_of_an_enum_equals_its_string_known_or_not(text):
    member = RunStatus(text)
    assert member == text
    assert hash(member) == hash(text)
    assert pickle.loads(pickle.dumps(member)) == copy.deepcopy(member) == text
    assert member.is_known == (text in {"pending", "running", "completed", "failed"})
    assert len(list(RunStatus)) == 4


def test_enum_members_and_plain_strings_are_sent_alike(connect, serve):
    server = serve(Reply(200, page()))
    flora = connect(server)
    for status in ("completed", RunStatus.COMPLETED):
        list(flora.generations.list(status=status, limit=5))
    assert [seen.query for seen in server.seen] == [{"status": "completed", "limit": "5"}] * 2


def test_params_take_a_plain_dictionary(connect, serve):
    server = serve(Reply(201, ACCEPTED))
    params = {"seed": 7, "nested": {"a": [None, True]}}
    connect(server).generations.create(**CREATE, params=params, model="m")
    assert server.seen[0].json() == {**CREATE, "params": params, "model": "m"}


def test_seen_is_what_was_sent(connect, serve):
    server = serve(Reply(201, ACCEPTED))
    raw = connect(server).generations.with_raw_response.create(**CREATE, idempotency_key="k-1")
    seen: Seen = server.seen[0]
    assert seen.headers["idempotency-key"] == raw.parse().idempotency_key == "k-1"
    assert raw.status_code == 201
    assert raw.headers["Content-Type"] == "application/json"
    assert raw.json() == ACCEPTED
