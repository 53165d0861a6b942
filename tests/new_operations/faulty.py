"""`python faulty.py PORT`: the mock of a copy of the contract, with one fault at a time.

`PUT /_fault/NAME` starts afresh with a fault, `PUT /_fault/none` without one. The faults are about
the made-up operations of operations.yaml, and are put into requests and answers on their way.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlencode

import uvicorn

from flora_contract.mock import create_app

BASE = "/api/v1"
OWNER, OTHER = "Bearer sk_live_test", "Bearer sk_live_other"
HOME = "ws_abc123"


@dataclass
class Asked:
    """A request on its way to the mock."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Any
    raw: bytes

    @property
    def parts(self) -> list[str]:
        return self.path.removeprefix(BASE).strip("/").split("/")

    @property
    def operation(self) -> str:
        """`openBoard` and so on; empty for others."""
        parts = self.parts
        if parts[0] == "workspaces" and len(parts) == 3:
            return {"POST": "openBoard", "GET": "allBoards"}.get(self.method, "")
        if parts[0] == "workspaces" and len(parts) == 4:
            names = {"GET": "showBoard", "PATCH": "changeBoard", "DELETE": "dropBoard"}
            return names.get(self.method, "")
        if parts == ["renders"]:
            return {"POST": "beginRender", "GET": "renderHistory"}.get(self.method, "")
        if parts[0] == "renders" and len(parts) == 2:
            return "watchRender" if self.method == "GET" else ""
        return "allInks" if parts == ["inks"] else ""

    @property
    def sent(self) -> dict[str, Any]:
        return self.body if isinstance(self.body, dict) else {}

    def without(self, *names: str) -> Asked:
        kept = {name: value for name, value in self.query.items() if name not in names}
        return self.changed(query=kept)

    def changed(self, **changes: Any) -> Asked:
        fields = {**vars(self), **changes}
        if "body" in changes and "raw" not in changes:
            fields["raw"] = json.dumps(changes["body"]).encode()
        return Asked(**fields)

    def by(self, key: str) -> Asked:
        return self.changed(headers={**self.headers, "authorization": key})


@dataclass
class Answered:
    """An answer on its way back."""

    status: int
    headers: dict[str, str]
    body: Any

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    @property
    def boards(self) -> list[dict[str, Any]]:
        return self._shown("boards", "madeAt")

    @property
    def renders(self) -> list[dict[str, Any]]:
        return self._shown("renders", "renderId")

    def _shown(self, items: str, mark: str) -> list[dict[str, Any]]:
        if not self.ok or not isinstance(self.body, dict):
            return []
        found: list[dict[str, Any]] = self.body.get(items, [self.body] if mark in self.body else [])
        return found


FAULTS: dict[str, Any] = {}
"""By name: a function of the request, the mock to ask, and a memory, that gives the answer."""


def fault(function: Any) -> Any:
    """Register a fault under the name of its function."""
    FAULTS[function.__name__.replace("_", "-")] = function
    return function


def refusal(status: int, code: str = "not_found") -> Answered:
    return Answered(status, {"content-type": "application/json"},
                    {"error": {"code": code, "message": "No."}})  # fmt: skip


# Lists


def ignoring(name: str, parameter: str, operation: str) -> None:
    """A query parameter without effect."""

    async def ignored(asked: Asked, inner: Any, _: Any) -> Answered:
        return await inner(asked.without(parameter) if asked.operation == operation else asked)

    FAULTS[name] = ignored


ignoring("filter-ignored", "colour", "allBoards")
ignoring("hidden-filter-ignored", "label", "allBoards")
ignoring("contains-ignored", "titled", "allBoards")
ignoring("size-ignored", "most", "allBoards")
ignoring("state-filter-ignored", "phase", "renderHistory")
ignoring("reference-filter-ignored", "board", "renderHistory")
ignoring("filter-for-all-ignored", "colour", "allInks")


