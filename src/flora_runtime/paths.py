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


def at_path(data: Any, path: str | None) -> Any:
    """The value at a dotted path of keys; None where there is none."""
    for key in path.split(".") if path is not None else ():
        if not is_object(data):
            return None
        data = data.get(key)
    return data if path is not None else None


def without(data: Mapping[str, Any], path: str) -> dict[str, Any]:
    """An object without the value at a dotted path, which is there."""
    head, _, rest = path.partition(".")
    others = {name: value for name, value in data.items() if name != head}
    return {**others, head: without(data[head], rest)} if rest else others


def one_line(text: str, most: int = 500) -> str:
    """Text of an answer so that it can be printed anywhere, and forges no line of a log."""
    line = " ".join(text.split())[:most]
    return "".join(c if c.isprintable() else "?" for c in line)


def text_at(data: Any, path: str | None) -> str | None:
    """The text at a dotted path of keys; None where there is none."""
    value = at_path(data, path)
    return value if isinstance(value, str) else None
