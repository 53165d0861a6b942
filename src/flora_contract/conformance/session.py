"""Sending requests: one keep-alive client, everything recorded, nothing spent beyond the limit."""

from __future__ import annotations

import contextlib
import email.utils
import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import httpx
import orjson

from flora_contract.conformance.exchange import (
    BROKE,
    NOT_JSON,
    OTHER,
    OWNER,
    PLUMBING,
    Credential,
    Exchange,
    RecordedRequest,
    RecordedResponse,
    at,
)
from flora_contract.conformance.oracle import number
from flora_contract.conformance.oracles.answers import HUNG
from flora_contract.conformance.values import is_unknown
from flora_contract.errors import UnreachableError
from flora_contract.openapi.contract import JSON
from flora_contract.report.redaction import SECRET_HEADERS, Redactor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from flora_contract.conformance.ledger import Ledger
    from flora_contract.conformance.settings import CheckSettings
    from flora_contract.openapi.behaviour import OperationBehaviour

BACKOFFS = (1.0, 2.0, 4.0, 8.0)
"""Seconds to wait after a 429 without Retry-After, one by one."""

MAX_RETRY_AFTER = 60.0

UNKNOWN_PRICE = 1.0
"""US dollars for what is not known to cost less: rather too much than beyond the limit."""

PAID = 20
"""So many requests that cost money are made, and no more."""


@dataclass(frozen=True)
class PlannedRequest:
    """A request that is not sent yet: an operation, and each value by its place.

    A body that is bytes is sent as it is, and none where it is NOT_JSON.
    """

    operation: OperationBehaviour
    path: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, Any] = field(default_factory=dict)
    body: Any = NOT_JSON

    def asking(self, **query: Any) -> PlannedRequest:
        """The same with more in its query; None leaves a parameter out."""
        whole = {**self.query, **query}
        return replace(self, query={k: v for k, v in whole.items() if v is not None})

    def sending(self, **members: Any) -> PlannedRequest:
        """The same with other members in its body; `...` leaves one out."""
        whole = {**self.body, **members}
        return replace(self, body={k: v for k, v in whole.items() if v is not ...})

    @property
    def target(self) -> str:
        """Path and query as they are sent."""
        path = self.operation.endpoint.path
        for name, value in self.path.items():
            path = path.replace(f"{{{name}}}", quote(value, safe=""))
        query = str(httpx.QueryParams(dict(self.query)))
        return f"{path}?{query}" if query else path


class NotTested(Exception):  # noqa: N818 - it is no error
    """Ends a step: the reason says what would be needed to test it."""


