"""One call from arguments to answer. Written once for both clients.

Everything here is `async`, over an IO that either blocks and never suspends, or is asyncio's.
"""

from __future__ import annotations

import contextlib
import json
import logging
import platform
import time
from functools import cached_property
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from attrs import define, evolve, field, frozen

from flora_runtime.answers import data_of, error_of, request_id, text_of
from flora_runtime.bodies import as_json
from flora_runtime.codec import decode_answer, parse_json
from flora_runtime.credentials import Secret
from flora_runtime.errors import (
    APIConnectionError,
    APIError,
    APITimeoutError,
    DriftError,
    FloraError,
    InvalidArgumentError,
    RateLimitError,
    ResponseDecodingError,
)
from flora_runtime.exchange import IO, MOST_BYTES, Answer, HeldBackError, Request, send
from flora_runtime.ledger import Ledger, new_key
from flora_runtime.log import logger
from flora_runtime.model import Call
from flora_runtime.operation import ReadOperation, named
from flora_runtime.options import options_of
from flora_runtime.paths import at_path, text_at
from flora_runtime.request import Draft, checked_headers, draft, with_query
from flora_runtime.retry import (
    LONGEST_WAIT,
    CoolDown,
    backoff,
    delay_before_retry,
    is_unreadable,
    jittered,
    leaves_unclear,
)
from flora_runtime.tracing import span

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from flora_runtime.credentials import Key, Origin
    from flora_runtime.drift import Drift, DriftReporter
    from flora_runtime.history import Seen, Timings
    from flora_runtime.ledger import Create
    from flora_runtime.operation import Operation, Profile
    from flora_runtime.options import Options
    from flora_runtime.spend import Spend

T = TypeVar("T")
E = TypeVar("E", bound=ResponseDecodingError)

DEFAULT_RETRIES = 2
UNCLEAR_RETRIES = 5
"""Of a create that may have been accepted: only a clear answer tells, and its key makes asking
again harmless."""

_PLATFORM = (
    f"({platform.python_implementation()} {platform.python_version()};"
    f" {platform.system()} {platform.machine()})"
)

_SHORTEST_SECRET = 8
"""A shorter key is none, and could be part of any text."""


@frozen
class RawResponse(Generic[T]):
    """An answer as it came; `parse()` gives what the method itself would have returned."""

    status_code: int
    headers: Mapping[str, str]
    """Names are compared without regard to case."""
    content: bytes = field(repr=False)
    call: Call
    _value: T = field(repr=False)

    def parse(self) -> T:
        """The typed value."""
        return self._value

    def json(self) -> Any:
        """The body as plain data. Raises ValueError if it is no JSON."""
        return parse_json(self.content)

    @property
    def text(self) -> str:
        """The body as text."""
        return self.content.decode("utf-8", "replace")


class Starting(Protocol):
    """An operation that starts a run, under way."""

    @property
    def create(self) -> Create:
        """What is known of it."""
        ...

    def tries(self, *, now: bool) -> None:
        """Told when another attempt begins, and when one has ended without a clear answer."""
        ...

    def read(self, answer: Answer, call: Call) -> None:
        """Raises ResponseDecodingError for an answer that names no run."""
        ...


@define
class Shared:
    """What all copies of a client share."""

    spend: Spend
    drift: DriftReporter
    cool_down: CoolDown = field(factory=CoolDown)
    ledger: Ledger = field(factory=Ledger)
    referred: dict[str, dict[str | None, Any]] = field(factory=dict[str, "dict[str | None, Any]"])
    """What runs name, such as their models, by id."""

    @cached_property
    def timings(self) -> Timings:
        """When the runs of this client were created."""
        from flora_runtime.history import Timings

        return Timings()

    @cached_property
    def seen(self) -> Seen:
        """What the histories have shown."""
        from flora_runtime.history import Seen

        return Seen()


