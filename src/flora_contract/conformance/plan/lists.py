"""Layer 3: relations between the pages of any list. Free."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from flora_contract.conformance.exchange import OWNER
from flora_contract.conformance.plan import listing, step
from flora_contract.conformance.plan.asking import follow_pages, largest, page, take_all
from flora_contract.conformance.plan.dimensions import covering, dimensions, refusals
from flora_contract.conformance.plan.drafts import valid

if TYPE_CHECKING:
    from flora_contract.conformance.session import Session
    from flora_contract.openapi.behaviour import Behaviour, OperationBehaviour

SIZES = (1, 3, 7)


def _sized(behaviour: Behaviour) -> list[OperationBehaviour]:
    return [o for o in listing(behaviour) if o.listing is not None and o.listing.size is not None]


@step("lists", of=listing)
def read_all(session: Session, operation: OperationBehaviour) -> None:
    """A whole list of each account in large pages, to know what there is."""
    for credential in session.known:
        follow_pages(session, page(session, operation, credential), credential)


@step("lists", of=_sized)
def walk(session: Session, operation: OperationBehaviour) -> None:
    """A list in pages of 1, 3 and 7 and of the server's own size, and its first page again."""
    calls = [page(session, operation, size=size) for size in SIZES]
    session.together(partial(follow_pages, session, call) for call in calls)
    session.together(partial(session.ask, call) for call in calls)
    follow_pages(session, valid(session, operation))


@step("lists", of=listing)
def walk_filtered(session: Session, operation: OperationBehaviour) -> None:
    """A list by every three of filters, sizes, pages and accounts, and by all filters at once."""
    of = dimensions(session, operation)
    whole = page(session, operation)
    stated = operation.listing.filters if operation.listing is not None else {}
    for instance in session.ledger.of(operation.resource) if operation.resource else ():
        values = {name: instance.value(f.member) for name, f in stated.items()}
        known = {n: str(v) for n, v in values.items() if isinstance(v, str | int)}
        if len(known) > 1 and session.ledger.knows(instance.kind, instance.id, OWNER):
            follow_pages(session, whole.asking(**known))
            break
    triples = covering(of, str(session.settings.seed), strength=3)
    take_all(session, operation, of, [*triples, *refusals(of)])


@step("lists", of=listing)
def read_again(session: Session, operation: OperationBehaviour) -> None:
    """The first page again, as it was; and one that is larger than is allowed."""
    session.ask(page(session, operation))
    if operation.listing is not None and operation.listing.size is not None:
        session.ask(page(session, operation, size=10 * largest(operation)))
