"""What each part of a comparison of schemas needs to know of the whole."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from flora_contract.diff.containment.deciding import Containment

if TYPE_CHECKING:
    from collections.abc import Callable

    from flora_contract.diff.reading.schema import Schema, Schemas
    from flora_contract.diff.schemas.pair import Pair
    from flora_contract.openapi.tree import Node


@dataclass(frozen=True)
class Sides:
    """The schemas of both contracts, and the pairs that they make up."""

    base: Schemas
    revision: Schemas
    paired: Callable[[Schema, Schema], Pair]
    unchanged: Callable[[Pair], bool]  # whether both mean the same, whatever their words say

    def of(self, base: Node, revision: Node) -> Pair:
        """The pair of two nodes."""
        return self.paired(self.base.of(base), self.revision.of(revision))

    def same(self, base: Node, revision: Node) -> bool:
        """Whether two nodes mean the same."""
        return self.unchanged(self.of(base, revision))

    def became(self, base: Schema, revision: Schema) -> str | None:
        """How one schema became the other: the kind of fact, None if they allow the same."""
        wider = self._wider.holds(base, revision)
        narrower = self._narrower.holds(revision, base)
        if wider and narrower:
            return None
        if wider is None and narrower is None:
            return "schema-undecided"
        if wider:
            return "schema-widened"
        if narrower:
            return "schema-narrowed"
        return "schema-changed" if wider is narrower else "schema-undecided"

    @cached_property
    def _wider(self) -> Containment:
        return Containment(self.base, self.revision)

    @cached_property
    def _narrower(self) -> Containment:
        return Containment(self.revision, self.base)
