"""One of the two contracts: its files as a tree of nodes, each with the place it stands at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote

from flora_contract.errors import InputError
from flora_contract.openapi import walk
from flora_contract.openapi.identifiers import Identifiers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from flora_contract.openapi import Document, Pointer


class Node(NamedTuple):
    """A value of a document and the place it stands at."""

    value: Any
    pointer: Pointer
    document: Document

    def child(self, key: str | int) -> Node:
        """The value under a key that is there."""
        return Node(self.value[key], (*self.pointer, key), self.document)

    def get(self, key: str) -> Node | None:
        """The value under a key, or None if there is none."""
        value = self.mapping().get(key)
        return None if value is None else Node(value, (*self.pointer, key), self.document)

    def items(self) -> Iterator[tuple[str, Node]]:
        """Every key of a mapping with its node."""
        for key in self.mapping():
            yield key, self.child(key)

    def each(self) -> Iterator[Node]:
        """Every item of a list."""
        for index in range(len(self.list())):
            yield self.child(index)

    def mapping(self) -> dict[str, Any]:
        """The value, which must be a mapping."""
        if not isinstance(self.value, dict):
            raise self.wrong("must be a mapping")
        return self.value

    def list(self) -> list[Any]:
        """The value, which must be a list."""
        if not isinstance(self.value, list):
            raise self.wrong("must be a list")
        return self.value

    def wrong(self, fault: str) -> InputError:
        """An error that names this place."""
        place = self.document.locate(self.pointer)
        return InputError.at(place.file, place.line, f"{show(self.pointer)} {fault}")

    def without(self) -> Node:
        """This place, where something is missing."""
        return self._replace(value=None)

    @property
    def place(self) -> tuple[str, Pointer]:
        """What tells this node from every other of its contract."""
        return self.document.file, self.pointer


class Tree:
    """A contract whose parts may stand in several files.

    `read` gives the document of a file that a reference of another one names, by both names.
    """

    def __init__(self, root: Document, read: Callable[[Document, str], Document]) -> None:
        self.document = root
        self.root = Node(root.tree, (), root)
        self.root.mapping()
        self._read = read
        self._references: set[str] | None = None
        self._targets: dict[tuple[str, str, str], Node] = {}
        self._identifiers: dict[str, Identifiers] = {}

    @property
    def is_31(self) -> bool:
        """Whether schemas follow JSON Schema 2020-12 rather than the dialect of OpenAPI 3.0."""
        return not str(self.root.mapping().get("openapi", "")).startswith("3.0")

    def beside(self, name: str) -> Document:
        """A file beside the contract. Raises InputError if there is none."""
        return self._read(self.document, name)

    def references(self) -> set[str]:
        """Every `$ref` and discriminator target that what is used of the document holds.

        What only an unused component names is not used either.
        """
        if self._references is None:
            self._references = _references_from(self.root.value)
        return self._references

    def resolve(self, node: Node) -> Node:
        """Follow `$ref` to what it names. Raises InputError when it leads nowhere."""
        seen = set()
        while isinstance(node.value, dict) and isinstance(node.value.get("$ref"), str):
            if node.place in seen:
                raise node.wrong("is a $ref that leads to itself")
            seen.add(node.place)
            node = self.follow(node)
        return node

    def follow(self, node: Node) -> Node:
        """What the `$ref` of this node names, which may be a reference again."""
        names = self._names(node.document)
        key = node.document.file, node.value["$ref"], names.around(node.pointer)
        if key not in self._targets:
            self._targets[key] = self._find(node)
        return self._targets[key]

    def _names(self, document: Document) -> Identifiers:
        if document.file not in self._identifiers:
            self._identifiers[document.file] = Identifiers(document)
        return self._identifiers[document.file]

    def _find(self, node: Node) -> Node:
        reference = node.value["$ref"]
        named = self._named(node, reference)
        if named is not None:
            return named
        file, _, fragment = reference.partition("#")
        document = self._beside(node, unquote(file)) if file else node.document
        return self._within(Node(document.tree, (), document), fragment, node)

    def _named(self, node: Node, reference: str) -> Node | None:
        """What a reference names by the `$id` of a schema; None if no schema has that name."""
        found = self._names(node.document).find(node.pointer, reference)
        if found is None:
            return None
        place, fragment = found
        target = Node(node.document.at(place), place, node.document)
        try:
            return self._within(target, fragment, node)
        except InputError:
            return None  # many mean the document, whatever stands around

    def _beside(self, node: Node, file: str) -> Document:
        try:
            return self._read(node.document, file)
        except InputError as error:
            place = node.document.locate((*node.pointer, "$ref"))
            raise InputError.at(place.file, place.line, f"$ref to {file}: {error}") from None

    def _within(self, target: Node, fragment: str, node: Node) -> Node:
        """What a fragment names in a document or schema, for the reference at a node."""
        reference = node.value["$ref"]
        if fragment and not fragment.startswith("/"):
            anchored = _anchored(target, fragment)
            if anchored is None:
                raise node.wrong(f"is a $ref to {reference}, and no $anchor there has this name")
            return anchored
        for part in _parts(fragment):
            value = target.value
            if isinstance(value, dict) and part in value:
                target = target.child(part)
            elif isinstance(value, list) and part.isdigit() and int(part) < len(value):
                target = target.child(int(part))
            else:
                raise node.wrong(f"is a $ref to {reference}, which is not there")
        return target


def _anchored(start: Node, name: str) -> Node | None:
    """The schema that has an anchor (JSON Schema 2020-12, 8.2.2)."""
    for pointer, value in walk(start.value, start.pointer):
        if isinstance(value, dict) and name in (value.get("$anchor"), value.get("$dynamicAnchor")):
            return Node(value, pointer, start.document)
    return None


def show(pointer: Pointer) -> str:
    """A pointer as JSON Pointer (RFC 6901)."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in pointer) or "/"


def _parts(fragment: str) -> list[str]:
    if fragment in {"", "/"}:
        return []
    return [unquote(part).replace("~1", "/").replace("~0", "~") for part in fragment[1:].split("/")]


def _references_from(root: dict[str, Any]) -> set[str]:
    components = root.get("components")
    groups = components if isinstance(components, dict) else {}
    found: set[str] = set()
    stack: list[Any] = [value for key, value in root.items() if key != "components"]
    while stack:
        value = stack.pop()
        if isinstance(value, dict):
            for reference in _targets(value):
                if reference not in found:
                    found.add(reference)
                    stack.append(_component(groups, reference))
            stack.extend(value.values())
        elif isinstance(value, list):
            stack.extend(value)
    return found


def _targets(value: dict[str, Any]) -> Iterator[str]:
    reference = value.get("$ref")
    if isinstance(reference, str):
        yield reference
    discriminator = value.get("discriminator")
    mapping = discriminator.get("mapping") if isinstance(discriminator, dict) else None
    if isinstance(mapping, dict):
        for target in mapping.values():
            name = str(target)
            yield name if "/" in name else f"#/components/schemas/{name}"


def _component(groups: dict[str, Any], reference: str) -> Any:
    parts = reference.split("/")
    if len(parts) < 4 or parts[:2] != ["#", "components"]:
        return None
    group = groups.get(parts[2])
    return group.get(parts[3]) if isinstance(group, dict) else None
