"""The page in a real browser: it loads nothing, filters, and is walked with the keyboard."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from rule_examples import contract as example
from rule_examples import standing

if TYPE_CHECKING:
    from playwright.sync_api import Browser

FLORA = Path(sys.executable).with_name("flora-contract")


def documents(folder: Path) -> tuple[Path, Path]:
    old = {"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "integer"}}}
    new = {"type": "object", "properties": {"a": {"type": "integer"}, "<b>": {"type": "string"}}}
    trees = standing("SB", old), standing("SB", new)
    trees[1]["paths"]["/orders"]["get"]["summary"] = "<script>document.title = 'owned'</script>"
    trees[1]["paths"].update(example()["paths"] | {"/new": {"get": {"responses": {}}}})
    trees[1]["paths"]["/orders"] = standing("SB", new)["paths"]["/orders"]
    trees[1]["paths"]["/orders"]["get"]["summary"] = "<script>document.title = 'owned'</script>"
    files = folder / "base.yaml", folder / "revision.yaml"
    for file, tree in zip(files, trees, strict=True):
        tree["x-filler"] = [f"line {number}" for number in range(60)]
        file.write_text(yaml.safe_dump(tree, sort_keys=False))
    return files


@pytest.fixture(scope="module")
def page(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("page")
    base, revision = documents(folder)
    file = folder / "changes.html"
    command = [str(FLORA), "diff", str(base), str(revision), "--format", "html"]
    subprocess.run([*command, "--output", str(file)], check=False)
    found: Any = browser.new_page(viewport={"width": 1200, "height": 900})
    found.faults = []
    found.lines = [one.read_text().splitlines() for one in (base, revision)]
    found.requests = []
    found.on("pageerror", lambda error: found.faults.append(str(error)))
    found.on("console", lambda message: found.faults.append(message.text))
    found.on("request", lambda request: found.requests.append(request.url))
    found.goto(file.as_uri())
    return found


@pytest.fixture(autouse=True)
def fresh(page: Any) -> None:
    page.goto(page.url.partition("#")[0])
    page.reload()


def shown(page: Any) -> int:
    return int(page.locator(".change:visible").count())


def test_it_loads_nothing_and_runs_without_fault(page: Any) -> None:
    assert page.faults == []
    assert all(url.startswith("file:") for url in page.requests)
    assert "owned" not in page.title()
    assert page.locator("text=<script>document.title = 'owned'</script>").first.is_visible()


def test_levels_sides_and_words_filter_the_changes(page: Any) -> None:
    every = shown(page)
    assert page.locator("#count").inner_text() == f"{every} changes"
    page.locator("button[data-level=safe]").click()
    fewer = shown(page)
    assert 0 < fewer < every
    assert page.locator("#count").inner_text() == f"{fewer} of {every} changes"
    page.locator("button[data-level=safe]").click()
    page.fill("#search", "/new")
    assert shown(page) == 1
    assert page.locator(".group:visible").count() == 1
    page.fill("#search", "")
    page.select_option("#side", "request")
    assert 0 < shown(page) < every


def test_the_keyboard_walks_changes_and_lines(page: Any) -> None:
    page.keyboard.press("j")
    assert page.locator(".change.here").count() == 1
    first = page.locator(".change.here").get_attribute("id")
    page.keyboard.press("j")
    assert page.locator(".change.here").get_attribute("id") != first
    page.keyboard.press("k")
    assert page.locator(".change.here").get_attribute("id") == first
    page.keyboard.press("Enter")
    line = page.url.partition("#")[2]
    assert line.startswith(("r-", "b-"))
    assert page.locator(f"#{line}").is_visible()
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "search"
    page.keyboard.press("Escape")
    every = shown(page)
    page.keyboard.press("3")
    assert shown(page) < every


def test_lines_lead_to_changes_and_alike_lines_unfold(page: Any) -> None:
    link = page.locator("table.lines a").first
    target = link.get_attribute("href")
    link.click()
    assert page.url.endswith(target)
    assert page.locator(target).is_visible()
    folded = page.locator(".fold button").first
    hidden = page.locator("table.lines tr:visible").count()
    folded.click()
    assert page.locator("table.lines tr:visible").count() > hidden


def test_both_documents_are_side_by_side(page: Any) -> None:
    for side, lines in zip("br", page.lines, strict=True):
        for number, line in enumerate(lines, 1):
            beside = page.locator(f"td#{side}-{number} + td").first
            assert beside.text_content() == line
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_it_reads_well_in_the_dark_and_on_a_phone(page: Any) -> None:
    light = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.emulate_media(color_scheme="dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != light
    page.set_viewport_size({"width": 380, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.emulate_media(color_scheme="light")
    page.set_viewport_size({"width": 1200, "height": 900})


@pytest.mark.needs("npm")
@pytest.mark.parametrize(
    ("which", "width", "scheme"),
    [
        *itertools.product(["small"], [390, 1280], ["light", "dark"]),
        ("folded", 390, "dark"),
    ],
)
def test_axe_finds_nothing(
    page: Any, tmp_path: Path, npm_packages: Path, width: int, scheme: str, which: str
) -> None:
    context = page.context.browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme=scheme, bypass_csp=True
    )
    looked_at = context.new_page()
    looked_at.goto(page.url if which == "small" else with_changes(tmp_path, 21).as_uri())
    looked_at.add_script_tag(path=npm_packages / "node_modules" / "axe-core" / "axe.min.js")
    found = looked_at.evaluate("axe.run(document)")
    faults = [(fault["id"], fault["nodes"][0]["html"]) for fault in found["violations"]]
    assert not faults
    assert looked_at.evaluate("document.documentElement.scrollWidth <= innerWidth")
    context.close()


def with_changes(folder: Path, count: int) -> Path:
    """The page of some changes with long values, and a breaking one in twenty."""
    trees = standing("SB", {"type": "object"}), standing("SB", {"type": "object"})
    for revised, tree in enumerate(trees):
        tree["components"] = {"schemas": {}}
        for number in range(count):
            name, words = f"Thing{number}", {"x-words": "word " * 500} if revised else {}
            kind = "integer" if revised and number % 20 == 0 else "string"
            schema = {"type": "object", "properties": {"a": {"type": kind}}, **words}
            tree["components"]["schemas"][name] = schema
            used = {"schema": {"$ref": f"#/components/schemas/{name}"}}
            answer = {"description": "Done", "content": {"application/json": used}}
            get = {"operationId": f"get{number}", "responses": {"200": answer}}
            tree["paths"][f"/things/{number}"] = {"get": get}
        (folder / f"{revised}.json").write_text(json.dumps(tree))
    file = folder / "changes.html"
    command = [str(FLORA), "diff", *(str(folder / f"{n}.json") for n in (0, 1))]
    subprocess.run([*command, "--format", "html", "--output", str(file)], check=False)
    return file


def test_many_changes_are_summed_up_and_folded(page: Any, tmp_path: Path) -> None:
    large = with_changes(tmp_path, 1_200)
    assert large.stat().st_size < 2_000_000
    looked_at = page.context.browser.new_page()
    looked_at.goto(large.as_uri())
    opened = looked_at.evaluate("performance.getEntriesByType('navigation')[0].duration")
    assert opened < 3_000, "milliseconds, on a busy machine"
    assert looked_at.locator("#foremost li").count() == 10
    assert set(looked_at.locator("#foremost .badge").all_inner_texts()) == {"breaking"}
    assert looked_at.locator(".change:visible").count() == 0
    looked_at.locator("#foremost a").first.click()
    assert looked_at.locator(looked_at.evaluate("location.hash")).is_visible()
    looked_at.fill("#search", "Thing20")
    found = looked_at.locator(".change:visible")
    assert found.count() == 13, "words of Thing20 and Thing200 to 209, types of two"
    looked_at.fill("#search", "")
    looked_at.keyboard.press("Escape")
    looked_at.keyboard.press("j")
    assert looked_at.locator(".change.here").is_visible()
    looked_at.close()
