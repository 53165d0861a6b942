"""What a discriminator decides: which values lead to which schemas, named or not."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from flora_contract.diff.containment.values import listed
from flora_contract.diff.reading.schema import MISSING
from flora_contract.diff.schemas.facts import Fact, spot
from flora_contract.diff.schemas.unions import reference

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from flora_contract.diff.reading.schema import Schema, Schemas
    from flora_contract.openapi.tree import Node

WORD = "discriminator"


def full_reference(target: str) -> str:
    """A target of a mapping as a reference: it may be the bare name of a schema."""
    return target if "/" in target or "#" in target else f"#/components/schemas/{target}"


@dataclass(frozen=True)
class Kinds:
    """What one schema says of its kinds."""

    schema: Schema
    schemas: Schemas

    @property
    def branches(self) -> list[Node]:
        """The branches of its union."""
        lists = self.schema.lists
        return [node for word in ("oneOf", "anyOf") for node in lists.get(word, ())]

    @property
    def targets(self) -> dict[str, str]:
        """The schema that each value leads to: by the mapping, else by the schema's own name."""
        mapping = self.schema.words[WORD].get("mapping") or {}
        found = {str(key): full_reference(str(target)) for key, target in mapping.items()}
        for node in self.branches:
            name = reference(node)
            if name is not None and name not in found.values():
                found[name.rsplit("/", 1)[-1]] = name
        return found

    def is_new(self, target: str, is_same: Callable[[str], bool]) -> bool:
        """Whether a schema is no branch here, nor the same as one: the union tells of it."""
        names = [name for name in map(reference, self.branches) if name is not None]
        return bool(self.branches) and not any(name == target or is_same(name) for name in names)

    def is_pinned(self) -> bool:
        """Whether each branch itself says which values its kind has."""
        name = self.schema.words[WORD].get("propertyName")
        branches = [self.schemas.of(node) for node in self.branches]
        return bool(branches) and all(
            name in one.required
            and name in one.properties
            and listed(self.schemas.of(one.properties[name])) is not None
            for one in branches
        )


def discriminated(base: Kinds, revision: Kinds, same: Callable[[str, str], bool]) -> Iterator[Fact]:
    """What differs in what discriminators decide. `same`: whether two references mean the same."""
    old, new = base.schema.word(WORD), revision.schema.word(WORD)
    if old is new is MISSING:
        return
    if old is MISSING or new is MISSING:
        kind = "decides" if old is MISSING else "decides-no-more"
        if not (revision if old is MISSING else base).is_pinned():
            yield _fact(kind, base, revision)
        return
    if old.get("propertyName") != new.get("propertyName"):
        yield _fact("kind-changed", base, revision)
        return
    before, after = base.targets, revision.targets
    for value in [*before, *(one for one in after if one not in before)]:
        one, two = before.get(value), after.get(value)
        if one is not None and two is not None:
            if one != two and not same(one, two):
                yield _fact("kind-changed", base, revision, value)
        elif one is not None and not revision.is_new(one, partial(same, one)):
            yield _fact("kind-removed", base, revision, value)
        elif two is not None and not base.is_new(two, partial(_turned(same), two)):
            yield _fact("kind-added", base, revision, value)


def _turned(same: Callable[[str, str], bool]) -> Callable[[str, str], bool]:
    return lambda one, two: same(two, one)


def _fact(kind: str, base: Kinds, revision: Kinds, value: str = "") -> Fact:
    return Fact(
        f"discriminator-{kind}",
        spot(base.schema, WORD),
        spot(revision.schema, WORD),
        base.schema.word(WORD),
        revision.schema.word(WORD),
        value,
        edit=WORD,
    )