@fault
async def page_skips(asked: Asked, inner: Any, _: Any) -> Answered:
    skip = asked.query.get("skip", "0")
    if asked.operation == "allBoards" and skip.isdecimal() and int(skip) > 0:
        return await inner(asked.changed(query={**asked.query, "skip": str(int(skip) + 1)}))
    return await inner(asked)


@fault
async def row_doubled(asked: Asked, inner: Any, _: Any) -> Answered:
    skip = asked.query.get("skip", "0")
    if asked.operation == "allBoards" and skip.isdecimal() and int(skip) > 0:
        return await inner(asked.changed(query={**asked.query, "skip": str(int(skip) - 1)}))
    return await inner(asked)


@fault
async def order_wrong(asked: Asked, inner: Any, _: Any) -> Answered:
    answer = await inner(asked)
    if asked.operation == "allBoards" and answer.ok:
        answer.body["boards"].reverse()
    return answer


@fault
async def cursor_leads_back(asked: Asked, inner: Any, _: Any) -> Answered:
    answer = await inner(asked)
    if asked.operation == "renderHistory" and answer.ok and "after" in asked.query:
        answer.body["more"] = asked.query["after"]
    return answer


@fault
async def newest_not_listed(asked: Asked, inner: Any, _: Any) -> Answered:
    answer = await inner(asked)
    if asked.operation == "renderHistory" and "after" not in asked.query:
        del answer.renders[:1]
    return answer


@fault
async def item_differs(asked: Asked, inner: Any, _: Any) -> Answered:
    answer = await inner(asked)
    if asked.operation == "allBoards":
        for board in answer.boards:
            board["title"] = board["title"].upper() + "!"
    return answer


# Resources


@fault
async def unknown_id_found(asked: Asked, inner: Any, memory: dict[str, Any]) -> Answered:
    answer = await inner(asked)
    if answer.ok and asked.operation in {"openBoard", "showBoard"}:
        memory["board"] = answer
    if asked.operation == "showBoard" and answer.status == 404 and "board" in memory:
        return memory["board"]
    return answer


@fault
async def foreign_board_readable(asked: Asked, inner: Any, _: Any) -> Answered:
    if asked.operation == "showBoard" and asked.headers.get("authorization") == OTHER:
        answer = await inner(asked.by(OWNER))
        return answer if answer.ok else await inner(asked)
    return await inner(asked)


@fault
async def foreign_board_changed(asked: Asked, inner: Any, _: Any) -> Answered:
    if asked.operation == "changeBoard" and asked.headers.get("authorization") == OTHER:
        answer = await inner(asked.by(OWNER))
        return answer if answer.ok else await inner(asked)
    return await inner(asked)


@fault
async def foreign_board_deleted_with_404(asked: Asked, inner: Any, _: Any) -> Answered:
    if asked.operation == "dropBoard" and asked.headers.get("authorization") == OTHER:
        await inner(asked.by(OWNER))
        return refusal(404)
    return await inner(asked)


@fault
async def foreign_render_readable(asked: Asked, inner: Any, _: Any) -> Answered:
    if asked.operation == "watchRender" and asked.headers.get("authorization") == OTHER:
        answer = await inner(asked.by(OWNER))
        return answer if answer.ok else await inner(asked)
    return await inner(asked)


@fault
async def foreign_workspace_taken(asked: Asked, inner: Any, _: Any) -> Answered:
    authorization = asked.headers.get("authorization")
    if asked.operation == "openBoard" and authorization == OWNER and asked.parts[1] != HOME:
        path = f"{BASE}/workspaces/{HOME}/boards"
        answer = await inner(asked.changed(path=path))
        for board in answer.boards:
            board["workspace_id"] = asked.parts[1]
        return answer
    return await inner(asked)


@fault
async def unknown_reference_taken(asked: Asked, inner: Any, memory: dict[str, Any]) -> Answered:
    answer = await inner(asked)
    if asked.operation == "beginRender" and answer.ok:
        memory["board"] = asked.sent["board"]
    if asked.operation == "beginRender" and answer.status in {403, 404} and "board" in memory:
        answer = await inner(asked.changed(body={**asked.sent, "board": memory["board"]}))
        if answer.ok:
            answer.body["board"] = asked.sent["board"]
    return answer


