"""Where the key goes, where it does not, and what is refused before anything is sent."""

from __future__ import annotations

import logging
import os
import pickle
import subprocess
import sys

import httpx
import pytest
from flora_client import (
    APIError,
    AsyncFlora,
    Flora,
    InvalidArgumentError,
    UnsafeURLError,
)

from .bodies import ACCEPTED, CREATE, RUN, page, run
from .conftest import KEY
from .server import Reply

BOTH = pytest.mark.parametrize("kind", [Flora, AsyncFlora])


def test_the_key_is_sent_as_a_bearer_token(connect, serve):
    server = serve(Reply(200, RUN))
    connect(server).generations.retrieve("run_1")
    assert server.seen[0].headers["authorization"] == f"Bearer {KEY}"
    assert server.seen[0].headers["user-agent"].startswith("flora-client/")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_the_key_does_not_follow_a_redirect(connect, serve, status):
    other = serve(Reply(200, RUN))
    server = serve(Reply(status, headers={"location": f"{other.base_url}/runs/run_1"}))
    flora = connect(server)
    with pytest.raises(APIError, match="base_url"):
        flora.generations.retrieve("run_1")
    with pytest.raises(APIError):
        flora.generations.create(**CREATE)
    assert other.seen == []
    assert len(server.seen) == 2


def test_a_http_client_of_the_callers_that_follows_redirects_does_not_either(serve):
    other = serve(Reply(200, RUN))
    server = serve(Reply(302, headers={"location": f"{other.base_url}/runs/run_1"}))
    with (
        httpx.Client(follow_redirects=True) as own,
        Flora(api_key=KEY, base_url=server.base_url, http_client=own) as flora,
        pytest.raises(APIError),
    ):
        flora.generations.retrieve("run_1")
    assert other.seen == []


@pytest.mark.parametrize(
    "path",
    [
        "{other}/api/v1/runs/run_1",
        "https://app.flora.ai/api/v1/runs",
        "//example.com/x",
        "@example.com/x",
        "relative",
        "{own}@example.com/x",
        "{own}.example.com/x",
        "{own}/../x",
        "",
    ],
)
def test_an_undocumented_request_goes_to_the_configured_origin_or_nowhere(connect, serve, path):
    server, other = serve(Reply(200, RUN)), serve(Reply(200, RUN))
    flora = connect(server)
    path = path.format(other=other.url, own=server.url)
    try:
        flora.request("GET", path)
    except (UnsafeURLError, InvalidArgumentError):
        assert server.seen == []
    else:
        assert server.seen[0].headers["host"] == server.url.removeprefix("http://")
    assert other.seen == []


@BOTH
@pytest.mark.parametrize(
    "base_url",
    [
        "http://app.flora.ai/api/v1",
        "http://127.0.0.1.example.com/",
        "http://localhost.example.com/",
        "http://10.0.0.1/",
        "http://localhost@example.com/",
        "ftp://app.flora.ai/",
        "app.flora.ai",
        "//app.flora.ai",
        "https://user:pass@app.flora.ai/",
        "https://app.flora.ai/?a=1",
        "https://app.flora.ai/\r\nX: y",
        "https://",
    ],
)
def test_the_key_does_not_go_over_plain_http_or_to_an_odd_url(kind, base_url):
    with pytest.raises(UnsafeURLError) as caught:
        kind(api_key=KEY, base_url=base_url)
    assert KEY not in str(caught.value)
    assert "pass" not in str(caught.value)


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "ALL_PROXY"])
def test_the_key_does_not_go_over_plain_http_to_a_proxy(
    connect, serve, monkeypatch, tmp_path, variable
):
    """What is for this machine would otherwise leave it, readable on its way."""
    proxy, server = serve(Reply(200, RUN)), serve(Reply(200, RUN))
    monkeypatch.setenv(variable.lower(), proxy.url)
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    assert connect(server).generations.retrieve("run_1").run_id == "run_1"
    assert proxy.seen == []


@BOTH
@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.8.9.1", "[::1]"])
def test_plain_http_is_for_this_machine(kind, host):
    assert kind(api_key=KEY, base_url=f"http://{host}:8787/api/v1/").base_url.endswith("/v1")


