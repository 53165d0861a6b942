"""Coverage: what of the contract was seen, and by how many exchanges."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from flora_contract.conformance.contract import Contract, Endpoint
    from flora_contract.conformance.exchange import Exchange
    from flora_contract.conformance.ledger import Ledger

Kind = Literal["response", "property", "enum value", "parameter", "request value", "error code"]

KINDS: tuple[Kind, ...] = (
    "response",
    "property",
    "enum value",
    "parameter",
    "request value",
    "error code",
)


@dataclass(frozen=True)
class Item:
    """One thing that the contract documents of an operation, and how often it was seen."""

    operation: str
    kind: Kind
    name: str
    seen: int


_Key = tuple[str, Kind, str]


def coverage(ledger: Ledger) -> list[Item]:
    """Everything documented, in the order of the contract, with its count of exchanges."""
    contract = ledger.contract
    counts = Counter(
        key
        for exchange in ledger.exchanges
        if exchange.operation is not None and exchange.response is not None
        for key in set(_seen(exchange, contract))
    )
    return [
        Item(*key, counts[key])
        for endpoint in contract.operations.values()
        for key in dict.fromkeys(_documented(endpoint, contract))
    ]


def totals(items: Iterable[Item]) -> dict[str, dict[Kind, tuple[int, int]]]:
    """For each operation and kind: how many were seen, of how many."""
    table: dict[str, dict[Kind, tuple[int, int]]] = {}
    for item in items:
        row = table.setdefault(item.operation, {})
        seen, documented = row.get(item.kind, (0, 0))
        row[item.kind] = (seen + (item.seen > 0), documented + 1)
    return table


def _documented(endpoint: Endpoint, contract: Contract) -> Iterator[_Key]:
    for status in sorted(endpoint.statuses):
        yield endpoint.id, "response", str(status)
        for prop in contract.properties(endpoint.response_schema(status)):
            name = _answer_name(status, prop.path)
            if name is None:
                for value in prop.values:
                    yield endpoint.id, "error code", value
                continue
            yield endpoint.id, "property", name
            for value in prop.values:
                yield endpoint.id, "enum value", f"{name}={value}"
    for parameter in endpoint.parameters:
        yield endpoint.id, "parameter", parameter["name"]
        for value in contract.enumeration(parameter.get("schema", {})):
            yield endpoint.id, "request value", f"{parameter['name']}={value}"
    for prop in contract.properties(endpoint.request_schema):
        yield endpoint.id, "parameter", f"body {prop.path}"
        for value in prop.values:
            yield endpoint.id, "request value", f"body {prop.path}={value}"


def _answer_name(status: int, path: str) -> str | None:
    """What a property is listed as; None for the code of an error, which has its own kind."""
    if status >= 400:
        return None if path == "error.code" else path
    return path


def _seen(exchange: Exchange, contract: Contract) -> Iterator[_Key]:
    assert exchange.operation is not None
    for kind, name in (*_seen_in_answer(exchange), *_seen_in_request(exchange, contract)):
        yield exchange.operation, kind, name


def _seen_in_answer(exchange: Exchange) -> Iterator[tuple[Kind, str]]:
    assert exchange.status is not None
    yield "response", str(exchange.status)
    for path, value in _flat(exchange.answer):
        name = _answer_name(exchange.status, path)
        if name is None:
            yield "error code", str(value)
            continue
        yield "property", name
        if isinstance(value, str):
            yield "enum value", f"{name}={value}"


def _seen_in_request(exchange: Exchange, contract: Contract) -> Iterator[tuple[Kind, str]]:
    assert exchange.operation is not None
    for name, values in exchange.request.query.items():
        yield "parameter", name
        for value in values:
            yield "request value", f"{name}={value}"
    for name in exchange.path_parameters:
        yield "parameter", name
    for parameter in contract.operations[exchange.operation].parameters:
        if parameter["in"] == "header" and exchange.request.header(parameter["name"]) is not None:
            yield "parameter", parameter["name"]
    for path, value in _flat(exchange.request.json):
        yield "parameter", f"body {path}"
        if isinstance(value, str):
            yield "request value", f"body {path}={value}"


def _flat(value: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Every property of a JSON value that is not null, by its dotted path."""
    if isinstance(value, list):
        for item in value:
            yield from _flat(item, f"{prefix}[]")
    elif isinstance(value, dict):
        for name, child in value.items():
            path = f"{prefix}.{name}" if prefix else name
            if child is not None:
                yield path, child
                yield from _flat(child, path)
