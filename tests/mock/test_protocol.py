"""What the socket makes of requests that no library would send."""

from __future__ import annotations

import contextlib
import gzip
import json
import re
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import httpx
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from flora_contract.mock import MockFlora
from flora_contract.mock.http.messages import MAX_BODY
from flora_contract.mock.http.protocol import Limits
from tests.mock.conftest import BODY, KEY, Client

if TYPE_CHECKING:
    from collections.abc import Iterator

JSON = json.dumps(BODY).encode()
ZIPPED = gzip.compress(JSON)
CHUNKS = b"5\r\n%b\r\n%x\r\n%b\r\n0\r\nprompt: x\r\n\r\n" % (JSON[:5], len(JSON) - 5, JSON[5:])
HEAD = f"host: x\r\nauthorization: Bearer {KEY}\r\ncontent-type: application/json\r\n".encode()

H2C = b"connection: Upgrade, HTTP2-Settings", b"upgrade: h2c", b"http2-settings: AAEAAEAAAAIAAAAB"


def post(body: bytes, *headers: bytes) -> bytes:
    lines = HEAD + b"".join(header + b"\r\n" for header in headers)
    return b"POST /api/v1/generate HTTP/1.1\r\n" + lines + b"\r\n" + body


def get(path: bytes, *headers: bytes) -> bytes:
    lines = HEAD + b"".join(header + b"\r\n" for header in headers)
    return b"GET " + path + b" HTTP/1.1\r\n" + lines + b"\r\n"


def connect(mock: MockFlora) -> socket.socket:
    return socket.create_connection(("127.0.0.1", int(mock.origin.rpartition(":")[2])), timeout=10)


def exchange(mock: MockFlora, *chunks: bytes, pause: float = 0.0) -> list[tuple[int, bytes, bytes]]:
    """Send bytes, say that no more come, and read every answer: status, head, body."""
    with connect(mock) as raw:
        for chunk in chunks:
            raw.sendall(chunk)
            time.sleep(pause)
        raw.shutdown(socket.SHUT_WR)
        received = b""
        while data := raw.recv(65536):
            received += data
    return list(answers_in(received))


def answers_in(received: bytes) -> Iterator[tuple[int, bytes, bytes]]:
    while received:
        head, _, rest = received.partition(b"\r\n\r\n")
        lines = head.lower().split(b"\r\n")
        lengths = [int(line[15:]) for line in lines if line.startswith(b"content-length:")]
        length = lengths[0] if lengths else 0
        yield int(head[9:12]), head.lower(), rest[:length]
        received = rest[length:]


def assert_envelope(answer: tuple[int, bytes, bytes], status: int) -> None:
    assert answer[0] == status
    assert b"request-id: req_" in answer[1]
    error = json.loads(answer[2])["error"]
    assert error["code"]
    assert error["message"]


