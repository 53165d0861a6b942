"""Models: What a generation can be made with."""

from __future__ import annotations

from typing import Literal, Unpack

from flora_client import operations
from flora_client.models import (
    GenerationType,
    Model,
)
from flora_runtime.core import Core, raw_list, raw_list_async
from flora_runtime.operation import (
    CallOptions,
)
from flora_runtime.paging import AsyncPager, Pager


class Models:
    """What a generation can be made with."""

    def __init__(self, core: Core) -> None:
        self._core = core

    @property
    def with_raw_response(self) -> ModelsWithRawResponse:
        """The same methods, returning answers as they came: status, headers, body."""
        return ModelsWithRawResponse(Models(self._core.as_raw()))

    def list(
        self,
        *,
        type: GenerationType | Literal["image", "video", "audio", "text"] | None = None,
        **options: Unpack[CallOptions],
    ) -> Pager[Model]:
        """List models.

        Every model that the caller can use, all at once.

        Args:
            type: Only models of this type.
            options: `extra_body`, `extra_headers`, `extra_query`, `max_retries`, `timeout`.

        Returns: The models.

        Raises: InvalidArgumentError, APIConnectionError, ResponseDecodingError, BadRequestError,
        AuthenticationError, PermissionDeniedError, NotFoundError, RateLimitError,
        InternalServerError.
        """
        return Pager(
            self._core.listing(
                operations.LIST_MODELS,
                {
                    "type": type,
                },
                options,
            )
        )


class ModelsWithRawResponse:
    """The methods of `Models`, returning answers as they came."""

    def __init__(self, resource: Models) -> None:
        self.list = raw_list(resource.list)


class AsyncModels:
    """What a generation can be made with."""

    def __init__(self, core: Core) -> None:
        self._core = core

    @property
    def with_raw_response(self) -> AsyncModelsWithRawResponse:
        """The same methods, returning answers as they came: status, headers, body."""
        return AsyncModelsWithRawResponse(AsyncModels(self._core.as_raw()))

    def list(
        self,
        *,
        type: GenerationType | Literal["image", "video", "audio", "text"] | None = None,
        **options: Unpack[CallOptions],
    ) -> AsyncPager[Model]:
        """List models.

        Every model that the caller can use, all at once.

        Args:
            type: Only models of this type.
            options: `extra_body`, `extra_headers`, `extra_query`, `max_retries`, `timeout`.

        Returns: The models.

        Raises: InvalidArgumentError, APIConnectionError, ResponseDecodingError, BadRequestError,
        AuthenticationError, PermissionDeniedError, NotFoundError, RateLimitError,
        InternalServerError.
        """
        return AsyncPager(
            self._core.listing(
                operations.LIST_MODELS,
                {
                    "type": type,
                },
                options,
            )
        )


class AsyncModelsWithRawResponse:
    """The methods of `AsyncModels`, returning answers as they came."""

    def __init__(self, resource: AsyncModels) -> None:
        self.list = raw_list_async(resource.list)
