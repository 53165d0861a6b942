"""Projects: Where the results of a generation belong."""

from __future__ import annotations

from typing import Unpack

from flora_client import operations
from flora_client.models import (
    Project,
)
from flora_runtime.core import Core, raw_list, raw_list_async
from flora_runtime.operation import (
    CallOptions,
)
from flora_runtime.paging import AsyncPager, Pager


class Projects:
    """Where the results of a generation belong."""

    def __init__(self, core: Core) -> None:
        self._core = core

    @property
    def with_raw_response(self) -> ProjectsWithRawResponse:
        """The same methods, returning answers as they came: status, headers, body."""
        return ProjectsWithRawResponse(Projects(self._core.as_raw()))

    def list(
        self,
        *,
        workspace_id: str,
        cursor: str | None = None,
        limit: int | None = None,
        query: str | None = None,
        **options: Unpack[CallOptions],
    ) -> Pager[Project]:
        """List projects.

        The projects of a workspace, those with recent activity first. `cursor` leads from one
        page to the next.

        Args:
            workspace_id: Workspace whose projects are listed.
            cursor: Where the next page starts, as the page before gave it. Opaque.
            limit: Most results wanted on one page.
            query: Words to search for.
            options: `extra_body`, `extra_headers`, `extra_query`, `max_retries`, `timeout`.

        Returns: One page of projects.

        Raises: InvalidArgumentError, APIConnectionError, ResponseDecodingError, BadRequestError,
        AuthenticationError, PermissionDeniedError, NotFoundError, RateLimitError,
        InternalServerError.
        """
        return Pager(
            self._core.listing(
                operations.LIST_PROJECTS,
                {
                    "workspace_id": workspace_id,
                    "cursor": cursor,
                    "limit": limit,
                    "query": query,
                },
                options,
            )
        )


class ProjectsWithRawResponse:
    """The methods of `Projects`, returning answers as they came."""

    def __init__(self, resource: Projects) -> None:
        self.list = raw_list(resource.list)


class AsyncProjects:
    """Where the results of a generation belong."""

    def __init__(self, core: Core) -> None:
        self._core = core

    @property
    def with_raw_response(self) -> AsyncProjectsWithRawResponse:
        """The same methods, returning answers as they came: status, headers, body."""
        return AsyncProjectsWithRawResponse(AsyncProjects(self._core.as_raw()))

    def list(
        self,
        *,
        workspace_id: str,
        cursor: str | None = None,
        limit: int | None = None,
        query: str | None = None,
        **options: Unpack[CallOptions],
    ) -> AsyncPager[Project]:
        """List projects.

        The projects of a workspace, those with recent activity first. `cursor` leads from one
        page to the next.

        Args:
            workspace_id: Workspace whose projects are listed.
            cursor: Where the next page starts, as the page before gave it. Opaque.
            limit: Most results wanted on one page.
            query: Words to search for.
            options: `extra_body`, `extra_headers`, `extra_query`, `max_retries`, `timeout`.

        Returns: One page of projects.

        Raises: InvalidArgumentError, APIConnectionError, ResponseDecodingError, BadRequestError,
        AuthenticationError, PermissionDeniedError, NotFoundError, RateLimitError,
        InternalServerError.
        """
        return AsyncPager(
            self._core.listing(
                operations.LIST_PROJECTS,
                {
                    "workspace_id": workspace_id,
                    "cursor": cursor,
                    "limit": limit,
                    "query": query,
                },
                options,
            )
        )


class AsyncProjectsWithRawResponse:
    """The methods of `AsyncProjects`, returning answers as they came."""

    def __init__(self, resource: AsyncProjects) -> None:
        self.list = raw_list_async(resource.list)
