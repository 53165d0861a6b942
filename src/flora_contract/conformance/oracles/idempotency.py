"""Idempotency keys: what two requests under one key must and must not do."""

from __future__ import annotations

from itertools import takewhile
from typing import TYPE_CHECKING

from flora_contract.conformance.contract import CREATE
from flora_contract.conformance.exchange import OTHER, OWNER
from flora_contract.conformance.oracle import Verdict, oracle, verdict

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flora_contract.conformance.exchange import Exchange
    from flora_contract.conformance.ledger import Ledger, Page

REMEMBERED_SECONDS = 2 * 60 * 60
"""How long a key counts as used."""


def _under_one_key(ledger: Ledger) -> Iterator[list[Exchange]]:
    """Answered requests of one account to one operation under one key, where they are several."""
    groups: dict[tuple[str, str, str], list[Exchange]] = {}
    for exchange in ledger.creations:
        key = exchange.request.header("Idempotency-Key")
        if key and exchange.credential.accepted is not False and exchange.status is not None:
            assert exchange.operation is not None
            account = (exchange.credential.name, exchange.operation, key)
            groups.setdefault(account, []).append(exchange)
    yield from (group for group in groups.values() if len(group) > 1)


def _repeats(ledger: Ledger) -> Iterator[tuple[Exchange, Exchange]]:
    """A request that started a run, and a later one under its key while the key counts."""
    for group in _under_one_key(ledger):
        started = next((e for e in group if e.succeeded), None)
        if started is None:
            continue
        for later in group:
            in_time = later.started - started.started < REMEMBERED_SECONDS
            if later is not started and started.before(later) and in_time:
                yield started, later


@oracle("key-used-once", "ledger", source="S000 S001 S003 S004", conflict="C5")
def key_used_once(ledger: Ledger) -> Iterator[Verdict]:
    """The same request under a used key starts no second run: 409, or the first run again."""
    for started, later in _repeats(ledger):
        if later.request.body != started.request.body or later.status in {402, 429}:
            continue
        # What was accepted once is refused for nothing else, if the key is known to be the same.
        if later.succeeded or later.status == 409 or later.credential.accepted:
            yield _no_second_run(started, later, also=())


@oracle("key-used-once-for-any-body", "ledger", source="S000 S003 S004", conflict="C5")
def key_used_once_for_any_body(ledger: Ledger) -> Iterator[Verdict]:
    """Another request under a used key starts no second run: 409, or 422."""
    for started, later in _repeats(ledger):
        if later.request.body == started.request.body:
            continue
        if later.succeeded or later.status in {409, 422}:
            yield _no_second_run(started, later, also=(422,))


def _no_second_run(started: Exchange, later: Exchange, also: tuple[int, ...]) -> Verdict:
    run_id = started.answer_object.get("run_id")
    replayed = later.succeeded and later.answer_object.get("run_id") == run_id
    return verdict(
        later.status == 409 or later.status in also or replayed,
        started,
        later,
        expected="409 idempotency_duplicate, or the first run again",
        seen=f"{later.status} {later.answer_object.get('run_id', '')}".strip(),
    )


@oracle("key-used-once-at-a-time", "ledger", source="S000 S001 S003 S004", conflict="C5")
def key_used_once_at_a_time(ledger: Ledger) -> Iterator[Verdict]:
    """Simultaneous requests under one key start one run between them."""
    for group in _under_one_key(ledger):
        overlapping = [e for e in group if any(o is not e and _overlap(e, o) for o in group)]
        runs = {e.answer_object.get("run_id") for e in overlapping if e.succeeded}
        if runs:
            yield verdict(
                len(runs) == 1,
                *overlapping,
                expected="one run",
                seen=f"{len(runs)} runs from {len(overlapping)} requests",
            )


def _overlap(one: Exchange, other: Exchange) -> bool:
    return not one.before(other) and not other.before(one)


@oracle("duplicate-code", "ledger", source="S000 S001 S003 S004", conflict="C5 C29")
def duplicate_code(ledger: Ledger) -> Iterator[Verdict]:
    """A used key is answered with the code idempotency_duplicate."""
    for started, later in _repeats(ledger):
        if later.status == 409:
            error = later.answer_object.get("error")
            code = error.get("code") if isinstance(error, dict) else None
            yield verdict(
                code == "idempotency_duplicate",
                started,
                later,
                expected="idempotency_duplicate",
                seen=code,
            )


