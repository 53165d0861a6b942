"""The types hold where users see them: in their own code, under both checkers at their best."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def check(*command: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.needs("mypy")
def test_mypy_strict_accepts_user_code() -> None:
    check("mypy", "--strict", "--warn-unreachable", "tests/typing/api.py")


@pytest.mark.needs("pyright", "node")  # without a node it would fetch one
def test_pyright_strict_accepts_client_runtime_and_user_code() -> None:
    check("pyright", "--project", "pyproject.toml", "--pythonpath", sys.executable)
