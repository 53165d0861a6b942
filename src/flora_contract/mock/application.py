"""The mock itself: one request in, one answer out, whichever server asks."""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any, Final, TypedDict, TypeVar

import orjson

from flora_contract import shipped
from flora_contract.errors import InputError, UnreachableError
from flora_contract.mock import control, faults, flora, scenario
from flora_contract.mock.flora.accounts import account, accounts_of
from flora_contract.mock.http.messages import (
    HTTPRequest,
    HTTPResponse,
    MalformedError,
    Rejection,
    not_allowed,
    not_found,
)
from flora_contract.mock.kept import FinalJSON
from flora_contract.mock.operations import Backend, MockOperation
from flora_contract.mock.recording import Recorder, Replay
from flora_contract.mock.refusals import Envelope
from flora_contract.mock.resource_operations import ResourceOperation
from flora_contract.mock.resources import first_entities, kept_resources
from flora_contract.mock.state import waiting
from flora_contract.mock.state.database import SQLite, is_postgresql
from flora_contract.mock.state.database_store import DatabaseStore
from flora_contract.mock.state.exchange import LoggedExchange, RequestLog
from flora_contract.mock.state.memory import MemoryStore
from flora_contract.mock.state.postgresql import PostgreSQL
from flora_contract.mock.state.postgresql_store import PostgreSQLStore
from flora_contract.mock.state.store import Origin
from flora_contract.mock.validation import undeclared
from flora_contract.openapi.behaviour import Behaviour
from flora_contract.openapi.contract import Contract

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from flora_contract.mock.proxy import Judged, Proxy
    from flora_contract.mock.scenario import Source
    from flora_contract.mock.state.store import Store
    from flora_contract.openapi.behaviour import OperationBehaviour

    JudgeOf = Callable[[str], Judged]

START_SECONDS: Final = 20.0
"""How long a database may take to be there at the start."""

T = TypeVar("T")

logger = logging.getLogger("flora_contract.mock")


class Options(TypedDict, total=False):
    """The arguments of `MockSettings`, for functions that take them."""

    state: str | Path | None
    seed: int
    run_seconds: float
    accounts: Path | None
    scenario: Source | None
    rate_limit: float | None
    control: bool
    self_check: bool
    record: Path | None
    replay: Path | None
    proxy: str | None
    allow: tuple[str, ...]
    judge: JudgeOf | None


@dataclass(frozen=True)
class MockSettings:
    """How a mock behaves.

    `state` is None for memory, the path of a SQLite file, or a `postgresql://` address.
    `run_seconds` is how long a run takes, `rate_limit` requests a second for each account. `replay`
    and `proxy` let a file or another server answer; `judge` gives what judges what passes it.
    """

    state: str | Path | None = None
    seed: int = 0
    run_seconds: float = 2.0
    accounts: Path | None = None
    scenario: Source | None = None
    rate_limit: float | None = None
    control: bool = True
    self_check: bool = False
    record: Path | None = None
    replay: Path | None = None
    proxy: str | None = None
    allow: tuple[str, ...] = ()
    judge: JudgeOf | None = None

    @property
    def waits(self) -> bool:
        """Whether answers are waited for: those of a database or of another server."""
        return is_postgresql(str(self.state)) or self.proxy is not None


