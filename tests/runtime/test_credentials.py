from __future__ import annotations

import copy
import logging
import pickle
from typing import Any

import pytest
from flora_client import AsyncFlora, Flora, FloraError, InvalidArgumentError, UnsafeURLError
from hypothesis import given
from hypothesis import strategies as st

from flora_runtime.credentials import Origin, checked_key

BAD_KEYS = ["", " ", "sk live", "sk_live\n", "\tsk_live", "sk_live\x00", "sk_lïve", "sk_live\x7f"]


@pytest.mark.parametrize("key", BAD_KEYS)
@pytest.mark.parametrize("client", [Flora, AsyncFlora])
def test_a_key_that_cannot_be_sent_is_refused_and_not_shown(
    monkeypatch: pytest.MonkeyPatch, key: str, client: type[Flora]
) -> None:
    with pytest.raises(InvalidArgumentError) as given_key:
        client(api_key=key)
    monkeypatch.setenv("FLORA_API_KEY", key.replace("\x00", " "))
    with pytest.raises(InvalidArgumentError) as found_key:
        client()
    for caught in (given_key, found_key):
        assert not key.strip() or key.strip() not in str(caught.value)


@given(st.text())
def test_a_key_is_sent_as_it_is_or_not_at_all(key: str) -> None:
    try:
        assert checked_key(key).encode("ascii").decode() == key
    except InvalidArgumentError:
        assert not key.isascii() or not key.isprintable() or " " in key or not key


def test_no_key_is_an_error_that_says_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FLORA_API_KEY", raising=False)
    with pytest.raises(InvalidArgumentError, match="FLORA_API_KEY"):
        Flora()


def test_a_function_is_asked_for_the_key_before_each_request(world, client_with, run) -> None:
    keys = iter(["key_of_monday", "key_of_tuesday"])
    flora = client_with(api_key=lambda: next(keys))
    world.script = [world.error(503), world.reply(run())]
    flora.generations.retrieve("run_1")
    assert [request.headers["authorization"] for request in world.sent] == [
        "Bearer key_of_monday",
        "Bearer key_of_tuesday",
    ]


def test_a_function_that_gives_no_key_is_refused_before_sending(world, client_with) -> None:
    flora = client_with(api_key=lambda: "two words")
    with pytest.raises(InvalidArgumentError) as caught:
        flora.generations.retrieve("run_1")
    assert "two words" not in str(caught.value)
    assert world.sent == []


def test_a_client_shows_no_key(flora: Flora) -> None:
    for thing in (flora, flora._session, flora._session.key, flora.generations):
        assert "sk_live" not in repr(thing)
        assert "sk_live" not in str(thing)


def test_a_client_is_not_pickled(flora: Flora) -> None:
    for save in (pickle.dumps, copy.deepcopy):
        with pytest.raises(TypeError, match="key"):
            save(flora._session.key)


@pytest.mark.parametrize(
    "url",
    [
        "https://app.flora.ai/api/v1",
        "https://app.flora.ai/api/v1/",
        "http://localhost:4010",
        "http://LOCALHOST:4010",
        "http://127.0.0.1",
        "http://127.9.9.9:80/api",
        "http://[::1]:4010/api/v1",
    ],
)
def test_a_key_goes_over_tls_or_stays_on_this_machine(url: str) -> None:
    assert Flora(api_key="sk", base_url=url).base_url == url.rstrip("/")


@pytest.mark.parametrize(
    "url",
    [
        "http://app.flora.ai/api/v1",
        "http://localhost.evil.example",
        "http://127.0.0.1.evil.example",
        "http://0.0.0.0:4010",
        "ftp://app.flora.ai",
        "app.flora.ai",
        "https://",
        "https://user:word@app.flora.ai",
        "https://app.flora.ai/api?x=1",
        "https://app.flora.ai/api#x",
        "https://app.flora.ai:port",
        "https://app.flora.ai/ api",
        "https://app.flora.ai\\@evil.example",
    ],
)
def test_nowhere_else(url: str) -> None:
    with pytest.raises(UnsafeURLError) as caught:
        Flora(api_key="sk", base_url=url)
    assert "word" not in str(caught.value)


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLORA_API_KEY", "sk")
    assert Flora().base_url == "https://app.flora.ai/api/v1"
    monkeypatch.setenv("FLORA_BASE_URL", "https://staging.example/v1/")
    assert Flora().base_url == "https://staging.example/v1"


