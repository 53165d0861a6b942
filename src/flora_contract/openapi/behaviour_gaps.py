"""What of an operation no statement says, so that silence is a choice."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flora_contract.openapi.behaviour import Behaviour, Listing, OperationBehaviour
    from flora_contract.openapi.document import Pointer


def unstated(behaviour: Behaviour) -> Iterator[tuple[Pointer, str]]:
    """What is not stated, in the order of the contract: the place of an operation, and what."""
    for operation in behaviour.operations.values():
        for gap in gaps(operation):
            yield operation.endpoint.operation.pointer, f"{operation.id}: {gap}"


def gaps(operation: OperationBehaviour) -> Iterator[str]:
    """What is not stated of one operation."""
    if operation.role is None:
        yield "no resource names it as create, read, list, update, delete or act"
    yield from _of_a_change(operation)
    yield from _of_a_list(operation)
    yield from _of_a_create(operation)
    told = {refusal.status for refusal in operation.refusals.values()}
    for status in sorted(operation.endpoint.statuses - told):
        if status >= 400:
            yield f"what is answered with {status}"


def _of_a_change(operation: OperationBehaviour) -> Iterator[str]:
    node = operation.endpoint.operation.node
    if operation.role == "create" and "x-idempotency" not in node:
        yield "whether a key names a request (x-idempotency)"
    if operation.role in {"create", "act"} and "x-charges" not in node:
        yield "whether it costs money (x-charges)"


def _of_a_list(operation: OperationBehaviour) -> Iterator[str]:
    node, listing = operation.endpoint.operation.node, operation.listing
    if operation.role == "list" and listing is None:
        yield "how it lists (x-list)"
    if listing is not None and "order" not in node["x-list"]:
        yield "the order of what it lists"
    known = {*_parameters(listing), *node.get("x-list", {}).get("filters", {})}
    if operation.resource is not None:
        known |= set(operation.resource.references)
    for name in operation.endpoint.parameters_in("query"):
        if name not in known:
            yield f"what the query parameter {name} does"


def _parameters(listing: Listing | None) -> set[str | None]:
    return {listing.size, listing.cursor, listing.offset} if listing is not None else set()


def _of_a_create(operation: OperationBehaviour) -> Iterator[str]:
    if operation.role != "create" or operation.resource is None:
        return
    stated = {
        path.partition(".")[0]
        for path in (*operation.resource.shows, *operation.resource.references)
    }
    for path in operation.endpoint.request_members:
        if "." not in path and "[]" not in path and path not in stated:
            yield f"whether and where {path} of the request is shown"