@frozen
class Session:
    """A client without its methods."""

    io: IO
    origin: Origin
    key: Key
    profile: Profile
    shared: Shared
    timeout: float
    max_retries: int | None
    headers: Mapping[str, str]
    query: Mapping[str, Any]
    strict: bool

    @property
    def user_agent(self) -> str:
        """How the client names itself."""
        return f"{self.profile.name}/{self.profile.version} {_PLATFORM}"

    async def call(
        self,
        operation: Operation[T],
        arguments: Mapping[str, Any],
        options: Options,
        *,
        path: str | None = None,
    ) -> RawResponse[T]:
        """Do an operation that starts nothing; elsewhere on the server where `path` says so.

        Raises FloraError.
        """
        if operation.idempotency_header is not None and options.idempotency_key is None:
            options = evolve(options, idempotency_key=new_key())
        outgoing = self.draft(operation, arguments, options)
        if path is not None:
            outgoing = evolve(outgoing, path=path)
        answer, call = await self.exchange(outgoing, options)
        data = self.data(answer, call, operation.result)
        self._note_cost(operation, data)
        return self.raw(operation, answer, call, data)

    def _note_cost(self, operation: Operation[Any], data: Any) -> None:
        """A run was looked at: its newest cost counts."""
        polling = operation.polling if isinstance(operation, ReadOperation) else None
        if polling is not None and polling.cost is not None:
            run = named(polling.kind, text_at(data, polling.id) or "")
            if self.shared.spend.counts(run):
                self.shared.spend.seen(run, at_path(data, polling.cost))

    async def request(
        self, method: str, path: str, query: Mapping[str, Any], body: Any, given: Mapping[str, Any]
    ) -> RawResponse[Any]:
        """Do something the contract does not name, with the same key, retries and errors."""
        answer, call = await self.other(method, path, query, body, given)
        try:
            value = data_of(answer)
        except ValueError:
            value = text_of(answer)
        return RawResponse(answer.status_code, answer.headers, answer.body, call, value)

    async def other(
        self,
        method: str,
        path: str,
        query: Mapping[str, Any],
        body: Any,
        given: Mapping[str, Any],
        *,
        stream: bool = False,
    ) -> tuple[Answer, Call]:
        """The answer to it; with `stream`, to be read by whoever asked."""
        self.origin.url(path)
        key_header = next(iter(self.profile.idempotency_headers), None)
        options = options_of(key_header, given)
        outgoing = Draft(
            name="request",
            method=method.upper(),
            path=with_query(path, self.query, {**query, **options.extra_query}),
            headers=checked_headers(_with_key(options, key_header)),
            body=None if body is None else as_json(body),
        )
        return await self.exchange(outgoing, evolve(options, stream=stream))

    def draft(
        self,
        operation: Operation[Any],
        arguments: Mapping[str, Any],
        options: Options,
        *,
        listed: bool = False,
    ) -> Draft:
        """The request of an operation. Raises InvalidArgumentError, but for no id that the API
        itself gave, or has `listed`: what it looks like is the API's to say."""
        headers = _with_key(options, operation.idempotency_header)
        query, body = options.extra_query, options.extra_body
        given = operation, arguments, headers, self.query, query, body
        try:
            return draft(*given)
        except InvalidArgumentError:
            if not isinstance(operation, ReadOperation):
                raise
            polling = operation.polling
            run_id = arguments.get(polling.argument)
            known = isinstance(run_id, str) and (
                listed or run_id in self.shared.ledger.handed_out(polling.kind, [run_id])
            )
            if not known:
                raise
            return draft(*given, trusted=polling.argument)

    # Attempts

    async def exchange(
        self, outgoing: Draft, options: Options, *, starting: Starting | None = None
    ) -> tuple[Answer, Call]:
        """Send, and send again where that can help and cannot harm, until an answer is success.

        Raises APIError, APIConnectionError, and ResponseDecodingError for a success without end.
        `may_have_started` of an error says whether any attempt was left without a clear answer.
        """
        with span(outgoing.name, outgoing.method, self.origin.base_url) as note:
            try:
                answer, call = await self._exchange(outgoing, options, starting)
            except APIError as error:
                note(error.status_code, error.attempts)
                raise
            note(call.status_code, call.attempts)
            return answer, call

    async def _exchange(
        self, outgoing: Draft, options: Options, starting: Starting | None
    ) -> tuple[Answer, Call]:
        harmless = outgoing.method in {"GET", "HEAD", "OPTIONS"}
        repeatable = harmless or options.idempotency_key is not None
        asked = self.max_retries if options.max_retries is None else options.max_retries
        attempts = _Attempts(
            options.idempotency_key, asked, starting, self._timeout(options), harmless=harmless
        )
        while True:
            await self._wait_out_cool_down(options, attempts)
            try:
                answer = await self._attempt(outgoing, options, attempts.number)
                call = self._call(answer, attempts.number, options)
                if starting is not None:
                    starting.read(answer, call)
            except HeldBackError:
                continue
            except (APIConnectionError, APIError, ResponseDecodingError) as error:
                delay = attempts.failed(error)
                if isinstance(error, RateLimitError) and delay is not None:
                    self.shared.cool_down.start(min(delay, error.retry_after or delay))
                if delay is None or attempts.number > attempts.retries or not repeatable:
                    raise
                kind = _kind(error)
                logger.debug("attempt %d failed (%s); next in %.2f s", attempts.number, kind, delay)
                await self._sleep(delay, options, error)
                attempts.again(error)
            else:
                return answer, call

    def _call(self, answer: Answer, attempt: int, options: Options) -> Call:
        """How an answer came about. Raises ResponseDecodingError for one without end."""
        call = Call(
            status_code=answer.status_code,
            attempts=attempt,
            request_id=request_id(answer, self.profile),
            idempotency_key=options.idempotency_key,
        )
        if not answer.is_whole:
            raise self.unreadable(f"it is longer than {MOST_BYTES} bytes", answer, call)
        return call

    async def _attempt(self, outgoing: Draft, options: Options, attempt: int) -> Answer:
        key = await self.key.read(self.io.settle)
        request = self._request(outgoing, options, key, attempt)
        answer = _without_echo(await send(self.io, request, stream=options.stream), key)
        if logger.isEnabledFor(logging.DEBUG):
            logger.debug(
                "%s %s: %d in %.3f s (attempt %d, request %s)",
                outgoing.method,
                outgoing.path.partition("?")[0],
                answer.status_code,
                answer.received - answer.sent,
                attempt,
                request_id(answer, self.profile),
            )
        if not 200 <= answer.status_code < 300:
            raise error_of(answer, self.profile)
        return answer

    def _request(self, outgoing: Draft, options: Options, key: str, attempt: int) -> Request:
        timeout = self._timeout(options)
        if options.deadline is not None:
            timeout = min(timeout, max(options.deadline - time.monotonic(), 0.001))
        headers = {
            "accept": "application/json",
            "accept-encoding": "gzip",
            "content-type": outgoing.media,
            "user-agent": self.user_agent,
            "x-retry-count": str(attempt - 1),
            "authorization": Secret(f"Bearer {key}"),
            **self.headers,
            **outgoing.headers,
        }
        if outgoing.body is None:
            del headers["content-type"]
        return Request(
            method=outgoing.method,
            url=self.origin.url(outgoing.path),
            headers=headers,
            body=outgoing.body,
            timeout=timeout,
            pace=self.shared.cool_down,
        )

    async def _wait_out_cool_down(self, options: Options, attempts: _Attempts) -> None:
        while (left := self.shared.cool_down.left()) > 0:
            error = APITimeoutError("a rate limit lasts longer than that.")
            error.never_sent = True
            attempts.tell(error, attempts.number - 1)
            if left > self._timeout(options):
                raise error
            await self._sleep(jittered(left), options, error)

    def _timeout(self, options: Options) -> float:
        return self.timeout if options.timeout is None else options.timeout

    async def _sleep(self, seconds: float, options: Options, otherwise: FloraError) -> None:
        """Sleep, unless that would cross the deadline of the call."""
        if options.deadline is not None and time.monotonic() + seconds >= options.deadline:
            raise otherwise
        await self.io.sleep(min(seconds, LONGEST_WAIT))

    # Answers

    def data(self, answer: Answer, call: Call, hint: Any = Any) -> Any:
        """The data of a success: JSON, but where the hint says bytes, text, or nothing.

        Raises ResponseDecodingError.
        """
        if hint is bytes or hint is None:
            return answer.body if hint is bytes else None
        if hint is str and answer.headers.get("content-type", "").startswith("text/"):
            return text_of(answer)
        try:
            return data_of(answer)
        except ValueError as error:
            raise self.unreadable(f"it is not JSON ({error})", answer, call) from None

    def raw(self, operation: Operation[T], answer: Answer, call: Call, data: Any) -> RawResponse[T]:
        """The answer with its typed value. Raises ResponseDecodingError."""
        drifts: list[Drift] = []
        try:
            value = decode_answer(operation.result, data, operation.name, drifts, call)
        except TypeError as error:
            raise self.unreadable(str(error), answer, call) from None
        if drifts:
            self.note(drifts, answer, call)
        return RawResponse(answer.status_code, answer.headers, answer.body, call, value)

    def note(self, drifts: list[Drift], answer: Answer, call: Call) -> None:
        """Report where an answer differs from the contract. Raises DriftError if strict."""
        self.shared.drift.tell(drifts)
        if drifts and self.strict:
            raise _described(DriftError, drifts, answer, call)

    def unreadable(self, problem: str, answer: Answer, call: Call) -> ResponseDecodingError:
        """The error of a success that makes no sense."""
        return _described(ResponseDecodingError, problem, answer, call)


