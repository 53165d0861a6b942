"""Deprecation, sunset dates and stability levels, and the policy they are held against."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

STABILITY = ("draft", "alpha", "beta", "stable")
UNCHECKED = ("draft", "alpha")


@dataclass(frozen=True)
class Policy:
    """How long what is deprecated must stay.

    `grace_days` by stability level: a sunset date must be given, and be that far away, when
    something is marked deprecated. 0, the default, wants no date. `today` is the day that dates
    are judged at.
    """

    grace_days: Mapping[str, int] = field(default_factory=dict)
    today: dt.date = field(default_factory=lambda: dt.datetime.now(dt.UTC).date())

    def grace(self, stability: str | None) -> int:
        """Days of notice that something of a stability level must be given."""
        return self.grace_days.get(stability or "stable", 0)


@dataclass(frozen=True)
class Lifecycle:
    """What a node says about its own life."""

    deprecated: bool
    sunset: Any  # as written; None if there is none
    stability: Any

    @classmethod
    def of(cls, node: Mapping[str, Any]) -> Lifecycle:
        """What a mapping says."""
        return cls(
            node.get("deprecated") is True, node.get("x-sunset"), node.get("x-stability-level")
        )

    @property
    def date(self) -> dt.date | None:
        """The sunset date, or None if there is none or it cannot be read."""
        if not isinstance(self.sunset, str):
            return None
        try:
            return dt.datetime.fromisoformat(self.sunset).date()
        except ValueError:
            return None

    @property
    def unreadable(self) -> bool:
        """Whether there is a sunset, but it is no date (RFC 3339)."""
        return self.sunset is not None and self.date is None

    @property
    def known_stability(self) -> bool:
        """Whether the stability level is one of the known ones, or none is given."""
        return self.stability is None or self.stability in STABILITY


@dataclass(frozen=True)
class Outcome:
    """Which way a life went, as the ending of a rule id."""

    kind: str
    detail: str = ""


def changed(old: Lifecycle, new: Lifecycle, policy: Policy, stability: str | None) -> list[Outcome]:
    """What happened between two states of something that exists in both contracts.

    Kinds: `deprecated`, `deprecated-with-sunset`, `deprecated-sunset-missing`,
    `deprecated-sunset-invalid`, `sunset-date-too-small`, `sunset-date-changed-too-small`,
    `sunset-deleted`, `sunset-parse`, `reactivated`.
    """
    if not old.deprecated and not new.deprecated:
        return []
    if old.deprecated and not new.deprecated:
        return [Outcome("reactivated")]
    grace = policy.grace(stability)
    if not old.deprecated:
        return [_deprecation(new, policy.today, grace)]
    if old.sunset == new.sunset:
        return []
    if new.sunset is None:
        return [Outcome("sunset-deleted")]
    if old.sunset is not None:
        return _moved(old, new, policy.today, grace)
    return [Outcome("sunset-parse")] if new.unreadable else []


def _deprecation(new: Lifecycle, today: dt.date, grace: int) -> Outcome:
    if new.sunset is None:
        return Outcome("deprecated-sunset-missing" if grace > 0 else "deprecated")
    if new.date is None:
        return Outcome("deprecated-sunset-invalid", str(new.sunset))
    if (new.date - today).days < grace:
        return Outcome("sunset-date-too-small", f"{new.date} is less than {grace} days away")
    return Outcome("deprecated-with-sunset", str(new.date))


def _moved(old: Lifecycle, new: Lifecycle, today: dt.date, grace: int) -> list[Outcome]:
    if old.date is None or new.date is None:
        unreadable = old.sunset if old.date is None else new.sunset
        return [Outcome("sunset-parse", str(unreadable))]
    if new.date < old.date and (new.date - today).days < grace:
        return [Outcome("sunset-date-changed-too-small", f"{old.date} to {new.date}")]
    return []


def removed(old: Lifecycle, policy: Policy) -> Outcome:
    """Which way something went that is gone.

    Kinds: `removed-without-deprecation`, `removed-with-deprecation`, `removed-before-sunset`,
    `sunset-parse`.
    """
    if not old.deprecated:
        return Outcome("removed-without-deprecation")
    if old.sunset is None:
        return Outcome("removed-with-deprecation")
    if old.date is None:
        return Outcome("sunset-parse", str(old.sunset))
    if policy.today < old.date:
        return Outcome("removed-before-sunset", str(old.date))
    return Outcome("removed-with-deprecation", str(old.date))


def unchecked(node: Mapping[str, Any]) -> bool:
    """Whether a node says of itself that it may change at any time."""
    return node.get("x-stability-level") in UNCHECKED
