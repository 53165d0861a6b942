"""The history: what one page must hold, and what several pages must have in common."""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from flora_contract.conformance.contract import LIST
from flora_contract.conformance.exchange import OWNER
from flora_contract.conformance.oracle import Verdict, oracle, verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from flora_contract.conformance.exchange import Exchange
    from flora_contract.conformance.ledger import Ledger, Observation, Page, Run, Walk

EMPTY_PAGES = 3
"""So many empty pages in a row, each with a cursor, count as a history without an end."""


def _created(item: Observation) -> float | None:
    value = item.get("created_at")
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


@oracle("list-works", "exchange", source="S003")
def list_works(exchange: Exchange, ledger: Ledger) -> Iterator[Verdict]:
    """The history can be read, with the caller's own filters and the server's own cursors."""
    facts = ledger.facts
    if exchange.operation != LIST or exchange.credential != OWNER:
        return
    endpoint = ledger.contract.operations[LIST]
    query = exchange.request.query
    if endpoint.request_breaches(exchange.request, {}) or any(len(v) > 1 for v in query.values()):
        return
    own = [p for p in (facts.home, facts.second) if p is not None]
    cursor = query.get("cursor")
    given = cursor is None or any(
        p.next_cursor == cursor[0] and p.exchange.request.question == exchange.request.question
        for p in ledger.pages
    )
    known_place = all(
        v in {p.workspace for p in own} for v in query.get("workspace_id", ())
    ) and all(v in {p.project for p in own} for v in query.get("project_id", ()))
    both = "workspace_id" in query and "project_id" in query
    together = not both or any(
        query["workspace_id"][0] == p.workspace and query["project_id"][0] == p.project for p in own
    )
    if given and known_place and together and exchange.decided and exchange.status != 401:
        yield verdict(
            exchange.succeeded,
            exchange,
            expected="200",
            seen=exchange.status,
            subject=", ".join(sorted(query)),
        )


@oracle("newest-first", "walk", source="S003")
def newest_first(walk: Walk, ledger: Ledger) -> Iterator[Verdict]:
    """The history is sorted by creation, newest first, across pages too."""
    shown: set[str] = set()
    before: tuple[Page, float] | None = None
    for page in walk.pages:
        for item in page.items:
            created = _created(item)
            again = item.run_id in shown
            shown.add(item.run_id)
            if created is None or again or _may_be_news(item, walk, page, ledger):
                continue
            if before is not None:
                yield verdict(
                    before[1] >= created,
                    before[0].exchange,
                    page.exchange,
                    expected=f"nothing newer than {before[1]} after it",
                    seen=f"{created} ({item.run_id})",
                    subject="created_at",
                )
            before = page, created


def _may_be_news(item: Observation, walk: Walk, page: Page, ledger: Ledger) -> bool:
    """Whether an item may have come into the list since its first page: that moves offsets."""
    first = walk.pages[0]
    run = ledger.runs.get(item.run_id)
    if page is first or (run is not None and _known_before(run, first) and _fits(run, first)):
        return False
    newest = max((c for i in first.items if (c := _created(i)) is not None), default=None)
    created = _created(item)
    return "status" in first.filters or newest is None or created is None or created > newest


@oracle("limit-kept", "page", source="S003")
def limit_kept(page: Page, _ledger: Ledger) -> Iterator[Verdict]:
    """A page holds no more runs than its limit."""
    if page.limit is not None and page.limit >= 1:
        yield verdict(
            len(page.items) <= page.limit,
            page.exchange,
            expected=f"at most {page.limit}",
            seen=len(page.items),
            subject="limit",
        )


@oracle("filter-kept", "page", source="S003")
def filter_kept(page: Page, _ledger: Ledger) -> Iterator[Verdict]:
    """A page holds only runs that fit every filter."""
    for name, wanted in page.filters.items():
        for item in page.items:
            yield verdict(
                item.get(name) == wanted,
                page.exchange,
                expected=f"{name} {wanted}",
                seen=f"{item.get(name)} ({item.run_id})",
                subject=f"filter {' and '.join(sorted(page.filters))}",
            )


