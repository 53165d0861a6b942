"""Starting a run exactly once, and never losing it."""

from __future__ import annotations

import time
import uuid
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import evolve

from flora_runtime.codec import decimal_of
from flora_runtime.errors import (
    ConflictError,
    FloraError,
    IdempotencyDuplicateError,
    ResponseDecodingError,
)
from flora_runtime.ledger import Create
from flora_runtime.model import Call, Model, wire_names
from flora_runtime.paths import text_at
from flora_runtime.recovery import recover, started_run

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flora_runtime.exchange import Answer
    from flora_runtime.operation import Operation
    from flora_runtime.options import Options
    from flora_runtime.request import Draft
    from flora_runtime.session import RawResponse, Session

T = TypeVar("T")


async def start(
    session: Session, operation: Operation[T], arguments: Mapping[str, Any], options: Options
) -> RawResponse[T]:
    """Do an operation that starts a run. Raises FloraError; then nothing was started, or the error
    names its idempotency key."""
    has_own_key = options.idempotency_key is None
    if has_own_key:
        options = evolve(options, idempotency_key=str(uuid.uuid4()))
    request = session.draft(operation, arguments, options)
    session.shared.spend.admit()
    create = _create(operation, arguments, options, has_own_key=has_own_key)
    earlier = session.shared.ledger.begin(create)
    try:
        return await _start(session, operation, request, options, create, earlier)
    except FloraError:
        raise
    except BaseException as error:
        if create.run_id is None:
            session.shared.ledger.fail(create, unknown=True)
        error.add_note(_note(create))
        raise


async def _start(
    session: Session,
    operation: Operation[T],
    request: Draft,
    options: Options,
    create: Create,
    earlier: Create | None,
) -> RawResponse[T]:
    """Send a create whose beginning is noted. `earlier` is the one before it under its key."""
    ledger = session.shared.ledger
    try:
        answer, call = await session.exchange(request, options, repeatable=True)
        return _started(session, operation, create, answer, call)
    except ConflictError as conflict:
        known = earlier.run_id if earlier is not None else None
        repeated = conflict.repeated or (earlier is not None and earlier.unknown)
        ours = repeated or create.has_own_key
        if known is None and ours and _is_duplicate(conflict):
            return await recover(session, operation, create, conflict)
        ledger.fail(create, unknown=known is None and conflict.may_have_started)
        if isinstance(conflict, IdempotencyDuplicateError):
            conflict.run_id = known
        raise
    except FloraError as error:
        if create.run_id is None:
            if isinstance(error, ResponseDecodingError):
                error.may_have_started = True
            ledger.fail(create, unknown=error.may_have_started)
        raise


def _note(create: Create) -> str:
    if create.run_id is not None:
        return f"run {create.run_id} was started, and goes on"
    return (
        "a run may have been started: to find out, repeat the call with"
        f" idempotency_key={create.key!r}; it starts nothing twice"
    )


def started_id(operation: Operation[Any], run: Model) -> str:
    """The id of a run that was started."""
    starts = operation.starts
    assert starts is not None
    name = next(name for name, wire in wire_names(type(run)) if wire == starts.id)
    run_id: str = getattr(run, name)
    return run_id


def _create(
    operation: Operation[Any], arguments: Mapping[str, Any], options: Options, *, has_own_key: bool
) -> Create:
    recovery = operation.recovery
    body = {**arguments, **options.extra_body}
    return Create(
        key=str(options.idempotency_key),
        has_own_key=has_own_key,
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
    data = session.data(answer, call)
    run_id = text_at(data, (starts.id,))
    if not run_id:
        raise session.unreadable(f"it has no {starts.id}", answer, call)
    session.shared.ledger.hand_out(create, run_id, started_run(starts, data))
    session.shared.spend.started(run_id, decimal_of(data.get(starts.cost)))
    return session.raw(operation, answer, call, data)
