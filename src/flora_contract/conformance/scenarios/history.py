"""Layer 3: relations between pages of the history. Free."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from flora_contract.conformance.ledger import FINAL
from flora_contract.conformance.scenarios import scenario

if TYPE_CHECKING:
    from flora_contract.conformance.exchange import Exchange
    from flora_contract.conformance.session import Session

WALKED = 21
"""A walk goes on until it has seen so many runs: enough for every limit to turn a page."""

LIMITS = (1, 3, 7)

MAX_PAGES = 30


def walk(session: Session, query: dict[str, str | int], enough: int = WALKED) -> list[Exchange]:
    """Pages joined by their cursors, until the end or until enough runs were seen."""
    pages: list[Exchange] = []
    cursor: str | None = None
    shown = 0
    for _ in range(MAX_PAGES):
        page = session.list(query if cursor is None else query | {"cursor": cursor})
        pages.append(page)
        meta = page.answer_object.get("meta")
        items = page.answer_object.get("generations")
        shown += len(items) if isinstance(items, list) else 0
        cursor = meta.get("next_cursor") if isinstance(meta, dict) else None
        if not page.succeeded or not isinstance(cursor, str) or not cursor or shown >= enough:
            break
    return pages


@scenario("history")
def read_every_page(session: Session) -> None:
    """The whole history in large pages, to know what there is."""
    walk(session, {"limit": 100}, enough=200)


@scenario("history")
def walk_with_small_pages(session: Session) -> None:
    """The newest part of the history in pages of 1, 3 and 7, and its first page again."""
    session.together(partial(walk, session, {"limit": limit}) for limit in LIMITS)
    session.together(partial(session.list, {"limit": limit}) for limit in LIMITS)


@scenario("history")
def walk_without_a_limit(session: Session) -> None:
    """The newest part of the history in pages of the server's own size."""
    walk(session, {})


@scenario("history")
def walk_under_filters(session: Session) -> None:
    """The history under each filter and under two at once, in pages."""
    facts = session.ledger.facts
    queries: list[dict[str, str | int]] = [{"status": status} for status in sorted(FINAL)]
    for place in (facts.home, facts.second):
        if place is not None:
            queries += [{"workspace_id": place.workspace}, {"project_id": place.project}]
            queries += [
                {"workspace_id": place.workspace, "status": status} for status in sorted(FINAL)
            ]
            queries.append({"workspace_id": place.workspace, "project_id": place.project})
            queries.append({"project_id": place.project, "status": "completed"})
    if facts.home is not None and facts.second is not None:
        # Both at once fit no run.
        queries.append({"workspace_id": facts.home.workspace, "project_id": facts.second.project})
    session.together(partial(walk, session, query | {"limit": 100}) for query in queries)
    session.together(partial(walk, session, query | {"limit": 3}, 7) for query in queries)


@scenario("history")
def read_the_history_again(session: Session) -> None:
    """The first page again: what has ended is as it was; and one that is larger than allowed."""
    session.list({"limit": 100})
    session.list({"limit": 1000})
