"""A schema in one normal form, whichever dialect and way of writing it came in.

What is one here, however it is written: `nullable` of OpenAPI 3.0, a type list with null and a
union with a bare null branch; exclusive bounds as booleans and as numbers; a union or allOf
with a single branch and that branch; `true` and the empty schema; a bound that bounds nothing
and none.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from flora_contract.openapi import keywords

if TYPE_CHECKING:
    from flora_contract.openapi.tree import Node, Tree


class _Missing:
    def __repr__(self) -> str:
        return "nothing"


MISSING: Final = _Missing()
"""The value of a keyword that is not there: null is a value."""

SINGLE = [
    "items",
    "not",
    "if",
    "then",
    "else",
    "contains",
    "propertyNames",
    "contentSchema",
    "additionalProperties",
    "unevaluatedItems",
    "unevaluatedProperties",
]
LISTS = ("allOf", "anyOf", "oneOf", "prefixItems")
MAPS = ("properties", "patternProperties", "dependentSchemas")

BOUNDS = (
    *keywords.BOUNDS,
    *("minProperties", "maxProperties", "minContains", "maxContains"),
)
LITERALS = [
    "format",
    "enum",
    "const",
    "default",
    "pattern",
    "contentEncoding",
    "contentMediaType",
    "dependentRequired",
    "x-extensible-enum",
]
FLAGS = ("readOnly", "writeOnly", "deprecated", "uniqueItems")
WORDS = ("title", "description", "example", "examples", "externalDocs", "xml", "$comment")

_BOUNDS = frozenset(BOUNDS)
_TRIVIAL = {"minLength": 0, "minItems": 0, "minProperties": 0, "minContains": 1, "pattern": ""}
_TRIVIAL_IF_EMPTY = {*SINGLE} - {"not", "if", "contains"}
_IDENTIFIERS = {"$ref", "$id", "$anchor", "$dynamicRef", "$dynamicAnchor", "$schema", "$defs"}
KNOWN = {
    *SINGLE,
    *LISTS,
    *MAPS,
    *BOUNDS,
    *LITERALS,
    *FLAGS,
    *WORDS,
    *_IDENTIFIERS,
    *("type", "nullable", "required", "discriminator"),
}
_OF_NULL = {*WORDS, "type", "nullable", "default"}
ANNOTATIONS = {*WORDS, "default", "readOnly", "writeOnly", "deprecated", "discriminator"}


@dataclass(eq=False)
class Schema:
    """A schema in normal form. `words` holds what is neither a type nor another schema."""

    at: Node
    types: frozenset[str] | None = None  # without null; None if any
    altered: bool = False  # says more or other things than the node at `at` alone
    nullable: bool = False
    or_null: bool = False  # null is a value whatever the other keywords say of it
    closed: bool = False  # additionalProperties: false
    required: frozenset[str] = frozenset()
    words: dict[str, Any] = field(default_factory=dict)
    spots: dict[str, Node] = field(default_factory=dict)  # words that stand elsewhere than `at`
    single: dict[str, Node] = field(default_factory=dict)
    lists: dict[str, list[Node]] = field(default_factory=dict)
    maps: dict[str, dict[str, Node]] = field(default_factory=dict)
    beside: tuple[Schema, ...] = ()  # others that its values are known to be held to, or may be

    def word(self, name: str) -> Any:
        """The value of a keyword, or MISSING."""
        return self.words.get(name, MISSING)

    def flag(self, name: str) -> bool:
        """Whether a flag is on."""
        return self.words.get(name) is True

    @property
    def properties(self) -> dict[str, Node]:
        """The properties that are listed."""
        return self.maps.get("properties", {})

    @property
    def constrains(self) -> bool:
        """Whether there is a value that this schema refuses, as far as it can be seen."""
        return bool(
            self.types is not None
            or self.closed
            or self.required
            or self.single
            or self.lists
            or self.maps
            or any(word not in ANNOTATIONS and word[:2] != "x-" for word in self.words)
        )


class Schemas:
    """The schemas of one contract, each put into normal form once."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._done: dict[int, tuple[Any, Schema]] = {}  # by identity of the value, kept alive

    def of(self, node: Node) -> Schema:
        """The schema that a node holds or refers to. Raises InputError if it is none."""
        if isinstance(node.value, bool):
            return self._normal(node)
        done = self._done.get(id(node.value))
        if done is None:
            done = self._done[id(node.value)] = node.value, self._normal(node)
        return done[1]

    def _normal(self, node: Node) -> Schema:
        if isinstance(node.value, dict) and "$dynamicRef" in node.value:
            # Its own schema is looked up where it stands; one that takes its place is a pair too.
            node = node._replace(value={"$ref": node.value["$dynamicRef"], **node.value})
        if isinstance(node.value, dict) and "$ref" in node.value:
            return self._referred(node)
        return self._peeled(_read(node))

    def _referred(self, node: Node) -> Schema:
        target = self.of(self._tree.resolve(node))
        siblings = {key: value for key, value in node.value.items() if key != "$ref"}
        if not siblings:
            return target
        beside = _read(node._replace(value=siblings))
        if beside.constrains and self._tree.is_31:
            bare = node._replace(value={"$ref": node.value["$ref"]})
            branches = [bare, *beside.lists.get("allOf", [])]
            return replace(beside, altered=True, lists={**beside.lists, "allOf": branches})
        return _worded(target, beside, only_words=not self._tree.is_31)

    def _peeled(self, schema: Schema) -> Schema:
        """Without unions and allOf that only wrap one schema."""
        if not schema.lists:
            return schema
        for keyword in ("anyOf", "oneOf"):
            schema = self._without_null_branch(schema, keyword)
        bare = replace(schema, nullable=False, lists={})
        if bare.constrains or sum(map(len, schema.lists.values())) != 1:
            return schema
        if "prefixItems" in schema.lists:
            return schema
        [[branch]] = schema.lists.values()
        inner = self.of(branch)
        if not inner.constrains and "allOf" in schema.lists:
            return schema
        peeled = _worded(inner, schema, only_words=False)
        spots = peeled.spots
        if schema.nullable and not inner.nullable:
            spots = {**spots, "nullable": schema.at}  # null is allowed here, and not by the branch
        return replace(
            peeled,
            altered=True,
            spots=spots,
            nullable=inner.nullable or schema.nullable,
            or_null=inner.or_null or schema.or_null,
        )

    def _without_null_branch(self, schema: Schema, keyword: str) -> Schema:
        branches = schema.lists.get(keyword, [])
        others = [branch for branch in branches if not self._is_null(branch)]
        if len(others) != len(branches) - 1 or not others:
            return schema
        lists = {word: nodes for word, nodes in schema.lists.items() if word != keyword}
        if replace(schema, nullable=False, lists=lists).constrains:
            return schema  # what stands beside the union may refuse null
        if keyword == "oneOf" and any(self._takes_null(branch) for branch in others):
            return schema  # and so does oneOf, where two branches match it
        lists[keyword] = others
        return replace(schema, altered=True, nullable=True, or_null=True, lists=lists)

    def _is_null(self, node: Node) -> bool:
        value = node.value
        return (
            isinstance(value, dict)
            and value.get("type") == "null"
            and all(word in _OF_NULL or word[:2] == "x-" for word in value)
        )

    def _takes_null(self, node: Node, depth: int = 20) -> bool:
        """Whether null is a value of a branch, which one that says no type may well allow."""
        node = self._tree.resolve(node)
        if not isinstance(node.value, dict):
            return node.value is True
        if "type" in node.value:
            own = "null" in node.value["type"] or node.value.get("nullable") is True
        else:
            listed = node.value.get("enum", [node.value.get("const")])
            own = not isinstance(listed, list) or None in listed
        if not own or not depth:
            return own
        found = [
            judge(self._takes_null(branch, depth - 1) for branch in node.child(word).each())
            for word, judge in (("allOf", all), ("anyOf", any), ("oneOf", any))
            if word in node.value
        ]
        if "not" in node.value:
            found.append(not self._takes_null(node.child("not"), depth - 1))
        return all(found)


