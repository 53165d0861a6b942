"""Sending requests: one keep-alive client, everything recorded, nothing spent beyond the limit."""

from __future__ import annotations

import contextlib
import random
import statistics
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from importlib.metadata import version
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import httpx
import orjson

from flora_contract.conformance.coverage import SentPairs
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
    seconds_asked,
    without_secrets,
)
from flora_contract.conformance.oracle import number
from flora_contract.conformance.oracles.answers import HUNG
from flora_contract.conformance.values import is_unknown
from flora_contract.errors import UnreachableError
from flora_contract.openapi.contract import JSON
from flora_contract.report.redaction import SECRET_HEADERS, Redactor
from flora_contract.report.terminal import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from flora_contract.conformance.ledger import Ledger
    from flora_contract.conformance.settings import CheckSettings
    from flora_contract.openapi.behaviour import OperationBehaviour

AGENT = f"flora-contract/{version('flora-client')}"

BACKOFFS = (1.0, 2.0, 4.0, 8.0)
"""Seconds to wait after a 429 without Retry-After, one by one."""

MAX_RETRY_AFTER = 60.0
"""Seconds that a server may ask to wait; a run does not wait longer."""

SLOW, MANY, TYPICAL = 0.05, 8, 32
"""Where so many answers took these seconds (their median), so many requests go out at once."""

RESTART = 1.0
"""Seconds that a server has to start again."""

PACKING = frozenset({"content-encoding", "content-length"})

LONGEST = 1 << 26
"""Bytes of an answer, unpacked, after which no more is read."""

UNKNOWN_PRICE = 1.0
"""US dollars for what is not known to cost less: rather too much than beyond the limit."""

PAID, THOROUGH = 20, 200
"""So many requests that cost money are made, and no more, by default and under --thorough."""

RESERVED = 5
"""Of these, those that steps make besides the cases of the plan."""

NO_USED_KEY = "needs a key that another account has used"

