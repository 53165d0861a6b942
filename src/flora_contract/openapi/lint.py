"""Our rules for a contract, beyond those of OpenAPI itself: sources, registers, examples, use."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import jsonschema_rs

from flora_contract.errors import InputError
from flora_contract.openapi.behaviour_vocabulary import statements
from flora_contract.openapi.document import Document, Pointer, pointer_of, walk
from flora_contract.openapi.nodes import SCHEMAS, TypedNode, nodes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

Fault = tuple[Pointer, str]
"""Where a rule is broken, and how."""

_SOURCED = {
    "operation",
    "parameter",
    "header",
    "request body",
    "response",
    "schema",
    "property",
    "security scheme",
}
"""Kinds of nodes that name their sources, besides enums wherever they stand."""


@dataclass(frozen=True)
class Registers:
    """What `x-source` and `x-conflict` may name."""

    labels: frozenset[str]
    conflicts: frozenset[str]

    @classmethod
    def load(cls, folder: Path) -> Registers:
        """Read the tables of `sources.md` and `conflicts.md`. Raises InputError."""
        return cls(_first_column(folder / "sources.md"), _first_column(folder / "conflicts.md"))


def lint(document: Document, registers: Registers) -> list[tuple[str, str]]:
    """Every broken rule as place (`file:line`) and message, in the order of the lines."""
    faults = [fault for rule in _RULES for fault in rule(document, registers)]
    located = [(document.locate(pointer), message) for pointer, message in faults]
    located.sort(key=lambda found: (found[0].file, found[0].line, found[1]))
    return [(str(location), message) for location, message in located]


# Sources


def sources_are_named(document: Document, _registers: Registers) -> Iterator[Fault]:
    """Each operation, parameter, header, schema, property, enum and response names its sources."""
    for node in nodes(document.tree):
        kind = _sourced(node)
        if kind is not None and not node.tree.get("x-source"):
            yield node.pointer, f"{kind} names no source; add x-source"


def sources_are_known(document: Document, registers: Registers) -> Iterator[Fault]:
    """`x-source` holds known labels, each once; `x-source-values` names values that exist."""
    for pointer, node in _labelled(document):
        if "x-source" in node:
            yield from _labels((*pointer, "x-source"), node["x-source"], registers)
        for value, labels in _mapping(node.get("x-source-values")).items():
            place = (*pointer, "x-source-values", value)
            if value not in [*_list(node.get("enum")), *_list(node.get("x-extensible-enum"))]:
                yield place, f"{value} is not a value of this enum"
            yield from _labels(place, labels, registers)
            for label in _list(labels):
                if label not in _list(node.get("x-source")):
                    yield place, f"{label} states {value}, but is not named by x-source"


def conflicts_are_registered(document: Document, registers: Registers) -> Iterator[Fault]:
    """Each number of `x-conflict` is a row of the register, and each row is used."""
    used: set[str] = set()
    for pointer, node in _labelled(document):
        for index, number in enumerate(_list(node.get("x-conflict"))):
            used.add(str(number))
            if str(number) not in registers.conflicts:
                place = (*pointer, "x-conflict", index)
                yield place, f"{number} is not a row of docs/conflicts.md"
    for number in sorted(registers.conflicts - used):
        yield (), f"row {number} of docs/conflicts.md is named by no x-conflict"


def _sourced(node: TypedNode) -> str | None:
    """What a node is, if it is of the kinds that name their sources."""
    if node.kind not in {"operation", "property"} and "$ref" in node.tree:
        return None
    if node.kind in SCHEMAS - {"property"} and "enum" in node.tree:
        return "enum"
    return node.kind if node.kind in _SOURCED else None


def _labelled(document: Document) -> Iterator[tuple[Pointer, dict[str, Any]]]:
    """Every mapping that may hold labels: what describes the API, and statements of behaviour."""
    for node in nodes(document.tree):
        yield node.pointer, node.tree
    for pointer, _, statement in statements(document):
        for place, part in walk(statement, pointer):
            if isinstance(part, dict):
                yield place, part


def _labels(pointer: Pointer, labels: Any, registers: Registers) -> Iterator[Fault]:
    if not isinstance(labels, list) or not labels:
        yield pointer, "must be a list of labels, such as [S002, S003]"
        return
    for index, label in enumerate(labels):
        if not isinstance(label, str) or label not in registers.labels:
            yield (*pointer, index), f"{label!r} is not a label of docs/sources.md"
        elif label in labels[:index]:
            yield (*pointer, index), f"{label} is named twice"


# Operations


def operations_are_described(document: Document, _registers: Registers) -> Iterator[Fault]:
    """Each has a name of its own, a summary, a description, a declared tag and error answers."""
    declared = [_mapping(tag).get("name") for tag in _list(document.tree.get("tags"))]
    seen: set[str] = set()
    for operation in document.operations():
        for key in ("operationId", "summary", "description", "tags"):
            if not operation.node.get(key):
                yield operation.pointer, f"{operation.method} {operation.path} has no {key}"
        if operation.operation_id in seen:
            yield operation.pointer, f"operationId {operation.operation_id} is taken"
        seen.add(operation.operation_id)
        for tag in _list(operation.node.get("tags")):
            if tag not in declared:
                yield (*operation.pointer, "tags"), f"tag {tag} is not declared under tags"


# Examples


def examples_are_given(document: Document, _registers: Registers) -> Iterator[Fault]:
    """Each request body and each answer has an example, and an error answer has but one."""
    for node in nodes(document.tree):
        if node.kind == "media type" and not _examples(node):
            yield node.pointer, f"{node.pointer[-3]} has no example"
    for operation in document.operations():
        for status, answer in operation.responses.items():
            for media in _mapping(answer.get("content")).values():
                found = _examples(TypedNode((), "media type", _mapping(media)))
                if status[:1] in {"4", "5"} and len(found) > 1:
                    place = (*operation.pointer, "responses", status)
                    yield place, f"error {status} has {len(found)} examples; keep one"


def examples_hold(document: Document, _registers: Registers) -> Iterator[Fault]:
    """Each example is valid against the schema beside it, formats included."""
    for node in nodes(document.tree):
        pointer = node.pointer
        schema = node.tree if node.kind in SCHEMAS else node.tree.get("schema", True)
        for place, value in _examples(node):
            whole = {"$ref": "#/schema", "schema": schema, "components": _components(document)}
            try:
                check = jsonschema_rs.Draft202012Validator(whole, validate_formats=True)
            except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError) as fault:
                yield pointer, f"no schema: {str(fault).splitlines()[0]}"
                break
            for error in check.iter_errors(value):
                where = "".join(f".{part}" for part in error.instance_path)
                yield (*pointer, *place), f"example{where} is not valid: {error.message}"


def _examples(node: TypedNode) -> list[tuple[Pointer, Any]]:
    if node.kind not in {*SCHEMAS, "media type", "parameter", "header"}:
        return []
    found: list[tuple[Pointer, Any]] = []
    if "example" in node.tree:
        found.append((("example",), node.tree["example"]))
    examples = node.tree.get("examples", [])
    if isinstance(examples, list):
        found += [(("examples", index), value) for index, value in enumerate(examples)]
    else:
        found += [
            (("examples", name, "value"), example["value"])
            for name, example in _mapping(examples).items()
            if "value" in _mapping(example)
        ]
    return found


def _components(document: Document) -> dict[str, Any]:
    return _mapping(document.tree.get("components"))


# Use


def components_are_used(document: Document, _registers: Registers) -> Iterator[Fault]:
    """Each component is reached from outside of them; a security scheme is named."""
    used: set[tuple[str, ...]] = {
        ("components", "securitySchemes", name) for name in _scheme_names(document)
    }
    reached = [node for key, node in document.tree.items() if key != "components"]
    while reached:
        for _, node in walk(reached.pop()):
            reference = node.get("$ref") if isinstance(node, dict) else None
            if not isinstance(reference, str) or not reference.startswith("#/components/"):
                continue
            component = tuple(pointer_of(reference)[:3])
            if component not in used:
                used.add(component)
                reached.append(document.follow(reference))
    for kind, components in _components(document).items():
        for name in _mapping(components):
            if ("components", kind, name) not in used:
                yield ("components", kind, name), f"{name} is used nowhere"


def _scheme_names(document: Document) -> set[str]:
    holders = [document.tree, *(operation.node for operation in document.operations())]
    requirements = [r for holder in holders for r in _list(holder.get("security"))]
    return {name for requirement in requirements for name in _mapping(requirement)}


_RULES: tuple[Callable[[Document, Registers], Iterator[Fault]], ...] = (
    sources_are_named,
    sources_are_known,
    conflicts_are_registered,
    operations_are_described,
    examples_are_given,
    examples_hold,
    components_are_used,
)


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _first_column(path: Path) -> frozenset[str]:
    """What the rows of a register's Markdown tables begin with."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None
    cells = re.findall(r"^\| *([\w-]+) *\|", text, re.MULTILINE)
    return frozenset(cell for cell in cells if re.search(r"[A-Z0-9]", cell)) - {"Label"}
