"""A page while it is being read: its lines, where the reading stands, and what was found."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from flora_contract.documents.facts.fact import SINGLE, PageFact, Place, Unread, unique

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from flora_contract.documents.sources.notation import Shape

Reading = TypeVar("Reading")
"""What the reader of a kind of page remembers from line to line."""


class Sheet:
    """The lines of a page and the facts read so far. `number` is that of the current line."""

    def __init__(self, text: str) -> None:
        self.lines = [line.rstrip() for line in text.split("\n")]
        self.number = 0
        self.facts: list[PageFact] = []
        self.unread: list[Unread] = []

    def next(self) -> str | None:
        """The next line that is not blank; None at the end of the page."""
        while self.number < len(self.lines):
            self.number += 1
            if line := self.lines[self.number - 1]:
                return line
        return None

    def read(self, reading: Reading, rules: Iterable[Callable[[Reading, str], bool]]) -> None:
        """Give each line to the first rule that reads it; doubt what none reads."""
        rules = tuple(rules)
        while (line := self.next()) is not None:
            if not any(rule(reading, line) for rule in rules):
                self.doubt(f"no rule reads {line.strip()[:60]!r}")

    def fenced(self) -> list[str] | None:
        """The lines of the sample that the current line opens; None, with a doubt, if it is open.

        The line that closes it becomes the current one.
        """
        start, lines = self.number, self.rest()[1:]
        if "```" not in lines:
            self.doubt("the sample does not end", start)
            self.number = len(self.lines)
            return None
        lines = lines[: lines.index("```")]
        self.number += len(lines) + 1
        return lines

    def rest(self) -> list[str]:
        """The current line and those after it."""
        return self.lines[self.number - 1 :]

    def take(self, count: int) -> str:
        """The text of `count` lines from the current one, which becomes the last of them."""
        text = "\n".join(self.rest()[:count])
        self.number += count - 1
        return text

    def state(self, place: Place, aspect: str, value: str | float | bool) -> None:
        """Keep a fact of the current line."""
        self.facts.append(PageFact(place, aspect, value, self.number))

    def keep(self, facts: Iterable[PageFact]) -> None:
        """Keep facts."""
        self.facts.extend(facts)

    def doubt(self, problem: str, line: int | None = None) -> None:
        """Report a line, by default the current one."""
        self.unread.append(Unread(line or self.number, problem))

    def listed(self, shape: Shape, place: Place, line: int) -> None:
        """Hold the full list of values below a heading against what the heading says of it."""
        values = [f.value for f in self.facts if f.place == place and f.aspect == "value"]
        if not values:
            self.keep(PageFact(place, "value", value, line) for value in shape.values)
            values = list(shape.values)
        if len(values) != shape.count:
            self.doubt(
                f"{place}: the heading counts {shape.count} values, {len(values)} follow", line
            )
        elif missing := set(shape.values) - set(values):
            self.doubt(f"{place}: {min(missing)} is in the heading, not in the list", line)

    def finish(self) -> None:
        """Drop repetitions; report where the page disagrees with itself."""
        self.facts = unique(self.facts)
        said: dict[tuple[Place, str], PageFact] = {}
        for fact in self.facts:
            if fact.aspect in SINGLE:
                first = said.setdefault((fact.place, fact.aspect), fact)
                if first.value != fact.value and fact.aspect != "is":
                    self.doubt(f"{fact}, but line {first.line} says {first.value}", fact.line)
        described = {f.place for f in self.facts if f.aspect == "is" and f.value == "operation"}
        self.facts = [
            f
            for f in self.facts
            if not (f.aspect == "is" and f.value == "mention" and f.place in described)
        ]
