"""What comes of holding a contract to its sources."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable

    from flora_contract.documents.facts.fact import PageFact
    from flora_contract.openapi import Pointer

Verdict = Literal["held", "explained", "missing", "invented", "contradicted", "unread"]
VERDICTS: tuple[Verdict, ...] = (
    "held",
    "explained",
    "missing",
    "invented",
    "contradicted",
    "unread",
)


@dataclass(frozen=True)
class Judgement:
    """A fact or a claim and what became of it.

    `page` is where a source says so, `S002:57`, or None; `pointer` the node of the contract. Where
    a fact was judged it is `fact`; where the labels of a node or value were, `stated` are those
    that should be there. `row` is one to add to docs/conflicts.md, where sources differ.
    """

    verdict: Verdict
    what: str
    page: str | None = None
    pointer: Pointer = ()
    fact: PageFact | None = None
    stated: tuple[str, ...] | None = None
    row: str | None = None


@dataclass
class CheckResult:
    """All that came of holding a contract to its sources."""

    findings: list[Judgement] = field(default_factory=list)

    @property
    def faults(self) -> list[Judgement]:
        """What must not be: everything but what is held or explained."""
        return [f for f in self.findings if f.verdict not in {"held", "explained"}]

    def count(self, verdict: Verdict) -> int:
        return sum(f.verdict == verdict for f in self.findings)

    def add(
        self,
        verdict: Verdict,
        what: str,
        page: str | None = None,
        pointer: Pointer = (),
        *,
        fact: PageFact | None = None,
        stated: Iterable[str] | None = None,
        row: str | None = None,
    ) -> None:
        labels = None if stated is None else tuple(sorted(stated))
        self.findings.append(Judgement(verdict, what, page, pointer, fact, labels, row))
