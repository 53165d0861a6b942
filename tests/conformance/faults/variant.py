"""A correct server that takes the other choice wherever the documents leave one."""

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
    for run in answer.runs:
        _rewrite(run, asked)


def _rewrite(run: dict[str, Any], asked: Asked) -> None:
    if asked.starts:
        run.update(action={"action_id": LATER_ACTION}, technique=None, estimated_seconds=None)
        return
    run["progress"] = run["progress"] / 100
    for name in ("created_at", "started_at", "completed_at"):
        run[name] = run[name] / 1000 if run.get(name) is not None else None
    for name in ("error_code", "error_message", "outputs"):
        run.setdefault(name, None)


VARIANT = Fault("variant", "-", "-", before=before, after=after, around=around)
