"""Options of the suite, the server it is held against, and what it shows at the end."""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from flora_contract import shipped
from flora_contract.conformance.command import OPTIONS, read_baseline, write_all
from flora_contract.conformance.renderings import FORMATS, render
from flora_contract.conformance.renderings.text import conclusion, coverage_table
from flora_contract.conformance.run import Check
from flora_contract.conformance.settings import gather
from flora_contract.conformance.summary import of_check
from flora_contract.errors import CommandError
from flora_contract.report import terminal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flora_contract.conformance.settings import CheckSettings
    from flora_contract.conformance.summary import Summary

CHECK = pytest.StashKey[Check]()
ACCEPTED = pytest.StashKey[frozenset[str]]()

START_SECONDS = 20.0

OWN: set[str] = set()
"""Options of OPTIONS that no other plugin has."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options of `flora-contract check`, under the same names."""
    group = parser.getgroup("flora", "the server and the accounts to test with")
    for name, kind, text in OPTIONS:
        # pytest-base-url and pytest-timeout have options of these names, and were first.
        with contextlib.suppress(ValueError):
            group.addoption(name, default=None, help=text, type=kind if callable(kind) else str)
            OWN.add(name)
    group.addoption("--report-dir", type=Path, help="Write every form of the report here.")
    group.addoption("--baseline", type=Path, help="Accepted findings.")
    group.addoption(
        "--format", choices=FORMATS, default="text", help="Of what is shown at the end."
    )
    group.addoption("--fail-fast", action="store_true", help="Stop at the first violation.")
    group.addoption("--thorough", action="store_true", default=None, help="Spend on more requests.")


def _given(config: pytest.Config) -> dict[str, Any]:
    """What was given; --base-url means the same to whichever plugin has it."""
    return {
        name.removeprefix("--").replace("-", "_"): None if value == "" else value
        for name, value in (
            (name, config.getoption(name)) for name in (*OWN, "--base-url", "--thorough")
        )
    }


@pytest.fixture(scope="session")
def settings(pytestconfig: pytest.Config) -> Iterator[CheckSettings]:
    """What the run was told. Without --base-url, a mock is started on a free port."""
    given = _given(pytestconfig)
    with contextlib.ExitStack() as stack:
        if given["base_url"] is None:
            given["base_url"] = stack.enter_context(_mock())
        try:
            told = gather(given)
        except CommandError as error:
            pytest.exit(str(error), returncode=error.exit_code)
        yield told


@contextlib.contextmanager
def _mock() -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = "from flora_contract.cli import main; main()"
    process = subprocess.Popen(
        [sys.executable, "-c", command, "mock", "--port", str(port), "--run-seconds", "0.6"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}/api/v1"
    try:
        deadline = time.monotonic() + START_SECONDS
        while not _answers(url):
            if process.poll() is not None or time.monotonic() > deadline:
                pytest.exit("the mock did not start: try `flora-contract mock`", returncode=3)
            time.sleep(0.05)
        yield url
    finally:
        process.terminate()
        process.wait()


def _answers(url: str) -> bool:
    try:
        httpx.get(f"{url}/generations", trust_env=False)
    except httpx.TransportError:
        return False
    return True


def pytest_configure(config: pytest.Config) -> None:
    """Read the contract and the baseline before anything is sent."""
    if config.getoption("--fail-fast"):
        config.option.maxfail = 1
    try:
        shipped.contract("conformance")
        config.stash[ACCEPTED] = read_baseline(config.getoption("--baseline"))
    except CommandError as error:
        pytest.exit(str(error), returncode=error.exit_code)


@pytest.fixture(scope="session")
def own_mock(pytestconfig: pytest.Config) -> bool:
    """Whether the server is the mock that this run has started."""
    return _given(pytestconfig)["base_url"] is None


@pytest.fixture(scope="session")
def accepted(pytestconfig: pytest.Config) -> frozenset[str]:
    """Fingerprints of the baseline's findings."""
    return pytestconfig.stash[ACCEPTED]


@pytest.fixture(scope="session")
def check(settings: CheckSettings, pytestconfig: pytest.Config) -> Iterator[Check]:
    """The run of the suite that every test takes part in."""
    pytestconfig.stash[CHECK] = running = Check(settings)
    with running:
        yield running


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """For every operation: responses, properties and enum values seen of those documented.

    With a --format other than text: the report in that form.
    """
    running = config.stash.get(CHECK, None)
    if running is None or not running.ledger.exchanges:
        return
    summary = of_check(running, config.stash[ACCEPTED])
    _show(terminalreporter, summary, config.getoption("--format"))
    if (folder := config.getoption("--report-dir")) is not None:
        try:
            write_all(summary, folder)
        except CommandError as error:
            pytest.exit(str(error), returncode=error.exit_code)


def _show(terminalreporter: Any, summary: Summary, form: str) -> None:
    if form != "text":
        terminalreporter.write(render(summary, form))
        return
    console = terminal.plain(width=shutil.get_terminal_size().columns)
    console.print(coverage_table(summary))
    console.print(conclusion(summary))
    terminalreporter.section("the contract")
    terminalreporter.write(console.file.getvalue())  # type: ignore[attr-defined]
