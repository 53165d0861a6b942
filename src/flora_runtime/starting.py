"""Starting a run exactly once, and never losing it."""

from __future__ import annotations

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
from flora_runtime.ledger import Create, new_key, time_of
from flora_runtime.model import Model, plain
from flora_runtime.operation import MADE, REFERRED
from flora_runtime.paths import at_path, text_at
from flora_runtime.recovery import known_run, recover, started_run
from flora_runtime.spend import amount_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flora_runtime.exchange import Answer
    from flora_runtime.model import Call
    from flora_runtime.operation import CreateOperation, ReadOperation, Recovery, Starts
    from flora_runtime.options import Options
    from flora_runtime.request import Draft
    from flora_runtime.session import RawResponse, Session

T = TypeVar("T")

_TURN = 0.05
"""Seconds until it is asked again whether the first of a kind has told what it costs."""


async def start(
    session: Session, operation: CreateOperation[T], arguments: Mapping[str, Any], options: Options
) -> RawResponse[T]:
    """Do an operation that starts a run. Raises FloraError; then nothing was started, or the error
    names its idempotency key. Without a header for one it is sent once."""
    given = options.idempotency_key
    key = given or new_key()
    if operation.idempotency_header is not None:
        options = evolve(options, idempotency_key=key)
    request = session.draft(operation, arguments, options)
    create = _create(operation, _asked(operation, arguments, options.extra_body), key, request)
    ledger, spend = session.shared.ledger, session.shared.spend
    earlier = ledger.get(create.kind, create.key)
    if earlier is not None and earlier.request != create.request:
        raise InvalidArgumentError(
            "idempotency_key: this key was used for another request; give each request its own"
        )
    if earlier is not None and earlier.run_id is not None:
        return known_run(session, operation, earlier)
    if operation.starts.cost is not None:
        while not spend.admits(create.name, create.tariff, amount_of(options.expected_cost)):
            await session.io.sleep(_TURN)
    try:
        ledger.begin(create)
        unknown = given is not None and earlier is None and not ledger.is_shared
        if unknown:
            create.began = time_of(create.key) or create.began
        return await _settled(_Start(session, operation, create, options, unknown), request)
    except BaseException as error:
        _note_failure(session, operation.starts, create, options, error)
        raise


async def resume(session: Session, operation: CreateOperation[T], key: str) -> RawResponse[T]:
    """The run that was started under a key. Raises RunOutcomeUnknownError."""
    create = session.shared.ledger.get(operation.starts.kind, key)
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
    operation: CreateOperation[T]
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
        data = self.session.data(answer, call)
        run_id = text_at(data, starts.id)
        if not run_id:
            raise self.session.unreadable(f"it has no {starts.id}", answer, call)
        self.told.append((data, run_id))
        shared, create = self.session.shared, self.create
        shared.ledger.hand_out(create, run_id, started_run(starts, data), answer.body)
        shared.spend.started(create.run, at_path(data, starts.cost), create.name, create.tariff)
        if call.attempts == 1:
            shared.timings.note(create.run, answer)


async def _settled(start: _Start[T], request: Draft) -> RawResponse[T]:
    """Send a create that is noted, and find out what became of it."""
    session, operation, create = start.session, start.operation, start.create
    if create.expired:
        return await recover(session, operation, create, 0)
    try:
        answer, call = await session.exchange(request, start.options, starting=start)
    except ConflictError as conflict:
        if not _is_duplicate(conflict) or operation.recovery is None:
            raise
        if start.unknown and time_of(create.key) is None:
            create.began -= create.window
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


def _note_failure(
    session: Session, starts: Starts, create: Create, options: Options, error: BaseException
) -> None:
    """Write down, in the ledger and on the error, how a create has ended."""
    ledger = session.shared.ledger
    refused = isinstance(error, FloraError) and not error.may_have_started
    if create.run_id is None and create.state == "sent":
        if refused:
            ledger.forget(create)
            session.shared.spend.release(create.name)
        else:
            ledger.end(create, "unclear")
            session.shared.spend.unclear(create.name)
    elif create.state == "accepted":
        ledger.end(create, "lost")
    mark(error, options.idempotency_key, create.run_id)
    if not isinstance(error, FloraError):
        error.add_note(_note(starts, create, options))


