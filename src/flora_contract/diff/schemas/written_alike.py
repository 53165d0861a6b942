"""The schemas within two schemas that are written alike: only what they refer to can differ."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flora_contract.diff.reading.schema import LISTS, MAPS, SINGLE
from flora_contract.diff.schemas.discriminators import full_reference
from flora_contract.diff.schemas.pair import Property
from flora_contract.diff.schemas.unions import names
from flora_contract.openapi.sameness import written_same

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flora_contract.diff.reading.schema import Schema
    from flora_contract.openapi.tree import Node


_HOLDERS = {*SINGLE, *LISTS, *MAPS, "discriminator"}


def within(base: Node, revision: Node) -> Iterator[tuple[str, Node, Node, Property | None]]:
    """The schemas within two schemas that are written alike."""
    mapping = base.value
    if not mapping.keys() & _HOLDERS:
        return
    for keyword in SINGLE:
        if isinstance(mapping.get(keyword), dict):
            yield keyword, base.child(keyword), revision.child(keyword), None
    for label, one, two in mapped(base, revision):
        yield label, one, two, None
    for keyword in LISTS:
        for index, _ in enumerate(mapping.get(keyword) or ()):
            one = base.child(keyword).child(index)
            yield f"{keyword}[{names([one])}]", one, revision.child(keyword).child(index), None
    for keyword in MAPS:
        required = mapping.get("required") or ()
        for name in mapping.get(keyword) or ():
            kept = Property(name, name in required)
            one, two = base.child(keyword).child(name), revision.child(keyword).child(name)
            label = name if keyword == "properties" else f"{keyword}[{name}]"
            yield label, one, two, kept if keyword == "properties" else None


def mapped(base: Node, revision: Node) -> Iterator[tuple[str, Node, Node]]:
    """What only a discriminator leads to: subtypes that no union lists."""
    old, new = _mapping(base), _mapping(revision)
    for key, target in old.items():
        if key in new:
            one = base._replace(value={"$ref": target})
            two = revision._replace(value={"$ref": new[key]})
            yield f"mapping[{key}]", one, two


def _mapping(node: Node) -> dict[str, str]:
    value = node.value if isinstance(node.value, dict) else {}
    discriminator = value.get("discriminator")
    mapping = discriminator.get("mapping") if isinstance(discriminator, dict) else None
    if not isinstance(mapping, dict) or value.keys() & {"oneOf", "anyOf"}:
        return {}
    return {key: full_reference(str(target)) for key, target in mapping.items()}


def written_alike(base: Schema, revision: Schema) -> bool:
    one, two = base.at.value, revision.at.value
    if base.altered or revision.altered or not isinstance(one, dict) or not isinstance(two, dict):
        return False
    return len(one) == len(two) and written_same(one, two)