def _worded(schema: Schema, beside: Schema, *, only_words: bool) -> Schema:
    """`schema` with the words that stand beside a reference to it."""
    words = {
        word: value
        for word, value in beside.words.items()
        if word in WORDS or word[:2] == "x-" or (word in ANNOTATIONS and not only_words)
    }
    if not words:
        return schema
    return replace(
        schema,
        altered=True,
        words={**schema.words, **words},
        spots={**schema.spots, **dict.fromkeys(words, beside.at)},
    )


def _read(node: Node) -> Schema:
    if node.value is True:
        return Schema(node)
    if node.value is False:
        return Schema(node, types=frozenset())
    mapping = node.mapping()
    schema = Schema(node)
    _read_types(schema, mapping)
    _read_words(schema, node, mapping)
    _read_exclusive(schema, "minimum", "exclusiveMinimum")
    _read_exclusive(schema, "maximum", "exclusiveMaximum")
    required = mapping.get("required")
    if isinstance(required, list):
        schema.required = frozenset(str(name) for name in required)
    _read_subschemas(schema, node, mapping)
    return schema


def _read_words(schema: Schema, node: Node, mapping: dict[str, Any]) -> None:
    for word in (*BOUNDS, *LITERALS, *WORDS):
        if word in mapping and mapping[word] != _TRIVIAL.get(word, MISSING):
            schema.words[word] = mapping[word]
    for word in FLAGS:
        if mapping.get(word) is True:
            schema.words[word] = True
    if isinstance(mapping.get("discriminator"), dict):
        schema.words["discriminator"] = mapping["discriminator"]
    for word, value in mapping.items():
        if word[:2] == "x-" or word not in KNOWN:
            schema.words.setdefault(word, value)
    _check_words(node, schema)


