"""What comes of holding a contract to its sources."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypedDict, Unpack

if TYPE_CHECKING:
    from flora_contract.documents.checking.claims import Claim
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
    that should be there. `claim` is one that no source states. `against` are the labels of the
    sources that state what the contract says, and `row` one to add to docs/conflicts.md, where
    they differ from a fact.
    """

    verdict: Verdict
    what: str
    page: str | None = None
    pointer: Pointer = ()
    fact: PageFact | None = None
    stated: tuple[str, ...] | None = None
    claim: Claim | None = None
    against: tuple[str, ...] = ()
    row: str | None = None


class More(TypedDict, total=False):
    """What else there may be to a judgement."""

    fact: PageFact | None
    stated: tuple[str, ...] | None
    claim: Claim | None
    against: tuple[str, ...]
    row: str | None


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
        **more: Unpack[More],
    ) -> None:
        """Note what became of a fact or a claim."""
        self.findings.append(Judgement(verdict, what, page, pointer, **more))
