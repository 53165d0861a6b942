"""The page docs/contract.md: the contract field by field, and the oracles that test each."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from flora_contract import shipped
from flora_contract.conformance.oracle import catalogue
from flora_contract.documents.written.contract_page import FieldRow, contract_page
from flora_contract.openapi import load
from flora_contract.openapi.behaviour import Behaviour
from flora_contract.openapi.contract import Contract

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from flora_contract.openapi.behaviour import OperationBehaviour, Resource

# What the oracles of schemas hold of a field, by what the contract says of it: in an answer, in a
# request, and when.
_SCHEMAS: tuple[tuple[str | None, str | None, Callable[[FieldRow], bool]], ...] = (
    ("schema-type", "refuses-wrong-type", lambda row: row.type != "any"),
    ("schema-required", "refuses-missing-field", lambda row: row.required),
    ("schema-enum", "refuses-unknown-value", lambda row: row.closed),
    ("schema-null", None, lambda row: row.type != "any"),
    ("schema-pattern", "refuses-wrong-pattern", lambda row: "prefix" in row.constraints),
    ("schema-range", "refuses-out-of-range",
     lambda row: any(name.startswith(("m", "e")) for name in row.constraints)),
    ("schema-format", None, lambda row: "format" in row.constraints),
    (None, "refused-as-invalid", lambda _: True),
)  # fmt: skip


def page() -> str:
    """The text of docs/contract.md."""
    return contract_page(load(shipped.CONTRACT), tested)


def tested(row: FieldRow) -> list[str]:
    """The oracles that check a field, in the order of docs/oracles.md.

    Those of its schema, and those that judge by a statement about it. The rest judge whole
    exchanges.
    """
    answers = row.place.part in {"answer", "error"}
    by_schema = {
        answer if answers else request for answer, request, holds in _SCHEMAS if holds(row)
    }
    stated = set(_statements(row))
    return [
        oracle.id
        for oracle in catalogue().values()
        if oracle.id in by_schema or stated & set(oracle.basis.split(", "))
    ]


@cache
def _behaviour() -> Behaviour:
    return Behaviour(Contract(shipped.contract("behaviour")))


def _statements(row: FieldRow) -> Iterator[str]:
    """What is stated of a field, as the bases of oracles name it."""
    field = row.place.field.replace("[]", "")
    label = row.place.operation
    operations = _behaviour().operations.values()
    stated = next((o for o in operations if o.endpoint.label == label), None)
    if row.place.part == "error":
        yield from _of_error(field)
    elif stated is not None:
        parts = {
            "answer": _of_answer,
            "query": _of_query,
            "body": _of_body,
            "path": _of_path,
            "header": _of_header,
        }
        yield from parts[row.place.part](stated, field)


def _of_error(field: str) -> Iterator[str]:
    errors = _behaviour().errors
    if field in {errors.code, errors.message} or field.startswith(errors.fields or "\0"):
        yield "x-errors"
    if field.startswith(errors.fields or "\0"):
        yield "x-errors.fields"
    if field == errors.code:
        yield "x-errors, x-refusals"


def _of_answer(stated: OperationBehaviour, field: str) -> Iterator[str]:
    if field in stated.answers:
        yield "x-answers"
    if (listing := stated.listing) is not None:
        if field in {listing.next, listing.total}:
            yield "x-list.page"
        if field == listing.items:
            yield "x-list.items"
        field = field.removeprefix(f"{listing.items}.")
        if field == listing.order:
            yield "x-list.order"
    if stated.resource is not None:
        yield from _of_resource(stated.resource, field)


def _of_resource(resource: Resource, field: str) -> Iterator[str]:
    told = {
        "id": {resource.id},
        "prefix": {resource.id},
        "aliases": set(resource.aliases),
        "shows": set(resource.shows.values()),
        "link": {resource.link},
        "constant, created": {*resource.constant, resource.created},
        "updated": {resource.updated},
        "cost": {resource.cost},
    }
    if (life := resource.life) is not None:
        told |= {
            "life.order": {life.state},
            "life.members": set(life.members),
            "life.times": set(life.times),
            "life.grows": {life.grows},
        }
    yield from (name for name, fields in told.items() if field in fields)


def _of_query(stated: OperationBehaviour, field: str) -> Iterator[str]:
    if (listing := stated.listing) is not None:
        if field in listing.filters:
            yield "x-list.filters"
        if field in {listing.size, listing.cursor, listing.offset}:
            yield "x-list.page"


def _of_body(stated: OperationBehaviour, field: str) -> Iterator[str]:
    resource = stated.resource
    if resource is not None and resource.shows.get(field) is not None:
        yield "shows"
    if resource is not None and field in resource.references:
        yield from ("x-refusals.unknown-reference", "x-refusals.foreign-reference")


def _of_path(stated: OperationBehaviour, field: str) -> Iterator[str]:
    if stated.resource is not None and field == stated.resource.id_parameter:
        yield from ("x-refusals.unknown-id", "x-refusals.foreign-id")


def _of_header(stated: OperationBehaviour, field: str) -> Iterator[str]:
    key = stated.idempotency
    if key is not None and field.lower() == key.header.lower():
        yield from (
            name
            for oracle in catalogue().values()
            for name in oracle.basis.split(", ")
            if name.startswith("x-idempotency")
        )
