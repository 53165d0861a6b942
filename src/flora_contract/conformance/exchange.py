"""Exchanges: one request and its response each, as plain data without secrets."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import SplitResult, parse_qsl, urlsplit

import orjson

from flora_contract.openapi.contract import JSON, Breach
from flora_contract.report.redaction import SECRET_HEADERS

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from flora_contract.openapi.behaviour import OperationBehaviour
    from flora_contract.report.redaction import Redactor


PLUMBING = frozenset(
    {
        "host",
        "connection",
        "accept-encoding",
        "content-length",
        "user-agent",
        "accept",
        "x-schemathesis-testcaseid",
    }
)
"""Request headers, in lower case, that whatever sends a request writes by itself."""


OVERHEAD = 2000
"""Bytes that an exchange takes beside its bodies."""


class _NotJson:
    """What stands for a body that is no JSON, since None is JSON."""

    def __repr__(self) -> str:
        return "NOT_JSON"


NOT_JSON: Final = _NotJson()


@dataclass(frozen=True)
class Credential:
    """Whose key a request carried, told apart without the key.

    `accepted` is True for a key that the server must know, False for one that it must refuse,
    and None where nobody knows, as in recorded traffic. `header` is the value as a shell would
    write it: the key is a variable. `solvent` is False for an account without credits.
    """

    name: str
    accepted: bool | None
    header: str | None
    solvent: bool = True


OWNER = Credential("owner", True, "Bearer $FLORA_API_KEY")
OTHER = Credential("other", True, "Bearer $FLORA_OTHER_API_KEY")
BROKE = Credential("broke", True, "Bearer $FLORA_BROKE_API_KEY", solvent=False)
ABSENT = Credential("no key", False, None)
UNKNOWN = Credential("unknown", None, "Bearer $FLORA_API_KEY")


@dataclass(frozen=True)
class RecordedRequest:
    """A request as it was sent, but for its key."""

    method: str
    url: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""

    def header(self, name: str) -> str | None:
        """The first header of that name, or None."""
        return _header(self.headers, name)

    @cached_property
    def query(self) -> dict[str, list[str]]:
        """Query parameters, decoded, in order of appearance."""
        query: dict[str, list[str]] = {}
        for name, value in parse_qsl(urlsplit(self.url).query, keep_blank_values=True):
            query.setdefault(name, []).append(value)
        return query

    @cached_property
    def json(self) -> Any:
        """The body as data, or NOT_JSON."""
        return _json(self.body)


@dataclass(frozen=True)
class RecordedResponse:
    """A response as it came, but for keys: `leaked` says that it showed one."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    leaked: bool = False

    def header(self, name: str) -> str | None:
        """The first header of that name, or None."""
        return _header(self.headers, name)

    @cached_property
    def json(self) -> Any:
        """The body as data, or NOT_JSON."""
        return _json(self.body)


def weight(request: RecordedRequest, response: RecordedResponse | None) -> int:
    """Bytes of both bodies, and some for what is always there."""
    return OVERHEAD + len(request.body) + (len(response.body) if response is not None else 0)


