"""What the templates print: plain values, made from the document and what the generator read."""

from __future__ import annotations

from typing import Any

from attrs import frozen

from flora_contract.codegen.printing import Name
from flora_runtime.errors import (
    APIConnectionError,
    InvalidArgumentError,
    ResponseDecodingError,
    RunOutcomeUnknownError,
    SpendLimitError,
)
from flora_runtime.operation import (
    CreateOperation,
    ListOperation,
    Media,
    Operation,
    Paging,
    Parameter,
    Polling,
    Profile,
    ReadOperation,
    Recovery,
    Starts,
)


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
    """An argument of a method, and what the runtime is told of it."""

    parameter: Parameter
    hint: str
    doc: str

    @property
    def name(self) -> str:
        """In Python."""
        return self.parameter.name

    @property
    def wire(self) -> str:
        """In the request."""
        return self.parameter.wire


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
    media: str
    """Media type of the request's body."""
    idempotency_header: str | None
    deprecated: str | None
    """What to say of it; None if it is not."""
    typed_dict: str
    refusals: list[str]
    """Errors that the documented answers are."""
    files: Media | None
    """How outputs become files, where its answer has some."""
    paging: Paging | None
    polling: Polling | None = None
    wait: str = "wait"
    """The method that waits by it, where it polls."""
    starts: Starts | None = None
    follow: str | None = None
    """The operation that looks at what it starts."""
    recovery: Recovery[Any] | None = None

    @property
    def place(self) -> str:
        """What people call it."""
        return f"{self.http_method} {self.path}"

    @property
    def positional(self) -> list[ArgumentView]:
        """Arguments that need no name: those of the path."""
        return [a for a in self.arguments if a.parameter.place == "path"]

    @property
    def named(self) -> list[ArgumentView]:
        """The others; required ones first."""
        rest = [a for a in self.arguments if a.parameter.place != "path"]
        return sorted(rest, key=lambda a: not a.parameter.required)

    @property
    def starts_many(self) -> bool:
        """Whether many of what it starts can be asked for at once."""
        return self.starts is not None and self.starts.moves and not self.deprecated

    @property
    def raises(self) -> list[str]:
        """Errors that a call can end with."""
        own = [SpendLimitError, RunOutcomeUnknownError] if self.starts is not None else []
        always = [InvalidArgumentError, *own, APIConnectionError, ResponseDecodingError]
        return [*(error.__name__ for error in always), *self.refusals]

    @property
    def options(self) -> str:
        """The class of what the method takes beside its arguments."""
        return "KeyedCallOptions" if self.idempotency_header else "CallOptions"

    @property
    def waiting_options(self) -> str:
        """The same where the method waits for the run, and its time limit is the wait's."""
        return "KeyedRequestOptions" if self.idempotency_header else "RequestOptions"

    @property
    def operation(self) -> Operation[Any]:
        """The operation as the runtime is told of it."""
        kind: type[Operation[Any]] = Operation
        own: dict[str, Any] = {}
        if self.starts is not None:
            kind, own = CreateOperation, {"starts": self.starts, "recovery": self.recovery}
        elif self.polling is not None:
            kind, own = ReadOperation, {"polling": self.polling}
        elif self.paging is not None:
            kind, own = ListOperation, {"paging": self.paging}
        return kind(
            name=f"{self.resource}.{self.name}",
            method=self.http_method,
            path=self.path,
            result=Name(self.result),
            parameters=tuple(a.parameter for a in self.arguments),
            media=self.media,
            idempotency_header=self.idempotency_header,
            **own,
        )


@frozen
class ResourceView:
    """A resource: an attribute of the client, or of another resource."""

    place: str
    """Dotted, from the client on."""
    module: str
    class_name: str
    doc: str
    methods: list[MethodView]

    @property
    def name(self) -> str:
        """Of the attribute."""
        return self.place.rpartition(".")[2]


@frozen
class ClientView:
    """The client as a whole."""

    name: str
    title: str
    doc: str
    profile: Profile
    resources: list[ResourceView]
    models: list[ModelView]
    enums: list[EnumView]

    def within(self, place: str = "") -> list[ResourceView]:
        """The resources that are attributes of another one, or of the client itself."""
        return [r for r in self.resources if r.place.rpartition(".")[0] == place]

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
        return [m.typed_dict for m in self.methods if m.starts_many]

    def holders_of(self, wire: str, result: str) -> str:
        """The models that have the same field as an answer, as a type hint."""
        found = {m.name: f for m in self.models for f in m.fields if f.wire == wire}
        return " | ".join(name for name, f in found.items() if f.hint == found[result].hint)