@define
class _Attempts:
    """The attempts at one request."""

    key: str | None
    asked: int | None
    """Repetitions that the caller wants at most."""
    starting: Starting | None
    timeout: float
    harmless: bool
    number: int = 1
    unclear: bool = False
    """Whether any of them may have been accepted, for all that its answer tells."""

    @property
    def retries(self) -> int:
        """Repetitions there may be."""
        if self.asked is not None:
            return self.asked
        longer = self.starting is not None and self.unclear
        return UNCLEAR_RETRIES if longer else DEFAULT_RETRIES

    def failed(self, error: FloraError) -> float | None:
        """Seconds until the next attempt; None if there should be none."""
        self.unclear = self.unclear or leaves_unclear(error)
        self.tell(error, self.number)
        if self.starting is None:
            return delay_before_retry(error, self.number, self.timeout)
        self.starting.tries(now=False)
        return (
            backoff(self.number)
            if is_unreadable(error)
            else delay_before_retry(error, self.number, self.timeout)
        )

    def tell(self, error: FloraError, sent: int) -> None:
        """Let an error name what was sent so far."""
        error.attempts = sent
        error.idempotency_key = self.key
        error.may_have_started = self.unclear and not self.harmless

    def again(self, error: FloraError) -> None:
        """Before the next attempt. Raises the error where the API may know the key no more."""
        self.number += 1
        if self.starting is None:
            return
        if self.starting.create.expired:
            raise error
        self.starting.tries(now=True)


