"""Changes: one difference between two contracts, told once with all it reaches."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from flora_contract.diff.rules import Level


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
