"""Pairs of schemas that stand at the same place of both contracts, each compared once.

The pairs form a graph, as the schemas do: what differs in a schema that a hundred operations use
is found once, whoever uses it. Cycles cost nothing.
"""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING

from flora_contract.diff.containment.deciding import Containment, Given
from flora_contract.diff.containment.neighbours import Side, groups, neighbours, relists
from flora_contract.diff.rules import rules
from flora_contract.diff.schemas.facts import Fact, facts
from flora_contract.diff.schemas.keyword_groups import is_of_format, is_rewriting, part
from flora_contract.diff.schemas.pair import Edge, Pair, Property
from flora_contract.diff.schemas.property_names import listed_names
from flora_contract.diff.schemas.sides import Sides
from flora_contract.diff.schemas.single_to_list import as_list, becomes_list
from flora_contract.diff.schemas.structure import Structure
from flora_contract.diff.schemas.written_alike import within, written_alike

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from flora_contract.diff.containment.deciding import Answer, Parts
    from flora_contract.diff.reading.schema import Schema, Schemas
    from flora_contract.diff.schemas.usage import Usage
    from flora_contract.openapi.tree import Node


class Pairs:
    """Every pair of schemas that two contracts have in common places."""

    def __init__(self, base: Schemas, revision: Schemas, *, one_dialect: bool) -> None:
        self.base = base
        self.revision = revision
        self._one_dialect = one_dialect
        self._pairs: dict[tuple[int, int], Pair] = {}
        self._same: dict[tuple[int, int], bool] = {}
        self._contained: dict[tuple[int, str, str], Parts] = {}
        self._structure = Structure(Sides(base, revision, self._of, self._are_same))

    def of(self, base: Node, revision: Node) -> Pair:
        """The pair of two nodes, compared when it is first looked into."""
        return self._of(self.base.of(base), self.revision.of(revision))

    def _of(self, base: Schema, revision: Schema) -> Pair:
        key = id(base), id(revision)
        pair = self._pairs.get(key)
        if pair is None:
            pair = self._pairs[key] = Pair(base, revision)
        return pair

    def lists(self, base: Node, revision: Node, *, exploded: bool) -> bool:
        """Whether a single value became a list, and is written as the list of it alone."""
        pair = self.of(base, revision)
        if not becomes_list(pair.base, pair.revision, exploded=exploded):
            return False
        pair.as_list = self.base.of(as_list(base, pair.revision))
        return True

    def kept_as_list(self, pair: Pair) -> Answer:
        """Whether each value that was taken is still taken as a list that holds it alone."""
        assert pair.as_list is not None
        items = pair.revision.single.get("items")
        wanted = self.revision.of(items).words.get("format") if items is not None else None
        if wanted not in {None, pair.base.words.get("format")}:
            return False
        given = Given(listed_only=True)
        return Containment(self.base, self.revision, given).holds(pair.as_list, pair.revision)

    def constrains(self, *, base: Node | None = None, revision: Node | None = None) -> bool:
        """Whether a schema of either contract refuses anything."""
        schemas = self.base if base is not None else self.revision
        node = base if base is not None else revision
        return node is not None and schemas.of(node).constrains

    def explore(self, start: Pair) -> None:
        """Compare a pair and every pair that it leads to."""
        queue = deque([start])
        while queue:
            pair = queue.popleft()
            if pair.explored:
                continue
            pair.explored = True
            if not pair.built:
                self._build(pair)
            queue.extend(edge.pair for edge in pair.edges)

    def cross(self, pairs: list[Pair]) -> None:
        """Mark schemas that cannot be judged alone, for what is listed beside them.

        `pairs` are those that differ or lead to one that does.
        """
        changed = {(id(pair.base), id(pair.revision)) for pair in pairs}
        for pair in pairs:
            edges = [e for e in pair.edges if (id(e.pair.base), id(e.pair.revision)) in changed]
            if edges:
                marked = self._crossed(pair, edges, changed)
                pair.edges[:] = [
                    replace(edge, overlapping=True) if id(edge) in marked else edge
                    for edge in pair.edges
                ]

    def _crossed(self, pair: Pair, edges: list[Edge], changed: set[tuple[int, int]]) -> set[int]:
        sides = (pair.base, self.base), (pair.revision, self.revision)
        old, new = (
            {id(one): group for group in groups(start, schemas) for one in group}
            for start, schemas in sides
        )

        def side(schema: Schema, known: dict[int, list[Schema]], schemas: Schemas) -> Side:
            group = known.get(id(schema), [])
            return Side(schemas, [schema], neighbours(schema, group, schemas))

        return {
            id(edge)
            for edge in edges
            if relists(
                side(edge.pair.base, old, self.base),
                side(edge.pair.revision, new, self.revision),
                lambda one, two: (id(one), id(two)) in changed,
            )
        }

    def contained(self, pair: Pair, usage: Usage) -> Parts:
        """Whether the values of a pair stay within what its readers or writers were promised.

        What callers send must still be allowed; what they get must have been allowed before. The
        schemas within, that pairs of their own are about, are taken to be contained.
        """
        unseen = usage.unseen
        key = id(pair), usage.side, unseen
        if key not in self._contained:
            inner = {(id(edge.pair.base), id(edge.pair.revision)): edge.pair for edge in pair.edges}
            within = frozenset(inner)
            same = frozenset(ids for ids, one in inner.items() if self._are_same(one))
            sides = (self.base, pair.base), (self.revision, pair.revision)
            if usage.side == "response":
                sides = sides[::-1]
                within, same = _turned(within), _turned(same)
            (first, small), (second, large) = sides
            given = Given(within, same, listed_only=True, unseen=unseen)
            self._contained[key] = Containment(first, second, given).parts(small, large)
        return self._contained[key]

    def lists_all(self, pair: Pair, usage: Usage) -> bool:
        """Whether each property that was promised is listed still, in whichever branch."""
        old = set(listed_names(pair.base, self.base))
        new = set(listed_names(pair.revision, self.revision))
        return old <= new if usage.side == "request" else new <= old

    def same(self, base: Node, revision: Node) -> bool:
        """Whether two schemas mean the same, whatever their words say."""
        return self._are_same(self.of(base, revision))

    def _are_same(self, start: Pair) -> bool:
        key = id(start.base), id(start.revision)
        if key in self._same:
            return self._same[key]
        seen = {key}
        stack = [start]
        while stack:
            pair = stack.pop()
            if not pair.built:
                self._build(pair)
            if any(not _is_documentation(fact) for fact in pair.facts):
                self._same[key] = False
                return False
            for edge in pair.edges:
                step = id(edge.pair.base), id(edge.pair.revision)
                if self._same.get(step) is False:
                    self._same[key] = False
                    return False
                if step not in seen and step not in self._same:
                    seen.add(step)
                    stack.append(edge.pair)
        return True

    def _build(self, pair: Pair) -> None:
        pair.built = True
        base, revision = pair.base, pair.revision
        if base.at.value is revision.at.value and base is revision:
            return
        if self._one_dialect and written_alike(base, revision):
            pair.edges.extend(self._references(base, revision))
            return
        pair.facts.extend(facts(base, revision))
        pair.facts.extend(self._structure.run(pair, base, revision))
        pair.facts[:] = _as_one(pair.facts)
        if self._is_reworded(pair):
            pair.facts[:] = [fact for fact in pair.facts if not part(fact) or is_of_format(fact)]

    def _is_reworded(self, pair: Pair) -> bool:
        """Whether all that differs in a pair comes to the same: it allows what it did before."""
        values = [fact for fact in pair.facts if part(fact)]
        if not is_rewriting(values) or _leaves_branches(values, pair.base, pair.revision):
            return False
        inner = [(id(edge.pair.base), id(edge.pair.revision)) for edge in pair.edges]
        wider = Containment(self.base, self.revision, Given(frozenset(inner)))
        narrower = Containment(self.revision, self.base, Given(_turned(inner)))
        return all(wider.parts(pair.base, pair.revision).values()) and all(
            narrower.parts(pair.revision, pair.base).values()
        )

    # Schemas that are written alike can differ only in what their references lead to

    def _references(self, base: Schema, revision: Schema) -> Iterator[Edge]:
        stack: list[tuple[str, Node, Node, Property | None]] = []
        stack.extend(within(base.at, revision.at))
        while stack:
            label, one, two, kept = stack.pop()
            if isinstance(one.value, dict) and one.value.keys() & {"$ref", "$dynamicRef"}:
                yield Edge(label, self.of(one, two), kept)
            elif isinstance(one.value, dict):
                stack.extend(
                    (f"{label}/{inner}" if label else inner, first, second, prop)
                    for inner, first, second, prop in within(one, two)
                )


