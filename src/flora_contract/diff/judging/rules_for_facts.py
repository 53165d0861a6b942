"""Which rule a fact about a schema falls under, where the schema stands."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from flora_contract.diff.operations.lifecycle import STABILITY, Lifecycle, Policy, changed
from flora_contract.diff.reading.schema import MISSING
from flora_contract.diff.rules import PLACES, rules
from flora_contract.diff.schemas.facts import show_value

if TYPE_CHECKING:
    from collections.abc import Iterator
    from collections.abc import Set as AbstractSet

    from flora_contract.diff.reading.schema import Schema
    from flora_contract.diff.schemas.facts import Fact
    from flora_contract.diff.schemas.pair import Pair, Property
    from flora_contract.diff.schemas.usage import Usage


@dataclass(frozen=True)
class Ruling:
    """A rule and what to say."""

    rule_id: str
    message: str


_BY_NAME = {
    "response-body-enum-value-removed": "response-mediatype-enum-value-removed",
}
_READ_ONLY = {
    "enum-value-removed",
    "exclusive-max-decreased",
    "exclusive-min-increased",
    "max-decreased",
    "max-length-decreased",
    "min-increased",
}


def verdicts(
    fact: Fact, pair: Pair, held: Property | None, usage: Usage, policy: Policy
) -> Iterator[Ruling]:
    """The rules that a fact falls under; none if it does not matter there."""
    if _hidden(fact, pair, usage):
        rule_id = "request-read-only-property-changed"
        yield Ruling(rule_id, f"read-only property: {fact.kind.replace('-', ' ')}")
        return
    match fact.kind:
        case "type":
            yield _type(fact, usage)
        case "list-of-types":
            yield _list_of_types(fact, usage)
        case "property-added" | "property-removed":
            yield _property(fact, usage)
        case "became-required" | "became-optional":
            yield _required(fact, usage)
        case "lifecycle":
            yield from _lifecycle(pair, usage, policy)
        case _ if fact.kind in rules():
            told = f"{show_value(fact.old)} to {show_value(fact.new)}"
            yield Ruling(fact.kind, f"{fact.subject}: {told}")
        case _:
            yield _keyword(fact, pair, held, usage)


def _hidden(fact: Fact, pair: Pair, usage: Usage) -> bool:
    """Whether a fact is about a property that is read-only, and so in no request."""
    if usage.area != "body" or usage.side != "request":
        return False
    if fact.kind in {"property-added", "property-removed", "became-required", "became-optional"}:
        _, schema = fact.old if fact.kind == "property-removed" else fact.new
        return bool(schema.flag("readOnly"))
    return fact.kind in {"type", "list-of-types"} and pair.revision.flag("readOnly")


def _keyword(fact: Fact, pair: Pair, held: Property | None, usage: Usage) -> Ruling:
    kind, place = fact.kind, usage.place
    rule_id = f"{PLACES[place]}-{kind}"
    read_only = pair.revision.flag("readOnly")
    if kind.endswith(("-read-only", "-write-only")) and place in {"QF", "SF"}:
        required = held is not None and held.required
        need = "required" if required else "optional"
        rule_id = f"{usage.side}-{need}-property-{kind}"
    elif place == "QF" and read_only and kind in _READ_ONLY:
        rule_id = f"request-read-only-property-{kind}"
    elif place == "SF" and pair.revision.flag("writeOnly") and kind == "enum-value-added":
        rule_id = "response-write-only-property-enum-value-added"
    elif place == "P" and usage.required and kind.startswith("default-value"):
        rule_id = "request-parameter-default-value-unused-changed"
    elif place == "PP" and usage.location == "header" and kind == "became-enum":
        rule_id = "request-header-property-became-enum"
    rule_id = _BY_NAME.get(rule_id, rule_id)
    return Ruling(rule_id, _message(rules()[rule_id].text, fact))


def _message(text: str, fact: Fact) -> str:
    where = text.split(": ", 1)[-1] if ": " in text else text
    subject = f" ({fact.subject})" if fact.subject and fact.old is not MISSING else ""
    match fact.kind:
        case kind if kind.endswith("-value-added") and fact.subject:
            return f"{where}: {show_value(fact.new)}"
        case kind if kind.endswith("-value-removed") and fact.subject:
            return f"{where}: {show_value(fact.old)}"
        case kind if kind.endswith(("-increased", "-decreased", "-changed", "-generalized")):
            return f"{where}{subject}: {show_value(fact.old)} to {show_value(fact.new)}"
        case kind if kind.endswith(("-set", "-became-enum")):
            return f"{where}: {show_value(fact.new)}"
        case kind if kind.endswith("-unset"):
            return f"{where}: was {show_value(fact.old)}"
    return f"{where}: {fact.subject}" if fact.subject else where


# Types


def _type(fact: Fact, usage: Usage) -> Ruling:
    (old, old_format), (new, new_format) = fact.old, fact.new
    unknown = usage.place == "PP"
    kind = _type_of_unknown_serialization(fact) if unknown else _type_kind(fact, usage)
    message = f"type: {_type_name(old, old_format)} to {_type_name(new, new_format)}"
    return Ruling(f"{PLACES[usage.place]}-{kind}", message)


def _type_kind(fact: Fact, usage: Usage) -> str:
    (old, old_format), (new, new_format) = fact.old, fact.new
    if usage.side == "request":
        broken = _breaks(old, old_format, new, new_format, typed=usage.typed)
        if broken and not usage.listed:
            return "type-changed"
        if usage.area == "body" and _breaks(old, old_format, new, new_format, typed=True):
            return "type-compatible"
        return "type-generalized"
    if not _breaks(new, new_format, old, old_format, typed=usage.typed):
        compatible = _breaks(new, new_format, old, old_format, typed=True)
        return "type-compatible" if compatible else "type-specialized"
    if old != new:
        return "type-generalized" if _covers(new, old) else "type-changed"
    return "type-changed" if _format_breaks(old, old_format, new_format) else "type-generalized"


def _type_of_unknown_serialization(fact: Fact) -> str:
    """An object parameter may be written as JSON or as plain text: judge by both."""
    (old, old_format), (new, new_format) = fact.old, fact.new
    as_json = _breaks(old, old_format, new, new_format, typed=True)
    as_text = _breaks(old, old_format, new, new_format, typed=False)
    if as_json != as_text:
        return "type-changed"
    return "type-specialized" if as_json else "type-generalized"


Types = frozenset[str] | None


def _breaks(old: Types, old_format: str, new: Types, new_format: str, *, typed: bool) -> bool:
    """Whether some value of the old type is none of the new."""
    if old != new and new is None:
        return False
    types_break = old != new and not _covers(new, old) and not _contained(old, new, typed=typed)
    return types_break or (old_format != new_format and _format_breaks(new, new_format, old_format))


def _covers(many: Types, few: AbstractSet[str] | None) -> bool:
    if many is None or few is None:
        return False
    return all(name in many or (name == "integer" and "number" in many) for name in few)


def _contained(old: Types, new: Types, *, typed: bool) -> bool:
    added = (new or frozenset()) - (old or frozenset())
    gone = (old or frozenset()) - (new or frozenset())
    if added == {"number"} and gone == {"integer"}:
        return True
    return not typed and (not added or added == {"string"})


_SCALARS = {"string", "number", "integer", "boolean"}


def is_lossy(fact: Fact, usage: Usage) -> bool:
    """Whether a type that reads as the old one in text is not one that takes all of its texts."""
    if fact.kind != "type" or usage.typed or usage.listed or usage.side != "request":
        return False
    old, new = fact.old[0], fact.new[0]
    if old == new or old is None or new is None or _covers(new, old):
        return False
    scalars = _SCALARS if usage.exploded or usage.area == "body" else {*_SCALARS, "array"}
    return not ("string" in new and old - new <= scalars)


_WIDER_FORMATS = {
    "number": {("float", "double")},
    "integer": {("int32", "int64"), ("int32", "bigint"), ("int64", "bigint")},
    "string": {
        *(("uri", wide) for wide in ("uri-reference", "iri", "iri-reference")),
        *(("uri-reference", "iri-reference"), ("iri", "iri-reference")),
        *(("email", "idn-email"), ("hostname", "idn-hostname")),
    },
}
"""Formats, the narrower first, all of whose values are values of the other as they are sent."""


def _format_breaks(types: Types, wide: str, narrow: str) -> bool:
    if wide in {"", "password"}:  # which asks only that what is typed be hidden
        return False
    if types is None or len(types) != 1:
        return True
    [name] = types
    return (narrow, wide) not in _WIDER_FORMATS.get(name, set())


def _type_name(types: Types, form: str) -> str:
    names = "any" if types is None else ", ".join(sorted(types)) or "null"
    return f"{names}/{form}" if form else names


def _list_of_types(fact: Fact, usage: Usage) -> Ruling:
    added = sorted(name for name in fact.new - fact.old if not _covers(fact.old, {name}))
    gone = sorted(name for name in fact.old - fact.new if not _covers(fact.new, {name}))
    if usage.side == "request":
        kind, names = ("narrowed", gone) if gone else ("widened", added)
    else:
        kind, names = ("widened", added) if added else ("narrowed", gone)
    rule_id = f"{PLACES[usage.place]}-list-of-types-{kind}"
    return Ruling(rule_id, f"set of types {kind}: {' and '.join(names)}")


# Properties


def _property(fact: Fact, usage: Usage) -> Ruling:
    added = fact.kind == "property-added"
    required, schema = fact.new if added else fact.old
    rule_id = _property_rule(usage, added=added, required=required, schema=schema)
    need = "required " if required else ""
    return Ruling(rule_id, f"{need}property {fact.subject} {'added' if added else 'removed'}")


def _property_rule(usage: Usage, *, added: bool, required: bool, schema: Schema) -> str:
    if usage.area == "header":
        return f"response-header-property-{'added' if added else 'removed'}"
    if usage.area == "parameter":
        if not added:
            return "request-parameter-property-removed"
        if not required:
            return "new-optional-request-parameter-property"
        header = usage.location == "header"
        name = "header-property" if header else "parameter-property"
        return f"new-required-request-{name}"
    if usage.side == "request":
        if not added:
            return "request-property-removed"
        if not required or schema.flag("readOnly"):
            return "new-optional-request-property"
        default = "-with-default" if "default" in schema.words else ""
        return f"new-required-request-property{default}"
    need = "required" if required else "optional"
    hidden = "-write-only" if schema.flag("writeOnly") else ""
    return f"response-{need}{hidden}-property-{'added' if added else 'removed'}"


def _required(fact: Fact, usage: Usage) -> Ruling:
    now, schema = fact.new
    kind = fact.kind
    nested = replace(usage, nested=True)
    rule_id = f"{PLACES[nested.place]}-{kind}"
    match nested.place:
        case "SF" if schema is not None and schema.flag("writeOnly"):
            rule_id = f"response-write-only-property-{kind}"
        case "QF" if now and schema is not None and "default" in schema.words:
            rule_id = "request-property-became-required-with-default"
        case "PP" if now and usage.location == "header":
            rule_id = "request-header-property-became-required"
    return Ruling(rule_id, f"property {fact.subject} {'now' if now else 'no longer'} required")


# Lifecycle


def _lifecycle(pair: Pair, usage: Usage, policy: Policy) -> Iterator[Ruling]:
    old, new = Lifecycle.of(pair.base.words), Lifecycle.of(pair.revision.words)
    prefix = PLACES[usage.place]
    for outcome in changed(old, new, policy, usage.stability):
        kind = _PROPERTY_OUTCOMES.get(outcome.kind, outcome.kind)
        rule_id = f"{prefix}-{kind}"
        if usage.place == "P":
            rule_id = f"{prefix}-schema-{_plainly(kind)}"
        elif rule_id not in rules():
            rule_id = f"{prefix}-{_plainly(kind)}"
        detail = f": {outcome.detail}" if outcome.detail else ""
        yield Ruling(rule_id, rules()[rule_id].text.split(": ", 1)[-1] + detail)
    if old.stability != new.stability:
        yield from _stability(old, new, prefix)


def _plainly(kind: str) -> str:
    return "reactivated" if kind == "reactivated" else "deprecated"


_PROPERTY_OUTCOMES = {
    "sunset-parse": "deprecated-sunset-invalid",
    "sunset-date-changed-too-small": "sunset-date-too-small",
    "sunset-deleted": "deprecated-sunset-missing",
}


def _rank(stability: Any) -> int:
    return STABILITY.index(stability) if stability in STABILITY else len(STABILITY)


def _stability(old: Lifecycle, new: Lifecycle, prefix: str) -> Iterator[Ruling]:
    if not old.known_stability or not new.known_stability:
        return
    rose = _rank(new.stability) > _rank(old.stability)
    rule_id = f"{prefix}-stability-{'increased' if rose else 'decreased'}"
    if rule_id in rules():
        yield Ruling(rule_id, f"stability level: {old.stability} to {new.stability}")
