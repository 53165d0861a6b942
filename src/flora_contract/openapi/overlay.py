"""Apply OpenAPI Overlays, versions 1.0 and 1.1, with targets by RFC 9535.

An overlay becomes a list of edits: set this, append that, delete this. The edits are what is
carried out on the data, on the places of its nodes, and on a YAML text that keeps its comments.

Where the two versions differ the overlay's own version decides: an array given to an array is one
more item in 1.0 and is concatenated in 1.1, and a single value can be replaced in 1.1 only. Where
1.0 leaves a thing open (kinds that differ, removal of a single value) the rule of 1.1 holds.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NoReturn

from jsonpath_rfc9535 import JSONPathEnvironment, JSONPathError

from flora_contract.errors import InputError
from flora_contract.openapi.document import Document, Pointer
from flora_contract.openapi.reading import MAX_DEPTH, SourceNode
from flora_contract.openapi.sameness import alike

if TYPE_CHECKING:
    from collections.abc import Iterable

    from jsonpath_rfc9535 import JSONPathNodeList


@dataclass(frozen=True)
class Edit:
    """One change of a tree. The edits before it have been made when its pointer is followed."""

    kind: Literal["set", "append", "delete"]
    pointer: Pointer  # of the node that is set or deleted, or of the array that is appended to
    value: Any = None
    place: SourceNode | None = None  # where the value was written


@dataclass(frozen=True)
class Action:
    """One action of an overlay."""

    overlay: Overlay
    pointer: Pointer
    node: dict[str, Any]

    @property
    def target(self) -> str:
        """The query that selects what is changed."""
        return str(self.node["target"])

    def fail(self, problem: str, field: str = "target") -> NoReturn:
        """Raise InputError at a field of this action."""
        raise InputError(f"{self.overlay.document.locate((*self.pointer, field))}: {problem}")


class Overlay:
    """An overlay document that has been found to be one. Raises InputError with the line."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self._check()
        self.minor = int(document.tree["overlay"].split(".")[1])
        self.actions = [
            Action(self, ("actions", index), node)
            for index, node in enumerate(document.tree["actions"])
        ]

    def _check(self) -> None:
        tree = self.document.tree
        if not isinstance(tree, dict):
            self._fail((), "an overlay must be a mapping")
        self._fields((), tree, {"overlay": str, "info": dict, "extends": str, "actions": list})
        self._required((), tree, "overlay", "info", "actions")
        version = re.fullmatch(r"1\.([01])\.[0-9]+", tree["overlay"])
        if version is None:
            self._fail(
                ("overlay",), f"version {tree['overlay']!r} is not known; use 1.0.0 or 1.1.0"
            )
        newer = version[1] == "1"
        info: dict[str, type] = {"title": str, "version": str}
        self._fields(("info",), tree["info"], info | ({"description": str} if newer else {}))
        self._required(("info",), tree["info"], "title", "version")
        if not tree["actions"]:
            self._fail(("actions",), "must hold at least one action")
        fields: dict[str, type] = {"target": str, "description": str, "remove": bool}
        for index, action in enumerate(tree["actions"]):
            pointer: Pointer = ("actions", index)
            if not isinstance(action, dict):
                self._fail(pointer, "an action must be a mapping")
            if "copy" in action and not newer:
                self._fail((*pointer, "copy"), "copy needs `overlay: 1.1.0`")
            self._fields(
                pointer, action, fields | {"update": object} | ({"copy": str} if newer else {})
            )
            self._required(pointer, action, "target")
            if "update" in action and "copy" in action and not action.get("remove"):
                self._fail(pointer, "update and copy exclude each other; make it two actions")
            if any(alike(action, earlier) for earlier in tree["actions"][:index]):
                self._fail(pointer, "the same action stands above; remove one")

    def _fields(self, pointer: Pointer, node: dict[str, Any], known: dict[str, type]) -> None:
        for name, value in node.items():
            if name.startswith("x-"):
                continue
            if name not in known:
                fields = ", ".join(known)
                self._fail((*pointer, name), f"field {name!r} is not known; there are {fields}")
            if not isinstance(value, known[name]):
                self._fail((*pointer, name), f"{name} must be {_TYPES[known[name]]}")

    def _required(self, pointer: Pointer, node: dict[str, Any], *names: str) -> None:
        for name in names:
            if name not in node:
                self._fail(pointer, f"field {name!r} is missing")

    def _fail(self, pointer: Pointer, problem: str) -> NoReturn:
        raise InputError(f"{self.document.locate(pointer)}: {problem}")


@dataclass(frozen=True)
class Applied:
    """What came of applying overlays: the result, the edits that led to it, and warnings."""

    document: Document
    edits: list[Edit]
    warnings: list[str]


def apply(document: Document, overlays: Iterable[Document], *, strict: bool = False) -> Applied:
    """Apply overlays in order. The document that is given stays as it is.

    A target that selects nothing is a warning, or with `strict` an InputError. Raises InputError
    with the overlay's file and line for anything that the Overlay Specification does not allow.
    """
    run = _Run(document)
    for overlay in overlays:
        for action in Overlay(overlay).actions:
            run.carry_out(action)
    if strict and run.warnings:
        raise InputError(run.warnings[0])
    base, edits = document, run.edits

    def place() -> SourceNode:
        return replaced(base.place, edits)

    return Applied(Document(run.tree, document.file, place), edits, run.warnings)


