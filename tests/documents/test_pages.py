"""Stored facts are those of the pages, every line of a page is read, bad pages are named."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from flora_contract import shipped
from flora_contract.documents.checking.check import check
from flora_contract.documents.checking.conflicts import read_conflicts
from flora_contract.documents.facts.fact import Place, dump
from flora_contract.documents.sources.read import FACTS, elsewhere, read_page, stored_pages
from flora_contract.errors import InputError
from flora_contract.openapi import load
from tests.documents import bikes

if TYPE_CHECKING:
    from pathlib import Path

    from flora_contract.documents.facts.fact import SourcePage

DOCUMENTS = shipped.ROOT.parent / "shared" / "documents"
PAGES = sorted(DOCUMENTS.glob("0*.txt"))
LABELS = ["S000", "S001", "S002", "S003", "S004", "TS010", "TS011", "TS03", "TS07"]

MADE_UP = [bikes.FOLDER / name for name in bikes.PAGES.values()]

needs_pages = pytest.mark.skipif(not PAGES, reason=f"the pages are not at {DOCUMENTS}")

# One page small enough to read here, with a field of each kind.
PAGE = """\
Skip to content
FLORA DocsGo to app

Generations

Get a run
GET/runs/{runId}
ModelsExpand Collapse
GenerationRetrieveResponse object { created_at, outputs, status, 1 more }
created_at: number

Cost charged in USD

minimum0
outputs: array of object { type, url }
type: "imageUrl" or "text"
One of the following:
"imageUrl"
"text"
url: string
minLength1
status: "pending" or "running" or "completed" or 1 more
One of the following:
"pending"
"running"
"completed"
"failed"
poll_url: optional string
formaturi
"""


def write(folder: Path, text: str, name: str = "002_page.txt") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def read(path: Path) -> SourcePage | None:
    """The page; None where it is refused."""
    try:
        return read_page(path, f"S{path.name[:3]}")
    except InputError:
        return None


@needs_pages
@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name[:3])
def test_the_stored_facts_are_those_of_the_page(path: Path) -> None:
    page = read_page(path, f"S{path.name[:3]}")
    assert page.unread == []
    assert (FACTS / f"{page.label}.yaml").read_text(encoding="utf-8") == dump(page)


def test_each_stored_page_reads_back_as_it_was_written() -> None:
    assert [page.label for page in stored_pages()] == LABELS
    for page in stored_pages():
        assert (FACTS / f"{page.label}.yaml").read_text(encoding="utf-8") == dump(page)


def test_a_page_becomes_facts(tmp_path: Path) -> None:
    page = read_page(write(tmp_path, PAGE))
    place = Place("GET /runs/{runId}", "answer")
    said = {f"{f.place} {f.aspect}={f.value}": f.line for f in page.facts if f.aspect != "wording"}
    assert page.label == "002_page"
    assert page.unread == []
    assert said[f"{place} outputs[].url minLength=1"] == 21
    assert said[f"{place} outputs[] type=object"] == 15
    assert said[f"{place} poll_url required=False"] == 28
    assert said[f"{place} poll_url format=uri"] == 29
    assert [f.value for f in page.at(place.child("status"), "value")] == [
        "pending",
        "running",
        "completed",
        "failed",
    ]
    assert f"{place} created_at nullable=False" not in said, "an HTTP page is silent on null"


@pytest.mark.parametrize(
    ("old", "new", "line", "problem"),
    [
        ("minimum0", "minimun0", 14, "no rule reads 'minimun0'"),
        ("url: string", "url: binary", 20, "no rule reads 'url: binary'"),
        ('"failed"\n', "", 22, "the heading counts 4 values, 3 follow"),
        ("url: string\n", "href: string\n", 20, "the heading on line 15 names url here"),
        ("poll_url: optional string\nformaturi\n", "", 9, "the heading counts 4 fields, 3 follow"),
    ],
)
def test_a_line_that_no_rule_understands_is_reported(
    tmp_path: Path, old: str, new: str, line: int, problem: str
) -> None:
    page = read_page(write(tmp_path, PAGE.replace(old, new)))
    assert any(u.line == line and problem in u.problem for u in page.unread), page.unread


@pytest.mark.parametrize("path", [*PAGES, *MADE_UP], ids=lambda path: path.name[:4])
def test_a_foreign_line_anywhere_is_reported(path: Path, tmp_path: Path) -> None:
    lines = path.read_text(encoding="utf-8").split("\n")
    for number in range(0, len(lines), 5):
        text = "\n".join([*lines[:number], "~ foreign ~", *lines[number:]])
        page = read(write(tmp_path, text, path.name))
        assert page is None or page.unread, f"nothing was said of line {number + 1}"


@needs_pages
@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name[:3])
def test_no_cut_page_passes_for_a_whole_one(path: Path, tmp_path: Path) -> None:
    """Unless only repetitions are cut off: the facts are all there then."""
    whole = dump(read_page(path, f"S{path.name[:3]}"))
    lines = path.read_text(encoding="utf-8").split("\n")
    document, others = load(shipped.CONTRACT), elsewhere()
    accepted = read_conflicts(shipped.REGISTERS / "conflicts.md")
    for number in range(1, len(lines), 31):
        page = read(write(tmp_path, "\n".join(lines[:number]), path.name))
        if page is None or page.unread or dump(page) == whole:
            continue
        pages = [p for p in stored_pages() if p.label != page.label]
        lost = {f.key for f in read_page(path).facts if f.aspect not in {"wording", "shows"}}
        if lost - {f.key for f in page.facts}:
            assert check(document, [*pages, page, *others], accepted).faults, number


BAD = {
    "empty": (b"", "is empty"),
    "blank": (b" \n\n", "is empty"),
    "html": (b"<!doctype html>\n<html><body>Generations</body></html>", "is HTML"),
    "large": (b"a: string\n" * 5_300_000, "has 53 MB"),
    "latin-1": ("# Générations\n".encode("latin-1"), "1: not UTF-8"),
    "utf-16": ("# Generations\n".encode("utf-16-le"), "NUL bytes"),
    "other": (b"# Notes\n\nNothing of the kind.\n", "no form of page is known"),
    "cut line": (PAGE.split("tional string")[0].encode(), "28: no rule reads 'poll_url: op'"),
    "cut sample": (PAGE.encode() + b'{\n  "error": {\n', "it does not end: is the page cut off?"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_page_is_one_clear_error(tmp_path: Path, name: str) -> None:
    data, problem = BAD[name]
    path = tmp_path / "002_page.txt"
    path.write_bytes(data)
    with pytest.raises(InputError) as caught:
        read_page(path)
    assert problem in str(caught.value)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_page_and_a_folder_are_errors(tmp_path: Path) -> None:
    for path in (tmp_path / "none.txt", tmp_path):
        with pytest.raises(InputError, match="cannot be read"):
            read_page(path)
