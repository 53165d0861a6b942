"""Where the two contracts come from: files, standard input, git revisions."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from flora_contract.diff.reading.git import Reader, run
from flora_contract.errors import InputError
from flora_contract.openapi import Document, load, parse
from flora_contract.openapi.tree import Tree

if TYPE_CHECKING:
    from collections.abc import Callable

DEFAULT_FILE = "openapi.yaml"


def open_contract(argument: str) -> Tree:
    """The contract that an argument names: a file, `-`, or a git revision such as `main:api.yaml`.

    A revision without a file, `HEAD~3:`, means openapi.yaml there. Raises InputError when it
    cannot be read or holds no OpenAPI document.
    """
    if argument == "-":
        reader: _Files | _Git | _Nothing = _Nothing()
        document = load("-")
    elif ":" in argument and not Path(argument).exists():
        revision, _, file = argument.partition(":")
        if revision.startswith(("http", "file")) and file.startswith("//"):
            raise InputError(f"{argument}: is a URL: fetch it first and give the file")
        reader = _Git(revision, file or DEFAULT_FILE)
        document = reader.load(reader.file)
    else:
        reader = _Files(Path(argument).parent)
        document = load(argument)
    return contract(document, reader.load)


def contract(document: Document, read: Callable[[str], Document] | None = None) -> Tree:
    """A document as a contract. Raises InputError if it is no OpenAPI 3 document."""
    tree = Tree(document, _Cache(read or _Files(Path(document.file).parent).load).beside)
    version = tree.root.mapping().get("openapi")
    if version is None:
        fault = "is not an OpenAPI document: it has no field openapi"
        if "swagger" in tree.root.value:
            fault = "is Swagger 2.0: convert it to OpenAPI 3 first"
        raise InputError.at(document.file, 1, fault)
    if not str(version).startswith("3."):
        raise tree.root.child("openapi").wrong(f"is {version}, and only OpenAPI 3 is known")
    return tree


class _Cache:
    """The files that references name, each read once. Names are relative to the first file."""

    def __init__(self, read: Callable[[str], Document]) -> None:
        self._read = read
        self._documents: dict[str, Document] = {}
        self._folders: dict[int, PurePosixPath] = {}

    def beside(self, document: Document, reference: str) -> Document:
        """The document that a reference in another one names."""
        if "://" in reference:
            raise InputError(f"{reference} is a URL, and none is fetched")
        folder = self._folders.get(id(document), PurePosixPath())
        name = str(_plain(folder / reference))
        if name not in self._documents:
            found = self._read(name)
            self._documents[name] = found
            self._folders[id(found)] = PurePosixPath(name).parent
        return self._documents[name]


def _plain(path: PurePosixPath) -> PurePosixPath:
    """A path without `.` and without `..` that can be done away with."""
    parts: list[str] = []
    for part in path.parts:
        if part == ".." and parts and parts[-1] != "..":
            parts.pop()
        elif part != ".":
            parts.append(part)
    return PurePosixPath(*parts)


@dataclass(frozen=True)
class _Files:
    folder: Path

    def load(self, name: str) -> Document:
        return load(self.folder / name)


@dataclass(frozen=True)
class _Git:
    revision: str
    file: str
    reader: Reader = field(default_factory=Reader)

    def load(self, name: str) -> Document:
        path = name if name == self.file else str(_plain(PurePosixPath(self.file).parent / name))
        spec = f"{self.revision}:{path}"
        return parse(self.reader.read(spec), spec)


@dataclass(frozen=True)
class _Nothing:
    """What lies beside standard input."""

    def load(self, name: str) -> Document:
        raise InputError(f"{name}: standard input has no files beside it: name the file it is from")


def last_tag() -> str | None:
    """The last tag before the commit that is checked out; None if there is none."""
    try:
        return run("describe", "--tags", "--abbrev=0", problem="the last tag").strip()
    except InputError:
        return None
