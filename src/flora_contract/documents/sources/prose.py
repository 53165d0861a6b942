"""Facts that sentences state: prefixes of ids, durations, operations named in passing, sayings."""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING

from flora_contract.documents.facts.fact import PageFact, Place
from flora_contract.documents.sources.kinds import SAYINGS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flora_contract.documents.facts.fact import Scalar

SENTENCE = re.compile(r"[A-Z`].*[\w.)`:]\Z")
"""What a line of prose looks like: it begins with a capital or a code span."""

_MENTION = re.compile(r"\b(GET|POST|PUT|PATCH|DELETE) (?:/api/v\d+)?(/[\w{}/-]+)")
_PREFIX = re.compile(r"\bit (?:must start|starts) with (\w+_)")
_IDEMPOTENCY = re.compile(r"Idempotency-Key header .*duplicate keys (?P<within>.*) return (\w+)")
_NUMBERS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_NUMBER = rf"\d+|{'|'.join(_NUMBERS)}"
_DURATION = re.compile(
    rf"\b({_NUMBER})(?:\s*(?:-|\u2013|to)\s*({_NUMBER}))?[ -](second|minute|hour|day)s?\b",
    re.IGNORECASE,
)


_DEFAULT = re.compile(
    r"\b[Dd]efaults? (?:to|is) (`[^`]+`|\"[^\"]+\"|-?\d+(?:\.\d+)?\b|true\b|false\b)"
)


def _value(word: str) -> Scalar:
    """What a word of a sentence stands for: a number, true or false, or the text in its quotes."""
    try:
        value: Scalar = json.loads(word.strip("`"))
    except json.JSONDecodeError:
        return word.strip('`"')
    return value


def durations(text: str) -> Iterator[tuple[str, str]]:
    """The durations in a text: each as it stands there, and in one notation, `2 to 5 seconds`."""
    for found in _DURATION.finditer(text):
        numbers = [_number(word) for word in found.groups()[:2] if word]
        unit = found[3].lower() + ("" if numbers == ["1"] else "s")
        yield found[0], f"{' to '.join(numbers)} {unit}"


def _number(word: str) -> str:
    return word if word.isdecimal() else str(_NUMBERS.index(word.lower()))


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
        for _, duration in durations(found["within"]):
            yield PageFact(header, "duration", duration, line)
        yield PageFact(Place(place.operation, "error", "error.code"), "value", found[2], line)
    else:
        for _, duration in durations(plain):
            yield PageFact(place, "duration", duration, line)
    if found := _DEFAULT.search(text):
        yield PageFact(place, "default", _value(found[1]), line)
    for saying in SAYINGS:
        if saying.stated.search(plain):
            yield PageFact(saying.place or place, "says", saying.name, line)