async def _undo(asked: Asked, inner: Any, before: Answered) -> None:
    kept = {name: before.body[name] for name in ("title", "colour")}
    await inner(asked.changed(method="PATCH", body=kept))


@fault
async def update_not_kept(asked: Asked, inner: Any, _: Any) -> Answered:
    if asked.operation != "changeBoard":
        return await inner(asked)
    before = await inner(asked.changed(method="GET", raw=b""))
    answer = await inner(asked)
    if answer.ok and before.ok:
        await _undo(asked, inner, before)
    return answer


@fault
async def update_not_shown(asked: Asked, inner: Any, _: Any) -> Answered:
    if asked.operation != "changeBoard":
        return await inner(asked)
    before = await inner(asked.changed(method="GET", raw=b""))
    answer = await inner(asked)
    return before if answer.ok and before.ok else answer


@fault
async def update_clears_the_rest(asked: Asked, inner: Any, _: Any) -> Answered:
    if asked.operation == "changeBoard" and asked.sent and "colour" not in asked.sent:
        return await inner(asked.changed(body={**asked.sent, "colour": "blue"}))
    return await inner(asked)


@fault
async def refused_update_kept(asked: Asked, inner: Any, _: Any) -> Answered:
    answer = await inner(asked)
    if asked.operation == "changeBoard" and answer.status == 400:
        await inner(asked.changed(body={"title": "kept all the same"}))
    return answer


@fault
async def deleted_still_readable(asked: Asked, inner: Any, _: Any) -> Answered:
    if asked.operation == "dropBoard":
        found = await inner(asked.changed(method="GET", raw=b""))
        return Answered(204, {}, None) if found.ok else await inner(asked)
    return await inner(asked)


@fault
async def deleted_still_listed(asked: Asked, inner: Any, memory: dict[str, Any]) -> Answered:
    if asked.operation == "dropBoard":
        found = await inner(asked.changed(method="GET", raw=b""))
        answer = await inner(asked)
        if answer.ok and found.ok:
            memory.setdefault(asked.parts[1], []).append(found.body)
        return answer
    answer = await inner(asked)
    mine = asked.headers.get("authorization") == OWNER and not set(asked.query) - {"most"}
    if asked.operation == "allBoards" and answer.ok and mine:
        gone = memory.get(asked.parts[1], [])
        answer.body["boards"] = [*gone, *answer.body["boards"]]
    return answer


@fault
async def refused_board_made(asked: Asked, inner: Any, _: Any) -> Answered:
    answer = await inner(asked)
    authorization = asked.headers.get("authorization")
    if asked.operation == "openBoard" and answer.status == 400 and authorization == OWNER:
        made = asked.changed(path=f"{BASE}/workspaces/{HOME}/boards")
        await inner(made.changed(body={"title": "made all the same", "colour": "red"}))
    return answer


@fault
async def echo_wrong(asked: Asked, inner: Any, _: Any) -> Answered:
    answer = await inner(asked)
    for board in answer.boards:
        board["colour"] = "red"
    return answer


@fault
async def renamed_echo_wrong(asked: Asked, inner: Any, _: Any) -> Answered:
    answer = await inner(asked)
    for render in answer.renders:
        if "grade" in render:
            render["grade"] = "draft"
    return answer


@fault
async def id_repeated(asked: Asked, inner: Any, memory: dict[str, Any]) -> Answered:
    answer = await inner(asked)
    if asked.operation == "openBoard" and answer.ok:
        answer.body["meta"] = memory.setdefault("meta", answer.body["meta"])
    return answer


@fault
async def prefix_wrong(asked: Asked, inner: Any, _: Any) -> Answered:
    if asked.operation == "watchRender":
        asked = asked.changed(path=asked.path.replace("/film-", "/rnd-"))
    answer = await inner(asked)
    for render in answer.renders:
        render["renderId"] = render["renderId"].replace("rnd-", "film-")
    return answer


@fault
async def made_twice(asked: Asked, inner: Any, _: Any) -> Answered:
    answer = await inner(asked)
    if asked.operation == "openBoard" and answer.ok:
        await inner(asked)
    return answer