@oracle("page-without-repetition", "page", source="S003")
def page_without_repetition(page: Page, _ledger: Ledger) -> Iterator[Verdict]:
    """A page shows no run twice."""
    ids = [item.run_id for item in page.items]
    if ids:
        repeated = sorted({i for i in ids if ids.count(i) > 1})
        yield verdict(not repeated, page.exchange, expected="each run once", seen=repeated)


@oracle("pages-without-repetition", "ledger", source="S003")
def pages_without_repetition(ledger: Ledger) -> Iterator[Verdict]:
    """Pages joined by their cursors show no run twice, while nothing new comes in."""
    for walk in ledger.walks:
        if len(walk.pages) < 2 or not _quiet(walk, ledger):
            continue
        shown: dict[str, Page] = {}
        for page in walk.pages:
            for item in page.items:
                first = shown.setdefault(item.run_id, page)
                if first is not page:
                    yield verdict(
                        False,
                        first.exchange,
                        page.exchange,
                        expected="each run on one page",
                        seen=f"{item.run_id} again",
                    )
        yield verdict(True, walk.pages[-1].exchange, expected="", seen="")


def _quiet(walk: Walk, ledger: Ledger) -> bool:
    """Whether nothing came in: a look after the walk shows the same newest run, and no run came to
    have the status that was asked for. Either moves offsets."""
    first, last = walk.pages[0], walk.pages[-1]
    if "status" in first.filters and any(
        _known_before(run, last) and not _ended(run, first) for run in ledger.runs.values()
    ):
        return False
    again = next(
        (
            p
            for p in ledger.pages
            if p.cursor is None
            and p.exchange.number > last.exchange.number
            and p.exchange.credential == first.exchange.credential
            and p.filters == first.filters
        ),
        None,
    )
    if again is None or not again.items or not first.items:
        return False
    return again.items[0].run_id == first.items[0].run_id


@oracle("cursor-leads-on", "walk", source="S003", conflict="C50 C51")
def cursor_leads_on(walk: Walk, _ledger: Ledger) -> Iterator[Verdict]:
    """The pages of a history come to an end: no cursor leads back, and not for ever to nothing."""
    cursors: dict[str, Page] = {}
    empty = 0
    for page in walk.pages if len(walk.pages) > 1 else ():
        empty = 0 if page.items else empty + 1
        if page.next_cursor is None:
            continue
        first = cursors.setdefault(page.next_cursor, page)
        yield verdict(
            first is page and empty < EMPTY_PAGES,
            first.exchange,
            page.exchange,
            expected="a cursor that leads on, or null",
            seen="a cursor that was given before"
            if first is not page
            else f"{empty} empty pages in a row, each with a cursor",
            subject="meta.next_cursor",
        )


@oracle("last-page-without-cursor", "walk", source="S003 SPEC160 TSnext", conflict="C50 C51")
def last_page_without_cursor(walk: Walk, _ledger: Ledger) -> Iterator[Verdict]:
    """The last page has no cursor, unless it is full and more might have followed."""
    for page, following in pairwise(walk.pages):
        if page.limit is None or len(page.items) >= page.limit:
            continue
        yield verdict(
            bool(following.items),
            page.exchange,
            following.exchange,
            expected=f"null on a page of {len(page.items)} runs with nothing after it",
            seen=f"cursor {page.next_cursor}, which leads to an empty page",
            subject="meta.next_cursor",
        )
    if walk.pages[-1].next_cursor is None:
        yield verdict(True, walk.pages[-1].exchange, expected="", seen="")


# id, the rule, which of them a run that is missing from a walk breaks: see _rule_for
COMPLETENESS = (
    ("full-page-leads-on", "A page that is not the last has a cursor."),
    (
        "new-run-listed",
        "A run that was started is in the history from then on, whatever becomes of it.",
    ),
    ("failed-run-listed", "Failed runs are in the history like all others."),
    ("filter-complete", "A filtered history holds every run that fits the filters."),
    ("pages-without-gap", "Pages joined by their cursors leave out no run."),
)


def _completeness(rule: str) -> Callable[[Walk, Ledger], Iterator[Verdict]]:
    def judge(walk: Walk, ledger: Ledger) -> Iterator[Verdict]:
        looks = _looks(walk, len(walk.pages), ledger)
        yield from (given for broken, given in looks if broken == rule)

    return judge


