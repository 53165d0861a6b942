"""Sending requests: one keep-alive client, everything recorded, nothing spent beyond the limit."""

from __future__ import annotations

import contextlib
import email.utils
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import httpx
import orjson

from flora_contract.conformance.contract import CREATE, JSON
from flora_contract.conformance.exchange import (
    ABSENT,
    BROKE,
    OTHER,
    OWNER,
    PLUMBING,
    Credential,
    Exchange,
    Request,
    Response,
)
from flora_contract.conformance.ledger import Place
from flora_contract.conformance.oracles.transport import HUNG
from flora_contract.conformance.values import UNKNOWN_MODELS
from flora_contract.errors import UnreachableError
from flora_contract.report.redaction import SECRET_HEADERS, Redactor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from flora_contract.conformance.ledger import Ledger
    from flora_contract.conformance.settings import Settings

BACKOFFS = (1.0, 2.0, 4.0, 8.0)
"""Seconds to wait after a 429 without Retry-After, one by one."""

MAX_RETRY_AFTER = 60.0

ASSUMED_PRICES = {"image": 0.04}
"""US dollars for the first run of a type, as far as a document shows one (S001)."""

UNKNOWN_PRICE = 1.0
"""The same for every other type: rather too much than a run that goes beyond the limit."""


class NotTested(Exception):  # noqa: N818 - it is no error
    """Ends a scenario: the reason says what would be needed to test it."""


class Session:
    """Sends requests for the scenarios and records them in the ledger.

    `spent` is the sum of charged_cost over the runs started here, in US dollars; `given_up` are
    ids of runs that did not end in their time, and are waited for no more.
    """

    def __init__(self, settings: Settings, ledger: Ledger) -> None:
        self.settings = settings
        self.ledger = ledger
        self.origin = ""
        self.spent = 0.0
        self.creates = 0
        self.given_up: set[str] = set()
        self._prices = dict(ASSUMED_PRICES)  # the dearest run of each type so far
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

    # What scenarios say

    def key(self) -> str:
        """An Idempotency-Key that nobody has used."""
        with self._lock:
            self._keys += 1
            return f"conformance-{self._salt}-{self._keys}"

    def get_run(self, run_id: str, credential: Credential = OWNER, **more: Any) -> Exchange:
        """GET /runs/{runId}."""
        return self.send("GET", f"/runs/{quote(run_id, safe='')}", credential, **more)

    def list(
        self,
        query: Mapping[str, str | int] | Iterable[tuple[str, str]] = (),
        credential: Credential = OWNER,
        **more: Any,
    ) -> Exchange:
        """GET /generations."""
        text = str(httpx.QueryParams(dict(query)))
        return self.send("GET", "/generations" + (f"?{text}" if text else ""), credential, **more)

    def together(self, calls: Iterable[Callable[[], object]]) -> None:
        """Make calls that depend on nothing of each other, `workers` of them at a time."""
        if self.settings.workers == 1:
            for call in calls:
                call()
            return
        with ThreadPoolExecutor(self.settings.workers) as pool:
            for made in [pool.submit(call) for call in calls]:
                made.result()

    def create(
        self,
        body: Any,
        credential: Credential = OWNER,
        *,
        path: str = "/generate",
        key: str | None = "",
        paid: bool = False,
        content_type: str | None = JSON,
        authorization: str | None = None,
    ) -> Exchange:
        """POST a generation. `key` is fresh when empty, left out when None.

        `paid` says that the request may start a run: it is counted, and held back when the
        profile or the spending limit forbids it. Raises NotTested then.
        """
        if self.settings.profile == "read-only":
            raise NotTested("needs --profile free or full")
        content = body if isinstance(body, bytes) else orjson.dumps(body)
        request = Request("POST", self.settings.base_url + path, (), content)
        if paid or self._could_be_accepted(request, credential):
            self.allow_spending(_kind(request))
        headers = {"Content-Type": content_type} if content_type is not None else {}
        if key is not None:
            headers["Idempotency-Key"] = key or self.key()
        return self.send(
            "POST",
            path,
            credential,
            content=content,
            headers=headers,
            authorization=authorization,
        )

    def allow_spending(self, kind: str) -> None:
        """Raises NotTested unless one more run of a type may be started."""
        if self.settings.profile != "full":
            raise NotTested("needs --profile full")
        limit, price = self.settings.max_spend, self._prices.get(kind, UNKNOWN_PRICE)
        if limit is not None and self.spent + price > limit:
            raise NotTested("needs a higher --max-spend")

    def _could_be_accepted(self, request: Request, credential: Credential) -> bool:
        """Whether nothing about a request says that it must be refused.

        A scenario says itself when it means to pay. This is for the one that forgot to.
        """
        operation, _ = self.ledger.contract.match("POST", request.url, self.settings.base_url)
        sent = request.json
        if operation is None or not isinstance(sent, dict) or sent.get("model") in UNKNOWN_MODELS:
            return False
        facts = self.ledger.facts
        own = {OWNER: (facts.home, facts.second), OTHER: (facts.foreign,)}.get(credential, ())
        place = Place(str(sent.get("workspace_id")), str(sent.get("project_id")))
        return place in own and not self.ledger.contract.operations[operation].request_breaches(
            request, {}
        )

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
        operation, _ = self.ledger.contract.match(method, url, self.settings.base_url)
        if operation is not None and self._broken.get(operation, 0) > 0:
            raise NotTested(f"{operation} gave no answer before")
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
        for wait in (*BACKOFFS, None):
            exchange = self._once(request, credential)
            if exchange.status != 429 or not retry or wait is None:
                break
            time.sleep(_retry_after(exchange, wait))
        self._count(exchange)
        return exchange

    def _once(self, request: httpx.Request, credential: Credential) -> Exchange:
        started = self.clock()
        response: Response | None = None
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
            Request(
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
        if failure is not None and exchange.operation is not None:
            with self._lock:
                self._broken[exchange.operation] = self._broken.get(exchange.operation, 0) + 1
        return exchange

    def _answer(self, request: httpx.Request) -> Response:
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
        return Response(
            answer.status_code,
            self._redactor.headers(answer.headers.items()),
            self._redactor.bytes(body),
        )

    def _count(self, exchange: Exchange) -> None:
        """Add a run that was started, and what it costs."""
        started = exchange.operation in CREATE and exchange.succeeded
        if not started or exchange in self.ledger.replayed:
            return
        cost = exchange.answer_object.get("charged_cost")
        with self._lock:
            self.creates += 1
            if isinstance(cost, int | float) and not isinstance(cost, bool):
                self.spent += cost
                kind = _kind(exchange.request)
                self._prices[kind] = max(self._prices.get(kind, 0.0), cost)


def _kind(request: Request) -> str:
    """The type of run that a request asks for; empty where it has none."""
    return str(request.json.get("type", "")) if isinstance(request.json, dict) else ""


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


__all__ = ["ABSENT", "BROKE", "OTHER", "OWNER", "NotTested", "Session", "wrong_credentials"]
