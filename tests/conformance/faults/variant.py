"""Correct servers that take another choice wherever the documents leave one.

`variant` decides otherwise what they leave open. `newer` is what may become of it: fields, headers
and codes that no document knows, ids of another shape, answers said again in place of a 409.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rows import whole_history
from wrapper import OTHER, OWNER, Answered, Asked, Fault, Wrapper, refusal

if TYPE_CHECKING:
    from rows import Memory

DEFAULT_LIMIT = 7

LATER_ACTION = "shader-effect-browser"


def before(asked: Asked, _: Memory) -> Answered | None:
    if asked.operation != "list":
        return None
    limit = asked.param("limit") or ""
    if limit.isdecimal() and int(limit) > 100:  # capped, not refused
        asked.without("limit")
        asked.query.append(("limit", "100"))
    return None


async def around(wrapper: Wrapper, asked: Asked, _: Memory) -> Answered:
    """Offset cursors, another default limit."""
    cursor = asked.param("cursor")
    if asked.operation != "list" or asked.key not in {OWNER, OTHER}:
        return await wrapper.inner(asked)
    if cursor is not None and not (cursor.isascii() and cursor.isdecimal()):
        return refusal(400, "input_validation_error", "cursor: Invalid", "cursor")
    asked.without("cursor")
    answer = await wrapper.inner(asked)
    if not answer.ok:
        return answer
    items = [
        run
        for run in await whole_history(wrapper, asked, asked.key)
        if all(run[k] == v for k, v in asked.query if k in {"status", "workspace_id", "project_id"})
    ]
    start, size = int(cursor or 0), int(asked.param("limit") or DEFAULT_LIMIT)
    answer.json["generations"] = items[start : start + size]
    # An offset server that does not look ahead: a full last page leads to an empty one.
    more = len(items[start : start + size]) == size
    answer.json["meta"] = {"next_cursor": str(start + size) if more else None}
    return answer


def after(asked: Asked, answer: Answered, _: Memory) -> None:
    if answer.status == 403:
        answer.status, answer.json["error"] = 404, {"code": "not_found", "message": "Not found."}
    elif answer.status == 401:
        answer.json["error"]["code"] = "invalid_api_key"
    for run in answer.runs if asked.operation else ():
        _rewrite(run, asked)


def _rewrite(run: dict[str, Any], asked: Asked) -> None:
    if asked.starts:
        run.update(action={"action_id": LATER_ACTION}, technique=None, estimated_seconds=None)
        return
    run["progress"] = run["progress"] / 100
    for name in ("created_at", "started_at", "completed_at"):
        run[name] = run[name] / 1000 if run.get(name) is not None else None
    for name in ("error_code", "error_message", "outputs", "charged_cost"):
        run.setdefault(name, None)
    if asked.operation == "list" and run["status"] == "pending":
        run["model"] = None


VARIANT = Fault("variant", "-", "-", before=before, after=after, around=around)

SKEW = 7 * 3600
"""Seconds by which the clock of the newer server is slow."""

PARAMS = {"steps"}
"""Its models take no other parameters."""


def newer_id(run_id: str) -> str:
    return f"run_01-{run_id.removeprefix('run_')}_Z"


def older_id(run_id: str) -> str:
    return f"run_{run_id.removeprefix('run_01-').removesuffix('_Z')}"


async def answer_again(wrapper: Wrapper, asked: Asked, memory: Memory) -> Answered:
    """A used key is answered with its first answer, or with 422 where the request is another."""
    key = asked.headers.get("idempotency-key")
    answer = await wrapper.inner(asked)
    if not asked.starts or key is None:
        return answer
    if answer.ok:
        memory[asked.key, key] = asked.body, dict(answer.json)
    elif answer.status == 409:
        body, first = memory[asked.key, key]
        if body != asked.body:
            return refusal(422, "idempotency_conflict", "Another request under a used key.")
        return Answered(200, answer.headers | {"idempotent-replayed": "true"}, dict(first))
    return answer


def newer_before(asked: Asked, _: Memory) -> Answered | None:
    if asked.operation == "run":
        asked.path = "/api/v1/runs/" + older_id(asked.path.removeprefix("/api/v1/runs/"))
    if asked.starts and asked.headers.get("authorization") == f"Bearer {OWNER}":
        sent = asked.sent
        if isinstance(sent.get("params"), dict) and set(sent["params"]) - PARAMS:
            return refusal(400, "input_validation_error", "Not a parameter of it.", "params")
        if isinstance(sent.get("prompt"), str) and not sent["prompt"].strip(" \t\n\0"):
            return refusal(400, "input_validation_error", "prompt: says nothing", "prompt")
    return None


def newer_after(asked: Asked, answer: Answered, memory: Memory) -> None:
    answer.headers |= {"etag": 'W/"1"', "x-request-id": "req_1", "vary": "Accept"}
    answer.headers["content-type"] = "application/json; charset=utf-8"
    if not answer.ok:
        _newer_error(answer)
        return
    answer.json["request_id"] = "req_1"
    for run in answer.runs if asked.operation else ():
        _newer_run(run, asked)
        for output in run.get("outputs") or ():
            if output["type"] != "text":
                memory["signed"] = memory.get("signed", 0) + 1
                output["url"] += f"?signature={memory['signed']}"
    if asked.operation == "list":
        answer.json["meta"] |= {"has_more": answer.json["meta"]["next_cursor"] is not None}
        answer.json["meta"]["next_cursor"] = answer.json["meta"]["next_cursor"] or ""


def _newer_error(answer: Answered) -> None:
    error = answer.json["error"]
    error |= {"message": "Das ging nicht.", "request_id": "req_1"}
    if answer.status == 400 and not error.get("fields"):
        error["code"] = "invalid_json"
    for field in error.get("fields", ()):
        field |= {"field": f"body.{field['field']}", "code": "invalid", "message": "So nicht."}


def _newer_run(run: dict[str, Any], asked: Asked) -> None:
    run["run_id"] = newer_id(run["run_id"])
    run["poll_url"] = f"http://localhost:1/api/v1/runs/{run['run_id']}"
    run["trace"] = {"id": "t"}
    if asked.starts:
        run.update(action=None, model=None, technique=None, project_id=None)
        return
    if asked.operation == "list":
        run["generation_id"] = run["run_id"]
    for name in ("created_at", "started_at", "completed_at"):
        if run.get(name) is not None:
            run[name] = int(run[name] / 1000) - SKEW
    if run["status"] == "failed":
        run.update(progress=0, charged_cost=0)
    for output in run.get("outputs") or ():
        output["mime_type"] = "image/png"


NEWER = Fault("newer", "-", "-", before=newer_before, after=newer_after, around=answer_again)

CORRECT = {"variant": VARIANT, "newer": NEWER}
