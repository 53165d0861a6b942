"""The fault set: servers of which each breaks the contract in exactly one way.

Each is named after what is wrong, and names the oracle that must find it. Its class: (a) schema,
(b) status and error shape, (c) authorization, (d) validation, (e) runs and idempotency,
(f) history, (g) transport.
"""

from __future__ import annotations

import json
import re
import time
from typing import TYPE_CHECKING, Any

from wrapper import BASE, OTHER, OWNER, Answered, Asked, Fault, Wrapper, refusal

if TYPE_CHECKING:
    from collections.abc import Callable

FAULTS: dict[str, Fault] = {}

Memory = dict[str, Any]


def add(name: str, kind: str, oracle: str, **hooks: Any) -> None:
    assert name not in FAULTS, name
    FAULTS[name] = Fault(name, kind, oracle, **hooks)


# Ways to say what a fault does


def runs(change: Callable[[dict[str, Any]], object], *operations: str) -> dict[str, Any]:
    """Change every run shown by some operations."""

    def after(asked: Asked, answer: Answered, _: Memory) -> None:
        if asked.operation in operations:
            for run in answer.runs:
                change(run)

    return {"after": after}


def body(change: Callable[[Any], object], *operations: str) -> dict[str, Any]:
    """Change the whole body of some operations' successes."""

    def after(asked: Asked, answer: Answered, _: Memory) -> None:
        if asked.operation in operations and answer.ok:
            change(answer.json)

    return {"after": after}


def errors(change: Callable[[Answered], object], *statuses: int) -> dict[str, Any]:
    """Change error answers of some statuses."""

    def after(asked: Asked, answer: Answered, _: Memory) -> None:
        if asked.operation and answer.status in statuses and "error" in (answer.json or {}):
            change(answer)

    return {"after": after}


def asks(change: Callable[[Asked], object], *operations: str) -> dict[str, Any]:
    """Change requests before the mock sees them."""

    def before(asked: Asked, _: Memory) -> None:
        if asked.operation in operations:
            change(asked)

    return {"before": before}


def answers(make: Callable[[Asked], Answered | None], *operations: str) -> dict[str, Any]:
    """Answer some requests in the mock's place."""

    def before(asked: Asked, _: Memory) -> Answered | None:
        return make(asked) if asked.operation in operations else None

    return {"before": before}


def put(name: str, value: Any) -> Callable[[dict[str, Any]], object]:
    return lambda run: run.__setitem__(name, value)


def drop(name: str) -> Callable[[dict[str, Any]], object]:
    return lambda run: run.pop(name, None)


def rename(name: str, new: str) -> Callable[[dict[str, Any]], object]:
    def change(run: dict[str, Any]) -> None:
        if name in run:
            run[new] = run.pop(name)

    return change


def when(status: str, change: Callable[[dict[str, Any]], object]) -> Callable[..., object]:
    return lambda run: change(run) if run.get("status") == status else None


def outputs(change: Callable[[dict[str, Any]], object]) -> Callable[[dict[str, Any]], object]:
    return lambda run: [change(o) for o in run.get("outputs") or ()]


BOTH = ("create", "old")
ALL = ("create", "old", "run", "list")
SHOWN = ("run", "list")

# (a) schema

for _field in ("charged_cost", "estimated_seconds", "run_id", "type"):
    add(f"create-without-{_field}", "a", "schema-required", **runs(drop(_field), *BOTH))
for _field in ("created_at", "progress", "run_id", "status"):
    add(f"run-without-{_field}", "a", "schema-required", **runs(drop(_field), "run"))
for _field in ("generation_id", "project_id", "workspace_id"):
    add(f"item-without-{_field}", "a", "schema-required", **runs(drop(_field), "list"))
add("list-without-meta", "a", "schema-required", **body(lambda b: b.pop("meta"), "list"))
add(
    "progress-as-text",
    "a",
    "schema-type",
    **runs(lambda r: r.update(progress=str(r["progress"])), "run"),
)
add("cost-as-text", "a", "schema-type", **runs(lambda r: r.update(charged_cost="0.04"), "create"))
add(
    "created-at-as-date",
    "a",
    "schema-type",
    **runs(put("created_at", "2026-06-15T12:00:00Z"), *SHOWN),
)
add("list-as-object", "a", "schema-type", **body(lambda b: b.update(generations={"0": 1}), "list"))
add(
    "total-as-text",
    "a",
    "schema-type",
    **body(lambda b: b["meta"].update(total_estimate="many"), "list"),
)
add("run-id-null", "a", "schema-null", **runs(put("run_id", None), "run"))
add("status-null", "a", "schema-null", **runs(put("status", None), "list"))
add("cost-null-on-create", "a", "schema-null", **runs(put("charged_cost", None), *BOTH))
add(
    "status-succeeded",
    "a",
    "schema-enum",
    **runs(when("completed", put("status", "succeeded")), *SHOWN),
)
add(
    "status-in-capitals",
    "a",
    "schema-enum",
    **runs(lambda r: r.update(status=r["status"].upper()), "list"),
)
add("type-image", "a", "schema-enum", **runs(put("type", "image"), "old"))
add("output-type-image", "a", "schema-enum", **runs(outputs(put("type", "image")), "run"))
add("cost-negative", "a", "schema-range", **runs(put("charged_cost", -0.04), "create"))
add("seconds-negative", "a", "schema-range", **runs(put("estimated_seconds", -1), *BOTH))
add("output-url-empty", "a", "schema-range", **runs(outputs(put("url", "")), "run"))
add(
    "model-id-empty",
    "a",
    "schema-range",
    **runs(lambda r: r["model"].update(model_id=""), "create"),
)
add(
    "poll-url-relative",
    "a",
    "schema-format",
    **runs(lambda r: r.update(poll_url=f"/runs/{r['run_id']}"), *BOTH),
)
add(
    "poll-url-of-another-run",
    "a",
    "link-to-itself",
    **runs(lambda r: r.update(poll_url=r["poll_url"] + "0"), *BOTH),
)
add(
    "poll-url-constant-in-list",
    "a",
    "link-to-itself",
    **runs(lambda r: r.update(poll_url="https://example.com/runs/run_1"), "list"),
)
add(
    "run-id-without-prefix",
    "a",
    "schema-pattern",
    **runs(lambda r: r.update(generation_id=r["run_id"][4:]), "list"),
)
add(
    "project-id-without-prefix",
    "a",
    "schema-pattern",
    **runs(lambda r: r.update(project_id=r["project_id"][4:]), "create"),
)
add(
    "camel-case-outputs",
    "a",
    "field-spelling",
    **runs(rename("charged_cost", "chargedCost"), "run"),
)
add(
    "camel-case-times", "a", "field-spelling", **runs(rename("completed_at", "completedAt"), *SHOWN)
)
add("items-without-poll-url", "a", "list-poll-url", **runs(drop("poll_url"), "list"))
add(
    "generation-id-of-its-own",
    "a",
    "aliases-agree",
    **runs(lambda r: r.update(generation_id="run_x" + r["run_id"][4:]), "list"),
)
add("create-answers-technique", "a", "stated-value", **runs(put("type", "technique"), "create"))
add(
    "served-as-text",
    "a",
    "content-type",
    after=lambda q, a, m: (
        a.headers.update({"content-type": "text/plain"}) if q.operation == "run" else None
    ),
)
add(
    "errors-as-html",
    "a",
    "content-type",
    after=lambda q, a, m: (
        a.headers.update({"content-type": "text/html"}) if q.operation and a.status == 404 else None
    ),
)

