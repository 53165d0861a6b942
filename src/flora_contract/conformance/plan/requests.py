"""Layer 1: single requests to any operation that cost nothing: reads, and what is refused."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from flora_contract.conformance.plan import creating, every, in_order, listing, step, wrong
from flora_contract.conformance.plan.asking import first_page, page, take_all
from flora_contract.conformance.plan.dimensions import (
    ACCOUNT,
    ID,
    WRONG,
    Choice,
    accounts,
    combined_refusals,
    covering,
    dimensions,
    refusals,
)
from flora_contract.conformance.plan.drafts import valid
from flora_contract.conformance.session import PlannedRequest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flora_contract.conformance.plan.dimensions import Case, Dimensions
    from flora_contract.conformance.session import Session
    from flora_contract.openapi.behaviour import Behaviour, OperationBehaviour

ROUNDS = 2
"""So many times everything that is wrong with a body is sent, each time among other values."""

FEW = 5
"""The size of pages on which something new would be seen."""


def _needed_by_others(behaviour: Behaviour) -> list[OperationBehaviour]:
    """What makes, for nothing, what other resources refer to."""
    kinds = behaviour.resources.values()
    needed = {r.to for kind in kinds for r in kind.references.values()}
    return [
        o
        for o in creating(behaviour)
        if o.charges is None and o.resource is not None and o.resource.kind in needed
    ]


@step("requests", of=_needed_by_others)
def prepare(session: Session, operation: OperationBehaviour) -> None:
    """One for each account of what others refer to."""
    for credential in session.known:
        session.ask(valid(session, operation, credential), credential)


@step("requests", of=listing)
def read(session: Session, operation: OperationBehaviour) -> None:
    """A list of each account, as it is before anything is done."""
    session.ask(valid(session, operation))
    for credential in session.known:
        session.ask(page(session, operation, credential), credential)


def _naming_none(behaviour: Behaviour) -> list[OperationBehaviour]:
    operations = [o for o in every(behaviour) if not _names_one(o)]
    return in_order(behaviour, operations)


def _names_one(operation: OperationBehaviour) -> bool:
    kind = operation.resource
    return kind is not None and kind.id_parameter in operation.endpoint.parameters_in("path")


@step("requests", of=_naming_none)
def refused(session: Session, operation: OperationBehaviour) -> None:
    """Every reason to refuse a request, by itself, and once among other values."""
    of = {**dimensions(session, operation), **_wrong_bodies(session, operation)}
    _look(session, operation)
    take_all(session, operation, of, [*_plainly(of), *combined_refusals(of, range(1))])
    plain = valid(session, operation, refused=True)
    session.together(
        partial(session.ask, PlannedRequest(operation, plain.path, query))
        for query in (wrong.queries(plain) if operation.endpoint.method == "GET" else ())
    )
    _look(session, operation)


def _plainly(of: Dimensions) -> Iterator[Case]:
    """Reasons by themselves; of what is wrong with a body, each is met among other values."""
    return refusals({n: choices for n, choices in of.items() if n != WRONG})


@step("generated", of=_naming_none)
def refused_among_others(session: Session, operation: OperationBehaviour) -> None:
    """Every reason to refuse a request, with every value of the rest in turn."""
    of, bodies = dimensions(session, operation), _wrong_bodies(session, operation)
    taken = {n: [c for c in choices if not c.refused] for n, choices in of.items()}
    rows = None if session.settings.thorough else range(1, ROUNDS)
    _look(session, operation)
    cases = [*combined_refusals(of), *combined_refusals({**taken, **bodies}, rows)]
    take_all(session, operation, {**of, **bodies}, cases)
    _look(session, operation)


def _wrong_bodies(session: Session, operation: OperationBehaviour) -> Dimensions:
    found = wrong.bodies(valid(session, operation, refused=True))
    bodies = [Choice(name, change, refused=True) for name, change in found]
    return {WRONG: bodies} if bodies else {}


def _look(session: Session, operation: OperationBehaviour) -> None:
    """A list of each account, on which what was made by mistake would be seen."""
    for credential in session.known if operation.role == "create" else ():
        first_page(session, operation.resource, credential, size=FEW)


def _naming_one(behaviour: Behaviour) -> list[OperationBehaviour]:
    return [o for o in every(behaviour) if _names_one(o)]


@step("requests", of=_naming_one)
def unknown_ids(session: Session, operation: OperationBehaviour) -> None:
    """Ids that nobody has, and texts that are none, asked for by everybody."""
    odd = wrong.ids(operation, session.behaviour.resources)
    of = {ACCOUNT: accounts(session, operation), ID: [Choice(repr(id_), id_) for id_ in odd]}
    cases = [*covering(of, str(session.settings.seed)), *combined_refusals(of)]
    take_all(session, operation, of, cases)
