"""The mock itself: one request in, one answer out, whichever server asks."""

from __future__ import annotations

import logging
import secrets
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any, Final, TypedDict

import orjson

from flora_contract import shipped
from flora_contract.errors import UnreachableError
from flora_contract.mock import examples, faults, files
from flora_contract.mock.catalogue import account, accounts_of, catalogue_of
from flora_contract.mock.contract import Contract, check_body, check_parameters, undeclared
from flora_contract.mock.control import PREFIX as CONTROL
from flora_contract.mock.control import Control
from flora_contract.mock.database import connect
from flora_contract.mock.database_store import DatabaseStore
from flora_contract.mock.exchange import Exchange
from flora_contract.mock.generations import Generations
from flora_contract.mock.memory import MemoryStore
from flora_contract.mock.messages import Refusal, Request, Response, not_allowed, not_found

if TYPE_CHECKING:
    from pathlib import Path

    from flora_contract.mock.catalogue import Account
    from flora_contract.mock.contract import Route
    from flora_contract.mock.store import Store

logger = logging.getLogger("flora_contract.mock")


LAST_SECOND: Final = 1e11
"""Seconds after 1970 at which the clock ends: a moment in 5138, which all dates can still show."""


class Options(TypedDict, total=False):
    """The arguments of `Settings`, for functions that take them."""

    state: str | Path | None
    seed: int
    run_seconds: float
    accounts: Path | None
    rate_limit: float | None
    control: bool
    self_check: bool


@dataclass(frozen=True)
class Settings:
    """How a mock behaves.

    `state` is None for memory, the path of a SQLite file, or a `postgresql://` address.
    `run_seconds` is how long a run takes, `rate_limit` requests a second for each account.
    """

    state: str | Path | None = None
    seed: int = 0
    run_seconds: float = 2.0
    accounts: Path | None = None
    rate_limit: float | None = None
    control: bool = True
    self_check: bool = False


