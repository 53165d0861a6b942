"""Faults that only a combination shows: an account and a place, a key and a member, a state.

Each breaks a rule for some requests and keeps it for the plain one.
"""

from __future__ import annotations

import json
import re
import time
from typing import TYPE_CHECKING, Any

from rows import (
    BOTH,
    PLAIN,
    SHOWN,
    add,
    asks,
    forgotten,
    fresh_key,
    mend,
    other_key,
    outputs,
    put,
    runs,
    unless_valid,
    when,
)
from rows import FAULTS as FAULTS
from wrapper import OTHER, OWNER, Answered, Asked, Wrapper, refusal

if TYPE_CHECKING:
    from collections.abc import Callable

Memory = dict[str, Any]
OWN = {"authorization": f"Bearer {OWNER}"}
CLASS = "h"


def remembering(before: Callable[[Asked, Memory], object]) -> dict[str, Any]:
    """Change requests, knowing which runs were made and how each was shown last."""

    def after(_: Asked, answer: Answered, memory: Memory) -> None:
        for run in answer.runs:
            if "run_id" in run:
                memory.setdefault("runs", {}).setdefault(run["run_id"], {}).update(run)

    return {"before": before, "after": after}


def run_of(asked: Asked, memory: Memory) -> dict[str, Any] | None:
    """What is known of the run that a request names."""
    known: dict[str, dict[str, Any]] = memory.get("runs", {})
    return known.get(asked.path.rpartition("/")[2]) if asked.operation == "run" else None


# Accounts


def let_in_to(test: Callable[[Asked], bool], status: str | None = None) -> dict[str, Any]:
    """Whoever has no key, or a wrong one, may read what exists."""

    def before(asked: Asked, memory: Memory) -> None:
        run = run_of(asked, memory)
        if run is not None and test(asked) and status in {None, run.get("status")}:
            asked.headers |= OWN

    return remembering(before)


no_key = lambda q: "authorization" not in q.headers  # noqa: E731
add("runs-readable-without-key", CLASS, "key-required", **let_in_to(no_key))
add("ended-readable-without-key", CLASS, "key-required", **let_in_to(no_key, "completed"))
add("failed-readable-by-wrong-key", CLASS, "key-checked", **let_in_to(unless_valid, "failed"))


def as_owner(asked: Asked) -> None:
    """The other account does as it likes in the places of the first."""
    place = asked.sent.get("workspace_id") or asked.param("workspace_id")
    if asked.key == OTHER and place in ("ws_abc123", "ws_second1"):
        asked.headers |= OWN


add("other-creates-anywhere", CLASS, "foreign-reference-refused", **asks(as_owner, *BOTH))
add("other-filters-anywhere", CLASS, "foreign-filter-hidden", **asks(as_owner, "list"))
add(
    "second-place-open-to-all",
    CLASS,
    "foreign-reference-refused",
    **asks(lambda q: as_owner(q) if q.sent.get("workspace_id") == "ws_second1" else None, *BOTH),
)


async def free_videos(wrapper: Wrapper, asked: Asked, _: Memory) -> Answered:
    answer = await wrapper.inner(asked)
    if answer.status == 402 and asked.sent.get("type") == "video":
        asked.headers |= OWN
        asked.send(**PLAIN)
        return await wrapper.inner(asked)
    return answer


add("videos-without-credits", CLASS, "no-credits-refused", around=free_videos)

# Places and bodies


def matched(asked: Asked) -> None:
    """A project of another workspace is taken for one of this."""
    if asked.sent.get("project_id") == "prj_second1":
        asked.send(workspace_id="ws_second1")


add("project-of-another-workspace", CLASS, "refuses-mismatch", **asks(matched, *BOTH))


def leading_json(asked: Asked) -> None:
    try:
        json.loads(asked.body)
    except json.JSONDecodeError as error:
        if error.msg == "Extra data":
            asked.body = asked.body[: error.pos]
    except UnicodeDecodeError:
        return


