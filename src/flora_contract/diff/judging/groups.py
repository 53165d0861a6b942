"""Findings and facts that are one edit, with the rules they fall under wherever it is seen."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from flora_contract.diff.judging.affected import occurrences
from flora_contract.diff.judging.changes import Reach
from flora_contract.diff.judging.severity import judged
from flora_contract.diff.rules import Level, rules

if TYPE_CHECKING:
    from collections.abc import Iterable

    from flora_contract.diff.judging.settings import Settings
    from flora_contract.diff.operations.findings import Log, Site
    from flora_contract.openapi.tree import Node

Reaches = tuple["Reach", ...]


@dataclass
class Group:
    """What is found about one edit, wherever it is seen."""

    base: Node | None
    revision: Node | None
    found: list[tuple[Level, str, str, Reaches]] = field(default_factory=list)

    @property
    def level(self) -> Level:
        """The worst level that it has for anybody."""
        return min((level for level, *_ in self.found), key=lambda level: level.rank)

    @property
    def is_documentation(self) -> bool:
        """Whether it is about words only."""
        return all(rules()[rule_id].area == "documentation" for _, rule_id, *_ in self.found)

    @property
    def nodes(self) -> list[Node]:
        """The places it is about."""
        return [node for node in (self.base, self.revision) if node is not None]

    @property
    def node(self) -> Node:
        """The deeper of the two places, the newer if they are equally deep."""
        nodes = self.nodes
        return nodes[-1] if len(nodes[-1].pointer) >= len(nodes[0].pointer) else nodes[0]


def grouped(log: Log, settings: Settings) -> Iterable[Group]:
    groups: dict[tuple[Any, ...], Group] = {}
    for finding in log.findings:
        level = settings.level(finding.rule_id)
        if level is not None:
            group = groups.setdefault(finding.cause, Group(finding.base, finding.revision))
            reach = reached_at(finding.site, finding.side, "", finding.rule_id, level)
            group.found.append((level, finding.rule_id, finding.message, (reach,)))
    told: dict[tuple[int, str, str], Reaches] = {}
    for occurrence in occurrences(log.roots):
        found = judged(occurrence, log.pairs, settings.policy, by_keyword=settings.by_keyword)
        for fact, number, verdict in found:
            level = settings.level(verdict.rule_id)
            if level is None:
                continue
            group = groups.setdefault((*fact.cause, number), Group(fact.base, fact.revision))
            # What is shared by many is reached by the same many: said once, and kept once.
            side = occurrence.usage.side
            same = occurrence.roots, side, verdict.rule_id
            if same not in told:
                told[same] = tuple(
                    reached_at(root.site, side, root.where, verdict.rule_id, level)
                    for root in occurrence.each(log.roots)
                )
            group.found.append((level, verdict.rule_id, verdict.message, told[same]))
    return groups.values()


def reached_at(site: Site, side: str, where: str, rule_id: str, level: Level) -> Reach:
    """An operation where a rule fires."""
    return Reach(site.method, site.path, side, where, rule_id, level)
