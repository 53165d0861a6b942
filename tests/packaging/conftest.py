"""What strangers have: the built distributions, an index that serves them, empty environments."""

from __future__ import annotations

import functools
import http.server
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).parents[2]
UV = [sys.executable, "-m", "uv"]


def tried(
    *command: str | Path, cwd: Path | None = None, **environment: str
) -> subprocess.CompletedProcess[str]:
    """A command as a stranger runs it, with nothing of this checkout in its environment."""
    clean = {
        k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "FLORA", "VIRTUAL"))
    }
    return subprocess.run(
        [str(part) for part in command],
        capture_output=True,
        text=True,
        check=False,
        cwd=cwd,
        env={**clean, **environment},
    )


def run(*command: str | Path, cwd: Path | None = None, **environment: str) -> str:
    """What a command prints; the test fails with what it said when it fails."""
    done = tried(*command, cwd=cwd, **environment)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="session")
def distributions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel and the source distribution of this checkout."""
    folder = tmp_path_factory.mktemp("index") / "flora-client"
    run(*UV, "build", "--quiet", "--out-dir", folder, ROOT)
    (folder / ".gitignore").unlink()
    return folder


@pytest.fixture(scope="session")
def wheel(distributions: Path) -> Path:
    """The wheel of this checkout."""
    (built,) = distributions.glob("*.whl")
    return built


@pytest.fixture(scope="session")
def index(distributions: Path) -> Iterator[str]:
    """The URL of a package index that has this project only."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    handler = functools.partial(Quiet, directory=str(distributions.parent))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="session")
def installed(index: str, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The `bin` of an environment that holds the project with an extra, and nothing else."""

    @functools.cache
    def environment(extra: str = "") -> Path:
        folder = tmp_path_factory.mktemp("environment") / "venv"
        run(*UV, "venv", "--quiet", "--python", sys.executable, folder)
        python = folder / "bin" / "python"
        wanted = f"flora-client[{extra}]" if extra else "flora-client"
        run(*UV, "pip", "install", "--quiet", "--python", python, "--index", index, wanted)
        return python.parent

    return environment