SAME = Origin.of("https://api.example/v1")


@pytest.mark.parametrize(
    ("url", "same"),
    [
        ("https://api.example/v1/runs", True),
        ("https://API.example:443/", True),
        ("http://api.example/v1", False),
        ("https://api.example:444/v1", False),
        ("https://example/v1", False),
        ("https://api.example.evil.example/", False),
        ("https://api.example@evil.example/", False),
        ("https://key@api.example/", False),
        ("https://api.example\\@evil.example/", False),
        ("//api.example/v1", False),
        ("https:///v1", False),
        ("https://api.example\n.evil.example/", False),
        ("", False),
    ],
)
def test_the_same_server_is_scheme_host_and_port(url: str, same: bool) -> None:
    assert SAME.holds(url) is same


def test_a_request_elsewhere_is_refused(world, flora: Flora) -> None:
    for url in ("https://evil.example/", "http://api.example/v1/x", "runs/run_1", ""):
        with pytest.raises(UnsafeURLError):
            flora.request("GET", url)
    assert world.sent == []
    world.script = [world.reply({})] * 2
    flora.request("GET", "https://api.example/v1/runs/run_1")
    flora.request("GET", "//evil.example/", params={"a": [1, 2], "b": None, "c": True})
    assert [request.url for request in world.sent] == [
        "https://api.example/v1/runs/run_1",
        "https://api.example/v1//evil.example/?a=1&a=2&c=true",
    ]


@pytest.mark.parametrize("value", ["a\nb", "a\r\nX-Evil: 1", "\x00", "\x7f", "naïve", 7, None])
def test_a_header_that_cannot_be_sent_is_refused(world, flora: Flora, value: Any) -> None:
    with pytest.raises(InvalidArgumentError, match="X-Own"):
        flora.generations.retrieve("run_1", extra_headers={"X-Own": value})
    with pytest.raises(InvalidArgumentError):
        flora.generations.retrieve("run_1", extra_headers={"a b": "c"})
    with pytest.raises(InvalidArgumentError):
        flora.with_options(default_headers={"X-Own": value})
    assert world.sent == []


@pytest.mark.parametrize("key", ["", " ", "a\nb", "ä", 5])
def test_an_idempotency_key_that_cannot_be_sent_is_refused(
    world, flora: Flora, arguments, key: str
) -> None:
    with pytest.raises(InvalidArgumentError):
        flora.generations.create(**arguments, idempotency_key=key)
    assert world.sent == []


def test_the_log_shows_no_key_prompt_or_body(
    world, flora: Flora, arguments, accepted, caplog: pytest.LogCaptureFixture
) -> None:
    world.script = [
        world.error(503),
        world.reply(accepted | {"secret_field": "hidden_value"}, 201, request_id="req_7"),
        world.error(404),
    ]
    with caplog.at_level(logging.DEBUG):
        flora.generations.create(**arguments | {"prompt": "geheimnis"})
        with pytest.raises(FloraError):
            flora.request("GET", "/runs/run_1", params={"token": "geheimnis"})
    assert "POST /generate: 201" in caplog.text
    assert "req_7" in caplog.text
    for secret in ("sk_live", "geheimnis", "hidden_value", "ws_1"):
        assert secret not in caplog.text


def test_logging_is_switched_on_by_the_environment(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    logger = logging.getLogger("flora")
    before = list(logger.handlers), logger.level
    try:
        monkeypatch.setenv("FLORA_LOG", "debug")
        Flora(api_key="sk")
        Flora(api_key="sk")
        logger.debug("hello")
        assert capsys.readouterr().err.count("hello") == 1
    finally:
        logger.handlers[:], level = before
        logger.setLevel(level)


@pytest.mark.parametrize("url", ["localhost:4010/api/v1", "app.flora.ai/api/v1", "//app.flora.ai"])
def test_a_server_without_a_scheme_is_told_how_to_begin(url: str) -> None:
    with pytest.raises(UnsafeURLError, match=r"must begin with https://, as in https://"):
        Flora(api_key="sk", base_url=url)
