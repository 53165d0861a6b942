"""Each change for every operation and every way to it, as oasdiff tells them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from flora_contract.diff.judging.affected import Occurrence, below, leading
from flora_contract.diff.judging.groups import Group, reached_at
from flora_contract.diff.judging.severity import judged
from flora_contract.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from flora_contract.diff.judging.rules_for_facts import Ruling
    from flora_contract.diff.judging.settings import Settings
    from flora_contract.diff.operations.findings import FiredRule, Log, Root
    from flora_contract.diff.rules import Level
    from flora_contract.diff.schemas.facts import Fact
    from flora_contract.diff.schemas.pair import Edge, Pair, Property
    from flora_contract.diff.schemas.usage import Usage

    Judge = Callable[[Pair, Usage, Property | None], list[tuple[Fact, Ruling, Level]]]

EXPANDED_AT_MOST = 100_000
"""Changes that are told before it gives up: paths through recursive schemas have no end."""


def expanded(log: Log, settings: Settings) -> Iterator[Group]:
    count = 0
    for finding in log.findings:
        level = settings.level(finding.rule_id)
        if level is not None:
            yield _single(finding, level)
    leads = leading(log.roots)

    @cache
    def judge(pair: Pair, usage: Usage, held: Property | None) -> list[tuple[Fact, Ruling, Level]]:
        found = judged(
            Occurrence(pair, usage, held, 0),
            log.pairs,
            settings.policy,
            by_keyword=settings.by_keyword,
        )
        levels = [(fact, verdict, settings.level(verdict.rule_id)) for fact, _, verdict in found]
        return [(fact, verdict, level) for fact, verdict, level in levels if level is not None]

    for root in log.roots:
        for group in _walk(root, leads, judge):
            count += 1
            if count > EXPANDED_AT_MOST:
                raise InputError(
                    f"--expand tells each change for every way to it, and there are more than "
                    f"{EXPANDED_AT_MOST:,}: leave it out, and each is told once"
                )
            yield group


def _single(finding: FiredRule, level: Level) -> Group:
    group = Group(finding.base, finding.revision)
    reach = reached_at(finding.site, finding.side, "", finding.rule_id, level)
    group.found.append((level, finding.rule_id, finding.message, (reach,)))
    return group


def _walk(root: Root, leads: set[int], judge: Judge) -> Iterator[Group]:
    """Every simple path from a root to what differs."""
    stack: list[_Step] = [_Step(root.pair, root.usage)]
    while stack:
        step = stack.pop()
        for fact, verdict, level in judge(step.pair, step.usage, step.held):
            group = Group(fact.base, fact.revision)
            where = f"{root.where}, {step.way}" if step.way else root.where
            reach = reached_at(root.site, step.usage.side, where, verdict.rule_id, level)
            group.found.append((level, verdict.rule_id, verdict.message, (reach,)))
            yield group
        stack.extend(
            step.along(edge)
            for edge in reversed(step.pair.edges)
            if id(edge.pair) in leads and id(edge.pair) not in step.passed
        )


@dataclass(frozen=True)
class _Step:
    """A pair on the way from a root, and how it was come to."""

    pair: Pair
    usage: Usage
    held: Property | None = None
    way: str = ""
    passed: frozenset[int] = frozenset()

    def along(self, edge: Edge) -> _Step:
        """The pair that an edge leads to."""
        return _Step(
            edge.pair,
            below(self.usage, edge),
            edge.property,
            "/".join(part for part in (self.way, edge.label) if part),
            self.passed | {id(self.pair)},
        )
