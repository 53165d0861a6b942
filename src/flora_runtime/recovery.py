"""Finding a run again whose id was lost with the answer that named it.

A create that is repeated with its idempotency key and is then told `duplicate` was accepted
before: its run exists, and only its id is missing. It is looked for in the history. Nothing here
starts a run.
"""

from __future__ import annotations

import contextlib
import json
import math
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import evolve

from flora_runtime.codec import decode_model, parse_json
from flora_runtime.errors import FloraError, RunOutcomeUnknownError
from flora_runtime.history import ANY_TIME, Finding, ServerClock, judge, reaches_back
from flora_runtime.ledger import StartedRun
from flora_runtime.log import logger
from flora_runtime.model import Call, Model, wire_names
from flora_runtime.operation import MADE, REFERRED
from flora_runtime.options import Options
from flora_runtime.paging import following
from flora_runtime.paths import at_path, is_array, is_object, text_at, without
from flora_runtime.session import RawResponse

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flora_runtime.ledger import Create
    from flora_runtime.operation import CreateOperation, Recovery, Referral, Starts
    from flora_runtime.session import Session

T = TypeVar("T")

LOOKS = (0.3, 1.2, 0.8, 0.8, 1.0, 1.0, 1.0, 1.5, 1.5, 2.0, 2.0, 3.0, 3.0, 4.0, 5.0)
"""Seconds before each look. A run is taken that two looks agree on, the second of them after those
that were started at the same time could appear too."""

_APPEARED = 4.0
"""Seconds after which these do appear, where the history shows nothing newer."""

_LATE = 5.0
"""Seconds after which what has not appeared is not expected any more."""

MOST_PAGES = 25
"""Of the history, in one look."""

_MOST_CLOSER = 10
"""Candidates that are looked at each by itself after one look."""


async def recover(
    session: Session, operation: CreateOperation[T], create: Create, attempts: int
) -> RawResponse[T]:
    """The run of a create whose answer was lost. Raises RunOutcomeUnknownError."""
    finding = Finding("this operation has no history to look in")
    if operation.recovery is not None:
        try:
            finding = await _searched(session, operation, operation.recovery, create)
        except FloraError as error:
            finding = Finding(f"looking for it failed: {error}")
    if create.run_id is not None:
        logger.info("the answer of a create was lost; its run was found in the history")
        return known_run(session, operation, create, attempts)
    if create.state == "accepted":
        session.shared.ledger.end(create, "lost")
    unknown = RunOutcomeUnknownError(
        idempotency_key=create.key,
        window=_dates(finding.window),
        candidates=[_typed_item(operation, item) for item in finding.candidates.values()],
        reason=finding.reason,
    )
    unknown.attempts = attempts
    raise unknown


async def _searched(
    session: Session, operation: CreateOperation[Any], recovery: Recovery[Any], create: Create
) -> Finding:
    """Look until the create has its run, or looking longer would show nothing else."""
    ledger = session.shared.ledger
    finding = Finding("the history could not be read")
    closer: dict[str, Any] = {}
    passed = 0.0
    for pause in LOOKS:
        await session.io.sleep(pause)
        passed += pause
        if (
            elsewhere := ledger.get(create.kind, create.key)
        ) is not None and elsewhere.run_id is not None:
            create.run_id, create.answer = elsewhere.run_id, elsewhere.answer
            return finding
        try:
            items, clock, whole = await _newest(session, recovery, create, late=passed > _LATE)
            items = [_whole(recovery, item, closer) for item in items]
            for referral in recovery.referrals:
                items = await _with_named(session, referral, create, items)
            with ledger.alone():  # after the history was read: what began meanwhile counts too
                seen = _judged(session, recovery, create, items, clock, late=passed > _LATE)
                if clock is ANY_TIME or not whole:
                    reason = "shows no clock" if whole else "is too long"
                    seen = evolve(seen, reason=f"the history {reason}", ours=(), settled=True)
                agrees = seen.agrees(finding)
                appeared = seen.fresh or passed > _APPEARED
                if agrees and appeared and _claimed(session, operation, recovery, create, seen):
                    return seen
            looked = agrees and await _looked_closer(session, recovery, create, seen, closer)
        except FloraError as error:
            finding = evolve(finding, reason=f"looking for it failed: {error}")
            continue
        finding = seen
        if agrees and not looked and passed > (_LATE if seen.settled else 3 * _LATE):
            break
    return finding


def _judged(
    session: Session,
    recovery: Recovery[Any],
    create: Create,
    items: list[Any],
    clock: ServerClock,
    *,
    late: bool,
) -> Finding:
    ledger = session.shared.ledger
    by_id = session.shared.seen.of(create.place)  # equal creates may have left older ones
    by_id.update({run_id: item for item in items if (run_id := text_at(item, recovery.id))})
    session.shared.seen.keep(create.place, by_id)
    taken = ledger.handed_out(create.kind, list(by_id))
    others = ledger.others(create)
    return judge(recovery, create, others, list(by_id.values()), taken, clock, late=late)


def _claimed(
    session: Session,
    operation: CreateOperation[Any],
    recovery: Recovery[Any],
    create: Create,
    finding: Finding,
) -> bool:
    """Take one of the runs that are of this request. Whether there was one left."""
    for item in finding.ours:
        data = {
            **recovery.otherwise,
            **{name: item[name] for _, name in wire_names(operation.result) if name in item},
        }
        run_id, answer = text_at(item, recovery.id) or "", json.dumps(data).encode()
        if session.shared.ledger.claim(create, run_id, started_run(operation.starts, data), answer):
            return True
    return False


