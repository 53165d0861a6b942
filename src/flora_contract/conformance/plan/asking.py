"""What steps ask alike: cases of an operation, one thing, the pages of a list."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from flora_contract.conformance.exchange import OWNER, Credential, Exchange, at
from flora_contract.conformance.plan.dimensions import (
    ELSEWHERE,
    POSITION,
    call_of,
    every_pair,
    pairs_of,
    settled,
)
from flora_contract.conformance.plan.drafts import valid
from flora_contract.conformance.session import NotTested

if TYPE_CHECKING:
    from collections.abc import Iterable

    from flora_contract.conformance.plan.dimensions import Case, Dimensions
    from flora_contract.conformance.session import PlannedRequest, Session
    from flora_contract.openapi.behaviour import OperationBehaviour, Resource

MOST_PAGES = 120
"""So many pages of one list are read at most."""


def take(
    session: Session, operation: OperationBehaviour, case: Case, needs: set[str]
) -> Exchange | None:
    """Send the request of a case, or remember what it would need."""
    asked, case = pairs_of(case), settled(session, operation, case)
    session.pairs.add(operation.id, asked - pairs_of(case), ELSEWHERE)
    try:
        call = call_of(session, operation, case)
        exchange = call.send(session)
        if exchange.key and not exchange.succeeded:
            session.send_again(exchange)  # a key of a refused request is not used
        if POSITION in case and case[POSITION].value:
            follow_pages(session, call.request, call.credential, exchange)
    except NotTested as reason:
        session.pairs.add(operation.id, pairs_of(case), str(reason))
        needs.add(str(reason))
        return None
    session.pairs.add(operation.id, pairs_of(case))
    return exchange


def take_all(
    session: Session, operation: OperationBehaviour, of: Dimensions, cases: Iterable[Case]
) -> None:
    """Send the requests of cases. Raises NotTested at the end where some could not be sent."""
    session.pairs.expect(operation.id, every_pair(of))
    needs: set[str] = set()
    session.together(partial(take, session, operation, case, needs) for case in cases)
    if needs:
        raise NotTested("; ".join(sorted(needs)))


def made_by(exchange: Exchange) -> str | None:
    """Id of what a request has made; None when it has made nothing."""
    kind = exchange.operation.resource if exchange.operation is not None else None
    made = at(exchange.answer, kind.id) if kind is not None and exchange.succeeded else None
    return str(made) if isinstance(made, str | int) and made != "" else None


def look(session: Session, kind: Resource, id_: str, credential: Credential = OWNER) -> None:
    """Read one, where there is an operation for it."""
    if kind.read is not None:
        operation = session.behaviour.of(kind.read)
        session.ask(valid(session, operation, id_=id_), credential)


def first_page(
    session: Session,
    kind: Resource | None,
    credential: Credential = OWNER,
    size: int | None = None,
    **filters: Any,
) -> None:
    """Look at the list of a kind, where there is one; by default at as much as a page holds."""
    if kind is not None and kind.list is not None:
        operation = session.behaviour.of(kind.list)
        session.ask(page(session, operation, credential, size, **filters), credential)


def page(
    session: Session,
    operation: OperationBehaviour,
    credential: Credential = OWNER,
    size: int | None = None,
    **filters: Any,
) -> PlannedRequest:
    """A call for the first page of a list."""
    found = operation.listing
    sized = {found.size: size or largest(operation)} if found is not None and found.size else {}
    return valid(session, operation, credential).asking(**sized, **filters)


def largest(operation: OperationBehaviour) -> int:
    """The largest size of a page."""
    found = operation.listing.size if operation.listing is not None else None
    schema = operation.endpoint.parameters.get(found or "", {}).get("schema", {})
    return int(schema.get("maximum", 100))


def follow_pages(
    session: Session,
    call: PlannedRequest,
    credential: Credential = OWNER,
    first: Exchange | None = None,
) -> None:
    """Pages that follow one another, until the end."""
    exchange = first or session.ask(call, credential)
    for _ in range(MOST_PAGES):
        pages = reversed(session.ledger.pages)
        found = next((p for p in pages if p.exchange is exchange), None)
        if found is None or found.next is None:
            return
        call = call.asking(**{str(found.listing.cursor or found.listing.offset): found.next})
        exchange = session.ask(call, credential)