@pytest.mark.parametrize(
    ("chunks", "status"),
    [
        ([post(JSON, b"content-length: %d" % len(JSON))], 201),
        ([post(b"%x\r\n%b\r\n0\r\n\r\n" % (len(JSON), JSON), b"transfer-encoding: chunked")], 201),
        (
            [post(CHUNKS, b"transfer-encoding: chunked")], 201
        ),
        ([post(ZIPPED, b"content-encoding: gzip", b"content-length: %d" % len(ZIPPED))], 201),
        ([post(b"nonsense", b"content-encoding: gzip", b"content-length: 8")], 400),
        ([post(b"{}", b"content-encoding: br", b"content-length: 2")], 400),
        ([post(b"\xff\xfe", b"content-length: 2")], 400),
        ([post(b"", b"content-length: 0")], 400),
        ([post(b'{"a":' * 2000 + b"1" + b"}" * 2000, b"content-length: 12001")], 400),
        ([post(b'{"params":' * 300 + b"1" + b"}" * 300, b"content-length: 3301")], 400),
        ([post(b"NaN", b"content-length: 3")], 400),
        ([post(b'"\\ud800"', b"content-length: 8")], 400),
        ([post(b"{}", b"content-length: 2", b"content-length: 3")], 400),
        ([post(b"{}", b"content-length: 2", b"transfer-encoding: chunked")], 400),
        ([post(b"zz\r\n", b"transfer-encoding: chunked")], 400),
        ([post(b"{}", b"content-length: -2")], 400),
        ([post(b"{", b"content-length: 2")], 400),
        ([get(b"/api/v1/generations")], 200),
        ([get(b"/api/v1/generations", b"authorization: Bearer x")], 401),
        ([get(b"/api/v1/generations", b"host: y")], 400),
        ([b"GET /api/v1/generations HTTP/1.1\r\n\r\n"], 400),
        ([b"GET /api/v1/generations HTTP/1.1\r\nhost: a b/<c>\r\n\r\n"], 400),
        ([b"GET /api/v1/generations HTTP/1.0\r\nauthorization: Bearer sk_live_test\r\n\r\n"], 200),
        ([get(b"/api/v1/%67enerations")], 200),
        ([get(b"http://flora.test/api/v1/generations")], 200),
        ([get(b"HTTPS://flora.test:1/api/v1/generations?limit=1")], 200),
        ([get(b"http://flora.test")], 404),
        ([get(b"http://flora.test?limit=1")], 404),
        ([get(b"http:///api/v1/generations")], 404),
        ([get(b"http://a b/api/v1/generations")], 400),
        ([b"CONNECT flora.test:443 HTTP/1.1\r\nhost: flora.test:443\r\n\r\n"], 404),
        ([b"GET /_mock/clock HTTP/1.1\r\nhost: [::1\r\n\r\n"], 400),
        ([b"GET /_mock/clock HTTP/1.1\r\nhost: [:::]\r\n\r\n"], 403),
        ([b"GET /_mock/clock HTTP/1.1\r\nhost: ]:[\r\n\r\n"], 400),
        ([get(b"/api/v1/generations/")], 404),
        ([get(b"/api/v1//generations")], 404),
        ([get(b"/api/v1/runs/%2e%2e%2fgenerations")], 400),
        ([get(b"/api/v1/runs/run_%00")], 404),
        ([get(b"/api/v1/runs/run_%ff")], 404),
        ([get(b"/api/v1/runs/run_" + b"f" * 5000)], 404),
        ([get(b"/api/v1/generations?status=%ff")], 400),
        ([get(b"*")], 404),
        ([get(b"/media/run_x/../../etc/passwd")], 404),
        ([b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"], 400),
        ([b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"], 400),
        ([b"GET / HTTP/9.9\r\nhost: x\r\n\r\n"], 400),
        ([b"GET /api/v1/models HTTP/2.0\r\nhost: x\r\n\r\n"], 400),
        ([b"GET /api/v1/models HTTP/0.9\r\nhost: x\r\n\r\n"], 400),
        ([get(b"/api/v1/generations", b"x: " + b"y" * 70_000)], 431),
        ([get(b"/" + b"y" * 70_000)], 431),
        ([get(b"/api/v1/generations", *[b"x: y"] * 15_000)], 431),
        ([get(b"/api/v1/generations", b"upgrade: websocket", b"connection: upgrade")], 200),
        ([post(JSON, *H2C, b"content-length: %d" % len(JSON))], 201),
        ([post(CHUNKS, *H2C, b"transfer-encoding: chunked")], 201),
        ([post(b"{", *H2C, b"content-length: 2")], 400),
        ([post(b"", *H2C, b"content-length: %d" % (1 << 30))], 413),
    ],
)  # fmt: skip
def test_odd_requests_get_an_answer(chunks: list[bytes], status: int, mock: MockFlora) -> None:
    (answer,) = exchange(mock, *chunks)
    if status >= 400:
        assert_envelope(answer, status)
    assert answer[0] == status


def test_a_body_over_the_limit_is_refused_before_it_is_read(mock: MockFlora) -> None:
    body = b" " * (MAX_BODY + 1)
    (answer,) = exchange(mock, post(body, b"content-length: %d" % len(body)))
    assert_envelope(answer, 413)
    chunked = b"".join(b"10000\r\n%b\r\n" % (b" " * 0x10000) for _ in range(17))
    (answer,) = exchange(mock, post(chunked, b"transfer-encoding: chunked"))
    assert_envelope(answer, 413)
    bomb = gzip.compress(b" " * (MAX_BODY * 8))
    headers = b"content-encoding: gzip", b"content-length: %d" % len(bomb)
    (answer,) = exchange(mock, post(bomb, *headers))
    assert_envelope(answer, 413)
    with connect(mock) as raw:
        raw.sendall(post(b"", b"content-length: 9999999999", b"expect: 100-continue"))
        assert raw.recv(100).startswith(b"HTTP/1.1 413")


def test_a_body_is_asked_for_when_the_client_waits(mock: MockFlora) -> None:
    with connect(mock) as raw:
        raw.sendall(post(b"", b"content-length: %d" % len(JSON), b"expect: 100-continue"))
        assert raw.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        raw.sendall(JSON)
        assert raw.recv(100).startswith(b"HTTP/1.1 201")


def test_addresses_follow_the_host_that_is_asked(mock: MockFlora) -> None:
    created = post(JSON, b"content-length: %d" % len(JSON))
    absolute = created.replace(b" /api", b" http://flora.test:8080/api", 1)
    for request, origin in ((created, "http://x"), (absolute, "http://flora.test:8080")):
        (answer,) = exchange(mock, request)
        assert json.loads(answer[2])["poll_url"].startswith(f"{origin}/api/v1/runs/run_")


def test_requests_sent_at_once_are_answered_in_order(mock: MockFlora) -> None:
    paths = [b"/api/v1/generations", b"/api/v1/nothing", b"/api/v1/runs/abc"] * 20
    found = exchange(mock, b"".join(get(path) for path in paths))
    assert [answer[0] for answer in found] == [200, 404, 400] * 20


def test_ten_thousand_requests_sent_at_once_are_answered(mock: MockFlora) -> None:
    """However the bytes fall into pieces, and whatever the requests offer."""
    asked = get(b"/api/v1/runs/abc"), get(b"/api/v1/nothing", *H2C)
    received = b""
    with connect(mock) as raw, ThreadPoolExecutor(1) as pool:
        sent = pool.submit(raw.sendall, b"".join(asked) * 5_000)
        sent.add_done_callback(lambda _: raw.shutdown(socket.SHUT_WR))
        while data := raw.recv(1 << 20):
            received += data
    statuses = re.findall(rb"HTTP/1.1 (\d+) ", received)
    assert statuses == [b"400", b"404"] * 5_000


@pytest.mark.parametrize("headers", [(), H2C])
def test_bytes_may_come_one_by_one(headers: tuple[bytes, ...], mock: MockFlora) -> None:
    whole = post(JSON, *headers, b"content-length: %d" % len(JSON))
    pieces = (whole[i : i + 1] for i in range(len(whole)))
    both = exchange(mock, *pieces, get(b"/api/v1/nothing"))
    assert [answer[0] for answer in both] == [201, 404]


@pytest.mark.parametrize(
    "piece", [b"x: y\r\n" * 8_000, b"y" * 64_000, b"1;x=%b\r\nz\r\n" % (b"y" * 64_000)]
)
def test_trailers_and_chunks_have_a_limit(piece: bytes, mock: MockFlora) -> None:
    """Without one, an endless trailer would cost more with each piece of it."""
    first = b"0\r\nx: y" if not piece.startswith(b"1;") else b""
    started = time.monotonic()
    with connect(mock) as raw:
        raw.sendall(post(first, b"transfer-encoding: chunked"))
        with contextlib.suppress(OSError):  # it closes while more is sent
            for _ in range(500):
                raw.sendall(piece)
        assert raw.recv(100).startswith(b"HTTP/1.1 431")
    assert time.monotonic() - started < 5


def test_head_is_get_without_a_body(mock: MockFlora, client: Client) -> None:
    client.create()
    full = client.list()
    head = client.head("/generations")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == full.headers["content-length"]
    assert client.head("/generate").status_code == 405


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("GET", "/generate", "POST"),
        ("GET", "/runs/generation", "POST"),
        ("DELETE", "/generations", "GET, HEAD"),
        ("POST", "/runs/run_x", "GET, HEAD"),
        ("OPTIONS", "/generate", "POST"),
        ("TRACE", "/generate", "POST"),
        ("PATCH", "/generate", "POST"),
    ],
)
def test_a_wrong_method_is_told_the_right_ones(
    method: str, path: str, allow: str, client: Client
) -> None:
    refused = client.request(method, path)
    assert (refused.status_code, refused.headers["allow"]) == (405, allow)
    assert refused.json()["error"]["code"] == "not_found"


def test_slow_and_silent_clients_are_let_go() -> None:
    limits = Limits(request_seconds=0.5, idle_seconds=0.5)
    with MockFlora(limits=limits) as mock:
        with connect(mock) as slow, connect(mock) as silent:
            slow.sendall(b"POST /api/v1/generate HTTP/1.1\r\nhost: x\r\n")
            received = slow.recv(1000)
            assert_envelope(next(answers_in(received)), 408)
            assert silent.recv(100) == b""
        with httpx.Client(base_url=mock.base_url) as client:
            assert client.get("/generations").status_code == 401


def test_a_client_that_does_not_read_holds_up_nobody(mock: MockFlora, client: Client) -> None:
    with connect(mock) as deaf:
        deaf.settimeout(0.5)
        with contextlib.suppress(TimeoutError):
            for _ in range(100):
                deaf.sendall(get(b"/api/v1/generations") * 500)
        assert client.list().status_code == 200


@settings(
    max_examples=120,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    data=st.lists(
        st.one_of(
            st.binary(max_size=40),
            st.sampled_from(
                [
                    *(b"GET ", b"POST ", b"/api/v1/generate", b"/api/v1/runs/run_1", b"?limit="),
                    *(b" HTTP/1.1\r\n", b" HTTP/1.0\r\n", b"host: x\r\n", b"\r\n", b"\r\n\r\n"),
                    *(b"content-length: 3\r\n", b"transfer-encoding: chunked\r\n", b"{}", b"0\r\n"),
                    *(b"authorization: Bearer sk_live_test\r\n", b"\x00", b"%", b"connection: "),
                ]
            ),
        ),
        max_size=14,
    )
)
@example(data=[b"GET ", b"/", b" HTTP/1.1\r\n", b"host: x\r\n", b"x:\r\n", b"\r\n"])
def test_no_bytes_bring_it_down(data: list[bytes], mock: MockFlora) -> None:
    for status, head, body in exchange(mock, b"".join(data)):
        assert status < 500
        assert b"request-id: req_" in head
        if status >= 400:
            assert json.loads(body)["error"]["code"]
    assert exchange(mock, get(b"/api/v1/generations"))[0][0] == 200
