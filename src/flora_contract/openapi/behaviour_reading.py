"""From a document to its statements of behaviour, which the vocabulary has found well written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from flora_contract.openapi.behaviour import (
    ROLES,
    Charges,
    Condition,
    Errors,
    Filter,
    Idempotency,
    Life,
    Listing,
    OperationBehaviour,
    Presence,
    Reference,
    Refusal,
    Resource,
    Role,
    Statement,
)
from flora_contract.openapi.schemas import prefix_of

if TYPE_CHECKING:
    from flora_contract.openapi.contract import Contract, Endpoint
    from flora_contract.openapi.document import Document, Pointer


# On the document


def read_errors(document: Document) -> Errors:
    """What `x-errors` states."""
    node = document.tree.get("x-errors", {})
    fields = node.get("fields", {})
    return Errors(
        code=node.get("code"),
        message=node.get("message"),
        fields=fields.get("in"),
        field_name=fields.get("name", "field"),
        field_message=fields.get("message", "message"),
        request_id=node.get("request-id"),
        retry_after=node.get("retry-after"),
        codes={int(status): tuple(codes) for status, codes in node.get("codes", {}).items()},
        also=tuple(node.get("also", ())),
    )


def read_resources(contract: Contract) -> dict[str, Resource]:
    """What `x-resources` states, by the names of the kinds."""
    stated = contract.document.tree.get("x-resources", {})
    return {kind: _resource(contract, kind, node) for kind, node in stated.items()}


def _resource(contract: Contract, kind: str, node: dict[str, Any]) -> Resource:
    pointer: Pointer = ("x-resources", kind)
    operations: dict[Role, tuple[str, ...]] = {
        role: (node[role],) if isinstance(node[role], str) else tuple(node[role])
        for role in ROLES
        if role in node
    }
    return Resource(
        kind=kind,
        id=node["id"],
        aliases=tuple(node.get("aliases", ())),
        prefix=node.get("prefix", _documented_prefix(contract, node["id"], operations)),
        owner=node.get("owner", "account"),
        operations=operations,
        path=node.get("path", {}),
        references={
            member: _reference(member, entry, (*pointer, "references", member))
            for member, entry in node.get("references", {}).items()
        },
        shows=node.get("shows", {}),
        link=node.get("link"),
        created=node.get("created"),
        updated=node.get("updated"),
        constant=tuple(node.get("constant", ())),
        cost=node.get("cost"),
        life=_life(node["life"], (*pointer, "life")) if "life" in node else None,
        statement=_statement(node, pointer),
    )


def _documented_prefix(
    contract: Contract, member: str, operations: dict[Role, tuple[str, ...]]
) -> str:
    """What ids begin with, as the pattern of their schema says."""
    for operation_id in (i for ids in operations.values() for i in ids):
        endpoint = contract.operations.get(operation_id)
        for path, found in endpoint.answer_members(endpoint.success).items() if endpoint else ():
            prefix = prefix_of(found.schema.get("pattern", ""))
            if prefix and (path == member or path.endswith(f"[].{member}")):
                return prefix
    return ""


def _reference(member: str, entry: Any, pointer: Pointer) -> Reference:
    node: dict[str, Any] = {"to": entry} if isinstance(entry, str) else entry
    unknown = node.get("unknown")
    return Reference(
        member=member,
        to=node["to"],
        matching=node.get("matching", {}),
        unknown=_refusal("unknown-reference", unknown, (*pointer, "unknown")) if unknown else None,
        statement=_statement(node, pointer),
    )


def _life(node: dict[str, Any], pointer: Pointer) -> Life:
    error = node.get("error", {})
    return Life(
        state=node["state"],
        order=tuple(tuple(s) if isinstance(s, list) else (s,) for s in node["order"]),
        failed=frozenset(node.get("failed", ())),
        members={
            name: Presence(
                member=name,
                states=frozenset(entry["in"]),
                required=entry.get("required", False),
                severity=entry.get("severity"),
            )
            for name, entry in node.get("members", {}).items()
        },
        times=tuple(node.get("times", ())),
        grows=node.get("grows"),
        estimate=node.get("estimate"),
        error_code=error.get("code"),
        error_message=error.get("message"),
        statement=_statement(node, pointer),
    )


# On an operation


def read_operation(endpoint: Endpoint, resources: dict[str, Resource]) -> OperationBehaviour:
    """What is stated of an operation, and of every one."""
    document, node = endpoint.document, endpoint.operation.node
    pointer = endpoint.operation.pointer
    resource = next((r for r in resources.values() if r.role_of(endpoint.id)), None)
    return OperationBehaviour(
        endpoint=endpoint,
        resource=resource,
        role=resource.role_of(endpoint.id) if resource is not None else None,
        listing=_listing(node.get("x-list"), (*pointer, "x-list")),
        idempotency=_idempotency(node.get("x-idempotency"), (*pointer, "x-idempotency")),
        charges=_charges(node.get("x-charges"), (*pointer, "x-charges")),
        answers=node.get("x-answers", {}),
        refusals=read_refusals(document, ()) | read_refusals(document, pointer),
    )


def read_refusals(document: Document, holder: Pointer) -> dict[Condition, Refusal]:
    """What `x-refusals` states, on the document or on an operation."""
    found: dict[Condition, Refusal] = {}
    for name, entry in document.at(holder).get("x-refusals", {}).items():
        condition = cast("Condition", name)  # the vocabulary knows no other
        found[condition] = _refusal(condition, entry, (*holder, "x-refusals", condition))
    return found


def _refusal(condition: Condition, node: dict[str, Any], pointer: Pointer) -> Refusal:
    return Refusal(
        condition=condition,
        status=node["status"],
        code=node.get("code"),
        also=tuple(node.get("also", ())),
        statement=_statement(node, pointer),
    )


def _listing(node: dict[str, Any] | None, pointer: Pointer) -> Listing | None:
    if node is None:
        return None
    page, order = node.get("page", {}), node.get("order") or {}
    return Listing(
        items=node["items"],
        order=order.get("by"),
        descending=order.get("direction") == "descending",
        size=page.get("size"),
        cursor=page.get("cursor"),
        next=page.get("next"),
        offset=page.get("offset"),
        total=page.get("total"),
        filters={
            parameter: _filter(parameter, entry)
            for parameter, entry in node.get("filters", {}).items()
            if entry is not None  # null states that no source says what it does
        },
        statement=_statement(node, pointer),
    )


def _filter(parameter: str, entry: Any) -> Filter:
    node: dict[str, Any] = {"member": entry} if isinstance(entry, str) else entry
    return Filter(parameter, node["member"], node.get("match", "equals"))


def _idempotency(node: Any, pointer: Pointer) -> Idempotency | None:
    if not node:  # false states that there is none
        return None
    return Idempotency(
        header=node["header"],
        window=node["window"],
        repetition=node["repetition"],
        tolerated=tuple(node.get("tolerated", ())),
        freed=node.get("freed", False),
        statement=_statement(node, pointer),
    )


def _charges(node: Any, pointer: Pointer) -> Charges | None:
    if not node:  # false states that it is free
        return None
    return Charges(
        cost=node["cost"],
        by=node.get("by"),
        assumed=node.get("assumed", {}),
        statement=_statement(node, pointer),
    )


def _statement(node: dict[str, Any], pointer: Pointer) -> Statement:
    return Statement(pointer, tuple(node.get("x-source", ())), tuple(node.get("x-conflict", ())))
