"""Values inside answers, whatever the answers are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def at_path(data: Any, path: Sequence[str]) -> Any:
    """The value at a path of keys; None where there is none."""
    for key in path:
        if not isinstance(data, Mapping):
            return None
        data = data.get(key)
    return data
