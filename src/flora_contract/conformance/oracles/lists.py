"""Any list: what one page must hold, and what several pages must have in common."""

from __future__ import annotations

from contextlib import suppress
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from flora_contract.conformance.exchange import NOT_JSON, at
from flora_contract.conformance.oracle import Severity, Verdict, held, oracle, verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from flora_contract.conformance.exchange import Exchange
    from flora_contract.conformance.ledger import Instance, Ledger, ListPage, Observation, Walk
    from flora_contract.openapi.behaviour import Filter

EMPTY_PAGES = 3
"""So many empty pages in a row, each with a cursor, count as a list without an end."""


def _rank(item: Observation, page: ListPage) -> Any:
    """What an item is sorted by, so that larger comes later; None where that is not told."""
    value = item.get(page.listing.order)
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    return value


def _in_order(page: ListPage, one: Any, two: Any) -> bool:
    """Whether one value may stand before another; those that cannot be compared may."""
    if isinstance(one, str) != isinstance(two, str):
        return True
    return bool(one >= two if page.listing.descending else one <= two)


@oracle("ordered", "walk", basis="x-list.order")
def ordered(walk: Walk, ledger: Ledger) -> Iterator[Verdict]:
    """A list is sorted as stated, across pages too."""
    shown: set[str] = set()
    before: tuple[ListPage, Any] | None = None
    for page in walk.pages if walk.pages[0].listing.order is not None else ():
        for item in page.items:
            rank = _rank(item, page)
            again = item.id in shown
            shown.add(item.id)
            if rank is None or again or _may_be_news(item, walk, page, ledger):
                continue
            if before is not None:
                yield verdict(
                    _in_order(page, before[1], rank),
                    before[0].exchange,
                    page.exchange,
                    expected=f"{'smaller' if page.listing.descending else 'larger'} values "
                    f"after {before[1]}",
                    seen=f"{rank} ({item.id})",
                    subject=str(page.listing.order),
                )
            before = page, rank


def _may_be_news(item: Observation, walk: Walk, page: ListPage, ledger: Ledger) -> bool:
    """Whether an item may have come into the list since its first page: that moves offsets."""
    first = walk.pages[0]
    instance = ledger.instances.get((item.kind.kind, item.id))
    known = instance is not None and _known_before(instance, first) and _fits(instance, first)
    if page is first or known:
        return False
    ranks = [r for i in first.items if (r := _rank(i, first)) is not None]
    rank = _rank(item, page)
    if _moves(first) or not ranks or rank is None:
        return True
    foremost = max(ranks) if first.listing.descending else min(ranks)
    return not _in_order(first, foremost, rank)


def _moves(page: ListPage) -> bool:
    """Whether a list is filtered by a state, and so by what changes of itself."""
    life = page.operation.resource.life if page.operation.resource is not None else None
    return life is not None and any(f.member == life.state for f in _filters(page))


def _filters(page: ListPage) -> list[Filter]:
    return [page.listing.filters[name] for name in page.filters]


@oracle("size-kept", "page", basis="x-list.page")
def size_kept(page: ListPage, _ledger: Ledger) -> Iterator[Verdict]:
    """A page holds no more items than were asked for."""
    if page.size is not None and page.size >= 1:
        yield verdict(
            len(page.items) <= page.size,
            page.exchange,
            expected=f"at most {page.size}",
            seen=len(page.items),
            subject=str(page.listing.size),
        )


@oracle("filter-kept", "page", basis="x-list.filters")
def filter_kept(page: ListPage, ledger: Ledger) -> Iterator[Verdict]:
    """A page holds only items that fit every filter, shown on the item or not."""
    for name, wanted in page.filters.items():
        stated = page.listing.filters[name]
        for item in page.items:
            value = item.get(stated.member)
            if value is None:
                instance = ledger.instances.get((item.kind.kind, item.id))
                value = instance.value(stated.member, page.exchange) if instance else None
            if value is None and not _tells(item, stated.member):
                continue
            yield verdict(
                fits(value, wanted, stated),
                page.exchange,
                expected=f"{stated.member} {wanted}",
                seen=f"{value} ({item.id})",
                subject=f"filter {' and '.join(sorted(page.filters))}",
            )


def _tells(item: Observation, member: str) -> bool:
    """Whether an item says that a member is null, rather than nothing of it."""
    outer, _, name = member.rpartition(".")
    inside = item.get(outer) if outer else item.body
    return isinstance(inside, dict) and name in inside


@oracle("listed-in-place", "page", basis="path")
def listed_in_place(page: ListPage, ledger: Ledger) -> Iterator[Verdict]:
    """What is listed under something stands under it, and not elsewhere."""
    for item in page.items if page.exchange.path_parameters else ():
        instance = ledger.instances.get((item.kind.kind, item.id))
        if instance is not None:
            yield verdict(
                not instance.misplaced(page.exchange),
                page.exchange,
                expected=f"what is under {', '.join(page.exchange.path_parameters.values())}",
                seen=f"{item.id}, which is under {', '.join(instance.place.values())}",
            )


def fits(value: Any, wanted: str, stated: Filter) -> bool:
    """Whether a member's value is what a filter asks for."""
    if stated.match == "contains":
        if isinstance(value, list):
            return any(_is(one, wanted) for one in value)
        return wanted.casefold() in str(value).casefold()
    return _is(value, wanted)


def _is(value: Any, wanted: str) -> bool:
    """Whether a query means a value, however it writes it: 2.50 is 2.5."""
    if isinstance(value, bool):
        return wanted == ("true" if value else "false")
    if isinstance(value, int | float):
        with suppress(ValueError):
            return float(wanted) == value
    return str(value) == wanted


@oracle("page-without-repetition", "page", basis="x-list")
def page_without_repetition(page: ListPage, _ledger: Ledger) -> Iterator[Verdict]:
    """A page shows nothing twice."""
    ids = [item.id for item in page.items if item.id]
    if ids:
        repeated = sorted({i for i in ids if ids.count(i) > 1})
        yield verdict(not repeated, page.exchange, expected="each once", seen=repeated)


@oracle("pages-without-repetition", "ledger", basis="x-list.page")
def pages_without_repetition(ledger: Ledger) -> Iterator[Verdict]:
    """Pages that follow one another show nothing twice, while nothing new comes in."""
    for walk in ledger.walks:
        if len(walk.pages) < 2 or not _quiet(walk, ledger):
            continue
        shown: dict[str, ListPage] = {}
        for page in walk.pages:
            for item in page.items:
                first = shown.setdefault(item.id, page)
                if first is not page:
                    yield verdict(
                        False,
                        first.exchange,
                        page.exchange,
                        expected="each on one page",
                        seen=f"{item.id} again",
                    )
        yield held(walk.pages[-1].exchange)


def _quiet(walk: Walk, ledger: Ledger) -> bool:
    """Whether nothing came in: a look after the walk shows the same first item, and nothing came
    to have the state that was asked for. Either moves offsets."""
    first, last = walk.pages[0], walk.pages[-1]
    kind = first.operation.resource
    if kind is None or _changed_meanwhile(walk, ledger):
        return False
    if _moves(first) and any(
        _known_before(i, last) and not _ended(i, first) for i in ledger.of(kind)
    ):
        return False
    again = next(
        (
            p
            for p in ledger.pages
            if p.position is None
            and p.exchange.number > last.exchange.number
            and p.exchange.credential == first.exchange.credential
            and p.operation is first.operation
            and p.filters == first.filters
            and p.exchange.request.url.partition("?")[0]
            == first.exchange.request.url.partition("?")[0]
        ),
        None,
    )
    if again is None or not again.items or not first.items:
        return False
    return again.items[0].id == first.items[0].id


def _changed_meanwhile(walk: Walk, ledger: Ledger) -> bool:
    """Whether something of the kind was changed or deleted while the pages were turned."""
    kind = walk.pages[0].operation.resource
    begun, ended = walk.pages[0].exchange.started, walk.pages[-1].exchange.ended
    return kind is not None and any(
        e.ended > begun and e.started < ended
        for i in ledger.of(kind)
        for e in (*i.writes, *i.deletions)
    )


@oracle("cursor-leads-on", "walk", basis="x-list.page")
def cursor_leads_on(walk: Walk, _ledger: Ledger) -> Iterator[Verdict]:
    """Pages come to an end: no cursor leads back, and not for ever to nothing."""
    cursors: dict[str, ListPage] = {}
    empty = 0
    for page in walk.pages if len(walk.pages) > 1 else ():
        empty = 0 if page.items else empty + 1
        if page.next is None:
            continue
        first = cursors.setdefault(page.next, page)
        yield verdict(
            first is page and empty < EMPTY_PAGES,
            first.exchange,
            page.exchange,
            expected="a way that leads on, or none",
            seen="a cursor that was given before"
            if first is not page
            else f"{empty} empty pages in a row, each with a cursor",
            subject=str(page.listing.next or page.listing.offset),
        )


@oracle("last-page-without-cursor", "walk", basis="x-list.page")
def last_page_without_cursor(walk: Walk, _ledger: Ledger) -> Iterator[Verdict]:
    """The last page has no cursor, unless it is full and more might have followed."""
    for page, following in pairwise(walk.pages):
        if page.listing.next is None or page.size is None or len(page.items) >= page.size:
            continue
        yield verdict(
            bool(following.items),
            page.exchange,
            following.exchange,
            expected=f"null on a page of {len(page.items)} items with nothing after it",
            seen=f"cursor {page.next}, which leads to an empty page",
            subject=page.listing.next,
        )
    if walk.pages[-1].next is None and walk.pages[-1].listing.next is not None:
        yield held(walk.pages[-1].exchange)


@oracle("total-sane", "page", basis="x-list.page", severity=Severity.WARNING)
def total_sane(page: ListPage, _ledger: Ledger) -> Iterator[Verdict]:
    """A total is not smaller than what a page shows."""
    if page.total is not None:
        yield verdict(
            page.total >= len(page.items),
            page.exchange,
            expected=f"at least {len(page.items)}",
            seen=page.total,
            subject=str(page.listing.total),
        )


@oracle("items-there", "exchange", basis="x-list.items")
def items_there(exchange: Exchange, _ledger: Ledger) -> Iterator[Verdict]:
    """A list shows its items where it is stated."""
    operation = exchange.operation
    if operation is None or operation.listing is None or exchange.answer is NOT_JSON:
        return
    if exchange.succeeded:
        items = at(exchange.answer, operation.listing.items)
        yield verdict(
            isinstance(items, list),
            exchange,
            expected="a list",
            seen=repr(items)[:60],
            subject=operation.listing.items,
        )


# id, the rule, which of them something that is missing from a walk breaks: see _rule_for
COMPLETENESS = (
    ("full-page-leads-on", "A page that is not the last leads on."),
    ("listed", "What was made is in the list from then on, whatever becomes of it."),
    ("filter-complete", "A filtered list holds everything that fits the filters."),
    ("pages-without-gap", "Pages that follow one another leave nothing out."),
)


def _completeness(rule: str) -> Callable[[Walk, Ledger], Iterator[Verdict]]:
    def judge(walk: Walk, ledger: Ledger) -> Iterator[Verdict]:
        looks = _looks(walk, len(walk.pages), ledger)
        yield from (given for broken, given in looks if broken == rule)

    return judge


for _id, _sentence in COMPLETENESS:
    oracle(_id, "walk", basis="x-list", sentence=_sentence)(_completeness(_id))


@lru_cache(maxsize=1)
def _looks(walk: Walk, _length: int, ledger: Ledger) -> list[tuple[str, Verdict]]:
    """What was known before a walk began must be on it, as far as it reaches.

    One look serves several rules; each instance belongs to the rule that it would break by missing.
    """
    first, last = walk.pages[0], walk.pages[-1]
    kind = first.operation.resource
    if kind is None or (_changed_meanwhile(walk, ledger) and len(walk.pages) > 1):
        return []
    reach = _reach(walk)
    shown = {item.id for page in walk.pages for item in page.items}
    looks = []
    for instance in ledger.of(kind):
        evidence = _known_before(instance, first)
        if evidence is None or not _fits(instance, first) or instance.gone(last.exchange):
            continue
        rank = next((r for o in instance.looks if (r := _rank(o, first)) is not None), None)
        before_reach = rank is not None and reach is not None and not _in_order(first, reach, rank)
        if last.next is not None and not before_reach:
            continue
        given = verdict(
            instance.id in shown,
            evidence.exchange,
            *(page.exchange for page in walk.pages),
            expected=f"{instance.id} among what is shown",
            seen=f"{len(shown)} items without it",
            subject=f"filter {' and '.join(sorted(first.filters))}" if first.filters else "",
        )
        looks.append((_rule_for(instance, walk, rank, reach), given))
    return looks + _looks_for_places(walk, shown, ledger)


def _looks_for_places(walk: Walk, shown: set[str], ledger: Ledger) -> list[tuple[str, Verdict]]:
    """What the user named, and was taken, must be on a walk that came to its end."""
    first, kind = walk.pages[0], walk.pages[0].operation.resource
    if kind is None or walk.pages[-1].next is not None or _unstated(first):
        return []
    looks = []
    for place in ledger.facts.places(first.exchange.credential):
        id_ = place.get(kind.kind)
        if id_ is None or not _place_fits(place, first):
            continue
        taken = None if id_ in shown else ledger.taken(kind, id_, first.exchange)
        if id_ in shown or taken is not None:
            given = verdict(
                id_ in shown,
                *([taken] if taken is not None else ()),
                *(page.exchange for page in walk.pages),
                expected=f"{id_} among what is shown",
                seen=f"{len(shown)} items without it",
                subject=f"filter {' and '.join(sorted(first.filters))}" if first.filters else "",
            )
            looks.append(("filter-complete" if first.filters else "listed", given))
    return looks


