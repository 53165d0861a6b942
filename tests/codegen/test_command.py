"""`flora-contract generate`: any document, any folder, the walk of docs/generate.md."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator

FLORA = Path(sys.executable).with_name("flora-contract")
PAGE = (Path(__file__).parents[2] / "docs" / "generate.md").read_text(encoding="utf-8")


def run(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def generate(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return run(folder, str(FLORA), "generate", *arguments)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The files of the page."""
    for name, text in re.findall(r"<!-- (\S+) -->\n```yaml\n(.*?)```", PAGE, re.DOTALL):
        (tmp_path / name).write_text(text)
    return tmp_path


class Prints(BaseHTTPRequestHandler):
    """A server of the page's API. Its first answer to each key gets lost; pages hold two jobs."""

    keys: dict[str, str]
    looks: int

    def do_POST(self) -> None:
        key, known = self.headers["Idempotency-Key"], self.keys
        lost = key not in known
        known.setdefault(key, f"job_{len(known) + 1}")
        self.rfile.read(int(self.headers["Content-Length"]))
        if lost:
            self.close_connection = True
            return
        self.answer(202, {"id": known[key], "state": "queued"})

    def do_GET(self) -> None:
        type(self).looks += 1
        if self.path.startswith("/jobs/"):
            state = "done" if self.looks > 1 else "printing"
            self.answer(200, {"id": self.path.rpartition("/")[2], "state": state})
        elif "cursor=2" in self.path:
            self.answer(200, {"jobs": [{"id": "job_3", "state": "done"}], "next": None})
        else:
            jobs = [{"id": f"job_{n}", "state": "done"} for n in (1, 2)]
            self.answer(200, {"jobs": jobs, "next": "2"})

    def answer(self, status: int, body: Any) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def prints() -> Iterator[str]:
    Prints.keys, Prints.looks = {}, 0
    server = ThreadingHTTPServer(("127.0.0.1", 0), Prints)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_the_walk_of_the_page(folder: Path, prints: str) -> None:
    commands = re.findall(r"^    \$ flora-contract generate (.*)$", PAGE, re.MULTILINE)
    for command in commands:
        done = generate(folder, *command.split())
        assert (done.returncode, done.stderr) == (0, "")
    code, told = re.search(r"```python\n(.*?)```\n\n```text\n(.*?)```", PAGE, re.DOTALL).groups()  # type: ignore[union-attr]
    overlay = re.search(r"<!-- over-time.yaml -->\n```yaml\n(.*?)```", PAGE, re.DOTALL)
    assert overlay is not None
    assert len(overlay[1].splitlines()) <= 12
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env={**os.environ, "API_BASE_URL": prints},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.stderr) == (told, "")
    assert len(Prints.keys) == 1, "the lost create was sent again under its key"


def test_check_tells_whether_it_is_current(folder: Path) -> None:
    options = ["prints.yaml", "--output", "prints", "--name", "Prints"]
    missing = generate(folder, *options, "--check")
    assert missing.returncode == 1
    assert not (folder / "prints").exists()
    assert generate(folder, *options).returncode == 0
    assert generate(folder, *options, "--check").returncode == 0
    (folder / "prints" / "models.py").write_text("")
    stale = generate(folder, *options, "--check")
    assert stale.returncode == 1
    assert "+++ made now/models.py" in stale.stdout
    assert "prints: is not what prints.yaml gives" in stale.stderr


def test_a_vendored_runtime_needs_no_other(folder: Path) -> None:
    assert generate(folder, "prints.yaml", "--output", "prints", "--vendor-runtime").returncode == 0
    script = "import prints, sys; print([m for m in sys.modules if m.startswith('flora')])"
    done = run(folder, sys.executable, "-c", script)
    assert (done.stdout, done.stderr) == ("[]\n", "")
    assert (folder / "prints" / "_runtime" / "py.typed").exists()


