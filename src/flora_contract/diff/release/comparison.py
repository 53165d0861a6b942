"""Two contracts compared: what changed, and the version that must follow."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from flora_contract.diff.judging.affected import differing
from flora_contract.diff.judging.changes import Change, Reach
from flora_contract.diff.judging.expanding import expanded
from flora_contract.diff.judging.groups import Group, grouped
from flora_contract.diff.judging.settings import Settings
from flora_contract.diff.judging.telling import told
from flora_contract.diff.operations.contract import compare_contracts
from flora_contract.diff.reading.outline import check_outline
from flora_contract.diff.release.version import lagging, proposed, unkept
from flora_contract.diff.rules import Level, rules
from flora_contract.errors import InputError
from flora_contract.openapi.references import check_references

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flora_contract.openapi.tree import Tree


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
        groups = list(expanded(log, settings) if expand else grouped(log, settings))
    except RecursionError:
        problem = "is nested too deeply to be compared"
        raise InputError(f"{base.document.file} or {revision.document.file}: {problem}") from None
    versions = _version(base), _version(revision)
    worst = min((group.level for group in groups), key=lambda level: level.rank, default=None)
    words = worst is Level.SAFE and all(group.is_documentation for group in groups)
    asked = proposed(versions[0], worst, words=words)
    groups.extend(_version_findings(revision, (*versions, asked), worst, settings, expand=expand))
    files = base.document.file, revision.document.file
    changes = told(groups, (base.document, revision.document))
    return Comparison(*(names or files), *versions, asked, changes)


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
) -> Iterator[Group]:
    """What the version should say, and does not: as bad as the worst change that it hides."""
    was, now, asked = versions
    names = [unkept(was, now) if worst is Level.BREAKING else None, lagging(now, asked, worst)]
    found = [(name, settings.level(name)) for name in names if name is not None]
    broken = [(name, level) for name, level in found if level is not None]
    node = revision.root.child("info").child("version") if broken else revision.root
    for some in [[one] for one in broken] if expand else [broken] if broken else []:
        group = Group(None, node)
        for name, level in some:
            message = f"{rules()[name].text}: {was} to {now}, and at least {asked} is asked for"
            reach = Reach(None, None, "none", "", name, level)
            group.found.append((level, name, message, (reach,)))
        yield group
