"""Every snippet of the client's documentation runs against the mock, and prints what it shows."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from flora_contract.mock import MockFlora

PAGE = Path(__file__).parents[2] / "docs" / "client.md"
SNIPPET = re.compile(
    r"(?:<!-- faults: (?P<faults>.*) -->\n)?"
    r"```python\n(?P<code>.*?)```\n"
    r"(?:\n```text\n(?P<shown>.*?)```\n)?",
    re.DOTALL,
)


@pytest.fixture
def mock(flora_mock: MockFlora, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> MockFlora:
    """The mock as a reader has it; all clocks go on whenever the client sleeps."""

    slept = 0.0
    monotonic, wall = time.monotonic, time.time
    monkeypatch.setattr("time.monotonic", lambda: monotonic() + slept)
    monkeypatch.setattr("time.time", lambda: wall() + slept)

    async def sleep(_: object, seconds: float) -> None:
        nonlocal slept
        slept += seconds

    monkeypatch.setattr("flora_runtime.http.AsyncIO.sleep", sleep)
    monkeypatch.setattr("flora_runtime.http.BlockingIO.sleep", sleep)
    monkeypatch.setenv("FLORA_API_KEY", "sk_live_test")
    monkeypatch.setenv("FLORA_BASE_URL", flora_mock.base_url)
    monkeypatch.chdir(tmp_path)
    return flora_mock


def test_every_snippet_runs_and_prints_what_the_page_shows(mock, capsys):
    """In order and in one namespace, as a reader types them."""
    page = PAGE.read_text("utf-8")
    snippets = list(SNIPPET.finditer(page))
    assert len(snippets) == page.count("```python") > 10
    assert page.count("```text") == sum(snippet["shown"] is not None for snippet in snippets)
    namespace: dict[str, Any] = {}
    for snippet in snippets:
        if snippet["faults"]:
            kind, operation, count = snippet["faults"].split()
            mock.put_faults({"kind": kind, "operation": operation, "count": int(count)})
        line = page.count("\n", 0, snippet.start("code"))
        code = compile("\n" * line + snippet["code"], str(PAGE), "exec")
        exec(code, namespace)
        assert capsys.readouterr().out == (snippet["shown"] or ""), f"line {line}"
        mock.put_faults()
    namespace["flora"].close()
    tests = [name for name in namespace if name.startswith("test_")]
    assert len(tests) == 2
    for name in tests:
        mock.reset()
        mock.put_faults()
        namespace[name](mock)
    assert all(not exchange["problems"] for exchange in mock.requests())


@pytest.mark.needs("mypy", "pyright", "node")
def test_every_snippet_is_typed_as_strictly_as_can_be(tmp_path: Path) -> None:
    """All of them in one file, as both checkers at their strictest read it."""
    file = tmp_path / "page.py"
    snippets = [snippet["code"] for snippet in SNIPPET.finditer(PAGE.read_text("utf-8"))]
    file.write_text("\n\n".join(snippets))
    (tmp_path / "pyrightconfig.json").write_text('{"typeCheckingMode": "strict"}')
    strictest = ["mypy", "--strict", "--warn-unreachable", "--config-file="]
    for command in (strictest, ["pyright", "--pythonpath", sys.executable]):
        done = subprocess.run(
            [sys.executable, "-m", *command, str(file)],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout
