"""Any create under a key: what two requests under one key must and must not do."""

from __future__ import annotations

from bisect import bisect_left
from operator import attrgetter
from typing import TYPE_CHECKING

from flora_contract.conformance.exchange import BROKE, OTHER, OWNER, at
from flora_contract.conformance.oracle import Severity, Verdict, held, number, oracle, verdict
from flora_contract.conformance.refusals import code_of, stated, statuses

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flora_contract.conformance.exchange import Credential, Exchange
    from flora_contract.conformance.ledger import Ledger, ListPage, Observation
    from flora_contract.openapi.behaviour import Idempotency, Resource

WATCHED = {OWNER, OTHER, BROKE}
"""Accounts of which each request is known. Others have done more than a recording shows."""


def _rule(exchange: Exchange) -> Idempotency:
    assert exchange.operation is not None
    assert exchange.operation.idempotency is not None
    return exchange.operation.idempotency


def _made(exchange: Exchange) -> object:
    """Id of what a request has made."""
    kind = exchange.operation.resource if exchange.operation is not None else None
    return at(exchange.answer, kind.id) if kind is not None and exchange.succeeded else None


def _is_refusal(exchange: Exchange) -> bool:
    """Whether a request is refused because its key is used."""
    return exchange.status in statuses(exchange, "used-key")


def _groups(uses: list[Exchange]) -> Iterator[list[Exchange]]:
    """Answered requests of one account to one operation under a key, where they are several."""
    groups: dict[tuple[str, str | None], list[Exchange]] = {}
    for exchange in uses:
        if exchange.credential.accepted is not False and exchange.status is not None:
            account = (exchange.credential.name, exchange.operation_id)
            groups.setdefault(account, []).append(exchange)
    yield from (group for group in groups.values() if len(group) > 1)


def _repeats(uses: list[Exchange]) -> Iterator[tuple[Exchange, Exchange]]:
    """A request that made something, and a later one under its key while the key counts."""
    for group in _groups(uses):
        first = next((e for e in group if e.succeeded), None)
        if first is None:
            continue
        for later in group:
            in_time = later.started - first.started < _rule(first).window
            if later is not first and first.before(later) and in_time:
                yield first, later


@oracle("key-used-once", "key", basis="x-idempotency.repetition")
def key_used_once(uses: list[Exchange], _ledger: Ledger) -> Iterator[Verdict]:
    """The same request under a used key makes nothing a second time."""
    for first, later in _repeats(uses):
        excused = later.status in statuses(later, "no-credits", "rate")
        if later.request.body != first.request.body or excused:
            continue
        # What was accepted once is refused for nothing else, if the key is known to be the same.
        if later.succeeded or _is_refusal(later) or later.credential.accepted:
            yield _nothing_made(first, later, also=frozenset())


@oracle("key-used-once-for-any-body", "key", basis="x-idempotency.repetition")
def key_used_once_for_any_body(uses: list[Exchange], ledger: Ledger) -> Iterator[Verdict]:
    """Another request under a used key makes nothing."""
    also = frozenset(s for s in ledger.behaviour.errors.also if s < 500)
    for first, later in _repeats(uses):
        if later.request.body == first.request.body:
            continue
        if later.succeeded or _is_refusal(later) or later.status in also:
            yield _nothing_made(first, later, also=also)


def _nothing_made(first: Exchange, later: Exchange, also: frozenset[int]) -> Verdict:
    again = later.succeeded and _made(later) == _made(first)
    done = "replayed" if again else "refused" if _is_refusal(later) else ""
    refusal, rule = stated(later, "used-key"), _rule(later)
    wanted = f"{refusal.status} {refusal.code or ''}".strip() if refusal else "a refusal"
    tolerated = later.status in also or done in rule.tolerated
    return verdict(
        done == rule.repetition,
        first,
        later,
        expected=wanted if rule.repetition == "refused" else "the first answer again",
        seen=f"{later.status} {_made(later) or ''}".strip(),
        severity=Severity.WARNING if tolerated else None,
    )


@oracle("key-used-once-at-a-time", "key", basis="x-idempotency")
def key_used_once_at_a_time(uses: list[Exchange], _ledger: Ledger) -> Iterator[Verdict]:
    """Simultaneous requests under one key make one thing between them."""
    for group in _groups(uses):
        overlapping = [e for e in group if any(o is not e and _overlap(e, o) for o in group)]
        made = {str(_made(e)) for e in overlapping if e.succeeded}
        if made:
            yield verdict(
                len(made) == 1,
                *overlapping,
                expected="one",
                seen=f"{len(made)} from {len(overlapping)} requests",
            )


def _overlap(one: Exchange, other: Exchange) -> bool:
    return not one.before(other) and not other.before(one)


@oracle("used-key-code", "key", basis="x-refusals.used-key")
def used_key_code(uses: list[Exchange], ledger: Ledger) -> Iterator[Verdict]:
    """A used key is answered with the code that is stated for it."""
    for first, later in _repeats(uses):
        refusal = stated(later, "used-key")
        if refusal is not None and refusal.code is not None and later.status == refusal.status:
            code = code_of(later, ledger)
            yield verdict(code == refusal.code, first, later, expected=refusal.code, seen=code)


