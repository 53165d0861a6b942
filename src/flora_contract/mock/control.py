"""`/_mock`: what a test may see and change of the mock. Loopback only."""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote

import orjson

from flora_contract.mock.faults import KINDS
from flora_contract.mock.messages import (
    Refusal,
    Request,
    Response,
    invalid_field,
    not_allowed,
    not_found,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from flora_contract.mock.application import Application

PREFIX: Final = "/_mock"

_PORT: Final = re.compile(r":\d*\Z")


class Control:
    """The operations under `/_mock`, by path and method."""

    def __init__(self, application: Application) -> None:
        self._application = application
        self._store = application.store
        self._operations: dict[str, dict[str, Callable[[Request], Response]]] = {
            "/": {"GET": self.page},
            "/view": {"GET": self.view},
            "/reset": {"POST": self.reset},
            "/clock": {"GET": self.clock, "POST": self.advance},
            "/requests": {"GET": self.requests},
            "/faults": {"GET": self.faults, "PUT": self.put_faults},
        }

    def answer(self, request: Request) -> Response:
        """Raises Refusal 403 for whoever is not on this machine."""
        if not from_this_machine(request):
            raise Refusal(403, "forbidden", "Only programs on the mock's own machine may ask this.")
        path = request.path.removeprefix(PREFIX)
        if path == "":
            return Response(308, headers=(("location", f"{PREFIX}/"),))
        if path.startswith("/accounts/"):
            methods: dict[str, Callable[[Request], Response]] = {"PUT": self.put_account}
        else:
            methods = self._operations.get(path, {})
        if not methods:
            raise not_found()
        method = "GET" if request.method == "HEAD" else request.method
        if method not in methods:
            raise not_allowed(methods)
        response = methods[method](request)
        response.headers += (("cache-control", "no-store"),)
        return response

    def page(self, request: Request) -> Response:
        from flora_contract.mock import watch  # templates are for people: programs need not wait

        html = watch.page(self._application, request.origin)
        return Response(
            200,
            html.encode(),
            "text/html; charset=utf-8",
            (("content-security-policy", watch.POLICY),),
        )

    def view(self, request: Request) -> Response:
        from flora_contract.mock import watch

        html = watch.view(self._application, request.origin)
        return Response(
            200,
            html.encode(),
            "text/html; charset=utf-8",
            (("content-security-policy", watch.POLICY),),
        )

    def reset(self, request: Request) -> Response:  # noqa: ARG002 - one signature for all
        self._store.reset()
        return Response(204)

    def clock(self, request: Request) -> Response:  # noqa: ARG002
        return answer_json({"now": self._store.now()})

    def advance(self, request: Request) -> Response:
        body = request.json()
        seconds = body.get("advance_seconds") if isinstance(body, dict) else None
        if isinstance(seconds, bool) or not isinstance(seconds, int | float):
            raise invalid_field("advance_seconds", "Expected a number of seconds")
        try:
            now = self._application.advance(seconds)
        except ValueError as error:
            raise invalid_field("advance_seconds", str(error)) from None
        return answer_json({"now": now})

    def requests(self, request: Request) -> Response:  # noqa: ARG002
        return answer_json({"requests": self._application.exchanges()})

    def faults(self, request: Request) -> Response:  # noqa: ARG002
        return answer_json({"faults": self._store.world.faults, "kinds": KINDS})

    def put_faults(self, request: Request) -> Response:
        body = request.json()
        if not isinstance(body, list):
            raise invalid_field("body", "Expected a list of rules")
        try:
            self._application.put_faults(body)
        except ValueError as error:
            raise invalid_field("body", str(error)) from None
        return answer_json({"faults": self._store.world.faults})

    def put_account(self, request: Request) -> Response:
        key = unquote(request.path.removeprefix(f"{PREFIX}/accounts/"))
        try:
            self._application.put_account(key, request.json())
        except ValueError as error:
            raise invalid_field("account", str(error)) from None
        return Response(204)


def from_this_machine(request: Request) -> bool:
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


def answer_json(body: Any) -> Response:
    return Response(200, orjson.dumps(body, option=orjson.OPT_INDENT_2) + b"\n")
