"""Changes: what differs between two contracts, judged, each told once with all it reaches."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass, field, replace
from functools import cache
from typing import TYPE_CHECKING, Any

from flora_contract.diff.contract import compare_contracts
from flora_contract.diff.judging import judged
from flora_contract.diff.lifecycle import Policy
from flora_contract.diff.outline import check_outline
from flora_contract.diff.positions import positions
from flora_contract.diff.reach import Occurrence, below, differing, leading, occurrences
from flora_contract.diff.references import check_references
from flora_contract.diff.rules import Level, rules
from flora_contract.diff.tree import show
from flora_contract.diff.version import lagging, proposed, unkept
from flora_contract.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from flora_contract.diff.facts import Fact
    from flora_contract.diff.log import FiredRule, Log, Root, Site
    from flora_contract.diff.pairs import Edge, Pair
    from flora_contract.diff.positions import Positions
    from flora_contract.diff.tree import Node, Tree
    from flora_contract.diff.verdicts import Ruling, Standing
    from flora_contract.diff.within import Property
    from flora_contract.openapi import Document

    Judge = Callable[[Pair, Standing, Property | None], list[tuple[Fact, Ruling, Level]]]

EXPANDED_AT_MOST = 100_000
"""Changes that `expand` prints before it gives up: paths through recursive schemas have no end."""


@dataclass(frozen=True)
class Spot:
    """A place in one of the two contracts. Line and column count from 1."""

    file: str
    line: int
    column: int
    pointer: str
    value: Any


@dataclass(frozen=True)
class Reach:
    """An operation that a change reaches, where it is seen there, and how bad it is there."""

    operation: str | None
    path: str | None
    side: str
    where: str
    id: str
    level: Level

    def __str__(self) -> str:
        name = f"{self.operation} {self.path}" if self.operation else self.path or "the document"
        return f"{name} ({self.where})" if self.where else name


@dataclass(frozen=True)
class Change:
    """One difference between two contracts.

    `operation` and `path` are None when it reaches more than one operation, or none. `side` is
    `request`, `response`, `both` or `none`. `id` and `level` are the worst of what it reaches.
    """

    id: str
    level: Level
    section: str
    operation: str | None
    path: str | None
    side: str
    pointer: str
    base: Spot | None
    revision: Spot | None
    message: str
    reaches: tuple[Reach, ...] = ()
    accepted: str | None = None
    client: tuple[str, ...] = ()
    messages: tuple[tuple[str, str], ...] = ()  # what each rule of `reaches` says
    file: str = ""  # where the pointer leads, seen from the contract's own file; empty if that

    @property
    def place(self) -> str:
        """Where it stands, the file named if it is not the contract's own."""
        return f"{self.file}#{self.pointer}" if self.file else self.pointer

    @property
    def breadth(self) -> int:
        """How many operations meet it."""
        return len({(reach.operation, reach.path) for reach in self.reaches})

    def seen_from(self, side: str) -> Change | None:
        """The change as it is for those who send, or for those who get; None if it is not."""
        reaches = tuple(reach for reach in self.reaches if reach.side in {side, "none"})
        if not reaches:
            return None
        worst = min(reaches, key=lambda reach: reach.level.rank)
        seen = side if worst.side != "none" else "none"
        return replace(
            self,
            id=worst.id,
            level=worst.level,
            side=seen,
            message=dict(self.messages)[worst.id],
            reaches=reaches,
        )

    def as_if_kept(self) -> Change | None:
        """What is left to say of a version that hides nothing; None if nothing is."""
        left = tuple(reach for reach in self.reaches if reach.level is Level.SAFE)
        if not left:
            return None
        told = dict(self.messages)[left[0].id]
        return replace(self, id=left[0].id, level=Level.SAFE, message=told, reaches=left)

    @property
    def is_about_version(self) -> bool:
        """Whether it says that the version hides what other changes do."""
        return self.id.startswith("api-version-hides-")

    @property
    def key(self) -> str:
        """What stays the same for a change when lines move: its id and its place."""
        return f"{self.id} {self.place}"


@dataclass(frozen=True)
class Settings:
    """How changes are judged: levels by id (None: not reported) and the policy on deprecation.

    `by_keyword`: each keyword has the level of its rule, though it can be proved harmless.
    """

    levels: Mapping[str, Level | None] = field(default_factory=dict)
    policy: Policy = field(default_factory=Policy)
    by_keyword: bool = False

    def level(self, rule_id: str) -> Level | None:
        """The level of a rule, as the user set it or as the table has it."""
        return self.levels.get(rule_id, rules()[rule_id].level)


