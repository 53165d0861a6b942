"""An ASGI wrapper around the mock that breaks exactly one thing."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

BASE = "/api/v1"
OWNER, OTHER = "sk_live_test", "sk_live_other"


@dataclass
class Asked:
    """A request on its way in. A fault may change it before the mock sees it."""

    method: str
    path: str
    query: list[tuple[str, str]]
    headers: dict[str, str]
    body: bytes
    scope: dict[str, Any]

    @property
    def operation(self) -> str:
        """create, old, run, list, or nothing."""
        path = self.path.removeprefix(BASE)
        if self.method == "POST":
            return {"/generate": "create", "/runs/generation": "old"}.get(path, "")
        if self.method == "GET":
            return "list" if path == "/generations" else "run" if path.startswith("/runs/") else ""
        return ""

    @property
    def starts(self) -> bool:
        return self.operation in {"create", "old"}

    @property
    def json(self) -> Any:
        try:
            return json.loads(self.body)
        except ValueError:
            return None

    @property
    def sent(self) -> dict[str, Any]:
        return self.json if isinstance(self.json, dict) else {}

    def send(self, **changes: Any) -> None:
        """Replace fields of the body."""
        self.body = json.dumps(self.sent | changes).encode()

    @property
    def key(self) -> str:
        return self.headers.get("authorization", "").removeprefix("Bearer ")

    def param(self, name: str) -> str | None:
        return dict(self.query).get(name)

    def without(self, *names: str) -> None:
        self.query = [(k, v) for k, v in self.query if k not in names]


@dataclass
class Answered:
    """An answer on its way out. A fault may change it before the client sees it."""

    status: int
    headers: dict[str, str]
    json: Any
    # How it is sent: whole, hang, drip, reset, cut, short (a Content-Length too small), long
    manner: str = "whole"
    raw: bytes | None = None

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    @property
    def runs(self) -> list[dict[str, Any]]:
        """The runs that the answer shows."""
        if not self.ok or not isinstance(self.json, dict):
            return []
        runs: list[dict[str, Any]] = self.json.get("generations", [self.json])
        return runs


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong: what it does to requests and answers, and who must find it."""

    name: str
    kind: str  # a to g
    oracle: str
    before: Callable[[Asked, dict[str, Any]], Answered | None] = lambda *_: None
    after: Callable[[Asked, Answered, dict[str, Any]], None] = lambda *_: None
    around: Callable[[Wrapper, Asked, dict[str, Any]], Awaitable[Answered]] | None = None


SOUND = Fault("sound", "-", "-")


def refusal(status: int, code: str, message: str = "No.", field: str | None = None) -> Answered:
    error: dict[str, Any] = {"code": code, "message": message}
    if field is not None:
        error["fields"] = [{"field": field, "message": message}]
    return Answered(status, {"content-type": "application/json"}, {"error": error})


@dataclass
class Wrapper:
    """The application: the mock, with one fault at a time."""

    make: Callable[[], Any]
    faults: dict[str, Fault]
    fault: Fault = SOUND
    memory: dict[str, Any] = field(default_factory=dict)
    app: Any = None
    came: list[dict[str, Any]] = field(default_factory=list)

    def switch(self, name: str) -> None:
        """A fresh mock with another fault, to which nothing has come yet."""
        self.fault = self.faults[name] if name != "sound" else SOUND
        self.memory = {}
        self.app = self.make()
        self.came = []

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        if scope["path"].startswith("/_fault/"):
            self.switch(scope["path"].removeprefix("/_fault/"))
            await _reply(send, Answered(200, {}, {}), receive)
            return
        if scope["path"] == "/_came":
            await _reply(send, Answered(200, {}, self.came), receive)
            return
        asked = Asked(
            scope["method"],
            scope["path"],
            parse_qsl(scope["query_string"].decode(), keep_blank_values=True),
            {k.decode().lower(): v.decode("latin-1") for k, v in scope["headers"]},
            body,
            scope,
        )
        original = Asked(
            **{**vars(asked), "query": list(asked.query), "headers": dict(asked.headers)}
        )
        self.came.append(
            {
                "method": asked.method,
                "path": asked.scope["raw_path"].decode(),
                "query": scope["query_string"].decode(),
                "headers": dict(asked.headers),
                "body": body.decode("latin-1"),
            }
        )
        answer = self.fault.before(asked, self.memory)
        if answer is None:
            if self.fault.around is not None:
                answer = await self.fault.around(self, asked, self.memory)
            else:
                answer = await self.inner(asked)
        self.fault.after(original, answer, self.memory)
        await _reply(send, answer, receive)

    async def inner(self, asked: Asked) -> Answered:
        """What the mock answers."""
        path = asked.scope.get("raw_path", asked.path.encode())
        scope = {
            **asked.scope,
            "path": asked.path,
            "raw_path": path if asked.scope["path"] == asked.path else asked.path.encode(),
            "query_string": urlencode(asked.query).encode(),
            "headers": [
                (k.encode(), v.encode("latin-1"))
                for k, v in asked.headers.items()
                if k != "content-length"
            ],
        }
        got: dict[str, Any] = {"body": b""}

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": asked.body}

        async def send(message: dict[str, Any]) -> None:
            if message["type"] == "http.response.start":
                got["status"] = message["status"]
                got["headers"] = {k.decode().lower(): v.decode() for k, v in message["headers"]}
            else:
                got["body"] += message.get("body", b"")

        await self.app(scope, receive, send)
        got["headers"].pop("content-length", None)
        return Answered(got["status"], got["headers"], json.loads(got["body"] or b"null"))


async def _reply(send: Any, answer: Answered, receive: Any) -> None:
    body = answer.raw if answer.raw is not None else json.dumps(answer.json).encode()
    length = len(body)
    if answer.manner == "whole":
        headers = [(k.encode(), v.encode()) for k, v in answer.headers.items()]
        headers.append((b"content-length", str(length).encode()))
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": body})
        return
    if answer.manner == "hang":
        await receive()  # until the client gives up
        return
    if answer.manner == "drip":
        head = [(b"content-type", b"application/json"), (b"content-length", b"%d" % length)]
        await send({"type": "http.response.start", "status": answer.status, "headers": head})
        for number in range(length):
            await send(
                {
                    "type": "http.response.body",
                    "body": body[number : number + 1],
                    "more_body": number + 1 < length,
                }
            )
            await asyncio.sleep(0.2)
        return
    # The rest cannot be said in ASGI: it is written to the socket.
    transport = send.__self__.transport
    if answer.manner != "reset":
        announced = {"cut": length, "short": length // 2, "long": length + 20}[answer.manner]
        shown = body[: length // 2] if answer.manner == "cut" else body
        head = f"HTTP/1.1 {answer.status} OK\r\ncontent-length: {announced}\r\n" + "".join(
            f"{k}: {v}\r\n" for k, v in answer.headers.items()
        )
        transport.write(head.encode() + b"\r\n" + shown)
        await asyncio.sleep(0.02)
    transport.abort()
