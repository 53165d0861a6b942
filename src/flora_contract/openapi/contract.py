"""A contract in use: which operation a request is, and what is wrong with a request or an answer.

Validators are compiled when they are first used.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl, unquote, urlsplit

import jsonschema_rs

from flora_contract.openapi.schemas import Member, members, types

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from flora_contract.openapi.document import Document, Operation

JSON: Final = "application/json"

_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]*)\Z")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?\Z")


@dataclass(frozen=True)
class Breach:
    """One place of a request or an answer, and the keyword of its schema that it breaks.

    `location` is body, query, path or header. `parts` leads to the place, indices included; a
    member that is missing is the place. `limit` holds what the keyword asks for, by its name.
    """

    location: str
    parts: tuple[str | int, ...]
    keyword: str
    message: str
    value: Any
    limit: Mapping[str, Any]

    @cached_property
    def path(self) -> str:
        """Dotted, with `[]` for any item of a list; empty for the whole body."""
        path = ""
        for part in self.parts:
            path = f"{path}[]" if isinstance(part, int) else f"{path}.{part}" if path else part
        return path

    @property
    def name(self) -> str:
        """The outermost member that is wrong; empty for the whole body."""
        return str(self.parts[0]) if self.parts else ""


@dataclass(frozen=True)
class Parameters:
    """The path and query of a request as its operation reads them.

    `values` have the types that the contract gives them, as far as their texts are of these.
    """

    values: dict[str, Any]
    repeated: tuple[str, ...]
    undeclared: tuple[str, ...]


class Contract:
    """The operations of a document, below a base path: by default that of its first server."""

    def __init__(self, document: Document, base: str | None = None) -> None:
        self.document = document
        servers = document.tree.get("servers") or [{"url": ""}]
        url = servers[0].get("url", "") if base is None else base
        self.base = urlsplit(url).path.rstrip("/")
        self.operations = {o.operation_id: Endpoint(self, o) for o in document.operations()}
        self._fixed: dict[str, dict[str, Endpoint]] = {}
        self._templates: dict[int, dict[tuple[str, ...], dict[str, Endpoint]]] = {}
        # A path without a template wins over one with (OpenAPI 3.1, Paths Object).
        for endpoint in sorted(self.operations.values(), key=lambda e: e.path.count("{")):
            segments = tuple(endpoint.path.strip("/").split("/"))
            methods = self._templates.setdefault(len(segments), {}).setdefault(segments, {})
            methods[endpoint.method] = endpoint
            if "{" not in endpoint.path:
                self._fixed[self.base + endpoint.path] = methods

    def at(self, path: str) -> tuple[dict[str, Endpoint], dict[str, str]] | None:
        """The operations at a path, by method, and the values of its template; None if unknown.

        `GET /runs/generation` is nothing, and not the run called `generation`, where there is a
        `POST /runs/generation`.
        """
        fixed = self._fixed.get(path)
        if fixed is not None:
            return fixed, {}
        if not path.startswith(self.base + "/"):
            return None
        segments = path[len(self.base) + 1 :].split("/")
        if "%" in path:
            segments = [unquote(segment) for segment in segments]
        for template, methods in self._templates.get(len(segments), {}).items():
            values = _template_values(template, segments)
            if values is not None:
                return methods, values
        return None

    def match(self, method: str, url: str) -> tuple[Endpoint | None, dict[str, str]]:
        """The operation that a request is, and its path parameters; (None, {}) for none."""
        found = self.at(urlsplit(url).path)
        endpoint = found[0].get(method) if found is not None else None
        return (endpoint, found[1]) if found is not None and endpoint is not None else (None, {})

    @cached_property
    def _components(self) -> dict[str, Any]:
        schemas = self.document.tree.get("components", {}).get("schemas", {})
        return {"schemas": schemas}

    def compile(self, schema: Mapping[str, Any]) -> jsonschema_rs.Draft202012Validator:
        """A validator of a schema of this document; formats are checked."""
        whole = {**schema, "components": self._components}
        return jsonschema_rs.Draft202012Validator(whole, validate_formats=True)


class Endpoint:
    """One operation with its validators."""

    def __init__(self, contract: Contract, operation: Operation) -> None:
        self._contract = contract
        self.document = contract.document
        self.operation = operation
        self.id = operation.operation_id
        self.method = operation.method
        self.path = operation.path
        self.statuses = frozenset(int(s) for s in operation.responses if s.isdecimal())
        self._answer_checks: dict[int, jsonschema_rs.Draft202012Validator | None] = {}
        self._answer_members: dict[int, dict[str, Member]] = {}
        self.read_query = lru_cache(maxsize=256)(self._read_query)

    @property
    def label(self) -> str:
        """What people call it: method and path."""
        return f"{self.method} {self.path}"

    # What the contract says of it

    @property
    def success(self) -> int:
        """The first documented status of success; 204 where there is none."""
        return min((s for s in self.statuses if 200 <= s < 300), default=204)

    @property
    def security(self) -> list[dict[str, Any]]:
        """Its security requirements, or those of the document."""
        found = self.operation.node.get("security", self.document.tree.get("security", []))
        return list(found)

    @cached_property
    def request_schema(self) -> dict[str, Any] | None:
        """Schema of the JSON body of a request; None where it has none."""
        return _json_schema(self.operation.request_body or {})

    def answer(self, status: int) -> dict[str, Any] | None:
        """The response object of a status, of its range or of any; None where there is none."""
        documented = self.operation.responses
        names = (str(status), f"{status // 100}XX", "default")
        return next((documented[name] for name in names if name in documented), None)

    def answer_schema(self, status: int) -> dict[str, Any] | None:
        """Schema of the JSON body under a status; None where none is documented."""
        return _json_schema(self.answer(status) or {})

    @cached_property
    def request_members(self) -> dict[str, Member]:
        """Every documented member of a request's body, by its path."""
        return {m.path: m for m in members(self.document, self.request_schema)}

    def answer_members(self, status: int) -> dict[str, Member]:
        """Every documented member of an answer's body, by its path."""
        if status not in self._answer_members:
            found = members(self.document, self.answer_schema(status))
            self._answer_members[status] = {m.path: m for m in found}
        return self._answer_members[status]

    @cached_property
    def parameters(self) -> dict[str, dict[str, Any]]:
        """Parameter objects by name, references resolved, `schema` included."""
        return {
            p["name"]: {**p, "schema": self.document.resolve(p.get("schema", {}))}
            for p in self.operation.parameters
        }

    def parameters_in(self, location: str) -> dict[str, dict[str, Any]]:
        """Those of one location: path, query, header or cookie."""
        return {name: p for name, p in self.parameters.items() if p["in"] == location}

    # What is wrong with a request

    def _read_query(self, query: str) -> Parameters:
        values: dict[str, Any] = {}
        repeated: dict[str, None] = {}
        undeclared: set[str] = set()
        declared = self.parameters_in("query")
        for name, text in parse_qsl(query, keep_blank_values=True):
            if name not in declared:
                undeclared.add(name)
                continue
            value = self._parameter_value(declared[name], text)
            if isinstance(value, list):
                values[name] = [*values.get(name, ()), *value]
                continue
            if name in values:
                repeated[name] = None
            values[name] = value
        return Parameters(values, tuple(repeated), tuple(sorted(undeclared)))

    def read_path(self, texts: Mapping[str, str]) -> dict[str, Any]:
        """The values of a path's template, with the types that the contract gives them."""
        declared = self.parameters_in("path")
        return {
            name: self._parameter_value(declared[name], text)
            for name, text in texts.items()
            if name in declared
        }

    def _parameter_value(self, parameter: Mapping[str, Any], text: str) -> Any:
        kinds = types(self.document, parameter["schema"])
        if "array" not in kinds:
            return typed(text, kinds)
        items = types(self.document, parameter["schema"].get("items", {}))
        apart = parameter.get("explode", parameter["in"] == "query")
        return [typed(item, items) for item in ([text] if apart else text.split(","))]

    def parameter_breaches(self, values: Mapping[str, Any]) -> list[Breach]:
        """What is wrong with path and query values, as `read_path` and `read_query` give them."""
        if self._parameter_check.is_valid(values):
            return []
        found = breaches(self._parameter_check, values, "query")
        places = {name: p["in"] for name, p in self.parameters.items()}
        return [
            Breach(places.get(b.name, "query"), b.parts, b.keyword, b.message, b.value, b.limit)
            for b in found
        ]

    def body_breaches(self, body: Any) -> list[Breach]:
        """What is wrong with a body of JSON. Raises ValueError where it is nested too deep."""
        return [] if self._body_check is None else breaches(self._body_check, body, "body")

    @property
    def takes_body(self) -> bool:
        """Whether a request has a body of JSON."""
        return self.request_schema is not None

    @property
    def needs_body(self) -> bool:
        """Whether a request without a body is wrong."""
        return bool((self.operation.request_body or {}).get("required"))

    @cached_property
    def _body_check(self) -> jsonschema_rs.Draft202012Validator | None:
        schema = self.request_schema
        return self._contract.compile(schema) if schema is not None else None

    @cached_property
    def _parameter_check(self) -> jsonschema_rs.Draft202012Validator:
        located = {n: p for n, p in self.parameters.items() if p["in"] in {"path", "query"}}
        schema = {
            "type": "object",
            "properties": {name: p["schema"] for name, p in located.items()},
            "required": [name for name, p in located.items() if p.get("required")],
        }
        return self._contract.compile(schema)

    # What is wrong with an answer

    def answer_breaches(self, status: int, body: Any) -> list[Breach]:
        """What is wrong with the JSON body of an answer; nothing where it has no schema."""
        if status not in self._answer_checks:
            schema = self.answer_schema(status)
            self._answer_checks[status] = self._contract.compile(schema) if schema else None
        check = self._answer_checks[status]
        return [] if check is None else breaches(check, body, "body")


