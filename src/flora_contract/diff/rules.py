"""The rules: what a change can be, and how much it matters.

`schema_rules.tsv` is a matrix: one row for each way a schema can change, one column for each
place where a schema can stand. `other_rules.tsv` lists the rules that concern no schema keyword.
A level in upper case belongs to an id that oasdiff has too, with the same level; one in lower
case is our own, for what oasdiff is silent about.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Literal

Side = Literal["request", "response", "none"]


class Level(StrEnum):
    """How much a change matters to those who use the API, the worst first."""

    BREAKING = "breaking"
    RISKY = "risky"
    SAFE = "safe"

    @property
    def rank(self) -> int:
        """0 for breaking: sorts the worst first."""
        return _ORDER.index(self)

    def reaches(self, threshold: Level) -> bool:
        """Whether this is at least as bad as `threshold`."""
        return self.rank <= threshold.rank


_ORDER = [Level.BREAKING, Level.RISKY, Level.SAFE]
_LETTERS = {"e": Level.BREAKING, "w": Level.RISKY, "i": Level.SAFE}

PLACES = {
    "P": "request-parameter",
    "PP": "request-parameter-property",
    "QB": "request-body",
    "QF": "request-property",
    "SB": "response-body",
    "SF": "response-property",
    "H": "response-header",
    "HP": "response-header-property",
}
"""Where a schema can stand: column of the matrix -> how the ids begin."""

_PLACE_WORDS = {
    "P": "parameter",
    "PP": "property of an object parameter",
    "QB": "request body",
    "QF": "request body property",
    "SB": "response body",
    "SF": "response property",
    "H": "response header",
    "HP": "property of a response header",
}
_PLACE_AREAS = {"P": "parameters", "PP": "parameters", "H": "headers", "HP": "headers"}

NEVER = {
    f"{place}-min-items-{action}"
    for place, action in [
        ("request-body", "set"),
        ("request-property", "set"),
        ("request-parameter", "set"),
        ("response-body", "unset"),
        ("response-property", "unset"),
    ]
}
"""Ids of oasdiff that nothing can produce, there or here: no minItems means minItems 0."""


@dataclass(frozen=True)
class Rule:
    """One way in which two contracts can differ."""

    id: str
    level: Level
    direction: Side
    area: str
    text: str
    shared: bool  # oasdiff has the same id with the same level


@cache
def rules() -> dict[str, Rule]:
    """Every rule by its id."""
    found = [*_schema_rules(), *_other_rules()]
    table = {rule.id: rule for rule in found}
    assert len(table) == len(found), "two rules share an id"
    return table


def _schema_rules() -> list[Rule]:
    found = []
    for suffix, *letters, text in _rows("schema_rules.tsv"):
        for place, letter in zip(PLACES, letters, strict=True):
            if letter == ".":
                continue
            found.append(
                Rule(
                    id=f"{PLACES[place]}-{suffix}",
                    level=_LETTERS[letter.lower()],
                    direction="request" if place in {"P", "PP", "QB", "QF"} else "response",
                    area=_PLACE_AREAS.get(place, "schema"),
                    text=f"{_PLACE_WORDS[place]}: {text}",
                    shared=letter.isupper(),
                )
            )
    return found


def _other_rules() -> list[Rule]:
    found = []
    for name, letter, direction, area, text in _rows("other_rules.tsv"):
        assert direction in {"request", "response", "none"}
        side: Side = direction  # type: ignore[assignment] # checked on the line above
        found.append(Rule(name, _LETTERS[letter.lower()], side, area, text, letter.isupper()))
    return found


def _rows(name: str) -> list[list[str]]:
    text = files(__package__).joinpath(name).read_text(encoding="utf-8")
    return [line.split("\t") for line in text.splitlines()[1:]]