for _id, _sentence in COMPLETENESS:
    oracle(_id, "walk", source="S003", conflict="C50 C51", sentence=_sentence)(_completeness(_id))


@lru_cache(maxsize=1)
def _looks(walk: Walk, _length: int, ledger: Ledger) -> list[tuple[str, Verdict]]:
    """Runs known before a walk began must be on it, as far back as it reaches.

    One look serves several rules; each run belongs to the rule that it would break by missing.
    """
    first, last = walk.pages[0], walk.pages[-1]
    reach = _reach(walk)
    shown = {item.run_id for page in walk.pages for item in page.items}
    looks = []
    for run in ledger.runs.values():
        evidence = _known_before(run, first)
        if evidence is None or not _fits(run, first):
            continue
        created = next((c for o in run.shown if (c := _created(o)) is not None), None)
        beyond = created is not None and reach is not None and created > reach
        if last.next_cursor is not None and not beyond:
            continue
        given = verdict(
            run.run_id in shown,
            evidence.exchange,
            *(page.exchange for page in walk.pages),
            expected=f"{run.run_id} among the runs shown",
            seen=f"{len(shown)} runs without it",
            subject=f"filter {' and '.join(sorted(first.filters))}" if first.filters else "",
        )
        looks.append((_rule_for(run, walk, created, reach), given))
    return looks


@oracle("filter-shows-open-runs", "run", source="S003")
def filter_shows_open_runs(run: Run, ledger: Ledger) -> Iterator[Verdict]:
    """A filter for pending or running shows a run that is so before and after."""
    for earlier, later in pairwise(run.of("retrieve")):
        if earlier.final or earlier.status != later.status:
            continue
        for page in ledger.pages:
            whole = page.next_cursor is None and page.cursor is None
            between = earlier.exchange.before(page.exchange) and page.exchange.before(
                later.exchange
            )
            same = page.exchange.credential == earlier.exchange.credential
            if whole and between and same and page.filters == {"status": earlier.status}:
                yield verdict(
                    any(item.run_id == run.run_id for item in page.items),
                    earlier.exchange,
                    page.exchange,
                    later.exchange,
                    expected=f"{run.run_id}, which is {earlier.status}",
                    seen=f"{len(page.items)} runs without it",
                    subject=f"filter status={earlier.status}",
                )


def _reach(walk: Walk) -> float | None:
    times = [c for page in walk.pages for item in page.items if (c := _created(item)) is not None]
    return min(times, default=None)


def _known_before(run: Run, page: Page) -> Observation | None:
    """What showed, before the page was asked for, that the account has this run."""
    reader = page.exchange.credential
    return next(
        (
            o
            for o in run.observations
            if o.exchange.credential == reader
            and o.exchange.before(page.exchange)
            and (o.source != "retrieve" or run.creation is not None)
        ),
        None,
    )


def _fits(run: Run, page: Page) -> bool:
    """Whether it is certain that a run fits the filters of a page."""
    for name, wanted in page.filters.items():
        if name == "status":
            ended = _ended(run, page)
            if not ended or ended[-1].status != wanted:
                return False
        elif _place(run, name) != wanted:
            return False
    return True


def _ended(run: Run, page: Page) -> list[Observation]:
    """What showed, before a page was asked for, that a run had ended."""
    return [o for o in run.shown if o.final and o.exchange.before(page.exchange)]


def _place(run: Run, name: str) -> Any:
    creation = run.creation
    if creation is not None:
        return creation.exchange.sent_object.get(name)
    return next((o.get(name) for o in run.of("list")), None)


def _rule_for(run: Run, walk: Walk, created: float | None, reach: float | None) -> str:
    """Which rule a run would break by being missing from a walk."""
    page = walk.pages[0]
    if page.filters:
        return "filter-complete"
    if any(o.status == "failed" and o.exchange.before(page.exchange) for o in run.shown):
        return "failed-run-listed"
    if reach is not None and created is not None and created < reach:
        return "full-page-leads-on"
    listed = [o for o in run.of("list") if o.exchange.before(page.exchange)]
    if listed and len(walk.pages) > 1:
        return "pages-without-gap"
    return "new-run-listed"