@dataclass(frozen=True)
class Comparison:
    """Two contracts and what differs, the worst first."""

    base: str  # what the user called it
    revision: str
    base_version: str | None
    revision_version: str | None
    proposed_version: str | None
    changes: tuple[Change, ...]
    client: tuple[str, ...] = ()  # what befalls the generated client, of no single cause

    def count(self, level: Level) -> int:
        """How many changes have a level, those that are accepted left out."""
        return sum(change.level is level and not change.accepted for change in self.changes)

    def seen_from(self, side: str) -> Comparison:
        """The comparison with what concerns one side only."""
        seen = [change.seen_from(side) for change in self.changes]
        kept = replace(self, changes=tuple(change for change in seen if change is not None))
        return kept.with_version_judged()

    def with_version_judged(self) -> Comparison:
        """The same, its version as bad as the worst that it hides of what is left."""
        left = [one for one in self.changes if not one.is_about_version and not one.accepted]
        worst = min((one.level.rank for one in left), default=Level.SAFE.rank)
        changes = [
            change.as_if_kept() if change.is_about_version and change.level.rank < worst else change
            for change in self.changes
        ]
        return replace(self, changes=tuple(change for change in changes if change is not None))

    def reaching(self, level: Level) -> list[Change]:
        """The changes at or above a level that are not accepted."""
        return [
            change for change in self.changes if change.level.reaches(level) and not change.accepted
        ]


def compare(
    base: Tree,
    revision: Tree,
    settings: Settings | None = None,
    *,
    names: tuple[str, str] | None = None,
    expand: bool = False,
) -> Comparison:
    """Compare two contracts. Raises InputError with the place when one of them is malformed.

    `names` is what the user calls them; `expand` tells each change once for every operation and
    every way through its schemas, as oasdiff does, instead of once with all it reaches.
    """
    settings = settings or Settings()
    for tree in (base, revision):
        check_outline(tree)
        check_references(tree)
    try:
        log = compare_contracts(base, revision, settings.policy)
        log.pairs.cross(differing(log.roots))
        groups = list(_expanded(log, settings) if expand else _grouped(log, settings))
    except RecursionError:
        problem = "is nested too deeply to be compared"
        raise InputError(f"{base.document.file} or {revision.document.file}: {problem}") from None
    versions = _version(base), _version(revision)
    worst = min((group.level for group in groups), key=lambda level: level.rank, default=None)
    words = worst is Level.SAFE and all(group.is_documentation for group in groups)
    asked = proposed(versions[0], worst, words=words)
    groups.extend(_version_findings(revision, (*versions, asked), worst, settings, expand=expand))
    places = positions(node for group in groups for node in group.nodes)
    roots = base.document, revision.document
    return Comparison(
        *(names or (base.document.file, revision.document.file)),
        *versions,
        asked,
        tuple(sorted((_change(group, places, roots) for group in groups), key=_order)),
    )


def _order(change: Change) -> tuple[Any, ...]:
    return (
        change.level.rank,
        change.is_about_version,
        _SECTIONS.get(change.section, len(_SECTIONS)),
        change.path or "",
        change.operation or "",
        change.file,
        change.pointer,
        change.id,
        change.message,
    )


_SECTIONS = {
    name: rank
    for rank, name in enumerate(
        ["paths", "callbacks", "webhooks", "components", "security", "servers", "tags", "info"]
    )
}


# Each change once

Reaches = tuple["Reach", ...]


@dataclass
class _Group:
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


def _grouped(log: Log, settings: Settings) -> Iterable[_Group]:
    groups: dict[tuple[Any, ...], _Group] = {}
    for finding in log.findings:
        level = settings.level(finding.rule_id)
        if level is not None:
            group = groups.setdefault(finding.cause, _Group(finding.base, finding.revision))
            reach = _reach(finding.site, finding.side, "", finding.rule_id, level)
            group.found.append((level, finding.rule_id, finding.message, (reach,)))
    told: dict[tuple[int, str, str], Reaches] = {}
    for occurrence in occurrences(log.roots):
        found = judged(occurrence, log.pairs, settings.policy, by_keyword=settings.by_keyword)
        for fact, number, verdict in found:
            level = settings.level(verdict.rule_id)
            if level is None:
                continue
            group = groups.setdefault((*fact.cause, number), _Group(fact.base, fact.revision))
            # What is shared by many is reached by the same many: said once, and kept once.
            side = occurrence.standing.side
            same = occurrence.roots, side, verdict.rule_id
            if same not in told:
                told[same] = tuple(
                    _reach(root.site, side, root.where, verdict.rule_id, level)
                    for root in occurrence.each(log.roots)
                )
            group.found.append((level, verdict.rule_id, verdict.message, told[same]))
    return groups.values()


def _reach(site: Site, side: str, where: str, rule_id: str, level: Level) -> Reach:
    return Reach(site.method, site.path, side, where, rule_id, level)


def _change(group: _Group, places: Positions, roots: tuple[Document, Document]) -> Change:
    level, rule_id, *_ = min(group.found, key=lambda found: found[0].rank)
    message = _told([said for _, name, said, _ in group.found if name == rule_id])
    reaches = _merged([reaches for *_, reaches in group.found])
    operations = {(reach.operation, reach.path) for reach in reaches}
    sides = {reach.side for reach in reaches} - {"none"}
    pointer = show(group.node.pointer)
    operation, path = operations.pop() if len(operations) == 1 else (None, None)
    return Change(
        id=rule_id,
        level=level,
        section=_section(pointer),
        operation=operation,
        path=path,
        side=sides.pop() if len(sides) == 1 else "both" if sides else "none",
        pointer=pointer,
        base=_spot(group.base, places),
        revision=_spot(group.revision, places),
        message=message,
        reaches=reaches,
        file=_beside(group.node.document.file, [root.file for root in roots]),
        messages=tuple({rule_id: said for _, rule_id, said, _ in group.found}.items()),
    )


