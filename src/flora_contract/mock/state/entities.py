"""What is kept of a resource, whatever its kind: written once, and what the clock makes of it.

Everything about an entity that moves by itself is decided when it is created. Nothing is written
when it moves on, so that one in its final state cannot change.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from functools import cached_property
from itertools import combinations, product
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from flora_contract.mock.state.ids import IdForm

    Getter = Callable[["Entity"], Any]
    Facet = tuple[str, str, tuple[tuple[str, Any], ...], str]
    Position = tuple[bytes, int]

MICROS: Final = 1_000_000
"""Money is kept in millionths of a dollar, so that sums are exact."""

FIRST_SHARE: Final = 250
"""Thousandths of its time that an entity is in its first state; the others share the rest."""

_MASK: Final = (1 << 64) - 1


@dataclass(slots=True)
class Entity:
    """One thing that the API keeps. Times are epoch milliseconds, cost is micro-dollars.

    `owner` is an account, or empty for everyone. `members` are those of the request that created
    it and of its path. `facts` are members that were decided then, by their paths. `ended` is when
    the state `final` begins; where there is no life, it has ended when it is created.
    """

    kind: str
    owner: str
    members: dict[str, Any]
    id: str = ""
    created: int = 0
    updated: int = 0
    ended: int = 0
    final: str = ""
    cost: int = 0
    facts: dict[str, Any] = field(default_factory=dict)
    seq: int = 0


@dataclass(frozen=True)
class Steps:
    """The states that entities of a kind go through, and the finals that one of them ends in."""

    order: tuple[tuple[str, ...], ...]
    failed: frozenset[str]

    @cached_property
    def shares(self) -> tuple[int, ...]:
        """Thousandths of the whole time after which each step begins."""
        last = len(self.order) - 1
        rest = 1000 - FIRST_SHARE
        return (0, *(FIRST_SHARE + rest * n // (last - 1) for n in range(last - 1)), 1000)

    @property
    def states(self) -> tuple[str, ...]:
        return tuple(state for step in self.order for state in step)

    def begins(self, entity: Entity, step: int) -> int:
        """When a step begins."""
        return entity.created + (entity.ended - entity.created) * self.shares[step] // 1000

    def step(self, entity: Entity, now: int) -> int:
        """The step that an entity is in."""
        step = len(self.order) - 1
        if now >= entity.ended:
            return step
        while step and now < self.begins(entity, step):
            step -= 1
        return step

    def state(self, entity: Entity, now: int) -> str:
        """The state that an entity is in; of several that are not final, the first."""
        return entity.final if now >= entity.ended else self.order[self.step(entity, now)][0]

    def rank(self, state: str) -> int:
        return next(n for n, step in enumerate(self.order) if state in step)


class Selection(NamedTuple):
    """Whose entities of a kind are meant, and which of them. An empty state means any."""

    kind: str
    owner: str
    equal: tuple[tuple[str, Any], ...] = ()
    contain: tuple[tuple[str, str], ...] = ()
    state: str = ""

    @property
    def facet(self) -> Facet:
        """What the narrowest list that is kept has in common; states are not looked at."""
        return self.kind, self.owner, self.equal[:2], ""

    @property
    def is_facet(self) -> bool:
        """Whether that list holds nothing else."""
        return len(self.equal) <= 2 and not self.contain


@dataclass(frozen=True)
class Kind:
    """What a store must know of a kind of resource to number, sort and find its entities.

    `form` is how ids are written, `id` where data have them. Lists are narrowed by `members` that
    are equal and `texts` that contain something; `key` is what they are sorted by, None for the
    time of creation.
    """

    name: str
    form: IdForm
    id: Getter
    steps: Steps | None = None
    members: Mapping[str, Getter] = field(default_factory=dict)
    texts: Mapping[str, Getter] = field(default_factory=dict)
    key: Getter | None = None

    def character(self, entity: Entity) -> tuple[Any, ...]:
        """All that decides which lists it belongs to."""
        values = [
            value if type(value := get(entity)) is str else tuple(comparable(value))
            for get in self.members.values()
        ]
        return self.name, entity.owner, entity.final, *values

    def facets(self, character: tuple[Any, ...]) -> tuple[Facet, ...]:
        """The lists that such entities belong to.

        There is one of all; of each member that lists are narrowed by, and each two, one of those
        that are equal in it; and beside each, one of those in the same final state.
        """
        kind, owner, final, *values = character
        members = [
            [(name, one) for one in ([value] if isinstance(value, str) else value)]
            for name, value in zip(self.members, values, strict=True)
        ]
        return tuple(
            (kind, owner, equal, state)
            for number in range(min(len(members), 2) + 1)
            for chosen in combinations(members, number)
            for equal in dict.fromkeys(product(*chosen))
            for state in dict.fromkeys(("", final))
        )

    def position(self, entity: Entity) -> Position:
        """Where it stands among those of its kind."""
        value = entity.created if self.key is None else self.key(entity)
        return sortable(value), entity.seq

    def passes(self, entity: Entity, selection: Selection) -> bool:
        """Whether an entity is one of those that are meant, in whichever state it is."""
        return all(
            value in comparable(self.members[name](entity)) for name, value in selection.equal
        ) and all(
            any(text in str(found) for found in comparable(self.texts[name](entity)))
            for name, text in selection.contain
        )


def comparable(value: Any) -> list[Any]:
    """What of a member is compared with a filter: its value, or each of its values."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, list):
        return [part for item in value for part in comparable(item)]
    if isinstance(value, float) and value.is_integer():
        return [int(value)]
    return [] if value is None or isinstance(value, dict) else [value]


def sortable(value: Any) -> bytes:
    """Bytes in the order of values: nothing, numbers by size, texts by code point."""
    if isinstance(value, int | float):
        bits = int.from_bytes(struct.pack(">d", value))
        return b"1%b" % (bits ^ (_MASK if bits >> 63 else 1 << 63)).to_bytes(8)
    return b"2%b" % value.encode() if isinstance(value, str) else b""
