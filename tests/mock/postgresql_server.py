"""A PostgreSQL server of its own, where one is installed."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.mock.server_process import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """A server of its own, started for these tests."""
    initdb, postgres = _program("initdb"), _program("postgres")
    if initdb is None or postgres is None:
        pytest.skip("postgresql is not installed")
    # It refuses to run as root, and its user cannot enter the folders of pytest.
    runuser = _program("runuser")
    if os.geteuid() == 0 and runuser is None:
        pytest.skip("runuser is not installed")
    as_user = [runuser, "-u", "postgres", "--"] if os.geteuid() == 0 and runuser else []
    with tempfile.TemporaryDirectory() as folder:
        if as_user:
            shutil.chown(folder, "postgres")
        data, port = f"{folder}/data", free_port()
        options = ["-A", "trust", "-U", "flora", "-D", data, "-E", "UTF8", "--no-sync"]
        subprocess.run([*as_user, initdb, *options], check=True, stdout=subprocess.DEVNULL, cwd="/")
        arguments = ["-D", data, "-p", str(port), "-k", "", "-h", "127.0.0.1", "-F"]
        server = subprocess.Popen(
            [*as_user, postgres, *arguments], stderr=subprocess.DEVNULL, cwd="/"
        )
        url = f"postgresql://flora@127.0.0.1:{port}/postgres"
        _wait_for(url)
        yield url
        server.terminate()
        server.wait(20)


def _program(name: str) -> str | None:
    """Where a program is: Debian's PostgreSQL and a user's PATH each lack the other's folders."""
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    folders = [os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin", *map(str, versions)]
    return shutil.which(name, path=os.pathsep.join(folders))


def _wait_for(url: str) -> None:
    import psycopg

    for _ in range(100):
        try:
            psycopg.connect(url, connect_timeout=2).close()
        except psycopg.OperationalError:
            time.sleep(0.1)
        else:
            return
    pytest.fail("PostgreSQL does not answer")