@dataclass(frozen=True, eq=False)
class Exchange:
    """One request, and its response or the reason why there is none.

    `number` counts from 1 in the order in which they were recorded. `started` and `elapsed` are
    seconds, the first since the ledger was opened. `origin` names what made the request; a `staged`
    answer is one that the mock was told to give, and says nothing of what it keeps.
    """

    number: int
    request: RecordedRequest
    credential: Credential
    operation: OperationBehaviour | None
    path_parameters: Mapping[str, str] = field(default_factory=dict)
    response: RecordedResponse | None = None
    failure: str | None = None
    started: float = 0.0
    elapsed: float = 0.0
    origin: str = ""
    staged: bool = False

    @property
    def operation_id(self) -> str | None:
        """Its operation's id; None for a request to no operation."""
        return self.operation.id if self.operation is not None else None

    @cached_property
    def key(self) -> str | None:
        """The key that names the request, where its operation takes one."""
        stated = self.operation.idempotency if self.operation is not None else None
        return self.request.header(stated.header) if stated is not None else None

    @cached_property
    def breaches(self) -> list[Breach]:
        """What the contract has against the request: its body, its query, its path."""
        if self.operation is None:
            return []
        endpoint = self.operation.endpoint
        query = endpoint.read_query(urlsplit(self.request.url).query).values
        found = endpoint.parameter_breaches({**endpoint.read_path(self.path_parameters), **query})
        if self.request.json is not NOT_JSON:
            return [*endpoint.body_breaches(self.request.json), *found]
        if endpoint.takes_body and (self.request.body or endpoint.needs_body):
            found.insert(0, Breach("body", (), "json", "it is not JSON", None, {}))
        return found

    @property
    def is_mislabelled(self) -> bool:
        """Whether a body is sent under another media type than the operation takes."""
        told = (self.request.header("content-type") or JSON).partition(";")[0].strip().lower()
        takes_body = self.operation is not None and self.operation.endpoint.takes_body
        return takes_body and told != JSON

    @property
    def status(self) -> int | None:
        """Status of the response; None when there is none."""
        return self.response.status if self.response is not None else None

    @property
    def weight(self) -> int:
        """About how many bytes it takes."""
        return weight(self.request, self.response)

    @property
    def succeeded(self) -> bool:
        """Whether the answer is of the 2xx kind."""
        return self.response is not None and 200 <= self.response.status < 300

    @property
    def decided(self) -> bool:
        """Whether the server has decided about the request: neither put it off nor failed over it.

        That a server fails is a finding of its own, whatever it was asked.
        """
        return self.status is not None and self.status != 429 and self.status < 500

    @property
    def answer(self) -> Any:
        """The response's body as data, or NOT_JSON."""
        return self.response.json if self.response is not None else NOT_JSON

    @property
    def answer_object(self) -> dict[str, Any]:
        """The response's body where it is an object, else an empty one."""
        return self.answer if isinstance(self.answer, dict) else {}

    @property
    def sent_object(self) -> dict[str, Any]:
        """The request's body where it is an object, else an empty one."""
        return self.request.json if isinstance(self.request.json, dict) else {}

    @property
    def ended(self) -> float:
        """When the response was there, in seconds since the ledger was opened."""
        return self.started + self.elapsed

    def before(self, other: Exchange) -> bool:
        """Whether this was answered before the other was asked."""
        return self.ended <= other.started

    def __str__(self) -> str:
        path = urlsplit(self.request.url)
        target = path.path + (f"?{path.query}" if path.query else "")
        return f"{self.request.method} {target} -> {self.status or self.failure}"


def without_secrets(
    status: int, headers: Collection[tuple[str, str]], body: bytes, redactor: Redactor
) -> RecordedResponse:
    """A response as it may be kept."""
    shown = [(n, v) for n, v in headers if n.lower() not in SECRET_HEADERS]
    kept = redactor.bytes(body)
    leaked = kept != body or any(redactor.text(value) != value for _, value in shown)
    return RecordedResponse(status, redactor.headers(headers), kept, leaked)


def at(value: Any, path: str) -> Any:
    """The value at a dotted path; None where there is none, or null."""
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return value


def url_parts(url: str) -> SplitResult:
    """The parts of a URL that an answer holds; all of them empty where it is none."""
    try:
        return urlsplit(url)
    except ValueError:
        return urlsplit("")


def _header(headers: tuple[tuple[str, str], ...], name: str) -> str | None:
    wanted = name.lower()
    return next((value for key, value in headers if key.lower() == wanted), None)


def _json(body: bytes) -> Any:
    if not body:
        return NOT_JSON
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return NOT_JSON


def seconds_asked(text: str) -> float | None:
    """What a Retry-After asks to wait: seconds, or until a date (RFC 9110, 10.2.3); else None."""
    if text.isascii() and text.isdecimal():
        return float(text)
    with suppress(ValueError, TypeError, OverflowError):
        return parsedate_to_datetime(text).timestamp() - time.time()
    return None
