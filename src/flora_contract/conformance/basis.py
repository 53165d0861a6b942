"""Which statement a finding breaks: from what its oracle judges by, and what was seen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flora_contract.openapi.behaviour import Statement

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flora_contract.conformance.oracle import Oracle, Verdict
    from flora_contract.openapi.behaviour import Behaviour, OperationBehaviour
    from flora_contract.openapi.document import Pointer


def statement_of(oracle: Oracle, verdict: Verdict, behaviour: Behaviour) -> Statement | None:
    """The statement that a verdict is judged by; None for the contract's schemas."""
    if verdict.statement is not None:
        return verdict.statement
    asked = [e.operation for e in reversed(verdict.evidence) if e.operation is not None]
    for name in oracle.basis.split(", "):
        for pointer in _places(name.split("."), asked):
            labels = _labels(pointer, behaviour)
            if labels is not None:
                return Statement(pointer, *labels)
    return None


def _places(names: list[str], asked: list[OperationBehaviour]) -> Iterator[Pointer]:
    """Where a statement may stand: on an operation, on a kind of resource, on the document."""
    for operation in asked:
        if names[0].startswith("x-"):
            yield (*operation.endpoint.operation.pointer, *names)
        elif operation.resource is not None:
            yield (*operation.resource.statement.pointer, *names)
    yield tuple(names)


def _labels(
    pointer: Pointer, behaviour: Behaviour
) -> tuple[tuple[str, ...], tuple[str, ...]] | None:
    """Sources and conflicts of a node, or of the statement around it; None where there is none."""
    node, found = behaviour.document.tree, ((), ())
    for part in pointer:
        node = node.get(part) if isinstance(node, dict) else None
        if node is None:
            return None
        if isinstance(node, dict) and "x-source" in node:
            found = tuple(node["x-source"]), tuple(node.get("x-conflict", ()))
    return found
