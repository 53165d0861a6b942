"""Finding a run again whose id was lost with the answer that named it.

A create that is repeated with its idempotency key and is then told `duplicate` was accepted
before: its run exists, and only its id is missing. It is looked for in the history. Nothing here
starts a run.
"""

from __future__ import annotations

import itertools
import time
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import evolve

from flora_runtime.codec import decimal_of, decode_model
from flora_runtime.errors import FloraError, RunOutcomeUnknownError
from flora_runtime.history import Finding, ServerClock, judge, reaches_back
from flora_runtime.ledger import StartedRun
from flora_runtime.log import logger
from flora_runtime.model import Call, Model, wire_names
from flora_runtime.operation import named
from flora_runtime.options import Options
from flora_runtime.paging import following
from flora_runtime.paths import at_path, is_array, is_object, text_at
from flora_runtime.session import RawResponse

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flora_runtime.errors import ConflictError
    from flora_runtime.exchange import Answer
    from flora_runtime.ledger import Create
    from flora_runtime.operation import Operation, Recovery, Starts
    from flora_runtime.session import Session

T = TypeVar("T")

LOOKS = (0.0, 1.0, 2.0, 4.0, 8.0)
"""Seconds before each look: a history may lag, and other creates in flight need time to end."""

MOST_PAGES = 5
"""Of the history, in one look."""


async def recover(
    session: Session, operation: Operation[T], create: Create, conflict: ConflictError
) -> RawResponse[T]:
    """The run of a create that was accepted, and whose answer was lost."""
    create.ended = time.monotonic()
    finding = Finding("this operation has no history to look in")
    try:
        if operation.recovery is not None:
            for pause in LOOKS:
                await session.io.sleep(pause)
                finding, answer = await _look(session, operation, create, finding)
                if finding.adopted is not None and answer is not None:
                    return _adopt(session, operation, create, conflict, finding, answer)
                if finding.final:
                    break
    finally:
        if create.run_id is None:
            session.shared.ledger.fail(create, unknown=True)
    error = RunOutcomeUnknownError(
        idempotency_key=create.key,
        window=finding.window,
        candidates=[_typed_item(operation, item) for item in finding.candidates],
        reason=finding.reason,
    )
    error.attempts = conflict.attempts
    raise error from conflict


async def _look(
    session: Session, operation: Operation[Any], create: Create, before: Finding
) -> tuple[Finding, Answer | None]:
    """Look through the newest of the history once, and claim the run if it is plain which.

    A look that fails takes nothing away from what was found before.
    """
    recovery = operation.recovery
    assert recovery is not None
    ledger = session.shared.ledger
    try:
        items, clock, answer = await _newest(session, recovery, create)
    except FloraError as error:
        return evolve(before, reason=f"looking for it failed: {error}"), None
    if clock is None:
        return Finding("the history shows no clock, or is too long", None, items, final=True), None
    # In this order, and after the history was read: a create that began meanwhile counts, and one
    # that ends meanwhile is either still among the others or has been handed its run.
    others = ledger.others(create)
    unclaimed = [item for item in items if not _handed_out(session, recovery, create, item)]
    finding = judge(recovery, create, others, unclaimed, clock)
    if finding.adopted is not None and operation.starts is not None:
        run_id = text_at(finding.adopted, recovery.id) or ""
        if not ledger.claim(create, run_id, started_run(operation.starts, finding.adopted)):
            return Finding("another create has got it", finding.window), None
    return finding, answer


def _handed_out(session: Session, recovery: Recovery[Any], create: Create, item: Any) -> bool:
    run_id = text_at(item, recovery.id)
    return run_id is None or session.shared.ledger.run(named(create.kind, run_id)) is not None


async def _newest(
    session: Session, recovery: Recovery[Any], create: Create
) -> tuple[list[Any], ServerClock | None, Answer]:
    """Items of the history back to when the create began; no clock where that cannot be told."""
    paging = recovery.history.paging
    assert paging is not None
    arguments = dict(create.scope)
    items: list[Any] = []
    for page_number in itertools.count(1):
        request = session.draft(recovery.history, arguments, Options())
        answer, call = await session.exchange(request, Options())
        page = session.data(answer, call)
        listed = at_path(page, paging.items)
        if not is_array(listed):
            raise session.unreadable(f"it has no {paging.items}", answer, call)
        items += listed
        clock = ServerClock.of(answer)
        position = following(paging, arguments, page, len(listed))
        if clock is None or position is None:
            return items, clock, answer
        if reaches_back(recovery, listed, clock.window(create)[0]):
            return items, clock, answer
        if page_number == MOST_PAGES:
            return items, None, answer
        arguments.update(position)
    raise AssertionError


def _adopt(
    session: Session,
    operation: Operation[T],
    create: Create,
    conflict: ConflictError,
    finding: Finding,
    answer: Answer,
) -> RawResponse[T]:
    recovery, starts = operation.recovery, operation.starts
    assert recovery is not None
    assert starts is not None
    item = finding.adopted
    logger.info("the answer of a create was lost; its run was found in the history")
    data = {
        **recovery.otherwise,
        **{name: item[name] for _, name in wire_names(operation.result) if name in item},
    }
    session.shared.spend.started(create.run, decimal_of(at_path(item, starts.cost)))
    call = Call(
        status_code=answer.status_code,
        attempts=conflict.attempts,
        idempotency_key=create.key,
        recovered=True,
    )
    # An item of the history is no answer of a create: how the two differ is no drift.
    value: Any = decode_model(operation.result, data, [], call)
    return RawResponse(answer.status_code, answer.headers, answer.body, call, value)


def _typed_item(operation: Operation[Any], item: Any) -> Any:
    recovery = operation.recovery
    kind = recovery.history.result if recovery is not None else None
    if isinstance(kind, type) and issubclass(kind, Model) and is_object(item):
        return decode_model(kind, item, [])
    return item


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
