"""From a file to the facts of a page: what kind of page it is, and whether it is one at all."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from flora_contract.documents.facts.fact import SourcePage, read_facts
from flora_contract.documents.sources import guide, http_page, typescript_page
from flora_contract.documents.sources.by_hand import read_by_hand
from flora_contract.documents.sources.package import package_files
from flora_contract.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from flora_contract.documents.sources.lines import Sheet

MOST_BYTES = 5_000_000
"""No page of the reference comes near this; the largest has 14 kB."""

FACTS = Path(__file__).parents[1] / "facts"
_BY_HAND = "elsewhere.yaml"

_READERS: dict[str, Callable[[str], Sheet]] = {
    "http": http_page.read,
    "typescript": typescript_page.read,
    "guide": guide.read,
}
_HTML = re.compile(r"\s*<(!doctype html|html|head|body|div|\?xml)\b", re.IGNORECASE)


def stored_pages(folder: Path | None = None) -> list[SourcePage]:
    """The stored facts: those of the pages and of the versions of the SDK. Raises InputError."""
    folder = folder or FACTS
    found = [read_facts(path) for path in sorted(folder.glob("*.yaml")) if path.name != _BY_HAND]
    if not found:
        raise InputError(
            f"{folder}: holds no facts: the commands of documents are for a checkout of the project"
        )
    return found


def elsewhere(folder: Path | None = None) -> list[SourcePage]:
    """What other public material states of the nodes that carry its labels."""
    path = (folder or FACTS) / _BY_HAND
    return read_by_hand(path) if path.exists() else []


def source_files(path: Path) -> list[Path]:
    """A page or package; the pages of a folder of pages."""
    if not path.is_dir() or (path / "package.json").exists():
        return [path]
    found = [file for file in sorted(path.iterdir()) if file.is_file() and file.name[0] != "."]
    if not found:
        raise InputError(f"{path}: holds no pages")
    return found


def read_source(path: Path, label: str | None = None) -> SourcePage:
    """Read a page, or a version of the SDK: a folder with a package.json, or an archive of it."""
    if (path / "package.json").exists() or path.suffix in {".tgz", ".gz"}:
        return read_sdk(package_files(path), str(path), label)
    return read_page(path, label)


def read_sdk(files: Mapping[str, bytes], file: str, label: str | None = None) -> SourcePage:
    """Read a version of the SDK from the files of its package. Raises InputError."""
    from flora_contract.documents.sources import sdk  # needs a parser that checks do without

    try:
        page = sdk.read(files, file)
    except (KeyError, ValueError) as error:
        raise InputError(f"{file}: no SDK that can be read: {error}") from None
    if not page.described:
        raise InputError(f"{file}: no SDK that is known here: resources/ declares no operation")
    page.label = label or page.label
    return page


def read_page(path: Path, label: str | None = None) -> SourcePage:
    """Read a page, called by the stem of its file unless a label is given.

    Raises InputError when the file is no page that can be read whole: it is missing, empty, too
    large, not UTF-8, HTML, of no known form, or cut off.
    """
    text = _text(path)
    form = _form(text, path)
    sheet = _READERS[form](text)
    last = len(text.rstrip().split("\n"))
    for unread in sheet.unread:
        if "does not end" in unread.problem or unread.line >= last:
            raise InputError.at(
                path, unread.line, f"{unread.problem}: is the page cut off? Capture it anew"
            )
    return SourcePage(label or path.stem, form, str(path), sheet.facts, sheet.unread)


def _text(path: Path) -> str:
    try:
        size = path.stat().st_size
        if size > MOST_BYTES:
            problem = f"has {size / 1e6:.0f} MB, a page has at most {MOST_BYTES / 1e6:.0f}"
            raise InputError(f"{path}: {problem}: give the text of one page")
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InputError.at(path, line, "not UTF-8: save the page as UTF-8") from None
    if "\0" in text:
        raise InputError(f"{path}: not text: it has NUL bytes (UTF-16?): save the page as UTF-8")
    if not text.strip():
        raise InputError(f"{path}: is empty: capture the page anew")
    return text.replace("\r\n", "\n")


def _form(text: str, path: Path) -> str:
    lines = [line.rstrip() for line in text.split("\n")]
    if _HTML.match(text):
        raise InputError(f"{path}: is HTML: save the text of the page, or its Markdown")
    if any(typescript_page.OPERATION.fullmatch(line) for line in lines):
        return "typescript"
    if any(http_page.OPERATION.fullmatch(line) for line in lines) or lines[0] in http_page.CHROME:
        return "http"
    if lines[0] == guide.FRONT_MATTER:
        return "guide"
    raise InputError(
        f"{path}: no form of page is known that looks like this: expected an HTTP reference page "
        "(POST/path), a TypeScript one (**post** `/path`) or a guide (front matter)"
    )
