"""Operations that are described and stated, and nothing else: the rest follows by itself."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.new_operations.conftest import HERE, Copy, free_port
from tests.new_operations.faulty import FAULTS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

OPERATIONS = (
    "openBoard",
    "allBoards",
    "showBoard",
    "changeBoard",
    "dropBoard",
    "beginRender",
    "renderHistory",
    "watchRender",
    "allInks",
)
KEY = {"Authorization": "Bearer sk_live_test"}


def test_the_client_has_methods_pages_and_waiting(copy: Copy) -> None:
    with copy.mock("--run-seconds", "0.2") as origin:
        copy.run(HERE / "client_program.py", f"{origin}/api/v1")


def test_the_mock_remembers_over_a_restart(copy: Copy, tmp_path: Path) -> None:
    state, port = tmp_path / "state.sqlite", free_port()
    with copy.mock("--run-seconds", "0.2", "--state", state, port=port) as origin:
        said = copy.run(HERE / "client_program.py", f"{origin}/api/v1").stdout
    board, render = said.split()
    with copy.mock("--run-seconds", "0.2", "--state", state, port=port) as origin:
        base = f"{origin}/api/v1"
        found = httpx.get(f"{base}/workspaces/ws_abc123/boards/{board}", headers=KEY)
        assert found.json()["title"] == "Changed"
        assert httpx.get(f"{base}/renders/{render}", headers=KEY).json()["phase"] == "done"
        listed = httpx.get(f"{base}/workspaces/ws_abc123/boards", headers=KEY).json()
        assert listed["count"] == len(listed["boards"]) == 4


def test_the_pages_have_their_sections(copy: Copy) -> None:
    contract = (copy.folder / "docs" / "contract.md").read_text()
    behaviour = (copy.folder / "docs" / "behaviour.md").read_text()
    assert "## POST /renders" in contract
    assert "`grade`" in contract
    for kind in ("Board", "Render", "Ink"):
        assert kind in behaviour
    for state in ("queued", "finishing", "stopped"):
        assert state in behaviour


@pytest.fixture(scope="module")
def faulty(copy: Copy) -> Iterator[str]:
    port = free_port()
    with copy.serving(HERE / "faulty.py", str(port), port=port) as origin:
        yield origin


def check(copy: Copy, origin: str, *options: str) -> tuple[int, dict[str, object]]:
    done = copy.flora_contract(
        "check", "--base-url", f"{origin}/api/v1", "--max-wait", "4", "--timeout", "3",
        "--format", "json", *options, check=False,
    )  # fmt: skip
    assert done.returncode in {0, 1}, done.stderr
    return done.returncode, json.loads(done.stdout)


def test_the_suite_covers_them_and_finds_nothing_wrong(copy: Copy, faulty: str) -> None:
    httpx.put(f"{faulty}/_fault/none").raise_for_status()
    code, report = check(copy, faulty)
    violations = [f for f in report["findings"] if f["severity"] == "violation"]  # type: ignore[attr-defined]
    assert (code, violations) == (0, [])
    shown = json.dumps(report["coverage"])
    for operation in OPERATIONS:
        assert operation in shown


@pytest.fixture(scope="module")
def findings(copy: Copy, faulty: str, request: pytest.FixtureRequest) -> dict[str, list[str]]:
    """What the suite finds first with each fault that a test is about, in one process."""
    items = [item for item in request.session.items if isinstance(item, pytest.Function)]
    given = [item.callspec.params["fault"] for item in items if item.originalname == FOUND]
    said = copy.run(HERE / "judge.py", faulty, *given).stdout
    found: dict[str, list[str]] = json.loads(said)
    return found


FOUND = "test_the_suite_finds_a_fault"

SOME = [
    pytest.param(fault, marks=[pytest.mark.nightly] if number % 3 == 2 else [])
    for number, fault in enumerate(FAULTS)
]


@pytest.mark.parametrize("fault", SOME)
def test_the_suite_finds_a_fault(fault: str, findings: dict[str, list[str]]) -> None:
    assert findings[fault], f"{fault} is not found"
