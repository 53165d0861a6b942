"""Names of media types: what is another spelling, which one covers another, which are typed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_PARAMETER = re.compile(r""";\s*([^\s=;]+)\s*=\s*("[^"]*"|[^;\s]*)""")
_TEXTUAL = {"application/xml", "application/x-www-form-urlencoded", "application/xhtml+xml"}
_TYPED_TEXT = {"json", "yaml", "x-yaml", "vnd.yaml", "event-stream", "x-ndjson", "ndjson", "*"}
_PARTS = {"application/x-www-form-urlencoded"}


@dataclass(frozen=True)
class MediaType:
    """A media type or a range of them, in small letters, without what says nothing."""

    main: str
    sub: str
    parameters: frozenset[tuple[str, str]]

    @classmethod
    def of(cls, name: str) -> MediaType:
        """The media type that a name spells. `charset=utf-8` is what is sent anyway."""
        bare, _, _ = name.partition(";")
        main, _, sub = bare.strip().lower().partition("/")
        found = {
            (key.lower(), value.strip('"')) for key, value in _PARAMETER.findall(name[len(bare) :])
        }
        kept = {
            (key, value.lower() if key == "charset" else value)
            for key, value in found
            if (key, value.lower()) != ("charset", "utf-8")
        }
        return cls(main, sub, frozenset(kept))

    @property
    def name(self) -> str:
        """Without parameters."""
        return f"{self.main}/{self.sub}"

    def takes(self, other: MediaType) -> bool:
        """Whether this is a range that the other lies in, or the same with fewer parameters."""
        if self == other:
            return False
        if self.name == other.name:
            return self.parameters < other.parameters
        if self.main == "*":
            return True
        return self.sub == "*" and self.main == other.main

    def is_kind_of(self, other: MediaType) -> bool:
        """Whether this is written in the other's syntax: `application/problem+json` in JSON."""
        return self.main == other.main and self.sub.endswith(f"+{other.sub}")

    @property
    def is_typed(self) -> bool:
        """Whether it tells numbers from text, as JSON does; so does what may be JSON."""
        if self.name in _TEXTUAL or self.sub.endswith("+xml"):
            return False
        if self.main == "text":
            return self.sub in _TYPED_TEXT or self.sub.endswith(("+json", "+yaml"))
        return self.main != "multipart"

    @property
    def has_typed_parts(self) -> bool:
        """Whether it is text by itself, and the objects in it are written as JSON."""
        return self.name in _PARTS or self.main == "multipart"


def closest(name: str, among: Iterable[str]) -> str | None:
    """Of some names the narrowest that takes a media type; None if none does."""
    wanted = MediaType.of(name)
    taking = [one for one in among if MediaType.of(one).takes(wanted)]
    ranks = {one: (MediaType.of(one).main == "*", MediaType.of(one).sub == "*") for one in taking}
    return min(taking, key=lambda one: ranks[one], default=None)