def _place_fits(place: Mapping[str, str], page: ListPage) -> bool:
    """Whether it is certain that what stands in a place fits a list's filters and its path."""
    kind, path = page.operation.resource, page.exchange.path_parameters
    assert kind is not None
    asked = {f.member: page.filters[f.parameter] for f in _filters(page)}
    asked |= {kind.path.get(name, name): value for name, value in path.items()}
    return all(
        member in kind.references and place.get(kind.references[member].to) == value
        for member, value in asked.items()
    )


@oracle("filter-shows-open", "instance", basis="x-list.filters")
def filter_shows_open(instance: Instance, ledger: Ledger) -> Iterator[Verdict]:
    """A filter for a state that is not final shows what is in it before and after."""
    life = instance.kind.life
    for earlier, later in pairwise(instance.of("read")) if life is not None else ():
        assert life is not None
        if earlier.final or earlier.state != later.state:
            continue
        for page in ledger.pages:
            if page.operation.resource is not instance.kind:
                continue
            whole = page.next is None and page.position is None
            between = earlier.exchange.before(page.exchange) and page.exchange.before(
                later.exchange
            )
            same = page.exchange.credential == earlier.exchange.credential
            asked = [(f.member, page.filters[f.parameter]) for f in _filters(page)]
            if whole and between and same and asked == [(life.state, earlier.state)]:
                yield verdict(
                    any(item.id == instance.id for item in page.items),
                    earlier.exchange,
                    page.exchange,
                    later.exchange,
                    expected=f"{instance.id}, which is {earlier.state}",
                    seen=f"{len(page.items)} items without it",
                    subject=f"filter {life.state}={earlier.state}",
                )


def _reach(walk: Walk) -> Any:
    """The last value that a walk is sorted by, as far as it came."""
    ranks = [r for page in walk.pages for i in page.items if (r := _rank(i, page)) is not None]
    if not ranks or len({isinstance(r, str) for r in ranks}) > 1:
        return None
    return min(ranks) if walk.pages[0].listing.descending else max(ranks)


def _known_before(instance: Instance, page: ListPage) -> Observation | None:
    """What showed, before a page was asked for, that the account has something."""
    reader = page.exchange.credential
    everyones = instance.kind.owner == "everyone"
    return next(
        (
            o
            for o in instance.observations
            if (o.exchange.credential == reader or (everyones and o.exchange.credential.accepted))
            and o.exchange.before(page.exchange)
            and (o.role != "read" or instance.creation is not None)
        ),
        None,
    )


def _fits(instance: Instance, page: ListPage) -> bool:
    """Whether it is certain that something fits the filters of a page, and its path."""
    for name, wanted in page.filters.items():
        stated = page.listing.filters[name]
        value = instance.value(stated.member, page.exchange)
        if value is None or not fits(value, wanted, stated):
            return False
    return _under_path(instance, page) and not _unstated(page)


def _under_path(instance: Instance, page: ListPage) -> bool:
    """Whether something is known to stand under what the path of a list names."""
    for parameter, wanted in page.exchange.path_parameters.items():
        member = instance.kind.path.get(parameter)
        if member is None or instance.value(member, page.exchange) != wanted:
            return False
    return True


def _unstated(page: ListPage) -> bool:
    """Whether a list is asked for with something of which nothing says what it does."""
    listing = page.listing
    known = {listing.size, listing.cursor, listing.offset, *listing.filters}
    return bool(set(page.exchange.request.query) - known)


def _ended(instance: Instance, page: ListPage) -> bool:
    """Whether something was shown in its last state before a page was asked for."""
    return any(o.final and o.exchange.before(page.exchange) for o in instance.looks)


def _rule_for(instance: Instance, walk: Walk, rank: Any, reach: Any) -> str:
    """Which rule something would break by being missing from a walk."""
    page = walk.pages[0]
    if page.filters:
        return "filter-complete"
    if rank is not None and reach is not None and not _in_order(page, rank, reach):
        return "full-page-leads-on"
    listed = [o for o in instance.of("list") if o.exchange.before(page.exchange)]
    if listed and len(walk.pages) > 1:
        return "pages-without-gap"
    return "listed"