@pytest.mark.needs("mypy")
def test_a_vendored_package_is_typed_strictly(folder: Path) -> None:
    generate(folder, "prints.yaml", "--output", "prints", "--vendor-runtime")
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file=", "-p", "prints"]
    done = run(folder, *command)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["prints.yaml", "--output", "no-name"], "--output no-name: is not a Python name"),
        (
            ["prints.yaml", "--output", "x", "--name", "My API"],
            "--name My API: is not a Python name",
        ),
        (["old.yaml", "--output", "x"], "old.yaml:1: is Swagger 2.0"),
        (["over-time.yaml", "--output", "x"], "over-time.yaml:1: is not OpenAPI 3"),
        (["nothing.yaml", "--output", "x"], "nothing.yaml"),
    ],
)
def test_what_cannot_be_used_is_one_line(folder: Path, arguments: list[str], told: str) -> None:
    (folder / "old.yaml").write_text("swagger: '2.0'\n")
    done = generate(folder, *arguments)
    assert done.returncode == 2
    assert told in done.stderr
    assert len(done.stderr.splitlines()) == 1


ODD = {
    "openapi": "3.0.3",
    "info": {"title": "Odd", "version": "1"},
    "paths": {
        "/calls": {
            "get": {
                "operationId": "listCalls",
                "tags": ["calls"],
                "parameters": [
                    {"name": f"Sent{sign}", "in": "query", "schema": {"type": "string"}}
                    for sign in ("", "<", ">")
                ],
                "responses": {
                    "200": {
                        "description": "Calls",
                        "content": {
                            "application/json": {"schema": {"$ref": "#/components/schemas/Call"}}
                        },
                    }
                },
            }
        }
    },
    "components": {
        "schemas": {
            "Call": {
                "type": "object",
                "title": "Thing",
                "properties": {
                    "self": {"type": "string"},
                    "order": {"type": "string", "enum": ["asc", "ASC", "string", "string[]"]},
                    "kind": {
                        "allOf": [{"$ref": "#/components/schemas/Kind"}, {"description": "Its."}]
                    },
                    "mixed": {"enum": ["a", 1]},
                    "owner": {"allOf": [{"$ref": "#/components/schemas/Owner"}, {"type": "array"}]},
                },
            },
            "Kind": {"type": "string", "enum": ["a", "b"], "default": "z"},
            "Owner": {"type": "object", "title": "Thing", "properties": {"n": {"type": "integer"}}},
        }
    },
}


@pytest.mark.needs("mypy")
def test_what_the_generator_trips_over_costs_no_operation_and_no_value(tmp_path: Path) -> None:
    (tmp_path / "odd.yaml").write_text(yaml.safe_dump(ODD, sort_keys=False))
    done = generate(tmp_path, "odd.yaml", "--output", "odd_api")
    assert done.returncode == 0, done.stderr
    assert "object at 0x" not in done.stderr
    for line in done.stderr.splitlines():
        assert re.search("mixed|owner", line), line
    script = """
import httpx, odd_api
from odd_api.models import CallOrder
seen = []
def answer(request):
    seen.append(str(request.url))
    return httpx.Response(200, json={"self": "me", "kind": "a", "mixed": 1})
http = httpx.Client(transport=httpx.MockTransport(answer))
api = odd_api.API(api_key="k", base_url="https://x.example", http_client=http)
call = api.calls.list_calls(sent="1", sent_before="2", sent_after="3")
print(call.self_value, call.kind, sorted(one.value for one in CallOrder))
print(seen[0])
"""
    called = run(tmp_path, sys.executable, "-c", script)
    assert called.stdout.splitlines() == [
        "me a ['ASC', 'asc', 'string', 'string[]']",
        "https://x.example/calls?Sent=1&Sent%3C=2&Sent%3E=3",
    ], called.stderr
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file=", "-p", "odd_api"]
    typed = run(tmp_path, *command)
    assert typed.returncode == 0, typed.stdout
