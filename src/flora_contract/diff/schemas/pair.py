"""Two schemas that stand at the same place of both contracts, and what differs in them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flora_contract.diff.reading.schema import Schema
    from flora_contract.diff.schemas.facts import Fact


@dataclass(frozen=True)
class Property:
    """What the holder of a schema says about it, when it is a property."""

    name: str
    required: bool
    """In the revision."""


@dataclass(frozen=True, eq=False)
class Edge:
    """A schema within a schema: the way there and, for a property, what its holder says."""

    label: str
    pair: Pair
    property: Property | None = None
    overlapping: bool = False  # a value may match its neighbours too, and how many matters


@dataclass(eq=False)
class Pair:
    """Two schemas, what differs in their own keywords, and the pairs of schemas within them."""

    base: Schema
    revision: Schema
    facts: list[Fact] = field(default_factory=list)
    edges: list[Edge] = field(default_factory=list)
    as_list: Schema | None = None  # the base, as the lists that hold one of its values
    built: bool = False
    explored: bool = False
