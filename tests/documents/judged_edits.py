"""How an edit of a source is told, and what becomes of the contract by the patch for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flora_contract.documents.checking.check import check
from flora_contract.documents.proposing.differences import differences
from flora_contract.documents.proposing.suggest import replaced, suggest
from flora_contract.documents.sources.package import package_files
from flora_contract.documents.sources.read import read_page, read_sdk
from tests.documents import bikes
from tests.documents.source_edits import SourceEdit, edits

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator
    from pathlib import Path

    from flora_contract.documents.facts.fact import SourcePage


@dataclass(frozen=True)
class Judged:
    """Whether an edit was told as what it is, has a patch, and the check is green after it."""

    told: bool
    patched: bool
    green: bool
    why: str


def drawn(random: random.Random) -> Iterator[SourceEdit]:
    """Random edits of the sources of the made-up API."""
    by_label = {page.label: page for page in bikes.sources()}
    pages = [
        (by_label[label], {"": (bikes.FOLDER / file).read_text(encoding="utf-8")})
        for label, file in bikes.PAGES.items()
    ]
    package = package_files(bikes.FOLDER / "sdk")
    files = {name: data.decode() for name, data in package.items()}
    sdk = next(page for page in bikes.sources() if page.form == "sdk")
    return edits([*pages, (sdk, files)], random)


def judge(edit: SourceEdit, folder: Path) -> Judged:
    """Read an edited source, and see what is told and proposed."""
    page = read(edit, folder)
    if page.unread:
        return Judged(False, False, False, f"unread: {page.unread[0]}")
    found = differences(edit.page, page)
    facts = [c for c in found if c.kind != "reworded"]
    expected = found if edit.told == "reworded" else facts
    told = len(expected) == 1 and (expected[0].kind, expected[0].place) == (edit.told, edit.place)
    why = "; ".join(f"{c.kind} {c}" for c in found)
    pages = replaced(list(bikes.sources()), [page])
    made = suggest(bikes.contract(), pages, bikes.conflicts())
    if not made.edits:
        return Judged(told, False, False, why)
    faults = check(made.edited, pages, bikes.conflicts()).faults
    why += "; left: " + "; ".join(fault.what for fault in faults) if faults else ""
    return Judged(told, True, not faults, why)


def read(edit: SourceEdit, folder: Path) -> SourcePage:
    """The source after an edit."""
    if edit.page.form == "sdk":
        return read_sdk({name: text.encode() for name, text in edit.files.items()}, "sdk")
    path = folder / "page.txt"
    path.write_text(edit.files[""], encoding="utf-8")
    return read_page(path, edit.page.label)
