"""Enums that stay open: a value that a newer server sends is a member too, only not a known one."""

from __future__ import annotations

from enum import IntEnum, StrEnum
from typing import Any, Self


class _Open:
    _value_: Any

    def __reduce_ex__(self, _protocol: object) -> tuple[type[Self], tuple[Any]]:
        # By value: the enums of early Python 3.11 go by name, which no unknown value has.
        return type(self), (self._value_,)

    @property
    def is_known(self) -> bool:
        """Whether the contract names this value."""
        members: Any = type(self)
        return self._value_ in members._value2member_map_


class OpenStrEnum(_Open, StrEnum):
    """A string enum. An unknown value equals its string, can be pickled, and is never iterated."""

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        if not isinstance(value, str):
            return None
        member = str.__new__(cls, value)
        member._name_ = member._value_ = value
        return member


class OpenIntEnum(_Open, IntEnum):
    """An integer enum. An unknown value equals its integer."""

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        if not isinstance(value, int):
            return None
        member = int.__new__(cls, value)
        member._name_, member._value_ = f"UNKNOWN_{value}", value
        return member
