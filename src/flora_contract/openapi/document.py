"""An OpenAPI document in memory: plain data, and the file and line each node came from."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from flora_contract.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

Pointer = tuple[str | int, ...]
"""Path from the root of a document to a node: keys and indices."""

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")


@dataclass(frozen=True)
class Location:
    """A place in a file. Line and column count from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


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
    stay strings). An alias is a copy of what it names.
    """

    def __init__(self, tree: Any, file: str, root: yaml.Node | None = None) -> None:
        self.tree = tree
        self.file = file
        self._root = root

    def locate(self, pointer: Pointer) -> Location:
        """Where a node stands; its nearest ancestor if it is in no file."""
        node = self._root
        mark = node.start_mark if node is not None else None
        for part in pointer:
            found = _child(node, part)
            if found is None:
                break
            node, mark = found
        if mark is None:
            return Location(self.file, 1, 1)
        return Location(self.file, mark.line + 1, mark.column + 1)

    def resolve(self, node: Any) -> Any:
        """Follow `$ref` until a node that is none. Raises InputError if it leads nowhere."""
        seen: set[str] = set()
        while isinstance(node, dict) and isinstance(node.get("$ref"), str):
            reference = node["$ref"]
            if reference in seen:
                raise InputError(f"{self.file}: $ref {reference} leads to itself")
            seen.add(reference)
            node = self.follow(reference)
        return node

    def follow(self, reference: str) -> Any:
        """The node that a reference of this document names, such as `#/components/schemas/Run`."""
        node = self.tree
        try:
            for part in pointer_of(reference):
                node = node[int(part)] if isinstance(node, list) else node[part]
        except (KeyError, IndexError, ValueError, TypeError):
            raise InputError(f"{self.file}: $ref {reference} names nothing") from None
        return node

    def operations(self) -> Iterator[Operation]:
        """Every operation, in the order of the document."""
        for path, item in self.tree.get("paths", {}).items():
            for method in METHODS:
                if method not in item:
                    continue
                node = item[method]
                own = [self.resolve(p) for p in node.get("parameters", [])]
                named = {(p["name"], p["in"]) for p in own}
                shared = [self.resolve(p) for p in item.get("parameters", [])]
                body = node.get("requestBody")
                yield Operation(
                    operation_id=node.get("operationId", f"{method} {path}"),
                    method=method.upper(),
                    path=path,
                    node=node,
                    pointer=("paths", path, method),
                    parameters=[p for p in shared if (p["name"], p["in"]) not in named] + own,
                    request_body=self.resolve(body) if body is not None else None,
                    responses={s: self.resolve(r) for s, r in node.get("responses", {}).items()},
                )


def load(path: str | Path) -> Document:
    """Read a document. Raises InputError with file and line when it cannot be read."""
    try:
        text = Path(path).read_text(encoding="utf-8")
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8 at byte {error.start}") from None
    return parse(text, str(path))


def parse(text: str, file: str) -> Document:
    """Read a document from its text; `file` is what messages call it."""
    try:
        root = yaml.compose(text, Loader=yaml.CSafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark is not None else None
        problem = getattr(error, "problem", None) or str(error)
        raise InputError.at(file, line, f"not valid YAML: {problem}") from None
    if root is None:
        raise InputError(f"{file}: is empty")
    return Document(_construct(root, file), file, root)


def pointer_of(reference: str) -> list[str]:
    """The parts of a fragment reference (RFC 6901): `#/a~1b/c` gives `a/b`, `c`."""
    if reference in {"#", "#/"}:
        return []
    if not reference.startswith("#/"):
        raise ValueError(reference)
    return [part.replace("~1", "/").replace("~0", "~") for part in reference[2:].split("/")]


_INT = re.compile(r"[-+]?[0-9]+\Z")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?\Z")


def _construct(node: yaml.Node, file: str) -> Any:
    if isinstance(node, yaml.MappingNode):
        mapping: dict[str, Any] = {}
        for key, value in node.value:
            name = str(key.value)
            if name in mapping:
                raise InputError.at(file, key.start_mark.line + 1, f"key {name!r} stands twice")
            mapping[name] = _construct(value, file)
        return mapping
    if isinstance(node, yaml.SequenceNode):
        return [_construct(item, file) for item in node.value]
    return _scalar(node)


def _scalar(node: yaml.ScalarNode) -> Any:
    text = node.value
    if node.style is not None:
        return text
    if text in {"", "~", "null", "Null", "NULL"}:
        return None
    if text in {"true", "True", "TRUE"}:
        return True
    if text in {"false", "False", "FALSE"}:
        return False
    if _INT.match(text):
        return int(text)
    if _FLOAT.match(text):
        return float(text)
    return text


def _child(node: yaml.Node | None, part: str | int) -> tuple[yaml.Node, yaml.Mark] | None:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == str(part):
                return value, key.start_mark
    if isinstance(node, yaml.SequenceNode) and str(part).isdigit() and int(part) < len(node.value):
        item = node.value[int(part)]
        return item, item.start_mark
    return None
