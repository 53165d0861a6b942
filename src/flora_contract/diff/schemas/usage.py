"""How a schema is used: who sends it, in which part of a message, at the top of it or within."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Area = Literal["parameter", "body", "header"]


@dataclass(frozen=True)
class Usage:
    """Where a schema stands: who sends it, in which part, at the top of it or within."""

    side: Literal["request", "response"]
    area: Area
    nested: bool = False
    typed: bool = True  # whether the medium tells numbers from strings, as JSON does
    typed_parts: bool = False  # whether the objects within it are written as JSON all the same
    location: str = ""  # of a parameter: query, path, header, cookie
    required: bool = False  # of a parameter
    exploded: bool = False  # of a parameter: a list is written as one `name=value` for each item
    listed: bool = False  # of a parameter: one value before, a list of such values now
    stability: str | None = None
    hidden: bool = False  # whether it is sent the other way only: readOnly, writeOnly
    overlapping: bool = False  # whether how many branches or items a value matches matters

    @property
    def unseen(self) -> str:
        """The flag of what is not sent that way; empty if no flag says so there."""
        if self.area != "body":
            return ""
        return "readOnly" if self.side == "request" else "writeOnly"

    @property
    def place(self) -> str:
        """The column of the matrix of rules."""
        if self.area == "parameter":
            return "PP" if self.nested else "P"
        if self.area == "header":
            return "HP" if self.nested else "H"
        letter = "Q" if self.side == "request" else "S"
        return letter + ("F" if self.nested else "B")
