"""Facts: what a page states, each with the place it speaks of and the line it stands on.

A fact is `(place, aspect, value, line)`. Aspects that a place has once on a page:

    is          what the place is: operation, mention (named, not described), parameter, response
    url, scheme, media
                the server's URL, how callers authenticate, the content type of a body
    type        string, number, integer, boolean, object, array, map
    required    true or false
    nullable    true or false; silent where the page never shows null
    minimum, minLength, format, …
                constraints, named as in JSON Schema
    prefix      what an id starts with
    duration    how long something takes or holds, `2 hours`
    deprecated  true

and those it may have many times:

    value       one value of an enum, or one known value of an open string
    says        a rule stated in prose, by its name in `rendering.SAYINGS`
    refuses     a request field that is answered with a validation error when wrong
    shows       the value that a sample has there; `{}` and `[]` stand for objects and arrays
    sample      a whole sample body, as JSON
    wording     a digest of a sentence: it tells that a sentence changed without keeping it
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from flora_contract.errors import InputError
from flora_contract.openapi import load
from flora_contract.openapi.keywords import BOUNDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

CONSTRAINTS = (*BOUNDS, "pattern", "format", "default")
SINGLE = (
    "is",
    "url",
    "scheme",
    "media",
    "type",
    "required",
    "nullable",
    *CONSTRAINTS,
    "prefix",
    "duration",
)
"""Aspects of which a place has one value on a page."""

Scalar = str | int | float | bool | None


@dataclass(frozen=True, order=True)
class Place:
    """What a fact is about, written `POST /generate answer outputs[].url`.

    `operation` is a method and a path, or `API` for what holds everywhere. `part` is body, query,
    path, header, answer (of success; pages leave its status out), error (any other answer),
    status or answer-header. `field` is a dotted path with `[]` for the items of an array, `{}`
    for the values of a map and `<name>` for one of the types that a value may have; empty for the
    part as a whole.
    """

    operation: str
    part: str = ""
    field: str = ""

    def __str__(self) -> str:
        return " ".join(word for word in (self.operation, self.part, self.field) if word)

    @staticmethod
    def parse(text: str) -> Place:
        """The place that `str` wrote."""
        words = text.split(" ")
        cut = 1 if words[0] == "API" else 2
        return Place(" ".join(words[:cut]), *words[cut:])

    def child(self, name: str) -> Place:
        """A field of the object here."""
        return Place(self.operation, self.part, f"{self.field}.{name}" if self.field else name)

    def items(self) -> Place:
        """The items of the array here."""
        return Place(self.operation, self.part, f"{self.field}[]")

    def values(self) -> Place:
        """The values of the map here."""
        return Place(self.operation, self.part, f"{self.field}{{}}")

    def alternative(self, name: str) -> Place:
        """One of the types that the value here may have."""
        return Place(self.operation, self.part, f"{self.field}<{name}>")

    def parent(self) -> Place | None:
        """The object that this is a field of; None for all that is no field."""
        if not self.field or self.field.endswith(("[]", "{}", ">")):
            return None
        return Place(self.operation, self.part, self.field.rpartition(".")[0])

    def holder(self) -> Place | None:
        """What this stands in: an object, a list, a map, or a value of many types."""
        if not self.field:
            return None
        if self.field.endswith(("[]", "{}")):
            return Place(self.operation, self.part, self.field[:-2])
        if self.field.endswith(">"):
            return Place(self.operation, self.part, self.field[: self.field.rindex("<")])
        return self.parent()

    @property
    def name(self) -> str:
        """The name of the field."""
        return self.field.rpartition(".")[2]

    def within(self, other: Place) -> bool:
        """Whether this is a field of `other`, however deep."""
        return (self.operation, self.part) == (other.operation, other.part) and (
            not other.field
            or self.field.startswith(tuple(f"{other.field}{sign}" for sign in ".[{<"))
        )


def alternatives(ways: Iterable[tuple[str, dict[str, Scalar]]]) -> list[str]:
    """Names of the types that a value may have, given the kind and the constant members of each.

    Their kinds where these differ; of objects the values of a member that is constant in each; else
    kinds with numbers.
    """
    kinds, constants = map(list, zip(*ways, strict=True))
    kinds = ["number" if kind == "integer" else kind for kind in kinds]
    if len(set(kinds)) == len(kinds):
        return kinds
    for name in constants[0]:
        values = [str(stated.get(name, "")) for stated in constants]
        if all(values) and len(set(values)) == len(values):
            return values
    return [f"{kind}-{number}" for number, kind in enumerate(kinds, 1)]


@dataclass(frozen=True)
class PageFact:
    """One statement of a source, and where: a line, from 1, and the file where it has many.

    `line` is 0 for what was typed by hand.
    """

    place: Place
    aspect: str
    value: Scalar
    line: int
    file: str = ""

    def __str__(self) -> str:
        value = self.value if isinstance(self.value, str) else json.dumps(self.value)
        return f"{self.place} {self.aspect} {value}"

    @property
    def key(self) -> tuple[Place, str, str]:
        """What it says, wherever it stands."""
        return (self.place, self.aspect, json.dumps(self.value))


def is_operation(fact: PageFact) -> bool:
    """Whether a fact says that its place is an operation, described and not only named."""
    return fact.aspect == "is" and fact.value == "operation"


@dataclass(frozen=True)
class Unread:
    """A line that no rule understands, or that disagrees with another line of its page."""

    line: int
    problem: str
    file: str = ""


@dataclass(eq=False)
class SourcePage:
    """The facts of one page; they are not changed once it has been made.

    `label` is what `x-source` calls it, `form` the name of its `kinds.SourceKind`, `file` what
    messages call it, `version` that of a package.
    """

    label: str
    form: str
    file: str
    facts: list[PageFact] = field(default_factory=list)
    unread: list[Unread] = field(default_factory=list)
    version: str = ""

    def at(self, place: Place, aspect: str) -> list[PageFact]:
        """Its facts on one aspect of a place."""
        return self._index.get((place, aspect), [])

    @cached_property
    def described(self) -> list[PageFact]:
        """Its facts that say which operations there are."""
        return [fact for fact in self.facts if is_operation(fact)]

    @cached_property
    def _index(self) -> dict[tuple[Place, str], list[PageFact]]:
        index: dict[tuple[Place, str], list[PageFact]] = {}
        for fact in self.facts:
            index.setdefault((fact.place, fact.aspect), []).append(fact)
        return index

    def where(self, stated: PageFact | Unread) -> str:
        """A line of it, for messages: `S002:57`, or `TS011 resources/runs.d.ts:14`."""
        file = f" {stated.file}" if stated.file else ""
        return f"{self.label}{file}:{stated.line}" if stated.line else self.label


def dump(page: SourcePage) -> str:
    """The facts of a page as YAML: places in the order of the page, one entry for each line."""
    lines = [
        f"# The facts of {page.label}, read from the page by flora_contract.documents.",
        "# Written by scripts/page_facts.py; not edited by hand.",
        f"form: {page.form}",
        *([f"version: {page.version}"] if page.version else []),
        "facts:",
    ]
    places: dict[Place, dict[tuple[str, int], list[PageFact]]] = {}
    for fact in page.facts:
        places.setdefault(fact.place, {}).setdefault((fact.file, fact.line), []).append(fact)
    for place, entries in places.items():
        lines.append(f"  {place}:")
        for (file, number), facts in sorted(entries.items()):
            where = f"{file}:{number}" if file else number
            lines.append(f"    - {{line: {where}, {_pairs(facts)}}}")
    return "\n".join(lines) + "\n"


def _pairs(facts: list[PageFact]) -> str:
    aspects: dict[str, list[str]] = {}
    for fact in facts:
        aspects.setdefault(fact.aspect, []).append(_inline(fact.value))
    return ", ".join(
        f"{aspect}: {values[0] if len(values) == 1 else '[' + ', '.join(values) + ']'}"
        for aspect, values in aspects.items()
    )


_PLAIN = re.compile(r"[A-Za-z][\w./-]*\Z")
_WORDS_OF_YAML = {"true", "false", "null", "yes", "no", "on", "off", "y", "n"}


def _inline(value: Scalar) -> str:
    if isinstance(value, str):
        if _PLAIN.match(value) and value.lower() not in _WORDS_OF_YAML:
            return value
        if value in {"{}", "[]"} or "'" in value:
            return json.dumps(value)
        return f"'{value}'"
    return json.dumps(value)


def read_facts(path: Path) -> SourcePage:
    """The facts that `dump` wrote. Raises InputError when the file is none of its kind."""
    tree = load(path).tree
    page = SourcePage(path.stem, tree["form"], path.name, version=tree.get("version", ""))
    for place, entry in entries(tree, path):
        file, _, line = str(entry.pop("line")).rpartition(":")
        page.facts += [
            PageFact(place, aspect, value, int(line), file) for aspect, value in statements(entry)
        ]
    return page


def statements(entry: dict[str, Any]) -> Iterator[tuple[str, Scalar]]:
    """The aspects of an entry, each value of a list by itself."""
    for aspect, value in entry.items():
        for one in value if isinstance(value, list) else [value]:
            yield aspect, one


def entries(tree: Any, path: Path) -> Iterator[tuple[Place, dict[str, Any]]]:
    """What a file states, place by place. Raises InputError when it is no file of facts."""
    try:
        for place, entries in tree["facts"].items():
            for entry in entries:
                yield Place.parse(place), entry
    except (KeyError, TypeError, AttributeError):
        raise InputError(f"{path}: not a file of facts") from None


def unique(facts: Iterable[PageFact]) -> list[PageFact]:
    """Facts without those that an earlier line states already. What samples show is counted."""
    seen: set[tuple[Place, str, str]] = set()
    kept = []
    for fact in facts:
        if fact.aspect == "shows" or fact.key not in seen:
            seen.add(fact.key)
            kept.append(fact)
    return kept
