"""Generations: One-off runs of a single model, and the history of them."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Literal, Unpack

from flora_client import operations
from flora_client.models import (
    Generation,
    GenerationType,
    Run,
    RunAccepted,
    RunStatus,
)
from flora_client.types import CreateGenerationRequest
from flora_runtime.core import Core, raw, raw_async, raw_list, raw_list_async
from flora_runtime.errors import FloraError
from flora_runtime.exchange import block_on
from flora_runtime.operation import (
    CallOptions,
    KeyedCallOptions,
    KeyedRequestOptions,
)
from flora_runtime.options import Limits
from flora_runtime.paging import AsyncPager, Pager


class Generations:
    """One-off runs of a single model, and the history of them."""

    def __init__(self, core: Core) -> None:
        self._core = core

    @property
    def with_raw_response(self) -> GenerationsWithRawResponse:
        """The same methods, returning answers as they came: status, headers, body."""
        return GenerationsWithRawResponse(Generations(self._core.as_raw()))

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
        """Start a generation.

        Queues one run of a model and answers at once. The run is then followed with `GET
        /runs/{runId}`.

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
        return block_on(
            self._core.do(
                operations.CREATE_GENERATION,
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

    def create_and_wait(
        self,
        *,
        type: GenerationType | Literal["image", "video", "audio", "text"],
        prompt: str,
        workspace_id: str,
        project_id: str,
        model: str | None = None,
        params: Mapping[str, Any] | None = None,
        timeout: float | None = None,
        poll_interval: float | None = None,
        on_started: Callable[[RunAccepted], object] | None = None,
        on_progress: Callable[[Run], object] | None = None,
        **options: Unpack[KeyedRequestOptions],
    ) -> Run:
        """`create`, then wait until the run has ended.

        `on_started` is called with the run before waiting begins: note its id there, and nothing
        is lost if waiting is cut short. `timeout` and `poll_interval` are of waiting, as in `wait`;
        the other options are those of `create`.
        """
        return block_on(
            self._core.do_and_wait(
                operations.CREATE_GENERATION,
                operations.GET_RUN,
                {
                    "type": type,
                    "prompt": prompt,
                    "workspace_id": workspace_id,
                    "project_id": project_id,
                    "model": model,
                    "params": params,
                },
                options,
                timeout,
                poll_interval,
                on_started,
                on_progress,
            )
        )

    def create_many(
        self,
        requests: Iterable[CreateGenerationRequest],
        *,
        max_concurrency: int = 4,
        on_result: Callable[[int, RunAccepted | FloraError], object] | None = None,
    ) -> builtins.list[RunAccepted | FloraError]:
        """Many calls of `create`, some at a time.

        Returns what each returned or raised, in order: one failure does not touch the others.
        `on_result` is called with the number of a request, counted from 0, and what became of it
        as soon as that is known.
        """
        return block_on(
            self._core.do_many(operations.CREATE_GENERATION, requests, max_concurrency, on_result)
        )

    def resume(self, idempotency_key: str) -> RunAccepted:
        """The run that a call of `create` with this key has started. Starts nothing.

        Known to the client that made the call, and to every client with the same journal. Raises
        RunOutcomeUnknownError where it cannot be told.
        """
        return block_on(self._core.resume(operations.CREATE_GENERATION, idempotency_key))

    def retrieve(self, run_id: str, **options: Unpack[CallOptions]) -> Run:
        """Get a run.

        Status of a run of any kind, with its outputs once it is completed and its error once it
        has failed. A good pace is one look every 2 to 5 seconds.

        Args:
            run_id: Run to look up.
            options: `extra_body`, `extra_headers`, `extra_query`, `max_retries`, `timeout`.

        Returns: The run as it stands.

        Raises: InvalidArgumentError, APIConnectionError, ResponseDecodingError, BadRequestError,
        AuthenticationError, PermissionDeniedError, NotFoundError, RateLimitError,
        InternalServerError.
        """
        return block_on(
            self._core.do(
                operations.GET_RUN,
                {
                    "run_id": run_id,
                },
                options,
            )
        )

    def wait(
        self,
        run_id: str,
        *,
        timeout: float | None = None,
        poll_interval: float | None = None,
        on_progress: Callable[[Run], object] | None = None,
    ) -> Run:
        """Look at the run until it has ended, at the pace the API asks for or every
        `poll_interval` seconds.

        Returns the run once it is completed. Raises RunFailedError if it fails, RunError for a
        status that nobody knows, and WaitTimeoutError after `timeout` seconds (600 if left
        out); the run goes on, and can be waited for again.
        """
        return block_on(
            self._core.wait(
                operations.GET_RUN,
                {
                    "run_id": run_id,
                },
                timeout,
                poll_interval,
                on_progress,
            )
        )

    def download(
        self,
        run: Run | Generation,
        folder: str | Path,
        *,
        timeout: float = 300.0,
        max_bytes: int = 2 * 1024**3,
        max_retries: int = 2,
        max_concurrency: int = 4,
        overwrite: bool = False,
    ) -> builtins.list[Path]:
        """Save every output of a completed run into a folder, under its id and their own.

        Returns the paths, in order. Another file that is there already stays, unless `overwrite` is
        true. `timeout` counts seconds for each attempt at a file. Raises DownloadError if one
        cannot be saved, after the others have been; UnsafeURLError for an address that no file
        should come from.
        """
        return block_on(
            self._core.save(
                operations.GET_RUN,
                operations.GET_RUN_MEDIA,
                run,
                folder,
                Limits(timeout, max_bytes, max_retries, max_concurrency, overwrite),
            )
        )

    def list(
        self,
        *,
        cursor: str | None = None,
        limit: int | None = None,
        project_id: str | None = None,
        status: RunStatus | Literal["pending", "running", "completed", "failed"] | None = None,
        workspace_id: str | None = None,
        **options: Unpack[CallOptions],
    ) -> Pager[Generation]:
        """List generation history.

        The caller's generations in every status, newest first. Filters are combined; `cursor`
        leads from one page to the next.

        Args:
            cursor: Where the next page starts, as the page before gave it. Opaque.
            limit: Most results wanted on one page.
            project_id: Only generations of this project.
            status: Only generations in this status.
            workspace_id: Only generations of this workspace.
            options: `extra_body`, `extra_headers`, `extra_query`, `max_retries`, `timeout`.

        Returns: One page of the history.

        Raises: InvalidArgumentError, APIConnectionError, ResponseDecodingError, BadRequestError,
        AuthenticationError, PermissionDeniedError, NotFoundError, RateLimitError,
        InternalServerError.
        """
        return Pager(
            self._core.listing(
                operations.LIST_GENERATIONS,
                {
                    "cursor": cursor,
                    "limit": limit,
                    "project_id": project_id,
                    "status": status,
                    "workspace_id": workspace_id,
                },
                options,
            )
        )


class GenerationsWithRawResponse:
    """The methods of `Generations`, returning answers as they came."""

    def __init__(self, resource: Generations) -> None:
        self.create = raw(resource.create)
        self.retrieve = raw(resource.retrieve)
        self.list = raw_list(resource.list)


class AsyncGenerations:
    """One-off runs of a single model, and the history of them."""

    def __init__(self, core: Core) -> None:
        self._core = core

    @property
    def with_raw_response(self) -> AsyncGenerationsWithRawResponse:
        """The same methods, returning answers as they came: status, headers, body."""
        return AsyncGenerationsWithRawResponse(AsyncGenerations(self._core.as_raw()))

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
        """Start a generation.

        Queues one run of a model and answers at once. The run is then followed with `GET
        /runs/{runId}`.

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
        return await self._core.do(
            operations.CREATE_GENERATION,
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

    async def create_and_wait(
        self,
        *,
        type: GenerationType | Literal["image", "video", "audio", "text"],
        prompt: str,
        workspace_id: str,
        project_id: str,
        model: str | None = None,
        params: Mapping[str, Any] | None = None,
        timeout: float | None = None,
        poll_interval: float | None = None,
        on_started: Callable[[RunAccepted], object] | None = None,
        on_progress: Callable[[Run], object] | None = None,
        **options: Unpack[KeyedRequestOptions],
    ) -> Run:
        """`create`, then wait until the run has ended.

        `on_started` is called with the run before waiting begins: note its id there, and nothing
        is lost if waiting is cut short. `timeout` and `poll_interval` are of waiting, as in `wait`;
        the other options are those of `create`.
        """
        return await self._core.do_and_wait(
            operations.CREATE_GENERATION,
            operations.GET_RUN,
            {
                "type": type,
                "prompt": prompt,
                "workspace_id": workspace_id,
                "project_id": project_id,
                "model": model,
                "params": params,
            },
            options,
            timeout,
            poll_interval,
            on_started,
            on_progress,
        )

    async def create_many(
        self,
        requests: Iterable[CreateGenerationRequest],
        *,
        max_concurrency: int = 4,
        on_result: Callable[[int, RunAccepted | FloraError], object] | None = None,
    ) -> builtins.list[RunAccepted | FloraError]:
        """Many calls of `create`, some at a time.

        Returns what each returned or raised, in order: one failure does not touch the others.
        `on_result` is called with the number of a request, counted from 0, and what became of it
        as soon as that is known.
        """
        return await self._core.do_many(
            operations.CREATE_GENERATION, requests, max_concurrency, on_result
        )

    async def resume(self, idempotency_key: str) -> RunAccepted:
        """The run that a call of `create` with this key has started. Starts nothing.

        Known to the client that made the call, and to every client with the same journal. Raises
        RunOutcomeUnknownError where it cannot be told.
        """
        return await self._core.resume(operations.CREATE_GENERATION, idempotency_key)

    async def retrieve(self, run_id: str, **options: Unpack[CallOptions]) -> Run:
        """Get a run.

        Status of a run of any kind, with its outputs once it is completed and its error once it
        has failed. A good pace is one look every 2 to 5 seconds.

        Args:
            run_id: Run to look up.
            options: `extra_body`, `extra_headers`, `extra_query`, `max_retries`, `timeout`.

        Returns: The run as it stands.

        Raises: InvalidArgumentError, APIConnectionError, ResponseDecodingError, BadRequestError,
        AuthenticationError, PermissionDeniedError, NotFoundError, RateLimitError,
        InternalServerError.
        """
        return await self._core.do(
            operations.GET_RUN,
            {
                "run_id": run_id,
            },
            options,
        )

    async def wait(
        self,
        run_id: str,
        *,
        timeout: float | None = None,
        poll_interval: float | None = None,
        on_progress: Callable[[Run], object] | None = None,
    ) -> Run:
        """Look at the run until it has ended, at the pace the API asks for or every
        `poll_interval` seconds.

        Returns the run once it is completed. Raises RunFailedError if it fails, RunError for a
        status that nobody knows, and WaitTimeoutError after `timeout` seconds (600 if left
        out); the run goes on, and can be waited for again.
        """
        return await self._core.wait(
            operations.GET_RUN,
            {
                "run_id": run_id,
            },
            timeout,
            poll_interval,
            on_progress,
        )

    async def download(
        self,
        run: Run | Generation,
        folder: str | Path,
        *,
        timeout: float = 300.0,
        max_bytes: int = 2 * 1024**3,
        max_retries: int = 2,
        max_concurrency: int = 4,
        overwrite: bool = False,
    ) -> builtins.list[Path]:
        """Save every output of a completed run into a folder, under its id and their own.

        Returns the paths, in order. Another file that is there already stays, unless `overwrite` is
        true. `timeout` counts seconds for each attempt at a file. Raises DownloadError if one
        cannot be saved, after the others have been; UnsafeURLError for an address that no file
        should come from.
        """
        return await self._core.save(
            operations.GET_RUN,
            operations.GET_RUN_MEDIA,
            run,
            folder,
            Limits(timeout, max_bytes, max_retries, max_concurrency, overwrite),
        )

    def list(
        self,
        *,
        cursor: str | None = None,
        limit: int | None = None,
        project_id: str | None = None,
        status: RunStatus | Literal["pending", "running", "completed", "failed"] | None = None,
        workspace_id: str | None = None,
        **options: Unpack[CallOptions],
    ) -> AsyncPager[Generation]:
        """List generation history.

        The caller's generations in every status, newest first. Filters are combined; `cursor`
        leads from one page to the next.

        Args:
            cursor: Where the next page starts, as the page before gave it. Opaque.
            limit: Most results wanted on one page.
            project_id: Only generations of this project.
            status: Only generations in this status.
            workspace_id: Only generations of this workspace.
            options: `extra_body`, `extra_headers`, `extra_query`, `max_retries`, `timeout`.

        Returns: One page of the history.

        Raises: InvalidArgumentError, APIConnectionError, ResponseDecodingError, BadRequestError,
        AuthenticationError, PermissionDeniedError, NotFoundError, RateLimitError,
        InternalServerError.
        """
        return AsyncPager(
            self._core.listing(
                operations.LIST_GENERATIONS,
                {
                    "cursor": cursor,
                    "limit": limit,
                    "project_id": project_id,
                    "status": status,
                    "workspace_id": workspace_id,
                },
                options,
            )
        )


class AsyncGenerationsWithRawResponse:
    """The methods of `AsyncGenerations`, returning answers as they came."""

    def __init__(self, resource: AsyncGenerations) -> None:
        self.create = raw_async(resource.create)
        self.retrieve = raw_async(resource.retrieve)
        self.list = raw_list_async(resource.list)