def typed(text: str, kinds: frozenset[str]) -> Any:
    """The text of a parameter as the value it stands for; itself where it stands for none."""
    if "integer" in kinds and _INTEGER.match(text) and len(text) < 20:
        return int(text)
    if "number" in kinds and _NUMBER.match(text):
        return float(text)
    if "boolean" in kinds and text in {"true", "false"}:
        return text == "true"
    return text


def breaches(
    check: jsonschema_rs.Draft202012Validator, instance: Any, location: str
) -> list[Breach]:
    """What is wrong with an instance, one entry for each place and keyword."""
    if check.is_valid(instance):
        return []
    found: dict[tuple[Any, ...], Breach] = {}
    for error in check.iter_errors(instance):
        for breach in _flatten(error, location):
            found.setdefault((breach.parts, breach.keyword), breach)
    return list(found.values())


def _flatten(error: jsonschema_rs.ValidationError, location: str) -> Iterator[Breach]:
    kind: Any = error.kind  # its stub leaves out what the kinds hold
    keyword = kind.name
    if keyword in {"anyOf", "oneOf"} and error.instance is not None:
        for inner in _meant(kind.context, len(error.instance_path)):
            yield from _flatten(inner, location)
        return
    parts: tuple[str | int, ...] = tuple(error.instance_path)
    if keyword == "required":
        parts = (*parts, kind.property)
    elif keyword == "additionalProperties":
        parts = (*parts, kind.unexpected[0])
    elif keyword in {"anyOf", "oneOf"}:
        keyword = "type"
    if error.instance is None and keyword in {"type", "enum"}:
        keyword = "null"
    message = error.message.partition("\n")[0]
    limit = kind.as_dict() if hasattr(kind, "as_dict") else {}
    yield Breach(location, parts, keyword, message, error.instance, limit)


def _meant(ways: Any, depth: int) -> Any:
    """The errors of the alternative that was meant: the first that allows the value's type."""
    typed = [
        w for w in ways if all(len(e.instance_path) > depth or e.kind.name != "type" for e in w)
    ]
    return (typed or ways)[0]


def _template_values(template: tuple[str, ...], segments: list[str]) -> dict[str, str] | None:
    values = {}
    for pattern, segment in zip(template, segments, strict=True):
        if pattern.startswith("{"):
            values[pattern[1:-1]] = segment
        elif pattern != segment:
            return None
    return values


def _json_schema(node: Mapping[str, Any]) -> dict[str, Any] | None:
    schema = node.get("content", {}).get(JSON, {}).get("schema")
    return schema if isinstance(schema, dict) else None