class Application:
    """Answers requests. Not safe to share between threads.

    Where `MockSettings.waits`, everything of it is to be called within `waiting.begin`.
    """

    def __init__(self, settings: MockSettings, siblings: Path | None = None) -> None:
        self.settings = settings
        document = shipped.contract("behaviour", "mock")
        self.contract = Contract(document)
        self.behaviour = Behaviour(self.contract)
        handlers = flora.handlers(self.behaviour)
        self.resources = kept_resources(self.behaviour, handlers, settings.seed)
        origin = Origin(
            kinds={name: kept.kind for name, kept in self.resources.items()},
            accounts=accounts_of(document, settings.accounts),
            entities=first_entities(self.behaviour),
            seed=settings.seed,
            rate_limit=settings.rate_limit,
        )
        duration = round(settings.run_seconds * 1000)
        self._origin = origin
        self._reader = scenario.ScenarioReader(self.behaviour, self.resources, account, duration)
        if settings.scenario is not None:
            origin = self._reader.read(settings.scenario, origin)
        self.store = store_of(settings.state, origin)
        self.log = RequestLog(siblings)
        self.final = FinalJSON(self.store)
        backend = Backend(
            self.behaviour,
            self.resources,
            self.store,
            self.final,
            duration=duration,
            rated=settings.rate_limit is not None,
        )
        self.control = control.Control(self.store, self.log, self.behaviour, account, self._page)
        self._envelope = Envelope(self.behaviour)
        self._files = {p: answer for h in handlers.values() for p, answer in h.files.items()}
        self._operations = {
            stated.id: self._operation(backend, stated)
            for stated in self.behaviour.operations.values()
        }
        self._elsewhere = self._elsewhere_of(settings)
        self._recorder = Recorder(settings.record) if settings.record is not None else None
        self._name = secrets.token_hex(4)
        self._numbers = count(1)

    def close(self) -> None:
        self.store.close()
        if self._recorder is not None:
            self._recorder.close()

    async def end(self) -> None:
        """Close what was opened, in the loop in which it was."""
        if self._elsewhere is not None:
            await self._elsewhere.close()
        self.close()

    def reset(self, begin_with: Source | None = None) -> None:
        """Back to the start, or to the start of a scenario. Raises InputError."""
        if begin_with is not None:
            self.store.begin_with(self._reader.read(begin_with, self._origin))
        self.store.reset()

    def begin(self, function: Callable[..., T], *arguments: Any) -> T | asyncio.Future[T]:
        """What a function gives that asks the state, or a future of that."""
        if not self.settings.waits:
            return function(*arguments)
        return waiting.begin(function, *arguments)

    async def done(self, function: Callable[..., T], *arguments: Any) -> T:
        """What a function gives that asks the state."""
        begun = self.begin(function, *arguments)
        return await begun if isinstance(begun, asyncio.Future) else begun

    async def tick(self) -> None:
        """To be called each second."""
        try:
            await self.done(self.store.tick)
        except Exception as error:
            logger.warning("the time could not be kept: %s", error)

    def answer(self, request: HTTPRequest) -> HTTPResponse:
        """The answer to a request, recorded if that is wanted; never raises."""
        if self._recorder is None or request.path.startswith(control.PREFIX):
            return self._response(request)
        at, started, body = self.store.now(), time.perf_counter(), request.body
        response = self._response(request)  # after which the log keeps a part of the body
        self._recorder.add(request, body, response, at, time.perf_counter() - started)
        return response

    def _response(self, request: HTTPRequest) -> HTTPResponse:
        request_id = f"req_{self._name}{next(self._numbers):08x}"
        try:
            response = self._answer(request, request_id)
        except Rejection as rejection:
            response = self._envelope.response(rejection)
        except MalformedError as error:
            response = self._envelope.response(Rejection(400, str(error)))
        except UnreachableError as error:
            logger.warning("%s", error)
            response = self._envelope.response(unknown_error())
        except Exception:
            logger.exception("%s %s", request.method, request.path)
            response = self._envelope.response(unknown_error())
        name = self._envelope.request_id
        if self._elsewhere is None or name not in {n.lower() for n, _ in response.headers}:
            response.headers += ((name, request_id),)
        return response

    def reject(self, rejection: Rejection) -> HTTPResponse:
        """The answer to bytes that are no request."""
        request_id = f"req_{self._name}{next(self._numbers):08x}"
        request = HTTPRequest("", "", {}, b"", client="", host="")
        self._record(request, request_id, "", rejection.status, [rejection.message])
        response = self._envelope.response(rejection)
        response.headers += ((self._envelope.request_id, request_id),)
        return response

    def _elsewhere_of(self, settings: MockSettings) -> Proxy | Replay | None:
        """Who answers in place of the state."""
        if settings.replay is not None:
            return Replay(settings.replay)
        if settings.proxy is None:
            return None
        from flora_contract.mock.proxy import Proxy  # the HTTP library is for this only

        judged = settings.judge(settings.proxy) if settings.judge is not None else None
        return Proxy(settings.proxy, settings.allow, self.behaviour, judged)

    def _operation(self, backend: Backend, stated: OperationBehaviour) -> MockOperation:
        if stated.resource is None or (stated.role == "list" and stated.listing is None):
            return MockOperation(backend, stated)
        return ResourceOperation(backend, stated, self.resources[stated.resource.kind])

    def _page(self, origin: str, whole: bool) -> tuple[str, str]:
        from flora_contract.mock import watch  # templates are for people: programs need not wait

        exchanges = self.control.exchanges()
        html = watch.page(
            self.store, exchanges, self.behaviour, self.resources, origin, whole=whole
        )
        return html, watch.POLICY

    def _answer(self, request: HTTPRequest, request_id: str) -> HTTPResponse:
        if self.settings.control and request.path.startswith(control.PREFIX):
            return self.control.answer(request)
        if self._elsewhere is not None:
            return self._answer_elsewhere(self._elsewhere, request, request_id)
        for prefix, answer in self._files.items():
            if request.path.startswith(prefix):
                self.store.refresh()
                return answer(self.store, request)
        found = self.contract.at(request.path)
        if found is None:
            self._record(request, request_id, "", 404, ["the contract has no such path"])
            raise not_found()
        methods, path = found
        endpoint = methods.get("GET" if request.method == "HEAD" else request.method)
        if endpoint is None:
            self._record(request, request_id, "", 405, ["the contract has no such method here"])
            raise not_allowed(methods)
        return self._exchange(self.behaviour.of(endpoint.id), request, path, request_id)

    def _answer_elsewhere(
        self, elsewhere: Proxy | Replay, request: HTTPRequest, request_id: str
    ) -> HTTPResponse:
        method = "GET" if request.method == "HEAD" else request.method
        endpoint, path = self.contract.match(method, request.path)
        if endpoint is not None:
            return self._exchange(self.behaviour.of(endpoint.id), request, path, request_id)
        try:
            response, problems = elsewhere.forward(None, request)
        except Rejection as rejection:
            response, problems = self._envelope.response(rejection), [rejection.message]
        self._record(request, request_id, "", response.status, problems)
        return response

    def _exchange(
        self,
        stated: OperationBehaviour,
        request: HTTPRequest,
        path: dict[str, str],
        request_id: str,
    ) -> HTTPResponse:
        """An operation's answer, as it is or as a fault makes it, and recorded."""
        self.store.refresh()
        endpoint = stated.endpoint
        rule = self._fault(stated) if self.store.world.faults else None
        response = faults.instead(rule, endpoint, self._envelope) if rule else None
        problems: list[str] = []
        if response is None:
            try:
                if self._elsewhere is not None:
                    response, problems = self._elsewhere.forward(stated, request)
                else:
                    response = self._operations[stated.id].answer(request, path)
            except Rejection as rejection:
                response = self._envelope.response(rejection)
                problems = problems_of(rejection)
                if self._elsewhere is not None:
                    problems = [rejection.message]
            if self.settings.self_check:
                response = self._checked(stated, response)
            if rule:
                response = faults.spoil(rule, stated, response)
        problems += [f"{name[:100]}: not in the contract" for name in undeclared(endpoint, request)]
        status = 0 if response.hang_up else response.status
        fault = rule["kind"] if rule else ""
        self._record(request, request_id, endpoint.id, status, problems, fault)
        return response

    def _fault(self, stated: OperationBehaviour) -> dict[str, Any] | None:
        """The first rule that strikes this time."""
        for number, rule in enumerate(self.store.world.faults):
            on = faults.is_on(rule, self.store.now()) and faults.matches(rule, stated.endpoint)
            if on and self.store.draw(number, rule):
                return rule
        return None

    def _checked(self, stated: OperationBehaviour, response: HTTPResponse) -> HTTPResponse:
        """An answer that keeps the contract; 500 in place of one that does not."""
        endpoint, status = stated.endpoint, response.status
        body = orjson.loads(response.body) if response.body else None
        broken = [
            f"{breach.path}: {breach.message}" for breach in endpoint.answer_breaches(status, body)
        ]
        if status not in endpoint.statuses and status != 413:  # which is HTTP's own
            broken.append(f"status {status} is not documented")
        if not broken:
            return response
        logger.error("%s breaks the contract: %s", stated.id, "; ".join(broken))
        return self._envelope.response(unknown_error())

    def _record(
        self,
        request: HTTPRequest,
        request_id: str,
        operation: str,
        status: int,
        problems: list[str],
        fault: str = "",
    ) -> None:
        store = self.store
        at, resets = store.now(), store.world.resets
        self.log.add(
            LoggedExchange(request, at, operation, status, request_id, problems, fault, resets)
        )


async def opened(settings: MockSettings, siblings: Path | None = None) -> Application:
    """An application, once its state can be reached.

    `siblings` is a folder for the sockets of processes that are one mock together.
    """
    if not settings.waits:
        return Application(settings, siblings)
    return await waiting.done(Application, settings, siblings, seconds=START_SECONDS)


def store_of(state: str | Path | None, origin: Origin) -> Store:
    """Where a state is kept."""
    if state is None:
        return MemoryStore(origin)
    if is_postgresql(str(state)):
        return PostgreSQLStore(PostgreSQL(str(state)), origin)
    if str(state) in {"", ":memory:"}:  # to SQLite, a database that nobody else can open
        raise InputError("--state: names no file; leave it out to keep state in memory")
    return DatabaseStore(SQLite(str(state)), origin)


def unknown_error() -> Rejection:
    return Rejection(500, "An unknown error occurred.")


def problems_of(rejection: Rejection) -> list[str]:
    """What in a refused request broke the contract, if that is why it was refused."""
    if rejection.fields:
        return [f"{name}: {problem}" for name, problem in rejection.fields]
    return [rejection.message] if rejection.status in {400, 401} else []
