"""From a document, and what openapi-python-client reads in it, to what the templates print."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from attrs import evolve, frozen
from openapi_python_client.parser.bodies import BodyType
from openapi_python_client.parser.properties import EnumProperty, ModelProperty
from openapi_python_client.parser.properties.list_property import ListProperty
from openapi_python_client.parser.responses import BYTES_SOURCE
from openapi_python_client.strings import ClassName, snake_case

from flora_contract.codegen.derivation import derived
from flora_contract.codegen.hints import Hints, is_nullable
from flora_contract.codegen.naming import (
    argument_name,
    endpoint_name,
    enum_members,
    field_name,
    free,
    identifier,
    method_names,
)
from flora_contract.codegen.parsing import parsed
from flora_contract.codegen.printing import Name
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
from flora_runtime.errors import IdempotencyDuplicateError, class_of_status
from flora_runtime.operation import Media, Paging, Parameter, Profile, Refusal

if TYPE_CHECKING:
    from collections.abc import Iterable

    from openapi_python_client.parser.bodies import Body
    from openapi_python_client.parser.openapi import Endpoint
    from openapi_python_client.parser.properties.protocol import PropertyProtocol
    from openapi_python_client.parser.responses import Response

    from flora_contract.codegen.parsing import Parsed
    from flora_contract.openapi import Operation
    from flora_contract.openapi.behaviour import Behaviour, Listing
    from flora_runtime.operation import Place

_DEFAULTS = {"name": "API", "key-variable": "API_KEY", "base-url-variable": "API_BASE_URL"}
"""What is said of a client whose document has no `x-client`."""


@frozen
class Reading:
    """What a client of a document is made of."""

    client: ClientView
    losses: list[str]
    """What of the document no client can be made of."""
    notes: list[str]
    """What the client does less than it could, for want of a statement."""


def read(behaviour: Behaviour, package: str) -> Reading:
    """Read a document and the statements in it.

    Raises InputError where the generator cannot read the document at all.
    """
    reader = _Reader(behaviour, parsed(behaviour.document), package)
    client, notes = derived(reader.client(), behaviour)
    return Reading(client, reader.losses, notes)


class _Reader:
    """One document being read."""

    def __init__(self, behaviour: Behaviour, found: Parsed, package: str) -> None:
        data = found.data
        self.behaviour = behaviour
        self.document = document = behaviour.document
        self.losses, self.wires = found.losses, found.wires
        self.package = package
        self.hints: dict[str, str] = {**_DEFAULTS, **document.tree.get("x-client", {})}
        self.endpoints = {
            str(endpoint.name): endpoint
            for collection in data.endpoint_collections_by_tag.values()
            for endpoint in collection.endpoints
        }
        self.models = {str(model.class_info.name): model for model in data.models}
        self.enums = {str(enum.class_info.name): enum for enum in data.enums}
        self.classes = {*self.models, *self.enums}
        self.name = free(self.hints["name"], "Client", self.classes)
        self.types = Hints(self.models)
        self.named: list[ModelProperty | EnumProperty] = []

    def client(self) -> ClientView:
        info = self.document.tree.get("info", {})
        title = str(info.get("title", "API"))
        resources = self._resources()
        models, enums = self._classes()
        return ClientView(
            name=self.name,
            title=title,
            doc=str(info.get("description", "")),
            profile=self._profile(str(info.get("version", "0"))),
            resources=resources,
            models=models,
            enums=enums,
        )

    def _profile(self, version: str) -> Profile:
        servers = self.document.tree.get("servers") or [{"url": "http://localhost"}]
        errors = self.behaviour.errors
        keyed = [o for o in self.behaviour.operations.values() if o.idempotency is not None]
        used = [o.refusals["used-key"] for o in keyed if "used-key" in o.refusals]
        return Profile(
            name=self.package.replace("_", "-"),
            version=version,
            base_url=str(servers[0].get("url", "http://localhost")).rstrip("/"),
            key_variable=self.hints["key-variable"],
            base_url_variable=self.hints["base-url-variable"],
            idempotency_headers=tuple(
                dict.fromkeys(o.idempotency.header for o in keyed if o.idempotency is not None)
            ),
            request_id_header=errors.request_id,
            error_code=errors.code,
            error_message=errors.message,
            error_fields=errors.fields,
            error_field=(errors.field_name, errors.field_message) if errors.fields else ("", ""),
            error_classes={
                refusal.code: cast("type[Any]", Name(IdempotencyDuplicateError.__name__))
                for refusal in used
                if refusal.code is not None and refusal.status == 409
            },
        )

    # Resources and methods

    def _resources(self) -> list[ResourceView]:
        methods: dict[str, list[MethodView]] = {}
        for operation in self.document.operations():
            endpoint = self.endpoints.get(endpoint_name(operation))
            if endpoint is not None:
                method = self._method(operation, endpoint)
                for place in _with_holders(method.resource):
                    methods.setdefault(place, [])
                methods[method.resource].append(method)
        tags = {
            snake_case(tag["name"]): str(tag.get("description", ""))
            for tag in self.document.tree.get("tags", [])
        }
        taken = {*self.classes, self.name, f"Async{self.name}"}
        modules: dict[str, str] = {}
        for place in methods:
            module = place.replace(".", "_")
            modules[place] = free(module, f"_{len(modules)}", modules.values())
        return [
            ResourceView(
                place=place,
                module=module,
                class_name=free(str(ClassName(module, "")), "Resource", taken),
                doc=tags.get(place, ""),
                methods=self._named_apart(methods[place], _within(place, methods)),
            )
            for place, module in modules.items()
        ]

    def _named_apart(self, methods: list[MethodView], taken: set[str]) -> list[MethodView]:
        """Each under a name of its own: a later one of the same name takes its operation's."""
        named: dict[str, MethodView] = {}
        for method in methods:
            name = method.name
            if name in {*taken, *named}:
                name = identifier(method.constant.lower())
            if name in {*taken, *named}:
                self.losses.append(f"{method.http_method} {method.path}: its name stands twice")
                continue
            named[name] = evolve(method, name=name)
        return list(named.values())

    def _method(self, operation: Operation, endpoint: Endpoint) -> MethodView:
        node, stated = operation.node, self.behaviour.of(operation.operation_id)
        header = stated.idempotency.header if stated.idempotency is not None else None
        arguments = self._arguments(operation, endpoint, header)
        result, result_doc = self._result(operation, endpoint)
        item = self._item(endpoint, stated.listing.items) if stated.listing is not None else None
        operation_id = str(endpoint.name)
        resource, name = method_names(stated)
        return MethodView(
            operation_id=operation.operation_id,
            constant=operation_id.upper(),
            resource=resource,
            name=name,
            http_method=operation.method,
            path=operation.path,
            doc=_sentences(node.get("summary"), node.get("description")),
            arguments=arguments,
            result=item or result,
            result_doc=result_doc,
            idempotency_header=header,
            deprecated=self._deprecation(node),
            typed_dict=self._typed_dict(operation_id),
            refusals=_refusals(operation),
            files=self._files(operation),
            media=_media(operation, endpoint),
            paging=_paging(stated.listing, arguments) if item is not None else None,
        )

    def _typed_dict(self, operation_id: str) -> str:
        return free(f"{ClassName(operation_id, '')}Request", "Arguments", self.classes)

    def _files(self, operation: Operation) -> Media | None:
        hint = operation.node.get("x-files")
        if hint is None:
            return None
        place = self.document.locate((*operation.pointer, "x-files"))
        try:
            files = Media(**hint)
        except TypeError as error:
            raise InputError(f"{place}: x-files: {error}") from None
        answer = self.behaviour.of(operation.operation_id).items
        for path in (files.items, f"{files.items}[].{files.id}", f"{files.items}[].{files.url}"):
            if path not in answer:
                raise InputError(f"{place}: x-files: its answer has no {path}")
        return evolve(files, text=tuple(files.text))

    def _deprecation(self, node: dict[str, Any]) -> str | None:
        if not node.get("deprecated"):
            return None
        successor = self.behaviour.operations.get(node.get("x-replaced-by", ""))
        if successor is None:
            return "it is deprecated by the API"
        return f"use {'.'.join(method_names(successor))} instead"

    def _arguments(
        self, operation: Operation, endpoint: Endpoint, key_header: str | None
    ) -> list[ArgumentView]:
        arguments = []
        nodes = {(p.get("name"), p.get("in")): p for p in operation.parameters}
        places: list[tuple[Place, list[PropertyProtocol]]] = [
            ("path", list(endpoint.path_parameters)),
            ("query", list(endpoint.query_parameters)),
            ("header", list(endpoint.header_parameters)),
        ]
        for place, props in places:
            for prop in props:
                wire = self._wire(prop)
                if place == "header" and wire.lower() == (key_header or "").lower():
                    continue
                node = nodes.get((wire, place), {})
                words = keywords(self.document, node.get("schema"))
                doc = str(node.get("description", words.get("description", "")))
                arguments.append(self._argument(prop, place, {**words, "description": doc}))
        taken = {argument.name for argument in arguments}
        return arguments + [
            evolve(a, parameter=evolve(a.parameter, name=free(a.name, "_of_body", taken)))
            for a in self._body(operation, endpoint)
        ]

    def _wire(self, prop: PropertyProtocol) -> str:
        """What a parameter is called in requests."""
        name = prop.name.get_untrusted_value()
        return self.wires.get(name, name)

    def _body(self, operation: Operation, endpoint: Endpoint) -> list[ArgumentView]:
        body = _chosen(endpoint)
        if body is None:
            return []
        prop = body.prop
        if not isinstance(prop, ModelProperty) or self.types.is_free_form(prop):
            view = self._argument(prop, "body", {"description": "The body."})
            if body.body_type == BodyType.CONTENT:
                view = evolve(view, hint="FileContent | str")
            return [evolve(view, parameter=evolve(view.parameter, name="body", wire=""))]
        content = (operation.request_body or {}).get("content", {})
        stated = content.get(body.content_type.get_untrusted_value(), {})
        members = properties(self.document, stated.get("schema"))
        files = body.body_type == BodyType.FILES
        named = [(one.name.get_untrusted_value(), one) for one in self.types.members(prop)]
        return [
            self._argument(member, "field", members.get(name, {}), files=files)
            for name, member in named
        ]

    def _argument(
        self, prop: PropertyProtocol, place: Place, words: dict[str, Any], *, files: bool = False
    ) -> ArgumentView:
        self.named.extend(self.types.classes(prop))
        parameter = Parameter(
            name=argument_name(prop),
            wire=self._wire(prop) if place == "query" else prop.name.get_untrusted_value(),
            place=place,
            required=prop.required,
            nullable=is_nullable(prop),
            min_length=int(words.get("minLength", 0)),
            pattern=words.get("pattern"),
            remedy=str(words.get("x-remedy", "")),
            refuses=tuple(Refusal(**refusal) for refusal in words.get("x-refuse", [])),
        )
        doc = str(words.get("description", ""))
        return ArgumentView(parameter, self.types.argument(prop, files=files), doc)

    def _result(self, operation: Operation, endpoint: Endpoint) -> tuple[str, str]:
        response = _success(endpoint)
        if response is None:
            return "None", ""
        self.named.extend(self.types.classes(response.prop))
        node = operation.responses.get(response.status_code.pattern, {})
        hint = self.types.answer(response.prop) if node.get("content") else "None"
        if response.source == BYTES_SOURCE:
            hint = "bytes"
        return hint, str(node.get("description", ""))

    def _item(self, endpoint: Endpoint, items: str) -> str | None:
        """The type of the items of a page; None if a page has none."""
        page = _success(endpoint)
        found: PropertyProtocol | None = page.prop if page is not None else None
        for name in items.split("."):
            members = self.types.members(found) if isinstance(found, ModelProperty) else []
            found = next((member for member in members if member.name == name), None)
        if not isinstance(found, ListProperty):
            self.losses.append(f"{endpoint.method.upper()} {endpoint.path}: {items} is not a list")
            return None
        return self.types.answer(found.inner_property)

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
                for member in self.types.members(self.models.get(name, prop)):
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
        return FieldView(
            name=field_name(member),
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
            members=[EnumMember(*pair) for pair in enum_members(enum.values).items()],
        )


