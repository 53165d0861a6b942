"""An OpenAPI document in memory: plain data, and the file and line each node came from."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from flora_contract.errors import InputError
from flora_contract.openapi.reading import Location, SourceNode, read

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Pointer = tuple[str | int, ...]
"""Path from the root of a document to a node: keys and indices."""

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")

MAX_BYTES = 64 * 1024 * 1024
"""Largest file that is read; the largest public OpenAPI descriptions stay below 10 MB."""


@dataclass(frozen=True)
class Operation:
    """One operation, its references resolved as far as parameters, body and responses."""

    operation_id: str
    method: str  # upper case
    path: str
    node: dict[str, Any]
    pointer: Pointer
    parameters: list[dict[str, Any]]
    request_body: dict[str, Any] | None
    responses: dict[str, dict[str, Any]]


class Document:
    """A YAML or JSON document.

    `tree` is plain data with string keys, read by the YAML 1.2 core schema (`no`, `on` and dates
    stay strings). An alias is a copy of what it names. `text` is what was read, `is_json` says in
    which of the two languages.
    """

    def __init__(
        self,
        tree: Any,
        file: str,
        place: Callable[[], SourceNode] | None = None,
        *,
        text: str = "",
        is_json: bool = False,
    ) -> None:
        self.tree = tree
        self.file = file
        self.text = text
        self.is_json = is_json
        self._place = place
        self._others: dict[str, Document] = {}

    @cached_property
    def place(self) -> SourceNode:
        """Where the root and, by its children, every node stands."""
        return self._place() if self._place is not None else SourceNode(Location(self.file, 1, 1))

    def locate(self, pointer: Pointer) -> Location:
        """Where a node stands; its nearest ancestor if it is in no file."""
        place = self.place
        for part in pointer:
            child = place.child(part)
            if child is None:
                break
            place = child
        return place.location

    def at(self, pointer: Pointer) -> Any:
        """The node that a pointer names. Raises LookupError if there is none."""
        node = self.tree
        for part in pointer:
            if isinstance(node, dict):
                node = node[str(part)]
            elif isinstance(node, list) and str(part).isdecimal():
                node = node[int(part)]
            else:
                raise LookupError(part)
        return node

    def resolve(self, node: Any) -> Any:
        """Follow `$ref` until a node that is none. Raises InputError if it leads nowhere."""
        document, seen = self, set[tuple[int, str]]()
        while isinstance(node, dict) and isinstance(node.get("$ref"), str):
            reference = node["$ref"]
            if (id(document), reference) in seen:
                raise InputError(f"{document.file}: $ref {reference} leads to itself")
            seen.add((id(document), reference))
            document, pointer = document.find(reference)
            node = document.at(pointer)
        return node

    def target(self, pointer: Pointer) -> tuple[Document, Pointer]:
        """Where a node stands once its `$ref`, if it is one, has been followed to the end."""
        document, seen = self, set[tuple[int, Pointer]]()
        node = document.at(pointer)
        while isinstance(node, dict) and isinstance(node.get("$ref"), str):
            if (id(document), pointer) in seen:
                where = document.locate(pointer)
                raise InputError(f"{where}: $ref {node['$ref']} leads to itself")
            seen.add((id(document), pointer))
            document, pointer = document.find(node["$ref"])
            node = document.at(pointer)
        return document, pointer

    def follow(self, reference: str) -> Any:
        """The node that a reference names, such as `#/components/schemas/Run`."""
        document, pointer = self.find(reference)
        return document.at(pointer)

    def find(self, reference: str) -> tuple[Document, Pointer]:
        """The document and place that a reference names.

        `other.yaml#/x` is looked up relative to this document's file; nothing is fetched from a
        host. Raises InputError, with the line of the reference, if it names nothing.
        """
        address, _, fragment = reference.partition("#")
        try:
            document = self._other(address) if address else self
            pointer: Pointer = tuple(pointer_of("#" + fragment))
            document.at(pointer)
        except (LookupError, ValueError):
            raise self._bad_reference(reference, "names nothing; correct it") from None
        return document, pointer

    def _other(self, address: str) -> Document:
        if address not in self._others:
            parts = urlsplit(address)
            if parts.scheme or parts.netloc:
                raise self._bad_reference(address, "is on another host, which is not asked")
            path = Path(self.file).parent / unquote(parts.path)
            if path.resolve() == Path(self.file).resolve():
                return self
            try:
                text = _decode(_read(path), str(path))
            except InputError as error:
                raise self._bad_reference(address, f"cannot be followed: {error}") from None
            other = parse(text, str(path))
            other._others = self._others | {Path(self.file).name: self}  # noqa: SLF001
            self._others[address] = other
        return self._others[address]

    def _bad_reference(self, reference: str, problem: str) -> InputError:
        for pointer, node in walk(self.tree):
            if isinstance(node, dict) and str(node.get("$ref", "")).startswith(reference):
                return InputError(f"{self.locate((*pointer, '$ref'))}: $ref {reference} {problem}")
        return InputError(f"{self.file}: $ref {reference} {problem}")

    def operations(self) -> Iterator[Operation]:
        """Every operation, in the order of the document."""
        paths = self._mapping(("paths",), {})
        for path in paths:
            item = self._mapping(("paths", path), {})
            shared = self._parameters(("paths", path))
            for method in METHODS:
                if method not in item:
                    continue
                pointer = ("paths", path, method)
                node = self._mapping(pointer, {})
                own = self._parameters(pointer)
                named = {(p.get("name"), p.get("in")) for p in own}
                responses = self._mapping((*pointer, "responses"), {})
                body = "requestBody" in node
                yield Operation(
                    operation_id=str(node.get("operationId", f"{method} {path}")),
                    method=method.upper(),
                    path=path,
                    node=node,
                    pointer=pointer,
                    parameters=[p for p in shared if (p.get("name"), p.get("in")) not in named]
                    + own,
                    request_body=self._mapping((*pointer, "requestBody"), {}) if body else None,
                    responses={s: self._mapping((*pointer, "responses", s), {}) for s in responses},
                )

    def _parameters(self, pointer: Pointer) -> list[dict[str, Any]]:
        document, pointer = self.target(pointer)
        nodes = document.at(pointer).get("parameters", [])
        if not isinstance(nodes, list):
            raise InputError(f"{self.locate((*pointer, 'parameters'))}: must be a list")
        return [
            document._mapping((*pointer, "parameters", i), {})  # noqa: SLF001
            for i in range(len(nodes))
        ]

    def _mapping(self, pointer: Pointer, default: dict[str, Any]) -> dict[str, Any]:
        """The mapping at a pointer, references followed. Raises InputError if it is none."""
        try:
            document, pointer = self.target(pointer)
        except LookupError:
            return default
        node = document.at(pointer)
        if not isinstance(node, dict):
            name = pointer[-1] if pointer else "the document"
            raise InputError(f"{document.locate(pointer)}: {name} must be a mapping")
        return node


def load(path: str | Path) -> Document:
    """Read a document whose root is a mapping; `-` is standard input.

    Raises InputError with file and line when it cannot be read.
    """
    if str(path) == "-":
        data, file = sys.stdin.buffer.read(MAX_BYTES + 1), "<stdin>"
    else:
        data, file = _read(Path(path)), str(path)
    document = parse(_decode(data, file), file)
    if not isinstance(document.tree, dict):
        raise InputError(f"{file}: not a mapping of keys to values; is it an OpenAPI document?")
    return document


def parse(text: str, file: str) -> Document:
    """Read a document from its text; `file` is what messages call it."""
    tree, source = read(text, file)
    text = text.removeprefix("\ufeff")
    return Document(tree, file, source.place, text=text, is_json=source.is_json)


def walk(tree: Any, pointer: Pointer = ()) -> Iterator[tuple[Pointer, Any]]:
    """Every node of a tree with its pointer, a parent before its children."""
    yield pointer, tree
    if isinstance(tree, dict):
        for key, value in tree.items():
            yield from walk(value, (*pointer, key))
    elif isinstance(tree, list):
        for index, value in enumerate(tree):
            yield from walk(value, (*pointer, index))


def pointer_of(reference: str) -> list[str]:
    """The parts of a fragment reference (RFC 6901): `#/a~1b/c` gives `a/b`, `c`."""
    if reference in {"#", "#/"}:
        return []
    if not reference.startswith("#/"):
        raise ValueError(reference)
    parts = unquote(reference[2:]).split("/")
    return [part.replace("~1", "/").replace("~0", "~") for part in parts]


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; correct the path") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise InputError(f"{path}: cannot be read: {reason}") from None


def _decode(data: bytes, file: str) -> str:
    if len(data) > MAX_BYTES:
        raise InputError(f"{file}: larger than {MAX_BYTES // 1024 // 1024} MB")
    if data[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        raise InputError(f"{file}: is UTF-16; save it as UTF-8")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InputError.at(file, line, "not UTF-8; save it as UTF-8") from None
