"""Values inside answers, whatever the answers are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeGuard


def is_object(value: object) -> TypeGuard[Mapping[str, Any]]:
    """Whether a value is a JSON object."""
    return isinstance(value, Mapping)


def is_array(value: object) -> TypeGuard[Sequence[Any]]:
    """Whether a value is a JSON array, or was one."""
    return isinstance(value, list | tuple)


def at_path(data: Any, path: Sequence[str]) -> Any:
    """The value at a path of keys; None where there is none."""
    for key in path:
        if not is_object(data):
            return None
        data = data.get(key)
    return data


def one_line(text: str, most: int = 500) -> str:
    """Text of an answer so that it can be printed anywhere, and forges no line of a log."""
    line = " ".join(text.split())[:most]
    return "".join(c if c.isprintable() else "?" for c in line)


def text_at(data: Any, path: Sequence[str]) -> str | None:
    """The text at a path of keys; None where there is none."""
    value = at_path(data, path)
    return value if isinstance(value, str) else None
