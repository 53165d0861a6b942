"""Requests that are wrong in one way each, from what the schemas ask for."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

from flora_contract.conformance.flora import values as flora
from flora_contract.conformance.values import GARBAGE, unknown, unknowns

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from flora_contract.conformance.session import PlannedRequest
    from flora_contract.openapi.behaviour import Behaviour, OperationBehaviour
    from flora_contract.openapi.schemas import Member

NO_JSON = (b"", b"{", b"a=b&c=d", b'{"a": "b",}', b"\xff\xfe")
NO_OBJECT = (b"[]", b'"text"', b"null")
OTHER_TYPES = (42, None, ["text"], {"id": "text"}, "text")


def bodies(call: PlannedRequest) -> list[Any]:
    """Bodies that are valid but for one thing; the contract allows none of them."""
    endpoint, body = call.operation.endpoint, call.body
    if not isinstance(body, dict):
        return []
    changed = [
        _with(body, path.split("."), value)
        for path, member in endpoint.request_members.items()
        if "[]" not in path
        for value in (..., *OTHER_TYPES, *_beyond(member.name, member.schema, member, body))
    ]
    wrong = [b for b in changed if b is not None and endpoint.body_breaches(b)]
    return [*_distinct(wrong), *NO_JSON, *NO_OBJECT]


def references(call: PlannedRequest, behaviour: Behaviour) -> list[Any]:
    """Bodies that are valid but for one reference, which leads to nothing."""
    kind, body = call.operation.resource, call.body
    if kind is None or not isinstance(body, dict):
        return []
    members = call.operation.endpoint.request_members
    return [
        {**body, member: id_}
        for member, reference in kind.references.items()
        if member in members
        for id_ in unknowns(behaviour.kind(reference.to))
    ]


def queries(call: PlannedRequest) -> list[dict[str, Any]]:
    """Queries that are valid but for one parameter; and sizes that are too large."""
    endpoint, listing = call.operation.endpoint, call.operation.listing
    found: list[dict[str, Any]] = []
    for name, parameter in endpoint.parameters_in("query").items():
        if parameter.get("required"):
            found.append({n: v for n, v in call.query.items() if n != name})
        schema = parameter["schema"]
        values = ["many", "1.5", *_beyond(name, schema, None, call.query)]
        for value in values:
            asked = {**call.query, name: _text(value)}
            read = endpoint.read_query("&".join(f"{k}={v}" for k, v in asked.items())).values
            if any(b.location == "query" for b in endpoint.parameter_breaches(read)):
                found.append(asked)
        if listing is not None and name == listing.cursor:
            found += [{**call.query, name: garbage} for garbage in GARBAGE]
    return found


def ids(operation: OperationBehaviour, behaviour: Behaviour) -> list[str]:
    """Ids that nobody has, and texts that are none."""
    kind = operation.resource
    if kind is None:
        return []
    others = [r.prefix for r in behaviour.resources.values() if r.prefix != kind.prefix]
    odd = ["no-prefix", *([kind.prefix] if kind.prefix else []), f"{kind.prefix} %2e%2e"]
    return [
        unknown(kind),
        *odd,
        *(f"{prefix}abc123" for prefix in others[:1] if prefix),
        f"{kind.prefix}\N{SNOWMAN}",
    ]


def _beyond(
    name: str, schema: Mapping[str, Any], member: Member | None, valid: Mapping[str, Any]
) -> Iterator[Any]:
    """Values just beyond what a schema allows."""
    known = member.values if member is not None else schema.get("enum", ())
    yield from _near_misses(name, [value for value in known if isinstance(value, str)])
    if "pattern" in schema:
        own = valid.get(name)
        yield from ("no-prefix", "", *([own.partition("_")[2]] if isinstance(own, str) else ()))
        yield from (v for v in valid.values() if isinstance(v, str) and v != own)
    if "format" in schema:
        yield "no such format"
    for keyword, beyond in _BEYOND.items():
        if keyword in schema:
            yield from beyond(schema[keyword])


_BEYOND: Final[dict[str, Callable[[Any], tuple[Any, ...]]]] = {
    "minimum": lambda n: (n - 1, n - 2),
    "exclusiveMinimum": lambda n: (n, n - 1),
    "maximum": lambda n: (n + 1, (n + 1) * 1000),
    "exclusiveMaximum": lambda n: (n, n * 1000),
    "minLength": lambda n: ("x" * (n - 1),) if n else (),
    "maxLength": lambda n: ("x" * (n + 1),),
    "minItems": lambda n: ([],) if n else (),
    "maxItems": lambda n: (["x"] * (n + 1),),
}


def _near_misses(name: str, values: list[str]) -> Iterator[str]:
    """What is nearly one of some values."""
    if values:
        yield from (value.upper() for value in values)
        yield from (",".join(pair) for pair in pairwise(values))
        yield from (f"{values[0]} ", "", *flora.NEAR_MISSES.get(name, ()))


def _with(body: Mapping[str, Any], path: list[str], value: Any) -> dict[str, Any] | None:
    """A body with one member changed, or left out for `...`; None where there is no such place."""
    name, *rest = path
    if rest:
        inside = body.get(name)
        inner = _with(inside, rest, value) if isinstance(inside, dict) else None
        return {**body, name: inner} if inner is not None else None
    whole = {**body, name: value}
    return {n: v for n, v in whole.items() if v is not ...}


def _text(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _distinct(values: list[Any]) -> list[Any]:
    return list({repr(v): v for v in values}.values())
