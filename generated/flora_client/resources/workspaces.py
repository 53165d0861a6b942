"""Workspaces: What is billed, and holds projects."""

from __future__ import annotations

from typing import Unpack

from flora_client import operations
from flora_client.models import (
    Workspace,
)
from flora_runtime.core import Core, raw_list, raw_list_async
from flora_runtime.operation import (
    CallOptions,
)
from flora_runtime.paging import AsyncPager, Pager


class Workspaces:
    """What is billed, and holds projects."""

    def __init__(self, core: Core) -> None:
        self._core = core

    @property
    def with_raw_response(self) -> WorkspacesWithRawResponse:
        """The same methods, returning answers as they came: status, headers, body."""
        return WorkspacesWithRawResponse(Workspaces(self._core.as_raw()))

    def list(self, **options: Unpack[CallOptions]) -> Pager[Workspace]:
        """List workspaces.

        Every workspace that the API key reaches, all at once.

        Args:
            options: `extra_body`, `extra_headers`, `extra_query`, `max_retries`, `timeout`.

        Returns: The workspaces.

        Raises: InvalidArgumentError, APIConnectionError, ResponseDecodingError, BadRequestError,
        AuthenticationError, PermissionDeniedError, NotFoundError, RateLimitError,
        InternalServerError.
        """
        return Pager(self._core.listing(operations.LIST_WORKSPACES, {}, options))


class WorkspacesWithRawResponse:
    """The methods of `Workspaces`, returning answers as they came."""

    def __init__(self, resource: Workspaces) -> None:
        self.list = raw_list(resource.list)


class AsyncWorkspaces:
    """What is billed, and holds projects."""

    def __init__(self, core: Core) -> None:
        self._core = core

    @property
    def with_raw_response(self) -> AsyncWorkspacesWithRawResponse:
        """The same methods, returning answers as they came: status, headers, body."""
        return AsyncWorkspacesWithRawResponse(AsyncWorkspaces(self._core.as_raw()))

    def list(self, **options: Unpack[CallOptions]) -> AsyncPager[Workspace]:
        """List workspaces.

        Every workspace that the API key reaches, all at once.

        Args:
            options: `extra_body`, `extra_headers`, `extra_query`, `max_retries`, `timeout`.

        Returns: The workspaces.

        Raises: InvalidArgumentError, APIConnectionError, ResponseDecodingError, BadRequestError,
        AuthenticationError, PermissionDeniedError, NotFoundError, RateLimitError,
        InternalServerError.
        """
        return AsyncPager(self._core.listing(operations.LIST_WORKSPACES, {}, options))


class AsyncWorkspacesWithRawResponse:
    """The methods of `AsyncWorkspaces`, returning answers as they came."""

    def __init__(self, resource: AsyncWorkspaces) -> None:
        self.list = raw_list_async(resource.list)
