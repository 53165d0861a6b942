"""Coverage: what of the contract was seen, and by how many exchanges."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, get_args

from flora_contract.conformance.refusals import codes_by_status

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from flora_contract.conformance.exchange import Exchange
    from flora_contract.conformance.ledger import Ledger
    from flora_contract.openapi.behaviour import Behaviour, Condition, OperationBehaviour

Kind = Literal[
    "response", "property", "enum value", "parameter", "request value", "error code", "pair"
]

KINDS: tuple[Kind, ...] = get_args(Kind)


APART = "the contract says nothing of the two together"

PLAINLY = "what must be refused is sent with a plain text and a key of its own"

HIDDEN = "of two reasons to refuse a request, one hides the other"

NEVER = frozenset({APART, PLAINLY, HIDDEN})
"""Why pairs are sent by no plan."""


@dataclass(frozen=True)
class Item:
    """One thing that the contract documents of an operation, and how often it was seen.

    A pair is one of choices that its requests have. `reason` says why it was not sent, or what it
    would take to see something.
    """

    operation: str
    kind: Kind
    name: str
    seen: int
    reason: str = ""


Seen = tuple[str, Kind, str]
"""Something that an exchange shows: operation, kind and name."""

Pair = tuple[tuple[str, str], tuple[str, str]]
"""Two dimensions of a request, each with the name of a choice."""


def counted(exchanges: Iterable[Exchange], behaviour: Behaviour) -> Counter[Seen]:
    """How many exchanges show each thing."""
    return Counter(
        key
        for exchange in exchanges
        if exchange.operation is not None and exchange.response is not None
        for key in set(_seen(exchange, behaviour.errors.code))
    )


def coverage(ledger: Ledger, forgotten: Mapping[Seen, int] | None = None) -> list[Item]:
    """Everything documented, in the order of the contract, with its count of exchanges."""
    behaviour = ledger.behaviour
    counts = counted(ledger.exchanges, behaviour)
    counts.update(forgotten or {})
    return [
        Item(*key, counts[key], "" if counts[key] else _needed(operation, *key[1:]))
        for operation in behaviour.operations.values()
        for key in dict.fromkeys(_documented(operation, behaviour))
    ]


def totals(items: Iterable[Item]) -> dict[str, dict[Kind, tuple[int, int]]]:
    """For each operation and kind: how many were seen, of how many that can be."""
    table: dict[str, dict[Kind, tuple[int, int]]] = {}
    for item in (i for i in items if i.reason not in NEVER):
        row = table.setdefault(item.operation, {})
        seen, documented = row.get(item.kind, (0, 0))
        row[item.kind] = (seen + (item.seen > 0), documented + 1)
    return table


def codes_of(operation: OperationBehaviour, behaviour: Behaviour, status: int) -> set[str]:
    """Codes that an error of an operation may have: those of its status, as far as is stated."""
    path = behaviour.errors.code
    member = operation.endpoint.answer_members(status).get(path or "")
    known = set(member.values) if member is not None else set()
    stated = codes_by_status(operation, behaviour).get(status)
    return known & stated if stated else known


def _documented(operation: OperationBehaviour, behaviour: Behaviour) -> Iterator[Seen]:
    endpoint = operation.endpoint
    for status in sorted(endpoint.statuses):
        yield endpoint.id, "response", str(status)
        always = operation.answers if status < 400 else {}
        never = [path for path, value in always.items() if value is None]
        for path, member in endpoint.answer_members(status).items():
            if status >= 400 and path == behaviour.errors.code:
                for value in sorted(codes_of(operation, behaviour, status)):
                    yield endpoint.id, "error code", value
            elif not any(f"{path}.".startswith(f"{outer}.") for outer in never):
                known = [always[path]] if path in always else list(member.values)
                yield from _values(endpoint.id, "property", "enum value", path, known)
    for name, parameter in endpoint.parameters.items():
        yield endpoint.id, "parameter", name
        for value in parameter["schema"].get("enum", ()):
            yield endpoint.id, "request value", f"{name}={value}"
    for path, member in endpoint.request_members.items():
        known = list(member.values)
        yield from _values(endpoint.id, "parameter", "request value", f"body {path}", known)


_CONDITIONS: Final[dict[Condition, str]] = {
    "rate": "a server that limits the rate",
    "failure": "a server that fails",
    "no-credits": "--broke-api-key",
    "foreign-reference": "--other-api-key, --foreign-workspace and --foreign-project",
    "foreign-id": "--other-api-key",
}
"""What it takes to see how a condition is answered, where requests alone do not do it."""


def _needed(operation: OperationBehaviour, kind: Kind, name: str) -> str:
    """What it would take to see what was not seen."""
    if kind in {"parameter", "request value"}:
        return "needs --profile full" if operation.charges is not None else "no request had it"
    if kind in {"response", "error code"}:
        needs = [
            _CONDITIONS[condition]
            for condition, refusal in operation.refusals.items()
            if condition in _CONDITIONS and name in {str(refusal.status), refusal.code}
        ]
        return f"needs {needs[0]}" if needs else "no request was answered so"
    return "no answer had it"


def _values(
    operation: str, kind: Kind, of_values: Kind, name: str, values: list[str]
) -> Iterator[Seen]:
    yield operation, kind, name
    for value in values:
        yield operation, of_values, f"{name}={value}"


def _seen(exchange: Exchange, code: str | None) -> Iterator[Seen]:
    assert exchange.operation is not None
    assert exchange.status is not None
    answered = shown(exchange.status, exchange.answer, code)
    for kind, name in (*answered, *_seen_in_request(exchange)):
        yield exchange.operation.id, kind, name


def shown(status: int, answer: Any, code: str | None) -> Iterator[tuple[Kind, str]]:
    """What an answer shows of what is documented; `code` is where errors have theirs."""
    yield "response", str(status)
    for path, value in _flat(answer):
        if status >= 400 and path == code:
            yield "error code", str(value)
            continue
        yield "property", path
        if isinstance(value, str):
            yield "enum value", f"{path}={value}"


def _seen_in_request(exchange: Exchange) -> Iterator[tuple[Kind, str]]:
    assert exchange.operation is not None
    for name, values in exchange.request.query.items():
        yield "parameter", name
        for value in values:
            yield "request value", f"{name}={value}"
    for name in exchange.path_parameters:
        yield "parameter", name
    for name in exchange.operation.endpoint.parameters_in("header"):
        if exchange.request.header(name) is not None:
            yield "parameter", name
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


class SentPairs:
    """Pairs of choices that requests of operations have: how often each was sent, or why not."""

    def __init__(self) -> None:
        self._sent: dict[str, Counter[Pair]] = {}
        self._reasons: dict[str, dict[Pair, str]] = {}

    def expect(self, operation: str, pairs: Iterable[tuple[Pair, str]]) -> None:
        """Pairs that an operation has, each with what to say while it was not sent."""
        self._sent.setdefault(operation, Counter())
        reasons = self._reasons.setdefault(operation, {})
        for pair, reason in pairs:
            reasons.setdefault(pair, reason)

    def add(self, operation: str, pairs: Iterable[Pair], reason: str = "") -> None:
        """Pairs of a request that was sent, or was not for a reason."""
        for pair in pairs:
            if reason:
                self._reasons[operation][pair] = reason
            else:
                self._sent[operation][pair] += 1

    def items(self) -> list[Item]:
        """Every pair of every operation."""
        return [
            Item(operation, "pair", _told(pair), sent[pair], "" if sent[pair] else reason)
            for operation, sent in self._sent.items()
            for pair, reason in self._reasons[operation].items()
        ]


def _told(pair: Pair) -> str:
    return ", ".join(f"{dimension}={choice}" for dimension, choice in pair)
