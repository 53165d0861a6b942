"""From a document, and what openapi-python-client reads in it, to what the templates print."""

from __future__ import annotations

import copy
import keyword
import re
from pathlib import Path
from textwrap import shorten
from typing import TYPE_CHECKING, Any

from attrs import evolve
from openapi_python_client.config import Config, ConfigFile, MetaType
from openapi_python_client.parser import GeneratorData
from openapi_python_client.parser.errors import GeneratorError
from openapi_python_client.parser.openapi import Endpoint, generate_operation_id
from openapi_python_client.parser.properties import EnumProperty, ModelProperty
from openapi_python_client.schema.untrusted_string import UntrustedString
from openapi_python_client.strings import ClassName, PythonIdentifier, snake_case

from flora_contract.codegen.agreement import agreed
from flora_contract.codegen.hints import Hints, is_nullable
from flora_contract.codegen.schemas import keywords, properties
from flora_contract.codegen.views import (
    ArgumentView,
    ClientView,
    EnumMember,
    EnumView,
    FieldView,
    MethodView,
    ModelView,
    ResourceView,
)
from flora_contract.errors import InputError

if TYPE_CHECKING:
    from openapi_python_client.parser.properties.protocol import PropertyProtocol

    from flora_contract.openapi import Document, Operation

_TAKEN_FIELDS = {"extra_fields", "call", "to_dict", "from_dict", "idempotency_key"}
_TAKEN_ARGUMENTS = {
    "self",
    "options",
    "timeout",
    "max_retries",
    "idempotency_key",
    "extra_headers",
    "extra_query",
    "extra_body",
}

_HINTS = {"bool", "dict", "float", "int", "str", "tuple"}
"""Names that a field must not take, since the hints of its neighbours are written with them."""

_DEFAULTS: dict[str, Any] = {
    "name": "API",
    "key-variable": "API_KEY",
    "base-url-variable": "API_BASE_URL",
    "idempotency-header": None,
    "request-id-header": None,
    "errors": {
        "code": None,
        "message": None,
        "fields": None,
        "field": "",
        "field-message": "",
        "classes": {},
    },
}
"""What is said of a client whose document has no `x-client`."""


def read(document: Document) -> tuple[ClientView, list[str]]:
    """What a client of the document is made of, and what of it cannot be made.

    Raises InputError where the generator cannot read the document at all.
    """
    config = Config.from_sources(
        ConfigFile(), MetaType.NONE, Path(document.file), "utf-8", overwrite=True, output_path=None
    )
    try:
        data = GeneratorData.from_dict(copy.deepcopy(document.tree), config=config)
    except Exception as error:
        raise InputError(f"{document.file}: no client can be made of it: {error}") from None
    if isinstance(data, GeneratorError):
        detail = " ".join(f"{data.header} {data.detail or ''}".split())
        raise InputError(f"{document.file}: no client can be made of it: {detail}")
    reader = _Reader(document, data)
    client, astray = agreed(reader.client())
    return client, reader.warnings + astray


