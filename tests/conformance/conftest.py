"""Servers for these tests: made from the statements of behaviour, with one fault at a time."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from flora_contract.conformance.run import Check
from flora_contract.conformance.settings import gather

if TYPE_CHECKING:
    from collections.abc import Iterator

SERVER = Path(__file__).parents[1] / "faults" / "server.py"


@dataclass(frozen=True)
class FaultServer:
    """A running server whose fault can be switched."""

    origin: str

    @property
    def base_url(self) -> str:
        return f"{self.origin}/api/v1"

    def switch(self, fault: str) -> None:
        """Another fault or trait, by its name, on a server without history; `sound` for none."""
        httpx.put(f"{self.origin}/_fault/{fault}", timeout=20).raise_for_status()

    def came(self) -> list[dict[str, Any]]:
        """The requests that have come since the switch, in order."""
        came: list[dict[str, Any]] = httpx.get(f"{self.origin}/_came").json()
        return came

    def check(self, **given: Any) -> Check:
        """A run of the suite against it, not yet begun."""
        return Check(gather({"base_url": self.base_url, "max_wait": 3.0, "timeout": 2.0} | given))


@pytest.fixture(scope="session")
def _server() -> Iterator[FaultServer]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen([sys.executable, SERVER, str(port)])
    server = FaultServer(f"http://127.0.0.1:{port}")
    try:
        deadline = time.monotonic() + 30
        while True:
            with contextlib.suppress(httpx.TransportError):
                httpx.get(server.origin)
                break
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)
        yield server
    finally:
        process.terminate()
        process.wait()


@pytest.fixture
def server(_server: FaultServer) -> FaultServer:
    """The server, sound and empty."""
    _server.switch("sound")
    return _server


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("FLORA_API_KEY", "FLORA_BROKE_API_KEY", "FLORA_OTHER_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
