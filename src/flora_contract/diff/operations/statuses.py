"""Which response describes what a status brings: its own, that of its range, or the default."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

DEFAULT = "default"


def plainly(status: str) -> str:
    """A status as it is compared: 2XX and 2xx are one range."""
    return status.upper() if len(status) == 3 and status[1:].lower() == "xx" else status


def is_range(status: str) -> bool:
    """Whether a status stands for all that begin with its digit."""
    return status[1:] == "XX"


def is_success(status: str) -> bool:
    """Whether a status says that all went well."""
    return status.startswith("2")


def describing(status: str, among: Mapping[str, object]) -> str | None:
    """The response that holds for a status that is not listed itself; None if none does.

    The default is for what goes wrong: whoever expects success finds no success there.
    """
    around = f"{status[:1]}XX"
    if status != DEFAULT and not is_range(status) and around in among:
        return around
    return DEFAULT if status != DEFAULT and not is_success(status) and DEFAULT in among else None


def announcing(status: str, before: Mapping[str, object]) -> str | None:
    """The response that held for a status before it was listed: a default that stood alone, too."""
    if DEFAULT in before and is_success(status) and not any(map(is_success, before)):
        return DEFAULT
    return describing(status, before)


def within(status: str, among: Iterable[str]) -> list[str]:
    """The statuses that lie in a range."""
    inside = [one for one in among if one[:1] == status[:1] and one != status]
    return inside if is_range(status) else []
