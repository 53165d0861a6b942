"""Values that no server has given out, by which a request is known to be refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flora_contract.conformance.flora import values as flora

if TYPE_CHECKING:
    from flora_contract.openapi.behaviour import Resource

NOBODYS = "nobody0made0this"
"""Stands in every id that is made up here."""

GARBAGE = ("not-a-cursor", "%%%", "\N{SNOWMAN}", "x" * 2000)
"""Cursors that no server has given."""

MODEST = 2000
"""A free text of no more characters must be taken, where the contract states no maximum."""


def unknown(kind: Resource) -> str:
    """An id of a kind that nobody has."""
    return f"{kind.prefix}conformance0{NOBODYS}"


def unknowns(kind: Resource) -> tuple[str, ...]:
    """Ids of a kind that nobody has, and what may be taken for one."""
    return (unknown(kind), *flora.UNKNOWN.get(kind.kind, ()))


def is_unknown(kind: str, id_: str) -> bool:
    """Whether it is certain that a kind has no such id."""
    return NOBODYS in id_ or id_ in flora.UNKNOWN.get(kind, ())
