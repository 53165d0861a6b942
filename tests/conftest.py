"""What the tests of several rooms share: random examples, and programs that are not Python's."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser

# Whoever runs the tests is to see what everybody sees: the same examples each time. Others are
# drawn with --hypothesis-profile=random, which `nox -s nightly` does; what it finds is kept in
# .hypothesis/ and tried first next time. No deadline: how long an example takes is the machine's.
settings.register_profile("fixed", derandomize=True, database=None, deadline=None)
settings.register_profile("random", deadline=None, print_blob=True)
settings.load_profile("fixed")

PROGRAMS = {
    "bash": "apt-get install bash",
    "chromium": "apt-get install chromium",
    "curl": "apt-get install curl",
    "git": "apt-get install git",
    "go": "apt-get install golang-go",
    "javac": "apt-get install default-jdk-headless",
    "jq": "apt-get install jq",
    "mypy": "pip install --group lint",
    "node": "apt-get install nodejs",
    "npm": "apt-get install npm",
    "postgres": "apt-get install postgresql",
    "pyright": "pip install --group lint",
    "ruby": "apt-get install ruby",
}
"""What tests need beside the libraries that they import, and how to get it."""

PACKAGES = [Path(__file__).with_name(name) for name in ("package.json", "package-lock.json")]

_MODULES = {"mypy", "pyright"}
_NAMES = {"chromium": ("chromium", "chromium-browser", "google-chrome")}


class Need(Protocol):
    """Where a program is. The test is skipped if it is missing; where CI demands all, it fails."""

    def __call__(self, name: str, remedy: str = "") -> str: ...


def needed(name: str, remedy: str = "") -> str:
    """See Need. With a `remedy`, what has the name is known to be missing."""
    place = None if remedy else _place(name)
    if place is not None:
        return place
    reason = f"{name} is missing: {remedy or PROGRAMS[name]}"
    if os.environ.get("FLORA_TESTS_REQUIRE") == "all":
        pytest.fail(f"{reason} (FLORA_TESTS_REQUIRE=all demands it)", pytrace=False)
    pytest.skip(reason)


def _place(name: str) -> str | None:
    if name in _MODULES:
        return name if importlib.util.find_spec(name) is not None else None
    folders = os.environ.get("PATH", os.defpath).split(os.pathsep)
    if name == "postgres":  # which Debian keeps out of the PATH of users
        versions = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
        folders += [*map(str, versions)]
    path = os.pathsep.join(folders)
    found = (shutil.which(one, path=path) for one in _NAMES.get(name, (name,)))
    return next((place for place in found if place is not None), None)


@pytest.fixture(scope="session")
def need() -> Need:
    """For fixtures that start a program; tests that do are marked @pytest.mark.needs(name, …)."""
    return needed


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "needs(name, …): programs without which it is skipped")
    config.addinivalue_line("markers", "nightly: runs with --hypothesis-profile=random only")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Of many cases that are judged alike, most wait for the night."""
    if config.getoption("--hypothesis-profile", None) != "random":
        left_out = [item for item in items if item.get_closest_marker("nightly")]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    for marker in item.iter_markers("needs"):
        for name in marker.args:
            needed(name)


@pytest.fixture(scope="session")
def npm_packages(pytestconfig: pytest.Config, need: Need) -> Path:
    """Where the packages of the lock file are, installed once for each version of it."""
    version = hashlib.sha256(PACKAGES[1].read_bytes()).hexdigest()[:12]
    folder = pytestconfig.cache.mkdir(f"npm-{version}")
    done = folder / "done"
    if not done.exists():
        for file in PACKAGES:
            shutil.copy(file, folder)
        quiet = ["--no-audit", "--no-fund", "--loglevel=error", "--ignore-scripts"]
        command = [need("npm"), "ci", *quiet]
        found = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        if found.returncode:
            said = (found.stderr.strip().splitlines() or ["nothing said"])[0]
            need("what npm installs", f"npm ci: {said}")
        done.touch()
    return folder


@pytest.fixture(scope="module")
def browser(need: Need) -> Iterator[Browser]:
    """Chromium without a window, which calls nobody of its own accord."""
    chromium = need("chromium")
    from playwright.sync_api import sync_playwright  # only the tests of pages need it

    quiet = ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
    still = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=[*still, *quiet])
        yield browser
        browser.close()
