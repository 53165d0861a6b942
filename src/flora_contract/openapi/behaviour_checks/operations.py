"""Statements about operations: lists, keys, costs, answers and refusals of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flora_contract.openapi.behaviour_checks.errors import refusal_holds
from flora_contract.openapi.behaviour_checks.subject import NUMBERS, lacks, nearest, not_of, plain
from flora_contract.openapi.behaviour_reading import read_refusals
from flora_contract.openapi.schemas import member, types

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flora_contract.openapi.behaviour import (
        Charges,
        Idempotency,
        Listing,
        OperationBehaviour,
    )
    from flora_contract.openapi.behaviour_checks.subject import Fault, Subject
    from flora_contract.openapi.document import Pointer


def items_hold(operation: OperationBehaviour, listing: Listing) -> Iterator[Fault]:
    """What lists is named as such, and its items are a list."""
    pointer = listing.statement.pointer
    if operation.role != "list":
        yield pointer, f"no resource says what {operation.id} lists; name it as list of one"
    answer = plain(operation.endpoint.answer_members(operation.endpoint.success))
    lists = [path for path in answer if any(p.startswith(f"{path}.") for p in answer)]
    if listing.items not in answer:
        known = lists or answer
        yield (*pointer, "items"), lacks(_answer_of(operation), "list", listing.items, known)
    elif not operation.items:
        yield (*pointer, "items"), f"{listing.items} is not a list of objects; name one that is"


def operation_holds(subject: Subject, operation: OperationBehaviour) -> Iterator[Fault]:
    """What is stated of an operation fits it."""
    if operation.listing is not None:
        yield from _page(subject, operation, operation.listing)
        yield from _order_and_filters(subject, operation, operation.listing)
    if operation.idempotency is not None:
        yield from _idempotency(operation, operation.idempotency)
    if operation.charges is not None:
        yield from _charges(subject, operation, operation.charges)
    yield from _answers(subject, operation)
    yield from _own_refusals(subject, operation)


def _page(subject: Subject, operation: OperationBehaviour, listing: Listing) -> Iterator[Fault]:
    pointer: Pointer = (*listing.statement.pointer, "page")
    if listing.next is not None:
        yield from _answer_has(subject, operation, listing.next, (*pointer, "next"))
    if listing.total is not None:
        yield from _answer_has(subject, operation, listing.total, (*pointer, "total"), NUMBERS)
    queries = operation.endpoint.parameters_in("query")
    taken: dict[str, str] = {}
    for name in ("size", "cursor", "offset"):
        parameter = getattr(listing, name)
        if parameter is None:
            continue
        if parameter not in queries:
            yield (*pointer, name), lacks(operation.id, "query parameter", parameter, queries)
        if parameter in taken:
            yield (*pointer, name), f"{parameter} is {taken[parameter]} already; name another"
        taken[parameter] = name
    if listing.cursor is not None and listing.offset is not None:
        yield (*pointer, "offset"), "cursor is another way to go on; state one of the two"
    if (listing.cursor is None) != (listing.next is None):
        stands, other = ("next", "cursor") if listing.cursor is None else ("cursor", "next")
        yield (*pointer, stands), f"{stands} is of no use without {other}; state both"


def _order_and_filters(
    subject: Subject, operation: OperationBehaviour, listing: Listing
) -> Iterator[Fault]:
    pointer, resource = listing.statement.pointer, operation.resource
    assert resource is not None, "what lists is named by a resource"
    items = plain(operation.items)
    if listing.order is not None and listing.order not in items:
        yield (*pointer, "order", "by"), lacks("an item", "", listing.order, items)
    queries = operation.endpoint.parameters_in("query")
    paging = {listing.size, listing.cursor, listing.offset}
    for parameter in subject.document.at(pointer).get("filters", {}):
        place = (*pointer, "filters", parameter)
        if parameter not in queries:
            yield place, lacks(operation.id, "query parameter", parameter, queries)
        if parameter in paging:
            yield place, f"{parameter} is stated under page already; leave one out"
    known = subject.attributes(resource)
    for found in listing.filters.values():
        place = (*pointer, "filters", found.parameter)
        if isinstance(subject.document.at(place), dict):
            place = (*place, "member")
        if found.member not in known:
            yield place, lacks(resource.one, "", found.member, known)
        kinds = types(subject.document, items[found.member].schema) if found.member in items else ()
        if found.match == "contains" and kinds and not {"string", "array"} & set(kinds):
            yield (
                (*place[:-1], "match"),
                f"{found.member} is not a text to contain one; leave it out",
            )
        asked = _single(subject, queries[found.parameter]["schema"])
        held = _single(subject, items[found.member].schema) if found.member in items else asked
        if asked and held and not asked & held:
            problem = f"{found.parameter} takes a {' or '.join(sorted(asked))}, and {found.member}"
            yield place, f"{problem} is a {' or '.join(sorted(held))}; name another member"


def _single(subject: Subject, schema: object) -> frozenset[str]:
    """The types of one value of a parameter or member; integers are numbers."""
    found = types(subject.document, schema)
    if "array" in found:
        resolved = subject.document.resolve(schema)
        found = types(subject.document, resolved.get("items", {}))
    return frozenset("number" if kind == "integer" else kind for kind in found - {"null"})


def _idempotency(operation: OperationBehaviour, stated: Idempotency) -> Iterator[Fault]:
    pointer = stated.statement.pointer
    headers = operation.endpoint.parameters_in("header")
    if stated.header.lower() not in {name.lower() for name in headers}:
        yield (*pointer, "header"), lacks(operation.id, "header", stated.header, headers)
    if operation.role not in {"create", "update", "delete", "act"}:
        remedy = "name it as create, update, delete or act"
        yield pointer, f"no resource says what {operation.id} does to one; {remedy}"
    for index, repetition in enumerate(stated.tolerated):
        if repetition == stated.repetition:
            yield (*pointer, "tolerated", index), f"{repetition} is the rule already; leave it out"
    if stated.repetition == "refused" and "used-key" not in operation.refusals:
        yield (*pointer, "repetition"), "x-refusals does not say how; state used-key there"


def _charges(subject: Subject, operation: OperationBehaviour, charges: Charges) -> Iterator[Fault]:
    pointer = charges.statement.pointer
    yield from _answer_has(subject, operation, charges.cost, (*pointer, "cost"), NUMBERS)
    members = plain(operation.endpoint.request_members)
    if charges.by is None:
        if charges.assumed:
            yield (*pointer, "assumed"), "it does not say of which member the values are; add by"
        return
    if charges.by not in members:
        yield (*pointer, "by"), lacks(f"a request of {operation.id}", "", charges.by, members)
    values = members[charges.by].values
    for value in charges.assumed:
        if values and value not in values:
            yield (*pointer, "assumed", value), lacks(charges.by, "value", value, values)


def _answers(subject: Subject, operation: OperationBehaviour) -> Iterator[Fault]:
    """What an answer always holds it may hold."""
    for path, value in operation.answers.items():
        place = (*operation.endpoint.operation.pointer, "x-answers", path)
        yield from _answer_has(subject, operation, path, place)
        schema = operation.endpoint.answer_schema(operation.endpoint.success)
        found = member(subject.document, schema, path)
        assert found is not None, "it was looked for"
        nothing = value is None and not found.required
        if not nothing and not subject.behaviour.contract.compile(found.schema).is_valid(value):
            known = f"it is one of {nearest(value, found.values)}" if found.values else "correct it"
            yield place, f"{path} of {operation.id} cannot be {value!r}; {known}"


def _own_refusals(subject: Subject, operation: OperationBehaviour) -> Iterator[Fault]:
    endpoint = operation.endpoint
    for condition, refusal in read_refusals(subject.document, endpoint.operation.pointer).items():
        pointer = refusal.statement.pointer
        if condition == "used-key" and operation.idempotency is None:
            yield pointer, f"{endpoint.id} takes no key; state x-idempotency, or leave this out"
        if condition == "no-credits" and endpoint.operation.node.get("x-charges") is False:
            yield pointer, f"{endpoint.id} is free, as x-charges says; leave one out"
        if condition in {"no-key", "wrong-key"} and not subject.behaviour.is_secured(operation):
            yield pointer, f"{endpoint.id} asks for no key; leave this out"
        if endpoint.answer(refusal.status) is None:
            errors = sorted(status for status in endpoint.statuses if status >= 400)
            yield (*pointer, "status"), lacks(endpoint.id, "answer", refusal.status, errors)
        yield from refusal_holds(subject, refusal)


def _answer_has(
    subject: Subject,
    operation: OperationBehaviour,
    path: str,
    place: Pointer,
    kinds: frozenset[str] = frozenset(),
) -> Iterator[Fault]:
    answer = plain(operation.endpoint.answer_members(operation.endpoint.success))
    if path not in answer:
        yield place, lacks(_answer_of(operation), "", path, answer)
    for problem in not_of(subject.document, path, answer[path].schema, kinds):
        yield place, problem


def _answer_of(operation: OperationBehaviour) -> str:
    return f"the answer of {operation.id}"
