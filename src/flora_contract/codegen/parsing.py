"""What openapi-python-client reads in a document, which is first made such that it can.

It leaves out an operation for any schema that it cannot read, with all that refer to it. Here such
a schema may hold any value instead, and the operation stays.
"""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import re
from pathlib import Path
from textwrap import shorten
from typing import TYPE_CHECKING, Any
from unittest import mock

from attrs import frozen
from openapi_python_client.config import Config, ConfigFile, MetaType
from openapi_python_client.parser import GeneratorData, openapi
from openapi_python_client.parser.errors import GeneratorError, ParseError
from openapi_python_client.parser.responses import Responses
from openapi_python_client.strings import snake_case

from flora_contract.codegen.naming import class_overrides
from flora_contract.errors import InputError
from flora_contract.openapi import walk
from flora_contract.openapi.document import METHODS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from openapi_python_client.parser.openapi import Endpoint

    from flora_contract.openapi import Document

_ROUNDS = 12  # of reading and mending; a schema may hide what is wrong with another
_SCHEMA = re.compile(r"/components/schemas/([^\s:]+)")
_OPERATION = re.compile(r"parsing ([A-Z]+) (\S+) within")


@frozen
class Parsed:
    """What was read, what could not be, and the names of parameters that were told apart."""

    data: GeneratorData
    losses: list[str]
    wires: dict[str, str]


def parsed(document: Document) -> Parsed:
    """Read a document. Raises InputError where the generator cannot read it at all."""
    tree = copy.deepcopy(document.tree)
    _completed(tree)
    _without_unused(tree)
    _simplified(tree)
    _with_named_branches(tree)
    _with_names_of_values(tree)
    _with_known_media(tree)
    wires = _told_apart(tree)
    told: list[str] = []
    for _ in range(_ROUNDS):
        data = _read(tree, document.file)
        problems = list(_problems(data))
        loosened = list(_loosened(tree, problems))
        told += loosened
        if not loosened:
            break
    told += [shorten(f"{_plain(p.header)} {_reason(p)}", 300) for p in problems]
    return Parsed(data, list(dict.fromkeys(told)), wires)


def _read(tree: dict[str, Any], file: str) -> GeneratorData:
    config = Config.from_sources(
        ConfigFile(class_overrides=class_overrides()),
        MetaType.NONE,
        Path(file),
        "utf-8",
        overwrite=True,
        output_path=None,
    )
    try:
        with _copies_of_endpoints():
            data = GeneratorData.from_dict(copy.deepcopy(tree), config=config)
    except Exception as error:
        raise InputError(f"{file}: no client can be made of it: {error}") from None
    if isinstance(data, GeneratorError):
        detail = " ".join(f"{data.header} {data.detail or ''}".split())
        raise InputError(f"{file}: no client can be made of it: {detail}")
    return data


@contextlib.contextmanager
def _copies_of_endpoints() -> Iterator[None]:
    """Let the generator copy an operation's lists only.

    It copies each operation before it changes it, with every schema that answers are made of: two
    thirds of its time on large documents.
    """

    def copied(endpoint: Endpoint) -> Endpoint:
        lists: dict[str, Any] = {
            field.name: copy.copy(value)
            for field in dataclasses.fields(endpoint)
            if isinstance(value := getattr(endpoint, field.name), list | set)
        }
        answers = Responses(list(endpoint.responses.patterns), endpoint.responses.default)
        return dataclasses.replace(endpoint, responses=answers, **lists)

    with mock.patch.object(openapi, "deepcopy", copied):
        yield


def _problems(data: GeneratorData) -> Iterator[ParseError]:
    yield from data.errors
    for collection in data.endpoint_collections_by_tag.values():
        yield from collection.parse_errors


# Before reading


def _completed(tree: dict[str, Any]) -> None:
    """Say what a document may leave out, and the generator asks for."""
    items = tree.setdefault("paths", {}).values()
    for item in items if isinstance(tree["paths"], dict) else ():
        for method in METHODS:
            operation = item.get(method) if isinstance(item, dict) else None
            if isinstance(operation, dict):
                operation.setdefault("responses", {})
    for node in _schemas(tree):
        if node.get("type") == "array" and not {"items", "prefixItems"} & node.keys():
            node["items"] = {}
        if isinstance(node.get("enum"), list):
            _with_one_kind_of_values(node)


_KINDS = {str: "string", bool: "boolean", int: "integer", float: "number"}


