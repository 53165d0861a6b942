"""What differs in the schemas within two schemas, and which of these belong together."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from flora_contract.diff.reading.schema import SINGLE
from flora_contract.diff.schemas.discriminators import Kinds, discriminated
from flora_contract.diff.schemas.facts import Fact, at_keyword, facts, spot
from flora_contract.diff.schemas.pair import Edge, Pair, Property
from flora_contract.diff.schemas.union_changes import UnionChanges
from flora_contract.diff.schemas.unions import list_of_types
from flora_contract.diff.schemas.written_alike import mapped
from flora_contract.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flora_contract.diff.reading.schema import Schema
    from flora_contract.diff.schemas.sides import Sides
    from flora_contract.openapi.tree import Node


@dataclass(frozen=True)
class Structure:
    """Compares what two schemas hold, and adds the pairs of schemas within to their own pair."""

    sides: Sides

    @property
    def unions(self) -> UnionChanges:
        return UnionChanges(self.sides)

    def run(self, pair: Pair, base: Schema, revision: Schema) -> Iterator[Fact]:
        unwrapped = self.unions.unwrapped(pair, base, revision)
        if unwrapped is not None:
            yield from unwrapped
            return
        flat = self.unions.flattened(base, revision)
        if flat is not None:
            base, revision = flat
            pair.facts[:] = facts(base, revision)
        else:
            yield from self.unions.all_of(pair, base, revision)
        listed = list_of_types(base, revision)
        if listed is not None:
            pair.facts[:] = [fact for fact in pair.facts if fact.kind != "type"]
            yield listed
        moved = self.unions.moved_into_one_of(base, revision)
        if moved:
            pair.facts[:] = [fact for fact in pair.facts if fact.kind != "type"]
            yield at_keyword("wrapped-in-one-of", base, revision, "oneOf")
        elif listed is None:
            yield from self.unions.unions(pair, base, revision)
        kinds = Kinds(base, self.sides.base), Kinds(revision, self.sides.revision)
        yield from discriminated(*kinds, partial(self._same_references, base, revision))
        yield from self._prefix_items(pair, base, revision)
        pair.edges.extend(
            Edge(label, self.sides.of(one, two)) for label, one, two in mapped(base.at, revision.at)
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
            return self.sides.same(*nodes)
        except InputError:  # a mapping may name what is not there
            return False

    def _prefix_items(self, pair: Pair, base: Schema, revision: Schema) -> Iterator[Fact]:
        keyword = "prefixItems"
        old, new = base.lists.get(keyword, []), revision.lists.get(keyword, [])
        for index, (one, two) in enumerate(zip(old, new, strict=False)):
            pair.edges.append(Edge(f"prefixItems[{index}]", self.sides.of(one, two)))
        if len(old) != len(new):
            kind = "prefix-items-added" if len(new) > len(old) else "prefix-items-removed"
            yield replace(at_keyword(kind, base, revision, keyword), old=len(old), new=len(new))

    def _properties(
        self, pair: Pair, base: Schema, revision: Schema, moved: set[str]
    ) -> Iterator[Fact]:
        old, new = base.properties, revision.properties
        for name in old:
            required = name in base.required
            if name in new:
                kept = Property(name, name in revision.required)
                pair.edges.append(Edge(name, self.sides.of(old[name], new[name]), kept))
            elif name not in moved:
                schema = self.sides.base.of(old[name])
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
                schema = self.sides.revision.of(new[name])
                required = name in revision.required
                yield Fact(
                    "property-added", base.at.without(), new[name], None, (required, schema), name
                )
        for name in sorted(base.required ^ revision.required):
            now = name in revision.required
            places = spot(base, "required"), spot(revision, "required")
            if name in old and name in new:
                kind = "became-required" if now else "became-optional"
                yield Fact(kind, *places, not now, (now, self.sides.revision.of(new[name])), name)
            elif name not in old and name not in new:
                kind = "required-name-added" if now else "required-name-removed"
                yield Fact(kind, *places, subject=name)

    def _named(
        self, pair: Pair, base: Schema, revision: Schema, keyword: str, kind: str
    ) -> Iterator[Fact]:
        old, new = base.maps.get(keyword, {}), revision.maps.get(keyword, {})
        for name in old:
            if name in new:
                pair.edges.append(Edge(f"{keyword}[{name}]", self.sides.of(old[name], new[name])))
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
                    pair.edges.append(Edge(keyword, self.sides.of(old, new), overlapping=counted))
                elif self.sides.same(old, new):
                    pair.edges.append(Edge(keyword, self.sides.of(old, new)))  # for its words
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
                kind = "schema-widened" if old is None else "schema-narrowed"
                yield at_keyword(kind, base, revision, keyword, keyword)
            if before == after or not _applies(keyword, base if after else revision):
                continue
            if keyword == "additionalProperties" and base.closed | revision.closed:
                continue
            kind = f"{_KINDS[keyword]}-{'added' if after else 'removed'}"
            yield at_keyword(kind, base, revision, keyword)

    def _negated(self, old: Node, new: Node) -> Iterator[Fact]:
        """What `not` forbids: the more it does, the narrower the schema around it."""
        kind = self.sides.became(self.sides.base.of(old), self.sides.revision.of(new))
        turned = {"schema-widened": "schema-narrowed", "schema-narrowed": "schema-widened"}
        if kind is not None:
            yield Fact(turned.get(kind, kind), old, new, old.value, new.value, "not")


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
