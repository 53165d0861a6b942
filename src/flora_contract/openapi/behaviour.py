"""What operations do over time, as `overlays/behaviour.yaml` states it: the meaning, typed.

A statement is small and stands once: on the document (`x-resources`, `x-errors`, `x-refusals`) or
on an operation (`x-list`, `x-idempotency`, `x-charges`, `x-answers`, `x-refusals`). The client, the
mock, the suite and the pages read it from here. What is not stated, no reader guesses.

`behaviour_reading` makes them of a document. A statement that the contract has no place for, or
that contradicts another, is an InputError with file and line by then: `behaviour_checks`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

if TYPE_CHECKING:
    from flora_contract.openapi.contract import Contract, Endpoint
    from flora_contract.openapi.document import Pointer
    from flora_contract.openapi.schemas import Member

Role = Literal["create", "read", "list", "update", "delete", "act"]
ROLES: Final[tuple[Role, ...]] = ("create", "read", "list", "update", "delete", "act")

Condition = Literal[
    "no-key",
    "wrong-key",
    "malformed",
    "invalid",
    "unknown-reference",
    "foreign-reference",
    "unknown-id",
    "foreign-id",
    "used-key",
    "no-credits",
    "rate",
    "failure",
]

VOCABULARY: Final[dict[str, Any]] = json.loads(
    Path(__file__).with_name("behaviour.schema.json").read_text(encoding="utf-8")
)
"""JSON Schema of the extensions, each under its name in `$defs`."""

ON_DOCUMENT: Final = ("x-resources", "x-errors", "x-refusals")
ON_OPERATION: Final = ("x-list", "x-idempotency", "x-charges", "x-answers", "x-refusals")


@dataclass(frozen=True)
class Statement:
    """Where something is stated, and by whom: `pointer` leads there in the overlaid document."""

    pointer: Pointer
    sources: tuple[str, ...] = ()
    conflicts: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """How people are told of it: `Run.life`; `list`, of an operation."""
        words = [str(part).removeprefix("x-") for part in self.pointer]
        if words[:1] == ["resources"]:
            return ".".join(words[1:])
        return ".".join(words[3:]) if words[:1] == ["paths"] else ".".join(words)


@dataclass(frozen=True)
class Reference:
    """A member of requests that holds the id of another resource.

    `matching` pairs a member of that resource with the member of the request that it must equal.
    `unknown` is what an id of nothing is answered with, where not as elsewhere.
    """

    member: str
    to: str
    matching: dict[str, str]
    unknown: Refusal | None
    statement: Statement


@dataclass(frozen=True)
class Presence:
    """In which states a member is shown, and whether it must be."""

    member: str
    states: frozenset[str]
    required: bool
    severity: str | None


@dataclass(frozen=True)
class Life:
    """The states of a resource that moves by itself, in their order; the last step is final.

    `failed` are the final states that are no success. `times` are members that say when the first
    of their states began, in their order. `grows` never shrinks but in a failure. `estimate` is in
    seconds, in the answer that creates. `error_code` and `error_message` tell of a failure.
    """

    state: str
    order: tuple[tuple[str, ...], ...]
    failed: frozenset[str]
    members: dict[str, Presence]
    times: tuple[str, ...]
    grows: str | None
    estimate: str | None
    error_code: str | None
    error_message: str | None
    statement: Statement

    @property
    def states(self) -> tuple[str, ...]:
        """All, in their order."""
        return tuple(state for step in self.order for state in step)

    @property
    def final(self) -> tuple[str, ...]:
        """Those that are not left."""
        return self.order[-1]

    @property
    def succeeded(self) -> tuple[str, ...]:
        """Final states that are a success."""
        return tuple(state for state in self.final if state not in self.failed)

    def rank(self, state: str | None) -> int | None:
        """The step of a state; None for one that is not known."""
        return next((i for i, step in enumerate(self.order) if state in step), None)


@dataclass(frozen=True)
class Resource:
    """A kind of thing that the API keeps, and the operations on it by role.

    Members are dotted paths in what is shown of it; `id` and `aliases` hold its id. A resource is
    its account's alone (`account`) or for all (`everyone`). `path` says which member a path
    parameter holds; `shows` where a member of the request that created it is shown, None for
    never; `link` is a URL that leads to it. `constant` members are the same in every answer, and
    so is `cost`, which a failure may waive.
    """

    kind: str
    id: str
    aliases: tuple[str, ...]
    prefix: str
    owner: Literal["account", "everyone"]
    operations: dict[Role, tuple[str, ...]]
    path: dict[str, str]
    references: dict[str, Reference]
    shows: dict[str, str | None]
    link: str | None
    created: str | None
    updated: str | None
    constant: tuple[str, ...]
    cost: str | None
    life: Life | None
    statement: Statement

    @property
    def one(self) -> str:
        """The name of the kind, for a sentence: `an Order`."""
        return f"{'an' if self.kind[0].lower() in 'aeiou' else 'a'} {self.kind}"

    def role_of(self, operation_id: str) -> Role | None:
        """The role that an operation has here."""
        return next((role for role, ids in self.operations.items() if operation_id in ids), None)

    @property
    def create(self) -> tuple[str, ...]:
        return self.operations.get("create", ())

    @property
    def read(self) -> str | None:
        return next(iter(self.operations.get("read", ())), None)

    @property
    def list(self) -> str | None:
        return next(iter(self.operations.get("list", ())), None)

    @property
    def update(self) -> str | None:
        return next(iter(self.operations.get("update", ())), None)

    @property
    def delete(self) -> str | None:
        return next(iter(self.operations.get("delete", ())), None)

    @property
    def act(self) -> tuple[str, ...]:
        return self.operations.get("act", ())

    @property
    def id_parameter(self) -> str | None:
        """The path parameter that holds the id."""
        return next((name for name, held in self.path.items() if held == self.id), None)


@dataclass(frozen=True)
class Filter:
    """A query parameter and the member that it is compared with, shown or not."""

    parameter: str
    member: str
    match: Literal["equals", "contains"]


@dataclass(frozen=True)
class Listing:
    """How an operation lists: what, in which order, page by page.

    `items`, `next` and `total` are paths in an answer, the other names query parameters: `cursor`
    takes what `next` gave, `offset` counts what is left out, `size` is the most that is shown.
    """

    items: str
    order: str | None
    descending: bool
    size: str | None
    cursor: str | None
    next: str | None
    offset: str | None
    total: str | None
    filters: dict[str, Filter]
    statement: Statement

    @property
    def paged(self) -> bool:
        """Whether there are pages at all."""
        return self.cursor is not None or self.offset is not None


@dataclass(frozen=True)
class Idempotency:
    """A header that names a request: within `window` seconds it starts nothing a second time.

    A key counts for one account and one operation. A repetition is `refused`, or `replayed`: the
    first answer again; `tolerated` says which of the two a test accepts besides. `freed` says
    that a refused request leaves its key unused.
    """

    header: str
    window: int
    repetition: Literal["refused", "replayed"]
    tolerated: tuple[str, ...]
    freed: bool
    statement: Statement


@dataclass(frozen=True)
class Charges:
    """An operation that may cost money: where the cost stands in its answer, in US dollars.

    `by` is the member of the request that decides the price; `assumed` the price of a value of it
    before one was seen.
    """

    cost: str
    by: str | None
    assumed: dict[str, float]
    statement: Statement


@dataclass(frozen=True)
class Refusal:
    """What a condition is answered with. `also` are statuses that a test accepts besides."""

    condition: Condition
    status: int
    code: str | None
    also: tuple[int, ...]
    statement: Statement


@dataclass(frozen=True)
class Errors:
    """Where an error answer tells what: dotted paths, and header names.

    `fields` is a list; `field_name` and `field_message` are members of its entries. `codes` are
    those that belong to a status; `also` are statuses that no operation documents and a test
    accepts.
    """

    code: str | None = None
    message: str | None = None
    fields: str | None = None
    field_name: str = "field"
    field_message: str = "message"
    request_id: str | None = None
    retry_after: str | None = None
    codes: dict[int, tuple[str, ...]] = field(default_factory=dict)
    also: tuple[int, ...] = ()


@dataclass(frozen=True)
class OperationBehaviour:
    """What is stated of one operation, the statements of the document included."""

    endpoint: Endpoint
    resource: Resource | None
    role: Role | None
    listing: Listing | None
    idempotency: Idempotency | None
    charges: Charges | None
    answers: dict[str, Any]
    refusals: dict[Condition, Refusal]

    @property
    def id(self) -> str:
        return self.endpoint.id

    @cached_property
    def items(self) -> dict[str, Member]:
        """Members of an item, of an operation that lists; else those of the answer."""
        found = self.endpoint.answer_members(self.endpoint.success)
        if self.listing is None:
            return found
        prefix = f"{self.listing.items}[]."
        return {p.removeprefix(prefix): m for p, m in found.items() if p.startswith(prefix)}


class Behaviour:
    """Every statement of a document. Raises InputError for one that cannot hold."""

    def __init__(self, contract: Contract, written: Contract | None = None) -> None:
        # These are written in terms of this module.
        from flora_contract.openapi import behaviour_reading as reading
        from flora_contract.openapi.behaviour_checks import check
        from flora_contract.openapi.behaviour_vocabulary import check_vocabulary

        self.contract = contract
        self.written = written or contract
        self.document = contract.document
        check_vocabulary(self.document)
        self.errors = reading.read_errors(self.document)
        self.resources = reading.read_resources(contract)
        self.operations = {
            endpoint.id: reading.read_operation(endpoint, self.resources)
            for endpoint in contract.operations.values()
        }
        check(self)

    def of(self, operation_id: str) -> OperationBehaviour:
        """What is stated of an operation."""
        return self.operations[operation_id]

    def with_role(self, *roles: Role) -> list[OperationBehaviour]:
        """Operations that have one of some roles, in the order of the contract."""
        return [o for o in self.operations.values() if o.role in roles]

    def kind(self, name: str) -> Resource:
        """A kind of resource by its name."""
        return self.resources[name]

    def where(self, statement: Statement) -> str:
        """File and line of a statement."""
        return str(self.document.locate(statement.pointer))

    def is_secured(self, operation: OperationBehaviour) -> bool:
        """Whether an operation asks for a key."""
        security = operation.endpoint.security
        return bool(security) and {} not in security
