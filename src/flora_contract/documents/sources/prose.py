"""Facts that sentences state: ids' prefixes, idempotency, operations named in passing, sayings."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

from flora_contract.documents.facts.fact import PageFact, Place
from flora_contract.documents.sources.kinds import SAYINGS

if TYPE_CHECKING:
    from collections.abc import Iterator

SENTENCE = re.compile(r"[A-Z`].*[\w.)`:]\Z")
"""What a line of prose looks like: it begins with a capital or a code span."""

_MENTION = re.compile(r"\b(GET|POST|PUT|PATCH|DELETE) (?:/api/v\d+)?(/[\w{}/-]+)")
_PREFIX = re.compile(r"\bit (?:must start|starts) with (\w+_)")
_IDEMPOTENCY = re.compile(
    r"Idempotency-Key header .*duplicate keys within (two hours) return (\w+)"
)


def facts_of_sentence(text: str, place: Place, line: int) -> Iterator[PageFact]:
    """What a sentence at `place` states, and a digest of its words."""
    yield PageFact(place, "wording", hashlib.sha256(text.encode()).hexdigest()[:12], line)
    plain = text.replace("`", "")
    for method, path in _MENTION.findall(plain):
        yield PageFact(Place(f"{method} {path}"), "is", "mention", line)
    if found := _PREFIX.search(plain):
        yield PageFact(place, "prefix", found[1], line)
    if found := _IDEMPOTENCY.search(plain):
        header = Place(place.operation, "header", "Idempotency-Key")
        yield PageFact(header, "is", "parameter", line)
        yield PageFact(header, "required", value=False, line=line)
        yield PageFact(header, "says", found[1], line)
        yield PageFact(Place(place.operation, "error", "error.code"), "value", found[2], line)
    for saying in SAYINGS:
        if saying.stated.search(plain):
            yield PageFact(saying.place or place, "says", saying.name, line)
