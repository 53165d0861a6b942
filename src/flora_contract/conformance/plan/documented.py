"""Layer 5: what is documented and was not seen. The mock is told to answer with it."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any

from flora_contract.conformance.coverage import codes_of, coverage, shown
from flora_contract.conformance.plan import step
from flora_contract.conformance.plan.drafts import valid
from flora_contract.conformance.session import NotTested
from flora_contract.conformance.staging import Stage
from flora_contract.openapi.examples import showcases
from flora_contract.openapi.schemas import put

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flora_contract.conformance.session import Session
    from flora_contract.openapi.behaviour import Behaviour, OperationBehaviour


@step("documented")
def everything_documented(session: Session) -> None:
    """Answers with every status, property, value and error code that was not seen until then."""
    left: dict[str, set[tuple[str, str]]] = {}
    for item in coverage(session.ledger):
        if not item.seen:
            left.setdefault(item.operation, set()).add((item.kind, item.name))
    code = session.behaviour.errors.code
    with Stage(session.settings) as stage:
        if stage.faults is None:
            raise NotTested("needs flora-contract mock, which answers as it is told")
        for name, unseen in left.items():
            operation = session.behaviour.of(name)
            for status, body in _answers(session.behaviour, operation):
                new = unseen & set(shown(status, body, code))
                allowed = new and not operation.endpoint.answer_breaches(status, body)
                if allowed and stage.answer(name, status, body):
                    session.ask(valid(session, operation, refused=True), staged=True)
                    unseen -= new
                if not unseen:
                    break


def _answers(behaviour: Behaviour, operation: OperationBehaviour) -> Iterator[tuple[int, Any]]:
    """Answers that have between them all that the contract documents."""
    endpoint = operation.endpoint
    for status in sorted(endpoint.statuses):
        schema = endpoint.answer_schema(status)
        if schema is None:
            yield status, None
            continue
        for made in showcases(behaviour.document, schema):
            for body in _stated(behaviour, operation, status, made):
                yield status, body


def _stated(
    behaviour: Behaviour, operation: OperationBehaviour, status: int, made: Any
) -> Iterator[Any]:
    """A body with what is stated of it: its fixed values, or each code of its status in turn."""
    given: list[dict[str, Any]] = [operation.answers]
    if status >= 400:
        codes = sorted(codes_of(operation, behaviour, status))
        given = [{str(behaviour.errors.code): code} for code in codes] or [{}]
    for values in given:
        body = deepcopy(made)
        for path, value in values.items():
            put(body, path, value)
        yield body
