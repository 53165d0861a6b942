"""Which of many changes to read first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flora_contract.diff.rules import Level

if TYPE_CHECKING:
    from flora_contract.diff.judging.changes import Change

MANY = 20
"""Changes that can be read as they come; more are summed up first."""

_FOREMOST = 10


def foremost(changes: list[Change]) -> list[Change]:
    """The ten changes that matter most: the worst, and of these what most operations meet.

    None where there are few enough to read them all, and none that is safe or accepted.
    """
    if len(changes) <= MANY:
        return []
    open_ones = [one for one in changes if one.level is not Level.SAFE and one.accepted is None]
    return sorted(open_ones, key=lambda one: (one.level.rank, -one.breadth))[:_FOREMOST]
