"""Servers that are right but unlike the mock, and servers that are hardly there."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from flora_contract.conformance import oracle as oracles
from flora_contract.conformance.oracle import Severity
from flora_contract.conformance.run import Check
from flora_contract.conformance.settings import gather
from flora_contract.mock import MockFlora

if TYPE_CHECKING:
    from collections.abc import Iterator

MAIN = "from flora_contract.cli import main; main()"


class Front:
    """Hands requests on to a mock, and does something with the answers."""

    def __init__(self, target: str) -> None:
        self.target = target
        self.client = httpx.Client(verify=False)
        self.agents: set[str | None] = set()
        self.packed = False
        self.closes_after = 0
        self.shows_key = False
        self.cookie = False
        self.left = -1
        front = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def _any(self) -> None:
                front.answer(self)

            do_GET = do_POST = _any  # noqa: N815

            def log_message(self, *_: Any) -> None:
                """Nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/api/v1"

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        if self.left == 0:
            threading.Thread(target=self.server.shutdown).start()
            self.server.socket.close()
            handler.close_connection = True
            return
        self.left -= 1
        self.agents.add(handler.headers["User-Agent"])
        body = handler.rfile.read(int(handler.headers.get("content-length") or 0))
        kept = {k: v for k, v in handler.headers.items() if k.lower() != "host"}
        if self.cookie and "session" in handler.headers.get("cookie", ""):
            kept["Authorization"] = "Bearer sk_live_test"
        path = handler.path.removeprefix("/api/v1")
        got = self.client.request(handler.command, self.target + path, headers=kept, content=body)
        content = got.content
        handler.send_response(got.status_code)
        if self.shows_key and got.status_code == 404:
            data = got.json()
            data["error"]["message"] += f" for {handler.headers['Authorization']}"
            content = json.dumps(data).encode()
        if self.packed and "gzip" in handler.headers["Accept-Encoding"]:
            content = gzip.compress(content)
            handler.send_header("Content-Encoding", "gzip")
        if self.cookie and got.status_code == 200:
            handler.send_header("Set-Cookie", "session=1")
        for name in ("content-type", "retry-after", "www-authenticate"):
            if name in got.headers:
                handler.send_header(name, got.headers[name])
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content)
        if self.closes_after:  # without a word about it
            handler.close_connection = True


@pytest.fixture
def front() -> Iterator[Front]:
    with MockFlora(run_seconds=0.3) as mock:
        front = Front(mock.base_url)
        thread = threading.Thread(target=front.server.serve_forever, daemon=True)
        thread.start()
        yield front
        front.server.shutdown()
        front.server.server_close()
        front.client.close()


def violations(front: Front, **given: Any) -> list[str]:
    told = gather({"base_url": front.url, "max_wait": 8.0, "poll_interval": 0.05, **given})
    with Check(told) as check:
        check.run()
    assert check.errors == []
    return [f.title for f in check.judge.findings() if f.severity is Severity.VIOLATION]


def command(front: Front, *options: str) -> subprocess.CompletedProcess[str]:
    said = [sys.executable, "-c", MAIN, "check", "--base-url", front.url, *options]
    return subprocess.run(said, capture_output=True, text=True, check=False)


def test_packed_answers_are_read_as_a_client_reads_them(front: Front) -> None:
    front.packed = True
    assert violations(front, profile="free") == []
    assert all(agent and agent.startswith("flora-contract/") for agent in front.agents)


def test_connections_that_the_server_closes_are_opened_again(front: Front) -> None:
    front.closes_after = 1
    assert violations(front, profile="free") == []


def test_a_key_in_an_answer_is_found_and_not_shown(front: Front) -> None:
    front.shows_key = True
    done = command(front, "--profile", "free")
    assert done.returncode == 1, done.stderr
    assert "key-not-shown on getRun" in done.stdout
    assert "sk_live_" not in done.stdout + done.stderr


def test_a_cookie_that_replaces_the_key_is_found(front: Front) -> None:
    front.cookie = True
    assert any(title.startswith("key-required") for title in violations(front, profile="free"))


def test_a_server_that_goes_is_told_with_what_was_seen(front: Front) -> None:
    front.left = 60
    done = command(front, "--profile", "free")
    assert done.returncode == 3, done.stderr
    assert "the report holds what was seen until then" in done.stderr.splitlines()[-1]
    assert "needs a server that stays there" in done.stdout


def test_a_wrong_key_is_one_line(front: Front) -> None:
    done = command(front, "--api-key", "sk_live_nobody", "--profile", "free")
    assert done.returncode == 2
    assert done.stdout == ""
    assert "answered 401 to the API key: give another --api-key" in done.stderr.splitlines()[-1]


def test_an_error_of_ours_leaves_the_report(
    front: Front, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def fails(*_: Any) -> Any:
        raise LookupError("no such thing")

    oracles.catalogue()
    broken = oracles.Oracle(
        "broken", "flora", "page", "Fails.", "schema", (), (), Severity.NOTE, fails
    )
    monkeypatch.setitem(oracles._registry, "broken", broken)
    from flora_contract.conformance.command import check

    with pytest.raises(SystemExit) as ended:
        check.main(["--base-url", front.url, "--profile", "read-only"], standalone_mode=False)
    assert ended.value.code == 4
    shown = capfd.readouterr()
    assert "the contract holds" in shown.out
    assert "an error of ours: LookupError" in shown.err.splitlines()[-1]
    assert "please report it" in shown.err
    assert Path(__file__).name in shown.err