def _read_types(schema: Schema, mapping: dict[str, Any]) -> None:
    given = mapping.get("type")
    if not isinstance(given, str | list | None):
        raise schema.at.child("type").wrong("must be a string or a list")
    names = {given} if isinstance(given, str) else {str(name) for name in given or ()}
    schema.nullable = "null" in names or mapping.get("nullable") is True
    names -= {"null"}
    if names or given == "null":
        schema.types = frozenset(names)
    schema.or_null = schema.nullable and schema.types is None


def _read_exclusive(schema: Schema, bound: str, exclusive: str) -> None:
    """OpenAPI 3.0: `minimum: 3, exclusiveMinimum: true`; JSON Schema: `exclusiveMinimum: 3`."""
    value = schema.words.get(exclusive)
    if isinstance(value, bool):
        del schema.words[exclusive]
        if value and bound in schema.words:
            schema.words[exclusive] = schema.words.pop(bound)


def _read_subschemas(schema: Schema, node: Node, mapping: dict[str, Any]) -> None:
    for word in SINGLE:
        if word not in mapping:
            continue
        value = mapping[word]
        if value in (True, {}) and word in _TRIVIAL_IF_EMPTY:
            continue
        if value is False and word == "additionalProperties":
            schema.closed = True
        elif value is False and word.startswith("unevaluated"):
            schema.words[word] = False
        else:
            schema.single[word] = node.child(word)
    _read_condition(schema)
    for word in LISTS:
        if mapping.get(word):
            schema.lists[word] = list(node.child(word).each())
    for word in MAPS:
        if mapping.get(word):
            schema.maps[word] = dict(node.child(word).items())


def _read_condition(schema: Schema) -> None:
    """`if: {not: X}` is X with `then` and `else` in each other's place; `if: false` is no if."""
    condition = schema.single.get("if")
    if condition is None:
        return
    if isinstance(condition.value, dict) and condition.value.keys() == {"not"}:
        schema.altered = True
        branches = schema.single.pop("then", None), schema.single.pop("else", None)
        for word, node in zip(("else", "then"), branches, strict=True):
            if node is not None:
                schema.single[word] = node
        schema.single["if"] = condition.child("not")
    elif condition.value is False and "else" not in schema.single:
        schema.altered = True
        schema.single = {k: v for k, v in schema.single.items() if k not in {"if", "then"}}


def _check_words(node: Node, schema: Schema) -> None:
    for word, value in schema.words.items():
        if word in _BOUNDS and not isinstance(value, int | float):
            raise node.child(word).wrong("must be a number")
    if not isinstance(schema.words.get("enum", []), list):
        raise node.child("enum").wrong("must be a list")