class Session:
    """Sends requests for the steps of the plan and records them in the ledger.

    `spent` is the sum of what was charged here, in US dollars, and `creates` how often; `given_up`
    are ids of what did not come to its end in time, and is waited for no more.
    """

    def __init__(self, settings: CheckSettings, ledger: Ledger) -> None:
        self.settings = settings
        self.ledger = ledger
        self.behaviour = ledger.behaviour
        self.chance = random.Random(settings.seed)  # noqa: S311 - values of requests
        self.origin = ""
        self.spent = 0.0
        self.creates = 0
        self.given_up: set[str] = set()
        self._prices: dict[str, float] = {}  # the dearest so far, by what decides the price
        for operation in self.behaviour.operations.values():
            if operation.charges is not None:
                self._prices |= operation.charges.assumed
        self._keys = 0
        self._salt = f"{settings.seed:x}-{time.time_ns():x}"
        self._redactor = Redactor(settings.secrets)
        self._broken: dict[str, int] = {}
        self._opened = time.monotonic()
        self._lock = threading.Lock()
        self._client = httpx.Client(
            timeout=settings.timeout,
            trust_env=False,
            # Reading the certificates takes longer than most answers.
            verify=settings.base_url.startswith("https:"),
        )
        self._headers = {
            OWNER.name: settings.api_key,
            OTHER.name: settings.other_api_key,
            BROKE.name: settings.broke_api_key,
        }

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def clock(self) -> float:
        """Seconds since the session was opened."""
        return time.monotonic() - self._opened

    @property
    def time_is_up(self) -> bool:
        """Whether nothing more may be sent."""
        budget = self.settings.time_budget
        return budget is not None and self.clock() > budget

    # What steps say

    def key(self) -> str:
        """A key that nobody has used, to name a request."""
        with self._lock:
            self._keys += 1
            return f"conformance-{self._salt}-{self._keys}"

    def ask(
        self,
        call: PlannedRequest,
        credential: Credential = OWNER,
        *,
        key: str | None = "",
        authorization: str | None = None,
    ) -> Exchange:
        """Send a call. Its `key` is fresh when empty, left out when None or where none is taken."""
        body = call.body
        content = (
            b"" if body is NOT_JSON else body if isinstance(body, bytes) else orjson.dumps(body)
        )
        headers = {} if body is NOT_JSON else {"Content-Type": JSON}
        if call.operation.idempotency is not None and key is not None:
            headers[call.operation.idempotency.header] = key or self.key()
        return self.send(
            call.operation.endpoint.method,
            call.target,
            credential,
            content=content,
            headers=headers,
            authorization=authorization,
        )

    def together(self, calls: Iterable[Callable[[], object]]) -> None:
        """Make calls that depend on nothing of each other, `workers` of them at a time."""
        if self.settings.workers == 1:
            for call in calls:
                call()
            return
        with ThreadPoolExecutor(self.settings.workers) as pool:
            for made in [pool.submit(call) for call in calls]:
                made.result()

    # What may be sent

    def price(self, value: str) -> float:
        """What a request may cost, by the value that decides it."""
        return self._prices.get(value, UNKNOWN_PRICE)

    def allow_spending(self, value: str) -> None:
        """Raises NotTested unless one more request may be charged."""
        if self.settings.profile != "full":
            raise NotTested("needs --profile full")
        limit = self.settings.max_spend
        if limit is not None and self.spent + self.price(value) > limit:
            raise NotTested("needs a higher --max-spend")
        if self.creates >= PAID:
            raise NotTested(f"needs more than {PAID} requests that are charged")

    def _check(self, request: httpx.Request, credential: Credential) -> str | None:
        """Id of the operation of a request. Raises NotTested where it may not be sent.

        What costs money is held back unless something about it says that it must be refused.
        """
        if request.method not in {"GET", "HEAD"} and self.settings.profile == "read-only":
            raise NotTested("needs --profile free or full")
        told = RecordedRequest(request.method, str(request.url), (), request.content)
        planned = self.ledger.exchange_of(told, credential)
        charges = planned.operation.charges if planned.operation is not None else None
        if charges is not None and self.could_be_accepted(planned):
            self.allow_spending(_value(planned))
        return planned.operation_id

    def could_be_accepted(self, planned: Exchange) -> bool:
        """Whether nothing about a request says that it must be refused."""
        credential, operation = planned.credential, planned.operation
        if credential not in {OWNER, OTHER} or operation is None or planned.breaches:
            return False
        needed = {
            m for m in (operation.resource.references if operation.resource else {})
            if (found := operation.endpoint.request_members.get(m)) and found.required
        }  # fmt: skip
        uncertain = {
            member
            for member, kind, id_ in self.ledger.references(planned)
            if is_unknown(kind.kind, id_)
            or (member in needed and not self.ledger.knows(kind, id_, credential))
        }
        return not uncertain

    # How it is sent

    def send(
        self,
        method: str,
        path: str,
        credential: Credential,
        *,
        content: bytes = b"",
        headers: Mapping[str, str] | None = None,
        authorization: str | None = None,
        retry: bool = True,
    ) -> Exchange:
        """Send one request and record it; on 429, wait as told and send it again.

        `authorization` replaces the credential's own header. Raises NotTested when the operation
        has failed to answer before or time is up, UnreachableError when no first connection can
        be made.
        """
        if self.time_is_up:
            raise NotTested("needs more --time-budget")
        url = path if path.startswith("http") else self.settings.base_url + path
        sent = dict(headers or {})
        if authorization is None and (own := self._headers.get(credential.name)):
            authorization = f"Bearer {own}"
        request = httpx.Request(
            method,
            url,
            content=content,
            headers={**sent, **({"Authorization": authorization} if authorization else {})},
            extensions={"timeout": httpx.Timeout(self.settings.timeout).as_dict()},
        )
        operation = self._check(request, credential)
        if operation is not None and self._broken.get(operation, 0) > 0:
            raise NotTested(f"{operation} gave no answer before")
        for wait in (*BACKOFFS, None):
            exchange = self._once(request, credential)
            if exchange.status != 429 or not retry or wait is None:
                break
            time.sleep(_retry_after(exchange, wait))
        self._count(exchange)
        return exchange

    def _once(self, request: httpx.Request, credential: Credential) -> Exchange:
        started = self.clock()
        response: RecordedResponse | None = None
        failure: str | None = None
        try:
            response = self._answer(request)
        except httpx.ConnectError as error:
            if not self.ledger.exchanges:
                origin = f"{request.url.scheme}://{request.url.netloc.decode()}"
                raise UnreachableError(f"{origin} cannot be reached: {error}") from None
            failure = f"no connection: {error}"
        except httpx.TimeoutException:
            failure = f"{HUNG} ({self.settings.timeout:g} s)"
        except httpx.HTTPError as error:
            failure = f"broken answer: {error or type(error).__name__}"
        headers = [(k, v) for k, v in request.headers.items() if _is_ours(k)]
        exchange = self.ledger.record(
            RecordedRequest(
                request.method,
                str(request.url),
                self._redactor.headers(headers),
                self._redactor.bytes(request.content),
            ),
            response,
            credential=credential,
            failure=failure,
            started=started,
            elapsed=self.clock() - started,
            origin=self.origin,
        )
        if failure is not None and exchange.operation_id is not None:
            with self._lock:
                self._broken[exchange.operation_id] = self._broken.get(exchange.operation_id, 0) + 1
        return exchange

    def _answer(self, request: httpx.Request) -> RecordedResponse:
        """The whole answer. httpx limits the wait for each piece, this the wait for all."""
        deadline = time.monotonic() + (self.settings.timeout or 0.0)
        answer = self._client.send(request, stream=True)
        try:
            body = b""
            for piece in answer.iter_bytes():
                body += piece
                if time.monotonic() > deadline:
                    raise httpx.ReadTimeout("it comes too slowly", request=request)
        finally:
            answer.close()
        return RecordedResponse(
            answer.status_code,
            self._redactor.headers(answer.headers.items()),
            self._redactor.bytes(body),
        )

    def _count(self, exchange: Exchange) -> None:
        """Add what was charged."""
        charges = exchange.operation.charges if exchange.operation is not None else None
        if charges is None or not exchange.succeeded or exchange in self.ledger.replayed:
            return
        cost = number(at(exchange.answer, charges.cost))
        with self._lock:
            self.creates += 1
            if cost is not None:
                self.spent += cost
                value = _value(exchange)
                self._prices[value] = max(self._prices.get(value, 0.0), cost)