def _as_one(found: list[Fact]) -> list[Fact]:
    """Facts about a schema of other types altogether, or of a union instead: they are one edit."""
    changed = next((fact for fact in found if fact.kind == "type"), None)
    if changed is None:
        return found
    old, new = changed.old[0], changed.new[0]
    if old and new and _plainly(old) & _plainly(new):
        return found
    if (old is None or new is None) and all(part(fact) != "unions" for fact in found):
        return found
    return [
        replace(fact, under=changed) if part(fact) and fact is not changed else fact
        for fact in found
    ]


def _plainly(types: frozenset[str]) -> frozenset[str]:
    return frozenset("number" if name == "integer" else name for name in types)


def _leaves_branches(found: list[Fact], base: Schema, revision: Schema) -> bool:
    """Whether branches came to or went from a union that was there, and is there, as a union."""
    kinds = {"anyOf": "any-of-", "oneOf": "one-of-", "allOf": "all-of-"}
    kept = [kinds[word] for word in kinds if word in base.lists and word in revision.lists]
    return any(fact.kind.startswith(tuple(kept)) for fact in found)


def _turned(pairs: Iterable[tuple[int, int]]) -> frozenset[tuple[int, int]]:
    return frozenset((two, one) for one, two in pairs)


def _is_documentation(fact: Fact) -> bool:
    rule = rules().get(fact.kind)
    return rule is not None and rule.area == "documentation"
