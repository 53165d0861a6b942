"""The contract as the suite needs it: which operation a request is, what is wrong with a body."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import jsonschema_rs

from flora_contract import shipped
from flora_contract.conformance.exchange import NOT_JSON

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from flora_contract.conformance.exchange import Request
    from flora_contract.openapi import Document, Operation

JSON = "application/json"

CREATE = frozenset({"createGeneration", "createGenerationRun"})
"""The operations that start a run."""
GET_RUN = "getRun"
LIST = "listGenerations"

ACCEPTED_BY_CONFLICT = frozenset({422, 503})
"""Statuses that no operation documents and that a test accepts all the same (C17)."""


@dataclass(frozen=True)
class Breach:
    """One place of a body or parameter, and the keyword of its schema that it breaks.

    `path` is dotted, with `[]` for any item of an array; `place` is body, query or path.
    """

    place: str
    path: str
    keyword: str
    message: str
    value: Any

    @property
    def field(self) -> str:
        """Name of the outermost field that is wrong; empty for the whole body."""
        return self.path.partition(".")[0].removesuffix("[]")


@dataclass(frozen=True)
class Property:
    """A documented property of a body: its dotted path, and its values where they are closed."""

    path: str
    values: tuple[str, ...]


class Contract:
    """Validators of an OpenAPI document, compiled once when first used."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self._components = {"schemas": document.tree.get("components", {}).get("schemas", {})}
        self.operations = {o.operation_id: Endpoint(o, self) for o in document.operations()}

    def match(self, method: str, url: str, base_url: str) -> tuple[str | None, Mapping[str, str]]:
        """The operation that a request is, and its path parameters; (None, {}) for no operation."""
        base = urlsplit(base_url).path.rstrip("/")
        path = urlsplit(url).path
        if not path.startswith(base + "/"):
            return None, {}
        rest = path[len(base) :]
        here = [e for e in self._by_precision if e.template.fullmatch(rest)]
        for endpoint in here:
            # `GET /runs/generation` is nothing, and not the run called `generation`.
            found = endpoint.template.fullmatch(rest)
            if endpoint.method == method and endpoint.path == here[0].path and found:
                return endpoint.id, {k: unquote(v) for k, v in found.groupdict().items()}
        return None, {}

    @cached_property
    def _by_precision(self) -> list[Endpoint]:
        # `/runs/generation` before `/runs/{runId}`, as OpenAPI has it.
        return sorted(self.operations.values(), key=lambda e: e.path.count("{"))

    def compile(self, schema: Mapping[str, Any]) -> jsonschema_rs.Draft202012Validator:
        """A validator of a schema of this document; formats are checked."""
        return jsonschema_rs.Draft202012Validator(
            {**schema, "components": self._components}, validate_formats=True
        )

    def properties(self, schema: Any, prefix: str = "", depth: int = 0) -> Iterator[Property]:
        """Every documented property below a schema, each once, in the order of the document."""
        schema = self.document.resolve(schema)
        if depth > 8 or not isinstance(schema, dict):
            return
        for part in (*schema.get("allOf", ()), *schema.get("anyOf", ()), *schema.get("oneOf", ())):
            yield from self.properties(part, prefix, depth + 1)
        if "items" in schema:
            yield from self.properties(schema["items"], f"{prefix}[]", depth + 1)
        for name, child in schema.get("properties", {}).items():
            path = f"{prefix}.{name}" if prefix else name
            yield Property(path, self.enumeration(child))
            yield from self.properties(child, path, depth + 1)

    def enumeration(self, schema: Any) -> tuple[str, ...]:
        """The values of a schema's enum, or its known values where it stays open."""
        schema = self.document.resolve(schema)
        if not isinstance(schema, dict):
            return ()
        values = schema.get("enum") or schema.get("x-extensible-enum") or ()
        if not values:
            for part in (*schema.get("anyOf", ()), *schema.get("allOf", ())):
                if values := self.enumeration(part):
                    break
        return tuple(v for v in values if isinstance(v, str))


