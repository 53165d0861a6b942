"""Pairs of schemas that stand at the same place of both contracts, each compared once.

The pairs form a graph, as the schemas do: what differs in a schema that a hundred operations use
is found once, and `reach` tells who uses it. Cycles cost nothing.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

from flora_contract.diff.apart import apart
from flora_contract.diff.branches import leftover, matched
from flora_contract.diff.containment import Containment, Given
from flora_contract.diff.discriminators import Kinds, discriminated
from flora_contract.diff.facts import Fact, facts, spot
from flora_contract.diff.listing import Side, groups, neighbours, relists
from flora_contract.diff.merging import merged
from flora_contract.diff.names import listed_names
from flora_contract.diff.parts import is_of_format, is_rewriting, part
from flora_contract.diff.repeating import as_list, becomes_list
from flora_contract.diff.rules import rules
from flora_contract.diff.schema import MISSING, SINGLE
from flora_contract.diff.unions import list_of_types, names, pure_union
from flora_contract.diff.within import Property, mapped, within, written_alike
from flora_contract.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from flora_contract.diff.containment import Answer, Parts
    from flora_contract.diff.schema import Schema, Schemas
    from flora_contract.diff.tree import Node
    from flora_contract.diff.verdicts import Standing


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


class Pairs:
    """Every pair of schemas that two contracts have in common places."""

    def __init__(self, base: Schemas, revision: Schemas, *, one_dialect: bool) -> None:
        self._base = base
        self._revision = revision
        self._one_dialect = one_dialect
        self._pairs: dict[tuple[int, int], Pair] = {}
        self._same: dict[tuple[int, int], bool] = {}
        self._contained: dict[tuple[int, str, str], Parts] = {}
        self._wider = Containment(base, revision)
        self._narrower = Containment(revision, base)

    def of(self, base: Node, revision: Node) -> Pair:
        """The pair of two nodes, compared when it is first looked into."""
        return self._of(self._base.of(base), self._revision.of(revision))

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
        pair.as_list = self._base.of(as_list(base, pair.revision))
        return True

    def kept_as_list(self, pair: Pair) -> Answer:
        """Whether each value that was taken is still taken as a list that holds it alone."""
        assert pair.as_list is not None
        items = pair.revision.single.get("items")
        wanted = self._revision.of(items).words.get("format") if items is not None else None
        if wanted not in {None, pair.base.words.get("format")}:
            return False
        given = Given(listed_only=True)
        return Containment(self._base, self._revision, given).holds(pair.as_list, pair.revision)

    def constrains(self, *, base: Node | None = None, revision: Node | None = None) -> bool:
        """Whether a schema of either contract refuses anything."""
        schemas = self._base if base is not None else self._revision
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
        sides = (pair.base, self._base), (pair.revision, self._revision)
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
                side(edge.pair.base, old, self._base),
                side(edge.pair.revision, new, self._revision),
                lambda one, two: (id(one), id(two)) in changed,
            )
        }

    def contained(self, pair: Pair, standing: Standing) -> Parts:
        """Whether the values of a pair stay within what its readers or writers were promised.

        What callers send must still be allowed; what they get must have been allowed before. The
        schemas within, that pairs of their own are about, are taken to be contained.
        """
        unseen = standing.unseen
        key = id(pair), standing.side, unseen
        if key not in self._contained:
            inner = {(id(edge.pair.base), id(edge.pair.revision)): edge.pair for edge in pair.edges}
            within = frozenset(inner)
            same = frozenset(ids for ids, one in inner.items() if self._are_same(one))
            sides = (self._base, pair.base), (self._revision, pair.revision)
            if standing.side == "response":
                sides = sides[::-1]
                within, same = _turned(within), _turned(same)
            (first, small), (second, large) = sides
            given = Given(within, same, listed_only=True, unseen=unseen)
            self._contained[key] = Containment(first, second, given).parts(small, large)
        return self._contained[key]

    def lists_all(self, pair: Pair, standing: Standing) -> bool:
        """Whether each property that was promised is listed still, in whichever branch."""
        old = set(listed_names(pair.base, self._base))
        new = set(listed_names(pair.revision, self._revision))
        return old <= new if standing.side == "request" else new <= old

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
        pair.facts.extend(self._structure(pair, base, revision))
        pair.facts[:] = _as_one(pair.facts)
        if self._is_reworded(pair):
            pair.facts[:] = [fact for fact in pair.facts if not part(fact) or is_of_format(fact)]

    def _is_reworded(self, pair: Pair) -> bool:
        """Whether all that differs in a pair comes to the same: it allows what it did before."""
        values = [fact for fact in pair.facts if part(fact)]
        if not is_rewriting(values) or _leaves_branches(values, pair.base, pair.revision):
            return False
        inner = [(id(edge.pair.base), id(edge.pair.revision)) for edge in pair.edges]
        wider = Containment(self._base, self._revision, Given(frozenset(inner)))
        narrower = Containment(self._revision, self._base, Given(_turned(inner)))
        return all(wider.parts(pair.base, pair.revision).values()) and all(
            narrower.parts(pair.revision, pair.base).values()
        )

    # What differs in the schemas within, and which of them belong together

    def _structure(self, pair: Pair, base: Schema, revision: Schema) -> Iterator[Fact]:
        unwrapped = self._unwrapped(pair, base, revision)
        if unwrapped is not None:
            yield from unwrapped
            return
        flat = self._flattened(base, revision)
        if flat is not None:
            base, revision = flat
            pair.facts[:] = facts(base, revision)
        else:
            yield from self._all_of(pair, base, revision)
        listed = list_of_types(base, revision)
        if listed is not None:
            pair.facts[:] = [fact for fact in pair.facts if fact.kind != "type"]
            yield listed
        moved = self._moved_into_one_of(base, revision)
        if moved:
            pair.facts[:] = [fact for fact in pair.facts if fact.kind != "type"]
            yield _at("wrapped-in-one-of", base, revision, "oneOf")
        elif listed is None:
            yield from self._unions(pair, base, revision)
        kinds = Kinds(base, self._base), Kinds(revision, self._revision)
        yield from discriminated(*kinds, partial(self._same_references, base, revision))
        yield from self._prefix_items(pair, base, revision)
        pair.edges.extend(
            Edge(label, self.of(one, two)) for label, one, two in mapped(base.at, revision.at)
        )
        yield from self._properties(pair, base, revision, moved)
        yield from self._named(pair, base, revision, "patternProperties", "pattern-property")
        yield from self._named(pair, base, revision, "dependentSchemas", "dependent-schema")
        yield from self._singles(pair, base, revision)

    def _same_references(self, base: Schema, revision: Schema, one: str, two: str) -> bool:
        """Whether two references mean the same, each in its contract."""
        nodes = (
            schema.at._replace(value={"$ref": name})
            for schema, name in ((base, one), (revision, two))
        )
        try:
            return self.same(*nodes)
        except InputError:  # a mapping may name what is not there
            return False

    def _unwrapped(self, pair: Pair, base: Schema, revision: Schema) -> list[Fact] | None:
        """A schema that became one branch of a union, or the reverse, and is itself unchanged."""
        for schema, other, action in ((base, revision, "added"), (revision, base, "removed")):
            keyword = pure_union(other)
            if keyword is None or pure_union(schema) is not None or not schema.constrains:
                continue
            if list_of_types(base, revision) is not None:
                continue
            for branch in other.lists[keyword]:
                inner = (self._revision if other is revision else self._base).of(branch)
                twin = self._of(base, inner) if other is revision else self._of(inner, revision)
                if not self._are_same(twin):
                    continue
                rest = [node for node in other.lists[keyword] if node is not branch]
                kind = f"{'any' if keyword == 'anyOf' else 'one'}-of-{action}"
                pair.edges.append(Edge("", twin))
                pair.facts.clear()
                return [replace(_at(kind, base, revision, keyword), subject=names(rest))]
        return None

    def _flattened(self, base: Schema, revision: Schema) -> tuple[Schema, Schema] | None:
        """Both schemas without allOf, when one does not use it or the branches were rewritten."""
        before, after = base.lists.get("allOf", []), revision.lists.get("allOf", [])
        constrains = [
            any(schemas.of(node).constrains for node in nodes)
            for schemas, nodes in ((self._base, before), (self._revision, after))
        ]
        if not any(constrains):
            return None
        if all(constrains) and not all(self._leftover(before, after)):
            return None  # branches came or went, and the others are as they were
        one, two = merged(base, self._base), merged(revision, self._revision)
        return None if one is None or two is None else (one, two)

    def _all_of(self, pair: Pair, base: Schema, revision: Schema) -> Iterator[Fact]:
        gone, new = self._branches(pair, base, revision, "allOf")
        for nodes, schemas, action in (
            (new, self._revision, "added"),
            (gone, self._base, "removed"),
        ):
            words = [node for node in nodes if not schemas.of(node).constrains]
            rest = [node for node in nodes if schemas.of(node).constrains]
            for some, suffix in ((rest, ""), (words, "-annotation-only")):
                if some:
                    kind = f"all-of-{action}{suffix}"
                    yield replace(_at(kind, base, revision, "allOf"), subject=names(some))

    def _unions(self, pair: Pair, base: Schema, revision: Schema) -> Iterator[Fact]:
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
                yield replace(_at(f"{name}-added", base, revision, keyword), subject=names(new))
            if gone:
                yield replace(_at(f"{name}-removed", base, revision, keyword), subject=names(gone))

    def _rewritten(self, base: Schema, revision: Schema) -> list[Fact] | None:
        """Unions whose branches were rewritten: judged as a whole, if that can be decided."""
        for keyword in ("anyOf", "oneOf"):
            old, new = base.lists.get(keyword, []), revision.lists.get(keyword, [])
            if not all(self._leftover(old, new)):
                continue
            kind = self._judged(base, revision)
            if kind in {"schema-widened", "schema-narrowed"}:
                return [replace(_at(kind, base, revision, keyword), subject=keyword)]
            if kind is None:
                return []
        return None

    def _judged(self, base: Schema, revision: Schema) -> str | None:
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

    def _negated(self, old: Node, new: Node) -> Iterator[Fact]:
        """What `not` forbids: the more it does, the narrower the schema around it."""
        kind = self._judged(self._base.of(old), self._revision.of(new))
        turned = {"schema-widened": "schema-narrowed", "schema-narrowed": "schema-widened"}
        if kind is not None:
            yield Fact(turned.get(kind, kind), old, new, old.value, new.value, "not")

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
        found = matched(old, new, self.same)
        for one, two in found:
            pair = self.of(one, two)
            others = [rest for rest in found if rest[0] is not one] if exclusive else []
            overlapping = bool(others) and self._overlaps(pair, others)
            yield Edge(f"{keyword}[{names([two])}]", pair, overlapping=overlapping)

    def _overlaps(self, pair: Pair, others: list[tuple[Node, Node]]) -> bool:
        """Whether a branch that changed may, before or after, share values with another one."""
        return not self._are_same(pair) and not all(
            apart(self._base.of(one), self._base, pair.revision, self._revision)
            and apart(pair.base, self._base, self._revision.of(two), self._revision)
            for one, two in others
        )

    def _leftover(self, old: list[Node], new: list[Node]) -> tuple[list[Node], list[Node]]:
        return leftover(old, new, self.same)

    def _moved_into_one_of(self, base: Schema, revision: Schema) -> set[str]:
        """Properties of an object that all became part of the branches of a oneOf."""
        if not base.properties or "oneOf" in base.lists or "oneOf" not in revision.lists:
            return set()
        if revision.properties or revision.types is not None:
            return set()
        branches = [self._revision.of(node) for node in revision.lists["oneOf"]]
        return {
            name
            for name in base.properties
            if any(name in branch.properties for branch in branches)
        }

    def _prefix_items(self, pair: Pair, base: Schema, revision: Schema) -> Iterator[Fact]:
        keyword = "prefixItems"
        old, new = base.lists.get(keyword, []), revision.lists.get(keyword, [])
        for index, (one, two) in enumerate(zip(old, new, strict=False)):
            pair.edges.append(Edge(f"prefixItems[{index}]", self.of(one, two)))
        if len(old) != len(new):
            kind = "prefix-items-added" if len(new) > len(old) else "prefix-items-removed"
            yield replace(_at(kind, base, revision, keyword), old=len(old), new=len(new))

    def _properties(
        self, pair: Pair, base: Schema, revision: Schema, moved: set[str]
    ) -> Iterator[Fact]:
        old, new = base.properties, revision.properties
        for name in old:
            required = name in base.required
            if name in new:
                kept = Property(name, name in revision.required)
                pair.edges.append(Edge(name, self.of(old[name], new[name]), kept))
            elif name not in moved:
                schema = self._base.of(old[name])
                yield Fact(
                    "property-removed",
                    old[name],
                    revision.at.without(),
                    (required, schema),
                    None,
                    name,
                )
        for name in new:
            if name not in old:
                schema = self._revision.of(new[name])
                required = name in revision.required
                yield Fact(
                    "property-added", base.at.without(), new[name], None, (required, schema), name
                )
        for name in sorted(base.required ^ revision.required):
            now = name in revision.required
            places = spot(base, "required"), spot(revision, "required")
            if name in old and name in new:
                kind = "became-required" if now else "became-optional"
                yield Fact(kind, *places, not now, (now, self._revision.of(new[name])), name)
            elif name not in old and name not in new:
                kind = "required-name-added" if now else "required-name-removed"
                yield Fact(kind, *places, subject=name)

    def _named(
        self, pair: Pair, base: Schema, revision: Schema, keyword: str, kind: str
    ) -> Iterator[Fact]:
        old, new = base.maps.get(keyword, {}), revision.maps.get(keyword, {})
        for name in old:
            if name in new:
                pair.edges.append(Edge(f"{keyword}[{name}]", self.of(old[name], new[name])))
            else:
                yield Fact(f"{kind}-removed", old[name], revision.at.without(), subject=name)
        for name in new:
            if name not in old:
                yield Fact(f"{kind}-added", base.at.without(), new[name], subject=name)

    def _singles(self, pair: Pair, base: Schema, revision: Schema) -> Iterator[Fact]:
        for keyword in SINGLE:
            old, new = base.single.get(keyword), revision.single.get(keyword)
            if old is not None and new is not None:
                if keyword not in {"not", "if"}:
                    counted = keyword == "contains" and "maxContains" in revision.words
                    pair.edges.append(Edge(keyword, self.of(old, new), overlapping=counted))
                elif self.same(old, new):
                    pair.edges.append(Edge(keyword, self.of(old, new)))  # for its words
                else:
                    yield from (
                        self._negated(old, new)
                        if keyword == "not"
                        else [Fact("schema-undecided", old, new, old.value, new.value, keyword)]
                    )
                continue
            before = old is not None or base.word(keyword) is False
            after = new is not None or revision.word(keyword) is False
            if before and after and (old is None) != (new is None):  # false, and a schema
                yield replace(_at("schema-undecided", base, revision, keyword), subject=keyword)
            if before == after or not _applies(keyword, base if after else revision):
                continue
            if keyword == "additionalProperties" and base.closed | revision.closed:
                continue
            kind = f"{_KINDS[keyword]}-{'added' if after else 'removed'}"
            yield _at(kind, base, revision, keyword)

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


def _applies(keyword: str, schema: Schema) -> bool:
    """Whether a schema without a keyword allows values that the keyword could be about."""
    return keyword != "items" or schema.types is None or "array" in schema.types


_KINDS = {
    "items": "items",
    "not": "not",
    "if": "if",
    "then": "then",
    "else": "else",
    "contains": "contains",
    "propertyNames": "property-names",
    "contentSchema": "content-schema",
    "additionalProperties": "additional-properties-schema",
    "unevaluatedItems": "unevaluated-items",
    "unevaluatedProperties": "unevaluated-properties",
}


def _is_documentation(fact: Fact) -> bool:
    rule = rules().get(fact.kind)
    return rule is not None and rule.area == "documentation"


def _at(kind: str, base: Schema, revision: Schema, keyword: str) -> Fact:
    old = base.at.value.get(keyword, MISSING) if isinstance(base.at.value, dict) else MISSING
    new = (
        revision.at.value.get(keyword, MISSING) if isinstance(revision.at.value, dict) else MISSING
    )
    return Fact(kind, spot(base, keyword), spot(revision, keyword), old, new)
