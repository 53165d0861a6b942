"""The site: it builds without warnings, fits on a phone, and loads nothing from elsewhere."""

from __future__ import annotations

import functools
import http.server
import re
import shutil
import sys
import threading
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.packaging.conftest import ROOT, run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser

MADE_OF = ("docs", "generated", "src/flora_runtime", "zensical.toml")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the site, built strictly from a copy."""
    folder = tmp_path_factory.mktemp("site")
    for name in MADE_OF:
        (folder / name).parent.mkdir(exist_ok=True)
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, folder / name)
    zensical = Path(sys.executable).with_name("zensical")
    run(zensical, "build", "--strict", cwd=folder)
    return folder / "build" / "site"


@pytest.fixture(scope="module")
def address(site: Path) -> Iterator[str]:
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    handler = functools.partial(Quiet, directory=str(site))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


def test_every_page_is_in_the_navigation() -> None:
    named = re.findall(r'"([^"]+\.md)"', (ROOT / "zensical.toml").read_text(encoding="utf-8"))
    assert len(named) == len(set(named))
    there = {str(page.relative_to(ROOT / "docs")) for page in (ROOT / "docs").rglob("*.md")}
    assert set(named) == there


def test_the_address_is_that_of_the_package(site: Path) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    home = tomllib.loads((ROOT / "zensical.toml").read_text(encoding="utf-8"))["project"]
    assert home["site_url"] == project["urls"]["Documentation"]
    assert "flora_client.Flora" in (site / "objects.inv").with_name("search.json").read_text()


@pytest.mark.needs("chromium")
def test_pages_fit_and_load_nothing_from_elsewhere(
    site: Path, address: str, browser: Browser
) -> None:
    page = browser.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    for file in site.rglob("index.html"):
        name = str(file.relative_to(site))
        page.goto(address + name, wait_until="domcontentloaded")
        assert page.locator("h1").count() == 1, name
        for width in (1280, 390):
            page.set_viewport_size({"width": width, "height": 800})
            assert page.evaluate("document.documentElement.scrollWidth") <= width, name
    page.close()
    elsewhere = {url for url in asked if not url.startswith((address, "data:", "blob:"))}
    assert elsewhere == set()
