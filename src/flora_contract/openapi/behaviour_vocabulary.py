"""Whether statements are written as `behaviour.schema.json` has them, and where they may stand."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any, Final

import jsonschema_rs

from flora_contract.openapi.behaviour import ON_DOCUMENT, ON_OPERATION, VOCABULARY
from flora_contract.openapi.behaviour_checks.subject import StatementError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flora_contract.openapi.document import Document, Pointer

Statements = list[tuple["Pointer", str, Any]]

_KNOWN: Final = tuple(dict.fromkeys((*ON_DOCUMENT, *ON_OPERATION)))
_SIMILAR: Final = 0.85
"""How much alike two names are of which one is taken for a slip in the other."""

_TYPES: Final = {
    "string": "text",
    "object": "a mapping",
    "array": "a list",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "null": "null",
}


def statements(document: Document) -> Statements:
    """Every extension of the vocabulary that stands where it may: place, name and what it says."""
    found: Statements = [
        ((name,), name, document.tree[name]) for name in ON_DOCUMENT if name in document.tree
    ]
    for operation in document.operations():
        found += [
            ((*operation.pointer, name), name, operation.node[name])
            for name in ON_OPERATION
            if name in operation.node
        ]
    return found


def check_vocabulary(document: Document) -> None:
    """Raises StatementError, with file and line, for the first that is not written so."""
    for pointer, node, names in _holders(document):
        for key in node:
            if key.startswith("x-") and key not in names:
                _check_name(document, (*pointer, key), names)
    for pointer, name, node in statements(document):
        check = jsonschema_rs.Draft202012Validator(
            {"$ref": f"#/$defs/{name}", "$defs": VOCABULARY["$defs"]}
        )
        for error in sorted(check.iter_errors(node), key=_is_no_slip):
            part, problem = _told(error, name)
            raise StatementError(document, (*pointer, *part), problem)


# Where it stands


def _holders(
    document: Document,
) -> Iterator[tuple[Pointer, dict[str, Any], tuple[str, ...]]]:
    """What may hold extensions, and those of the vocabulary that belong there."""
    yield (), document.tree, ON_DOCUMENT
    paths = document.tree.get("paths")
    for path, item in (paths if isinstance(paths, dict) else {}).items():
        if isinstance(item, dict):
            yield ("paths", path), item, ()
    for operation in document.operations():
        yield operation.pointer, operation.node, ON_OPERATION


def _check_name(document: Document, pointer: Pointer, names: tuple[str, ...]) -> None:
    name = str(pointer[-1])
    if name in _KNOWN:
        right = "an operation" if name in ON_OPERATION else "the document"
        raise StatementError(document, pointer, f"{name} is not read here; state it on {right}")
    if meant := difflib.get_close_matches(name, names, 1, _SIMILAR):
        problem = f"{name} is not a statement; did you mean {meant[0]}?"
        raise StatementError(document, pointer, problem)


# How it is written


def _told(error: jsonschema_rs.ValidationError, name: str) -> tuple[Pointer, str]:
    """The place of an error below its statement, and what to do about it."""
    error = _innermost(error)
    part: Pointer = tuple(error.instance_path)
    kind: Any = error.kind
    subject = ".".join(map(str, (name, *part)))
    schema = _schema_at(error)
    if kind.name == "additionalProperties":
        unknown = kind.unexpected[0]
        return (*part, unknown), f"{subject} has no {unknown}; it has {_names(schema)}"
    if kind.name == "required":
        return part, f"{subject} does not say {kind.property}; add it"
    if kind.name == "enum":
        options = ", ".join(map(str, kind.options))
        return part, f"{subject} is {_written(error.instance)}; it is one of {options}"
    if kind.name in {"type", "oneOf"}:
        wanted = " or ".join(dict.fromkeys(_types(error)))
        return part, f"{subject} is {_written(error.instance)}; it must be {wanted}"
    if kind.name == "pattern":
        value = _written(error.instance)
        return part, f"{subject} is {value}; write names with dots between, such as meta.next"
    if kind.name == "uniqueItems":
        return part, f"{subject} names one twice; remove it"
    return part, f"{subject}: {error.message}; correct it"


def _is_no_slip(error: Any) -> bool:
    """What is lacking may be what is misspelt, so a name that is not known comes first."""
    return bool(error.kind.name != "additionalProperties")


def _innermost(error: Any) -> Any:
    """Of several ways to write a thing, the errors of the one that was begun."""
    if error.kind.name != "oneOf":
        return error
    depth = len(error.instance_path)
    for way in error.kind.context:
        begun = any(
            len(e.instance_path) > depth or e.kind.name not in {"type", "const"} for e in way
        )
        if begun:
            return _innermost(min(way, key=_is_no_slip))
    return error


def _types(error: Any) -> Iterator[str]:
    if error.kind.name == "type":
        yield from (_TYPES[name] for name in error.kind.types)
    elif error.kind.name == "const":
        yield str(error.kind.expected_value).lower()
    elif error.kind.name == "oneOf":
        for way in error.kind.context:
            yield from _types(way[0])


def _schema_at(error: jsonschema_rs.ValidationError) -> Any:
    """The schema that holds the keyword that is broken."""
    node: Any = VOCABULARY
    for part in error.schema_path[:-1]:
        node = node[part]
    return node


def _names(schema: dict[str, Any]) -> str:
    if "properties" not in schema:
        return "statuses of errors, such as '404'"
    return ", ".join(name for name in schema["properties"] if not name.startswith("x-"))


def _written(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return str(value).lower().replace("none", "null")
    for kinds, words in ((dict, "a mapping"), (list, "a list")):
        if isinstance(value, kinds):
            return words
    return repr(value)
