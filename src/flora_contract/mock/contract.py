"""The contract as the mock reads it: routes, and validators compiled once."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote, urlsplit

import jsonschema_rs

from flora_contract.mock.messages import Refusal, invalid

if TYPE_CHECKING:
    from flora_contract.mock.messages import Request
    from flora_contract.openapi import Document, Operation

_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]*)\Z")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?\Z")
_PREFIX = re.compile(r"\^([\w-]+)\Z")


@dataclass(frozen=True)
class Fields:
    """Names of a body's fields, by what the contract says of them."""

    required: set[str]
    optional: set[str]
    enums: set[str]


@dataclass(frozen=True, eq=False)
class Route:
    """One operation: how its requests are checked and what it may answer."""

    operation: Operation
    segments: tuple[str, ...]
    parameters: dict[str, dict[str, Any]]
    """Path and query parameters: name to schema, references resolved."""
    parameter_check: jsonschema_rs.Validator
    body_check: jsonschema_rs.Validator | None
    body_fields: frozenset[str]
    responses: Responses

    @property
    def operation_id(self) -> str:
        return self.operation.operation_id

    def fields(self, status: int) -> Fields:
        """The fields of an answer; of a page, those of its items."""
        document = self.responses.document
        schema = document.resolve(self.responses.schema(status) or {})
        for part in schema.get("properties", {}).values():
            listed = document.resolve(part)
            if listed.get("type") == "array" and "meta" in schema["properties"]:
                schema = document.resolve(listed["items"])
        properties, required = _merged(document, schema)
        enums = {name for name, part in properties.items() if "enum" in document.resolve(part)}
        return Fields(required, set(properties) - required, enums)


@dataclass
class Responses:
    """What an operation may answer, by status. Compiled on first use: only checks need it."""

    document: Document
    operation: Operation
    _compiled: dict[str, jsonschema_rs.Validator] = field(default_factory=dict)

    def schema(self, status: int) -> dict[str, Any] | None:
        """Schema of the JSON body under a status, or None if the contract has none."""
        answer = self.operation.responses.get(str(status), {})
        schema = answer.get("content", {}).get("application/json", {}).get("schema")
        return schema if isinstance(schema, dict) else None

    def problems(self, status: int, body: Any) -> list[str]:
        """What in an answer breaks the contract."""
        if str(status) not in self.operation.responses:
            return [f"status {status} is not documented"]
        schema = self.schema(status)
        if schema is None:
            return []
        key = str(status)
        if key not in self._compiled:
            self._compiled[key] = _validator(self.document, schema)
        return [
            f"{'.'.join(map(str, error.instance_path)) or 'body'}: {error.message}"
            for error in self._compiled[key].iter_errors(body)
        ]


