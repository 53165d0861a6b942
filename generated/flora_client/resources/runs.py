"""Runs: Older routes, kept for callers that still use them."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any, Literal, Unpack

from flora_client import operations
from flora_client.models import (
    GenerationType,
    RunAccepted,
)
from flora_runtime.core import Core, raw, raw_async
from flora_runtime.exchange import block_on
from flora_runtime.operation import (
    KeyedCallOptions,
)


class Runs:
    """Older routes, kept for callers that still use them."""

    def __init__(self, core: Core) -> None:
        self._core = core

    @property
    def with_raw_response(self) -> RunsWithRawResponse:
        """The same methods, returning answers as they came: status, headers, body."""
        return RunsWithRawResponse(Runs(self._core.as_raw()))

    def create(
        self,
        *,
        type: GenerationType | Literal["image", "video", "audio", "text"],
        prompt: str,
        workspace_id: str,
        project_id: str,
        model: str | None = None,
        params: Mapping[str, Any] | None = None,
        **options: Unpack[KeyedCallOptions],
    ) -> RunAccepted:
        """Start a generation (older route).

        The same request and the same answer as `POST /generate`, which replaces it.

        Deprecated: use generations.create instead.

        Args:
            type: Kind of output. Families of models such as `t2i` or `i2v` are not types.
            prompt: What to generate, in plain words.
            workspace_id: Workspace that is billed.
            project_id: Project whose canvas the generation is attached to.
            model: Endpoint id of a model of the same type, not its display name. The
                workspace's default is used when left out.
            params: Parameters of the chosen model, such as an aspect ratio or a seed.
            options: `expected_cost`, `extra_body`, `extra_headers`, `extra_query`,
                `idempotency_key`, `max_retries`, `timeout`.

        Returns: The run is queued.

        Raises: InvalidArgumentError, SpendLimitError, RunOutcomeUnknownError, APIConnectionError,
        ResponseDecodingError, BadRequestError, AuthenticationError, InsufficientCreditsError,
        PermissionDeniedError, NotFoundError, ConflictError, RateLimitError,
        InternalServerError.
        """
        warnings.warn(
            "runs.create: use generations.create instead", DeprecationWarning, stacklevel=2
        )
        return block_on(
            self._core.do(
                operations.CREATE_GENERATION_RUN,
                {
                    "type": type,
                    "prompt": prompt,
                    "workspace_id": workspace_id,
                    "project_id": project_id,
                    "model": model,
                    "params": params,
                },
                options,
            )
        )


class RunsWithRawResponse:
    """The methods of `Runs`, returning answers as they came."""

    def __init__(self, resource: Runs) -> None:
        self.create = raw(resource.create)


class AsyncRuns:
    """Older routes, kept for callers that still use them."""

    def __init__(self, core: Core) -> None:
        self._core = core

    @property
    def with_raw_response(self) -> AsyncRunsWithRawResponse:
        """The same methods, returning answers as they came: status, headers, body."""
        return AsyncRunsWithRawResponse(AsyncRuns(self._core.as_raw()))

    async def create(
        self,
        *,
        type: GenerationType | Literal["image", "video", "audio", "text"],
        prompt: str,
        workspace_id: str,
        project_id: str,
        model: str | None = None,
        params: Mapping[str, Any] | None = None,
        **options: Unpack[KeyedCallOptions],
    ) -> RunAccepted:
        """Start a generation (older route).

        The same request and the same answer as `POST /generate`, which replaces it.

        Deprecated: use generations.create instead.

        Args:
            type: Kind of output. Families of models such as `t2i` or `i2v` are not types.
            prompt: What to generate, in plain words.
            workspace_id: Workspace that is billed.
            project_id: Project whose canvas the generation is attached to.
            model: Endpoint id of a model of the same type, not its display name. The
                workspace's default is used when left out.
            params: Parameters of the chosen model, such as an aspect ratio or a seed.
            options: `expected_cost`, `extra_body`, `extra_headers`, `extra_query`,
                `idempotency_key`, `max_retries`, `timeout`.

        Returns: The run is queued.

        Raises: InvalidArgumentError, SpendLimitError, RunOutcomeUnknownError, APIConnectionError,
        ResponseDecodingError, BadRequestError, AuthenticationError, InsufficientCreditsError,
        PermissionDeniedError, NotFoundError, ConflictError, RateLimitError,
        InternalServerError.
        """
        warnings.warn(
            "runs.create: use generations.create instead", DeprecationWarning, stacklevel=2
        )
        return await self._core.do(
            operations.CREATE_GENERATION_RUN,
            {
                "type": type,
                "prompt": prompt,
                "workspace_id": workspace_id,
                "project_id": project_id,
                "model": model,
                "params": params,
            },
            options,
        )


class AsyncRunsWithRawResponse:
    """The methods of `AsyncRuns`, returning answers as they came."""

    def __init__(self, resource: AsyncRuns) -> None:
        self.create = raw_async(resource.create)
