"""Starting a run exactly once, and never losing it."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from attrs import evolve, field, frozen

from flora_runtime.errors import (
    ConflictError,
    FloraError,
    IdempotencyDuplicateError,
    InvalidArgumentError,
    RunOutcomeUnknownError,
    mark,
)
from flora_runtime.ledger import KEY_LIFE, Create, new_key, time_of
from flora_runtime.model import Model, wire_names
from flora_runtime.paths import is_object, text_at
from flora_runtime.recovery import known_run, recover, started_run
from flora_runtime.spend import amount_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flora_runtime.exchange import Answer
    from flora_runtime.model import Call
    from flora_runtime.operation import Operation
    from flora_runtime.options import Options
    from flora_runtime.request import Draft
    from flora_runtime.session import RawResponse, Session

T = TypeVar("T")

_TURN = 0.05
"""Seconds until it is asked again whether the first of a kind has told what it costs."""


async def start(
    session: Session, operation: Operation[T], arguments: Mapping[str, Any], options: Options
) -> RawResponse[T]:
    """Do an operation that starts a run. Raises FloraError; then nothing was started, or the error
    names its idempotency key."""
    given = options.idempotency_key
    options = evolve(options, idempotency_key=given or new_key())
    request = session.draft(operation, arguments, options)
    create = _create(operation, arguments, options, request)
    ledger, spend = session.shared.ledger, session.shared.spend
    earlier = ledger.get(create.key)
    if earlier is not None and earlier.request != create.request:
        raise InvalidArgumentError(
            "idempotency_key: this key was used for another request; each has one of its own"
        )
    if earlier is not None and earlier.run_id is not None:
        return known_run(session, operation, earlier)
    while not spend.admits(create.key, create.kind, amount_of(options.expected_cost)):
        await session.io.sleep(_TURN)
    try:
        ledger.begin(create)
        unknown = given is not None and earlier is None and not ledger.is_shared
        if unknown:
            create.began = time_of(create.key) or create.began
        return await _settled(_Start(session, operation, create, options, unknown), request)
    except BaseException as error:
        _note_failure(session, create, error)
        raise


async def resume(session: Session, operation: Operation[T], key: str) -> RawResponse[T]:
    """The run that was started under a key. Raises RunOutcomeUnknownError."""
    create = session.shared.ledger.get(key)
    if create is None:
        raise RunOutcomeUnknownError(
            idempotency_key=key,
            window=None,
            candidates=(),
            reason="this client does not know what was asked for; the same call with this key does",
        )
    if create.run_id is not None:
        return known_run(session, operation, create)
    return await recover(session, operation, create, 0)


@frozen
class _Start(Generic[T]):
    """A create under way."""

    session: Session
    operation: Operation[T]
    create: Create
    options: Options
    unknown: bool
    """Its key is the caller's, and who has used it before cannot be told."""
    told: list[tuple[Any, str]] = field(factory=list[tuple[Any, str]])
    """What the API has answered, and the id of the run in it."""

    def tries(self, *, now: bool) -> None:
        self.session.shared.ledger.tries(self.create, now=now)

    def read(self, answer: Answer, call: Call) -> None:
        """The id of the run is taken before anything else is looked at."""
        starts = self.operation.starts
        assert starts is not None
        data = self.session.data(answer, call)
        run_id = text_at(data, (starts.id,))
        if not run_id:
            raise self.session.unreadable(f"it has no {starts.id}", answer, call)
        self.told.append((data, run_id))
        shared, create = self.session.shared, self.create
        shared.ledger.hand_out(create, run_id, started_run(starts, data), answer.body)
        shared.spend.started(run_id, data.get(starts.cost), create.key, create.kind)
        if call.attempts == 1:
            shared.timings.note(run_id, answer)


async def _settled(start: _Start[T], request: Draft) -> RawResponse[T]:
    """Send a create that is noted, and find out what became of it."""
    session, operation, create = start.session, start.operation, start.create
    if create.expired:
        return await recover(session, operation, create, 0)
    try:
        answer, call = await session.exchange(
            request, start.options, repeatable=True, starting=start
        )
    except ConflictError as conflict:
        if not _is_duplicate(conflict) or operation.recovery is None:
            raise
        if start.unknown and time_of(create.key) is None:
            create.began -= KEY_LIFE
        session.shared.ledger.end(create, "accepted")
        return await _recovered(start, conflict)
    except FloraError as error:
        if not (error.may_have_started and create.expired):
            raise
        session.shared.ledger.end(create, "unclear")
        return await _recovered(start, error)
    return session.raw(operation, answer, call, start.told[-1][0])


async def _recovered(start: _Start[T], cause: FloraError) -> RawResponse[T]:
    try:
        return await recover(start.session, start.operation, start.create, cause.attempts)
    except RunOutcomeUnknownError as error:
        raise error from cause


def _note_failure(session: Session, create: Create, error: BaseException) -> None:
    """Write down, in the ledger and on the error, how a create has ended."""
    ledger = session.shared.ledger
    refused = isinstance(error, FloraError) and not error.may_have_started
    if create.run_id is None and create.state == "sent":
        if refused:
            ledger.forget(create)
            session.shared.spend.release(create.key)
        else:
            ledger.end(create, "unclear")
            session.shared.spend.unclear(create.key)
    elif create.state == "accepted":
        ledger.end(create, "lost")
    mark(error, create.key, create.run_id)
    if not isinstance(error, FloraError):
        error.add_note(_note(create))


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
    operation: Operation[Any], arguments: Mapping[str, Any], options: Options, request: Draft
) -> Create:
    recovery = operation.recovery
    body = {**arguments, **options.extra_body}
    scope = {name: body.get(name) for name in recovery.scope} if recovery else {}
    match = {name: body.get(name) for name in recovery.match} if recovery else {}
    history = recovery.history.name if recovery else operation.name
    content = json.loads(request.body or b"null")
    if is_object(content):
        content = dict(sorted(content.items()))
    text = json.dumps([request.method, request.path, content], sort_keys=True)
    kind = [operation.name, *match.values(), *_words(operation, body)]
    return Create(
        key=str(options.idempotency_key),
        place=json.dumps([history, scope], sort_keys=True),
        request=hashlib.sha256(text.encode()).hexdigest(),
        kind=json.dumps(kind),
        match={**scope, **match},
    )


def _words(operation: Operation[Any], body: Mapping[str, Any]) -> list[str]:
    """Required arguments of few values, such as a type: neither ids nor free text."""
    return [
        str(body.get(parameter.name))
        for parameter in operation.parameters
        if parameter.required and not parameter.min_length and not parameter.pattern
    ]


def _is_duplicate(conflict: ConflictError) -> bool:
    """A conflict without a code comes from something before the API, and may be one too."""
    return isinstance(conflict, IdempotencyDuplicateError) or conflict.code is None
