"""The page of the mock, in a real browser."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

    from flora_contract.mock import MockFlora
    from tests.mock.conftest import Client

ARTIFACTS = Path(os.environ.get("TEST_ARTIFACTS", "build/test-artifacts"))


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page of its own for each test: an old one would go on asking for pictures of old runs."""
    page = browser.new_page(viewport={"width": 1180, "height": 1300})
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda m: complaints.append(m.text) if m.type == "error" else None)
    yield page
    page.close()
    assert complaints == []


def becomes_true(page: Page, expression: str) -> None:
    """Wait for an expression; the page's policy lets no other script wait in it."""
    for _ in range(100):
        if page.evaluate(expression):
            return
        page.wait_for_timeout(100)
    pytest.fail(f"never true: {expression}")


def test_the_page_shows_runs_as_they_move_and_what_was_wrong(
    mock: MockFlora, client: Client, page: Page
) -> None:
    page.goto(f"{mock.origin}/_mock/")
    assert page.get_by_text("No run yet").is_visible()
    models = ["t2i-sketch", "t2v-loop", "t2a-chime", "llm-report", "t2i-unlucky", "t2i-flux-2-pro"]
    prompts = [
        "Two studies of a harbour at dawn",
        "Waves that never reach the shore",
        "A bell under water",
        "What the lighthouse keeper wrote",
        "A mirror in a dark room",
        "A ceramic mug on a sunlit table",
    ]
    kinds = {"t2i": "image", "t2v": "video", "t2a": "audio", "llm": "text"}
    for model, prompt in zip(models, prompts, strict=True):
        client.create(model=model, type=kinds[model[:3]], prompt=prompt)
    client.create(type="picture", prompt="")
    client.get("/generations?limit=500&page=2")
    page.locator("#runs .pending, #runs .running").first.wait_for()
    mock.advance(3)
    client.create(prompt="<b>Not bold</b>, and still on its way")
    mock.put_faults({"kind": "status", "status": 500, "operation": "getRun", "count": 2})
    page.get_by_text("status 500 on getRun, 2 times at most").wait_for()
    page.locator("#runs .completed").nth(4).wait_for()
    assert page.locator("#counts .failed b").inner_text() == "1"
    assert page.locator("#runs b", has_text="Not bold").count() == 0
    picture = page.locator("#runs img").first
    becomes_true(page, "[...document.images].every(i => i.complete && i.naturalWidth > 0)")
    assert picture.is_visible()
    becomes_true(page, "document.querySelector('video').readyState >= 1")
    becomes_true(page, "document.querySelector('audio').duration > 0.5")
    wrong = page.locator("#requests li", has_text="prompt: Expected at least 1 character")
    assert wrong.count() == 1
    assert page.locator("#requests", has_text="page: not in the contract").count() == 1
    ARTIFACTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=ARTIFACTS / "mock-page.png", full_page=True)


def test_the_page_is_used_by_keyboard_while_it_updates(
    mock: MockFlora, client: Client, page: Page
) -> None:
    client.create(prompt="")
    page.goto(f"{mock.origin}/_mock/")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "only"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "pause"
    page.locator("#requests summary").first.focus()
    page.keyboard.press("Enter")
    assert page.locator("#requests details[open]").count() == 1
    assert "[redacted]" in page.locator("#requests details[open]").inner_text()
    assert "sk_live_test" not in page.locator("#requests").inner_text()
    client.create(prompt="A second one")
    page.locator("#runs .run").wait_for()
    page.locator("#requests > li").nth(1).wait_for()
    assert page.locator("#requests details[open]").count() == 1
    assert page.evaluate("document.activeElement.localName") == "summary"
    page.locator("#pause").focus()
    page.keyboard.press("Space")
    assert page.locator("#pause").inner_text() == "Go on"
    client.create(prompt="A third one")
    page.wait_for_timeout(1200)
    assert page.locator("#runs .run").count() == 1
    page.keyboard.press("Space")
    page.locator("#runs .run").nth(1).wait_for()


