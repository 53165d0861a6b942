"""What makes a valid request wrong in one way, from what the schemas ask for."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

import orjson

from flora_contract.conformance.flora import values as flora
from flora_contract.conformance.values import GARBAGE, unknown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from flora_contract.conformance.session import PlannedRequest
    from flora_contract.openapi.behaviour import OperationBehaviour, Resource
    from flora_contract.openapi.schemas import Member

NO_JSON = (b"", b"{", b"a=b&c=d", b'{"a": "b",}', b"\xff\xfe")
NO_OBJECT = (b"[]", b'"text"', b"null")
TRAILING = (b"garbage", b"{}", b"]", b"\0")

Change = tuple[str, "Callable[[PlannedRequest], Any]"]


def bodies(call: PlannedRequest) -> list[Change]:
    """Changes of a body, each named, that the contract does not allow."""
    body = call.body
    if not isinstance(body, dict):
        return []
    found: dict[str, Change] = {}
    for path, member in call.operation.endpoint.request_members.items():
        for value in _values(path, member, body) if "[]" not in path else ():
            changed = _with(body, path.split("."), value)
            if changed is not None and call.operation.endpoint.body_breaches(changed):
                name = f"{path} {'missing' if value is ... else repr(value)[:30]}"
                found.setdefault(repr(changed), (name, _changing(path, value)))
    whole = [(f"body {text!r}", _instead(text)) for text in (*NO_JSON, *NO_OBJECT)]
    return [*found.values(), *whole, *((f"then {t!r}", _followed(t)) for t in TRAILING)]


def _changing(path: str, value: Any) -> Callable[[PlannedRequest], Any]:
    def change(call: PlannedRequest) -> Any:
        changed = _with(call.body, path.split("."), value)
        return changed if changed is not None else b"{"

    return change


def _instead(text: bytes) -> Callable[[PlannedRequest], Any]:
    return lambda _: text


def _followed(text: bytes) -> Callable[[PlannedRequest], Any]:
    return lambda call: orjson.dumps(call.body) + text


def _values(path: str, member: Member, body: Mapping[str, Any]) -> Iterator[Any]:
    """What a member must not be: missing, of another type, written as one, beyond its bounds."""
    own = body.get(path, next(iter(member.values), "text"))
    yield from (..., 42, True, None, [own], {"value": own}, "text")
    if not isinstance(own, str):
        yield orjson.dumps(own).decode()
    yield from _beyond(member.name, member.schema, member.values, body)


def queries(call: PlannedRequest) -> list[dict[str, Any]]:
    """Queries that are valid but for one parameter; and sizes that are too large."""
    endpoint, listing = call.operation.endpoint, call.operation.listing
    found: list[dict[str, Any]] = []
    for name, parameter in endpoint.parameters_in("query").items():
        if parameter.get("required"):
            found.append({n: v for n, v in call.query.items() if n != name})
        schema = parameter["schema"]
        beyond = _beyond(name, schema, tuple(schema.get("enum", ())), call.query)
        for value in ("many", "1.5", "5abc", "0x5", "[5]", *beyond):
            asked = {**call.query, name: _text(value)}
            read = endpoint.read_query("&".join(f"{k}={v}" for k, v in asked.items())).values
            if any(b.location == "query" for b in endpoint.parameter_breaches(read)):
                found.append(asked)
        if listing is not None and name == listing.cursor:
            found += [{**call.query, name: garbage} for garbage in GARBAGE]
    return found


def ids(operation: OperationBehaviour, kinds: Mapping[str, Resource]) -> list[str]:
    """Ids that nobody has, and texts that are none."""
    kind = operation.resource
    if kind is None:
        return []
    others = [r.prefix for r in kinds.values() if r.prefix != kind.prefix]
    odd = ["no-prefix", *([kind.prefix] if kind.prefix else []), f"{kind.prefix} %2e%2e"]
    return [
        unknown(kind),
        *odd,
        *(f"{prefix}abc123" for prefix in others[:1] if prefix),
        f"{kind.prefix}\N{SNOWMAN}",
    ]


def near(id_: str) -> list[str]:
    """What is nearly an id: something added, taken away, or written otherwise."""
    return [f"{id_}0", id_[:-1], id_.swapcase(), f"{id_} ", f"{id_}%00", f"{id_}.json", f"0{id_}"]


def _beyond(
    name: str, schema: Mapping[str, Any], known: tuple[Any, ...], valid: Mapping[str, Any]
) -> Iterator[Any]:
    """Values just beyond what a schema allows."""
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