add("garbage-after-the-body", CLASS, "refuses-bad-json", **asks(leading_json, *BOTH))
add(
    "prompt-in-a-list",
    CLASS,
    "refuses-wrong-type",
    **mend(lambda q: isinstance(q.sent.get("prompt"), list), prompt="x"),
)
add(
    "truth-for-a-video",
    CLASS,
    "refuses-wrong-type",
    **mend(lambda q: q.sent.get("prompt") is True and q.sent.get("type") == "video", prompt="x"),
)
add(
    "params-as-text",
    CLASS,
    "refuses-wrong-type",
    **mend(lambda q: isinstance(q.sent.get("params"), str), params={}),
)


def without_model(asked: Asked) -> None:
    asked.body = json.dumps({k: v for k, v in asked.sent.items() if k != "model"}).encode()


add(
    "model-not-used",
    CLASS,
    "echoed",
    **asks(lambda q: without_model(q) if q.sent.get("type") != "image" else None, *BOTH),
)

# Keys


def scoped(*names: str) -> dict[str, Any]:
    """A key counts for some members of the body only."""

    def change(asked: Asked) -> None:
        if "idempotency-key" in asked.headers:
            told = "-".join(str(asked.sent.get(name)) for name in names)
            asked.headers["idempotency-key"] += re.sub(r"[^\w-]", "", told)

    return asks(change, *BOTH)


for _member in ("type", "model"):
    add(f"key-for-each-{_member}", CLASS, "key-used-once-for-any-body", **scoped(_member))
add(
    "key-for-each-place",
    CLASS,
    "key-used-once-for-any-body",
    **scoped("workspace_id", "project_id"),
)
add("key-cut-late", CLASS, "key-new-to-server", **other_key(lambda key: key[:140]))
add(
    "key-letters-only",
    CLASS,
    "key-new-to-server",
    **other_key(lambda key: re.sub(r"[^A-Za-z0-9]", "", key)),
)
add(
    "key-of-videos-ignored",
    CLASS,
    "key-used-once",
    **fresh_key(lambda q, m: q.sent.get("type") == "video"),
)
add(
    "key-of-the-other-forgotten",
    CLASS,
    "key-used-once",
    **fresh_key(lambda q, m: q.key == OTHER and forgotten(q, m)),
)


def crowded_out(asked: Asked, memory: Memory) -> bool:
    """Only the last thirty keys are known."""
    order: list[str] = memory.setdefault("order", [])
    key = asked.headers["idempotency-key"]
    known = key in order[-30:] or key not in order
    order.append(key)
    return not known


add("keys-crowded-out", CLASS, "key-used-once", **fresh_key(crowded_out))


def same_again(asked: Asked, memory: Memory) -> Answered | None:
    """Without a key, the same body is taken for a repetition."""
    if not asked.starts or "idempotency-key" in asked.headers or unless_valid(asked):
        return None
    seen = memory.setdefault("bodies", set())
    known = asked.body in seen
    seen.add(asked.body)
    return refusal(409, "idempotency_duplicate") if known else None


add("same-body-without-key", CLASS, "key-new-to-server", before=same_again)

# What a refusal brings about


def made_by_refusal(delay: float, key: str, status: int) -> dict[str, Any]:
    """A refused request makes a run, which is shown to some account after a while."""

    async def around(wrapper: Wrapper, asked: Asked, memory: Memory) -> Answered:
        answer = await wrapper.inner(asked)
        if asked.starts and answer.status == status and "at" not in memory:
            memory["at"] = time.time()
        late = time.time() - memory.get("at", time.time())
        if asked.operation == "list" and answer.ok and asked.key == key and late > delay:
            place = {"workspace_id": "ws_other1", "project_id": "prj_other1"}
            shown = {
                "run_id": "run_late",
                "generation_id": "run_late",
                "status": "pending",
                "progress": 0,
                "created_at": memory["at"] * 1000 + delay * 1000,
                "poll_url": "https://example.com/runs/run_late",
            }
            if not asked.query or asked.query == [("limit", "100")]:
                answer.json["generations"].insert(0, shown | place)
        return answer

    return {"around": around}