# Keys and money


@fault
async def no_key_needed(asked: Asked, inner: Any, _: Any) -> Answered:
    if asked.operation == "allBoards" and "authorization" not in asked.headers:
        return await inner(asked.by(OWNER))
    return await inner(asked)


@fault
async def any_key_taken(asked: Asked, inner: Any, _: Any) -> Answered:
    answer = await inner(asked)
    if asked.operation == "changeBoard" and answer.status == 401:
        return await inner(asked.by(OWNER))
    return answer


@fault
async def token_ignored(asked: Asked, inner: Any, _: Any) -> Answered:
    headers = {n: v for n, v in asked.headers.items() if n != "request-token"}
    return await inner(asked.changed(headers=headers))


@fault
async def token_refused_again(asked: Asked, inner: Any, memory: dict[str, Any]) -> Answered:
    token = asked.headers.get("request-token")
    if asked.operation == "beginRender" and token is not None:
        if token in memory:
            return refusal(500, "unknown_error")
        answer = await inner(asked)
        if answer.ok:
            memory[token] = True
        return answer
    return await inner(asked)


@fault
async def price_changes(asked: Asked, inner: Any, _: Any) -> Answered:
    answer = await inner(asked)
    if asked.operation == "watchRender":
        for render in answer.renders:
            render["price"] = render.get("price", 0) + 1
    return answer


@fault
async def without_credits(asked: Asked, inner: Any, _: Any) -> Answered:
    answer = await inner(asked)
    if asked.operation == "beginRender" and answer.status == 402:
        begun = {"renderId": "rnd-free", "price": 0, "board": asked.sent["board"]}
        return Answered(202, {"content-type": "application/json"}, begun)
    return answer


# Lives


@fault
async def state_goes_back(asked: Asked, inner: Any, memory: dict[str, Any]) -> Answered:
    answer = await inner(asked)
    if asked.operation == "watchRender" and answer.ok:
        looks = memory.setdefault(answer.body["renderId"], [])
        looks.append(answer.body["phase"])
        if looks.count("done") == 2:
            answer.body.update(phase="working")
            for name in ("film", "endedAt"):
                answer.body.pop(name, None)
    return answer


@fault
async def final_changes(asked: Asked, inner: Any, memory: dict[str, Any]) -> Answered:
    answer = await inner(asked)
    if asked.operation == "watchRender" and answer.ok and answer.body["phase"] == "done":
        memory["looks"] = memory.get("looks", 0) + 1
        answer.body["film"] = f"https://example.com/{memory['looks']}"
    return answer


@fault
async def film_missing(asked: Asked, inner: Any, _: Any) -> Answered:
    answer = await inner(asked)
    for render in answer.renders:
        render.pop("film", None)
    return answer


@fault
async def ended_too_early(asked: Asked, inner: Any, _: Any) -> Answered:
    answer = await inner(asked)
    for render in answer.renders:
        if render.get("phase") in {"queued", "working"}:
            render["endedAt"] = render["begunAt"] + 5
    return answer


@fault
async def times_swapped(asked: Asked, inner: Any, _: Any) -> Answered:
    answer = await inner(asked)
    for render in answer.renders:
        if "endedAt" in render:
            render["endedAt"] = render["begunAt"] - 1000
    return answer


@fault
async def percent_shrinks(asked: Asked, inner: Any, _: Any) -> Answered:
    answer = await inner(asked)
    for render in answer.renders:
        if render.get("phase") == "done":
            render["percent"] = 0
    return answer


@fault
async def never_ends(asked: Asked, inner: Any, _: Any) -> Answered:
    answer = await inner(asked)
    for render in answer.renders:
        if render.get("phase") == "done":
            render["phase"] = "finishing"
            render.pop("film")
            render.pop("endedAt")
    return answer


# Checks of requests


@fault
async def number_out_of_bounds_taken(asked: Asked, inner: Any, _: Any) -> Answered:
    frames = asked.sent.get("frames")
    if asked.operation == "beginRender" and isinstance(frames, int) and frames < 1:
        return await inner(asked.changed(body={**asked.sent, "frames": 1}))
    return await inner(asked)