add("progress-true", "a", "schema-type", **runs(when("running", put("progress", True)), "run"))
add("outputs-as-object", "a", "schema-type", **runs(when("completed", put("outputs", {})), "list"))
add("output-without-id", "a", "schema-required", **runs(outputs(drop("output_id")), "run"))
add(
    "progress-not-a-number",
    "a",
    "json-body",
    **runs(when("completed", put("progress", float("nan"))), "run"),
)

# (b) status and error shape


def restate(status: int, *operations: str) -> dict[str, Any]:
    def after(asked: Asked, answer: Answered, _: Memory) -> None:
        if asked.operation in operations and answer.ok:
            answer.status = status

    return {"after": after}


def error_status(old: int, new: int) -> dict[str, Any]:
    return errors(lambda a: setattr(a, "status", new), old)


def error_put(name: str, value: Any, *statuses: int) -> dict[str, Any]:
    return errors(lambda a: a.json["error"].__setitem__(name, value), *statuses)


def error_drop(name: str, *statuses: int) -> dict[str, Any]:
    return errors(lambda a: a.json["error"].pop(name, None), *statuses)


add("create-200", "b", "status-documented", **restate(200, "create"))
add("old-route-200", "b", "status-documented", **restate(200, "old"))
add("create-202", "b", "status-documented", **restate(202, *BOTH))
add("read-206", "b", "status-documented", **restate(206, "run"))
add("list-203", "b", "status-documented", **restate(203, "list"))
for _status in (400, 401, 404, 409):
    add(f"error-{_status}-without-code", "b", "error-code", **error_drop("code", _status))
    add(f"error-{_status}-without-message", "b", "error-message", **error_drop("message", _status))
for _status in (400, 402, 404):
    add(
        f"error-{_status}-without-envelope",
        "b",
        "error-envelope",
        **errors(lambda a: setattr(a, "json", a.json["error"]), _status),
    )
add(
    "error-as-text",
    "b",
    "error-envelope",
    **errors(lambda a: a.json.update(error=a.json["error"]["message"]), 401),
)
add("error-code-empty", "b", "error-code", **error_put("code", "", 404))
add("error-message-empty", "b", "error-message", **error_put("message", "", 400))
add("not-found-under-401", "b", "error-code-fits-status", **error_put("code", "not_found", 401))
add(
    "unknown-error-under-404",
    "b",
    "error-code-fits-status",
    **error_put("code", "unknown_error", 404),
)
add("forbidden-under-402", "b", "error-code-fits-status", **error_put("code", "forbidden", 402))
add(
    "validation-under-409",
    "b",
    "error-code-fits-status",
    **error_put("code", "input_validation_error", 409),
)
add("conflict-code-on-duplicate", "b", "used-key-code", **error_put("code", "conflict", 409))
add("validation-422", "b", "refused-as-invalid", **error_status(400, 422))
add("validation-403", "b", "refused-as-invalid", **error_status(400, 403))
add("broke-403", "b", "error-code-fits-status", **error_status(402, 403))
add("missing-run-410", "b", "status-documented", **error_status(404, 410))
add(
    "validation-500",
    "b",
    "no-server-error",
    **errors(
        lambda a: (setattr(a, "status", 500), a.json["error"].update(code="unknown_error")), 400
    ),
)
add("fields-missing", "b", "fields-on-validation-error", **error_drop("fields", 400))
add(
    "fields-name-the-wrong-field",
    "b",
    "fields-name-what-is-wrong",
    **errors(lambda a: [f.update(field="params") for f in a.json["error"].get("fields", ())], 400),
)
add(
    "fields-as-texts",
    "b",
    "field-errors",
    **errors(lambda a: a.json["error"].update(fields=["prompt"]), 400),
)
add(
    "fields-without-message",
    "b",
    "field-errors",
    **errors(lambda a: [f.pop("message") for f in a.json["error"].get("fields", ())], 400),
)
add(
    "odd-prompt-500",
    "b",
    "no-server-error",
    **answers(
        lambda q: (
            refusal(500, "unknown_error")
            if any(ord(c) > 0xFFFF for c in str(q.sent.get("prompt")))
            else None
        ),
        *BOTH,
    ),
)
add(
    "odd-run-id-500",
    "b",
    "no-server-error",
    **answers(
        lambda q: (
            refusal(500, "unknown_error")
            if not re.fullmatch(r"[\w/]+", q.path.removeprefix(BASE))
            else None
        ),
        "run",
    ),
)
add(
    "text-run-refused",
    "b",
    "valid-accepted",
    **answers(
        lambda q: refusal(400, "input_validation_error") if q.sent.get("type") == "audio" else None,
        *BOTH,
    ),
)