def _value(exchange: Exchange) -> str:
    """What decides the price of a request; empty where nothing does."""
    charges = exchange.operation.charges if exchange.operation is not None else None
    by = charges.by if charges is not None else None
    return str(at(exchange.sent_object, by) or "") if by is not None else ""


def _is_ours(name: str) -> bool:
    return name.lower() not in PLUMBING | SECRET_HEADERS


def _retry_after(exchange: Exchange, default: float) -> float:
    """Seconds that a 429 asks to wait: a number or an HTTP date (RFC 9110, 10.2.3)."""
    text = exchange.response.header("retry-after") if exchange.response is not None else None
    wait = default
    if text is not None:
        with contextlib.suppress(ValueError, TypeError):
            wait = float(text) if text.isdecimal() else _seconds_until(text)
    return min(max(wait, 0.0), MAX_RETRY_AFTER)


def _seconds_until(date: str) -> float:
    return email.utils.parsedate_to_datetime(date).timestamp() - time.time()


def wrong_credentials(api_key: str) -> list[tuple[Credential, str]]:
    """Near misses of a key, each with the header that carries it."""
    flipped = api_key[:-1] + ("0" if api_key[-1:] != "0" else "1")
    capitals = api_key.upper() if api_key.upper() != api_key else api_key.lower()
    return [
        (
            Credential("wrong key", False, "Bearer sk_conformance_wrong"),
            "Bearer sk_conformance_wrong",
        ),
        (Credential("shortened key", False, "Bearer ${FLORA_API_KEY%?}"), f"Bearer {api_key[:-1]}"),
        (Credential("lengthened key", False, "Bearer ${FLORA_API_KEY}x"), f"Bearer {api_key}x"),
        (Credential("changed key", False, "Bearer ${FLORA_API_KEY%?}0"), f"Bearer {flipped}"),
        (Credential("key in capitals", False, "Bearer ${FLORA_API_KEY^^}"), f"Bearer {capitals}"),
        (Credential("other scheme", False, "Basic $FLORA_API_KEY"), f"Basic {api_key}"),
        (Credential("no scheme", False, "$FLORA_API_KEY"), api_key),
        (Credential("empty key", False, "Bearer"), "Bearer"),
    ]
