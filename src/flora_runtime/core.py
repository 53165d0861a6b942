"""What the methods of generated resources do, in a word each.

Starting, waiting and saving are loaded when they are first asked for: many a client does none.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, cast

from attrs import evolve, frozen

from flora_runtime.errors import FloraError, InvalidArgumentError, mark
from flora_runtime.log import logger
from flora_runtime.model import Model
from flora_runtime.operation import OPTION_NAMES, CreateOperation, Operation, ReadOperation
from flora_runtime.options import Limits, Options, checked_count, checked_function, options_of
from flora_runtime.paging import AsyncPager, Listing, Page, Pager
from flora_runtime.paths import is_object

if TYPE_CHECKING:
    from pathlib import Path

    from flora_runtime.operation import ListOperation, Media
    from flora_runtime.session import RawResponse, Session

P = ParamSpec("P")
T = TypeVar("T")
M = TypeVar("M", bound=Model)
R = TypeVar("R", bound=Model)

Arguments = Mapping[str, Any]


@frozen
class Core:
    """A session as resources use it. A raw one returns answers as they came."""

    session: Session
    raw: bool = False

    def as_raw(self) -> Core:
        """The same, returning answers as they came."""
        return evolve(self, raw=True)

    async def do(self, operation: Operation[T], arguments: Arguments, options: Arguments) -> T:
        """An operation, once."""
        own = options_of(operation.idempotency_header, options)
        response = await self._respond(operation, arguments, own)
        return cast("T", response) if self.raw else response.parse()

    async def _respond(
        self, operation: Operation[T], arguments: Arguments, options: Options
    ) -> RawResponse[T]:
        if isinstance(operation, CreateOperation):
            from flora_runtime.starting import start

            return await start(self.session, operation, arguments, options)
        return await self.session.call(operation, arguments, options)

    def listing(
        self, operation: ListOperation[T], arguments: Arguments, options: Arguments
    ) -> Listing[T]:
        """What a pager reads. Arguments that cannot be right are refused before iterating."""
        own = options_of(operation.idempotency_header, options)
        self.session.draft(operation, arguments, own)
        return Listing(self.session, operation, arguments, own)

    async def wait(
        self,
        looking: ReadOperation[R],
        arguments: Arguments,
        patience: float | None,
        interval: float | None,
        on_progress: Callable[[R], object] | None,
    ) -> R:
        """Look at a run until it has ended."""
        from flora_runtime.polling import wait

        return await wait(self.session, looking, arguments, patience, on_progress, interval)

    async def do_and_wait(
        self,
        operation: CreateOperation[M],
        looking: ReadOperation[R],
        arguments: Arguments,
        options: Arguments,
        patience: float | None,
        interval: float | None,
        on_started: Callable[[M], object] | None,
        on_progress: Callable[[R], object] | None,
    ) -> R:
        """Start a run, tell its id, and look at it until it has ended."""
        from flora_runtime.polling import check_waiting, wait
        from flora_runtime.starting import start, started_id, told, where_to_look

        own = options_of(operation.idempotency_header, options)
        callbacks = {"on_started": on_started, "on_progress": on_progress}
        check_waiting(self.session.io, patience, interval, callbacks)
        if patience is not None and patience < 0:
            raise InvalidArgumentError("timeout is over before anything was started")
        run = (await start(self.session, operation, arguments, own)).parse()
        if on_started is not None:
            try:
                await self.session.io.settle(on_started(run))
            except BaseException as error:
                error.add_note(told(operation, run))
                mark(error, run.idempotency_key, started_id(operation, run))
                raise
        key = run.idempotency_key
        where = where_to_look(operation, looking, arguments, run)
        try:
            done = await wait(self.session, looking, where, patience, on_progress, interval)
        except BaseException as error:
            mark(error, key, started_id(operation, run))
            raise
        return evolve(done, call=evolve(done.call, idempotency_key=key))

    async def do_many(
        self,
        operation: CreateOperation[T],
        requests: Iterable[Arguments],
        max_concurrency: int,
        on_result: Callable[[int, T | FloraError], object] | None = None,
    ) -> list[T | FloraError]:
        """Many of the same, some at a time; each result or error in its place."""
        if on_result is not None:
            checked_function(on_result, "on_result", blocking=self.session.io.blocking)
        checked_count(max_concurrency, "max_concurrency", 1)
        jobs = [_Job(self, operation, r, n, on_result) for n, r in enumerate(requests)]
        try:
            results = await self.session.io.gather(jobs, max_concurrency)
        except BaseException as error:
            for note in (note for job in jobs for note in job.notes):
                if note not in getattr(error, "__notes__", ()):
                    error.add_note(note)
            raise
        return [_ours(r) if isinstance(r, Exception) else r for r in results]

    async def resume(self, operation: CreateOperation[T], key: str) -> T:
        """The run that was started under a key."""
        from flora_runtime.starting import resume

        return (await resume(self.session, operation, key)).parse()

    async def save(
        self,
        looking: Operation[Any],
        media: Media,
        run: Model,
        folder: str | Path,
        limits: Limits,
    ) -> list[Path]:
        """Save the outputs of a run."""
        from flora_runtime.files import download

        polling = looking.polling if isinstance(looking, ReadOperation) else None
        return await download(self.session, polling, media, run, folder, limits)


def _ours(error: Exception) -> FloraError:
    """An error that did not come from here, such as one of a function that gives the key: raised,
    it would take the results of the others with it."""
    if isinstance(error, FloraError):
        return error
    ours = FloraError(f"{type(error).__name__}: {error}")
    ours.__cause__ = error
    return ours


class _Job:
    """One of many, done when it is called. Unknown arguments are refused before any is sent."""

    def __init__(
        self,
        core: Core,
        operation: CreateOperation[Any],
        request: Arguments,
        number: int,
        on_result: Callable[[int, Any], object] | None,
    ) -> None:
        if not is_object(request):
            kind = type(request).__name__
            raise TypeError(f"{operation.name}: a request is a dictionary of arguments, not {kind}")
        names = {parameter.name for parameter in operation.parameters}
        unknown = sorted(request.keys() - names - OPTION_NAMES)
        if unknown:
            raise TypeError(f"{operation.name} takes no argument {unknown[0]!r}")
        self._core = core
        self._number, self._on_result = number, on_result
        self._operation = operation
        self._options = {n: value for n, value in request.items() if n in OPTION_NAMES}
        self._arguments = {n: value for n, value in request.items() if n in names}
        self.notes: list[str] = []
        """What must not be forgotten of it, should all be interrupted."""

    async def __call__(self) -> Any:
        from flora_runtime.starting import told

        try:
            result = await self._core.do(self._operation, self._arguments, self._options)
            self.notes.append(told(self._operation, result))
        except Exception as error:
            result = _ours(error)
        except BaseException as error:
            self.notes = list(getattr(error, "__notes__", ()))
            raise
        if self._on_result is not None:
            try:
                await self._core.session.io.settle(self._on_result(self._number, result))
            except Exception:  # no reason to take the others' runs away
                logger.exception("on_result failed")
        return result


def raw(method: Callable[P, T]) -> Callable[P, RawResponse[T]]:
    """The type of a method of a raw resource."""
    return cast("Callable[P, RawResponse[T]]", method)


def raw_async(method: Callable[P, Awaitable[T]]) -> Callable[P, Awaitable[RawResponse[T]]]:
    """The type of an asynchronous method of a raw resource."""
    return cast("Callable[P, Awaitable[RawResponse[T]]]", method)


def raw_list(method: Callable[P, Pager[T]]) -> Callable[P, RawResponse[Page[T]]]:
    """A method that answers with the first page of a list."""

    def first(*args: P.args, **kwargs: P.kwargs) -> RawResponse[Page[T]]:
        return method(*args, **kwargs).first()

    return first


def raw_list_async(
    method: Callable[P, AsyncPager[T]],
) -> Callable[P, Awaitable[RawResponse[Page[T]]]]:
    """An asynchronous method that answers with the first page of a list."""

    async def first(*args: P.args, **kwargs: P.kwargs) -> RawResponse[Page[T]]:
        return await method(*args, **kwargs).first()

    return first