_SHOWN = 5  # of what one change is about, when it is about many


def _told(messages: list[str]) -> str:
    """What to say of one change that several facts make up."""
    different = list(dict.fromkeys(messages))
    heads = {message.partition(": ")[0] for message in different}
    if len(different) == 1 or len(heads) > 1:
        return different[0]
    count, [head] = len(different), heads
    head = head.replace("one more value", f"{count} more values")
    head = head.replace("lost a value", f"lost {count} values")
    tails = [message.partition(": ")[2] for message in different]
    more = f" and {count - _SHOWN} more" if count > _SHOWN else ""
    return f"{head}: {', '.join(tails[:_SHOWN])}{more}"


def _merged(found: list[Reaches]) -> Reaches:
    """All reaches once. Many changes share the same, and those are kept once too."""
    different = list({id(reaches): reaches for reaches in found}.values())
    if len(different) == 1:
        return different[0]
    return tuple(dict.fromkeys(reach for reaches in different for reach in reaches))


def _section(pointer: str) -> str:
    parts = pointer.split("/")
    if "callbacks" in parts[3:]:
        return "callbacks"
    if parts[1:3] == ["components", "securitySchemes"]:
        return "security"
    return parts[1] if len(parts) > 1 and parts[1] in _SECTIONS else "info"


def _beside(file: str, roots: list[str]) -> str:
    """A file as it is named from the contract's own; empty if it is one of the two contracts."""
    if file in roots:
        return ""
    for root in roots:
        revision, colon, path = root.partition(":")
        if colon and file.startswith(f"{revision}:"):
            return posixpath.relpath(file[len(revision) + 1 :], posixpath.dirname(path) or ".")
    folder = posixpath.dirname(roots[-1])
    return posixpath.relpath(file, folder or ".")


def _spot(node: Node | None, places: Positions) -> Spot | None:
    if node is None:
        return None
    place = places[node.document.file, node.pointer]
    return Spot(place.file, place.line, place.column, show(node.pointer), node.value)


# Each change for every operation and every way to it


def _expanded(log: Log, settings: Settings) -> Iterator[_Group]:
    count = 0
    for finding in log.findings:
        level = settings.level(finding.rule_id)
        if level is not None:
            yield _single(finding, level)
    leads = leading(log.roots)

    @cache
    def judge(
        pair: Pair, standing: Standing, held: Property | None
    ) -> list[tuple[Fact, Ruling, Level]]:
        found = judged(
            Occurrence(pair, standing, held, 0),
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


def _single(finding: FiredRule, level: Level) -> _Group:
    group = _Group(finding.base, finding.revision)
    reach = _reach(finding.site, finding.side, "", finding.rule_id, level)
    group.found.append((level, finding.rule_id, finding.message, (reach,)))
    return group


def _walk(root: Root, leads: set[int], judge: Judge) -> Iterator[_Group]:
    """Every simple path from a root to what differs."""
    stack: list[_Step] = [_Step(root.pair, root.standing)]
    while stack:
        step = stack.pop()
        for fact, verdict, level in judge(step.pair, step.standing, step.held):
            group = _Group(fact.base, fact.revision)
            where = f"{root.where}, {step.way}" if step.way else root.where
            reach = _reach(root.site, step.standing.side, where, verdict.rule_id, level)
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
    standing: Standing
    held: Property | None = None
    way: str = ""
    passed: frozenset[int] = frozenset()

    def along(self, edge: Edge) -> _Step:
        """The pair that an edge leads to."""
        return _Step(
            edge.pair,
            below(self.standing, edge),
            edge.property,
            "/".join(part for part in (self.way, edge.label) if part),
            self.passed | {id(self.pair)},
        )


# The version


def _version(tree: Tree) -> str | None:
    info = tree.root.value.get("info")
    version = info.get("version") if isinstance(info, dict) else None
    return None if version is None else str(version)


def _version_findings(
    revision: Tree,
    versions: tuple[str | None, str | None, str | None],
    worst: Level | None,
    settings: Settings,
    *,
    expand: bool,
) -> Iterator[_Group]:
    """What the version should say, and does not: as bad as the worst change that it hides."""
    was, now, asked = versions
    names = [unkept(was, now) if worst is Level.BREAKING else None, lagging(now, asked, worst)]
    found = [(name, settings.level(name)) for name in names if name is not None]
    told = [(name, level) for name, level in found if level is not None]
    node = revision.root.child("info").child("version") if told else revision.root
    for some in [[one] for one in told] if expand else [told] if told else []:
        group = _Group(None, node)
        for name, level in some:
            message = f"{rules()[name].text}: {was} to {now}, and at least {asked} is asked for"
            reach = Reach(None, None, "none", "", name, level)
            group.found.append((level, name, message, (reach,)))
        yield group