def test_the_page_changes_the_mock_when_it_is_confirmed(
    mock: MockFlora, client: Client, page: Page
) -> None:
    mock.put_account("sk_new", credits=0.5, workspaces={"ws_n": ["prj_n"]})
    client.create()
    page.goto(f"{mock.origin}/_mock/")
    page.get_by_text("Change it").click()
    page.get_by_role("button", name="Move on").click()
    page.get_by_role("button", name="Cancel").click()
    assert page.locator("#clock", has_text="ahead").count() == 0
    page.get_by_role("button", name="Move on").click()
    assert "3600 s" in page.locator("#question").inner_text()
    page.get_by_role("button", name="Do it").click()
    page.locator("#clock", has_text="3600 s ahead").wait_for()
    page.locator("#runs .completed").wait_for()
    assert "$0.500" in page.locator("#accounts li", has_text="sk_new").inner_text()
    assert "$999,999.960" in page.locator("#accounts li", has_text="sk_live_test").inner_text()

    fault = page.locator("#fault")
    fault.locator("[name=kind]").select_option("status")
    fault.locator("[name=operation]").select_option("listGenerations")
    fault.locator("[name=status]").fill("500")
    fault.locator("[name=count]").fill("2")
    fault.get_by_role("button").click()
    page.get_by_role("button", name="Do it").click()
    page.locator("#faults", has_text="status 500 on listGenerations, 2 times at most").wait_for()
    assert client.list().status_code == 500
    page.locator("#faults", has_text="1 times so far").wait_for()
    assert client.list().status_code == 500
    becomes_true(page, "document.querySelectorAll('#faults li').length === 0")
    mock.put_faults({"kind": "delay", "seconds": 0.1}, {"kind": "null"})
    page.get_by_role("button", name="End fault delay").click()
    page.get_by_role("button", name="Do it").click()
    becomes_true(page, "document.querySelectorAll('#faults li').length === 1")

    page.get_by_role("button", name="Back to the start").click()
    page.get_by_role("button", name="Do it").click()
    page.get_by_text("No run yet").wait_for()
    assert page.locator("#accounts li", has_text="sk_new").count() == 0


def test_only_problems_are_shown(mock: MockFlora, client: Client, page: Page) -> None:
    client.list()
    client.create(prompt="")
    page.goto(f"{mock.origin}/_mock/")
    page.locator("#requests > li").nth(1).wait_for()
    page.get_by_role("button", name="Only problems").click()
    assert page.locator("#requests > li:visible").count() == 1
    client.list()
    client.get("/nothing")
    becomes_true(page, "document.querySelectorAll('#requests > li').length === 4")
    assert page.locator("#requests > li:visible").count() == 2


@pytest.mark.needs("npm")
@pytest.mark.parametrize(
    ("width", "scheme"), [(390, "light"), (390, "dark"), (1280, "light"), (1280, "dark")]
)
def test_axe_finds_nothing(
    width: int,
    scheme: Literal["light", "dark"],
    mock: MockFlora,
    client: Client,
    browser: Browser,
    npm_packages: Path,
) -> None:
    for model in ("t2i-sketch", "t2i-unlucky", "t2i-flux-2-pro"):
        client.create(model=model, prompt="Donaudampfschifffahrtsgesellschaft" * 6)
    mock.advance(60)
    client.create()
    client.create(prompt="")
    client.get("/" + "y" * 300)
    mock.put_faults({"kind": "status", "status": 500, "operation": "getRun", "count": 2})
    context = browser.new_context(
        viewport={"width": width, "height": 844}, color_scheme=scheme, bypass_csp=True
    )
    page = context.new_page()
    page.goto(f"{mock.origin}/_mock/")
    page.get_by_text("Change it").click()
    page.locator("#requests details").first.locator("summary").click()
    page.get_by_role("button", name="Pause").click()
    page.add_script_tag(path=npm_packages / "node_modules" / "axe-core" / "axe.min.js")
    found = page.evaluate("axe.run(document)")
    assert not [(fault["id"], fault["nodes"][0]["html"]) for fault in found["violations"]]
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.get_by_text("Change it").click()
    place = page.locator("#requests").bounding_box()
    assert place is not None
    assert place["y"] < 2.2 * 844, "requests are near, however many runs there are"
    ARTIFACTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=ARTIFACTS / f"mock-page-{width}-{scheme}.png", full_page=True)
    context.close()


def test_a_narrow_page_does_not_scroll_sideways(
    mock: MockFlora, client: Client, page: Page
) -> None:
    client.create(prompt="W" * 200)
    client.get("/generations?cursor=" + "x" * 300)
    page.set_viewport_size({"width": 360, "height": 800})
    page.goto(f"{mock.origin}/_mock/")
    page.locator("#runs .run").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
