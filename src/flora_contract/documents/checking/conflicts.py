"""The rows of docs/conflicts.md, and the facts they name that the contract reads otherwise."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from flora_contract.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from flora_contract.documents.facts.fact import PageFact, SourcePage

_ROW = re.compile(r"\|\s*(?:\[|<a[^>]*>)*\s*C(\d+)\b")
_FACT = re.compile(r"`([A-Z][\w-]*) ((?:API|GET|POST|PUT|PATCH|DELETE) [^`]+)`")


@dataclass(frozen=True)
class Difference:
    """What a row says a source states, as its code span has it.

    `stated` is a fact, `GET /generations answer meta.total_estimate required true`, or the
    beginning of many: an aspect with all its values, or a place with all that is in it. `API` in
    place of an operation stands for all of them.
    """

    number: str
    label: str
    stated: str

    def covers(self, page: SourcePage, fact: PageFact) -> bool:
        """Whether a fact is what the row says. A version of the SDK stands for those after it."""
        text = str(fact)
        if self.stated.startswith("API "):
            text = text.replace(fact.place.operation, "API", 1)
        if text != self.stated and not text.startswith(
            tuple(f"{self.stated}{sign}" for sign in " .[{<")
        ):
            return False
        return page.label == self.label or (page.form == "sdk" and self.label.startswith("TS"))


@dataclass
class Conflicts:
    """The differences that are accepted, and which of them were met."""

    listed: list[Difference] = field(default_factory=list)
    highest: int = 0
    met: set[Difference] = field(default_factory=set)

    def fresh(self) -> Conflicts:
        """The same, with none met."""
        return Conflicts(self.listed, self.highest)

    @property
    def next(self) -> str:
        """The number that a new row gets."""
        return f"C{self.highest + 1}"

    def explain(self, page: SourcePage, fact: PageFact) -> bool:
        """Whether a row names a fact, which is noted."""
        found = [difference for difference in self.listed if difference.covers(page, fact)]
        self.met.update(found)
        return bool(found)

    def unused(self) -> list[tuple[str, str]]:
        """Rows' facts that are no difference, and the numbers of their rows."""
        return [(f"{d.label} {d.stated}", d.number) for d in self.listed if d not in self.met]


def read_conflicts(path: Path) -> Conflicts:
    """The rows of docs/conflicts.md: lines of a Markdown table that begin with a C-number.

    Raises InputError when the file cannot be read.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise InputError(f"{path}: not UTF-8") from None
    conflicts = Conflicts()
    for line in lines:
        if number := _ROW.match(line):
            conflicts.highest = max(conflicts.highest, int(number[1]))
            conflicts.listed += [
                Difference(f"C{number[1]}", *named) for named in dict.fromkeys(_FACT.findall(line))
            ]
    return conflicts


def row(number: str, page: SourcePage, fact: PageFact, held: str, labels: Sequence[str]) -> str:
    """A row to add, where a source states something else than the contract."""
    by = f" ({', '.join(labels)})" if labels else ""
    stated = f"{fact.value}" if isinstance(fact.value, str) else f"{fact.value}".lower()
    return (
        f"| {number} | {fact.aspect} of `{fact.place}` | {held}{by} "
        f"| {stated} (`{page.label} {fact}`) | … |"
    )
