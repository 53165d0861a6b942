"""The links of the pages at the root lead somewhere. What the README shows, test_walks.py does."""

from __future__ import annotations

import re

import pytest

from tests.packaging.conftest import ROOT

PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / ".github").rglob("*.md"))]
LINKS = [
    (page.relative_to(ROOT), link)
    for page in PAGES
    for link in re.findall(r"\]\(([^):]+)\)", page.read_text(encoding="utf-8"))
]


@pytest.mark.parametrize(("page", "link"), LINKS, ids=lambda value: str(value))
def test_every_link_leads_to_a_heading(page: str, link: str) -> None:
    name, _, anchor = link.partition("#")
    target = (ROOT / page).parent / name
    assert target.is_file()
    headings = re.findall(r"^#+ (.*)$", target.read_text(encoding="utf-8"), re.MULTILINE)
    anchors = {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
    assert anchor in {"", *anchors}


def test_the_readme_has_two_commands_for_a_fresh_machine() -> None:
    commands = re.findall(r"^\$ (python3 .*)$", (ROOT / "README.md").read_text(), re.MULTILINE)
    assert commands == ["python3 scripts/run.py contract", "python3 scripts/run.py tests"]
