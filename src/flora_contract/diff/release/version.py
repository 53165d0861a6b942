"""The version that must follow, by Semantic Versioning 2.0.0."""

from __future__ import annotations

import re
from dataclasses import dataclass

from flora_contract.diff.rules import Level

Precedence = tuple[tuple[bool, int, str], ...]
"""The parts of a pre-release, as they are ordered: numbers by value, and before words."""

_VERSION = re.compile(r"v?(\d+)\.(\d+)\.(\d+)(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?\Z")


@dataclass(frozen=True, order=True)
class Version:
    """A semantic version. A pre-release sorts before its release."""

    major: int
    minor: int
    patch: int
    is_release: bool
    pre: Precedence

    @classmethod
    def of(cls, text: str | None) -> Version | None:
        """The version that a text states, or None if it states none."""
        match = _VERSION.match(text or "")
        if match is None:
            return None
        major, minor, patch = (int(match[number]) for number in (1, 2, 3))
        parts = match[4].removeprefix("-").split(".") if match[4] else []
        pre = tuple((False, int(one), "") if one.isdigit() else (True, 0, one) for one in parts)
        return cls(major, minor, patch, match[4] is None, pre)


def proposed(base: str | None, worst: Level | None, *, words: bool = False) -> str | None:
    """The least version that a contract may have whose worst change has a level.

    Breaking changes ask for a new major version, before 1.0.0 for a new minor one; risky changes,
    and safe ones that are more than `words`, for a new minor version; words for a new patch. A
    pre-release promises nothing yet (Semantic Versioning, 9): the next one will do. None if
    `base` is no version.
    """
    version = Version.of(base)
    if version is None or base is None:
        return None
    if worst is None:
        return base
    if not version.is_release:
        return _next_pre_release(base)
    if words:
        return f"{version.major}.{version.minor}.{version.patch + 1}"
    if worst is Level.BREAKING and version.major > 0:
        return f"{version.major + 1}.0.0"
    if worst is Level.SAFE and version.major == 0:
        return f"0.{version.minor}.{version.patch + 1}"
    return f"{version.major}.{version.minor + 1}.0"


def _next_pre_release(base: str) -> str:
    """1.0.0-rc.2 after 1.0.0-rc.1, and 1.0.0-beta.1 after 1.0.0-beta."""
    text = base.partition("+")[0].removeprefix("v")
    start, dot, last = text.rpartition(".")
    if "-" in start and last.isdigit():
        return f"{start}{dot}{int(last) + 1}"
    return f"{text}.1"


def unkept(base: str | None, revision: str | None) -> str | None:
    """The rule that a version breaks when something breaks, or None if it keeps all."""
    old, new = Version.of(base), Version.of(revision)
    if old is None or new is None:
        return None
    if new < old:
        return "api-version-decreased"
    if new == old:
        return "api-version-not-bumped"
    if not old.is_release:
        return None
    if old.major == new.major and (old.major > 0 or old.minor == new.minor):
        return "api-major-version-not-bumped"
    return None


def lagging(revision: str | None, asked: str | None, worst: Level | None) -> str | None:
    """The rule that a version breaks which is lower than the worst change asks for."""
    given, least = Version.of(revision), Version.of(asked)
    if worst in {None, Level.SAFE} or given is None or least is None or given >= least:
        return None
    return f"api-version-hides-{worst}"
