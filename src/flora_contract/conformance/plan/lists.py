"""Layer 3: relations between the pages of any list. Free."""

from __future__ import annotations

from functools import partial
from itertools import combinations
from typing import TYPE_CHECKING, Any

from flora_contract.conformance.plan import listing, step
from flora_contract.conformance.plan.drafts import valid
from flora_contract.conformance.plan.requests import filter_values, largest, page

if TYPE_CHECKING:
    from flora_contract.conformance.ledger import ListPage
    from flora_contract.conformance.session import PlannedRequest, Session
    from flora_contract.openapi.behaviour import Behaviour, OperationBehaviour

WALKED = 21
"""A walk goes on until it has seen so many items: enough for every size to turn a page."""

SIZES = (1, 3, 7)

MAX_PAGES = 30


def follow_pages(session: Session, call: PlannedRequest, enough: int = WALKED) -> None:
    """Pages that follow one another, until the end or until enough items were seen."""
    shown = 0
    for _ in range(MAX_PAGES):
        exchange = session.ask(call)
        pages = session.ledger.pages
        found: ListPage | None = next((p for p in reversed(pages) if p.exchange is exchange), None)
        shown += len(found.items) if found is not None else 0
        if found is None or found.next is None or shown >= enough:
            return
        call = call.asking(**{str(found.listing.cursor or found.listing.offset): found.next})


def _sized(behaviour: Behaviour) -> list[OperationBehaviour]:
    return [o for o in listing(behaviour) if o.listing is not None and o.listing.size is not None]


@step("lists", of=listing)
def read_all(session: Session, operation: OperationBehaviour) -> None:
    """A whole list in large pages, to know what there is."""
    follow_pages(session, page(session, operation), enough=200)


@step("lists", of=_sized)
def walk(session: Session, operation: OperationBehaviour) -> None:
    """A list in pages of 1, 3 and 7 and of the server's own size, and its first page again."""
    calls = [page(session, operation, size=size) for size in SIZES]
    session.together(partial(follow_pages, session, call) for call in calls)
    session.together(partial(session.ask, call) for call in calls)
    follow_pages(session, valid(session, operation))


@step("lists", of=listing)
def walk_filtered(session: Session, operation: OperationBehaviour) -> None:
    """A list under each filter and under two at once, in pages."""
    queries = _queries(session, operation)
    whole = page(session, operation)
    session.together(partial(follow_pages, session, whole.asking(**query)) for query in queries)
    if operation.listing is not None and operation.listing.size is not None:
        small = page(session, operation, size=3)
        session.together(
            partial(follow_pages, session, small.asking(**query), 7) for query in queries
        )


def _queries(session: Session, operation: OperationBehaviour) -> list[dict[str, Any]]:
    """Each value of each filter, and each pair of values of two filters."""
    kind = operation.resource
    life = kind.life if kind is not None else None
    stated = operation.listing.filters if operation.listing is not None else {}
    values = filter_values(session, operation)
    for name, found in values.items():
        if life is not None and stated[name].member == life.state:
            # How many are in a state that is left again, hangs on the clock.
            values[name] = [state for state in found if state in life.final]
    single = [{name: value} for name, found in values.items() for value in found]
    pairs = [{**one, **two} for one, two in combinations(single, 2) if one.keys() != two.keys()]
    return [*single, *pairs]


@step("lists", of=listing)
def read_again(session: Session, operation: OperationBehaviour) -> None:
    """The first page again, as it was; and one that is larger than is allowed."""
    session.ask(page(session, operation))
    if operation.listing is not None and operation.listing.size is not None:
        session.ask(page(session, operation, size=10 * largest(operation)))
