"""What the templates print: plain values, made from the document and what the generator read."""

from __future__ import annotations

from typing import Any

from attrs import field, frozen


@frozen
class EnumMember:
    """One value of an enum."""

    name: str
    value: str | int


@frozen
class EnumView:
    """An enum of answers or arguments."""

    name: str
    base: str
    doc: str
    members: list[EnumMember]


@frozen
class FieldView:
    """A field of a model."""

    name: str
    wire: str
    hint: str
    required: bool
    doc: str


@frozen
class ModelView:
    """An object that answers hold."""

    name: str
    doc: str
    fields: list[FieldView]


@frozen
class ArgumentView:
    """An argument of a method."""

    name: str
    wire: str
    place: str
    hint: str
    required: bool
    nullable: bool
    doc: str
    min_length: int = 0
    pattern: str | None = None
    remedy: str = ""
    refuses: list[dict[str, str]] = field(factory=list)


@frozen
class MethodView:
    """A method of a resource, and the operation it does."""

    operation_id: str
    constant: str
    resource: str
    name: str
    http_method: str
    path: str
    doc: str
    arguments: list[ArgumentView]
    result: str
    result_doc: str
    idempotent: bool
    deprecated: str | None
    """What to say of it; None if it is not."""
    typed_dict: str
    starts: dict[str, Any] | None
    recovery: dict[str, Any] | None
    polling: dict[str, Any] | None
    paging: dict[str, Any] | None
    files: dict[str, Any] | None

    @property
    def positional(self) -> list[ArgumentView]:
        """Arguments that need no name: those of the path."""
        return [a for a in self.arguments if a.place == "path"]

    @property
    def named(self) -> list[ArgumentView]:
        """The others; required ones first."""
        rest = [a for a in self.arguments if a.place != "path"]
        return [a for a in rest if a.required] + [a for a in rest if not a.required]

    def argument_named(self, wire: str) -> str:
        """The Python name of an argument that a hint names as the request does."""
        return next((a.name for a in self.arguments if a.wire == wire), wire)

    @property
    def options(self) -> str:
        """The class of what the method takes beside its arguments."""
        return "KeyedCallOptions" if self.idempotent else "CallOptions"

    @property
    def waiting_options(self) -> str:
        """The same where the method waits for the run, and its time limit is the wait's."""
        return "KeyedRequestOptions" if self.idempotent else "RequestOptions"


@frozen
class ResourceView:
    """A resource: an attribute of the client."""

    name: str
    class_name: str
    doc: str
    methods: list[MethodView]


@frozen
class ClientView:
    """The client as a whole."""

    name: str
    title: str
    version: str
    base_url: str
    doc: str
    profile: dict[str, Any]
    resources: list[ResourceView]
    models: list[ModelView]
    enums: list[EnumView]

    @property
    def methods(self) -> list[MethodView]:
        """All, those first that others refer to."""
        every = [m for resource in self.resources for m in resource.methods]
        return [m for m in every if not m.recovery] + [m for m in every if m.recovery]

    @property
    def class_names(self) -> list[str]:
        """Models and enums."""
        return [*(m.name for m in self.models), *(e.name for e in self.enums)]

    @property
    def typed_dicts(self) -> list[str]:
        """Requests that can be written as dictionaries."""
        return [m.typed_dict for m in self.methods if m.starts and not m.deprecated]

    def members(self, result: str) -> set[str] | None:
        """What an answer holds, as the API names it; None where it is no single object."""
        model = next((m for m in self.models if m.name == result), None)
        return {f.wire for f in model.fields} if model is not None else None

    def holders_of(self, wire: str) -> str:
        """The models that have a certain field, as a type hint."""
        return " | ".join(m.name for m in self.models if any(f.wire == wire for f in m.fields))
