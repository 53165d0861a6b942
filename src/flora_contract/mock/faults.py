"""Faults that a test asks for: what goes wrong, on which operation, how often.

    PUT /_mock/faults
    [{"kind": "status", "status": 500, "method": "POST", "count": 1}]

A rule strikes for `operation` and `method` (any, when left out), at most `count` times, each time
with `probability` by a generator that `seed` starts, from `after` seconds after it was put there
`until` others. Of several rules the first that strikes does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import orjson

from flora_contract.mock.http.messages import HTTPResponse, Rejection

if TYPE_CHECKING:
    from collections.abc import Callable

    from flora_contract.mock.refusals import Envelope
    from flora_contract.openapi.behaviour import Behaviour, OperationBehaviour
    from flora_contract.openapi.contract import Endpoint
    from flora_contract.openapi.schemas import Member

KINDS: Final = {
    "status": "answer with a documented error, without doing anything",
    "answer": "answer with a documented status and the body that is given, without doing anything",
    "close_before": "close the connection before anything is done",
    "close_after": "do what was asked, then close the connection without an answer",
    "delay": "answer after some seconds",
    "drip": "answer in ten pieces over some seconds",
    "truncate": "close the connection in the middle of the answer",
    "not_json": "answer with a body that is not JSON",
    "content_type": "answer with the wrong content type",
    "extra_field": "add a field that the contract does not have",
    "unknown_value": "put a value in place of an enum's that it does not have",
    "null": "put null in place of an optional field",
    "drop": "leave a required field out",
}
_DEFAULTS: Final = {
    "operation": None,
    "method": None,
    "count": None,
    "probability": 1.0,
    "seed": 0,
    "after": 0,
    "until": None,
    "status": None,
    "seconds": None,
    "field": None,
    "body": None,
}


def rule_of(entry: Any, behaviour: Behaviour) -> dict[str, Any]:
    """A rule with its defaults. Raises ValueError that says what is wrong with it."""
    if not isinstance(entry, dict) or not set(entry) <= {"kind", "since", *_DEFAULTS}:
        raise ValueError(f"a rule is an object of kind, {', '.join(_DEFAULTS)}")
    rule = {**_DEFAULTS, **entry}
    if rule.get("kind") not in KINDS:
        raise ValueError(f"kind is one of {', '.join(KINDS)}")
    operations = list(behaviour.operations)
    methods = sorted({o.endpoint.method for o in behaviour.operations.values()})
    checks = {
        f"operation is one of {', '.join(operations)}": rule["operation"] in {None, *operations},
        f"method is one of {', '.join(methods)}": rule["method"] in {None, *methods},
        "count is 1 or more": rule["count"] is None or _is(rule["count"], int, 1, 1_000_000),
        "probability is from 0 to 1": _is(rule["probability"], (int, float), 0, 1),
        "since is what GET tells": _is(rule.get("since", 0), int, 0, 2**53),
        "after is a number of seconds": _is(rule["after"], (int, float), 0, 1e9),
        "until is a number of seconds after that": rule["until"] is None
        or _is(rule["until"], (int, float), 0, 1e9),
        "seed is a whole number": _is(rule["seed"], int, -(2**53), 2**53),
        "seconds is from 0 to 600": rule["kind"] not in {"delay", "drip"}
        or _is(rule["seconds"], (int, float), 0, 600),
        "field is the name of a field": rule["field"] is None or isinstance(rule["field"], str),
    }
    broken = [requirement for requirement, kept in checks.items() if not kept]
    lowest = {"status": 400, "answer": 100}.get(rule["kind"])
    if not broken and lowest is not None and not _documented(rule, behaviour, lowest):
        what = "error" if lowest == 400 else "answer"
        broken = [f"status is that of a documented {what} of the operation"]
    if broken:
        raise ValueError("; ".join(broken))
    return rule


def is_on(rule: dict[str, Any], now: int) -> bool:
    """Whether it is its time; `now` is by the clock that was looked at when it was put there."""
    # Where another process put it there, its clock may be ahead.
    passed = max(0, now - rule.get("since", now)) / 1000
    return bool(rule["after"] <= passed and (rule["until"] is None or passed < rule["until"]))


def matches(rule: dict[str, Any], endpoint: Endpoint) -> bool:
    operation, method = rule["operation"], rule["method"]
    return operation in {None, endpoint.id} and method in {None, endpoint.method}


def instead(rule: dict[str, Any], endpoint: Endpoint, envelope: Envelope) -> HTTPResponse | None:
    """What a rule answers before the operation is done; None if it is to be done."""
    if rule["kind"] == "close_before":
        response = HTTPResponse(503)
        response.hang_up = True
        return response
    if rule["status"] not in endpoint.statuses:
        return None
    if rule["kind"] == "status":
        return _documented_error(rule["status"], endpoint, envelope)
    if rule["kind"] == "answer":
        body = b"" if rule["body"] is None else orjson.dumps(rule["body"])
        return HTTPResponse(rule["status"], body)
    return None


def spoil(
    rule: dict[str, Any], operation: OperationBehaviour, response: HTTPResponse
) -> HTTPResponse:
    """An answer as the rule makes it."""
    kind = rule["kind"]
    if kind == "close_after":
        response.hang_up = True
    elif kind == "delay":
        response.delay = float(rule["seconds"])
    elif kind == "drip":
        response.drip = float(rule["seconds"])
    elif kind == "truncate":
        response.cut = len(response.body) // 2
    elif kind == "not_json":
        response.body, response.content_type = b"<html>Bad gateway</html>", "application/json"
    elif kind == "content_type":
        response.content_type = "text/html"
    elif response.status < 300 and kind in _CHANGES and response.body:
        body = orjson.loads(response.body)
        for item in _items(body, operation):
            _CHANGES[kind](item, operation.items, rule["field"])
        response.body = orjson.dumps(body)
    return response


def _extra_field(item: _Item, members: _Members, name: str | None) -> None:  # noqa: ARG001
    item[name or "x_undocumented"] = "something new"


def _unknown_value(item: _Item, members: _Members, name: str | None) -> None:
    for field in _chosen(item, name, [m for m in members if members[m].values]):
        item[field] = "undocumented_value"


def _null(item: _Item, members: _Members, name: str | None) -> None:
    for field in _chosen(item, name, [m for m in members if not members[m].required]):
        item[field] = None


def _drop(item: _Item, members: _Members, name: str | None) -> None:
    for field in _chosen(item, name, [m for m in members if members[m].required]):
        item.pop(field, None)


_Item = dict[str, Any]
_Members = dict[str, "Member"]

_CHANGES: Final[dict[str, Callable[[_Item, _Members, str | None], None]]] = {
    "extra_field": _extra_field,
    "unknown_value": _unknown_value,
    "null": _null,
    "drop": _drop,
}


def _items(body: Any, operation: OperationBehaviour) -> list[_Item]:
    """The objects that a change is made to: what is listed, or the answer itself."""
    found = body
    for name in operation.listing.items.split(".") if operation.listing is not None else ():
        found = found[name]
    if not isinstance(found, list) or not found:
        found = [body]
    return [item for item in found if isinstance(item, dict)]


def _chosen(item: _Item, name: str | None, candidates: list[str]) -> list[str]:
    """The field that was named, else the first that the kind applies to."""
    return [name] if name is not None else sorted(set(candidates) & set(item))[:1]


def _documented(rule: dict[str, Any], behaviour: Behaviour, lowest: int) -> bool:
    status = rule["status"]
    endpoints = [operation.endpoint for operation in behaviour.operations.values()]
    return _is(status, int, lowest, 599) and any(
        status in endpoint.statuses for endpoint in endpoints if matches(rule, endpoint)
    )


def _documented_error(status: int, endpoint: Endpoint, envelope: Envelope) -> HTTPResponse:
    """The example of the contract, or what the statements make of the status."""
    headers = ((envelope.retry_after, "1"),) if status == 429 else ()
    content = endpoint.operation.responses[str(status)].get("content", {})
    documented = content.get("application/json", {})
    if "example" in documented:
        return HTTPResponse(status, orjson.dumps(documented["example"]), headers=headers)
    return envelope.response(Rejection(status, "A fault that was asked for.", headers=headers))


def _is(value: Any, kinds: Any, low: float, high: float) -> bool:
    return isinstance(value, kinds) and not isinstance(value, bool) and low <= value <= high