def _with_one_kind_of_values(node: dict[str, Any]) -> None:
    """Split an enum of values of several types into a union: the generator takes one type."""
    values = [value for value in node["enum"] if value is not None]
    kinds = {type(value): _KINDS.get(type(value), "") for value in values}
    if "" in kinds.values() or kinds.keys() in ({str}, {int}, set()):
        return
    found: list[dict[str, Any]] = []
    for kind, name in kinds.items():
        listed = [value for value in values if type(value) is kind]
        found.append({"type": name, **({"enum": listed} if kind in (str, int) else {})})
    if len(values) < len(node["enum"]):
        found.append({"type": "null"})
    del node["enum"]
    node.pop("type", None)
    node.update(found[0] if len(found) == 1 else {"anyOf": found})


def _without_unused(tree: dict[str, Any]) -> None:
    """Forget the schemas that no operation comes to."""
    components: dict[str, Any] = tree.get("components") or {}
    schemas: dict[str, Any] = components.get("schemas") or {}
    used: set[str] = set()
    waiting: list[Any] = [tree.get("paths")]
    waiting += [group for kind, group in components.items() if kind != "schemas"]
    while waiting:
        names = _references(waiting.pop()) - used
        used |= names
        waiting += [schemas.get(name) for name in names]
    for name in schemas.keys() - used:
        del schemas[name]


def _references(node: Any) -> set[str]:
    return {
        found[1].replace("~1", "/").replace("~0", "~")
        for _, value in walk(node)
        if isinstance(value, dict) and isinstance(value.get("$ref"), str)
        if (found := _SCHEMA.search(value["$ref"]))
    }


_ONE = ("items", "additionalProperties", "not", "if", "then", "else", "contains")
_SOME = ("allOf", "anyOf", "oneOf", "prefixItems")
_NAMED = ("properties", "patternProperties", "$defs")