def _described(kind: Callable[..., E], problem: object, answer: Answer, call: Call) -> E:
    error = kind(
        problem,
        status_code=answer.status_code,
        body=text_of(answer),
        request_id=call.request_id,
    )
    error.idempotency_key, error.attempts = call.idempotency_key, call.attempts
    return error


def _with_key(options: Options, header: str | None) -> Mapping[str, str]:
    """The headers of a call, its idempotency key among them."""
    if header is None or options.idempotency_key is None:
        return options.extra_headers
    return {**options.extra_headers, header: options.idempotency_key}


def _without_echo(answer: Answer, key: str) -> Answer:
    """A server, or something before it, that echoes the key must not bring it into an error, a
    value or a log."""
    if len(key) < _SHORTEST_SECRET:
        return answer
    if any(key in value for value in answer.headers.values()):
        masked = {name: value.replace(key, "***") for name, value in answer.headers.items()}
        answer = evolve(answer, headers=type(answer.headers)(masked))  # type: ignore[call-arg]
    if key.encode() in answer.body:
        answer = evolve(answer, body=answer.body.replace(key.encode(), b"***"))
    if b"\\u00" in answer.body or b"\\/" in answer.body:  # JSON can write a letter in other ways
        with contextlib.suppress(ValueError):
            plainly = json.dumps(parse_json(answer.body), ensure_ascii=False)
            quoted = json.dumps(key)[1:-1]
            if quoted in plainly:
                answer = evolve(answer, body=plainly.replace(quoted, "***").encode())
    return answer


def _kind(error: FloraError) -> str:
    return str(error.status_code) if isinstance(error, APIError) else type(error).__name__
