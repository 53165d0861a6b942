"""The HTML report in a real browser."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flora_contract.conformance.renderings import render
from flora_contract.conformance.summary import of_check

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser


def test_the_page_in_a_browser(server: Any, browser: Browser, tmp_path: Path) -> None:
    server.switch("drop-fields:error:createGeneration.invalid@always")
    with server.check(fail_fast=True) as check:
        check.run()
    file = tmp_path / "report.html"
    summary = of_check(check)
    file.write_text(render(summary, "html"))
    page = browser.new_page(viewport={"width": 390, "height": 844})
    problems: list[str] = []
    page.on("console", lambda m: problems.append(m.text))
    page.on("pageerror", lambda e: problems.append(str(e)))
    page.on("request", lambda r: problems.append(r.url) if r.url != file.as_uri() else None)
    page.goto(file.as_uri())
    assert page.locator("h1").inner_text() == "The contract does not hold"
    assert page.locator(".finding:visible").count() == len(summary.causes) < len(summary.findings)
    # On a phone nothing but tables scrolls sideways.
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    first = page.locator(".finding").first
    first.locator("summary").first.click()
    follow = first.get_by_text(summary.causes[0].consequences[0].oracle.id)
    assert follow.first.is_visible()
    first.locator("summary").last.click()
    assert "sk_live" not in page.content()
    assert first.locator("pre").count() >= 2
    page.locator("#coverage summary").first.click()
    assert page.locator(".chip.seen:visible").count() > 5
    assert page.locator("#timeline rect").count() == len(summary.ledger.exchanges)
    page.screenshot(path=tmp_path / "report.png", full_page=True)
    assert problems == []
