"""A PostgreSQL server of its own, where one is installed."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import asyncpg
import pytest

from tests.mock.server_process import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import Need


@pytest.fixture(scope="session")
def postgresql(need: Need) -> Iterator[str]:
    """A server of its own, started for these tests."""
    with serving(need("postgres"), "-F") as url:
        yield url


@contextlib.contextmanager
def serving(postgres: str, *options: str) -> Iterator[str]:
    """A server that is gone afterwards, with everything in it; gives its URL."""
    initdb = str(Path(postgres).with_name("initdb"))
    # It refuses to run as root, and its user cannot enter the folders of pytest.
    as_user: dict[str, Any] = {"user": "postgres", "cwd": "/"} if os.geteuid() == 0 else {}
    with tempfile.TemporaryDirectory() as folder:
        if as_user:
            shutil.chown(folder, "postgres")
        data, port = f"{folder}/data", free_port()
        made = [initdb, "-A", "trust", "-U", "flora", "-D", data, "-E", "UTF8", "--no-sync"]
        subprocess.run(made, check=True, stdout=subprocess.DEVNULL, **as_user)
        command = [postgres, "-D", data, "-p", str(port), "-k", "", "-h", "127.0.0.1", *options]
        server = subprocess.Popen(command, stderr=subprocess.DEVNULL, **as_user)
        url = f"postgresql://flora@127.0.0.1:{port}/postgres"
        try:
            _wait_for(url)
            yield url
        finally:
            server.send_signal(signal.SIGINT)  # whoever is connected is not waited for
            server.wait(20)


def _wait_for(url: str) -> None:
    for _ in range(100):
        try:
            execute(url, "SELECT 1")
        except (OSError, asyncpg.PostgresError):
            time.sleep(0.1)
        else:
            return
    raise TimeoutError("PostgreSQL does not answer")


def execute(url: str, *statements: str) -> list[Any]:
    """The rows of the last statement."""

    async def all_of_them() -> list[Any]:
        connection = await asyncpg.connect(url, timeout=2)
        try:
            return [await connection.fetch(statement) for statement in statements][-1]
        finally:
            await connection.close()

    return asyncio.run(all_of_them())


@contextlib.contextmanager
def frozen(url: str) -> Iterator[None]:
    """The server neither answers nor refuses, as behind a network that has come apart."""
    folder = Path(execute(url, "SHOW data_directory")[0][0])
    main = int((folder / "postmaster.pid").read_text().split()[0])
    children = Path(f"/proc/{main}/task/{main}/children").read_text().split()
    processes = [main, *map(int, children)]
    for process in processes:
        os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        for process in processes:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGCONT)
