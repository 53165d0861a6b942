"""A schema as a choice between simpler ones, so that each can be judged by itself."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from flora_contract.diff.containment.merging import both
from flora_contract.diff.containment.values import listed
from flora_contract.diff.reading.schema import Schema

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from flora_contract.diff.reading.schema import Schemas

UNIONS = {"anyOf", "oneOf"}
_MOST_KINDS = 50


@dataclass(frozen=True)
class Alternative:
    """One of the schemas that a schema allows.

    `exactly`: whether all it allows is allowed, or only no more. `origins`: the branches it was
    made from. `rivals`: the other branches of its oneOf, which match none of its values.
    """

    schema: Schema
    exactly: bool
    origins: tuple[Schema, ...] = ()
    rivals: tuple[Schema, ...] = ()


def alternatives(
    schema: Schema, schemas: Schemas, *, split: bool, kinds: Iterable[str] = ()
) -> Iterator[Alternative]:
    """The choices that a schema leaves. `split`: by type and listed value too, and by the listed
    values of the properties that `kinds` names."""
    for alternative in _branches(schema, schemas):
        if split:
            for piece in _pieces(alternative.schema):
                yield from _by_kind(replace(alternative, schema=piece), schemas, kinds)
        else:
            yield alternative


def pinned(schema: Schema, schemas: Schemas) -> set[str]:
    """The properties that branches of a union must have, and whose values they list."""
    branches = [schemas.of(node) for word in UNIONS for node in schema.lists.get(word, ())]
    return {
        name
        for one in branches
        for name in one.required & one.properties.keys()
        if listed(schemas.of(one.properties[name])) is not None
    }


def _by_kind(one: Alternative, schemas: Schemas, kinds: Iterable[str]) -> Iterator[Alternative]:
    """An object by the values that one of its properties has."""
    schema = one.schema
    for name in sorted(schema.required & schema.properties.keys() & {*kinds}):
        node = schema.properties[name]
        values = listed(schemas.of(node)) or []
        if 1 < len(values) <= _MOST_KINDS:
            for value in values:
                fixed = {**schema.properties, name: node._replace(value={"const": value})}
                maps = {**schema.maps, "properties": fixed}
                yield replace(one, schema=replace(schema, maps=maps), exactly=False)
            return
    yield one


def _branches(schema: Schema, schemas: Schemas) -> Iterator[Alternative]:
    if schema.or_null:
        yield Alternative(Schema(schema.at, types=frozenset(), nullable=True), exactly=True)
        schema = without_null(schema)
    all_of = tuple(schemas.of(node) for node in schema.lists.get("allOf", ()))
    unions = [word for word in ("anyOf", "oneOf") if word in schema.lists]
    if not unions:
        yield Alternative(schema, not all_of, all_of)
        return
    [keyword, *others] = unions
    rest = replace(schema, lists={w: n for w, n in schema.lists.items() if w != keyword})
    branches = [schemas.of(node) for node in schema.lists[keyword]]
    for branch in branches:
        rivals = tuple(one for one in branches if one is not branch) if keyword == "oneOf" else ()
        whole = both(rest, branch) if rest.constrains else branch
        exactly = whole is not None and keyword == "anyOf" and not others and not all_of
        whole = whole or replace(rest, beside=(*rest.beside, branch))
        yield Alternative(whole, exactly, (branch, *all_of), rivals)


def without_null(schema: Schema) -> Schema:
    """A schema without the null that is one of its values by its type."""
    return replace(schema, nullable=False, or_null=False)


def _pieces(schema: Schema) -> Iterator[Schema]:
    values = listed(schema)
    if values is not None:
        words = {word: value for word, value in schema.words.items() if word != "const"}
        for value in values:
            yield replace(schema, words={**words, "enum": [value]})
        return
    types = sorted(schema.types or ())
    if len(types) + schema.nullable < 2:
        yield schema
        return
    for name in types:
        yield replace(schema, types=frozenset({name}), nullable=False)
    if schema.nullable:
        yield replace(schema, types=frozenset())