class _Reader:
    """One document being read."""

    def __init__(self, document: Document, data: GeneratorData) -> None:
        self.document = document
        self.hints = {**_DEFAULTS, **document.tree.get("x-client", {})}
        self.endpoints = {
            str(endpoint.name): endpoint
            for collection in data.endpoint_collections_by_tag.values()
            for endpoint in collection.endpoints
        }
        self.models = {str(model.class_info.name): model for model in data.models}
        self.enums = {str(enum.class_info.name): enum for enum in data.enums}
        problems = [
            *data.errors,
            *(e for c in data.endpoint_collections_by_tag.values() for e in c.parse_errors),
        ]
        # The detail may quote a value of the document, however long.
        self.warnings = [shorten(f"{p.header} {p.detail or ''}", 300) for p in problems]
        self.types = Hints(self.models)
        self.named: list[ModelProperty | EnumProperty] = []

    def client(self) -> ClientView:
        info = self.document.tree.get("info", {})
        title = str(info.get("title", "API"))
        resources = self._resources()
        models, enums = self._classes()
        servers = self.document.tree.get("servers") or [{"url": "http://localhost"}]
        return ClientView(
            name=self.hints["name"],
            title=title,
            version=str(info.get("version", "0")),
            base_url=str(servers[0].get("url", "http://localhost")).rstrip("/"),
            doc=str(info.get("description", "")),
            profile=self.hints,
            resources=resources,
            models=models,
            enums=enums,
        )

    # Resources and methods

    def _resources(self) -> list[ResourceView]:
        methods: dict[str, list[MethodView]] = {}
        for operation in self.document.operations():
            endpoint = self.endpoints.get(_endpoint_name(operation))
            if endpoint is not None:
                method = self._method(operation, endpoint)
                methods.setdefault(method.resource, []).append(method)
        tags = {
            snake_case(tag["name"]): str(tag.get("description", ""))
            for tag in self.document.tree.get("tags", [])
        }
        return [
            ResourceView(
                name=name,
                class_name=str(ClassName(name, "")),
                doc=tags.get(name, ""),
                methods=self._named_apart(own),
            )
            for name, own in methods.items()
        ]

    def _named_apart(self, methods: list[MethodView]) -> list[MethodView]:
        """Each under a name of its own: a later one of the same name takes its operation's."""
        named: dict[str, MethodView] = {}
        for method in methods:
            name = method.name
            if name in named:
                name = _identifier(method.constant.lower())
            if name in named:
                self.warnings.append(f"{method.http_method} {method.path}: its name stands twice")
                continue
            named[name] = evolve(method, name=name)
        return list(named.values())

    def _method(self, operation: Operation, endpoint: Endpoint) -> MethodView:
        node = operation.node
        tag = (node.get("tags") or ["default"])[0]
        arguments, idempotent = self._arguments(operation, endpoint)
        result, result_doc = self._result(operation, endpoint)
        paging = node.get("x-paging")
        if paging is not None:
            item = self._item(endpoint, paging["items"])
            if item is None:
                self.warnings.append(
                    f"{operation.method} {operation.path}: x-paging names {paging['items']!r},"
                    " which is not there"
                )
                paging = None
            result = item or result
        operation_id = str(endpoint.name)
        return MethodView(
            operation_id=operation.operation_id,
            constant=operation_id.upper(),
            resource=_identifier(node.get("x-resource", tag)),
            name=_identifier(node.get("x-method", operation_id)),
            http_method=operation.method,
            path=operation.path,
            doc=_sentences(node.get("summary"), node.get("description")),
            arguments=arguments,
            result=result,
            result_doc=result_doc,
            idempotent=idempotent,
            deprecated=self._deprecation(node),
            typed_dict=f"{ClassName(operation_id, '')}Request",
            starts=node.get("x-starts"),
            recovery=node.get("x-recovery"),
            polling=node.get("x-polling"),
            paging=paging,
            files=node.get("x-files"),
        )

    def _deprecation(self, node: dict[str, Any]) -> str | None:
        if not node.get("deprecated"):
            return None
        successor = node.get("x-replaced-by")
        for operation in self.document.operations():
            if operation.operation_id == successor:
                other = operation.node
                return f"use {other.get('x-resource')}.{other.get('x-method')} instead"
        return "it is deprecated by the API"

    def _arguments(
        self, operation: Operation, endpoint: Endpoint
    ) -> tuple[list[ArgumentView], bool]:
        header = str(self.hints["idempotency-header"] or "").lower()
        idempotent = False
        arguments = []
        nodes = {(p.get("name"), p.get("in")): p for p in operation.parameters}
        for place, props in (
            ("path", endpoint.path_parameters),
            ("query", endpoint.query_parameters),
            ("header", endpoint.header_parameters),
        ):
            for prop in props:
                wire = prop.name.get_untrusted_value()
                if place == "header" and wire.lower() == header:
                    idempotent = True
                    continue
                node = nodes.get((wire, place), {})
                words = keywords(self.document, node.get("schema"))
                doc = str(node.get("description", words.get("description", "")))
                arguments.append(self._argument(prop, place, {**words, "description": doc}))
        return arguments + self._body(operation, endpoint), idempotent

    def _body(self, operation: Operation, endpoint: Endpoint) -> list[ArgumentView]:
        if not endpoint.bodies:
            return []
        json_bodies = [b for b in endpoint.bodies if b.body_type == "json"]
        body = (json_bodies or endpoint.bodies)[0]
        prop = body.prop
        if not isinstance(prop, ModelProperty) or self.types.is_free_form(prop) or not json_bodies:
            view = self._argument(prop, "body", {"description": "The body."})
            return [evolve(view, name="body", wire="")]
        content = (operation.request_body or {}).get("content", {})
        media = content.get(body.content_type.get_untrusted_value(), {})
        members = properties(self.document, media.get("schema"))
        return [
            self._argument(member, "field", members.get(member.name.get_untrusted_value(), {}))
            for member in self.types.members(prop)
        ]

    def _argument(self, prop: PropertyProtocol, place: str, words: dict[str, Any]) -> ArgumentView:
        self.named.extend(self.types.classes(prop))
        name = _python_name(prop)
        return ArgumentView(
            name=f"{name}_value" if name in _TAKEN_ARGUMENTS else name,
            wire=prop.name.get_untrusted_value(),
            place=place,
            hint=self.types.argument(prop),
            required=prop.required,
            nullable=is_nullable(prop),
            doc=str(words.get("description", "")),
            min_length=int(words.get("minLength", 0)),
            pattern=words.get("pattern"),
            remedy=str(words.get("x-remedy", "")),
            refuses=words.get("x-refuse", []),
        )

    def _result(self, operation: Operation, endpoint: Endpoint) -> tuple[str, str]:
        for response in endpoint.responses.patterns:
            status = response.status_code.range
            if status is None or not 200 <= status[0] < 300:
                continue
            self.named.extend(self.types.classes(response.prop))
            node = operation.responses.get(response.status_code.pattern, {})
            hint = self.types.answer(response.prop) if node.get("content") else "None"
            return hint, str(node.get("description", ""))
        return "None", ""

    def _item(self, endpoint: Endpoint, items: str) -> str | None:
        """The type of the items of a page; None if a page has none."""
        patterns = endpoint.responses.patterns
        page = patterns[0].prop if patterns else None
        for member in self.types.members(page) if isinstance(page, ModelProperty) else ():
            if member.name == items:
                hint = self.types.answer(member)
                return hint.removeprefix("tuple[").partition(", ...]")[0]
        return None

    # Models and enums

    def _classes(self) -> tuple[list[ModelView], list[EnumView]]:
        """The classes that methods name, and those that these name in turn."""
        reached: dict[str, None] = {}
        waiting = list(self.named)
        while waiting:
            prop = waiting.pop()
            name = str(prop.class_info.name)
            if name in reached:
                continue
            reached[name] = None
            if isinstance(prop, ModelProperty):
                for member in self.types.members(self.models[name]):
                    waiting.extend(self.types.classes(member))
        models = [self._model(m) for name, m in self.models.items() if name in reached]
        enums = [self._enum(e) for name, e in self.enums.items() if name in reached]
        return models, enums

    def _model(self, model: ModelProperty) -> ModelView:
        schema = model.data.model_dump(mode="json", by_alias=True, exclude_none=True)
        words = properties(self.document, schema)
        fields = []
        for member in self.types.members(model):
            wire = member.name.get_untrusted_value()
            own = words.get(wire, {})
            fields.append(self._field(member, wire, own))
        doc = model.description.get_untrusted_value() if model.description else ""
        return ModelView(
            name=str(model.class_info.name),
            doc=doc,
            fields=sorted(fields, key=lambda f: not f.required),
        )

    def _field(self, member: PropertyProtocol, wire: str, words: dict[str, Any]) -> FieldView:
        hint = self.types.answer(member, decimal=words.get("format") == "decimal")
        optional = not member.required and not is_nullable(member) and hint != "Any"
        name = _python_name(member)
        return FieldView(
            name=f"{name}_value" if name in _TAKEN_FIELDS else name,
            wire=wire,
            hint=f"{hint} | None" if optional else hint,
            required=member.required,
            doc=str(words.get("description", "")),
        )

    def _enum(self, enum: Any) -> EnumView:
        schemas = self.document.tree.get("components", {}).get("schemas", {})
        name = str(enum.class_info.name)
        node: Any = next((s for n, s in schemas.items() if str(ClassName(n, "")) == name), None)
        return EnumView(
            name=name,
            base="OpenIntEnum" if enum.value_type is int else "OpenStrEnum",
            doc=str(node.get("description", "")) if isinstance(node, dict) else "",
            members=_members(enum.values),
        )


