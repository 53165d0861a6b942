"""Values of the runtime as the Python that makes them."""

from __future__ import annotations

from typing import Any

from attrs import NOTHING, Factory, fields, has


class Name(str):
    """What the client calls something: printed as it is, and not as a string."""

    __slots__ = ()


def code(value: Any) -> str:
    """Python for a value; what a class would take by itself is left out."""
    if isinstance(value, Name):
        return str(value)
    if has(type(value)):
        given = {
            field.name: getattr(value, field.name)
            for field in fields(type(value))
            if getattr(value, field.name) != _default(field.default)
        }
        printed = ", ".join(f"{name}={code(each)}" for name, each in given.items())
        return f"{type(value).__name__}({printed})"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name!r}: {code(each)}" for name, each in value.items()) + "}"
    if isinstance(value, tuple):
        return "(" + ", ".join(map(code, value)) + ("," if len(value) == 1 else "") + ")"
    return repr(value)


def _default(default: Any) -> Any:
    if isinstance(default, Factory):  # type: ignore[arg-type]  # attrs types it as a function
        return default.factory()
    return NOTHING if default is NOTHING else default