@BOTH
@pytest.mark.parametrize(
    "key", ["", " ", "sk secret", "sk-secret\n", "sk-secret\r\nX: y", "\tsk-secret", "sk-sécret", 7]
)
def test_a_key_that_cannot_be_sent_is_refused_and_not_echoed(kind, key):
    with pytest.raises(InvalidArgumentError) as caught:
        kind(api_key=key, base_url="http://localhost/")
    assert "secret" not in f"{caught.value!r}{caught.value.__cause__!r}"


def test_a_key_from_a_function_is_refused_likewise(connect, serve):
    server = serve(Reply(200, RUN))
    with pytest.raises(InvalidArgumentError) as caught:
        connect(server, api_key=lambda: "sk secret\n").generations.retrieve("run_1")
    assert "secret" not in str(caught.value)
    assert server.seen == []


def test_a_key_from_a_function_is_asked_for_before_each_request(connect, serve, naps):
    server = serve(Reply(503), Reply(200, RUN))
    keys = iter(["key-1-of-many", "key-2-of-many", "key-3-of-many"])
    flora = connect(server, api_key=lambda: next(keys))
    flora.generations.retrieve("run_1")
    flora.generations.retrieve("run_1")
    sent = [seen.headers["authorization"] for seen in server.seen]
    assert sent == ["Bearer key-1-of-many", "Bearer key-2-of-many", "Bearer key-3-of-many"]


def test_a_key_from_an_asynchronous_function(connect, serve):
    async def key() -> str:
        return "key-from-afar"

    server = serve(Reply(200, RUN))
    flora = connect(server, api_key=key)
    if isinstance(flora, Flora):
        with pytest.raises(InvalidArgumentError, match="asynchronous"):
            flora.generations.retrieve("run_1")
        assert server.seen == []
    else:
        flora.generations.retrieve("run_1")
        assert server.seen[0].headers["authorization"] == "Bearer key-from-afar"


@BOTH
def test_settings_come_from_the_environment(kind, monkeypatch):
    monkeypatch.delenv("FLORA_API_KEY", raising=False)
    monkeypatch.delenv("FLORA_BASE_URL", raising=False)
    with pytest.raises(InvalidArgumentError, match="FLORA_API_KEY"):
        kind()
    monkeypatch.setenv("FLORA_API_KEY", KEY)
    assert kind().base_url == "https://app.flora.ai/api/v1"
    monkeypatch.setenv("FLORA_BASE_URL", "http://localhost:1/api/v1/")
    assert kind().base_url == "http://localhost:1/api/v1"
    assert kind(base_url="https://proxy.example.com").base_url == "https://proxy.example.com"


@BOTH
def test_a_client_does_not_show_or_pickle_its_key(kind):
    client = kind(api_key=KEY, base_url="http://localhost/")
    assert KEY not in repr(client) + str(client) + repr(client._session)
    with pytest.raises(TypeError):
        pickle.dumps(client)


def test_a_server_that_echoes_the_key_does_not_bring_it_into_an_error(connect, serve):
    body = {"error": {"code": KEY, "message": f"bad key {KEY}", "fields": [{"field": KEY}]}}
    with pytest.raises(APIError) as caught:
        connect(serve(Reply(401, body))).generations.retrieve("run_1")
    assert KEY not in f"{caught.value}{caught.value!r}{vars(caught.value)}"


def test_the_log_shows_neither_key_nor_prompt_nor_body(connect, serve, naps, caplog):
    caplog.set_level(logging.DEBUG)
    logging.getLogger("flora").setLevel(logging.DEBUG)
    server = serve(
        Reply(503, "a body that is private"),
        Reply(201, {**ACCEPTED, "new": "private too"}),
        Reply(200, run("completed", new="private too")),
        Reply(200, page({**RUN, "note": "private too"})),
        Reply(400, {"error": {"code": "x", "message": "a body that is private"}}),
    )
    flora = connect(server)
    flora.generations.create_and_wait(**CREATE, params={"note": "private as well"})
    list(flora.generations.list(cursor="private-cursor"))
    with pytest.raises(APIError):
        flora.generations.retrieve("run_1")
    own = [record.getMessage() for record in caplog.records if record.name == "flora"]
    assert any("POST /generate: 503" in line for line in own)
    assert any("GET /runs/run_1: 200" in line for line in own)
    everything = "\n".join(own)
    assert "private" not in everything
    assert KEY not in everything
    assert CREATE["prompt"] not in everything