def _whole(recovery: Recovery[Any], item: Any, closer: Mapping[str, Any]) -> Any:
    """An item with what a closer look has shown, and what its outputs tell of its request."""
    if not is_object(item):
        return item
    item = {**closer.get(text_at(item, recovery.id) or "", {}), **item}
    told = recovery.made.told(item) if recovery.made is not None else {}
    return {**item, REFERRED: {MADE: told}} if told else item


async def _looked_closer(
    session: Session,
    recovery: Recovery[Any],
    create: Create,
    finding: Finding,
    closer: dict[str, Any],
) -> bool:
    """Look at each candidate by itself, once, where that can tell creates apart. Whether any was
    looked at."""
    read, others = recovery.closer, session.shared.ledger.others(create)
    alike = all(other.tariff == create.tariff for other in others)
    if read is None or alike or len(finding.candidates) < 2:
        return False
    left = [run_id for run_id in finding.candidates if run_id not in closer][:_MOST_CLOSER]
    for run_id in left:
        request = session.draft(read, {read.polling.argument: run_id}, Options(), listed=True)
        with contextlib.suppress(FloraError):
            run = session.data(*await session.exchange(request, Options()))
            closer[run_id] = run if is_object(run) else {}
    return bool(left)


async def _with_named(
    session: Session, referral: Referral, create: Create, items: list[Any]
) -> list[Any]:
    """Items with what they name, where that can tell creates apart that do not name it."""
    creates = [create, *session.shared.ledger.others(create)]
    if all(referral.named in each.shown for each in creates):
        return items
    known = session.shared.referred.setdefault(referral.key, {})
    names = {text_at(item, referral.named) for item in items} - {None}
    if not names <= known.keys() and (listed := await _listed(session, referral)):
        known.update(dict.fromkeys(names))  # those that are not listed are not asked for again
        known.update(listed)
    return [
        {**item, REFERRED: {**item.get(REFERRED, {}), referral.key: named}}
        if (named := known.get(text_at(item, referral.named))) is not None
        else item
        for item in items
    ]


async def _listed(session: Session, referral: Referral) -> dict[str | None, Any]:
    """What can be named, by id; nothing where that cannot be read."""
    paging = referral.list.paging
    listed: dict[str | None, Any] = {}
    arguments: dict[str, Any] = {}
    with contextlib.suppress(FloraError):
        for _ in range(MOST_PAGES):
            request = session.draft(referral.list, arguments, Options())
            page = session.data(*await session.exchange(request, Options()))
            items = at_path(page, paging.items)
            if not is_array(items):
                break
            listed.update({text_at(item, referral.id): item for item in items})
            position = following(paging, arguments, page, len(items))
            if position is None:
                break
            arguments.update(position)
    return listed


async def _newest(
    session: Session, recovery: Recovery[Any], create: Create, *, late: bool
) -> tuple[list[Any], ServerClock, bool]:
    """Items of the history, and whether they are all back to when the create began."""
    paging = recovery.history.paging
    since = _reached_since(session, create) if late else 0.0
    arguments = {**recovery.arguments, **create.scope}
    items: list[Any] = []
    page_number = 0
    while True:
        page_number += 1
        request = session.draft(recovery.history, arguments, Options())
        answer, call = await session.exchange(request, Options())
        page = session.data(answer, call)
        listed = at_path(page, paging.items)
        if not is_array(listed):
            raise session.unreadable(f"it has no {paging.items}", answer, call)
        items += listed
        clock = session.shared.timings.clock(recovery, create.kind, items)
        clock = clock or ServerClock.of(answer) or ANY_TIME
        position = following(paging, arguments, page, len(listed))
        reached = reaches_back(recovery, listed, clock.window(create)[0] - since)
        if position is None or reached or clock is ANY_TIME or page_number == MOST_PAGES:
            return items, clock, position is None or reached
        arguments.update(position)


def _reached_since(session: Session, create: Create) -> float:
    """Seconds before a create in which equal ones began that may have taken its run, and left
    theirs."""
    began = [o.began for o in session.shared.ledger.others(create) if o.state == "found"]
    return max(create.began - min(began, default=create.began), 0.0)


def known_run(
    session: Session, operation: CreateOperation[T], create: Create, attempts: int = 0
) -> RawResponse[T]:
    """The answer of a create whose run is known."""
    answer = create.answer or b"{}"
    data = parse_json(answer)
    cost = at_path(data, operation.starts.cost)
    session.shared.spend.started(create.run, cost, create.name, create.tariff)
    call = Call(200, attempts=attempts, idempotency_key=create.key, recovered=True)
    # What the history tells is no answer of a create: how the two differ is no drift.
    value: Any = decode_model(operation.result, data, [], call)
    return RawResponse(200, {}, answer, call, value)


def _typed_item(operation: CreateOperation[Any], item: Any) -> Any:
    recovery = operation.recovery
    kind = recovery.history.result if recovery is not None else None
    if isinstance(kind, type) and issubclass(kind, Model) and is_object(item):
        return decode_model(kind, without(item, REFERRED), [])
    return item


def _dates(window: tuple[float, float] | None) -> tuple[datetime, datetime] | None:
    if window is None or math.isinf(window[0]):
        return None
    earliest, latest = window
    return datetime.fromtimestamp(earliest, UTC), datetime.fromtimestamp(latest, UTC)


def started_run(starts: Starts, data: Mapping[str, Any]) -> StartedRun:
    """What an answer, or an item of the history, says of a run that was started."""
    estimate, link = at_path(data, starts.estimate), at_path(data, starts.link)
    if isinstance(estimate, bool) or not isinstance(estimate, int | float):
        estimate = None
    return StartedRun(
        at=time.monotonic(),
        estimate=estimate,
        link=link if isinstance(link, str) else None,
    )
