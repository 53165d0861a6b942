"""What shows neither the key nor anything that a server could have written into a log."""

from __future__ import annotations

import gzip
import json
import logging
import traceback
import tracemalloc

import httpx
import pytest
from flora_client import APIError, Flora, ResponseDecodingError, RunFailedError

from flora_runtime.exchange import MOST_BYTES

KEY = "sk_live_secret"
NASTY = "a\x1b[31m\r\nINFO forged: line"


def test_the_key_is_not_in_the_locals_of_a_traceback(world, flora: Flora) -> None:
    world.script = [ValueError("something nobody foresaw")]
    with pytest.raises(ValueError, match="foresaw") as caught:
        flora.generations.retrieve("run_1")
    shown = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    assert KEY not in "".join(shown.format())


@pytest.mark.parametrize("quoted", ["\\u0073k_live_secret", "sk\\u005flive_secret"])
def test_a_key_that_comes_back_in_another_spelling_is_masked(
    world, flora: Flora, quoted: str
) -> None:
    body = b'{"error": {"code": "bad", "message": "key %b"}}' % quoted.encode()
    world.script = [world.reply(body, 401, request_id=KEY)]
    with pytest.raises(APIError) as caught:
        flora.generations.retrieve("run_1")
    assert KEY not in f"{caught.value}{vars(caught.value)}"


@pytest.mark.parametrize("quoted", ["sk_live_secret", "\\u0073k_live_secret"])
def test_an_echo_in_a_success_is_masked(world, flora: Flora, run, caplog, quoted: str) -> None:
    caplog.set_level(logging.DEBUG, "flora")
    body = json.dumps(run("completed", note="?")).replace("?", quoted).encode()
    world.script = [world.reply(body, request_id=KEY, x_echo=f"Bearer {KEY}")]
    raw = flora.generations.with_raw_response.retrieve("run_1")
    assert raw.parse().extra_fields == {"note": "***"}
    assert raw.headers["x-echo"] == "Bearer ***"
    assert KEY not in f"{raw}{raw.text}{raw.headers}{raw.parse()}{caplog.text}"


def plain(text: str) -> bool:
    return text.isprintable()


def test_a_server_writes_no_line_of_its_own(world, flora: Flora, run, caplog) -> None:
    caplog.set_level(logging.DEBUG, "flora")
    failed = run("failed", error_code=NASTY, error_message=NASTY, **{NASTY: 1})
    world.script = [
        world.reply(failed),
        world.reply({"error": {"code": NASTY, "message": NASTY}}, 400, request_id=NASTY),
    ]
    with pytest.raises(RunFailedError) as failing:
        flora.generations.wait("run_1")
    with pytest.raises(APIError) as refused:
        flora.generations.retrieve("run_1")
    assert plain(str(failing.value))
    assert plain(str(refused.value))
    assert all(plain(record.getMessage()) for record in caplog.records)


def test_only_what_can_be_unpacked_safely_is_asked_for(world, flora: Flora, run) -> None:
    world.script = [world.reply(run())]
    flora.generations.retrieve("run_1")
    assert world.sent[0].headers["accept-encoding"] == "gzip"


BOMB = gzip.compress(json.dumps({"run_id": "run_1"}).encode() + b" " * 200_000_000, 1)


@pytest.mark.parametrize("packing", ["gzip", "br"])
def test_what_is_unpacked_counts(packing: str) -> None:
    packed = httpx.ByteStream(BOMB)
    answer = httpx.Response(200, headers={"content-encoding": packing}, stream=packed)
    http = httpx.Client(transport=httpx.MockTransport(lambda _: answer))
    with Flora(api_key="sk_live_secret", base_url="https://x.example", http_client=http) as flora:
        tracemalloc.start()
        with pytest.raises(ResponseDecodingError):
            flora.generations.retrieve("run_1")
        assert tracemalloc.get_traced_memory()[1] < 3 * MOST_BYTES
        tracemalloc.stop()
