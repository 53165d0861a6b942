"""The page docs/contract.md: each field with what is documented, by whom, contested and tested."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from flora_contract.documents.checking.claims import Claims, claims
from flora_contract.documents.facts.fact import CONSTRAINTS, Place, Scalar
from flora_contract.report.markdown import code, escape, table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from flora_contract.openapi import Document

_INTRODUCTION = """\
# Contract

For each field, this page shows what is documented, which pages state it ([sources](sources.md)), on
which points they differ ([conflicts](conflicts.md)), and the rules that `flora-contract check`
tests it by ([oracles](oracles.md), which also lists the rules about exchanges, runs and lists).
[Behaviour](behaviour.md) shows what the operations do over time. `nox -s make` writes this page
from `openapi.yaml`.
"""
_PARTS = {
    "path": "In the path",
    "query": "In the query",
    "header": "In the header",
    "body": "Body of the request",
    "answer": "Answer",
    "error": "Body of every error answer",
}
_MOST_VALUES = 8


@dataclass(frozen=True)
class FieldRow:
    """A field at one of its places: what the contract says of it, and who states it."""

    place: Place
    type: str
    required: bool
    nullable: bool
    constraints: dict[str, Scalar]
    values: tuple[Scalar, ...]
    closed: bool
    sources: tuple[str, ...]
    conflicts: tuple[str, ...]


def rows(document: Document) -> list[FieldRow]:
    """Every parameter and field of the contract, in its order."""
    made = claims(document)
    places = dict.fromkeys(c.place for c in made.claims if c.place.part in _PARTS and c.place.field)
    return [_row(made, place) for place in places]


def _row(made: Claims, place: Place) -> FieldRow:
    claims = [c for c in made.claims if c.place == place]
    said = {c.aspect: c.value for c in claims}
    values = [c for c in claims if c.aspect == "value"]
    nodes = [pointer for pointer, places in made.nodes.items() if place in places]
    own = [p for p in nodes if "properties" in p or "parameters" in p] or nodes
    labels = made.document.at(own[0])["x-source"] if own else []
    return FieldRow(
        place=place,
        type=str(said.get("type", "any")),
        required=said.get("required") is True,
        nullable=said.get("nullable") is True,
        constraints={a: said[a] for a in (*CONSTRAINTS, "prefix") if a in said},
        values=tuple(dict.fromkeys(c.value for c in values)),
        closed=any("enum" in c.pointer for c in values),
        sources=tuple(labels),
        conflicts=tuple(sorted(made.conflicts.get(place, ()), key=lambda c: int(c[1:]))),
    )


def contract_page(document: Document, tested: Callable[[FieldRow], list[str]]) -> str:
    """The page as Markdown; `tested` names the oracles that check a field."""
    listed = rows(document)
    parts = [_INTRODUCTION]
    for operation in document.operations():
        name = f"{operation.method} {operation.path}"
        parts.append(f"## {name}\n")
        node = operation.node
        flag = "Deprecated. " if node.get("deprecated") else ""
        parts.append(f"{flag}{node['summary']}. Stated by {', '.join(node['x-source'])}.\n")
        own = [r for r in listed if r.place.operation == name and r.place.part != "error"]
        parts += _tables(own, tested)
        parts.append("### Statuses\n")
        parts.append(
            table(("status", "when", "stated by", "points"), _statuses(operation.responses))
        )
    errors = [r for r in listed if r.place.part == "error"]
    first = [r for r in errors if r.place.operation == errors[0].place.operation]
    parts += ["## Errors\n", *_tables(first, tested)]
    return "\n".join(parts)


def _tables(listed: list[FieldRow], tested: Callable[[FieldRow], list[str]]) -> Iterator[str]:
    order = list(_PARTS)
    ordered = sorted(listed, key=lambda row: order.index(row.place.part))
    for part, members in groupby(ordered, lambda row: row.place.part):
        yield f"### {_PARTS[part]}\n"
        yield table(
            (
                "field",
                "type",
                "required",
                "null",
                "constraints",
                "stated by",
                "points",
                "tested by",
            ),
            (_cells(row, tested(row)) for row in members),
        )


def _cells(row: FieldRow, oracles: list[str]) -> tuple[str, ...]:
    return (
        code(row.place.field),
        row.type,
        "yes" if row.required else "",
        "yes" if row.nullable else "",
        _constraints(row),
        ", ".join(row.sources),
        ", ".join(row.conflicts),
        ", ".join(map(code, oracles)),
    )


def _constraints(row: FieldRow) -> str:
    words = [
        f"begins with {code(str(value))}" if aspect == "prefix" else f"{aspect} {value}"
        for aspect, value in row.constraints.items()
    ]
    if row.values:
        kind = "one of" if row.closed else "open, known are"
        shown = [code(str(value)) for value in row.values[:_MOST_VALUES]]
        more = len(row.values) - len(shown)
        words.append(f"{kind} {', '.join(shown)}" + (f" and {more} more" if more else ""))
    return "; ".join(words)


def _statuses(responses: dict[str, dict[str, object]]) -> Iterator[tuple[str, ...]]:
    for status, node in responses.items():
        sources, conflicts = node.get("x-source", []), node.get("x-conflict", [])
        assert isinstance(sources, list)
        assert isinstance(conflicts, list)
        words = escape(str(node["description"]))
        yield status, words, ", ".join(sources), ", ".join(conflicts)