def _note(starts: Starts, create: Create, options: Options) -> str:
    if create.run_id is not None:
        return starts.told(create.run_id)
    if options.idempotency_key is None:
        return f"a {starts.kind} may have been made: look for it before making another"
    return (
        f"a {starts.kind} may have been started: to find out, repeat the call with"
        f" idempotency_key={create.key!r}; it starts nothing twice"
    )


def started_id(operation: CreateOperation[Any], run: Model) -> str:
    """The id of a run that was started."""
    return text_at(run.to_dict(), operation.starts.id) or ""


def told(operation: CreateOperation[Any], run: Model) -> str:
    """What there is to know of a run that was started, for people."""
    return operation.starts.told(started_id(operation, run))


def where_to_look(
    operation: CreateOperation[Any],
    looking: ReadOperation[Any],
    arguments: Mapping[str, Any],
    run: Model,
) -> dict[str, Any]:
    """The arguments with which a run that was started is looked at."""
    asked = _asked(operation, arguments, {})
    parents = {name: asked.get(member) for name, member in operation.starts.parents.items()}
    return {**parents, looking.polling.argument: started_id(operation, run)}


def _asked(
    operation: CreateOperation[Any], arguments: Mapping[str, Any], body: Mapping[str, Any]
) -> Any:
    """What is asked, as JSON by the names of the request."""
    given = ((p.wire, arguments.get(p.name)) for p in operation.parameters)
    return plain({**{wire: value for wire, value in given if value is not None}, **body})


def _create(
    operation: CreateOperation[Any],
    asked: Mapping[str, Any],
    key: str,
    request: Draft,
) -> Create:
    """What is known of a create before it is sent: where in the history its run would stand, and
    what of it would be seen there."""
    recovery = operation.recovery
    scope = recovery.scope if recovery is not None else dict[str, str]()
    shows = recovery.shows if recovery is not None else dict[str, str]()
    shown = {member: at_path(asked, member) for member in shows}
    shown = {member: value for member, value in shown.items() if isinstance(value, str | int)}
    dear = [value for member, value in shown.items() if member not in scope.values()]
    return Create(
        kind=operation.starts.kind,
        key=key,
        request=request.fingerprint,
        tariff=json.dumps([operation.name, *dear, *_words(operation, asked)]),
        window=operation.starts.window,
        scope={name: at_path(asked, member) for name, member in scope.items()},
        shown={
            **{shows[member]: value for member, value in shown.items()},
            **(_referred(recovery, asked) if recovery is not None else {}),
        },
    )


def _referred(recovery: Recovery[Any], asked: Mapping[str, Any]) -> dict[str, Any]:
    """What of a request is seen in what its run names or has made, where it does not show that
    itself."""
    places = {r.place(its): member for r in recovery.referrals for member, its in r.shows.items()}
    if recovery.made is not None and recovery.made.tells is not None:
        places[f"{REFERRED}.{MADE}.{recovery.made.tells}"] = recovery.made.tells
    found = {place: at_path(asked, member) for place, member in places.items()}
    return {place: value for place, value in found.items() if isinstance(value, str | int)}


def _words(operation: CreateOperation[Any], asked: Mapping[str, Any]) -> list[str]:
    """Required arguments of few values, such as a type: neither ids nor free text."""
    return [
        str(asked.get(parameter.wire))
        for parameter in operation.parameters
        if parameter.required and not parameter.min_length and not parameter.pattern
    ]


def _is_duplicate(conflict: ConflictError) -> bool:
    """A conflict without a code comes from something before the API, and may be one too."""
    return isinstance(conflict, IdempotencyDuplicateError) or conflict.code is None