class Contract:
    """Routes of a document, found by path and method below the path of its first server."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.base = urlsplit(document.tree["servers"][0]["url"]).path.rstrip("/")
        self.routes = [_route(document, operation) for operation in document.operations()]
        self._fixed: dict[str, dict[str, Route]] = {}
        self._templates: dict[tuple[str, ...], dict[str, Route]] = {}
        # A path without a template wins over one with (OpenAPI 3.1, Paths Object).
        for route in sorted(self.routes, key=lambda route: "{" in route.operation.path):
            self._templates.setdefault(route.segments, {})[route.operation.method] = route
            if "{" not in route.operation.path:
                path = self.base + route.operation.path
                self._fixed[path] = self._templates[route.segments]

    def match(self, path: str) -> tuple[dict[str, Route], dict[str, str]] | None:
        """The operations at a path, by method, and the values of its template; None if unknown."""
        fixed = self._fixed.get(path)
        if fixed is not None:
            return fixed, {}
        if not path.startswith(self.base + "/"):
            return None
        segments = [unquote(segment) for segment in path[len(self.base) + 1 :].split("/")]
        for template, methods in self._templates.items():
            values = _values(template, segments)
            if values is not None:
                return methods, values
        return None


def check_parameters(route: Route, path: dict[str, str], query: str) -> dict[str, Any]:
    """Path and query values, as the types that the contract gives them.

    Raises Refusal 400 with an entry for each wrong one. Query keys the contract does not have
    are left out.
    """
    read = _read(route, query)
    values = {**read.values, **path}
    if read.repeated or not route.parameter_check.is_valid(values):
        fields = [{"field": name, "message": "Given more than once"} for name in read.repeated]
        raise invalid(fields + field_errors(route.parameter_check, values, "request"))
    return values


def check_body(route: Route, body: Any) -> None:
    """Raises Refusal 400 with an entry for each wrong field of a JSON body."""
    check = route.body_check
    try:
        if check is not None and not check.is_valid(body):
            raise invalid(field_errors(check, body, "body"))
    except ValueError:  # the validator's own limit, 255 levels
        raise Refusal(400, "invalid_json", "The body is nested too deep.") from None


def undeclared(route: Route, request: Request) -> list[str]:
    """Query keys, and fields of a body that was read, which the contract does not have."""
    found = _read(route, request.query).undeclared if request.query else []
    if isinstance(request.value, dict) and not request.value.keys() <= route.body_fields:
        found = found + sorted(request.value.keys() - route.body_fields)
    return found


def field_errors(check: jsonschema_rs.Validator, value: Any, whole: str) -> list[dict[str, str]]:
    """One `{field, message}` for each wrong field; `whole` names the value itself."""
    found: dict[str, str] = {}
    for error in check.iter_errors(value):
        path = [str(part) for part in error.instance_path]
        if error.kind.name == "required":
            path.append(error.kind.as_dict()["property"])
        found.setdefault(".".join(path) or whole, _reason(error))
    return [{"field": name, "message": message} for name, message in found.items()]


def _reason(error: jsonschema_rs.ValidationError) -> str:
    kind = error.kind.as_dict()
    match error.kind.name:
        case "required":
            return "Required"
        case "type":
            return f"Expected {' or '.join(kind['types'])}"
        case "enum":
            return f"Expected one of {', '.join(map(str, kind['options']))}"
        case "minLength":
            return f"Expected at least {kind['limit']} character{'s' * (kind['limit'] != 1)}"
        case "minimum":
            return f"Expected {kind['limit']} or more"
        case "maximum":
            return f"Expected {kind['limit']} or less"
        case "pattern":
            prefix = _PREFIX.match(kind["pattern"])
            return f"Must start with {prefix[1]}" if prefix else f"Must match {kind['pattern']}"
        case _:
            return error.message


def _merged(document: Document, schema: Any) -> tuple[dict[str, Any], set[str]]:
    """Properties that an object may have, and names of those it must, by all its parts."""
    schema = document.resolve(schema)
    properties, required = dict(schema.get("properties", {})), set(schema.get("required", ()))
    for part in schema.get("allOf", ()):
        more, needed = _merged(document, part)
        properties |= more
        required |= needed
    for part in (*schema.get("anyOf", ()), *schema.get("oneOf", ())):
        properties |= _merged(document, part)[0]
    return properties, required


def _route(document: Document, operation: Operation) -> Route:
    located = [p for p in operation.parameters if p["in"] in {"path", "query"}]
    schemas = {p["name"]: document.resolve(p["schema"]) for p in located}
    parameters = {
        "type": "object",
        "properties": schemas,
        "required": [p["name"] for p in located if p.get("required")],
    }
    body = (operation.request_body or {}).get("content", {}).get("application/json", {})
    body_fields, _ = _merged(document, body.get("schema", {}))
    return Route(
        operation=operation,
        segments=tuple(operation.path.strip("/").split("/")),
        parameters=schemas,
        parameter_check=_validator(document, parameters),
        body_check=_validator(document, body["schema"]) if "schema" in body else None,
        body_fields=frozenset(body_fields),
        responses=Responses(document, operation),
    )


def _validator(document: Document, schema: dict[str, Any]) -> jsonschema_rs.Validator:
    whole = {**schema, "components": document.tree.get("components", {})}
    return jsonschema_rs.Draft202012Validator(whole, validate_formats=True)


def _values(template: tuple[str, ...], segments: list[str]) -> dict[str, str] | None:
    if len(template) != len(segments):
        return None
    values = {}
    for pattern, segment in zip(template, segments, strict=True):
        if pattern.startswith("{"):
            values[pattern[1:-1]] = segment
        elif pattern != segment:
            return None
    return values


@dataclass(frozen=True)
class _Query:
    """A query as an operation reads it."""

    values: dict[str, Any]
    repeated: list[str]
    undeclared: list[str]


@lru_cache(maxsize=256)
def _read(route: Route, query: str) -> _Query:
    values: dict[str, Any] = {}
    repeated: dict[str, None] = {}
    undeclared: set[str] = set()
    for name, text in parse_qsl(query, keep_blank_values=True):
        if name not in route.parameters:
            undeclared.add(name)
            continue
        if name in values:
            repeated[name] = None
        values[name] = _typed(text, route.parameters[name])
    return _Query(values, list(repeated), sorted(undeclared))


def _typed(text: str, schema: dict[str, Any]) -> Any:
    kind = schema.get("type")
    if kind == "integer" and _INTEGER.match(text) and len(text) < 20:
        return int(text)
    if kind == "number" and _NUMBER.match(text):
        return float(text)
    if kind == "boolean" and text in {"true", "false"}:
        return text == "true"
    return text
