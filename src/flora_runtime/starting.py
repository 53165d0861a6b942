"""Starting a run exactly once, and never losing it."""

from __future__ import annotations

import itertools
import time
import uuid
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import evolve

from flora_runtime.codec import decimal_of, decode_model
from flora_runtime.errors import (
    ConflictError,
    FloraError,
    IdempotencyDuplicateError,
    ResponseDecodingError,
    RunOutcomeUnknownError,
)
from flora_runtime.ledger import Create, StartedRun
from flora_runtime.log import logger
from flora_runtime.model import Call, Model, wire_names
from flora_runtime.options import Options
from flora_runtime.paths import at_path, is_array, is_object, text_at
from flora_runtime.recovery import (
    LOOKS,
    MOST_PAGES,
    Finding,
    ServerClock,
    judge,
    reaches_back,
)
from flora_runtime.session import RawResponse

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flora_runtime.exchange import Answer
    from flora_runtime.operation import Operation, Recovery, Starts
    from flora_runtime.session import Session

T = TypeVar("T")


async def start(
    session: Session, operation: Operation[T], arguments: Mapping[str, Any], options: Options
) -> RawResponse[T]:
    """Do an operation that starts a run. Raises FloraError; then nothing was started, or the error
    names its idempotency key."""
    given = options.idempotency_key
    options = evolve(options, idempotency_key=given or str(uuid.uuid4()))
    request = session.draft(operation, arguments, options)
    session.shared.spend.admit()
    create = _create(operation, arguments, options)
    ledger = session.shared.ledger
    earlier = ledger.begin(create)
    try:
        answer, call = await session.exchange(request, options, repeatable=True)
        return _started(session, operation, create, answer, call)
    except ConflictError as conflict:
        repeated = conflict.repeated or (earlier is not None and earlier.unknown)
        if _is_duplicate(conflict) and (repeated or given is None):
            return await _recover(session, operation, create, conflict)
        ledger.fail(create, unknown=conflict.may_have_started)
        if isinstance(conflict, IdempotencyDuplicateError) and earlier is not None:
            conflict.run_id = earlier.run_id
        raise
    except FloraError as error:
        if create.run_id is None:
            ledger.fail(create, unknown=error.may_have_started)
        raise
    except BaseException:
        ledger.fail(create, unknown=True)
        raise


def started_id(operation: Operation[Any], run: Model) -> str:
    """The id of a run that was started."""
    starts = operation.starts
    assert starts is not None
    name = next(name for name, wire in wire_names(type(run)) if wire == starts.id)
    run_id: str = getattr(run, name)
    return run_id


def _create(operation: Operation[Any], arguments: Mapping[str, Any], options: Options) -> Create:
    recovery = operation.recovery
    body = {**arguments, **options.extra_body}
    return Create(
        key=str(options.idempotency_key),
        scope={name: body.get(name) for name in recovery.scope} if recovery else {},
        match={name: body.get(name) for name in recovery.match} if recovery else {},
        started=time.monotonic(),
    )


def _is_duplicate(conflict: ConflictError) -> bool:
    """A conflict without a code comes from something before the API, and may be one too."""
    return isinstance(conflict, IdempotencyDuplicateError) or conflict.code is None


def _started(
    session: Session, operation: Operation[T], create: Create, answer: Answer, call: Call
) -> RawResponse[T]:
    """The answer of a create: the id of its run is taken before anything else is looked at."""
    starts = operation.starts
    assert starts is not None
    try:
        data = session.data(answer, call)
        run_id = text_at(data, (starts.id,))
        if not run_id:
            raise session.unreadable(f"it has no {starts.id}", answer, call)
    except ResponseDecodingError as error:
        error.may_have_started = True
        raise
    session.shared.ledger.hand_out(create, run_id, _run(starts, data))
    session.shared.spend.started(run_id, decimal_of(data.get(starts.cost)))
    return session.raw(operation, answer, call, data)


def _run(starts: Starts, data: Mapping[str, Any]) -> StartedRun:
    estimate, poll_url = data.get(starts.estimate or ""), data.get(starts.poll_url or "")
    if isinstance(estimate, bool) or not isinstance(estimate, int | float):
        estimate = None
    return StartedRun(
        at=time.monotonic(),
        estimate=estimate,
        poll_url=poll_url if isinstance(poll_url, str) else None,
    )


async def _recover(
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
    unclaimed = [item for item in items if not _handed_out(session, recovery, item)]
    finding = judge(recovery, create, others, unclaimed, clock)
    if finding.adopted is not None and operation.starts is not None:
        run_id = at_path(finding.adopted, (recovery.id,))
        if not ledger.claim(create, run_id, _run(operation.starts, finding.adopted)):
            return Finding("another create has got it", finding.window), None
    return finding, answer


def _handed_out(session: Session, recovery: Recovery[Any], item: Any) -> bool:
    run_id = at_path(item, (recovery.id,))
    return not isinstance(run_id, str) or session.shared.ledger.run(run_id) is not None


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
        answer, call = await session.exchange(request, Options(), repeatable=True)
        page = session.data(answer, call)
        listed = at_path(page, (paging.items,))
        if not is_array(listed):
            raise session.unreadable(f"it has no {paging.items}", answer, call)
        items += listed
        clock = ServerClock.of(answer)
        cursor = text_at(page, paging.next)
        if clock is None or not cursor:
            return items, clock, answer
        if reaches_back(recovery, listed, clock.window(create)[0]):
            return items, clock, answer
        if page_number == MOST_PAGES:
            return items, None, answer
        arguments[paging.argument] = cursor
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
        starts.id: item[recovery.id],
    }
    session.shared.spend.started(item[recovery.id], decimal_of(item.get(starts.cost)))
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
