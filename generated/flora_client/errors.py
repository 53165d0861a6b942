"""The errors. Those of a run that was waited for in vain hold a run of this API."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flora_client.models import (
    Run,
)
from flora_runtime import errors
from flora_runtime.errors import (
    APIConnectionError,
    APIError,
    APITimeoutError,
    AuthenticationError,
    BadRequestError,
    ConflictError,
    DownloadError,
    DriftError,
    FieldError,
    FloraError,
    IdempotencyDuplicateError,
    InsufficientCreditsError,
    InternalServerError,
    InvalidArgumentError,
    NotFoundError,
    PaginationError,
    PermissionDeniedError,
    RateLimitError,
    ResponseDecodingError,
    RunOutcomeUnknownError,
    SpendLimitError,
    UnprocessableEntityError,
    UnsafeURLError,
)

__all__ = [
    "APIConnectionError",
    "APIError",
    "APITimeoutError",
    "AuthenticationError",
    "BadRequestError",
    "ConflictError",
    "DownloadError",
    "DriftError",
    "FieldError",
    "FloraError",
    "IdempotencyDuplicateError",
    "InsufficientCreditsError",
    "InternalServerError",
    "InvalidArgumentError",
    "NotFoundError",
    "PaginationError",
    "PermissionDeniedError",
    "RateLimitError",
    "ResponseDecodingError",
    "RunError",
    "RunFailedError",
    "RunOutcomeUnknownError",
    "SpendLimitError",
    "UnprocessableEntityError",
    "UnsafeURLError",
    "WaitTimeoutError",
]

if TYPE_CHECKING:

    class RunError(errors.RunError):
        """See `flora_runtime.errors.RunError`."""

        run: Run | None

    class RunFailedError(RunError, errors.RunFailedError):
        """See `flora_runtime.errors.RunFailedError`."""

    class WaitTimeoutError(RunError, errors.WaitTimeoutError):
        """See `flora_runtime.errors.WaitTimeoutError`."""


else:
    RunError = errors.RunError
    RunFailedError = errors.RunFailedError
    WaitTimeoutError = errors.WaitTimeoutError