SCRIPT = """
from flora_client import Flora, FloraError
with Flora() as flora:
    try:
        flora.generations.create(
            type="image", prompt="private words", workspace_id="ws_1", project_id="prj_1"
        )
    except FloraError as error:
        print(error)
"""


def test_the_log_is_switched_on_by_the_environment(serve):
    server = serve(Reply(400, {"error": {"code": "x", "message": "No."}}))
    environment = {
        **os.environ,
        "FLORA_LOG": "debug",
        "FLORA_API_KEY": KEY,
        "FLORA_BASE_URL": server.base_url,
    }
    ended = subprocess.run(
        [sys.executable, "-c", SCRIPT], env=environment, capture_output=True, text=True, check=True
    )
    assert "flora DEBUG POST /generate: 400" in ended.stderr
    assert "private" not in ended.stderr + ended.stdout
    assert KEY not in ended.stderr + ended.stdout


REFUSED = {
    "empty prompt": ({"prompt": ""}, "prompt"),
    "no prompt": ({"prompt": None}, "prompt"),
    "prompt of another type": ({"prompt": 7}, "prompt"),
    "t2i": ({"type": "t2i"}, "image, video, audio or text"),
    "i2v": ({"type": "i2v"}, "image, video, audio or text"),
    "text-to-image": ({"type": "text-to-image"}, "image, video, audio or text"),
    "workspace": ({"workspace_id": "acme"}, "ws_"),
    "workspace of a project": ({"workspace_id": "prj_1"}, "ws_"),
    "project": ({"project_id": "proj_1"}, "prj_"),
    "params": ({"params": {"seed": float("nan")}}, "JSON"),
    "params with an object": ({"params": {"seed": object()}}, "JSON"),
    "key with a line break": ({"idempotency_key": "a\r\nX-Evil: 1"}, "Idempotency-Key"),
    "empty key": ({"idempotency_key": ""}, "idempotency_key"),
    "header with a control character": ({"extra_headers": {"X": "a\x00"}}, "header X"),
    "header with a line break": ({"extra_headers": {"X": "a\nb"}}, "header X"),
    "name of a header": ({"extra_headers": {"X: y\r\n": "a"}}, "header"),
    "timeout": ({"timeout": 0}, "timeout"),
    "retries": ({"max_retries": -1}, "max_retries"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_right_is_refused_before_anything_is_sent(connect, serve, case):
    changes, remedy = REFUSED[case]
    server = serve(Reply(201, ACCEPTED))
    with pytest.raises(InvalidArgumentError, match=remedy) as caught:
        connect(server).generations.create(**{**CREATE, **changes})
    assert server.seen == []
    assert "\n" not in str(caught.value)
    assert isinstance(caught.value, ValueError)


@pytest.mark.parametrize("run_id", [".", "..", "", "abc", "%2e%2e", "../runs", None, 7])
def test_an_id_that_is_none_is_refused_before_anything_is_sent(connect, serve, run_id):
    server = serve(Reply(200, RUN))
    flora = connect(server)
    for look in (flora.generations.retrieve, flora.generations.wait):
        with pytest.raises(InvalidArgumentError, match="run_id"):
            look(run_id)
    assert server.seen == []


@pytest.mark.parametrize(
    "run_id", ["run_/../x", "run_a b", "run_?x=1", "run_#", "run_é", "run_%2e"]
)
def test_an_odd_id_stays_one_segment_of_the_path(connect, serve, run_id):
    server = serve(Reply(200, RUN))
    connect(server).generations.retrieve(run_id)
    assert server.seen[0].path.startswith("/api/v1/runs/run_")
    assert server.seen[0].path.count("/") == 4
    assert server.seen[0].query == {}


def test_an_unknown_type_that_is_no_family_is_sent(connect, serve):
    server = serve(Reply(201, ACCEPTED))
    connect(server).generations.create(**{**CREATE, "type": "hologram"})
    assert server.seen[0].json()["type"] == "hologram"
