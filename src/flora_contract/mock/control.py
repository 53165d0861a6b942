"""`/_mock`: what a test may see and change of the mock. Loopback only."""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote

import orjson

from flora_contract.mock import faults
from flora_contract.mock.http.messages import (
    HTTPRequest,
    HTTPResponse,
    Rejection,
    invalid_field,
    not_allowed,
    not_found,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from flora_contract.mock.state.exchange import RequestLog
    from flora_contract.mock.state.store import Account, Store
    from flora_contract.openapi.behaviour import Behaviour

    AccountOf = Callable[[str, Any, Mapping[str, Account]], Account]
    Page = Callable[[str, bool], tuple[str, str]]

PREFIX: Final = "/_mock"

LAST_SECOND: Final = 1e11
"""Seconds after 1970 at which the clock ends: a moment in 5138, which all dates can still show."""

_PORT: Final = re.compile(r":\d*\Z")


class Control:
    """What may be changed of a mock while it runs, from Python and under `/_mock`.

    `account_of` reads an account from plain data, and raises ValueError. `page` gives the HTML for
    an origin, whole or only what changes, and its content security policy.
    """

    def __init__(
        self,
        store: Store,
        log: RequestLog,
        behaviour: Behaviour,
        account_of: AccountOf,
        page: Page,
    ) -> None:
        self._store = store
        self._log = log
        self._behaviour = behaviour
        self._account_of = account_of
        self._page = page
        self._operations: dict[str, dict[str, Callable[[HTTPRequest], HTTPResponse]]] = {
            "/": {"GET": lambda request: self._html(request, whole=True)},
            "/view": {"GET": lambda request: self._html(request, whole=False)},
            "/reset": {"POST": self._reset},
            "/clock": {"GET": self._clock, "POST": self._advance},
            "/requests": {"GET": self._requests},
            "/faults": {"GET": self._faults, "PUT": self._put_faults},
        }

    # From Python

    def reset(self) -> None:
        """Back to the start."""
        self._store.reset()

    def advance(self, seconds: float) -> int:
        """Move the clock on; gives what it says then, in epoch milliseconds. Raises ValueError."""
        if not 0 <= seconds <= 1e9:
            raise ValueError("Expected 0 to 1e9")
        if self._store.now() / 1000 + seconds > LAST_SECOND:
            raise ValueError(f"The clock ends {LAST_SECOND:g} seconds after 1970")
        return self._store.advance(seconds)

    def put_account(self, key: str, entry: Any) -> None:
        """Add or change an account. Raises ValueError that says what is wrong with it."""
        self._store.put_account(self._account_of(key, entry, self._store.world.accounts))

    def put_faults(self, rules: list[Any]) -> None:
        """Replace the faults. Raises ValueError that says what is wrong with a rule."""
        self._store.set_faults([faults.rule_of(rule, self._behaviour) for rule in rules])

    def exchanges(self) -> list[dict[str, Any]]:
        """What was asked and answered, oldest first."""
        return self._log.since(self._store.world.resets)

    # Under /_mock

    def answer(self, request: HTTPRequest) -> HTTPResponse:
        """Raises Rejection 403 for whoever is not on this machine."""
        if not from_this_machine(request):
            raise Rejection(403, "Only programs on the mock's own machine may ask this.")
        path = request.path.removeprefix(PREFIX)
        if path == "":
            return HTTPResponse(308, headers=(("location", f"{PREFIX}/"),))
        if path.startswith("/accounts/"):
            methods: dict[str, Callable[[HTTPRequest], HTTPResponse]] = {"PUT": self._put_account}
        else:
            methods = self._operations.get(path, {})
        if not methods:
            raise not_found()
        method = "GET" if request.method == "HEAD" else request.method
        if method not in methods:
            raise not_allowed(methods)
        if path != "/requests":  # which are told whatever the state is in
            self._store.refresh()
        response = methods[method](request)
        response.headers += (("cache-control", "no-store"),)
        return response

    def _html(self, request: HTTPRequest, *, whole: bool) -> HTTPResponse:
        html, policy = self._page(request.origin, whole)
        headers = (("content-security-policy", policy),)
        return HTTPResponse(200, html.encode(), "text/html; charset=utf-8", headers)

    def _reset(self, request: HTTPRequest) -> HTTPResponse:  # noqa: ARG002 - one signature for all
        self.reset()
        return HTTPResponse(204)

    def _clock(self, request: HTTPRequest) -> HTTPResponse:  # noqa: ARG002
        return answer_json({"now": self._store.now()})

    def _advance(self, request: HTTPRequest) -> HTTPResponse:
        body = request.json()
        seconds = body.get("advance_seconds") if isinstance(body, dict) else None
        if isinstance(seconds, bool) or not isinstance(seconds, int | float):
            raise invalid_field("advance_seconds", "Expected a number of seconds")
        try:
            return answer_json({"now": self.advance(seconds)})
        except ValueError as error:
            raise invalid_field("advance_seconds", str(error)) from None

    def _requests(self, request: HTTPRequest) -> HTTPResponse:  # noqa: ARG002
        return answer_json({"requests": self.exchanges()})

    def _faults(self, request: HTTPRequest) -> HTTPResponse:  # noqa: ARG002
        return answer_json({"faults": self._store.world.faults, "kinds": faults.KINDS})

    def _put_faults(self, request: HTTPRequest) -> HTTPResponse:
        body = request.json()
        if not isinstance(body, list):
            raise invalid_field("body", "Expected a list of rules")
        try:
            self.put_faults(body)
        except ValueError as error:
            raise invalid_field("body", str(error)) from None
        return answer_json({"faults": self._store.world.faults})

    def _put_account(self, request: HTTPRequest) -> HTTPResponse:
        key = unquote(request.path.removeprefix(f"{PREFIX}/accounts/"))
        try:
            self.put_account(key, request.json())
        except ValueError as error:
            raise invalid_field("account", str(error)) from None
        return HTTPResponse(204)


def from_this_machine(request: HTTPRequest) -> bool:
    """Whether a program here asks, and no page of some site in a browser here."""
    host = _PORT.sub("", request.host).strip("[]").lower()
    return (
        _is_loopback(request.client)
        # A name that a hostile site lets point here is neither of these.
        and (host == "localhost" or _is_loopback(host))
        and request.header(b"origin") in {"", request.origin}
    )


def _is_loopback(address: str) -> bool:
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    return bool((getattr(found, "ipv4_mapped", None) or found).is_loopback)


def answer_json(body: Any) -> HTTPResponse:
    return HTTPResponse(200, orjson.dumps(body, option=orjson.OPT_INDENT_2) + b"\n")
