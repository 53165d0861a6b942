"""Faults that a test asks for: what goes wrong, on which operation, how often.

    PUT /_mock/faults
    [{"kind": "status", "status": 500, "operation": "createGeneration", "count": 1}]

A rule strikes for `operation` and `method` (any, when left out), at most `count` times, each time
with `probability` by a generator that `seed` starts. Of several rules the first that strikes does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import orjson

from flora_contract.mock.messages import Response

if TYPE_CHECKING:
    from collections.abc import Callable

    from flora_contract.mock.contract import Contract, Fields, Route

KINDS: Final = {
    "status": "answer with a documented error, without doing anything",
    "close_before": "close the connection before anything is done",
    "close_after": "do what was asked, then close the connection without an answer",
    "delay": "answer after some seconds",
    "truncate": "close the connection in the middle of the answer",
    "not_json": "answer with a body that is no JSON",
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
    "status": None,
    "seconds": None,
    "field": None,
}


def rule_of(entry: Any, contract: Contract) -> dict[str, Any]:
    """A rule with its defaults. Raises ValueError that says what is wrong with it."""
    if not isinstance(entry, dict) or not set(entry) <= {"kind", *_DEFAULTS}:
        raise ValueError(f"a rule is an object of kind, {', '.join(_DEFAULTS)}")
    rule = {**_DEFAULTS, **entry}
    if rule.get("kind") not in KINDS:
        raise ValueError(f"kind is one of {', '.join(KINDS)}")
    operations = [route.operation_id for route in contract.routes]
    methods = sorted({route.operation.method for route in contract.routes})
    checks = {
        f"operation is one of {', '.join(operations)}": rule["operation"] in {None, *operations},
        f"method is one of {', '.join(methods)}": rule["method"] in {None, *methods},
        "count is 1 or more": rule["count"] is None or _is(rule["count"], int, 1, 1_000_000),
        "probability is from 0 to 1": _is(rule["probability"], (int, float), 0, 1),
        "seed is a whole number": _is(rule["seed"], int, -(2**53), 2**53),
        "seconds is from 0 to 600": rule["kind"] != "delay"
        or _is(rule["seconds"], (int, float), 0, 600),
        "field is the name of a field": rule["field"] is None or isinstance(rule["field"], str),
    }
    broken = [requirement for requirement, kept in checks.items() if not kept]
    if not broken and rule["kind"] == "status" and not _documented(rule, contract):
        broken = ["status is that of a documented error of the operation"]
    if broken:
        raise ValueError("; ".join(broken))
    return rule


def matches(rule: dict[str, Any], route: Route) -> bool:
    return rule["operation"] in {None, route.operation_id} and rule["method"] in {
        None,
        route.operation.method,
    }


def instead(rule: dict[str, Any], route: Route) -> Response | None:
    """What a rule answers before the operation is done; None if it is to be done."""
    if rule["kind"] == "close_before":
        response = Response(503)
        response.hang_up = True
        return response
    if rule["kind"] == "status" and str(rule["status"]) in route.operation.responses:
        return _documented_error(rule["status"], route)
    return None


def spoil(rule: dict[str, Any], route: Route, response: Response) -> Response:
    """An answer as the rule makes it."""
    kind = rule["kind"]
    if kind == "close_after":
        response.hang_up = True
    elif kind == "delay":
        response.delay = float(rule["seconds"])
    elif kind == "truncate":
        response.cut = len(response.body) // 2
    elif kind == "not_json":
        response.body, response.content_type = b"<html>Bad gateway</html>", "application/json"
    elif kind == "content_type":
        response.content_type = "text/html"
    elif response.status < 300 and kind in _CHANGES:
        body = orjson.loads(response.body)
        _CHANGES[kind](body, route.fields(response.status), rule["field"])
        response.body = orjson.dumps(body)
    return response


def _extra_field(body: Any, fields: Fields, name: str | None) -> None:  # noqa: ARG001
    for item in _items(body):
        item[name or "x_undocumented"] = "something new"


def _unknown_value(body: Any, fields: Fields, name: str | None) -> None:
    for item in _items(body):
        for field in _chosen(item, name, fields.enums):
            item[field] = "undocumented_value"


def _null(body: Any, fields: Fields, name: str | None) -> None:
    for item in _items(body):
        for field in _chosen(item, name, fields.optional):
            item[field] = None


def _drop(body: Any, fields: Fields, name: str | None) -> None:
    for item in _items(body):
        for field in _chosen(item, name, fields.required):
            item.pop(field, None)


_CHANGES: Final[dict[str, Callable[[Any, Fields, str | None], None]]] = {
    "extra_field": _extra_field,
    "unknown_value": _unknown_value,
    "null": _null,
    "drop": _drop,
}


def _items(body: Any) -> list[dict[str, Any]]:
    """The objects that a change is made to: those of a page, or the answer itself."""
    lists = [value for value in body.values() if isinstance(value, list) and value]
    pages = [v for v in lists if all(isinstance(item, dict) for item in v)]
    return pages[0] if pages and "meta" in body else [body]


def _chosen(item: dict[str, Any], name: str | None, candidates: set[str]) -> list[str]:
    """The field that was named, else the first that the kind applies to."""
    if name is not None:
        return [name]
    return sorted(candidates & set(item))[:1]


def _documented(rule: dict[str, Any], contract: Contract) -> bool:
    status = rule["status"]
    if not _is(status, int, 400, 599):
        return False
    routes = [route for route in contract.routes if matches(rule, route)]
    return any(str(status) in route.operation.responses for route in routes)


def _documented_error(status: int, route: Route) -> Response:
    answer = route.operation.responses[str(status)]
    body = orjson.dumps(answer["content"]["application/json"]["example"])
    return Response(status, body, headers=(("retry-after", "1"),) if status == 429 else ())


def _is(value: Any, kinds: Any, low: float, high: float) -> bool:
    return isinstance(value, kinds) and not isinstance(value, bool) and low <= value <= high