@fault
async def missing_member_taken(asked: Asked, inner: Any, _: Any) -> Answered:
    if asked.operation == "openBoard" and isinstance(asked.body, dict):
        return await inner(asked.changed(body={"colour": "red", **asked.body}))
    return await inner(asked)


@fault
async def wrong_value_taken(asked: Asked, inner: Any, _: Any) -> Answered:
    colour = asked.sent.get("colour")
    if asked.operation == "changeBoard" and isinstance(colour, str):
        known = colour if colour in {"red", "green", "blue"} else "red"
        return await inner(asked.changed(body={**asked.sent, "colour": known}))
    return await inner(asked)


@fault
async def status_of_success_wrong(asked: Asked, inner: Any, _: Any) -> Answered:
    answer = await inner(asked)
    if asked.operation == "dropBoard" and answer.status == 204:
        answer.status = 202
    return answer


@fault
async def code_wrong(asked: Asked, inner: Any, _: Any) -> Answered:
    answer = await inner(asked)
    if asked.operation == "showBoard" and answer.status == 404:
        answer.body["error"]["code"] = "unauthorized"
    return answer


# The server


@dataclass
class Server:
    """The mock with one fault, or none."""

    name: str = "none"
    memory: dict[str, Any] = field(default_factory=dict)
    app: Any = None

    def switch(self, name: str) -> None:
        self.name, self.memory, self.app = name, {}, create_app(run_seconds=1.0)

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        asked = await _read(scope, receive)
        if asked.path.startswith("/_fault/"):
            self.switch(asked.path.removeprefix("/_fault/"))
            await _write(send, Answered(200, {}, list(FAULTS)))
            return

        async def inner(request: Asked) -> Answered:
            return await _ask(self.app, scope, request)

        broken = FAULTS.get(self.name)
        answer = await (broken(asked, inner, self.memory) if broken else inner(asked))
        await _write(send, answer)


async def _read(scope: dict[str, Any], receive: Any) -> Asked:
    raw = b""
    more = True
    while more:
        message = await receive()
        raw += message.get("body", b"")
        more = message.get("more_body", False)
    try:
        body = json.loads(raw)
    except ValueError:
        body = None
    return Asked(
        scope["method"],
        scope["raw_path"].decode("latin-1").partition("?")[0],
        dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)),
        {k.decode().lower(): v.decode("latin-1") for k, v in scope["headers"]},
        body,
        raw,
    )


async def _ask(app: Any, scope: dict[str, Any], asked: Asked) -> Answered:
    got: dict[str, Any] = {"body": b""}
    query = scope["query_string"]
    if dict(parse_qsl(query.decode("latin-1"), keep_blank_values=True)) != asked.query:
        query = urlencode(asked.query).encode()  # else as it came, with names that stand twice
    inside = {
        **scope,
        "method": asked.method,
        "path": asked.path,
        "raw_path": asked.path.encode("latin-1"),
        "query_string": query,
        "headers": [
            (k.encode(), v.encode("latin-1"))
            for k, v in asked.headers.items()
            if k != "content-length"
        ],
    }

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": asked.raw}

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            got["status"] = message["status"]
            got["headers"] = {k.decode().lower(): v.decode() for k, v in message["headers"]}
        else:
            got["body"] += message.get("body", b"")

    await app(inside, receive, send)
    got["headers"].pop("content-length", None)
    return Answered(got["status"], got["headers"], json.loads(got["body"] or b"null"))


async def _write(send: Any, answer: Answered) -> None:
    body = b"" if answer.body is None else json.dumps(answer.body).encode()
    headers = [(k.encode(), v.encode()) for k, v in answer.headers.items()]
    if answer.status != 204:
        headers.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


if __name__ == "__main__":
    server = Server()
    server.switch("none")
    uvicorn.run(
        server, host="127.0.0.1", port=int(sys.argv[1]), lifespan="off", log_level="critical"
    )
