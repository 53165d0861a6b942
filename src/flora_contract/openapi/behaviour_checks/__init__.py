"""Whether statements of behaviour fit the contract and one another.

A check yields faults: the place of a statement, what is wrong with it and what to do. The first
one is raised, so a check may take for granted what those before it have found to hold.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flora_contract.openapi.behaviour_checks.errors import errors_hold, refusal_holds
from flora_contract.openapi.behaviour_checks.operations import items_hold, operation_holds
from flora_contract.openapi.behaviour_checks.resources import resource_holds, roles_hold
from flora_contract.openapi.behaviour_checks.subject import StatementError, Subject
from flora_contract.openapi.behaviour_reading import read_refusals

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flora_contract.openapi.behaviour import Behaviour
    from flora_contract.openapi.behaviour_checks.subject import Fault


__all__ = ["StatementError", "check"]


def check(behaviour: Behaviour) -> None:
    """Raises StatementError, with file and line, for the first statement that cannot hold."""
    for pointer, problem in _faults(behaviour):
        raise StatementError(behaviour.document, pointer, problem)


def _faults(behaviour: Behaviour) -> Iterator[Fault]:
    subject = Subject(behaviour)
    yield from roles_hold(subject)
    for stated in behaviour.operations.values():
        if stated.listing is not None:
            yield from items_hold(stated, stated.listing)
    yield from errors_hold(subject)
    for found in read_refusals(behaviour.document, ()).values():
        yield from refusal_holds(subject, found)
    for kind in behaviour.resources.values():
        yield from resource_holds(subject, kind)
    for stated in behaviour.operations.values():
        yield from operation_holds(subject, stated)