class Application:
    """Answers requests. Not safe to share between threads."""

    def __init__(self, settings: Settings) -> None:
        document = shipped.contract("mock")
        self.settings = settings
        self.contract = Contract(document)
        self.store = _store(settings, accounts_of(document, settings.accounts))
        self.generations = Generations(self.store, catalogue_of(document), self.contract.base)
        self.control = Control(self) if settings.control else None
        self._name = secrets.token_hex(4)
        self._numbers = count(1)

    def close(self) -> None:
        self.store.close()

    def answer(self, request: Request) -> Response:
        """The answer to a request; never raises."""
        request_id = f"req_{self._name}{next(self._numbers):08x}"
        try:
            self.store.refresh()
            response = self._answer(request, request_id)
        except Refusal as refusal:
            response = refusal.response()
        except UnreachableError as error:
            logger.warning("%s", error)
            response = unknown_error().response()
        except Exception:
            logger.exception("%s %s", request.method, request.path)
            response = unknown_error().response()
        response.headers += (("request-id", request_id),)
        return response

    def advance(self, seconds: float) -> int:
        """Move the clock on; gives what it says then, in epoch milliseconds. Raises ValueError."""
        if not 0 <= seconds <= 1e9:
            raise ValueError("Expected 0 to 1e9")
        if self.store.now() / 1000 + seconds > LAST_SECOND:
            raise ValueError(f"The clock ends {LAST_SECOND:g} seconds after 1970")
        return self.store.advance(seconds)

    def put_account(self, key: str, entry: Any) -> None:
        """Add or change an account. Raises ValueError that says what is wrong with it."""
        self.store.put_account(account(key, entry, self.store.world.accounts))

    def put_faults(self, rules: list[Any]) -> None:
        """Replace the faults. Raises ValueError that says what is wrong with a rule."""
        self.store.set_faults([faults.rule_of(rule, self.contract) for rule in rules])

    def exchanges(self) -> list[dict[str, Any]]:
        return self.store.exchanges()

    def refuse(self, refusal: Refusal) -> Response:
        """The answer to bytes that are no request."""
        request_id = f"req_{self._name}{next(self._numbers):08x}"
        request = Request("", "", {}, b"", client="", host="")
        try:
            self._record(request, request_id, None, refusal.status, [refusal.message])
        except Exception:
            logger.exception("a refusal could not be recorded")
        response = refusal.response()
        response.headers += (("request-id", request_id),)
        return response

    def _answer(self, request: Request, request_id: str) -> Response:
        if self.control is not None and request.path.startswith(CONTROL):
            return self.control.answer(request)
        if request.path.startswith(files.PREFIX):
            return files.answer(self.store, request)
        found = self.contract.match(request.path)
        if found is None:
            self._record(request, request_id, None, 404, ["the contract has no such path"])
            raise not_found()
        methods, path = found
        route = methods.get("GET" if request.method == "HEAD" else request.method)
        if route is None:
            self._record(request, request_id, None, 405, ["the contract has no such method here"])
            raise not_allowed(methods)
        return self._exchange(route, request, path, request_id)

    def _exchange(
        self, route: Route, request: Request, path: dict[str, str], request_id: str
    ) -> Response:
        """An operation's answer, as it is or as a fault makes it, and recorded."""
        rule = self._fault(route)
        response = faults.instead(rule, route) if rule else None
        problems: list[str] = []
        if response is None:
            try:
                response = self._operate(route, request, path)
            except Refusal as refusal:
                response = refusal.response()
                problems = problems_of(refusal)
            if self.settings.self_check:
                response = self._checked(route, response)
            if rule:
                response = faults.spoil(rule, route, response)
        problems += [f"{name[:100]}: not in the contract" for name in undeclared(route, request)]
        status = 0 if response.hang_up else response.status
        self._record(
            request, request_id, route, status, problems, fault=rule["kind"] if rule else ""
        )
        return response

    def _fault(self, route: Route) -> dict[str, Any] | None:
        """The first rule that strikes this time."""
        for number, rule in enumerate(self.store.world.faults):
            if faults.matches(rule, route) and self.store.draw(number, rule):
                return rule
        return None

    def _operate(self, route: Route, request: Request, path: dict[str, str]) -> Response:
        handler = self.generations.handlers.get(route.operation_id)
        if handler is not None:
            return handler(route, request, path)
        self.generations.caller(request)
        check_parameters(route, path, request.query)
        if route.body_check is not None:
            check_body(route, request.json())
        return examples.answer(route, self.contract.document, self.store.world.seed)

    def _checked(self, route: Route, response: Response) -> Response:
        body = orjson.loads(response.body) if response.body else None
        problems = route.responses.problems(response.status, body)
        # Too large is HTTP's own refusal: it is none of any operation.
        if not problems or response.status == 413:
            return response
        logger.error("%s breaks the contract: %s", route.operation_id, "; ".join(problems))
        return unknown_error().response()

    def _record(
        self,
        request: Request,
        request_id: str,
        route: Route | None,
        status: int,
        problems: list[str],
        fault: str = "",
    ) -> None:
        self.store.record(
            Exchange(
                request,
                at=self.store.now(),
                operation=route.operation_id if route else "",
                status=status,
                request_id=request_id,
                problems=problems,
                fault=fault,
            )
        )


def _store(settings: Settings, accounts: dict[str, Account]) -> Store:
    """In the database that the settings name, or in memory."""
    seed, seconds, rate = settings.seed, settings.run_seconds, settings.rate_limit
    if settings.state is None:
        return MemoryStore(accounts, seed, seconds, rate)
    return DatabaseStore(connect(str(settings.state)), accounts, seed, seconds, rate)


def unknown_error() -> Refusal:
    return Refusal(500, "unknown_error", "An unknown error occurred.")


def problems_of(refusal: Refusal) -> list[str]:
    """What in a refused request broke the contract, if that is why it was refused."""
    if refusal.fields:
        return [f"{entry['field']}: {entry['message']}" for entry in refusal.fields]
    return [refusal.message] if refusal.status in {400, 401} else []
