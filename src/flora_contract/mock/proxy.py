"""Another server behind the mock's page: what is asked is forwarded, and what passes is judged."""

from __future__ import annotations

import ipaddress
import time
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import httpx

from flora_contract.errors import InputError
from flora_contract.mock.http.messages import HTTPRequest, HTTPResponse, Rejection
from flora_contract.mock.state.waiting import wait

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from flora_contract.openapi.behaviour import Behaviour, OperationBehaviour

    Headers = list[tuple[str, str]]
    Judged = Callable[
        [tuple[str, str, Headers, bytes], tuple[int, Headers, bytes], float, float], list[str]
    ]

SECONDS: Final = 60.0

_BETWEEN: Final = {  # what is said of a connection, and not of a message (RFC 9110, 7.6.1)
    *("connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding"),
    *("upgrade", "http2-settings", "content-length", "host", "content-encoding", "date"),
}


class Proxy:
    """Forwards to a server under a base URL.

    To a host that is not this machine it forwards, of what may cost or change something, only
    operations that are `allowed`. `judged` tells what an exchange breaks.
    """

    def __init__(
        self, target: str, allowed: Collection[str], behaviour: Behaviour, judged: Judged | None
    ) -> None:
        parts = urlsplit(target)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise InputError(f"--proxy: {target!r} is not the URL of a server")
        unknown = set(allowed) - set(behaviour.operations)
        if unknown:
            names = ", ".join(behaviour.operations)
            raise InputError(f"--allow: {min(unknown)} is none of {names}")
        self._target = target.rstrip("/")
        self._host = parts.hostname
        self._near = is_this_machine(parts.hostname)
        self._allowed = set(allowed)
        self._base = behaviour.contract.base
        self._judged = judged
        self._client = httpx.AsyncClient(timeout=SECONDS, trust_env=False)

    def forward(
        self, stated: OperationBehaviour | None, request: HTTPRequest
    ) -> tuple[HTTPResponse, list[str]]:
        """The server's answer, and what is wrong with it. Raises Rejection 400, 403 or 502."""
        self._check(stated, request)
        if not request.path.startswith("/"):
            raise Rejection(400, "Only paths are forwarded.")
        target = request.path.removeprefix(self._base) + (f"?{request.query}" * bool(request.query))
        url = self._target + target
        headers = [
            (name.decode("latin-1"), value.decode("latin-1"))
            for name, value in request.fields.items()
            if name.decode("latin-1") not in _BETWEEN
        ]
        if b"content-encoding" in request.fields:
            headers.append(("content-encoding", request.header(b"content-encoding")))
        started, began = time.time(), time.perf_counter()
        try:
            answer = wait(self._ask(request.method, url, headers, request.body))
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise Rejection(502, f"{self._host} gives no answer: {error}", "bad_gateway") from None
        elapsed = time.perf_counter() - began
        kept = [(n, v) for n, v in answer.headers.multi_items() if n.lower() not in _BETWEEN]
        problems = []
        if self._judged is not None:
            asked = request.method, url, headers, request.content()
            answered = answer.status_code, answer.headers.multi_items(), answer.content
            problems = self._judged(asked, answered, started, elapsed)
        kind = answer.headers.get("content-type", "application/octet-stream")
        rest = tuple((name, value) for name, value in kept if name.lower() != "content-type")
        return HTTPResponse(answer.status_code, answer.content, kind, rest), problems

    async def close(self) -> None:
        await self._client.aclose()

    async def _ask(self, method: str, url: str, headers: Headers, body: bytes) -> httpx.Response:
        return await self._client.request(method, url, headers=headers, content=body)

    def _check(self, stated: OperationBehaviour | None, request: HTTPRequest) -> None:
        if self._near:
            return
        if stated is None:
            raise Rejection(
                403, f"Not forwarded to {self._host}: the contract has no such request."
            )
        reads = request.method in {"GET", "HEAD"} and stated.charges is None
        if not reads and stated.id not in self._allowed:
            message = f"{stated.id} may cost something at {self._host}: --allow {stated.id}"
            raise Rejection(403, f"Not forwarded: {message}")


def is_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
