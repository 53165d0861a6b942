"""What is made is current, and `make --check` says which file is not."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def make(checkout: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "scripts/make.py", *options],
        cwd=checkout,
        env={**os.environ, "PYTHONPATH": str(checkout / "src")},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of what making needs."""
    for name in ("src", "scripts", "overlays", "generated", "docs", "tests/diff/library"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "openapi.yaml", tmp_path)
    return tmp_path


def test_all_that_is_made_is_current() -> None:
    done = make(ROOT, "--check")
    assert (done.returncode, done.stdout) == (0, ""), done.stderr


def test_each_file_that_differs_is_named_in_a_line(checkout: Path) -> None:
    assert make(checkout).returncode == 0
    (checkout / "docs" / "contract.md").write_text("mine")
    (checkout / "docs" / "oracles.md").unlink()
    (checkout / "generated" / "flora_client" / "extra.py").write_text("x = 1")
    overlay = checkout / "overlays" / "behaviour.yaml"
    overlay.write_text(overlay.read_text().replace("window: 7200", "window: 60"))
    page = checkout / "docs" / "diff-rules.md"
    page.write_text(page.read_text().replace("| breaking |", "| safe |", 1))
    done = make(checkout, "--check")
    files = [line.partition(":")[0] for line in done.stdout.splitlines()]
    made = ["docs/behaviour.md", "docs/contract.md", "docs/diff-rules.md", "docs/oracles.md"]
    assert (done.returncode, files[:4]) == (1, made)
    assert "generated/flora_client/extra.py" in files[4:]
    assert (make(checkout).returncode, make(checkout, "--check").returncode) == (0, 0)


def test_a_statement_that_cannot_hold_ends_with_its_line(checkout: Path) -> None:
    overlay = checkout / "overlays" / "behaviour.yaml"
    overlay.write_text(overlay.read_text().replace("read: getRun", "read: getWalk"))
    done = make(checkout, "--check")
    assert done.returncode == 2
    assert "the contract has no operation getWalk; it has getRun" in done.stderr
    assert done.stderr.count("\n") == 1