def _with_holders(place: str) -> list[str]:
    """A resource, and before it those that it is an attribute of."""
    parts = place.split(".")
    return [".".join(parts[: count + 1]) for count in range(len(parts))]


def _within(place: str, places: Iterable[str]) -> set[str]:
    """The names of the attributes of a resource that are resources."""
    return {each.removeprefix(f"{place}.") for each in places if each.startswith(f"{place}.")}


def _chosen(endpoint: Endpoint) -> Body | None:
    """The body that is sent, of those that an operation takes: JSON where it takes that."""
    as_json = [body for body in endpoint.bodies if body.body_type == BodyType.JSON]
    return next(iter([*as_json, *endpoint.bodies]), None)


def _refusals(operation: Operation) -> list[str]:
    """The classes of the errors that are documented."""
    statuses = [int(status) for status in operation.responses if str(status).isdigit()]
    names = [class_of_status(status).__name__ for status in sorted(statuses) if status >= 400]
    return list(dict.fromkeys(names))


def _media(operation: Operation, endpoint: Endpoint) -> str:
    """Media type of the request's body, as the document has it."""
    body = _chosen(endpoint)
    if body is None:
        return "application/json"
    stated = (operation.request_body or {}).get("content", {})
    read = body.content_type.get_untrusted_value()
    media = read if read in stated else next(iter(stated), read)
    return read if "*" in media else media


def _success(endpoint: Endpoint) -> Response | None:
    for response in endpoint.responses.patterns:
        status = response.status_code.range
        if status is not None and 200 <= status[0] < 300:
            return response
    return None


def _paging(listing: Listing | None, arguments: list[ArgumentView]) -> Paging | None:
    if listing is None:
        return None
    named = {a.wire: a.name for a in arguments}
    return Paging(
        items=listing.items,
        cursor=named.get(listing.cursor or ""),
        next=listing.next,
        offset=named.get(listing.offset or ""),
        size=named.get(listing.size or ""),
        total=listing.total,
    )


def _sentences(*texts: Any) -> str:
    return "\n\n".join(_sentence(str(text)) for text in texts if text)


def _sentence(text: str) -> str:
    text = text.strip()
    return text if text.endswith((".", "!", "?", ":")) else f"{text}."