add(
    "no-credits-as-validation-error",
    "b",
    "no-credits-refused",
    **errors(
        lambda a: (
            setattr(a, "status", 400),
            a.json["error"].update(code="input_validation_error"),
        ),
        402,
    ),
)
add(
    "unknown-run-200",
    "b",
    "unknown-id-refused",
    after=lambda q, a, m: (
        setattr(a, "status", 200) if q.operation == "run" and a.status == 404 else None
    ),
)
add(
    "long-prompt-500",
    "b",
    "no-server-error",
    **answers(
        lambda q: refusal(500, "unknown_error") if len(str(q.sent.get("prompt"))) > 4000 else None,
        *BOTH,
    ),
)


# (c) authorization


def unless_valid(asked: Asked) -> bool:
    return asked.key not in {OWNER, OTHER, "sk_live_broke"}


def let_in(*operations: str, only_missing: bool = False) -> dict[str, Any]:
    def change(asked: Asked) -> None:
        if unless_valid(asked) and ("authorization" not in asked.headers or not only_missing):
            asked.headers["authorization"] = f"Bearer {OWNER}"

    return asks(change, *operations)


def let_in_if(test: Callable[[str], bool]) -> dict[str, Any]:
    def change(asked: Asked) -> None:
        if unless_valid(asked) and test(asked.headers.get("authorization", "")):
            asked.headers["authorization"] = f"Bearer {OWNER}"

    return asks(change, *ALL)


def unauthorized_as(status: int, code: str) -> dict[str, Any]:
    return errors(lambda a: (setattr(a, "status", status), a.json["error"].update(code=code)), 401)


for _operation in ALL:
    add(
        f"no-key-needed-on-{_operation}",
        "c",
        "key-required",
        **let_in(_operation, only_missing=True),
    )
for _operation in ("create", "run", "list"):
    add(
        f"any-key-on-{_operation}",
        "c",
        "key-checked",
        **let_in_if(lambda h, o=_operation: False)
        | asks(
            lambda q: (
                q.headers.update(authorization=f"Bearer {OWNER}")
                if "authorization" in q.headers and unless_valid(q)
                else None
            ),
            _operation,
        ),
    )
add(
    "key-prefix-is-enough",
    "c",
    "key-checked",
    **let_in_if(lambda h: h.startswith("Bearer ") and OWNER.startswith(h[7:]) and len(h) > 12),
)
add("key-with-a-tail", "c", "key-checked", **let_in_if(lambda h: h.startswith(f"Bearer {OWNER}")))
add("any-scheme", "c", "key-checked", **let_in_if(lambda h: h.endswith(OWNER)))
add("forbidden-without-key", "c", "key-required", **unauthorized_as(403, "forbidden"))
add("wrong-key-404", "c", "key-checked", **unauthorized_as(404, "not_found"))


def as_owner_of(asked: Asked, memory: Memory) -> None:
    """Read with the key of whoever made the run."""
    owner = memory.get(asked.path.rpartition("/")[2])
    if asked.operation == "run" and owner and not unless_valid(asked):
        asked.headers["authorization"] = f"Bearer {owner}"


def remember_owner(asked: Asked, answer: Answered, memory: Memory) -> None:
    if asked.starts and answer.ok:
        memory[answer.json["run_id"]] = asked.key


add("others-runs-readable", "c", "foreign-hidden", before=as_owner_of, after=remember_owner)


