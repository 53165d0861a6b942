"""What generated code says of an operation: plain values, made from the contract and its hints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, Literal, TypedDict, TypeVar

from attrs import field, frozen

from flora_runtime.paths import at_path, is_array, text_at

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

    idempotency_key: str | None
    """Made up for each call when left out."""
    expected_cost: Decimal | float | str
    """What `spend_limit` counts until the answer tells."""


class CallOptions(RequestOptions, total=False):
    """What any call takes beside its arguments."""

    timeout: float
    """Seconds for each attempt."""


class KeyedCallOptions(CallOptions, KeyedRequestOptions, total=False):
    """The same for a call that can be repeated safely."""


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
    """The operation makes something that has an id; where its answer says what of it.

    Here and below, where a value stands is a dotted path of keys.
    """

    kind: str
    """What people call it, such as `run`."""
    id: str
    moves: bool = False
    """Whether it goes on by itself, and can be waited for."""
    cost: str | None = None
    estimate: str | None = None
    """Seconds that it may take."""
    link: str | None = None
    """A URL where it can be looked at."""
    window: float = 7200.0
    """Seconds for which the key of a create counts, or for which it is thought of without one."""
    parents: Mapping[str, str] = field(factory=dict[str, str])
    """Arguments besides its id with which it is looked at, and the members of this request."""

    def told(self, made_id: str) -> str:
        """What there is to know of one that was made, for people."""
        went = "was started, and goes on" if self.moves else "was made"
        return f"{named(self.kind, made_id)} {went}"


@frozen
class Polling:
    """The operation looks at what moves by itself; where its answer says what of it."""

    kind: str
    """What people call it, such as `run`."""
    argument: str
    """The argument that takes its id."""
    id: str
    resume: str
    """How one writes waiting for it, such as `generations.wait`."""
    status: str
    moving: tuple[str, ...]
    completed: tuple[str, ...]
    failed: tuple[str, ...]
    progress: str | None = None
    cost: str | None = None
    error_code: str | None = None
    error_message: str | None = None


def named(kind: str, its_id: str) -> str:
    """A thing by its kind and id: ids of different kinds may be alike."""
    return f"{kind} {its_id}"


@frozen
class Paging:
    """The operation lists, page by page where it takes a cursor or an offset."""

    items: str
    cursor: str | None = None
    """The argument that takes the cursor, and where the answer says that of the next page."""
    next: str | None = None
    offset: str | None = None
    """The argument that takes how many items are left out."""
    size: str | None = None
    """The argument that takes the most items of a page."""
    total: str | None = None
    """Where the answer says how many items there are."""


@frozen
class Referral:
    """What something that was made names shows more of the request: a run names its model, and the
    model its kind."""

    named: str
    """Where an item of the history names it."""
    list: ListOperation[Any]
    """Lists all that can be named."""
    id: str
    shows: Mapping[str, str]
    """Members of the create's request, and where what is named shows them."""

    @property
    def key(self) -> str:
        """Its name, as one key."""
        return self.list.name.replace(".", "_")

    def place(self, member: str) -> str:
        """Where an item shows a member of what it names, once that has been looked up."""
        return f"{REFERRED}.{self.key}.{member}"


REFERRED = "(referred)"
"""Key of an item under which there is what it names."""
MADE = "(made)"
"""Key under that one, of members of its request that its outputs tell."""


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
    tells: str | None = None
    """Member of the request that the family of its outputs is."""

    def told(self, run: Any) -> dict[str, str]:
        """What the outputs of a run tell of its request: all of them one thing, or nothing."""
        outputs = at_path(run, self.items)
        kinds = {text_at(one, self.kind) or "" for one in (outputs if is_array(outputs) else ())}
        families = {"text" if kind in self.text else self.families.get(kind) for kind in kinds}
        family = families.pop() if len(families) == 1 else None
        return {self.tells: family} if self.tells is not None and family is not None else {}


@frozen
class Recovery(Generic[T]):
    """How something is found again whose id was lost with the answer that named it."""

    history: ListOperation[Any]
    """Lists all of its kind, newest first or all at once."""
    id: str
    created: str
    arguments: Mapping[str, Any] = field(factory=dict[str, Any])
    """What the history is asked with besides: for pages as long as there are."""
    scope: Mapping[str, str] = field(factory=dict[str, str])
    """Arguments of the history, and the member of the create's request that each one takes."""
    shows: Mapping[str, str] = field(factory=dict[str, str])
    """Members of the create's request, and where an item shows them."""
    referrals: tuple[Referral, ...] = ()
    cost: str | None = None
    """Where an item shows what it costs."""
    made: Media | None = None
    """The outputs of an item, where they tell more of its request."""
    closer: ReadOperation[Any] | None = None
    """Looks at one by its id alone, and may show more of it than the history."""
    otherwise: Mapping[str, Any] = field(factory=dict[str, Any])
    """Members of the answer that the history does not tell."""


@frozen(kw_only=True)
class Operation(Generic[T]):
    """One operation of the API."""

    name: str
    """As it is called, such as `generations.create`."""
    method: str
    path: str
    result: Any
    """Type hint of the answer; of an item where the operation lists."""
    parameters: tuple[Parameter, ...] = ()
    media: str = "application/json"
    """Of the request's body, where it has one."""
    idempotency_header: str | None = None
    """Takes the key that makes repeating it safe."""


@frozen(kw_only=True)
class CreateOperation(Operation[T]):
    """One that makes something that has an id."""

    starts: Starts
    recovery: Recovery[T] | None = None


@frozen(kw_only=True)
class ReadOperation(Operation[T]):
    """One that looks at what moves by itself."""

    polling: Polling


@frozen(kw_only=True)
class ListOperation(Operation[T]):
    """One that lists."""

    paging: Paging


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
    idempotency_headers: tuple[str, ...] = ()
    """Of all operations that take a key; requests without a method use the first."""
    request_id_header: str | None = None
    error_code: str | None = None
    error_message: str | None = None
    error_fields: str | None = None
    """Where the list is of what is wrong with single fields."""
    error_field: tuple[str, str] = ("", "")
    """Members of its items: name of the field, and what is wrong."""
    error_classes: Mapping[str, type[Any]] = field(factory=dict[str, type[Any]])
    """Classes of errors by code, where the code says more than the status."""