def _members(values: dict[str, Any]) -> list[EnumMember]:
    """The values of an enum under names with their words apart: `IMAGE_URL` for `imageUrl`."""
    names = [snake_case(str(value)).upper() for value in values.values()]
    if not all(name.isidentifier() for name in names) or len(set(names)) < len(names):
        names = list(values)
    return [EnumMember(*pair) for pair in zip(names, values.values(), strict=True)]


def _python_name(prop: PropertyProtocol) -> str:
    """The generator's name, without the mark it puts on the names of builtins."""
    name = str(prop.python_name)
    bare = name.removesuffix("_")
    if bare in _HINTS:
        return name
    if bare != name and bare == snake_case(prop.name) and not keyword.iskeyword(bare):
        return bare
    return name


def _endpoint_name(operation: Operation) -> str:
    if "operationId" in operation.node:
        return str(PythonIdentifier(operation.node["operationId"], "field_"))
    path = UntrustedString(operation.path)
    return str(generate_operation_id(path=path, method=operation.method.lower(), prefix="field_"))


def _identifier(text: str) -> str:
    name = re.sub(r"\W+", "_", snake_case(str(text))) or "default"
    return f"{name}_" if keyword.iskeyword(name) else name if name.isidentifier() else f"_{name}"


def _sentences(*texts: Any) -> str:
    return "\n\n".join(_sentence(str(text)) for text in texts if text)


def _sentence(text: str) -> str:
    text = text.strip()
    return text if text.endswith((".", "!", "?", ":")) else f"{text}."
