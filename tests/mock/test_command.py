"""`flora-contract mock`, and the ways it says no."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import sqlite3
import subprocess
import sys
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.mock.conftest import client_of
from tests.mock.server_process import running

if TYPE_CHECKING:
    from pathlib import Path


def run(*options: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-c", "from flora_contract.cli import main; main()", "mock", *options],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert "Traceback" not in done.stderr
    return done.returncode, done.stderr.strip()


def test_it_serves_logs_and_stops(tmp_path: Path) -> None:
    accounts = tmp_path / "accounts.yaml"
    accounts.write_text("sk_mine: {credits: 1, workspaces: {ws_mine: [prj_mine]}}\n")
    with running("--accounts", str(accounts), "--log-requests", "--run-seconds", "0") as server:
        with client_of(server.base_url, "sk_mine") as client:
            run = client.create(workspace_id="ws_mine", project_id="prj_mine").json()
            assert client.get(run["poll_url"]).json()["status"] == "completed"
        assert httpx.get(f"{server.origin}/_mock/").status_code == 200
        code, log = server.stop()
    assert code == 0
    assert f"GET /api/v1/runs/{run['run_id']} 200" in log
    assert "sk_mine" not in log


def test_self_check_holds_its_own_answers_to_the_contract() -> None:
    with running("--self-check", "--no-control") as server, client_of(server.base_url) as client:
        assert client.create().status_code == 201
        assert client.list().status_code == 200


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--rate-limit", "fast"], "--rate-limit"),
        (["--rate-limit", "0"], "--rate-limit"),
        (["--workers", "2"], "--state"),
        (["--workers", "0"], "--workers"),
        (["--run-seconds", "-1"], "--run-seconds"),
        (["--run-seconds", "nan"], "--run-seconds"),
        (["--host", "no.such.host.invalid"], "no.such.host.invalid"),
        (["--port", "99999"], "99999"),
        (["--state", ":memory:"], "--state"),
        (["--state", ""], "--state"),
        (["--state", "/nowhere/state.db"], "/nowhere/state.db"),
        (["--accounts", "/nowhere.yaml"], "/nowhere.yaml"),
    ],
)
def test_wrong_options_are_one_line(options: list[str], words: str) -> None:
    code, message = run("--port", "0", *options)
    assert code == 2
    assert words in message.splitlines()[-1]


def test_a_port_in_use_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, message = run("--port", str(port))
    assert code == 2
    assert f"127.0.0.1:{port}" in message
    assert "--port" in message


def test_a_file_that_is_no_state_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("not a database, " * 100)
    code, message = run("--port", "0", "--state", str(file))
    assert code == 2
    assert "notes.txt" in message
    assert file.read_text().startswith("not a database")


def test_a_pipe_is_no_state_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    code, message = run("--port", "0", "--state", str(pipe))
    assert code == 2
    assert "not a regular file" in message
    assert list(tmp_path.iterdir()) == [pipe]


@pytest.mark.parametrize("table", ["runs", "notes", "world"])
def test_a_database_of_something_else_is_left_alone(table: str, tmp_path: Path) -> None:
    file = tmp_path / "other.db"
    with contextlib.closing(sqlite3.connect(file)) as other:
        other.execute(f"CREATE TABLE {table} (x)")
    code, message = run("--port", "0", "--state", str(file))
    assert code == 2
    assert "other.db" in message
    with contextlib.closing(sqlite3.connect(file)) as other:
        assert other.execute("SELECT name FROM sqlite_master").fetchall() == [(table,)]


def test_the_greeting_names_a_key_that_exists(tmp_path: Path) -> None:
    accounts = tmp_path / "accounts.yaml"
    accounts.write_text("sk_mine: {credits: 1}\n")
    with running("--accounts", str(accounts)) as server:
        assert "sk_live_test" not in server.stop()[1]
    with running() as server:
        assert "key sk_live_test" in server.stop()[1]


def test_a_wrong_account_is_told_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "accounts.json"
    entries = {"sk_a": {"credits": 1}, "sk_b": {"credits": "many"}}
    file.write_text(json.dumps(entries, indent=1))
    code, message = run("--port", "0", "--accounts", str(file))
    assert code == 2
    assert "accounts.json:5: credits is a number" in message


def test_a_silent_postgresql_is_unreachable() -> None:
    code, message = run("--port", "0", "--state", "postgresql://flora@127.0.0.1:1/x")
    assert code == 3
    assert "PostgreSQL" in message
