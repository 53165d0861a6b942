"""Who is hit: every operation that what differs in a schema reaches, on which side.

The graph of pairs is walked once for all operations together: each pair carries the set of roots
that lead to it as the bits of an integer. It is never walked once for every path through it.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flora_contract.diff.operations.findings import Root
    from flora_contract.diff.schemas.pair import Edge, Pair, Property
    from flora_contract.diff.schemas.usage import Usage


@dataclass(frozen=True)
class Occurrence:
    """One way in which roots use a pair that differs."""

    pair: Pair
    usage: Usage
    held: Property | None
    roots: int  # bits

    def each(self, roots: list[Root]) -> Iterator[Root]:
        """The roots whose bits are set."""
        bits = self.roots
        while bits:
            lowest = bits & -bits
            yield roots[lowest.bit_length() - 1]
            bits ^= lowest


Uses = dict["Usage", int]


def occurrences(roots: list[Root]) -> Iterator[Occurrence]:
    """Every pair that differs with the ways it is used, in the order it is met."""
    pairs = _ordered(roots)
    relevant = _relevant(pairs)
    tops: dict[int, Uses] = defaultdict(lambda: defaultdict(int))
    for index, root in enumerate(roots):
        tops[id(root.pair)][root.usage] |= 1 << index
    leading_on = [pair for pair in pairs if id(pair) in relevant]
    inside = _spread(leading_on, tops, relevant)
    held = _held(leading_on, tops, inside)
    for pair in pairs:
        if not pair.facts:
            continue
        for usage, bits in tops[id(pair)].items():
            yield Occurrence(pair, usage, None, bits)
        for (prop, usage), bits in held[id(pair)].items():
            yield Occurrence(pair, usage, prop, bits)


def below(usage: Usage, edge: Edge) -> Usage:
    """How what an edge leads to stands, where its holder stands so."""
    hidden = bool(usage.unseen) and all(
        schema.flag(usage.unseen) for schema in (edge.pair.base, edge.pair.revision)
    )
    parts = usage.typed_parts and usage.nested and edge.property is not None
    return replace(
        usage,
        nested=usage.nested or bool(edge.label),
        typed=usage.typed or parts,
        listed=False,
        hidden=usage.hidden or hidden,
        overlapping=usage.overlapping or edge.overlapping,
    )


def _held(
    pairs: list[Pair], tops: dict[int, Uses], inside: dict[int, Uses]
) -> dict[int, dict[tuple[Property | None, Usage], int]]:
    """The roots that reach each pair that differs from above, by what its holder says of it."""
    held: dict[int, dict[tuple[Property | None, Usage], int]] = defaultdict(
        lambda: defaultdict(int)
    )
    for pair in pairs:
        for edge in pair.edges:
            if not edge.pair.facts:
                continue
            above = [inside[id(pair)], tops[id(pair)]] if edge.label else [inside[id(pair)]]
            for uses in above:
                for usage, bits in uses.items():
                    inner = replace(below(usage, edge), nested=True)
                    held[id(edge.pair)][edge.property, inner] |= bits
    return held


def leading(roots: list[Root]) -> set[int]:
    """The identities of the pairs that differ or lead to one that does."""
    return _relevant(_ordered(roots))


def differing(roots: list[Root]) -> list[Pair]:
    """The pairs that differ or lead to one that does."""
    pairs = _ordered(roots)
    relevant = _relevant(pairs)
    return [pair for pair in pairs if id(pair) in relevant]


def _ordered(roots: list[Root]) -> list[Pair]:
    """Every pair once, each before those it leads to as far as cycles allow."""
    seen: set[int] = set()
    order: list[Pair] = []
    for root in roots:
        stack: list[tuple[Pair, int]] = [(root.pair, 0)]
        while stack:
            pair, step = stack.pop()
            if step == 0 and id(pair) in seen:
                continue
            seen.add(id(pair))
            if step < len(pair.edges):
                stack.append((pair, step + 1))
                child = pair.edges[step].pair
                if id(child) not in seen:
                    stack.append((child, 0))
            else:
                order.append(pair)
    order.reverse()
    return order


def _relevant(pairs: list[Pair]) -> set[int]:
    """The pairs that differ or lead to one that does."""
    parents: dict[int, list[Pair]] = defaultdict(list)
    for pair in pairs:
        for edge in pair.edges:
            parents[id(edge.pair)].append(pair)
    found = {id(pair) for pair in pairs if pair.facts}
    stack = [pair for pair in pairs if pair.facts]
    while stack:
        for parent in parents[id(stack.pop())]:
            if id(parent) not in found:
                found.add(id(parent))
                stack.append(parent)
    return found


def _spread(pairs: list[Pair], tops: dict[int, Uses], relevant: set[int]) -> dict[int, Uses]:
    """The roots that reach each pair from above, by the usage of the root."""
    inside: dict[int, Uses] = defaultdict(lambda: defaultdict(int))
    moved = True
    while moved:
        moved = False
        for pair in pairs:
            for edge in pair.edges:
                if id(edge.pair) in relevant and _pass_on(pair, edge, tops, inside):
                    moved = True
    return inside


def _pass_on(pair: Pair, edge: Edge, tops: dict[int, Uses], inside: dict[int, Uses]) -> bool:
    """Let a pair's uses flow along an edge. An edge without a label leads to the schema itself."""
    moved = False
    child = id(edge.pair)
    for source, target in ((tops, inside if edge.label else tops), (inside, inside)):
        for above, bits in list(source[id(pair)].items()):
            usage = below(above, edge)
            if bits & ~target[child][usage]:
                target[child][usage] |= bits
                moved = True
    return moved
