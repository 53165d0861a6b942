"""What is done with any request: what is stated of its operation, in the order that is stated."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import orjson

from flora_contract.mock.http.messages import HTTPResponse, MalformedError
from flora_contract.mock.refusals import Refusals
from flora_contract.mock.state.store import TooFastError
from flora_contract.mock.validation import problems
from flora_contract.openapi.examples import example

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from flora_contract.mock.http.messages import HTTPRequest, Rejection
    from flora_contract.mock.kept import FinalJSON
    from flora_contract.mock.resource_operations import BodyReference
    from flora_contract.mock.resources import KeptResource
    from flora_contract.mock.state.entities import Entity
    from flora_contract.mock.state.store import Store, World
    from flora_contract.openapi.behaviour import Behaviour, Condition, OperationBehaviour

    Check = Callable[["Call"], HTTPResponse | None]

_SETTLED: Final = frozenset({"used-key", "no-credits", "rate", "foreign-id", "unknown-id"})
"""Conditions that nothing may come between and what is done."""


class Call:
    """A request on its way through an operation, and what has been found out about it."""

    __slots__ = (
        "account",
        "body",
        "draft",
        "found",
        "key",
        "now",
        "path",
        "referred",
        "request",
        "values",
        "world",
    )

    def __init__(self, request: HTTPRequest, path: dict[str, str], world: World) -> None:
        self.request = request
        self.path = path
        self.world = world
        self.now = 0
        self.account = ""
        self.key = ""
        self.values: Mapping[str, Any] = path
        """Of path and query, typed."""
        self.body: dict[str, Any] = {}
        self.referred: list[tuple[BodyReference, str, Entity | None]] = []
        self.draft: Entity | None = None
        self.found: Entity | None = None


@dataclass(frozen=True)
class Backend:
    """What the operations of one mock share. `duration` is how long a life takes, in ms."""

    behaviour: Behaviour
    resources: Mapping[str, KeptResource]
    store: Store
    final: FinalJSON
    duration: int
    rated: bool


class MockOperation:
    """An operation that no resource names: it checks its requests and answers an example."""

    def __init__(self, backend: Backend, stated: OperationBehaviour) -> None:
        self._behaviour = backend.behaviour
        self._store = backend.store
        self._rated = backend.rated
        self._stated = stated
        self._endpoint = stated.endpoint
        self._credentials = credentials(backend.behaviour, stated)
        self._status = stated.endpoint.success
        self._refusals = Refusals(stated)
        self._takes_body = stated.endpoint.takes_body
        self._needs_body = stated.endpoint.needs_body
        checks = self._conditions()
        order = [c for c in self._order() if c in checks]
        first = next((n for n, c in enumerate(order) if c in _SETTLED), len(order))
        self._before = [checks[condition] for condition in order[:first]]
        self._within = [checks[condition] for condition in order[first:]]
        self._endpoint.body_breaches(None)  # compiled now, and not in the first request
        self._read = lru_cache(maxsize=1024)(self._read_anew)

    def answer(self, request: HTTPRequest, path: dict[str, str]) -> HTTPResponse:
        """Raises Rejection for the first condition that holds."""
        call = Call(request, path, self._store.world)
        for check in self._before:
            check(call)
        return self._settled(call)

    def _settled(self, call: Call) -> HTTPResponse:
        call.now = self._store.now()
        for check in self._within:
            answered = check(call)
            if answered is not None:
                return answered
        return self._effect(call)

    def _effect(self, call: Call) -> HTTPResponse:  # noqa: ARG002 - it does the same for all
        """An example, the same for the same seed and operation."""
        schema = self._endpoint.answer_schema(self._status)
        if schema is None:
            return HTTPResponse(self._status)
        chance = random.Random(f"{self._store.world.seed}/{self._endpoint.id}")  # noqa: S311
        return HTTPResponse(
            self._status, orjson.dumps(example(self._behaviour.document, schema, chance))
        )

    # Conditions

    def _order(self) -> list[Condition]:
        return self._refusals.order

    def _conditions(self) -> dict[Condition, Check]:
        """Those that can hold, and what looks at each."""
        secured = self._behaviour.is_secured(self._stated)
        found: dict[Condition, tuple[bool, Check]] = {
            "no-key": (secured, self._no_key),
            "wrong-key": (bool(self._endpoint.security), self._wrong_key),
            "malformed": (self._endpoint.takes_body, self._malformed),
            "invalid": (True, self._invalid),
            "rate": (secured and self._rated, self._rate),
        }
        return {condition: check for condition, (applies, check) in found.items() if applies}

    def _no_key(self, call: Call) -> None:
        key = self._credentials(call.request)
        if key in self._store.world.accounts:
            call.account = key
        elif not key:
            raise self._unauthorized("no-key", "No API key.")

    def _wrong_key(self, call: Call) -> None:
        if call.account:
            return
        key = self._credentials(call.request)
        if key in self._store.world.accounts:
            call.account = key
        elif key:
            raise self._unauthorized("wrong-key", "Invalid API key.")

    def _unauthorized(self, condition: Condition, message: str) -> Rejection:
        headers = (("www-authenticate", "Bearer"),)
        return self._refusals.rejection(condition, message, headers=headers)

    def _malformed(self, call: Call) -> None:
        if call.request.body or self._needs_body:
            try:
                call.request.json()
            except MalformedError as error:
                raise self._refusals.rejection("malformed", str(error)) from None

    def _invalid(self, call: Call) -> None:
        call.values, wrong = self._read(call.request.query, tuple(call.path.items()))
        if self._takes_body and (call.request.body or self._needs_body):
            body = call.request.value
            try:
                breaches = self._endpoint.body_breaches(body)
            except ValueError:  # the validator's own limit, 255 levels
                message = "The body is nested too deep."
                raise self._refusals.rejection("malformed", message) from None
            if breaches:
                wrong = [*wrong, *problems(breaches)]
            if isinstance(body, dict):
                call.body = body
        wrong = wrong or self._misread(call)
        if wrong:
            message = "; ".join(f"{name}: {problem}" for name, problem in wrong)
            raise self._refusals.rejection("invalid", message, wrong)

    def _read_anew(
        self, query: str, path: tuple[tuple[str, str], ...]
    ) -> tuple[Mapping[str, Any], list[tuple[str, str]]]:
        """The values of a query and a path, and what is wrong with them."""
        read = self._endpoint.read_query(query)
        values = {**read.values, **self._endpoint.read_path(dict(path))}
        wrong = [(name, "Given more than once") for name in read.repeated]
        return values, wrong + problems(self._endpoint.parameter_breaches(values))

    def _misread(self, call: Call) -> list[tuple[str, str]]:  # noqa: ARG002 - nothing, here
        """What is wrong with a request though its schemas hold."""
        return []

    def _rate(self, call: Call) -> None:
        try:
            self._spend_token(call.account)
        except TooFastError as error:
            name = (self._behaviour.errors.retry_after or "retry-after").lower()
            headers = ((name, str(max(1, math.ceil(error.seconds)))),)
            raise self._refusals.rejection(
                "rate", "Rate limit exceeded.", headers=headers
            ) from None

    def _spend_token(self, account: str) -> None:
        with self._store.transaction(account):
            self._store.spend_token(account)


def credentials(behaviour: Behaviour, stated: OperationBehaviour) -> Callable[[HTTPRequest], str]:
    """What gives the key that a request carries, as its security scheme has it; or nothing."""
    schemes = behaviour.document.tree.get("components", {}).get("securitySchemes", {})
    names = [name for requirement in stated.endpoint.security for name in requirement]
    scheme = schemes.get(names[0], {}) if names else {}
    if scheme.get("type") == "apiKey" and scheme.get("in") == "header":
        header = str(scheme["name"]).lower().encode()
        return lambda request: request.header(header)
    return lambda request: _bearer(request.fields.get(b"authorization", b""))


@lru_cache(maxsize=1024)
def _bearer(header: bytes) -> str:
    """The key, or nothing; for another scheme than this (RFC 6750, 2.1) what is nobody's key."""
    text = header.decode("latin-1").strip()
    kind, _, key = text.partition(" ")
    return key.strip() if kind.lower() == "bearer" else text and f"{text} "