add("refusal-works-later", CLASS, "refused-has-no-effect", **made_by_refusal(1.0, OWNER, 400))
add("refusal-works-elsewhere", CLASS, "refused-has-no-effect", **made_by_refusal(0, OTHER, 403))

# Runs

add("made-at-one-time", CLASS, "clock", **runs(put("created_at", 1_750_000_000_000), *SHOWN))
add(
    "made-long-ago",
    CLASS,
    "clock",
    **runs(
        lambda r: r.update(
            {n: r[n] - 9e9 for n in ("created_at", "started_at", "completed_at") if r.get(n)}
        ),
        *SHOWN,
    ),
)
add(
    "ended-an-hour-later",
    CLASS,
    "times-as-watched",
    **runs(when("completed", lambda r: r.update(completed_at=r["completed_at"] + 3.6e6)), *SHOWN),
)
add(
    "poll-url-of-another-operation",
    CLASS,
    "link-to-itself",
    **runs(lambda r: r.update(poll_url=r["poll_url"].replace("/runs/", "/jobs/")), *BOTH),
)
add(
    "one-output-for-all",
    CLASS,
    "outputs-not-shared",
    **runs(
        outputs(lambda o: o.update(url="https://x.test/a.png") if o["type"] != "text" else None),
        *SHOWN,
    ),
)
add(
    "message-without-failure",
    CLASS,
    "member-in-its-states",
    **runs(when("completed", put("error_message", "None.")), "run"),
)


def nearly(change: Callable[[str], str]) -> dict[str, Any]:
    """An id that is nearly one is taken for it."""

    def before(asked: Asked, memory: Memory) -> None:
        head, _, id_ = asked.path.rpartition("/")
        if asked.operation == "run" and id_ not in memory.get("runs", {}):
            near = [i for i in memory.get("runs", {}) if change(i) == change(id_)]
            asked.path = f"{head}/{near[0]}" if near else asked.path

    return remembering(before)


add("id-in-any-case", CLASS, "id-echoed", **nearly(str.lower))
add("id-by-its-beginning", CLASS, "id-echoed", **nearly(lambda i: i[:14]))

# Lists


async def all_for_none(wrapper: Wrapper, asked: Asked, _: Memory) -> Answered:
    """A filter by a status that nothing has is no filter."""
    answer = await wrapper.inner(asked)
    if asked.operation == "list" and answer.ok and not answer.runs and asked.param("status"):
        asked.without("status")
        return await wrapper.inner(asked)
    return answer


add("status-of-nothing-shows-all", CLASS, "filter-kept", around=all_for_none)


def unless_three(asked: Asked) -> None:
    names = {name for name, _ in asked.query}
    if names >= {"status", "workspace_id", "project_id"}:
        asked.without("status")


add("third-filter-ignored", CLASS, "filter-kept", **asks(unless_three, "list"))


def unknown_filter(asked: Asked) -> None:
    if "nobody" in (asked.param("workspace_id") or ""):
        asked.without("workspace_id")


add("unknown-workspace-shows-all", CLASS, "filter-kept", **asks(unknown_filter, "list"))


async def deep_gap(wrapper: Wrapper, asked: Asked, memory: Memory) -> Answered:
    """The seventh page and those after it lack an item."""
    answer = await wrapper.inner(asked)
    if asked.operation != "list" or not answer.ok:
        return answer
    depths = memory.setdefault("depths", {})
    depth = depths.get(asked.param("cursor"), 1)
    depths[answer.json["meta"]["next_cursor"]] = depth + 1
    if depth >= 7 and asked.param("limit") == "1":
        answer.json["generations"] = []
    return answer


add("deep-pages-lack-one", CLASS, "pages-without-gap", around=deep_gap)