async def whole_history(wrapper: Wrapper, asked: Asked, key: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    cursor: str | None = None
    while True:
        query = [("limit", "100")] + ([("cursor", cursor)] if cursor else [])
        request = Asked("GET", f"{BASE}/generations", query, dict(asked.headers), b"", asked.scope)
        request.headers["authorization"] = f"Bearer {key}"
        page = await wrapper.inner(request)
        items += page.json["generations"]
        cursor = page.json["meta"]["next_cursor"]
        if cursor is None:
            return items


async def everybodys(wrapper: Wrapper, asked: Asked, memory: Memory) -> Answered:
    answer = await wrapper.inner(asked)
    if asked.operation == "list" and answer.ok and asked.key == OTHER and not asked.param("cursor"):
        more = await whole_history(wrapper, asked, OWNER)
        merged = sorted(answer.json["generations"] + more, key=lambda r: -r["created_at"])
        answer.json["generations"] = merged[: int(asked.param("limit") or 20)]
    return answer


add("others-runs-listed", "c", "list-own-only", around=everybodys)


def foreign_create(asked: Asked, _: Memory) -> None:
    if asked.starts and asked.sent.get("workspace_id") == "ws_other1" and asked.key == OWNER:
        asked.headers["authorization"] = f"Bearer {OTHER}"


add("runs-in-foreign-workspaces", "c", "foreign-reference-refused", before=foreign_create)


def foreign_project(asked: Asked, _: Memory) -> None:
    if asked.starts and asked.sent.get("project_id") == "prj_other1" and asked.key == OWNER:
        asked.send(project_id="prj_abc123")


add("runs-in-foreign-projects", "c", "foreign-reference-refused", before=foreign_project)


def foreign_history(asked: Asked, _: Memory) -> None:
    if asked.operation == "list" and asked.param("workspace_id") == "ws_other1":
        asked.headers["authorization"] = f"Bearer {OTHER}"


add(
    "foreign-history-shown",
    "c",
    "valid-accepted",
    before=lambda q, m: (
        refusal(403, "forbidden")
        if q.operation == "list" and q.param("workspace_id") == "ws_abc123"
        else None
    ),
)

add(
    "key-in-capitals",
    "c",
    "key-checked",
    **let_in_if(lambda h: h == f"Bearer {OWNER.upper()}"),
)


async def by_any_cursor(wrapper: Wrapper, asked: Asked, _: Memory) -> Answered:
    answer = await wrapper.inner(asked)
    if asked.operation == "list" and asked.key == OTHER and answer.status == 400:
        asked.headers["authorization"] = f"Bearer {OWNER}"
        return await wrapper.inner(asked)
    return answer


add("cursor-of-another-account-works", "c", "list-own-only", around=by_any_cursor)


def ended_for_all(asked: Asked, memory: Memory) -> None:
    if asked.path.rpartition("/")[2] in memory.get("ended", ()):
        as_owner_of(asked, memory)


def remember_ended(asked: Asked, answer: Answered, memory: Memory) -> None:
    remember_owner(asked, answer, memory)
    ended = memory.setdefault("ended", set())
    ended |= {r["run_id"] for r in answer.runs if r.get("status") in {"completed", "failed"}}


add(
    "ended-runs-readable-by-all",
    "c",
    "foreign-hidden",
    before=ended_for_all,
    after=remember_ended,
)


async def for_free(wrapper: Wrapper, asked: Asked, _: Memory) -> Answered:
    answer = await wrapper.inner(asked)
    if answer.status == 402:
        asked.headers["authorization"] = f"Bearer {OWNER}"
        asked.send(**PLAIN)
        return await wrapper.inner(asked)
    return answer


add("no-credits-needed", "c", "no-credits-refused", around=for_free)

# (d) validation

PLAIN = {"type": "image", "prompt": "x", "workspace_id": "ws_abc123", "project_id": "prj_abc123"}


def mend(test: Callable[[Asked], bool], **fields: Any) -> dict[str, Any]:
    """Take a wrong body as if it were right."""

    def change(asked: Asked) -> None:
        if asked.sent and test(asked):
            asked.send(**fields)

    return asks(change, *BOTH)


for _field in PLAIN:
    add(
        f"missing-{_field}-accepted",
        "d",
        "refuses-missing-field",
        **mend(lambda q, f=_field: f not in q.sent, **{_field: PLAIN[_field]}),
    )
add(
    "empty-prompt-accepted",
    "d",
    "refuses-out-of-range",
    **mend(lambda q: q.sent.get("prompt") == "", prompt="x"),
)
for _type in ("t2i", "i2v", "text-to-image", "IMAGE"):
    add(
        f"type-{_type}-accepted",
        "d",
        "refuses-unknown-value",
        **mend(lambda q, t=_type: q.sent.get("type") == t, type="image"),
    )
add(
    "workspace-without-prefix-accepted",
    "d",
    "refuses-wrong-pattern",
    **mend(lambda q: q.sent.get("workspace_id") == "abc123", workspace_id="ws_abc123"),
)
add(
    "project-without-prefix-accepted",
    "d",
    "refuses-wrong-pattern",
    **mend(lambda q: q.sent.get("project_id") == "abc123", project_id="prj_abc123"),
)
add(
    "swapped-ids-accepted",
    "d",
    "refuses-wrong-pattern",
    **mend(lambda q: q.sent.get("workspace_id") == "prj_abc123", workspace_id="ws_abc123"),
)
add(
    "prompt-as-number-accepted",
    "d",
    "refuses-wrong-type",
    **mend(lambda q: q.sent.get("prompt") == 42, prompt="42"),
)
add(
    "prompt-null-accepted",
    "d",
    "refuses-wrong-type",
    **mend(lambda q: q.sent.get("prompt", 0) is None, prompt="null"),
)
add(
    "prompt-as-list-accepted",
    "d",
    "refuses-wrong-type",
    **mend(lambda q: isinstance(q.sent.get("prompt"), list), prompt="x"),
)
add(
    "project-as-object-accepted",
    "d",
    "refuses-wrong-type",
    **mend(lambda q: isinstance(q.sent.get("project_id"), dict), project_id="prj_abc123"),
)
add(
    "model-as-object-accepted",
    "d",
    "refuses-wrong-type",
    **mend(lambda q: isinstance(q.sent.get("model"), dict), model="t2i-flux-2-pro"),
)
add(
    "params-as-list-accepted",
    "d",
    "refuses-wrong-type",
    **mend(lambda q: isinstance(q.sent.get("params"), list), params={}),
)
add(
    "params-as-text-accepted",
    "d",
    "refuses-wrong-type",
    **mend(lambda q: isinstance(q.sent.get("params"), str), params={}),
)
add(
    "unknown-model-accepted",
    "d",
    "refuses-unknown-reference",
    **mend(lambda q: q.sent.get("model") == "no-such-model-0", model="t2i-flux-2-pro"),
)
add(
    "display-name-accepted",
    "d",
    "refuses-unknown-reference",
    **mend(
        lambda q: " " in str(q.sent.get("model")) and isinstance(q.sent.get("model"), str),
        model="t2i-flux-2-pro",
    ),
)
add(
    "unknown-project-accepted",
    "d",
    "refuses-unknown-reference",
    **mend(lambda q: "nobody0made" in str(q.sent.get("project_id")), project_id="prj_abc123"),
)
add(
    "broken-json-accepted",
    "d",
    "refuses-bad-json",
    before=lambda q, m: q.send(**PLAIN) if q.starts and q.body and q.json is None else None,
)
add(
    "empty-body-accepted",
    "d",
    "refuses-bad-json",
    before=lambda q, m: q.send(**PLAIN) if q.starts and not q.body else None,
)
add(
    "array-accepted",
    "d",
    "refuses-wrong-type",
    before=lambda q, m: q.send(**PLAIN) if q.starts and q.json == [] else None,
)


add(
    "type-with-a-blank-accepted",
    "d",
    "refuses-unknown-value",
    **mend(lambda q: q.sent.get("type") == "image ", type="image"),
)


def mend_query(name: str, *values: str, instead: str | None = None) -> dict[str, Any]:
    def change(asked: Asked) -> None:
        if asked.param(name) in values:
            asked.without(name)
            if instead is not None:
                asked.query.append((name, instead))

    return asks(change, "list")


add("limit-0-accepted", "d", "refuses-out-of-range", **mend_query("limit", "0", instead="1"))
add("limit-negative-accepted", "d", "refuses-out-of-range", **mend_query("limit", "-1"))
add("limit-word-accepted", "d", "refuses-wrong-type", **mend_query("limit", "many"))
add("limit-fraction-accepted", "d", "refuses-wrong-type", **mend_query("limit", "1.5", instead="1"))
add(
    "unknown-status-accepted",
    "d",
    "refuses-unknown-value",
    **mend_query("status", "done", "cancelled"),
)
add(
    "status-list-accepted",
    "d",
    "refuses-unknown-value",
    **mend_query("status", "completed,failed", instead="completed"),
)
add(
    "status-in-capitals-accepted",
    "d",
    "refuses-unknown-value",
    **mend_query("status", "COMPLETED", instead="completed"),
)
add(
    "garbage-cursor-accepted",
    "d",
    "refuses-garbage-cursor",
    **mend_query("cursor", "not-a-cursor", "%%%", "\N{SNOWMAN}"),
)
add(
    "filter-without-prefix-accepted",
    "d",
    "refuses-wrong-pattern",
    **mend_query("workspace_id", "no-prefix"),
)


async def huge_page(wrapper: Wrapper, asked: Asked, _: Memory) -> Answered:
    if (
        asked.operation == "list"
        and (asked.param("limit") or "").isdecimal()
        and int(asked.param("limit") or 0) > 100
    ):
        items = await whole_history(wrapper, asked, asked.key)
        return Answered(
            200,
            {"content-type": "application/json"},
            {"generations": (items * 120)[:120], "meta": {"next_cursor": None}},
        )
    return await wrapper.inner(asked)


add("limit-without-maximum", "d", "size-over-maximum", around=huge_page)

# (e) runs and idempotency


def fresh_key(test: Callable[[Asked, Memory], bool]) -> dict[str, Any]:
    """Let the mock see another key, so that the one that was sent counts as new."""

    def before(asked: Asked, memory: Memory) -> None:
        if asked.starts and "idempotency-key" in asked.headers and test(asked, memory):
            memory["n"] = memory.get("n", 0) + 1
            asked.headers["idempotency-key"] += f"-{memory['n']}"

    return {"before": before}


add("key-ignored", "e", "key-used-once", **fresh_key(lambda q, m: True))
add(
    "key-ignored-on-old-route", "e", "key-used-once", **fresh_key(lambda q, m: q.operation == "old")
)
add(
    "key-bound-to-body",
    "e",
    "key-used-once-for-any-body",
    **fresh_key(
        lambda q, m: (
            bool(
                q.__setattr__(
                    "headers",
                    q.headers
                    | {"idempotency-key": q.headers["idempotency-key"] + str(hash(q.body))},
                )
            )
            and False
        )
    ),
)


def other_key(change: Callable[[str], str]) -> dict[str, Any]:
    """Let the mock see a key that is not quite the one that was sent."""

    def before(asked: Asked, _: Memory) -> None:
        if "idempotency-key" in asked.headers:
            asked.headers["idempotency-key"] = change(asked.headers["idempotency-key"])

    return {"before": before}


add("key-in-any-case", "e", "key-new-to-server", **other_key(str.lower))
add("key-cut-short", "e", "key-new-to-server", **other_key(lambda key: key[:24]))


def forgotten(asked: Asked, memory: Memory) -> bool:
    key = asked.headers["idempotency-key"]
    first = memory.setdefault(("at", key), time.monotonic())
    return time.monotonic() - first > 0.3


add("key-forgotten-soon", "e", "key-used-once", **fresh_key(forgotten))


def shared(asked: Asked, memory: Memory) -> Answered | None:
    key = asked.headers.get("idempotency-key")
    if not asked.starts or key is None or unless_valid(asked):
        return None
    first = memory.setdefault(("by", key), asked.key)
    return refusal(409, "idempotency_duplicate") if first != asked.key else None


add("key-shared-between-accounts", "e", "key-belongs-to-account", before=shared)


def burnt(*statuses: int) -> dict[str, Any]:
    def before(asked: Asked, memory: Memory) -> Answered | None:
        key = asked.headers.get("idempotency-key")
        return refusal(409, "idempotency_duplicate") if asked.starts and key in memory else None

    def after(asked: Asked, answer: Answered, memory: Memory) -> None:
        if asked.starts and answer.status in statuses:
            memory[asked.headers.get("idempotency-key", "")] = True

    return {"before": before, "after": after}


add("key-burnt-by-400", "e", "key-freed-by-refusal", **burnt(400))
add("key-burnt-by-404", "e", "key-freed-by-refusal", **burnt(404))


async def racing(wrapper: Wrapper, asked: Asked, memory: Memory) -> Answered:
    if not asked.starts:
        return await wrapper.inner(asked)
    import asyncio

    key = asked.headers.get("idempotency-key", "")
    busy = memory.setdefault("busy", {})
    if busy.get(key):
        asked.headers["idempotency-key"] = f"{key}-{len(busy)}-{time.monotonic()}"
    busy[key] = busy.get(key, 0) + 1
    await asyncio.sleep(0.02)
    answer = await wrapper.inner(asked)
    busy[key] -= 1
    return answer


add("two-runs-at-once", "e", "key-used-once-at-a-time", around=racing)
add(
    "duplicate-replays-another-run",
    "e",
    "key-used-once",
    after=lambda q, a, m: (
        (setattr(a, "status", 201), setattr(a, "json", m["last"] | {"run_id": "run_another"}))
        if q.starts and a.status == 409 and "last" in m
        else m.update(last=a.json)
        if q.starts and a.ok
        else None
    ),
)
add(
    "keyless-runs-are-one",
    "e",
    "key-new-to-server",
    before=lambda q, m: (
        refusal(409, "idempotency_duplicate")
        if q.starts
        and "idempotency-key" not in q.headers
        and q.key == OWNER
        and m.setdefault("n", []).append(1) is None
        and len(m["n"]) > 1
        else None
    ),
)


async def refused_but_made(wrapper: Wrapper, asked: Asked, _: Memory) -> Answered:
    answer = await wrapper.inner(asked)
    if asked.starts and answer.status == 400 and asked.sent.get("prompt") == "":
        asked.send(prompt="x")
        asked.headers.pop("idempotency-key", None)
        await wrapper.inner(asked)
    return answer


async def duplicate_but_made(wrapper: Wrapper, asked: Asked, memory: Memory) -> Answered:
    answer = await wrapper.inner(asked)
    if asked.starts and answer.status == 409 and asked.key == OWNER:
        asked.headers["idempotency-key"] += str(memory.setdefault(len(memory), len(memory)))
        await wrapper.inner(asked)
    return answer


add("duplicate-starts-a-run", "e", "refused-has-no-effect", around=duplicate_but_made)


async def poor_but_made(wrapper: Wrapper, asked: Asked, memory: Memory) -> Answered:
    """The account without credits gets its run, and is told that it does not."""
    answer = await wrapper.inner(asked)
    if asked.starts and answer.status == 402:
        memory["made"] = True
    if asked.operation == "list" and asked.key == "sk_live_broke" and "made" in memory:
        run = {"run_id": "run_broke", "generation_id": "run_broke", "status": "pending"}
        place = {"workspace_id": "ws_broke1", "project_id": "prj_broke1"}
        url = {"poll_url": "https://example.com/runs/run_broke"}
        answer.json["generations"] = [run | place | url | {"progress": 0, "created_at": 1}]
    return answer


add("run-without-credits-made", "e", "refused-has-no-effect", around=poor_but_made)


def forget_ended(asked: Asked, answer: Answered, memory: Memory) -> None:
    if asked.operation != "run" or not answer.ok:
        return
    run_id = answer.json["run_id"]
    if run_id in memory:
        gone = refusal(404, "not_found")
        answer.status, answer.json = gone.status, gone.json
    elif answer.json["status"] == "completed":
        memory[run_id] = True


add("finished-run-gone", "e", "found", after=forget_ended)
add("refused-request-starts-a-run", "e", "refused-has-no-effect", around=refused_but_made)


def forget_new(asked: Asked, answer: Answered, memory: Memory) -> None:
    if asked.starts and answer.ok:
        memory[answer.json["run_id"]] = time.monotonic()
    started = memory.get(asked.path.rpartition("/")[2])
    if asked.operation == "run" and started and time.monotonic() - started < 0.1:
        gone = refusal(404, "not_found")
        answer.status, answer.json = gone.status, gone.json


add("new-run-not-found", "e", "found", after=forget_new)
add(
    "run-answers-another-id",
    "e",
    "id-echoed",
    **runs(lambda r: r.update(run_id="run_0"), "run"),
)
add(
    "create-echoes-another-project",
    "e",
    "echoed",
    **runs(put("project_id", "prj_another"), *BOTH),
)
add(
    "list-shows-another-project",
    "e",
    "echoed",
    **runs(put("project_id", "prj_abc1234"), "list"),
)
add(
    "list-shows-another-workspace",
    "e",
    "echoed",
    **runs(lambda r: r.update(workspace_id="ws_abc1234"), "list"),
)
add(
    "create-echoes-another-model",
    "e",
    "echoed",
    **runs(lambda r: r["model"].update(model_id="t2i-other"), "old"),
)
add(
    "list-shows-another-model",
    "e",
    "echoed",
    **runs(lambda r: r["model"].update(model_id="t2i-other"), "list"),
)
add(
    "same-run-id-twice",
    "e",
    "ids-differ",
    after=lambda q, a, m: (
        a.json.update(run_id=m.setdefault("id", a.json["run_id"])) if q.starts and a.ok else None
    ),
)


def counted(change: Callable[[dict[str, Any], int], object], *operations: str) -> dict[str, Any]:
    """Change a run by how often it was shown."""

    def after(asked: Asked, answer: Answered, memory: Memory) -> None:
        if asked.operation in operations:
            for run in answer.runs:
                seen = memory[run["run_id"]] = memory.get(run["run_id"], 0) + 1
                change(run, seen)

    return {"after": after}


def back_to_pending(run: dict[str, Any], seen: int) -> None:
    if run["status"] == "running" and seen % 2 == 0:
        run["status"] = "pending"


add("status-goes-back", "e", "state-forward", **counted(back_to_pending, "run"))
add(
    "finished-run-runs-again",
    "e",
    "state-forward",
    **counted(
        lambda r, n: r.update(status="running") if r["status"] == "completed" and n % 2 else None,
        "run",
    ),
)
add(
    "completed-then-failed",
    "e",
    "state-forward",
    **counted(
        lambda r, n: (
            r.update(status="failed", error_code="x", error_message="x")
            if r["status"] == "completed" and n % 2
            else None
        ),
        "run",
    ),
)
add(
    "progress-goes-back",
    "e",
    "grows",
    **counted(lambda r, n: r.update(progress=r["progress"] - n % 2 * 3), "run"),
)
add(
    "finished-run-changes-outputs",
    "e",
    "final-is-constant",
    **counted(
        lambda r, n: [o.update(output_id=f"output_{n}") for o in r.get("outputs") or ()], "run"
    ),
)
add(
    "finished-run-changes-message",
    "e",
    "final-is-constant",
    **counted(
        lambda r, n: r.update(error_message=f"try {n}") if r["status"] == "failed" else None, "run"
    ),
)
add("completed-without-outputs", "e", "member-required-in-state", **runs(drop("outputs"), "run"))
add(
    "completed-with-empty-outputs",
    "e",
    "member-required-in-state",
    **runs(when("completed", put("outputs", [])), "run"),
)
add(
    "output-of-another-type",
    "e",
    "output-fits-type",
    **runs(outputs(put("type", "documentUrl")), "run"),
)
add(
    "output-url-relative",
    "e",
    "output-url",
    **runs(
        outputs(lambda o: o.update(url="/files/1.png") if o["type"] != "text" else None), *SHOWN
    ),
)
add(
    "failed-without-error-code", "e", "member-required-in-state", **runs(drop("error_code"), *SHOWN)
)
add(
    "failed-with-empty-error-code",
    "e",
    "member-required-in-state",
    **runs(when("failed", put("error_code", "")), *SHOWN),
)
add(
    "completed-with-error-code",
    "e",
    "member-in-its-states",
    **runs(when("completed", put("error_code", "provider_error")), "run"),
)
add(
    "started-before-created",
    "e",
    "times-in-order",
    **runs(
        lambda r: r.update(started_at=r["created_at"] - 5000) if r.get("started_at") else None,
        *SHOWN,
    ),
)
add(
    "ended-before-started",
    "e",
    "times-in-order",
    **runs(
        lambda r: r.update(completed_at=r["created_at"] - 1) if r.get("completed_at") else None,
        *SHOWN,
    ),
)
add(
    "created-at-moves",
    "e",
    "times-constant",
    **runs(lambda r: r.update(created_at=time.time() * 1000 - 9e6), "run"),
)
add(
    "created-at-differs-in-list",
    "e",
    "times-constant",
    **runs(lambda r: r.update(created_at=r["created_at"] - 1), "list"),
)
add(
    "open-run-has-ended-at",
    "e",
    "member-in-its-states",
    **runs(
        lambda r: (
            r.update(completed_at=r["created_at"] + 9e6)
            if r["status"] in {"pending", "running"}
            else None
        ),
        "run",
    ),
)
add(
    "cost-differs-when-read",
    "e",
    "cost-constant",
    **runs(lambda r: r.update(charged_cost=r["charged_cost"] * 2), "run"),
)
add(
    "cost-differs-in-list",
    "e",
    "cost-constant",
    **runs(lambda r: r.update(charged_cost=r["charged_cost"] + 0.01), "list"),
)
add(
    "cost-differs-on-create",
    "e",
    "cost-constant",
    **runs(lambda r: r.update(charged_cost=r["charged_cost"] + 1), *BOTH),
)
add(
    "run-never-ends",
    "e",
    "ends",
    **runs(
        lambda r: (
            r.update(status="running", progress=50),
            [r.pop(k, None) for k in ("outputs", "completed_at", "error_code", "error_message")],
        ),
        *SHOWN,
    ),
)
add(
    "failing-run-completes",
    "e",
    "failing-model-fails",
    **runs(
        when(
            "failed",
            lambda r: (
                r.update(
                    status="completed",
                    outputs=[{"output_id": "o", "type": "imageUrl", "url": "https://x/y"}],
                ),
                r.pop("error_code", 0),
                r.pop("error_message", 0),
            ),
        ),
        *SHOWN,
    ),
)

# (f) history


def page(change: Callable[[Asked, dict[str, Any]], object]) -> dict[str, Any]:
    def after(asked: Asked, answer: Answered, _: Memory) -> None:
        if asked.operation == "list" and answer.ok:
            change(asked, answer.json)

    return {"after": after}


def ignore(*names: str, only: bool = False) -> dict[str, Any]:
    return asks(lambda q: q.without(*names) if not only or len(q.query) > 1 else None, "list")


add("oldest-first", "f", "ordered", **page(lambda q, b: b["generations"].reverse()))
add(
    "two-runs-swapped",
    "f",
    "ordered",
    **page(
        lambda q, b: b.update(
            generations=b["generations"][1:2] + b["generations"][:1] + b["generations"][2:]
        )
    ),
)
add("status-filter-ignored", "f", "filter-kept", **ignore("status"))
add("workspace-filter-ignored", "f", "filter-kept", **ignore("workspace_id"))
add("project-filter-ignored", "f", "filter-kept", **ignore("project_id"))


async def joined_by_or(wrapper: Wrapper, asked: Asked, _: Memory) -> Answered:
    filters = [(k, v) for k, v in asked.query if k in {"status", "workspace_id", "project_id"}]
    answer = await wrapper.inner(asked)
    if asked.operation == "list" and answer.ok and len(filters) > 1 and not asked.param("cursor"):
        items = await whole_history(wrapper, asked, asked.key)
        fitting = [r for r in items if any(r[k] == v for k, v in filters)]
        answer.json["generations"] = fitting[: int(asked.param("limit") or 20)]
        answer.json["meta"]["next_cursor"] = None
    return answer


add("filters-joined-by-or", "f", "filter-kept", around=joined_by_or)


def too_strict(name: str) -> dict[str, Any]:
    return page(lambda q, b: b.update(generations=b["generations"][1:]) if q.param(name) else None)


for _name in ("status", "workspace_id", "project_id"):
    add(f"{_name}-filter-too-strict", "f", "filter-complete", **too_strict(_name))
add("limit-ignored", "f", "size-kept", **ignore("limit"))
add(
    "limit-off-by-one",
    "f",
    "size-kept",
    **asks(
        lambda q: q.__setattr__(
            "query",
            [
                (k, str(int(v) + 1) if k == "limit" and v.isdecimal() and 0 < int(v) < 100 else v)
                for k, v in q.query
            ],
        ),
        "list",
    ),
)


def last_id(asked: Asked, answer: Answered, memory: Memory) -> None:
    if asked.operation == "list" and answer.ok and answer.json["generations"]:
        items = answer.json["generations"]
        cursor = asked.param("cursor")
        if cursor in memory:
            items.insert(0, memory[cursor])
            del items[int(asked.param("limit") or 20) :]
        if answer.json["meta"]["next_cursor"]:
            memory[answer.json["meta"]["next_cursor"]] = items[-1]


add("page-repeats-a-run", "f", "pages-without-repetition", after=last_id)
add(
    "run-twice-on-a-page",
    "f",
    "page-without-repetition",
    **page(
        lambda q, b: (
            b["generations"].append(b["generations"][-1])
            if 1 < len(b["generations"]) < 90 and not q.param("limit")
            else None
        )
    ),
)
add(
    "page-skips-a-run",
    "f",
    "pages-without-gap",
    **page(
        lambda q, b: (
            b["generations"].pop(0) if q.param("cursor") and len(b["generations"]) > 1 else None
        )
    ),
)
add("cursor-leads-back", "f", "pages-without-repetition", **ignore("cursor"))
add(
    "pages-never-end",
    "f",
    "cursor-leads-on",
    before=lambda q, m: (
        Answered(
            200,
            {"content-type": "application/json"},
            {
                "generations": [],
                "meta": {"next_cursor": f"more-{len(m)}-{m.setdefault(len(m), 0)}"},
            },
        )
        if q.operation == "list" and (q.param("cursor") or "").startswith("more-")
        else None
    ),
    after=lambda q, a, m: (
        a.json["meta"].update(next_cursor="more-0")
        if q.operation == "list" and a.ok and a.json["meta"]["next_cursor"] is None
        else None
    ),
)


async def next_pages(wrapper: Wrapper, asked: Asked, forget: str) -> Answered:
    """The pages after the first are of the same walk, but do not keep to something."""
    if asked.operation != "list" or not asked.param("cursor"):
        return await wrapper.inner(asked)
    answer = await wrapper.inner(asked)
    if not answer.ok or not answer.json["generations"] or asked.param(forget) is None:
        return answer
    items = await whole_history(wrapper, asked, asked.key)
    start = [r["run_id"] for r in items].index(answer.json["generations"][0]["run_id"])
    size = 20 if forget == "limit" else int(asked.param("limit") or 20)
    answer.json["generations"] = items[start : start + size]
    return answer


for _name in ("limit", "status", "workspace_id"):
    add(
        f"{_name}-forgotten-on-the-next-page",
        "f",
        "size-kept" if _name == "limit" else "filter-kept",
        around=lambda w, q, m, n=_name: next_pages(w, q, n),
    )
add(
    "pending-filter-empty",
    "f",
    "filter-shows-open",
    **page(
        lambda q, b: (
            b.update(generations=[], meta={"next_cursor": None})
            if q.param("status") == "pending"
            else None
        )
    ),
)
add("cursor-missing", "f", "schema-required", **page(lambda q, b: b["meta"].pop("next_cursor")))
add(
    "cursor-null-too-early",
    "f",
    "full-page-leads-on",
    **page(lambda q, b: b["meta"].update(next_cursor=None)),
)


def left_on(asked: Asked, answer: Answered, memory: Memory) -> None:
    if asked.operation == "list" and answer.ok and not answer.json["meta"]["next_cursor"]:
        answer.json["meta"]["next_cursor"] = "end" if answer.json["generations"] else None


add(
    "cursor-left-on-the-last-page",
    "f",
    "last-page-without-cursor",
    before=lambda q, m: (
        Answered(
            200,
            {"content-type": "application/json"},
            {"generations": [], "meta": {"next_cursor": None}},
        )
        if q.operation == "list" and q.param("cursor") == "end"
        else None
    ),
    after=left_on,
)
add(
    "failed-runs-left-out",
    "f",
    "listed",
    **page(
        lambda q, b: (
            b.update(generations=[r for r in b["generations"] if r["status"] != "failed"])
            if not q.param("status")
            else None
        )
    ),
)
add(
    "open-runs-left-out",
    "f",
    "listed",
    **page(
        lambda q, b: (
            b.update(
                generations=[
                    r for r in b["generations"] if r["status"] not in {"pending", "running"}
                ]
            )
            if not q.param("status")
            else None
        )
    ),
)
add(
    "old-route-runs-left-out",
    "f",
    "listed",
    after=lambda q, a, m: (
        m.setdefault("old", set()).add(a.json["run_id"])
        if q.operation == "old" and a.ok
        else a.json.update(
            generations=[r for r in a.json["generations"] if r["run_id"] not in m.get("old", ())]
        )
        if q.operation == "list" and a.ok
        else None
    ),
)
add(
    "item-shows-other-outputs",
    "f",
    "item-agrees",
    **runs(outputs(lambda o: o.update(url=o["url"] + "/v2")), "list"),
)
add(
    "item-shows-other-progress",
    "f",
    "item-agrees",
    **runs(
        lambda r: r.update(progress=r["progress"] + 1) if r["status"] == "completed" else None,
        "list",
    ),
)
add(
    "list-lags-behind",
    "f",
    "state-forward",
    **runs(
        lambda r: (
            r.update(status="running", progress=1),
            [r.pop(k, 0) for k in ("outputs", "completed_at", "error_code", "error_message")],
        ),
        "list",
    ),
)
add(
    "list-refuses-limit-100",
    "f",
    "valid-accepted",
    **answers(
        lambda q: (
            refusal(400, "input_validation_error", field="limit")
            if q.param("limit") == "100"
            else None
        ),
        "list",
    ),
)

# (g) transport


def manner(how: str, *operations: str, status: int = 2) -> dict[str, Any]:
    def after(asked: Asked, answer: Answered, _: Memory) -> None:
        if asked.operation in operations and answer.status // 100 == status:
            answer.manner = how

    return {"after": after}


add("create-hangs", "g", "answer-in-time", **manner("hang", "create"))
add("list-hangs", "g", "answer-in-time", **manner("hang", "list"))
add("errors-hang", "g", "answer-in-time", **manner("hang", "run", status=4))
add("run-body-cut", "g", "answer-whole", **manner("cut", "run"))
add("list-body-cut", "g", "answer-whole", **manner("cut", "list"))
add("create-resets", "g", "answer-whole", **manner("reset", "create"))
add("errors-reset", "g", "answer-whole", **manner("reset", *ALL, status=4))
add("length-too-large", "g", "answer-whole", **manner("long", "run"))
add("length-too-small", "g", "json-body", **manner("short", "list"))
add(
    "half-a-body",
    "g",
    "json-body",
    after=lambda q, a, m: (
        setattr(a, "raw", json.dumps(a.json).encode()[:-3])
        if q.operation == "run" and a.ok
        else None
    ),
)
add(
    "empty-body",
    "g",
    "json-body",
    after=lambda q, a, m: setattr(a, "raw", b"") if q.operation == "create" and a.ok else None,
)
add("body-drips", "g", "answer-in-time", **manner("drip", "run"))
add(
    "gzip-that-is-none",
    "g",
    "answer-whole",
    after=lambda q, a, m: (
        a.headers.update({"content-encoding": "gzip"}) if q.operation == "list" else None
    ),
)
add(
    "body-twice",
    "g",
    "json-body",
    after=lambda q, a, m: (
        setattr(a, "raw", 2 * json.dumps(a.json).encode())
        if q.operation == "create" and a.ok
        else None
    ),
)