def _schemas(tree: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Every schema of a document, those around before those within."""
    components = tree.get("components")
    components = components if isinstance(components, dict) else {}
    waiting: list[Any] = [*components.get("schemas", {}).values()]
    for _, node in walk([tree.get("paths"), *components.values()]):
        if isinstance(node, dict) and isinstance(node.get("schema"), dict):
            waiting.append(node["schema"])
    while waiting:
        node = waiting.pop()
        if not isinstance(node, dict):
            continue
        yield node
        waiting += [node[word] for word in _ONE if word in node]
        waiting += [one for word in _SOME if isinstance(node.get(word), list) for one in node[word]]
        for word in _NAMED:
            waiting += node[word].values() if isinstance(node.get(word), dict) else ()


_WORDS = {"description", "title", "example", "examples", "default", "deprecated", "readOnly"}
_WORDS |= {"writeOnly", "nullable", "externalDocs", "$comment"}


def _simplified(tree: dict[str, Any]) -> None:
    """Leave out what says nothing of types and is read wrongly.

    Titles would name classes, and stand twice; defaults are the server's business; a branch of an
    `allOf` that has words only is no branch.
    """
    for node in _schemas(tree):
        node.pop("title", None)
        node.pop("default", None)
        branches = node.get("allOf")
        if not isinstance(branches, list):
            continue
        told = [one for one in branches if not isinstance(one, dict) or _says_something(one)]
        nullable = any(isinstance(one, dict) and one.get("nullable") is True for one in branches)
        if told and len(told) == 1 and not _says_something(node, "allOf"):
            del node["allOf"]
            if nullable or node.get("nullable") is True:
                node.update(nullable=True, oneOf=told)
            elif isinstance(told[0], dict):
                node.update(told[0])
        elif told:
            node["allOf"] = told


def _says_something(node: dict[str, Any], *besides: str) -> bool:
    return any(
        word not in _WORDS and word not in besides and not word.startswith("x-") for word in node
    )


def _with_named_branches(tree: dict[str, Any]) -> None:
    """Make components of what unions of components are made of: read again, they would meet."""
    schemas: dict[str, Any] = (tree.get("components") or {}).get("schemas") or {}
    for name, node in list(schemas.items()):
        for word in ("oneOf", "anyOf"):
            found = node.get(word) if isinstance(node, dict) else None
            branches: list[Any] = found if isinstance(found, list) else []
            for index, branch in enumerate(branches):
                inner = f"{name}_type_{index}"
                is_object = isinstance(branch, dict) and {"properties", "allOf"} & branch.keys()
                if is_object and inner not in schemas:
                    schemas[inner] = branch
                    branches[index] = {"$ref": f"#/components/schemas/{inner}"}


def _with_names_of_values(tree: dict[str, Any]) -> None:
    """Name the values of an enum where names made from them would meet: `asc` and `ASC`."""
    for node in _schemas(tree):
        values = node.get("enum")
        if not isinstance(values, list) or not all(isinstance(v, str) for v in values):
            continue
        values = node["enum"] = list(dict.fromkeys(values))
        given = node.get("x-enum-varnames")
        if not isinstance(given, list) or len(given) != len(values):
            given = [v if v[:1].isalpha() else f"VALUE_{i}" for i, v in enumerate(values)]
        made = [str(snake_case(str(one))).upper() for one in given]
        if len(set(made)) < len(made) or "" in made:
            spelt = [str(snake_case(_spelt(str(one)))).upper() for one in given]
            node["x-enum-varnames"] = _different(spelt)


def _with_known_media(tree: dict[str, Any]) -> None:
    """Let what is neither JSON, a form nor text be bytes, and a text that is sent too: the
    generator leaves out what it has no name for."""
    for _, node in walk([tree.get("paths"), tree.get("components")]):
        found = node if isinstance(node, dict) else {}
        sent = {"": found.get("requestBody"), **_mapping(found.get("requestBodies"))}
        for holder in sent.values():
            _with_bytes(holder, _SENT)
        for holder in _mapping(found.get("responses")).values():
            _with_bytes(holder, _ANSWERED)


def _mapping(node: Any) -> dict[str, Any]:
    return node if isinstance(node, dict) else {}


def _with_bytes(holder: Any, known: re.Pattern[str]) -> None:
    content = _mapping(_mapping(holder).get("content"))
    if content:
        kept = {media: node for media, node in content.items() if known.match(str(media))}
        holder["content"] = kept or {
            "application/octet-stream": {"schema": {"type": "string", "format": "binary"}}
        }


_ANSWERED = re.compile(r"(?i)application/(json|[\w.-]+\+json|octet-stream)|text/")
_SENT = re.compile(
    r"(?i)application/(json|[\w.-]+\+json|octet-stream|x-www-form-urlencoded)|multipart/form-data"
)


def _spelt(name: str) -> str:
    """A name with the sign at its end as a word."""
    sign = re.search(r"\W+$", name)
    return name[: sign.start()] + _SIGNS.get(sign[0], "") if sign else name


def _different(names: list[str]) -> list[str]:
    found: list[str] = []
    for index, name in enumerate(names):
        one, number = name or f"VALUE_{index}", 2
        while one in found or (number > 2 and one in names):
            one, number = f"{name}_{number}", number + 1
        found.append(one)
    return found


_SIGNS = {"<": "_before", ">": "_after", "<=": "_until", ">=": "_from", "[]": "_list"}
_SIGNS |= {"?": "_optional"}


def _told_apart(tree: dict[str, Any]) -> dict[str, str]:
    """Rename parameters whose names differ by signs only: `Sent`, `Sent<`. The old names by new."""
    wires: dict[str, str] = {}
    for _, node in walk(tree.get("paths", {})):
        listed = node.get("parameters") if isinstance(node, dict) else None
        if not isinstance(listed, list):
            continue
        names = [one.get("name") for one in listed if isinstance(one, dict)]
        plain = [re.sub(r"\W+", "", str(name)).lower() for name in names]
        for one in listed:
            name = one["name"] if isinstance(one, dict) and "name" in one else None
            if name is None or plain.count(re.sub(r"\W+", "", str(name)).lower()) < 2:
                continue
            sign = re.search(r"\W+$", name)
            if sign and one.get("in") == "query":
                number = len(wires)
                new = name[: sign.start()] + _SIGNS.get(sign[0], f"_{number}")
                if new not in names and wires.get(new, name) == name:
                    one["name"], wires[new] = new, name
    return wires


# After it


def _loosened(tree: dict[str, Any], problems: list[ParseError]) -> Iterator[str]:
    """Let what could not be read hold any value; tell what, and why."""
    schemas = tree.get("components", {}).get("schemas", {})
    failing: dict[str, ParseError] = {}
    for problem in problems:
        found = _SCHEMA.search(problem.header)
        if found and found[1] in schemas:
            failing.setdefault(found[1], problem)
    roots = {n for n in failing if not (_references(schemas[n]) - {n}) & failing.keys()}
    roots |= {n for n, problem in failing.items() if not _follows(problem)}
    for name in sorted(roots or list(failing)[:1]):
        problem = failing[name]
        where = _widened(schemas, name, problem)
        yield f"/components/schemas/{name}{where} is read as something wider: {_reason(problem)}"
    if failing:
        return  # what operations lack may follow from that
    for problem in problems:
        operation = _OPERATION.search(problem.header)
        if operation is None:
            continue
        method, path = operation.groups()
        node = tree["paths"].get(path, {}).get(method.lower())
        part = _widened_in(tree, node, problem) if node is not None else None
        if part is not None:
            yield f"{method} {path}: {part} is read as something wider: {_reason(problem)}"


def _follows(problem: ParseError) -> bool:
    """Whether it is told of a schema for what is wrong with another one."""
    text = problem.detail or ""
    return bool(
        re.search(r"Could not find reference|was not processed|not found|property in union", text)
    )


def _widened(schemas: dict[str, Any], name: str, problem: ParseError) -> str:
    """Let the part of a component that a problem is about hold more; where that is."""
    raw = _raw(problem)
    for pointer, node in walk(schemas[name]):
        if pointer and raw is not None and node == raw and not _is_reference(node):
            _put(schemas[name], pointer, _wider(node, schemas))
            return "".join(f"/{part}" for part in pointer)
    schemas[name] = _wider(schemas[name], schemas)
    return ""


def _wider(node: Any, schemas: dict[str, Any]) -> dict[str, Any]:
    """A schema that holds more: the branches of an `allOf` as one, else any object, else all."""
    if not isinstance(node, dict) or node == {"type": "object"}:
        return {}
    if "allOf" in node:
        members: dict[str, Any] = {}
        required: dict[str, None] = {}
        for part in _parts(node, schemas, set()):
            members |= part.get("properties", {})
            required |= dict.fromkeys(part.get("required", ()))
        asked = [name for name in required if name in members]
        return {"type": "object", "properties": members, **({"required": asked} if asked else {})}
    return {"type": "object"} if node.get("type") == "object" or "properties" in node else {}


def _parts(node: Any, schemas: dict[str, Any], seen: set[str]) -> Iterator[dict[str, Any]]:
    """A schema and the branches of its `allOf`, references followed."""
    for name in _references({"$ref": node["$ref"]}) if "$ref" in node else ():
        if name not in seen:
            seen.add(name)
            yield from _parts(schemas.get(name, {}), schemas, seen)
    for branch in node.get("allOf", ()):
        yield from _parts(branch, schemas, seen)
    yield node


def _widened_in(tree: dict[str, Any], node: dict[str, Any], problem: ParseError) -> str | None:
    """The same for a part of an operation; None if nothing of it is to be found."""
    raw = _raw(problem)
    for pointer, value in walk(node):
        if not pointer or raw is None or value != raw or _is_reference(value):
            continue
        if isinstance(value.get("schema"), dict) and "in" in value:  # a parameter
            if value["schema"] == {"type": "string"}:
                return None
            value["schema"] = {"type": "string"}
            return f"{value['in']} {value['name']}"
        if pointer[-1] in _PARTS or (len(pointer) > 1 and pointer[-2] == "properties"):
            schemas = tree.get("components", {}).get("schemas", {})
            _put(node, pointer, _wider(value, schemas))
            return "/".join(map(str, pointer))
    return None


_PARTS = {"schema", "items", "additionalProperties"}


def _is_reference(node: Any) -> bool:
    return not isinstance(node, dict) or "$ref" in node or not node


def _raw(problem: ParseError) -> Any:
    """The part of the document that a problem is about, as far as it is told."""
    if problem.data is None:
        return None
    return problem.data.model_dump(mode="json", by_alias=True, exclude_unset=True)


def _put(node: Any, pointer: tuple[str | int, ...], value: dict[str, Any]) -> None:
    for part in pointer[:-1]:
        node = node[part]
    node[pointer[-1]] = value


def _reason(problem: ParseError) -> str:
    text = _plain(problem.detail or problem.header).split(" Failure to process")[0]
    return shorten(text.removeprefix("Unable to parse this part of your OpenAPI document: :"), 160)


def _plain(text: str) -> str:
    """A problem's text on one line, without what only the generator's own people can read."""
    text = re.sub(r"<openapi_python_client\S* object at \w+>", "…", text)
    text = re.sub(
        r"Remote references such as ParseResult\(.*?\)", "References to other hosts", text
    )
    return " ".join(text.split())
