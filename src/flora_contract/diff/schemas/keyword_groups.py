"""Which part of a schema a fact is about: the keywords that concern each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flora_contract.diff.schemas.facts import Fact

_PARTS = {
    "values": (
        *("type", "became-nullable", "became-not-nullable"),
        *("became-enum", "became-not-enum", "enum-value-", "const-"),
    ),
    "bounds": ("max-", "min-", "exclusive-", "multiple-of-"),
    "required": ("became-required", "became-optional", "required-name-"),
    "pattern": ("pattern-",),
    "contains": ("contains-", "max-contains-", "min-contains-"),
    "items": ("items-", "prefix-items-", "unique-items-"),
    "properties": ("property-added", "property-removed", "additional-", "pattern-property-"),
    "propertyNames": ("property-names-",),
    "dependent": ("dependent-",),
    "unevaluated": ("unevaluated-",),
    "if": ("if-", "then-", "else-"),
    "not": ("not-",),
    "unions": ("any-of-", "one-of-", "all-of-", "list-of-types", "wrapped-"),
}
"""How the kinds of the facts begin that are about a part; of two that fit, the last holds."""

_SETTLED_PARTS = {"values", "bounds", "required"}


def part(fact: Fact) -> str | None:
    """The part that a fact is about; None if it neither allows nor refuses any value."""
    if fact.kind.endswith("-annotation-only"):
        return None
    if fact.kind.startswith("schema-"):
        if fact.subject.startswith("unevaluated"):
            return "unevaluated"
        named = {"not": "not", "if": "if"}
        return named.get(fact.subject, "unions" if "Of" in fact.subject else "unknown")
    fitting = [name for name, starts in _PARTS.items() if fact.kind.startswith(starts)]
    return fitting[-1] if fitting else None


def is_settled(fact: Fact) -> bool:
    """Whether the keyword alone tells what happened, so that the table is right by itself."""
    return fact.kind.startswith(("unique-items-", "schema-")) or part(fact) in _SETTLED_PARTS


_NEVER_KEPT = (
    *("property-added", "property-removed", "pattern-property-"),
    *("all-of-removed", "x-extensible-"),
    *("became-nullable", "became-not-nullable"),  # beside an enum many mean more by it
)


def can_be_kept(fact: Fact) -> bool:
    """Whether a proof that no value is lost says that nothing is lost.

    A property that is not listed any more may still be sent, and means nothing any more; formats
    are compared by name.
    """
    named = part(fact) not in {None, "unknown"} and not fact.kind.startswith(_NEVER_KEPT)
    return named and not is_of_format(fact)


_CAME = ("-set", "-added", "became-enum", "became-nullable")
_WENT = ("-unset", "-removed", "became-not-enum", "became-not-nullable")
_EITHER = ("type", "list-of-types", "schema-")


def is_rewriting(found: list[Fact]) -> bool:
    """Whether facts look as if the same had been said in other words: some for some others."""
    kinds = [fact.kind for fact in found]
    return any(kind.startswith(_EITHER) for kind in kinds) or (
        any(kind.endswith(_CAME) for kind in kinds) and any(kind.endswith(_WENT) for kind in kinds)
    )


def is_of_format(fact: Fact) -> bool:
    """Whether a fact is about a format, which JSON Schema asserts nothing by."""
    return fact.kind == "type" and fact.old[1] != fact.new[1]
