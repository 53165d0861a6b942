"""The fixture that the wheel brings to other people's tests."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

THEIR_TESTS = """
import urllib.request, urllib.error, json

BODY = {"type": "text", "prompt": "Hello", "workspace_id": "ws_abc123", "project_id": "prj_abc123"}

def call(mock, path, body=None):
    headers = {"authorization": "Bearer sk_live_test", "content-type": "application/json"}
    data = json.dumps(body).encode() if body else None
    request = urllib.request.Request(mock.base_url + path, data, headers)
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)

def test_run(flora_mock):
    run_id = call(flora_mock, "/generate", BODY)["run_id"]
    flora_mock.advance(3)
    assert call(flora_mock, f"/runs/{run_id}")["status"] == "completed"

def test_each_test_starts_without_runs(flora_mock):
    assert call(flora_mock, "/generations")["generations"] == []
    assert len(flora_mock.requests()) == 1
"""

LIGHT = """
import sys
def test_nothing_heavy_is_loaded():
    ours = {name for name in sys.modules if name.startswith("flora_contract")}
    light = {"", ".commands", ".mock", ".mock.plugin"}
    assert ours == {f"flora_contract{name}" for name in light}
    assert not {"uvloop", "httptools"} & set(sys.modules)
"""


def run_pytest(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            "-W",
            "error",
            str(folder),
        ],
        cwd=folder,
        env={**os.environ, "PYTEST_ADDOPTS": ""},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_other_peoples_tests_get_a_mock(tmp_path: Path) -> None:
    (tmp_path / "test_theirs.py").write_text(THEIR_TESTS)
    done = run_pytest(tmp_path)
    assert "2 passed" in done.stdout, done.stdout + done.stderr


def test_runs_without_it_do_not_pay(tmp_path: Path) -> None:
    (tmp_path / "test_light.py").write_text(LIGHT)
    done = run_pytest(tmp_path)
    assert "1 passed" in done.stdout, done.stdout + done.stderr