REPEATED = 5
"""So many repetitions of a used key may be charged before they are given up."""


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
    are ids of what did not come to its end in time, and is waited for no more. `salt` makes values
    differ from those of every other run; `pairs` are the cases of the plan that were sent. Steps
    that wait ask `is_over` whether they still need to.
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
        self.salt = f"{settings.seed:x}-{time.time_ns():x}"
        self.pairs = SentPairs()
        self._redactor = Redactor(settings.secrets)
        self._broken: dict[str, int] = {}
        self.is_over: Callable[[], bool] = lambda: False
        self._opened = time.monotonic()
        self._lock = threading.Lock()
        self._clients: dict[str, httpx.Client] = {}
        self._headers = {
            OWNER.name: settings.api_key,
            OTHER.name: settings.other_api_key,
            BROKE.name: settings.broke_api_key,
        }

    def close(self) -> None:
        """Close the connections."""
        for client in self._clients.values():
            client.close()

    @property
    def known(self) -> list[Credential]:
        """The accounts whose keys were given."""
        return [c for c in (OWNER, OTHER, BROKE) if self._headers[c.name] is not None]

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
            return f"conformance-{self.salt}-{self._keys}"

    def send_again(self, made: Exchange) -> Exchange:
        """Send a request once more, word for word."""
        path = made.request.url.removeprefix(self.settings.base_url)
        return self.send(
            made.request.method,
            path,
            made.credential,
            content=made.request.body,
            headers=dict(made.request.headers),
        )

    def key_of_another(self, credential: Credential) -> str:
        """A key under which another account has made something. Raises NotTested for none."""
        for key, uses in self.ledger.uses.items():
            users = {e.credential for e in uses}
            if (
                credential not in users
                and users & {OWNER, OTHER}
                and any(e.succeeded for e in uses)
            ):
                return key
        raise NotTested(NO_USED_KEY)

    def ask(
        self,
        call: PlannedRequest,
        credential: Credential = OWNER,
        *,
        key: str | None = "",
        authorization: str | None = None,
        staged: bool = False,
    ) -> Exchange:
        """Send a call. Its `key` is fresh when empty, left out when None or where none is taken.

        `staged` says that the mock will answer as it was told.
        """
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
            staged=staged,
        )

    def together(self, calls: Iterable[Callable[[], object]]) -> None:
        """Make calls that depend on nothing of each other, `workers` of them at a time."""
        if self.workers == 1:
            for call in calls:
                call()
            return
        with ThreadPoolExecutor(self.workers) as pool:
            for made in [pool.submit(call) for call in calls]:
                made.result()

    @property
    def workers(self) -> int:
        """How many requests are under way at once: one, unless answers take their time."""
        if self.settings.workers is not None:
            return self.settings.workers
        seen = [e.elapsed for e in self.ledger.exchanges[-TYPICAL:] if e.response is not None]
        limited = any(e.status == 429 and not e.staged for e in self.ledger.exchanges[-TYPICAL:])
        return MANY if seen and not limited and statistics.median(seen) > SLOW else 1

    # What may be sent

    def price(self, value: str) -> float:
        """What a request may cost, by the value that decides it."""
        return self._prices.get(value, UNKNOWN_PRICE)

    @property
    def most_creates(self) -> int:
        """How many requests may be charged."""
        return THOROUGH if self.settings.thorough else PAID

    def share(self, operation: OperationBehaviour) -> int:
        """How many cases of an operation that costs money may be sent, besides what is reserved."""
        paid = [o for o in self.behaviour.with_role("create") if o.charges is not None]
        turn = (paid.index(operation) + self.settings.seed) % len(paid)
        each, more = divmod(self.most_creates - RESERVED, len(paid))
        return each + (turn < more)

    def allow_spending(self, value: str, extra: int = 0) -> None:
        """Raises NotTested unless one more request may be charged."""
        if self.settings.profile != "full":
            raise NotTested("needs --profile full")
        limit = self.settings.max_spend
        if limit is not None and self.spent + self.price(value) > limit:
            raise NotTested("needs a higher --max-spend")
        if self.creates >= self.most_creates + extra:
            raise NotTested("needs --thorough")

    def _check(self, request: httpx.Request, credential: Credential) -> str | None:
        """Id of the operation of a request. Raises NotTested where it may not be sent.

        What costs money is held back unless something about it says that it must be refused.
        """
        if request.method not in {"GET", "HEAD"} and self.settings.profile == "read-only":
            raise NotTested("needs --profile free or full")
        headers = tuple(request.headers.items())
        told = RecordedRequest(request.method, str(request.url), headers, request.content)
        planned = self.ledger.exchange_of(told, credential)
        charges = planned.operation.charges if planned.operation is not None else None
        if charges is not None and self.could_be_accepted(planned):
            self.allow_spending(_value(planned), REPEATED if self._repeats(planned) else 0)
            request.extensions["once"] = planned.key is None
        return planned.operation_id

    def _repeats(self, planned: Exchange) -> bool:
        """Whether a request names itself by a key under which the account has made something."""
        return any(
            e.succeeded and e.credential == planned.credential and e.operation is planned.operation
            for e in self.ledger.uses.get(planned.key or "", ())
        )

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
        staged: bool = False,
    ) -> Exchange:
        """Send one request and record it; on 429, wait as told and send it again.

        `authorization` replaces the credential's own header. Raises NotTested when the operation
        has failed to answer before or time is up, UnreachableError when no connection can be made
        at first, or twice later on.
        """
        if self.time_is_up:
            raise NotTested("needs more --time-budget")
        url = path if path.startswith("http") else self.settings.base_url + path
        sent = dict(headers or {})
        if authorization is None and (own := self._headers.get(credential.name)):
            authorization = f"Bearer {own}"
        request = self._client(credential).build_request(
            method,
            url,
            content=content,
            headers={**sent, **({"Authorization": authorization} if authorization else {})},
        )
        operation = None if staged else self._check(request, credential)
        if operation is not None and self._broken.get(operation, 0) > 0:
            raise NotTested(f"{operation} gave no answer before")
        for wait in (*BACKOFFS, None):
            exchange = self._once(request, credential, staged=staged)
            if exchange.status != 429 or staged or wait is None:
                break
            asked = _retry_after(exchange, wait)
            if asked > MAX_RETRY_AFTER:
                raise NotTested(f"needs a server that does not ask to wait {asked:.0f} s")
            time.sleep(asked)
        if not staged:
            self._count(exchange)
        return exchange

    def _once(self, request: httpx.Request, credential: Credential, *, staged: bool) -> Exchange:
        started = self.clock()
        response: RecordedResponse | None = None
        failure: str | None = None
        try:
            response = self._connected(request, credential)
        except httpx.TimeoutException:
            failure = f"{HUNG} ({self.settings.timeout:g} s)"
        except httpx.HTTPError as error:
            failure = printable(f"broken answer: {error or type(error).__name__}")
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
            staged=staged,
        )
        if failure is not None and exchange.operation_id is not None:
            with self._lock:
                self._broken[exchange.operation_id] = self._broken.get(exchange.operation_id, 0) + 1
        return exchange

    def _client(self, credential: Credential) -> httpx.Client:
        """Each account keeps its own cookies; who has no key, or a wrong one, tries the owner's."""
        name = credential.name if credential.accepted else OWNER.name
        if name not in self._clients:
            self._clients[name] = httpx.Client(
                timeout=self.settings.timeout,
                trust_env=False,
                # Reading the certificates takes longer than most answers.
                verify=self.settings.base_url.startswith("https:"),
                headers={
                    "User-Agent": AGENT,
                    "Accept": JSON,
                    "Accept-Encoding": "gzip",
                },
            )
        return self._clients[name]

    def _connected(self, request: httpx.Request, credential: Credential) -> RecordedResponse:
        """The answer. A server that is not there once may be starting again."""
        client = self._client(credential)
        try:
            return self._answer(request, client)
        except httpx.ConnectError as error:
            if self.ledger.exchanges:
                time.sleep(RESTART)
                with contextlib.suppress(httpx.ConnectError):
                    return self._answer(request, client)
            origin = f"{request.url.scheme}://{request.url.netloc.decode()}"
            raise UnreachableError(f"{origin} cannot be reached: {error}") from None
        except (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError):
            # The server may close an idle connection at the moment at which it is used again.
            # What it may have charged for, and has no key to tell, is not sent twice.
            if not request.extensions.get("reused") or request.extensions.get("once"):
                raise
            return self._answer(request, client)

    def _answer(self, request: httpx.Request, client: httpx.Client) -> RecordedResponse:
        """The whole answer. httpx limits the wait for each piece, this the wait for all."""
        deadline = time.monotonic() + (self.settings.timeout or 0.0)
        request.extensions["reused"] = True
        request.extensions["trace"] = partial(_note_connection, request.extensions)
        answer = client.send(request, stream=True)
        request.extensions["reused"] = False  # what happens now is not a matter of the connection
        try:
            body = bytearray()
            for piece in answer.iter_bytes():
                body += piece
                if time.monotonic() > deadline:
                    raise httpx.ReadTimeout("it comes too slowly", request=request)
                if len(body) > LONGEST:
                    raise httpx.DecodingError(f"more than {LONGEST} bytes", request=request)
        finally:
            answer.close()
        packed = "content-encoding" in answer.headers  # then its length is not the body's
        headers = [(n, v) for n, v in answer.headers.items() if not packed or n not in PACKING]
        return without_secrets(answer.status_code, headers, bytes(body), self._redactor)

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


def _note_connection(extensions: dict[str, Any], event: str, _info: object) -> None:
    if event == "connection.connect_tcp.started":
        extensions["reused"] = False


def _is_ours(name: str) -> bool:
    return name.lower() not in PLUMBING | SECRET_HEADERS


def _retry_after(exchange: Exchange, default: float) -> float:
    """Seconds that a 429 asks to wait: a number or an HTTP date (RFC 9110, 10.2.3)."""
    text = exchange.response.header("retry-after") if exchange.response is not None else None
    asked = seconds_asked(text) if text is not None else None
    return default if asked is None else max(asked, 0.0)
