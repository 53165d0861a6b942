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
from flora_runtime.model import Call, Model, plain
from flora_runtime.paths import at_path, text_at
from flora_runtime.recovery import recover, started_run
from flora_runtime.retry import leaves_unclear

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flora_runtime.exchange import Answer
    from flora_runtime.operation import Operation, Recovery, Starts
    from flora_runtime.options import Options
    from flora_runtime.request import Draft
    from flora_runtime.session import RawResponse, Session

T = TypeVar("T")


async def start(
    session: Session, operation: Operation[T], arguments: Mapping[str, Any], options: Options
) -> RawResponse[T]:
    """Do an operation that starts a run. Raises FloraError; then nothing was started, or the error
    names its idempotency key. Without a header for one it is sent once."""
    starts = operation.starts
    assert starts is not None
    has_own_key = options.idempotency_key is None
    key = options.idempotency_key or str(uuid.uuid4())
    if operation.idempotency_header is not None:
        options = evolve(options, idempotency_key=key)
    request = session.draft(operation, arguments, options)
    if starts.cost is not None:
        session.shared.spend.admit()
    create = Create(starts.kind, key, has_own_key=has_own_key, started=time.monotonic())
    if operation.recovery is not None:
        _note_traces(create, operation.recovery, _request(operation, arguments, options.extra_body))
    earlier = session.shared.ledger.begin(create)
    try:
        return await _start(session, operation, request, options, create, earlier)
    except FloraError:
        raise
    except BaseException as error:
        if create.run_id is None:
            session.shared.ledger.fail(create, unknown=True)
        error.add_note(_note(starts, create, options))
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
        answer, call = await session.exchange(request, options)
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
            if isinstance(error, ResponseDecodingError) or (
                options.idempotency_key is None and leaves_unclear(error)
            ):
                error.may_have_started = True
            ledger.fail(create, unknown=error.may_have_started)
        raise


def _note(starts: Starts, create: Create, options: Options) -> str:
    if create.run_id is not None:
        return starts.told(create.run_id)
    if options.idempotency_key is None:
        return f"a {starts.kind} may have been made: look for it before making another"
    return (
        f"a {starts.kind} may have been started: to find out, repeat the call with"
        f" idempotency_key={create.key!r}; it starts nothing twice"
    )


def told(operation: Operation[Any], run: Model) -> str:
    """What there is to know of a run that was started, for people."""
    starts = operation.starts
    assert starts is not None
    return starts.told(text_at(run.to_dict(), starts.id) or "")


def where_to_look(
    operation: Operation[Any], looking: Operation[Any], arguments: Mapping[str, Any], run: Model
) -> dict[str, Any]:
    """The arguments with which a run that was started is looked at."""
    starts, polling = operation.starts, looking.polling
    assert starts is not None
    assert polling is not None
    request = _request(operation, arguments, {})
    parents = {name: request.get(member) for name, member in starts.parents.items()}
    return {**parents, polling.argument: text_at(run.to_dict(), starts.id)}


def _request(
    operation: Operation[Any], arguments: Mapping[str, Any], body: Mapping[str, Any]
) -> Any:
    """What is asked, as JSON by the names of the request."""
    given = ((p.wire, arguments.get(p.name)) for p in operation.parameters)
    return plain({**{wire: value for wire, value in given if value is not None}, **body})


def _note_traces(create: Create, recovery: Recovery[Any], request: Any) -> None:
    """Where in the history the run of a create would stand, and what of it would be seen there."""
    create.scope = {name: at_path(request, member) for name, member in recovery.scope.items()}
    create.shown = {place: at_path(request, member) for member, place in recovery.shows.items()}
    create.window = recovery.window


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
    run_id = text_at(data, starts.id)
    if not run_id:
        raise session.unreadable(f"it has no {starts.id}", answer, call)
    session.shared.ledger.hand_out(create, run_id, started_run(starts, data))
    session.shared.spend.started(create.run, decimal_of(at_path(data, starts.cost)))
    return session.raw(operation, answer, call, data)