class Endpoint:
    """One operation, with its validators."""

    def __init__(self, operation: Operation, contract: Contract) -> None:
        self._operation = operation
        self._contract = contract
        self.id = operation.operation_id
        self.method = operation.method
        self.path = operation.path
        self.statuses = frozenset(int(s) for s in operation.responses if s.isdecimal())
        template = re.escape(operation.path).replace(r"\{", "{").replace(r"\}", "}")
        self.template = re.compile(re.sub(r"{(\w+)}", r"(?P<\1>[^/]+)", template))
        self._validators: dict[int, jsonschema_rs.Draft202012Validator | None] = {}
        self._properties: dict[int, frozenset[str]] = {}

    @property
    def label(self) -> str:
        """What people call it: method and path."""
        return f"{self.method} {self.path}"

    def response_schema(self, status: int) -> dict[str, Any] | None:
        """Schema of the JSON body under a status; None where none is documented."""
        response = self._operation.responses.get(str(status), {})
        schema = response.get("content", {}).get(JSON, {}).get("schema")
        return schema if isinstance(schema, dict) else None

    @property
    def request_schema(self) -> dict[str, Any] | None:
        """Schema of the JSON body of a request; None where it has none."""
        body = self._operation.request_body or {}
        schema = body.get("content", {}).get(JSON, {}).get("schema")
        return schema if isinstance(schema, dict) else None

    @property
    def parameters(self) -> list[dict[str, Any]]:
        """Parameter objects, references resolved."""
        return self._operation.parameters

    def answer_properties(self, status: int) -> frozenset[str]:
        """Dotted paths of every documented property of an answer."""
        if status not in self._properties:
            found = self._contract.properties(self.response_schema(status))
            self._properties[status] = frozenset(p.path for p in found)
        return self._properties[status]

    def response_breaches(self, status: int, body: Any) -> list[Breach]:
        """What is wrong with a response's body."""
        if status not in self._validators:
            schema = self.response_schema(status)
            self._validators[status] = self._contract.compile(schema) if schema else None
        validator = self._validators[status]
        return breaches(validator, body, "body") if validator is not None else []

    def request_breaches(
        self, request: Request, path_parameters: Mapping[str, str]
    ) -> list[Breach]:
        """What is wrong with a request: its body, then its query, then its path."""
        found: list[Breach] = []
        if self._body_validator is not None:
            if request.json is NOT_JSON:
                found.append(Breach("body", "", "json", "is no JSON", None))
            else:
                found += breaches(self._body_validator, request.json, "body")
        for name, validator, integer in self._query_validators:
            for value in request.query.get(name, ()):
                found += _parameter_breaches(validator, name, value, integer, "query")
        for name, validator, integer in self._path_validators:
            if name in path_parameters:
                found += _parameter_breaches(
                    validator, name, path_parameters[name], integer, "path"
                )
        return found

    @cached_property
    def _body_validator(self) -> jsonschema_rs.Draft202012Validator | None:
        schema = self.request_schema
        return self._contract.compile(schema) if schema is not None else None

    @cached_property
    def _query_validators(self) -> list[_Parameter]:
        return self._parameter_validators("query")

    @cached_property
    def _path_validators(self) -> list[_Parameter]:
        return self._parameter_validators("path")

    def _parameter_validators(self, place: str) -> list[_Parameter]:
        return [
            (
                p["name"],
                self._contract.compile(p["schema"]),
                self._contract.document.resolve(p["schema"]).get("type") == "integer",
            )
            for p in self.parameters
            if p["in"] == place
        ]


_Parameter = tuple[str, jsonschema_rs.Draft202012Validator, bool]
_INTEGER = re.compile(r"-?[0-9]+\Z")


def _parameter_breaches(
    validator: jsonschema_rs.Draft202012Validator, name: str, text: str, integer: bool, place: str
) -> list[Breach]:
    value: Any = int(text) if integer and _INTEGER.match(text) else text
    return [
        Breach(place, name, b.keyword, b.message, value) for b in breaches(validator, value, place)
    ]


def breaches(
    validator: jsonschema_rs.Draft202012Validator, instance: Any, place: str
) -> list[Breach]:
    """What is wrong with an instance, one entry for each place and keyword."""
    if validator.is_valid(instance):
        return []
    found: dict[tuple[str, str], Breach] = {}
    for error in validator.iter_errors(instance):
        for breach in _flatten(error, place):
            found.setdefault((breach.path, breach.keyword), breach)
    return list(found.values())


def _flatten(error: jsonschema_rs.ValidationError, place: str) -> Iterator[Breach]:
    # Of "this or null", the first is meant unless the value is null; its own errors say more.
    kind: Any = error.kind  # its stub leaves out what the kinds hold
    if kind.name == "anyOf" and error.instance is not None:
        for inner in kind.context[0]:
            yield from _flatten(inner, place)
        return
    path = ""
    for part in error.instance_path:
        path = f"{path}[]" if isinstance(part, int) else f"{path}.{part}" if path else str(part)
    keyword = kind.name
    if keyword == "required":
        name = kind.property
        path = f"{path}.{name}" if path else name
    elif keyword == "anyOf":
        keyword = "type"
    if error.instance is None and keyword in {"type", "enum"}:
        keyword = "null"
    yield Breach(place, path, keyword, error.message.partition("\n")[0], error.instance)


@cache
def load() -> Contract:
    """The shipped contract as a test reads it; one object, which nobody changes."""
    return Contract(shipped.contract("conformance"))
