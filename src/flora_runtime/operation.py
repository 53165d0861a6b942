"""What generated code says of an operation: plain values, made from the contract and its hints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, Literal, TypedDict, TypeVar

from attrs import field, frozen

if TYPE_CHECKING:
    from collections.abc import Mapping
    from decimal import Decimal


T = TypeVar("T")

Place = Literal["path", "query", "header", "field", "body"]
"""Where an argument goes; `field` is a member of a JSON body, `body` the whole of it."""


class RequestOptions(TypedDict, total=False):
    """What any call takes beside its arguments, but for a time limit."""

    max_retries: int
    extra_headers: Mapping[str, str]
    extra_query: Mapping[str, Any]
    extra_body: Mapping[str, Any]


class KeyedRequestOptions(RequestOptions, total=False):
    """The same for a call that can be repeated safely."""

    idempotency_key: str
    """Made up for each call when left out."""
    expected_cost: Decimal | float | str
    """What `spend_limit` counts until the answer tells."""


class CallOptions(RequestOptions, total=False):
    """What any call takes beside its arguments."""

    timeout: float
    """Seconds for each attempt."""


class KeyedCallOptions(CallOptions, total=False):
    """The same for a call that can be repeated safely."""

    idempotency_key: str
    """Made up for each call when left out."""
    expected_cost: Decimal | float | str
    """What `spend_limit` counts until the answer tells."""


OPTION_NAMES = frozenset(KeyedCallOptions.__annotations__)


@frozen
class Refusal:
    """Values that are refused before anything is sent."""

    pattern: str
    """A regular expression that refused values match."""
    remedy: str


@frozen
class Parameter:
    """One argument of an operation."""

    name: str
    """In Python."""
    wire: str
    """In the request."""
    place: Place
    required: bool = False
    nullable: bool = False
    """Whether None is sent as null; else it means left out."""
    min_length: int = 0
    pattern: str | None = None
    remedy: str = ""
    """What to write instead of a value that is refused."""
    refuses: tuple[Refusal, ...] = ()


@frozen
class Starts:
    """The operation starts a run; where its answer says what of it."""

    id: str
    cost: str | None = None
    estimate: str | None = None
    poll_url: str | None = None


@frozen
class Polling:
    """The operation looks at a run; where its answer says what of it."""

    argument: str
    """The argument that takes the id of the run."""
    id: str
    resume: str
    """How one writes waiting for it, such as `generations.wait`."""
    status: str
    completed: tuple[str, ...]
    failed: tuple[str, ...]
    progress: str | None = None
    cost: str | None = None
    error_code: str | None = None
    error_message: str | None = None


@frozen
class Paging:
    """The operation lists page by page; where its answer says what."""

    items: str
    argument: str
    """The argument that takes the cursor."""
    next: tuple[str, ...]
    """Path to the cursor of the next page."""


@frozen
class Recovery(Generic[T]):
    """How a run is found again whose id was lost with the answer that named it."""

    history: Operation[Any]
    """Lists runs, newest first."""
    arguments: Mapping[str, Any]
    """What it is asked with besides: for pages as long as there are."""
    id: str
    created: str
    scope: Mapping[str, tuple[str, ...]]
    """Arguments that the create and the history share, and the path to them in an item."""
    match: Mapping[str, tuple[str, ...]] = field(factory=dict[str, tuple[str, ...]])
    """Other arguments of the create that an item must agree with, likewise."""
    otherwise: Mapping[str, Any] = field(factory=dict[str, Any])
    """Members of the answer that the history does not tell."""


@frozen
class Operation(Generic[T]):
    """One operation of the API."""

    name: str
    """As it is called, such as `generations.create`."""
    method: str
    path: str
    parameters: tuple[Parameter, ...]
    result: Any
    """Type hint of the answer; of an item where the operation lists."""
    idempotent: bool = False
    """Whether an idempotency key makes repeating it safe."""
    starts: Starts | None = None
    recovery: Recovery[T] | None = None
    polling: Polling | None = None
    paging: Paging | None = None


@frozen
class Media:
    """How the outputs of a run become files."""

    items: str
    id: str
    kind: str
    url: str
    text: tuple[str, ...] = ()
    """Kinds whose `url` is the text itself."""
    families: Mapping[str, str] = field(factory=dict[str, str])
    """Media type, or its family, of each kind: `imageUrl: image`."""


@frozen
class Profile:
    """What is particular of an API as a whole."""

    name: str
    """Of the client, in messages and as user agent."""
    version: str
    base_url: str
    key_variable: str
    """Of the environment, as the next."""
    base_url_variable: str
    idempotency_header: str | None = None
    request_id_header: str | None = None
    error_code: tuple[str, ...] = ()
    error_message: tuple[str, ...] = ()
    error_fields: tuple[str, ...] = ()
    """Path to the list of what is wrong with single fields."""
    error_field: tuple[str, str] = ("", "")
    """Members of its items: name of the field, and what is wrong."""
    error_classes: Mapping[str, type[Any]] = field(factory=dict[str, type[Any]])
    """Classes of errors by code, where the code says more than the status."""
