"""What differs in the unions of two schemas, and which of their branches belong together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flora_contract.diff.containment.disjoint import disjoint
from flora_contract.diff.containment.merging import merged
from flora_contract.diff.schemas.facts import Fact, at_keyword, spot
from flora_contract.diff.schemas.pair import Edge, Pair
from flora_contract.diff.schemas.unions import leftover, list_of_types, matched, names, pure_union

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flora_contract.diff.reading.schema import Schema
    from flora_contract.diff.schemas.sides import Sides
    from flora_contract.openapi.tree import Node


@dataclass(frozen=True)
class UnionChanges:
    """Compares `allOf`, `anyOf` and `oneOf` of two schemas."""

    sides: Sides

    def unwrapped(self, pair: Pair, base: Schema, revision: Schema) -> list[Fact] | None:
        """A schema that became one branch of a union, or the reverse, and is itself unchanged."""
        for schema, other, action in ((base, revision, "added"), (revision, base, "removed")):
            keyword = pure_union(other)
            if keyword is None or pure_union(schema) is not None or not schema.constrains:
                continue
            if list_of_types(base, revision) is not None:
                continue
            for branch in other.lists[keyword]:
                inner = (self.sides.revision if other is revision else self.sides.base).of(branch)
                twin = (
                    self.sides.paired(base, inner)
                    if other is revision
                    else self.sides.paired(inner, revision)
                )
                if not self.sides.unchanged(twin):
                    continue
                rest = [node for node in other.lists[keyword] if node is not branch]
                kind = f"{'any' if keyword == 'anyOf' else 'one'}-of-{action}"
                pair.edges.append(Edge("", twin))
                pair.facts.clear()
                return [at_keyword(kind, base, revision, keyword, names(rest))]
        return None

    def flattened(self, base: Schema, revision: Schema) -> tuple[Schema, Schema] | None:
        """Both schemas without allOf, when one does not use it or the branches were rewritten."""
        before, after = base.lists.get("allOf", []), revision.lists.get("allOf", [])
        constrains = [
            any(schemas.of(node).constrains for node in nodes)
            for schemas, nodes in ((self.sides.base, before), (self.sides.revision, after))
        ]
        if not any(constrains):
            return None
        if all(constrains) and not all(self._leftover(before, after)):
            return None  # branches came or went, and the others are as they were
        one, two = merged(base, self.sides.base), merged(revision, self.sides.revision)
        return None if one is None or two is None else (one, two)

    def all_of(self, pair: Pair, base: Schema, revision: Schema) -> Iterator[Fact]:
        gone, new = self._branches(pair, base, revision, "allOf")
        for nodes, schemas, action in (
            (new, self.sides.revision, "added"),
            (gone, self.sides.base, "removed"),
        ):
            words = [node for node in nodes if not schemas.of(node).constrains]
            rest = [node for node in nodes if schemas.of(node).constrains]
            for some, suffix in ((rest, ""), (words, "-annotation-only")):
                if some:
                    kind = f"all-of-{action}{suffix}"
                    yield at_keyword(kind, base, revision, "allOf", names(some))

    def unions(self, pair: Pair, base: Schema, revision: Schema) -> Iterator[Fact]:
        switched = self._switched(pair, base, revision)
        if switched is not None:
            yield switched
            return
        rewritten = self._rewritten(base, revision)
        if rewritten is not None:
            yield from rewritten
            return
        for keyword, name in (("anyOf", "any-of"), ("oneOf", "one-of")):
            gone, new = self._branches(pair, base, revision, keyword)
            if new:
                yield at_keyword(f"{name}-added", base, revision, keyword, names(new))
            if gone:
                yield at_keyword(f"{name}-removed", base, revision, keyword, names(gone))

    def _rewritten(self, base: Schema, revision: Schema) -> list[Fact] | None:
        """Unions whose branches were rewritten: judged as a whole, if that can be decided."""
        for keyword in ("anyOf", "oneOf"):
            old, new = base.lists.get(keyword, []), revision.lists.get(keyword, [])
            if not all(self._leftover(old, new)):
                continue
            kind = self.sides.became(base, revision)
            if kind in {"schema-widened", "schema-narrowed"}:
                return [at_keyword(kind, base, revision, keyword, keyword)]
            if kind is None:
                return []
        return None

    def _switched(self, pair: Pair, base: Schema, revision: Schema) -> Fact | None:
        """oneOf that became anyOf with the same branches, or the reverse."""
        words = {"anyOf", "oneOf"}
        before, after = words & base.lists.keys(), words & revision.lists.keys()
        if len(before) != 1 or len(after) != 1 or before == after:
            return None
        [was], [now] = before, after
        old, new = base.lists[was], revision.lists[now]
        if any(self._leftover(old, new)):
            return None
        pair.edges.extend(self._matched(old, new, now, exclusive=True))
        kind = "schema-widened" if now == "anyOf" else "schema-narrowed"
        return Fact(kind, spot(base, was), spot(revision, now), was, now, "oneOf and anyOf")

    def _branches(
        self, pair: Pair, base: Schema, revision: Schema, keyword: str
    ) -> tuple[list[Node], list[Node]]:
        """Add an edge for each branch that stands on both sides; the others, of either side."""
        old, new = base.lists.get(keyword, []), revision.lists.get(keyword, [])
        told_apart = "discriminator" in base.words and "discriminator" in revision.words
        exclusive = keyword == "oneOf" and not told_apart
        pair.edges.extend(self._matched(old, new, keyword, exclusive=exclusive))
        return self._leftover(old, new)

    def _matched(
        self, old: list[Node], new: list[Node], keyword: str, *, exclusive: bool
    ) -> Iterator[Edge]:
        found = matched(old, new, self.sides.same)
        for one, two in found:
            pair = self.sides.of(one, two)
            others = [rest for rest in found if rest[0] is not one] if exclusive else []
            overlapping = bool(others) and self._overlaps(pair, others)
            yield Edge(f"{keyword}[{names([two])}]", pair, overlapping=overlapping)

    def _overlaps(self, pair: Pair, others: list[tuple[Node, Node]]) -> bool:
        """Whether a branch that changed may, before or after, share values with another one."""
        return not self.sides.unchanged(pair) and not all(
            disjoint(self.sides.base.of(one), self.sides.base, pair.revision, self.sides.revision)
            and disjoint(
                pair.base, self.sides.base, self.sides.revision.of(two), self.sides.revision
            )
            for one, two in others
        )

    def _leftover(self, old: list[Node], new: list[Node]) -> tuple[list[Node], list[Node]]:
        return leftover(old, new, self.sides.same)

    def moved_into_one_of(self, base: Schema, revision: Schema) -> set[str]:
        """Properties of an object that all became part of the branches of a oneOf."""
        if not base.properties or "oneOf" in base.lists or "oneOf" not in revision.lists:
            return set()
        if revision.properties or revision.types is not None:
            return set()
        branches = [self.sides.revision.of(node) for node in revision.lists["oneOf"]]
        return {
            name
            for name in base.properties
            if any(name in branch.properties for branch in branches)
        }
