"""What differs between two schemas themselves, apart from what differs inside the schemas in them.

A fact says nothing about callers or readers yet: which rule it is, and how bad, depends on where
the schema stands: that is judged later.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from flora_contract.diff.reading.schema import FLAGS, KNOWN, MISSING, WORDS
from flora_contract.openapi.sameness import exact

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flora_contract.diff.reading.schema import Schema
    from flora_contract.openapi.tree import Node


@dataclass(frozen=True, eq=False)
class Fact:
    """One difference: what happened, to which node on either side, and the values before and after.

    `subject` is what it happened to, when the node alone does not say: a property, an enum value.
    """

    kind: str
    base: Node | None
    revision: Node | None
    old: Any = None
    new: Any = None
    subject: str = ""
    edit: str = ""  # what the facts share that are one edit, whatever their subjects
    under: Fact | None = None  # the fact that this one follows from

    @property
    def cause(self) -> tuple[Any, ...]:
        """What two facts share when they are the same edit, found on two ways."""
        if self.under is not None:
            return self.under.cause
        base = self.base.place if self.base is not None else None
        revision = self.revision.place if self.revision is not None else None
        return (
            (self.edit, base, revision) if self.edit else (self.kind, base, revision, self.subject)
        )


def facts(base: Schema, revision: Schema) -> Iterator[Fact]:
    """What differs in the keywords of two schemas that hold no schema themselves."""
    yield from _types(base, revision)
    yield from _nullable(base, revision)
    yield from _values(base, revision)
    yield from _bounds(base, revision)
    yield from _pattern(base, revision)
    yield from _flags(base, revision)
    yield from _dependent_required(base, revision)
    yield from _contents(base, revision)
    yield from _discriminator(base, revision)
    yield from _closed(base, revision)
    yield from _unknown(base, revision)
    yield from documentation(base, revision)


def spot(schema: Schema, word: str) -> Node:
    """Where a keyword of a schema stands; the place of the schema if the keyword is not there."""
    at = schema.spots.get(word, schema.at)
    return at.child(word) if isinstance(at.value, dict) and word in at.value else at.without()


def at_keyword(kind: str, base: Schema, revision: Schema, keyword: str, subject: str = "") -> Fact:
    """A fact about a keyword that holds schemas."""
    old = base.at.value.get(keyword, MISSING) if isinstance(base.at.value, dict) else MISSING
    new = (
        revision.at.value.get(keyword, MISSING) if isinstance(revision.at.value, dict) else MISSING
    )
    return Fact(kind, spot(base, keyword), spot(revision, keyword), old, new, subject)


def show_value(value: Any) -> str:
    """A value in a message: JSON, shortened."""
    if value is MISSING or value is None:
        return "null" if value is None else "nothing"
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)
    return text if len(text) <= 80 else text[:77] + "…"


def _fact(kind: str, base: Schema, revision: Schema, word: str, subject: str = "") -> Fact:
    old, new = base.word(word), revision.word(word)
    return Fact(kind, spot(base, word), spot(revision, word), old, new, subject)


def _types(base: Schema, revision: Schema) -> Iterator[Fact]:
    bytes_alike = _is_base64(base) and _is_base64(revision)
    old, new = (
        (one.types, "" if bytes_alike else one.words.get("format", "")) for one in (base, revision)
    )
    if old != new:
        word = "type" if old[0] != new[0] else "format"
        yield Fact("type", spot(base, word), spot(revision, word), old, new)


def _is_base64(schema: Schema) -> bool:
    """Whether texts are bytes: `format: byte` in OpenAPI 3.0, contentEncoding since then."""
    form, encoding = schema.words.get("format"), schema.words.get("contentEncoding")
    return (form, encoding) in {("byte", None), (None, "base64"), ("byte", "base64")}


def _nullable(base: Schema, revision: Schema) -> Iterator[Fact]:
    if base.nullable == revision.nullable:
        return
    plain, other = (revision, base) if base.nullable else (base, revision)
    if plain.types is None and other.types is not None and not plain.lists:
        return  # without a type, null was allowed all along
    kind = "became-nullable" if revision.nullable else "became-not-nullable"
    word = "nullable" if "nullable" in _raw(base) or "nullable" in _raw(revision) else "type"
    old, new = (
        one.spots["nullable"].without() if "nullable" in one.spots else spot(one, word)
        for one in (base, revision)
    )
    yield Fact(kind, old, new, base.nullable, revision.nullable)


def _raw(schema: Schema) -> dict[str, Any]:
    return schema.at.value if isinstance(schema.at.value, dict) else {}


def _values(base: Schema, revision: Schema) -> Iterator[Fact]:
    if _listed(base) is None or _listed(base) != _listed(revision):
        yield from _enum(base, revision)
        yield from _on_off(base, revision, "const", "const")
    yield from _on_off(base, revision, "default", "default-value")
    word = "x-extensible-enum"
    yield from _enum_values(base, revision, word, "x-extensible-enum-value")


def _listed(schema: Schema) -> set[str] | None:
    """The values that enum or const limit a schema to."""
    if "const" in schema.words and "enum" not in schema.words:
        return {exact(schema.words["const"])}
    if "enum" in schema.words and "const" not in schema.words:
        return {exact(value) for value in schema.words["enum"]}
    return None


def _enum(base: Schema, revision: Schema) -> Iterator[Fact]:
    if "enum" in base.words and "enum" in revision.words:
        yield from _enum_values(base, revision, "enum", "enum-value")
    elif "enum" in revision.words and "const" not in base.words:
        yield _fact("became-enum", base, revision, "enum")
    elif "enum" in base.words and "const" not in revision.words:
        yield _fact("became-not-enum", base, revision, "enum")
    elif "enum" in base.words or "enum" in revision.words:
        old = base.words.get("enum", [base.word("const")])
        new = revision.words.get("enum", [revision.word("const")])
        yield from _difference(base, revision, "enum", "enum-value", old, new)


def _enum_values(base: Schema, revision: Schema, word: str, kind: str) -> Iterator[Fact]:
    old, new = base.words.get(word, []), revision.words.get(word, [])
    if isinstance(old, list) and isinstance(new, list):
        yield from _difference(base, revision, word, kind, old, new)


def _difference(
    base: Schema, revision: Schema, word: str, kind: str, old: list[Any], new: list[Any]
) -> Iterator[Fact]:
    """One fact for each value of a list that is on one side only."""
    before = {exact(value): index for index, value in reversed(list(enumerate(old)))}
    after = {exact(value): index for index, value in reversed(list(enumerate(new)))}
    gone = sorted(before.keys() - after.keys(), key=before.__getitem__)
    for key in gone:
        index = before[key]
        place = _item(spot(base, word), index) if len(gone) == 1 else spot(base, word)
        other = spot(revision, word).without()
        edit = "" if len(gone) == 1 else f"{kind}-removed"
        yield Fact(f"{kind}-removed", place, other, old[index], MISSING, key, edit)
    added = sorted(after.keys() - before.keys(), key=after.__getitem__)
    for key in added:
        index = after[key]
        place = _item(spot(revision, word), index) if len(added) == 1 else spot(revision, word)
        other = spot(base, word).without()
        edit = "" if len(added) == 1 else f"{kind}-added"
        yield Fact(f"{kind}-added", other, place, MISSING, new[index], key, edit)


def _item(node: Node, index: int) -> Node:
    return node.child(index) if isinstance(node.value, list) else node


def _on_off(base: Schema, revision: Schema, word: str, kind: str) -> Iterator[Fact]:
    old, new = base.word(word), revision.word(word)
    if word == "const" and "enum" in (base.words | revision.words):
        both = "const" in base.words and "const" in revision.words
        if not both and ("enum" in base.words) != ("enum" in revision.words):
            return  # const became enum or the reverse: told as values of the enum
    if old is MISSING and new is not MISSING:
        yield _fact(f"{kind}-added", base, revision, word)
    elif new is MISSING and old is not MISSING:
        yield _fact(f"{kind}-removed", base, revision, word)
    elif old is not MISSING and exact(old) != exact(new):
        yield _fact(f"{kind}-changed", base, revision, word)


_BOUND_KINDS = {
    "maximum": "max",
    "minimum": "min",
    "exclusiveMaximum": "exclusive-max",
    "exclusiveMinimum": "exclusive-min",
    "maxLength": "max-length",
    "minLength": "min-length",
    "maxItems": "max-items",
    "minItems": "min-items",
    "maxProperties": "max-properties",
    "minProperties": "min-properties",
    "maxContains": "max-contains",
    "minContains": "min-contains",
}
_FLOORS = {"minLength": 0, "minItems": 0, "minProperties": 0, "minContains": 1}


def _bounds(base: Schema, revision: Schema) -> Iterator[Fact]:
    for word, kind in _BOUND_KINDS.items():
        floor = _FLOORS.get(word, MISSING)
        old = base.words.get(word, floor)
        new = revision.words.get(word, floor)
        if old == new:
            continue
        if old is MISSING:
            action = "set"
        elif new is MISSING:
            action = "unset"
        else:
            action = "increased" if new > old else "decreased"
        yield _fact(f"{kind}-{action}", base, revision, word)
    yield from _multiple_of(base, revision)


def _multiple_of(base: Schema, revision: Schema) -> Iterator[Fact]:
    old, new = base.word("multipleOf"), revision.word("multipleOf")
    if old == new:
        return
    if old is MISSING:
        action = "set"
    elif new is MISSING:
        action = "unset"
    elif new and old % new == 0:
        action = "generalized"
    elif old and new % old == 0:
        action = "specialized"
    else:
        action = "changed"
    yield _fact(f"multiple-of-{action}", base, revision, "multipleOf")


_MATCHES_ALL = re.compile(r"\^?(\.\*|\[\\s\\S\]\*)?\$?\Z")


def _pattern(base: Schema, revision: Schema) -> Iterator[Fact]:
    old, new = base.word("pattern"), revision.word("pattern")
    if old is not MISSING and isinstance(new, str) and old != new and _MATCHES_ALL.match(new):
        yield _fact("pattern-generalized", base, revision, "pattern")
        return
    yield from _on_off(base, revision, "pattern", "pattern")


def _flags(base: Schema, revision: Schema) -> Iterator[Fact]:
    for word in FLAGS:
        if base.flag(word) == revision.flag(word):
            continue
        on = revision.flag(word)
        match word:
            case "readOnly" | "writeOnly":
                name = "read-only" if word == "readOnly" else "write-only"
                kind = f"became-{name}" if on else f"became-not-{name}"
            case "uniqueItems":
                kind = "unique-items-set" if on else "unique-items-unset"
            case _:
                continue  # deprecated: together with sunset and stability, below
        yield _fact(kind, base, revision, word)
    if any(
        base.word(word) != revision.word(word)
        for word in ("deprecated", "x-sunset", "x-stability-level")
    ):
        yield _fact("lifecycle", base, revision, "deprecated")


def _dependent_required(base: Schema, revision: Schema) -> Iterator[Fact]:
    word = "dependentRequired"
    old, new = base.words.get(word, {}), revision.words.get(word, {})
    if not isinstance(old, dict) or not isinstance(new, dict):
        return
    for name in [*old, *(name for name in new if name not in old)]:
        before, after = old.get(name, MISSING), new.get(name, MISSING)
        if before is MISSING:
            kind = "added"
        elif after is MISSING:
            kind = "removed"
        elif _as_set(before) != _as_set(after):
            kind = "changed"
        else:
            continue
        yield _fact(f"dependent-required-{kind}", base, revision, word, subject=name)


def _as_set(value: Any) -> Any:
    return set(map(str, value)) if isinstance(value, list) else value


def _contents(base: Schema, revision: Schema) -> Iterator[Fact]:
    for word, kind in (
        ("contentEncoding", "content-encoding-changed"),
        ("contentMediaType", "content-media-type-changed"),
    ):
        bytes_alike = word == "contentEncoding" and _is_base64(base) and _is_base64(revision)
        if base.word(word) != revision.word(word) and not bytes_alike:
            yield _fact(kind, base, revision, word)


def _discriminator(base: Schema, revision: Schema) -> Iterator[Fact]:
    for fact in _in_discriminator(base, revision):
        yield replace(fact, edit="discriminator")


def _in_discriminator(base: Schema, revision: Schema) -> Iterator[Fact]:
    word = "discriminator"
    old, new = base.word(word), revision.word(word)
    if old is MISSING or new is MISSING:
        if old is not new:
            kind = "discriminator-added" if old is MISSING else "discriminator-removed"
            yield _fact(kind, base, revision, word)
        return
    if old.get("propertyName") != new.get("propertyName"):
        yield _fact("discriminator-property-name-changed", base, revision, word)
    before, after = old.get("mapping") or {}, new.get("mapping") or {}
    if added := [key for key in after if key not in before]:
        kind = "discriminator-mapping-added"
        yield _fact(kind, base, revision, word, subject=", ".join(added))
    if gone := [key for key in before if key not in after]:
        kind = "discriminator-mapping-deleted"
        yield _fact(kind, base, revision, word, subject=", ".join(gone))
    for key in before:
        if key in after and before[key] != after[key]:
            yield _fact("discriminator-mapping-changed", base, revision, word, subject=key)


def _closed(base: Schema, revision: Schema) -> Iterator[Fact]:
    word = "additionalProperties"
    if base.closed != revision.closed:
        kind = "additional-properties-closed" if revision.closed else "additional-properties-opened"
        old, new = not base.closed, not revision.closed
        yield Fact(kind, spot(base, word), spot(revision, word), old, new)


_WORD_KINDS = {
    "title": "title-changed",
    "description": "description-changed",
    "$comment": "description-changed",
    "example": "example-changed",
    "examples": "example-changed",
    "externalDocs": "external-docs-changed",
    "xml": "xml-changed",
}
_HAVE_RULES = {"x-extensible-enum", "x-sunset", "x-stability-level"}


def documentation(base: Schema, revision: Schema) -> Iterator[Fact]:
    """Differences in what only readers see, and in extensions."""
    words = [*WORDS, *(word for word in {**base.words, **revision.words} if word[:2] == "x-")]
    for word in words:
        if word not in _HAVE_RULES and exact(base.word(word)) != exact(revision.word(word)):
            yield _fact(
                _WORD_KINDS.get(word, "extension-changed"), base, revision, word, subject=word
            )


def _unknown(base: Schema, revision: Schema) -> Iterator[Fact]:
    """Keywords that no dialect of OpenAPI knows: whether they constrain anything is undecided."""
    for word in {**base.words, **revision.words}:
        if word in KNOWN or word[:2] == "x-":
            continue
        if exact(base.word(word)) != exact(revision.word(word)):
            yield _fact("schema-undecided", base, revision, word, subject=word)