@oracle("key-freed-by-refusal", "ledger", source="SKILL", conflict="C5")
def key_freed_by_refusal(ledger: Ledger) -> Iterator[Verdict]:
    """A key of a request that was refused can be used again."""
    for group in _under_one_key(ledger):
        refused: list[Exchange] = []
        for exchange in group:
            if exchange.succeeded:
                if refused:
                    yield verdict(True, refused[-1], exchange, expected="", seen="")
                break
            if exchange.status == 409:
                if refused and refused[-1].before(exchange) and not _overlapped(exchange, group):
                    yield verdict(
                        False,
                        refused[-1],
                        exchange,
                        expected="a run",
                        seen=f"409 after the key's only request was refused with "
                        f"{refused[-1].status}",
                        subject=f"after {refused[-1].status}",
                    )
                break
            refused.append(exchange)


def _overlapped(exchange: Exchange, group: list[Exchange]) -> bool:
    return any(e is not exchange and _overlap(e, exchange) for e in group)


@oracle("key-new-to-server", "ledger", source="S000 S001 S003 S004", conflict="C5")
def key_new_to_server(ledger: Ledger) -> Iterator[Verdict]:
    """A request under a key of its own, or under none, is not taken for a repetition."""
    users: dict[str, list[Exchange]] = {}
    for exchange in ledger.creations:
        users.setdefault(exchange.request.header("Idempotency-Key") or "", []).append(exchange)
    for exchange in ledger.creations:
        if not exchange.credential.accepted or not exchange.decided:
            continue
        key = exchange.request.header("Idempotency-Key")
        if key and any(e is not exchange and e.started < exchange.ended for e in users[key]):
            continue
        yield verdict(
            exchange.status != 409,
            exchange,
            expected="not 409",
            seen=exchange.status,
            subject="new key" if key else "no key",
        )


@oracle("key-belongs-to-account", "ledger", source="SKILL", conflict="C5")
def key_belongs_to_account(ledger: Ledger) -> Iterator[Verdict]:
    """A key that one account has used is free for another."""
    used: dict[str, Exchange] = {}
    for exchange in ledger.creations:
        key = exchange.request.header("Idempotency-Key")
        if key is None or exchange.credential not in {OWNER, OTHER}:
            continue
        first = used.get(key)
        if first is None:
            if exchange.succeeded:
                used[key] = exchange
        elif first.credential != exchange.credential and exchange.decided:
            run_id = first.answer_object.get("run_id")
            same_run = exchange.answer_object.get("run_id") == run_id
            if exchange.succeeded or exchange.status == 409:
                yield verdict(
                    exchange.succeeded and not same_run,
                    first,
                    exchange,
                    expected="a run of its own",
                    seen=f"{exchange.status} for the key of the account {first.credential.name}",
                )


@oracle("old-route-is-the-same", "ledger", source="S000 SPEC160", conflict="C2 C45")
def old_route_is_the_same(ledger: Ledger) -> Iterator[Verdict]:
    """Both routes that start a generation answer with the same status."""
    first: dict[str, Exchange] = {}
    for exchange in ledger.creations:
        if exchange.operation in CREATE and exchange.succeeded:
            first.setdefault(exchange.operation, exchange)
    if len(first) == len(CREATE):
        one, two = first.values()
        yield verdict(one.status == two.status, one, two, expected=f"{one.status}", seen=two.status)


@oracle("refused-has-no-effect", "ledger", source="S000 S001")
def refused_has_no_effect(ledger: Ledger) -> Iterator[Verdict]:
    """A request that was refused has started no run."""
    made = {r.run_id for r in ledger.runs.values() if r.creation is not None}
    for before, after in _looks_at_the_newest(ledger):
        between = [
            e
            for e in ledger.creations
            if before.exchange.number < e.number < after.exchange.number
            and e.credential == before.exchange.credential
        ]
        refused = [e for e in between if e.status is not None and 400 <= e.status < 500]
        # One without an answer may have started a run that nobody knows.
        if not refused or any(not e.decided for e in between):
            continue
        strangers = [run_id for run_id in _newcomers(before, after) if run_id not in made]
        yield verdict(
            not strangers,
            before.exchange,
            refused[0],
            after.exchange,
            expected="no runs but those that accepted requests have started",
            seen=", ".join(strangers[:3]),
            subject=f"{refused[0].status}",
        )


def _looks_at_the_newest(ledger: Ledger) -> Iterator[tuple[Page, Page]]:
    """A first page, and the next one that was asked for in the same way."""
    earlier: dict[tuple[str, int | None], Page] = {}
    for page in ledger.pages:
        if page.cursor is None and not page.filters:
            asked = (page.exchange.credential.name, page.limit)
            if asked in earlier:
                yield earlier[asked], page
            earlier[asked] = page


def _newcomers(before: Page, after: Page) -> Iterator[str]:
    """Runs on the later page above everything that was there before."""
    old = {item.run_id for item in before.items}
    return takewhile(lambda run_id: run_id not in old, (item.run_id for item in after.items))
