"""Whether every value of one schema is a value of another, where that can be decided.

A schema is a conjunction, so it is judged by the parts its keywords make up: the answer for the
whole is that of all parts. True is a proof. False is one too, provided that the smaller schema
has a value at all. None says that it cannot be told: the keywords do not allow it, or the two
schemas are too large to be followed to the end. Recursive schemas are taken to be contained
until something shows otherwise.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

from flora_contract.diff.containment import neighbours
from flora_contract.diff.containment.alternatives import (
    UNIONS,
    Alternative,
    alternatives,
    pinned,
    without_null,
)
from flora_contract.diff.containment.disjoint import disjoint
from flora_contract.diff.containment.keywords import (
    HINTS,
    is_simple,
    unevaluated_within,
    unknown_within,
)
from flora_contract.diff.containment.merging import merged
from flora_contract.diff.containment.values import (
    allows,
    bounds_within,
    differ_anyway,
    is_empty,
    matches,
    pattern_within,
    takes_null,
    types_within,
    values_within,
)
from flora_contract.diff.reading.schema import MISSING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from flora_contract.diff.reading.schema import Schema, Schemas
    from flora_contract.openapi.tree import Node

Answer = bool | None
Said = Callable[[], list["Node"]]
Parts = dict[str, Answer]
"""The answer for each part of a schema: `values`, `properties`, `unions` …"""

_STEPS = 500  # pairs of schemas that one question may look into
_DEPTH = 40  # and how many of them within one another


def all_of(answers: Iterable[Answer]) -> Answer:
    """True if all are, False if one is, else None."""
    result: Answer = True
    for answer in answers:
        if answer is False:
            return False
        if answer is None:
            result = None
    return result


@dataclass(frozen=True)
class Given:
    """What a question about two schemas takes for granted.

    `within`: pairs of schemas whose containment is judged elsewhere, by identity; `same`: those
    of them that allow the same. `listed_only`: nobody sends what an open object or tuple does
    not list. `unseen`: the flag of properties that are not sent at all, readOnly or writeOnly.
    """

    within: frozenset[tuple[int, int]] = frozenset()
    same: frozenset[tuple[int, int]] = frozenset()
    listed_only: bool = False
    unseen: str = ""


@dataclass
class _Work:
    """How far a question has been followed, and what was found on the way."""

    open: set[tuple[int, int]] = field(default_factory=set)
    done: dict[tuple[int, int], Answer] = field(default_factory=dict)
    kept: list[tuple[Schema, Schema]] = field(default_factory=list)  # so that no identity returns
    beside: dict[tuple[int, ...], Schema] = field(default_factory=dict)
    steps: int = 0
    assumed: int = 0  # how often a pair that is open was met again


@dataclass
class Containment:
    """Asks about schemas of two contracts: `small` holds those that may lie within the others."""

    small: Schemas
    large: Schemas
    given: Given = field(default_factory=Given)
    work: _Work = field(default_factory=_Work)
    anything: Containment | None = None
    reverse: Containment | None = None

    def holds(self, small: Schema, large: Schema) -> Answer:
        """Whether every value of `small` is a value of `large`."""
        self._begin()
        return self.within(small, large)

    def parts(self, small: Schema, large: Schema) -> Parts:
        """The answer for each part of two schemas."""
        self._begin()
        found: Parts = {}
        for part, answer in self._judged(small, large):
            found[part] = all_of((found.get(part, True), answer))
        if not all(found.values()) and "allOf" in small.lists and "allOf" in large.lists:
            branchwise: Parts = {}
            for part, answer in self._compared(small, large):
                branchwise[part] = all_of((branchwise.get(part, True), answer))
            if branchwise["unions"]:
                return branchwise
        return found

    def _begin(self) -> None:
        for one in (self, self._anything()):
            one.work.steps = 0

    def within(self, small: Schema, large: Schema) -> Answer:
        """The same as a part of a question that is being followed."""
        if not large.constrains or is_empty(small):
            return True
        key = id(small), id(large)
        if key in self.given.within:
            return True
        work = self.work
        if key in work.open:
            work.assumed += 1
            return True
        if key in work.done:
            return work.done[key]
        work.steps += 1
        if work.steps > _STEPS or len(work.open) > _DEPTH:
            return None
        assumed = work.assumed
        work.open.add(key)
        try:
            answer = all_of(answer for _, answer in self._judged(small, large))
        finally:
            work.open.discard(key)
        # What rests on an answer that is still open holds for this question only.
        if answer is False or (answer is True and assumed == work.assumed):
            work.done[key] = answer
            work.kept.append((small, large))
        return answer

    def _judged(self, small: Schema, large: Schema) -> Iterator[tuple[str, Answer]]:
        one = merged(small, self.small) if "allOf" in small.lists else small
        two = merged(large, self.large) if "allOf" in large.lists else large
        return self._compared(one or small, two or large)

    def _compared(self, one: Schema, two: Schema) -> Iterator[tuple[str, Answer]]:
        yield "unevaluated", all_of(self._unevaluated(one, two))
        split, kinds = bool(two.lists.keys() & UNIONS), pinned(two, self.large)
        for alternative in alternatives(one, self.small, split=split, kinds=kinds):
            if two.or_null:
                alternative = replace(alternative, schema=without_null(alternative.schema))
                if is_empty(alternative.schema):
                    continue
            exactly = alternative.exactly and is_simple(alternative.schema)
            asked = self
            if self.given.listed_only and neighbours.is_crowded(alternative.schema, self.small):
                asked = self._anything()
            for part, answer in asked.conditions(alternative, two):
                yield part, None if answer is False and not exactly else answer

    def _nodes(self, small: Node, large: Node, said: Said | None = None) -> Answer:
        """`said` gives what is said of the same value, by this node and by others."""
        one, two = self.small.of(small), self.large.of(large)
        if said is not None and self._may_list(one, two):
            others = [self.small.of(node) for node in said() if node.value is not small.value]
            one = self._beside(one, others, two)
        return self.within(one, two)

    def _elsewhere(self, small: Schema) -> list[Schema]:
        """The other schemas that apply to a value, where it matters what they list."""
        return neighbours.elsewhere(small, self.small) if self.given.listed_only else []

    def _may_list(self, small: Schema, large: Schema) -> bool:
        """Whether it matters what stands beside a schema: what that does not list, others may."""
        if not self.given.listed_only or (id(small), id(large)) in self.given.within:
            return False
        return large.constrains and (allows(small, "object") or allows(small, "array"))

    def _beside(self, small: Schema, others: Iterable[Schema], large: Schema) -> Schema:
        """A schema that does not stand alone."""
        neighbours = tuple(one for one in others if one is not small)
        if not neighbours or not self._may_list(small, large):
            return small
        key = id(small), *map(id, neighbours)
        known = self.work.beside.get(key)
        if known is None:
            known = replace(small, beside=(*small.beside, *neighbours))
            self.work.beside[key] = known
            self.work.kept.append((small, known))
        return known

    def _unevaluated(self, small: Schema, large: Schema) -> Iterator[Answer]:
        """What no other keyword has looked at: they must look at the same, value by value."""
        yield unevaluated_within(small, large)
        words = [
            word for word in neighbours.UNEVALUATED if word in large.single or word in large.words
        ]
        if not words:
            return
        others = neighbours.elsewhere(small, self.small), neighbours.elsewhere(large, self.large)
        pairs = list(zip(*others, strict=False))
        alike = len(others[0]) == len(others[1]) and all(map(neighbours.looks_alike, *others))
        yield (alike and all(self._is_same_or_given(one, two) for one, two in pairs)) or None
        everywhere = [small, *others[0]]
        said = {
            "unevaluatedProperties": partial(neighbours.of_pattern, everywhere, ""),
            "unevaluatedItems": partial(neighbours.of_items, everywhere),
        }
        for word in words:
            yield self._single(word, small, large, said[word])

    def _is_same_or_given(self, one: Schema, two: Schema) -> bool:
        key = id(one), id(two)
        return key in self.given.same or self._anything().within(one, two) is True

    def conditions(self, one: Alternative, large: Schema) -> Iterator[tuple[str, Answer]]:
        """The answers for one alternative, part by part."""
        small = one.schema
        yield "values", types_within(small, large)
        yield "values", values_within(small, large)
        yield "values", takes_null(large) or not takes_null(small)
        yield "bounds", bounds_within(small, large)
        yield "pattern", pattern_within(small, large)
        for word in HINTS:
            if word in large.words:
                yield word, True if small.word(word) == large.word(word) else None
        if allows(small, "array"):
            yield "items", all_of(self._lists(small, large))
            yield "contains", all_of(self._contains(small, large))
        if allows(small, "object"):
            yield "properties", all_of(self._properties(small, large))
            yield "required", self._required(small, large)
            yield "propertyNames", self._single("propertyNames", small, large)
            yield "dependent", all_of(self._dependent(small, large))
        yield "not", self._not(small, large)
        yield "if", self._if(small, large)
        yield "unions", all_of(self._unions(one, large))
        yield "unknown", unknown_within(small, large)

    def _single(self, word: str, small: Schema, large: Schema, said: Said | None = None) -> Answer:
        if word not in large.single or small.words.get(word) is False:
            return True
        mine = small.single.get(word)
        return self._nodes(mine, large.single[word], said) if mine is not None else None

    def _in_place(self, mine: Node, node: Node, small: Schema) -> Answer:
        """Schemas that apply to the same value as those they stand in."""
        one, two = self.small.of(mine), self.large.of(node)
        return self.within(self._beside(one, [small], two), two)

    def _is_same(self, small: Node, large: Node) -> bool:
        one, two = self.small.of(small), self.large.of(large)
        return (id(one), id(two)) in self.given.same or (
            self._anything().within(one, two) is True and self._back().within(two, one) is True
        )

    def _anything(self) -> Containment:
        """The same question about any value: a condition meets those that it does not list."""
        if not self.given.listed_only and not self.given.unseen:
            return self
        if self.anything is None:
            self.anything = Containment(
                self.small, self.large, Given(self.given.same, self.given.same)
            )
        return self.anything

    def _back(self) -> Containment:
        """That question the other way round."""
        forth = self._anything()
        if forth.reverse is None:
            turned = frozenset((two, one) for one, two in self.given.same)
            forth.reverse = Containment(
                self.large, self.small, Given(turned, turned), forth.work, reverse=forth
            )
        return forth.reverse

    # Lists

    def _lists(self, small: Schema, large: Schema) -> Iterator[Answer]:
        yield differ_anyway(small) or not large.flag("uniqueItems")
        first, others = small.lists.get("prefixItems", []), large.lists.get("prefixItems", [])
        rest = small.single.get("items")
        everywhere = [small, *self._elsewhere(small)]
        for index, node in enumerate(others):
            said = partial(neighbours.of_item, everywhere, index)
            mine = first[index] if index < len(first) else rest
            if mine is not None:
                yield self._nodes(mine, node, said)
            else:
                yield self._unlisted_item(small, said, node)
        if "items" in large.single:
            beyond = large.single["items"]
            for index, node in enumerate(first[len(others) :], len(others)):
                yield self._nodes(node, beyond, partial(neighbours.of_item, everywhere, index))
            said = partial(neighbours.of_items, everywhere)
            if rest is not None:
                yield self._nodes(rest, beyond, said)
            else:
                yield self._unlisted_item(small, _all_but(said, first), beyond)

    def _unlisted_item(self, small: Schema, said: Said, node: Node) -> Answer:
        """An item that a tuple does not list: sent only where another schema lists it."""
        first = small.lists.get("prefixItems", [])
        asked_for = small.words.get("minItems", 0) > len(first)
        if not first or asked_for or not self.given.listed_only:
            return not self.large.of(node).constrains
        return self._listed_elsewhere(said, node)

    def _listed_elsewhere(self, said: Said, node: Node) -> Answer:
        return all_of(self._nodes(one, node, said) or None for one in said())

    def _contains(self, small: Schema, large: Schema) -> Iterator[Answer]:
        if "contains" not in large.single or self._all_contained(small, large):
            return
        everywhere = [small, *self._elsewhere(small)]
        yield self._single("contains", small, large, partial(neighbours.of_items, everywhere))
        yield small.words.get("minContains", 1) >= large.words.get("minContains", 1) or None
        most = large.word("maxContains")
        if most is not MISSING:
            mine = small.word("maxContains")
            fewer = mine is not MISSING and mine <= most
            node = small.single.get("contains")
            same = fewer and node is not None and self._is_same(node, large.single["contains"])
            yield True if same else None

    def _all_contained(self, small: Schema, large: Schema) -> bool:
        """Whether each item is what must be contained, and there are enough of them."""
        items = small.single.get("items")
        if items is None or "prefixItems" in small.lists or "maxContains" in large.words:
            return False
        enough = small.words.get("minItems", 0) >= large.words.get("minContains", 1)
        return enough and self._nodes(items, large.single["contains"]) is True

    # Objects

    def _properties(self, small: Schema, large: Schema) -> Iterator[Answer]:
        others = self._elsewhere(small)
        for name, node in large.properties.items():
            if not self._is_unseen(small, large, name):
                yield self._listed(small, others, name, node)
        for pattern, node in large.maps.get("patternProperties", {}).items():
            yield self._matching(small, others, pattern, node)
        if large.closed or "additionalProperties" in large.single:
            yield all_of(self._others(small, others, large))

    def _listed(self, small: Schema, others: list[Schema], name: str, node: Node) -> Answer:
        """A property that the larger schema lists."""
        said = partial(neighbours.of_property, [small, *others], name)
        mine = small.properties.get(name)
        if mine is not None:
            return self._nodes(mine, node, said)
        patterns = small.maps.get("patternProperties", {})
        matching = [one for pattern, one in patterns.items() if matches(pattern, name)]
        beyond = small.single.get("additionalProperties")
        if matching:
            return True if any(self._nodes(one, node, said) for one in matching) else None
        if beyond is not None:
            return self._nodes(beyond, node, said)
        if small.closed:
            return True
        asked_for = neighbours.asks_for([small, *others], name)
        if asked_for or _asks_for_more(small) or not self.given.listed_only:
            return not self.large.of(node).constrains
        return self._listed_elsewhere(said, node)

    def _matching(self, small: Schema, others: list[Schema], pattern: str, node: Node) -> Answer:
        """What the larger schema says of properties whose names match a pattern."""
        said = partial(neighbours.of_pattern, [small, *others], pattern)
        mine = small.maps.get("patternProperties", {}).get(pattern)
        if mine is not None:
            return self._nodes(mine, node, said)
        listed_ones = [one for name, one in small.properties.items() if matches(pattern, name)]
        answer = all_of(self._nodes(one, node, said) for one in listed_ones)
        if small.maps.get("patternProperties") or "additionalProperties" in small.single:
            return all_of((answer, None))
        if small.closed:
            return answer
        required = frozenset[str]().union(*(one.required for one in (small, *others)))
        asked_for = any(matches(pattern, name) for name in required - small.properties.keys())
        if asked_for or _asks_for_more(small) or not self.given.listed_only:
            return all_of((answer, not self.large.of(node).constrains))
        return all_of((answer, self._listed_elsewhere(_all_but(said, listed_ones), node)))

    def _others(self, small: Schema, elsewhere: list[Schema], large: Schema) -> Iterator[Answer]:
        """What the larger schema says of properties that it does not list."""
        patterns = large.maps.get("patternProperties", {})
        beyond = small.single.get("additionalProperties")
        unlisted = {
            name: node
            for name, node in small.properties.items()
            if name not in large.properties
            and not any(matches(pattern, name) for pattern in patterns)
            and not self._is_unseen(small, large, name)
        }
        strange = [
            node
            for pattern, node in small.maps.get("patternProperties", {}).items()
            if pattern not in patterns
        ]
        if large.closed:
            yield small.closed and not any(
                not is_empty(self.small.of(node)) for node in unlisted.values()
            )
            if strange:
                yield None
            return
        node = large.single["additionalProperties"]
        said = partial(neighbours.of_pattern, [small, *elsewhere], "")
        for mine in (*unlisted.values(), *strange):
            yield self._nodes(mine, node, said)
        if beyond is not None:
            yield self._nodes(beyond, node, said)
        elif not small.closed:
            yield not self.large.of(node).constrains

    def _required(self, small: Schema, large: Schema) -> bool:
        missing = large.required - small.required
        return all(self._is_unseen(small, large, name) for name in missing)

    def _is_unseen(self, small: Schema, large: Schema, name: str) -> bool:
        if not self.given.unseen:
            return False
        sides = (small.properties, self.small), (large.properties, self.large)
        return any(
            schemas.of(properties[name]).flag(self.given.unseen)
            for properties, schemas in sides
            if name in properties
        )

    def _dependent(self, small: Schema, large: Schema) -> Iterator[Answer]:
        schemas = small.maps.get("dependentSchemas", {})

        def asked(name: str) -> set[str]:
            """What a value that has one property must have too."""
            own = self.small.of(schemas[name]).required if name in schemas else ()
            return {*small.words.get("dependentRequired", {}).get(name, ()), *small.required, *own}

        for name, wanted in large.words.get("dependentRequired", {}).items():
            yield True if asked(name) >= {*wanted} else None
        for name, node in large.maps.get("dependentSchemas", {}).items():
            inner = self.large.of(node)
            if not replace(inner, required=frozenset()).constrains:
                yield True if asked(name) >= inner.required else None
            else:
                yield self._in_place(schemas[name], node, small) if name in schemas else None

    # Logic

    def _not(self, small: Schema, large: Schema) -> Answer:
        if "not" not in large.single:
            return True
        refused = self.large.of(large.single["not"])
        if disjoint(small, self.small, refused, self.large):
            return True
        if "not" in small.single:
            mine = self.small.of(small.single["not"])
            if (id(mine), id(refused)) in self.given.same:
                return True
            if self._back().within(refused, mine) is True:
                return True
        return False if self.within(small, refused) is True else None

    def _if(self, small: Schema, large: Schema) -> Answer:
        if "if" not in large.single or not large.single.keys() & {"then", "else"}:
            return True
        if "if" not in small.single or not self._is_same(small.single["if"], large.single["if"]):
            return None
        return all_of(
            self._in_place(small.single[word], large.single[word], small)
            if word in small.single
            else None
            for word in ("then", "else")
            if word in large.single
        )

    def _unions(self, one: Alternative, large: Schema) -> Iterator[Answer]:
        for keyword in ("anyOf", "oneOf"):
            if keyword in large.lists:
                yield self._within_union(one, large, keyword)
        for node in large.lists.get("allOf", ()):
            yield self._within_branch(one, self.large.of(node))

    def _within_branch(self, one: Alternative, branch: Schema) -> Answer:
        whole = (one.schema, *one.origins)
        answers = [
            self.within(self._beside(origin, whole, branch), branch) for origin in one.origins
        ]
        if True in answers:
            return True
        return self.within(one.schema, branch)

    def _within_union(self, one: Alternative, large: Schema, keyword: str) -> Answer:
        branches = [self.large.of(node) for node in large.lists[keyword]]
        if self._is_kept(one, branches, keyword):
            return True
        answers = [self._within_branch(one, branch) for branch in branches]
        others = [
            branch
            for branch, answer in zip(branches, answers, strict=True)
            if answer is not True and not disjoint(one.schema, self.small, branch, self.large)
        ]
        if True not in answers:
            single = len(others) == 1 and self._within_branch(one, others[0]) is False
            return False if single or not others else None
        if keyword == "anyOf" or "discriminator" in large.words:
            return True
        if answers.count(True) > 1:
            return False
        return True if all(self._is_rival(one, branch) for branch in others) else None

    def _is_kept(self, one: Alternative, branches: list[Schema], keyword: str) -> bool:
        """Whether an alternative has a counterpart that is judged elsewhere, as have its rivals."""
        same, within = self.given.same, self.given.within
        if keyword == "oneOf" and len({id(branch) for branch in branches}) < len(branches):
            return False  # one branch stands there twice, and so matches twice
        rest = [
            branch
            for branch in branches
            if not any((id(origin), id(branch)) in within for origin in one.origins)
        ]
        if len(rest) == len(branches):
            return False
        return keyword == "anyOf" or all(
            any((id(rival), id(branch)) in same for rival in one.rivals) for branch in rest
        )

    def _is_rival(self, one: Alternative, branch: Schema) -> bool:
        """Whether a branch lies within one that matches none of an alternative's values."""
        return any(
            (id(rival), id(branch)) in self.given.same or self._back().within(branch, rival) is True
            for rival in one.rivals
        )


def _all_but(said: Said, known: list[Node]) -> Said:
    return lambda: [node for node in said() if not any(node is one for one in known)]


def _asks_for_more(schema: Schema) -> bool:
    """Whether an object needs more properties than it lists."""
    least = schema.words.get("minProperties", 0)
    return isinstance(least, int | float) and least > len(schema.properties)