@oracle("key-freed-by-refusal", "key", basis="x-idempotency.freed")
def key_freed_by_refusal(uses: list[Exchange], _ledger: Ledger) -> Iterator[Verdict]:
    """A key of a request that was refused can be used again."""
    for group in _groups(uses):
        refused: list[Exchange] = []
        for exchange in group if _rule(group[0]).freed else ():
            if exchange.succeeded:
                if refused:
                    yield held(refused[-1], exchange)
                break
            if _is_refusal(exchange):
                met = any(e is not exchange and _overlap(e, exchange) for e in group)
                if refused and refused[-1].before(exchange) and not met:
                    yield verdict(
                        False,
                        refused[-1],
                        exchange,
                        expected="what was asked for",
                        seen=f"{exchange.status} after the key's only request was refused with "
                        f"{refused[-1].status}",
                        subject=f"after {refused[-1].status}",
                    )
                break
            refused.append(exchange)


@oracle("key-new-to-server", "exchange", basis="x-idempotency")
def key_new_to_server(exchange: Exchange, ledger: Ledger) -> Iterator[Verdict]:
    """A request under a key of its own, or under none, is not taken for a repetition."""
    operation = exchange.operation
    if operation is None or operation.idempotency is None or operation.role != "create":
        return
    users = ledger.uses.get(exchange.key or "", ())
    alone = all(e is exchange or e.started >= exchange.ended for e in users)
    known = exchange.key is None or exchange.credential in WATCHED
    if exchange.credential.accepted and exchange.decided and alone and known:
        yield verdict(
            not _is_refusal(exchange),
            exchange,
            expected=f"not {exchange.status}",
            seen=exchange.status,
            subject="new key" if exchange.key else "no key",
        )


@oracle("key-belongs-to-account", "key", basis="x-idempotency")
def key_belongs_to_account(uses: list[Exchange], _ledger: Ledger) -> Iterator[Verdict]:
    """A key that one account has used is free for another."""
    made: dict[tuple[str | None, Credential], Exchange] = {}
    for exchange in uses:
        account = exchange.operation_id, exchange.credential
        if exchange.credential not in {OWNER, OTHER} or account in made:
            continue
        stranger = OTHER if exchange.credential == OWNER else OWNER
        first = made.get((exchange.operation_id, stranger))
        if exchange.succeeded:
            made[account] = exchange
        if first is not None and (exchange.succeeded or _is_refusal(exchange)):
            yield verdict(
                exchange.succeeded and _made(exchange) != _made(first),
                first,
                exchange,
                expected="something of its own",
                seen=f"{exchange.status} for the key of the account {first.credential.name}",
            )


@oracle("refused-has-no-effect", "ledger", basis="create")
def refused_has_no_effect(ledger: Ledger) -> Iterator[Verdict]:
    """A request that was refused has made nothing, then or later, in any list of any account."""
    first: dict[tuple[str, ...], ListPage] = {}
    known: dict[tuple[str, ...], set[str]] = {}
    for page in ledger.pages:
        if page.exchange.credential not in WATCHED:
            continue
        kind, look = page.operation.resource, page.question[:2]
        before = first.get(look)
        if kind is None or not kind.create or (before is None and page.filters):
            continue
        if before is None:
            if page.position is None:
                first[look], known[look] = page, {item.id for item in page.items}
            continue
        new = [i for i in page.items if i.id not in known[look] and _is_new(i, before)]
        known[look] |= {item.id for item in page.items}
        strangers = [i.id for i in new if ledger.instances[kind.kind, i.id].creation is None]
        refused = _refused_between(before.exchange, page.exchange, kind, ledger) if new else None
        certain = not strangers or _is_certain(before.exchange, page.exchange, kind, ledger)
        if refused is not None and certain:
            yield verdict(
                not strangers,
                before.exchange,
                refused,
                page.exchange,
                expected="nothing but what accepted requests have made",
                seen=", ".join(strangers[:3]),
                subject=f"{refused.status}",
            )


def _refused_between(
    one: Exchange, two: Exchange, kind: Resource, ledger: Ledger
) -> Exchange | None:
    """The last request that was refused to make one, by whoever looks or else by another."""
    other: Exchange | None = None
    for exchange in _creations_between(one, two, kind, ledger):
        if exchange.status is not None and 400 <= exchange.status < 500:
            if exchange.credential == two.credential:
                return exchange
            other = other or exchange
    return other


def _is_certain(one: Exchange, two: Exchange, kind: Resource, ledger: Ledger) -> bool:
    """Whether each request between two was answered; others may have made what nobody knows."""
    between = _creations_between(one, two, kind, ledger)
    return all(e.status is not None and e.status < 500 for e in between)


def _creations_between(
    one: Exchange, two: Exchange, kind: Resource, ledger: Ledger
) -> Iterator[Exchange]:
    """Requests to make one, the last first."""
    made = ledger.creations
    for exchange in reversed(made[: bisect_left(made, two.number, key=attrgetter("number"))]):
        if exchange.number <= one.number:
            return
        if exchange.operation is not None and exchange.operation.resource is kind:
            yield exchange


def _is_new(item: Observation, before: ListPage) -> bool:
    """Whether something has certainly come into a list after an earlier look at it."""
    kind, order = before.operation.resource, before.listing.order
    if before.next is None:
        return bool(item.id)
    ranks = [r for i in before.items if (r := number(i.get(order))) is not None]
    rank = number(item.get(order))
    newest_first = before.listing.descending and kind is not None and order == kind.created
    return newest_first and rank is not None and bool(ranks) and rank > max(ranks)
