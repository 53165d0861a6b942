"""Sources of each kind about a made-up API, and the contract that is drafted from them."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from flora_contract.documents.checking.conflicts import read_conflicts
from flora_contract.documents.proposing.suggest import suggest
from flora_contract.documents.sources.by_hand import read_by_hand
from flora_contract.documents.sources.package import package_files
from flora_contract.documents.sources.read import read_page, read_sdk
from flora_contract.openapi import load

if TYPE_CHECKING:
    from flora_contract.documents.checking.conflicts import Conflicts
    from flora_contract.documents.facts.fact import SourcePage
    from flora_contract.openapi import Document

FOLDER = Path(__file__).parent
PAGES = {"HTTP": "http.txt", "TS": "typescript.md", "GUIDE": "guide.md"}
"""Labels of the pages, and their files."""


@cache
def sources() -> tuple[SourcePage, ...]:
    """The pages, the SDK, and what was typed by hand."""
    pages = [read_page(FOLDER / file, label) for label, file in PAGES.items()]
    package = read_sdk(package_files(FOLDER / "sdk"), "sdk")
    return (*pages, package, *read_by_hand(FOLDER / "elsewhere.yaml"))


def conflicts() -> Conflicts:
    """No point on which they differ."""
    return read_conflicts(FOLDER / "conflicts.md")


@cache
def contract() -> Document:
    """The contract that follows from them."""
    return suggest(load(FOLDER / "empty.yaml"), list(sources()), conflicts()).edited
