"""Findings of one cause: the one to read, and those that only follow from it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from flora_contract.conformance.judge import Finding


@dataclass(frozen=True)
class Cause:
    """A finding with its consequences: what is seen of it elsewhere, and what it makes fail."""

    finding: Finding
    consequences: tuple[Finding, ...]


def causes(findings: Iterable[Finding]) -> list[Cause]:
    """Each finding once, as a cause or as a consequence, in the order in which they come."""
    left = list(findings)
    # What one answer shows by itself explains what several answers show together.
    order = sorted(left, key=lambda f: not (_broken_member(f) or _is_status(f)))
    found = []
    for finding in order:
        if finding in left:
            following = [f for f in left if f is not finding and _explains(finding, f)]
            found.append(Cause(finding, tuple(following)))
            left = [f for f in left if f is not finding and f not in following]
    return sorted(found, key=lambda c: (c.finding.severity.rank, c.finding.evidence[-1].number))


def _explains(cause: Finding, finding: Finding) -> bool:
    if cause.severity.rank > finding.severity.rank:
        return False
    if cause.oracle.id == finding.oracle.id:
        return cause.seen == finding.seen  # the same rule, broken in the same way
    if _is_status(cause):
        return finding.seen == cause.seen
    member = _broken_member(cause)
    return bool(member) and member in re.findall(r"\w+", finding.subject)


def _is_status(finding: Finding) -> bool:
    return finding.oracle.id == "status-documented"


def _broken_member(finding: Finding) -> str:
    """The member that breaks its schema; empty for a finding of another kind."""
    names = re.findall(r"[A-Za-z_]\w*", finding.subject)
    return names[-1] if names and finding.oracle.id.startswith("schema-") else ""
