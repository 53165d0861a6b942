"""Every error of the client.

All can be pickled and copied, and none shows a key.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Self

from attrs import frozen

from flora_runtime.paths import one_line

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from decimal import Decimal
    from pathlib import Path

    from flora_runtime.drift import Drift


class FloraError(Exception):
    """Base of all errors of the client."""

    idempotency_key: str | None = None
    """Key of the request, where it had one; it stayed the same over all attempts."""
    run_id: str | None = None
    """The run that was started, where it is known."""
    attempts: int = 0
    """Requests that were sent."""
    may_have_started: bool = False
    """Whether an attempt whose outcome is unknown may have been accepted, and charged."""

    def __str__(self) -> str:
        text = super().__str__()
        if self.may_have_started and not isinstance(self, RunOutcomeUnknownError):
            text += " The request may have been accepted and charged: "
            if self.idempotency_key is None:
                text += "look for what it made before sending it again."
            else:
                text += (
                    "to find out, repeat the call"
                    f" with idempotency_key={self.idempotency_key!r}; it starts nothing twice."
                )
        return text

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (type(self), self.args, self.__dict__)


def mark(error: BaseException, key: str | None, run_id: str | None) -> None:
    """Let an error of any class name the request, and the run, that it interrupts."""
    known = {"idempotency_key": key, "run_id": run_id}
    vars(error).update({name: value for name, value in known.items() if value is not None})


def _restore(cls: type[FloraError], args: tuple[Any, ...], state: dict[str, Any]) -> FloraError:
    error = cls.__new__(cls, *args)
    error.__dict__.update(state)
    return error


class InvalidArgumentError(FloraError, ValueError):
    """An argument is refused before any request; the message says what to write instead."""


class UnsafeURLError(FloraError):
    """A URL leads where the key must not go, or where a file must not come from."""


class SpendLimitError(FloraError):
    """The client has spent its limit, and starts no more. Raise `spend_limit` to go on."""

    def __init__(self, spent: Decimal, limit: Decimal) -> None:
        super().__init__(
            f"nothing was sent: {spent} US dollars are spent, or on their way to be, of a limit of"
            f" {limit}; raise spend_limit= to go on"
        )
        self.spent = spent
        self.limit = limit


class APIConnectionError(FloraError):
    """No answer came: no connection, or one that broke."""

    never_sent: bool = False
    """Whether there was no connection at all, so that the API cannot have done anything."""


class APITimeoutError(APIConnectionError):
    """No answer came in time."""


@frozen
class FieldError:
    """What is wrong with one field of a request, in the words of the API."""

    field: str
    message: str


class APIError(FloraError):
    """The API answered with an error. `status_code` tells the kind, `code` the reason."""

    remedy: ClassVar[str] = ""

    def __init__(
        self,
        *,
        status_code: int,
        code: str | None = None,
        message: str = "",
        fields: Sequence[FieldError] = (),
        request_id: str | None = None,
        body: Any = None,
        retry_after: float | None = None,
        should_retry: bool | None = None,
    ) -> None:
        reason = f"{status_code} {code}" if code else f"{status_code}"
        text = f"{reason}: {message}" if message else reason
        if self.remedy:
            text = f"{text.rstrip('.')}. {self.remedy}"
        if request_id:
            text += f" (request {request_id})"
        super().__init__(text)
        self.status_code = status_code
        self.code = code
        self.message = message
        self.fields = tuple(fields)
        self.request_id = request_id
        self.body = body
        self.retry_after = retry_after
        """Seconds that the API asks to wait."""
        self.should_retry = should_retry
        """What the API says of sending it again, in `x-should-retry`; None where it is silent."""


class BadRequestError(APIError):
    """400: the request is wrong. `fields` says where."""

    remedy = "Correct the request; sending it again unchanged cannot succeed."


class AuthenticationError(APIError):
    """401: the key is missing, wrong or revoked."""

    remedy = "Check the API key."


class InsufficientCreditsError(APIError):
    """402: the workspace has too few credits."""

    remedy = "Add credits to the workspace."


class PermissionDeniedError(APIError):
    """403: the key has no right to this."""

    remedy = "Use a key that has access."


class NotFoundError(APIError):
    """404: there is no such thing for this key."""

    remedy = "Check the id, and that the key may see it."


class ConflictError(APIError):
    """409: the request contradicts what is there."""


class IdempotencyDuplicateError(ConflictError):
    """409: this idempotency key was used before; nothing was started again."""

    remedy = "Its run is in the history."


class UnprocessableEntityError(APIError):
    """422: the request is understood, and cannot be done."""

    remedy = "Correct the request; sending it again unchanged cannot succeed."


class RateLimitError(APIError):
    """429: too many requests. `retry_after` says for how long, where the API tells."""

    remedy = "Send less at a time, or wait."


class InternalServerError(APIError):
    """500 and above: the API, or something before it, is at fault."""

    remedy = "Try again later."


STATUS_CLASSES: Mapping[int, type[APIError]] = {
    400: BadRequestError,
    401: AuthenticationError,
    402: InsufficientCreditsError,
    403: PermissionDeniedError,
    404: NotFoundError,
    409: ConflictError,
    422: UnprocessableEntityError,
    429: RateLimitError,
}


def class_of_status(status_code: int) -> type[APIError]:
    """The class of errors with this status."""
    if status_code >= 500:
        return InternalServerError
    return STATUS_CLASSES.get(status_code, APIError)


class ResponseDecodingError(FloraError):
    """The API answered with success, in a form that cannot be read."""

    def __init__(
        self, problem: str, *, status_code: int, body: Any, request_id: str | None = None
    ) -> None:
        super().__init__(f"{status_code}: the answer cannot be read: {problem}")
        self.status_code = status_code
        self.body = body
        self.request_id = request_id


class DriftError(ResponseDecodingError):
    """An answer differs from the contract, and the client is strict."""

    def __init__(self, drifts: Sequence[Drift], **answer: Any) -> None:
        super().__init__("; ".join(map(str, drifts)), **answer)
        self.drifts = tuple(drifts)


class RunOutcomeUnknownError(FloraError):
    """A run may have been started, and which one it is cannot be told.

    Nothing was started twice, and nothing will be. Look at `candidates`, or list what was started
    within `window`.
    """

    def __init__(
        self,
        *,
        idempotency_key: str,
        window: tuple[datetime, datetime] | None,
        candidates: Sequence[Any],
        reason: str,
    ) -> None:
        super().__init__(
            f"a run may have been started under idempotency key {idempotency_key}, and which it is"
            f" cannot be told: {reason}. If so it is paid for: look for it among the newest runs"
        )
        self.idempotency_key = idempotency_key
        self.may_have_started = True
        self.window = window
        """When it was started, by the server's clock; None where the server shows no clock."""
        self.candidates = tuple(candidates)


