"""A copy of the project whose contract has operations that no line of Python knows."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
COPIED = ("src", "generated", "overlays", "contract_tests", "docs", "scripts", "tests/diff/library")


@dataclass(frozen=True)
class Copy:
    """The folder, and how its programs are run: they import what lies in the copy."""

    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        path = os.pathsep.join([str(self.folder / "src"), str(self.folder / "generated")])
        kept = {name: value for name, value in os.environ.items() if "FLORA" not in name}
        return {**kept, "PYTHONPATH": path}

    def run(self, *command: str | Path, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run Python with arguments in the copy."""
        done = subprocess.run(
            [sys.executable, *map(str, command)],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if check:
            assert done.returncode == 0, done.stdout + done.stderr
        return done

    def flora_contract(self, *arguments: str | Path, check: bool = True) -> Any:
        """Run the command `flora-contract` of the copy."""
        return self.run("-m", "flora_contract", *arguments, check=check)

    @contextlib.contextmanager
    def serving(self, *command: str | Path, port: int) -> Iterator[str]:
        """A server of the copy, ready; gives its origin."""
        process = subprocess.Popen(
            [sys.executable, *map(str, command)], cwd=self.folder, env=self.environment
        )
        origin = f"http://127.0.0.1:{port}"
        try:
            deadline = time.monotonic() + 30
            while True:
                with contextlib.suppress(httpx.TransportError):
                    httpx.get(origin)
                    break
                assert process.poll() is None, "the server has ended"
                assert time.monotonic() < deadline, "the server does not answer"
                time.sleep(0.05)
            yield origin
        finally:
            process.terminate()
            process.wait()

    def mock(self, *options: str | Path, port: int | None = None) -> Any:
        """`flora-contract mock` of the copy; gives its origin."""
        port = port or free_port()
        command = ("-m", "flora_contract", "mock", "--port", str(port), *options)
        return self.serving(*command, port=port)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Copy:
    """The contract with the operations, their statements and seeds; and all that is made of it."""
    folder = tmp_path_factory.mktemp("copy")
    for name in COPIED:
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("README.md", "pyproject.toml", "openapi.yaml"):
        shutil.copy(ROOT / name, folder / name)
    made = Copy(folder)
    made.flora_contract(
        "overlay", ROOT / "openapi.yaml", HERE / "operations.yaml", "-o", "openapi.yaml"
    )
    for name in ("behaviour", "mock"):
        overlay = folder / "overlays" / f"{name}.yaml"
        _, _, actions = (HERE / f"{name}.yaml").read_text().partition("actions:\n")
        overlay.write_text(overlay.read_text().rstrip("\n") + "\n\n" + actions)
    made.run("scripts/make.py")
    return made
