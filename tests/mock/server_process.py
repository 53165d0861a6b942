"""The mock as a process of its own, to be killed."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import httpx

if TYPE_CHECKING:
    from collections.abc import Iterator


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


class ServerProcess:
    """`flora-contract mock`, in a process group of its own."""

    def __init__(self, *options: str, port: int | None = None) -> None:
        self.port = port or free_port()
        self.origin = f"http://127.0.0.1:{self.port}"
        self.base_url = f"{self.origin}/api/v1"
        self._options = options
        self.start()

    def start(self) -> None:
        command = [sys.executable, "-c", "from flora_contract.cli import main; main()", "mock"]
        self._process = subprocess.Popen(
            [*command, "--port", str(self.port), *self._options],
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            with contextlib.suppress(httpx.HTTPError):
                httpx.get(f"{self.base_url}/generations", timeout=5)
                return
            time.sleep(0.05)
        raise TimeoutError("the mock does not answer")

    @property
    def pid(self) -> int:
        return self._process.pid

    def kill(self) -> None:
        """kill -9, all of it at once."""
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.communicate()

    def stop(self) -> tuple[int, str]:
        """SIGTERM; gives the exit code and what was logged."""
        self._process.send_signal(signal.SIGTERM)
        _, log = self._process.communicate(timeout=20)
        return self._process.returncode, log.decode()


@contextlib.contextmanager
def running(*options: str) -> Iterator[ServerProcess]:
    server = ServerProcess(*options)
    try:
        yield server
    finally:
        with contextlib.suppress(ProcessLookupError):
            server.kill()