class RunError(FloraError):
    """What is known of a run that was waited for in vain. A receipt: nothing needs to be redone."""

    def __init__(
        self,
        text: str,
        *,
        run_id: str,
        status: str | None,
        progress: float | None,
        charged_cost: Decimal | None,
        run: Any,
    ) -> None:
        super().__init__(text)
        self.run_id: str = run_id  # pyright: ignore[reportIncompatibleVariableOverride]
        self.status = status
        self.progress = progress
        self.charged_cost = charged_cost
        self.run = run
        """The run as it was last seen; None if it never was."""


class RunFailedError(RunError):
    """The run ended as failed; `error_code` and `error_message` say why."""

    def __init__(
        self, text: str, *, error_code: str | None, error_message: str | None, **receipt: Any
    ) -> None:
        super().__init__(text, **receipt)
        self.error_code = error_code
        self.error_message = error_message


class WaitTimeoutError(RunError):
    """The time was up and the run had not ended. It goes on, and can be waited for again."""

    def __init__(self, text: str, *, elapsed: float, **receipt: Any) -> None:
        super().__init__(text, **receipt)
        self.elapsed = elapsed
        """Seconds waited."""


class PaginationError(FloraError):
    """A list gave the same cursor, or the same page, twice, and would never end."""

    def __init__(self, cursor: str) -> None:
        super().__init__(
            "the list repeats itself: the API gave the same cursor or page twice; start again from"
            " an earlier one, or report this to the API's makers"
        )
        self.cursor = cursor


class DownloadError(FloraError):
    """A file could not be saved. `saved` names those of the same call that were."""

    saved: tuple[Path, ...] = ()

    @classmethod
    def of(cls, output_id: str, problem: str) -> Self:
        """The error of one output."""
        return cls(one_line(f"output {output_id} was not saved: {problem}"))
