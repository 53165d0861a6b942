"""What a comparison notes down: findings about anything but schemas, and where schemas stand."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from flora_contract.openapi.sameness import alike

if TYPE_CHECKING:
    from collections.abc import Iterable

    from flora_contract.diff.rules import Side
    from flora_contract.diff.schemas.pair import Pair
    from flora_contract.diff.schemas.pairs import Pairs
    from flora_contract.diff.schemas.usage import Usage
    from flora_contract.openapi.tree import Node


@dataclass(frozen=True)
class Site:
    """An operation, or nothing in particular within a section of the document."""

    section: str
    method: str | None = None
    path: str | None = None
    operation_id: str | None = None

    def __str__(self) -> str:
        return f"{self.method} {self.path}" if self.method else self.section


@dataclass(frozen=True, eq=False)
class FiredRule:
    """A rule that fires at a place, for one operation."""

    rule_id: str
    message: str
    site: Site
    side: Side
    base: Node | None
    revision: Node | None
    subject: str = ""
    edit: str = ""  # what the rules share that fire for one edit

    @property
    def cause(self) -> tuple[Any, ...]:
        """What two findings share when they are the same edit, seen from two operations."""
        base = self.base.place if self.base is not None else None
        revision = self.revision.place if self.revision is not None else None
        return self.edit or self.rule_id, base, revision, self.subject


@dataclass(frozen=True, eq=False)
class Root:
    """A schema that an operation uses directly."""

    pair: Pair
    usage: Usage
    site: Site
    where: str  # for people: a parameter, or a status and a media type


@dataclass
class Log:
    """Collects what is found while two contracts are compared."""

    pairs: Pairs
    findings: list[FiredRule] = field(default_factory=list)
    roots: list[Root] = field(default_factory=list)

    def add(
        self,
        rule_id: str,
        message: str,
        base: Node | None,
        revision: Node | None,
        site: Site,
        *,
        side: Side = "none",
        subject: str = "",
        edit: str = "",
    ) -> None:
        """Note a finding. Findings with the same `edit`, places and subject are one change."""
        found = FiredRule(rule_id, message, site, side, base, revision, subject, edit)
        self.findings.append(found)

    def schema(self, base: Node, revision: Node, usage: Usage, site: Site, where: str) -> None:
        """Note that two schemas stand at the same place of both contracts."""
        pair = self.pairs.of(base, revision)
        self.pairs.explore(pair)
        self.roots.append(Root(pair, usage, site, where))

    def words(self, base: Node, revision: Node, site: Site, known: Iterable[str]) -> None:
        """Note what differs in texts and extensions of an object whose other fields are `known`."""
        old, new = base.mapping(), revision.mapping()
        for key in [*old, *(key for key in new if key not in old)]:
            if key in known or key in _JUDGED_ELSEWHERE:
                continue
            before, after = base.get(key), revision.get(key)
            if before is not None and after is not None and alike(before.value, after.value):
                continue
            if before is None and after is None:
                continue
            rule_id = _WORD_RULES.get(key)
            if rule_id is None:
                rule_id = "extension-changed" if key[:2] == "x-" else "document-field-changed"
            verb = "changed" if before and after else "added" if after else "removed"
            self.add(rule_id, f"{key} {verb}", before or base, after or revision, site, subject=key)


_JUDGED_ELSEWHERE = {"x-sunset", "x-stability-level", "$ref"}
_WORD_RULES = {
    "description": "description-changed",
    "summary": "summary-changed",
    "title": "title-changed",
    "example": "example-changed",
    "examples": "example-changed",
    "externalDocs": "external-docs-changed",
}
