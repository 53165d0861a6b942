"""The HTML report in a real browser."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import pytest

from flora_contract.conformance.renderings import render
from flora_contract.conformance.summary import of_check

if TYPE_CHECKING:
    from pathlib import Path

CHROMIUM = shutil.which("chromium")

ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.mark.skipif(CHROMIUM is None, reason="needs chromium")
def test_the_page_in_a_browser(server: Any, tmp_path: Path) -> None:
    api = pytest.importorskip("playwright.sync_api")
    server.switch("fields-missing")
    with server.check(fail_fast=True) as check:
        check.run()
    file = tmp_path / "report.html"
    summary = of_check(check)
    file.write_text(render(summary, "html"))
    with api.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        page = browser.new_page(viewport={"width": 390, "height": 844})
        problems: list[str] = []
        page.on("console", lambda m: problems.append(m.text))
        page.on("pageerror", lambda e: problems.append(str(e)))
        page.on("request", lambda r: problems.append(r.url) if r.url != file.as_uri() else None)
        page.goto(file.as_uri())
        assert page.locator("h1").inner_text() == "The contract does not hold"
        assert page.locator(".finding:visible").count() == len(summary.findings)
        # On a phone nothing but tables scrolls sideways.
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        first = page.locator(".finding").first
        first.locator("summary").click()
        assert "sk_live" not in page.content()
        assert first.locator("pre").count() >= 2
        page.locator("#coverage summary").first.click()
        assert page.locator(".chip.seen:visible").count() > 5
        assert page.locator("#timeline rect").count() == len(summary.ledger.exchanges)
        page.screenshot(path=tmp_path / "report.png", full_page=True)
        assert problems == []
        browser.close()
