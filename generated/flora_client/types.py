"""Types to write down beside the models: pages, raw answers, and requests as dictionaries."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NotRequired, Required

from flora_client.models import (
    GenerationType,
)
from flora_runtime.operation import CallOptions, KeyedCallOptions
from flora_runtime.paging import AsyncPager, Page, Pager
from flora_runtime.session import RawResponse
from flora_runtime.unset import UNSET, Unset

__all__ = [
    "UNSET",
    "AsyncPager",
    "CallOptions",
    "KeyedCallOptions",
    "Page",
    "Pager",
    "RawResponse",
    "Unset",
    "CreateGenerationRequest",
]


class CreateGenerationRequest(KeyedCallOptions, total=False):
    """What `generations.create` takes, as a dictionary."""

    type: Required[GenerationType | Literal["image", "video", "audio", "text"]]
    """Kind of output. Families of models such as `t2i` or `i2v` are not types."""

    prompt: Required[str]
    """What to generate, in plain words."""

    workspace_id: Required[str]
    """Workspace that is billed."""

    project_id: Required[str]
    """Project whose canvas the generation is attached to."""

    model: NotRequired[str | None]
    """Endpoint id of a model of the same type, not its display name. The workspace's default is
    used when left out."""

    params: NotRequired[Mapping[str, Any] | None]
    """Parameters of the chosen model, such as an aspect ratio or a seed."""