class _Run:
    """The tree as it changes, action by action."""

    def __init__(self, document: Document) -> None:
        self.tree = copied(document.tree)
        self.document = document
        self.edits: list[Edit] = []
        self.warnings: list[str] = []

    def carry_out(self, action: Action) -> None:
        targets = dict.fromkeys(node.location for node in self._select(action, "target"))
        if not targets:
            line = action.overlay.document.locate((*action.pointer, "target"))
            self.warnings.append(f"{line}: target {action.target} selects nothing")
        elif action.node.get("remove"):
            self._remove(action, list(targets))
        elif "copy" in action.node:
            self._copy(action, list(targets))
        elif "update" in action.node:
            place = action.overlay.document.place
            for part in (*action.pointer, "update"):
                place = place.child(part) or place
            self._update(action, list(targets), action.node["update"], place)

    def _select(self, action: Action, field: Literal["target", "copy"]) -> JSONPathNodeList:
        query = action.node[field]
        problem = f"{field} {query!r} is not a JSONPath of RFC 9535"
        try:
            return _JSONPATH.find(query, self.tree)
        except JSONPathError as error:
            action.fail(f"{problem}: {error.args[0]}", field)
        except RecursionError:
            action.fail(f"{problem} that can be read: it is nested too deeply", field)

    def _remove(self, action: Action, targets: list[Pointer]) -> None:
        if () in targets:
            action.fail("the whole document cannot be removed", "remove")
        gone = set(targets)
        inner = {t for t in targets if any(t[:n] in gone for n in range(1, len(t)))}
        # From the inside out and from the back, so that no pointer of those to come moves.
        for pointer in sorted(gone - inner, key=_depth_and_index, reverse=True):
            self._make(Edit("delete", pointer))

    def _copy(self, action: Action, targets: list[Pointer]) -> None:
        sources = dict.fromkeys(node.location for node in self._select(action, "copy"))
        if len(sources) != 1:
            count = len(sources) or "no"
            action.fail(f"copy {action.node['copy']} selects {count} nodes, not one", "copy")
        source = next(iter(sources))
        place = replaced(self.document.place, self.edits)
        for part in source:
            place = place.child(part) or place
        self._update(action, targets, copied(self._at(source)), place)

    def _update(
        self, action: Action, targets: list[Pointer], value: Any, place: SourceNode
    ) -> None:
        kinds = {_kind(self._at(target)) for target in targets}
        if len(kinds) > 1:
            action.fail(f"target selects {' and '.join(sorted(kinds))}; they must be of one kind")
        if kinds == {_VALUE} and action.overlay.minor == 0:
            action.fail("a single value cannot be a target before `overlay: 1.1.0`")
        for target in targets:
            node = self._at(target)
            if not isinstance(node, list):
                self._merge(action, target, value, place)
            elif isinstance(value, list) and action.overlay.minor > 0:
                self._extend(target, value, place)
            else:
                self._make(Edit("append", target, value, place))

    def _merge(self, action: Action, pointer: Pointer, value: Any, place: SourceNode) -> None:
        node = self._at(pointer)
        if _kind(node) != _kind(value):
            field = "copy" if "copy" in action.node else "update"
            given = (
                place.location
                if field == "update"
                else action.overlay.document.locate((*action.pointer, field))
            )
            name = pointer[-1] if pointer else "the document"
            problem = f"{field} gives {_kind(value)} where {name!r} is {_kind(node)}"
            raise InputError(f"{given}: {problem}; remove it in an action before this one")
        if isinstance(node, dict):
            for key, part in value.items():
                inner = (*pointer, key)
                if key in node:
                    self._merge(action, inner, part, place.child(key) or place)
                else:
                    self._make(Edit("set", inner, part, place.child(key) or place))
        elif isinstance(node, list):
            self._extend(pointer, value, place)
        else:
            self._make(Edit("set", pointer, value, place))

    def _extend(self, pointer: Pointer, items: list[Any], place: SourceNode) -> None:
        for index, item in enumerate(items):
            self._make(Edit("append", pointer, item, place.child(index) or place))

    def _at(self, pointer: Pointer) -> Any:
        node = self.tree
        for part in pointer:
            node = node[part]
        return node

    def _make(self, edit: Edit) -> None:
        self.edits.append(edit)
        if edit.kind == "append":
            self._at(edit.pointer).append(copied(edit.value))
            return
        parent, key = self._at(edit.pointer[:-1]), edit.pointer[-1]
        if edit.kind == "delete":
            del parent[key]
        else:
            parent[key] = copied(edit.value)


def replaced(root: SourceNode, edits: list[Edit]) -> SourceNode:
    """The places of a tree's nodes after edits of the tree."""
    root = root.copy()
    for edit in edits:
        place = root
        steps = edit.pointer if edit.kind == "append" else edit.pointer[:-1]
        for part in steps:
            child = place.child(part)
            assert child is not None, "an edit names a node that is there"
            place = child
        children = place.children
        new = (edit.place or place).copy()
        if isinstance(children, list) and edit.kind == "append":
            children.append(new)
        elif edit.kind == "delete":
            del children[edit.pointer[-1]]  # type: ignore[arg-type]
        else:
            children[edit.pointer[-1]] = new  # type: ignore[index]
    return root


def copied(node: Any) -> Any:
    """A copy that shares nothing with the original."""
    if isinstance(node, dict):
        return {key: copied(value) for key, value in node.items()}
    if isinstance(node, list):
        return [copied(item) for item in node]
    return node


class _JSONPath(JSONPathEnvironment):
    max_recursion_depth = MAX_DEPTH + 1


_JSONPATH = _JSONPath()
_VALUE = "a single value"
_TYPES = {str: "a string", dict: "a mapping", list: "a list", bool: "true or false"}


def _kind(node: Any) -> str:
    if isinstance(node, dict):
        return "an object"
    return "an array" if isinstance(node, list) else _VALUE


def _depth_and_index(pointer: Pointer) -> tuple[int, int]:
    last = pointer[-1]
    return len(pointer), last if isinstance(last, int) else 0
