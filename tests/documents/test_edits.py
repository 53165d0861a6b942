"""A slip of the hand in the contract turns the check red: 200 random ones, each on its own."""

from __future__ import annotations

import copy
import random as randomness
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

import pytest

from flora_contract import shipped
from flora_contract.documents.checking.check import check
from flora_contract.documents.checking.conflicts import read_conflicts
from flora_contract.documents.sources.read import elsewhere, stored_pages
from flora_contract.openapi import Document, load
from flora_contract.openapi.nodes import SCHEMAS, TypedNode, nodes

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterator

    from flora_contract.openapi import Pointer

PAGES = ["S000", "S001", "S002", "S003", "S004"]


@dataclass(frozen=True)
class Edit:
    """What was done, and where; `document` is the contract after it."""

    kind: str
    pointer: Pointer
    detail: str
    document: Document

    def __str__(self) -> str:
        return f"{self.kind} at {'/'.join(map(str, self.pointer))}: {self.detail}"


def edits(document: Document, random: random.Random) -> Iterator[Edit]:
    """Random edits without end: each kind as often as the others, each place of a kind likewise."""
    kinds = sorted(KINDS)
    every = list(nodes(document.tree))
    places = {kind: [node.pointer for node in every if KINDS[kind][0](node)] for kind in kinds}
    while True:
        kind = random.choice(kinds)
        pointer = random.choice(places[kind])
        tree = copy.deepcopy(document.tree)
        edited = Document(tree, document.file, lambda: document.place)
        detail = KINDS[kind][1](edited.at(pointer), random)
        yield Edit(kind, pointer, detail, edited)


def _remove_property(schema: dict[str, Any], random: random.Random) -> str:
    name = random.choice(sorted(schema["properties"]))
    del schema["properties"][name]
    if name in schema.get("required", []):
        schema["required"].remove(name)
    return name


def _drop_value(schema: dict[str, Any], random: random.Random) -> str:
    values = schema.get("enum", schema.get("x-extensible-enum"))
    value = random.choice(values)
    values.remove(value)
    schema.get("x-source-values", {}).pop(value, None)
    return value


def _add_value(schema: dict[str, Any], random: random.Random) -> str:
    values = schema.get("enum", schema.get("x-extensible-enum"))
    value = f"{random.choice(values)}-2"
    values.insert(random.randrange(len(values) + 1), value)
    return value


def _flip_required(schema: dict[str, Any], random: random.Random) -> str:
    name = random.choice(sorted(schema["properties"]))
    required = schema.setdefault("required", [])
    if name in required:
        required.remove(name)
    else:
        required.append(name)
    return name


def _flip_required_parameter(parameter: dict[str, Any], _random: random.Random) -> str:
    parameter["required"] = not parameter.get("required", False)
    return parameter["name"]


def _add_null(schema: dict[str, Any], _random: random.Random) -> str:
    schema["type"] = [schema["type"], "null"]
    return str(schema["type"])


def _change_minimum(schema: dict[str, Any], random: random.Random) -> str:
    keyword = random.choice([k for k in BOUNDS if k in schema])
    schema[keyword] += random.choice([-1, 1, 10])
    return f"{keyword} {schema[keyword]}"


def _swap_label(node: dict[str, Any], random: random.Random) -> str:
    labels = node["x-source"]
    if set(PAGES) <= set(labels):
        gone = random.choice(PAGES)
        labels.remove(gone)
        return f"without {gone}"
    index = random.randrange(len(labels))
    gone = labels[index]
    labels[index] = random.choice([label for label in PAGES if label not in labels])
    return f"{gone} to {labels[index]}"


BOUNDS = ("minimum", "maximum", "minLength")


def _with(*keys: str) -> Callable[[TypedNode], bool]:
    return lambda node: node.kind in SCHEMAS and any(key in node.tree for key in keys)


KINDS: dict[str, tuple[Callable[[TypedNode], bool], Callable[[Any, random.Random], str]]] = {
    "property removed": (_with("properties"), _remove_property),
    "enum value dropped": (_with("enum", "x-extensible-enum"), _drop_value),
    "enum value added": (_with("enum", "x-extensible-enum"), _add_value),
    "required flipped": (_with("properties"), _flip_required),
    "parameter's required flipped": (
        lambda node: node.kind == "parameter" and "name" in node.tree,
        _flip_required_parameter,
    ),
    "null added": (
        lambda node: node.kind in SCHEMAS and isinstance(node.tree.get("type"), str),
        _add_null,
    ),
    "minimum changed": (_with(*BOUNDS), _change_minimum),
    "source label swapped": (lambda node: "x-source" in node.tree, _swap_label),
}


EXPLAINED: dict[str, str] = {}
"""Edits that the check cannot see, each with the reason; none is known."""


@pytest.mark.parametrize("seed", [20260621])
def test_200_random_edits_turn_the_check_red(seed: int) -> None:
    document = load(shipped.CONTRACT)
    pages = stored_pages() + elsewhere()
    accepted = read_conflicts(shipped.REGISTERS / "conflicts.md")
    assert not check(document, pages, accepted).faults
    survivors = [
        str(edit)
        for edit in islice(edits(document, randomness.Random(seed)), 200)
        if not check(edit.document, pages, accepted).faults
    ]
    assert len(survivors) <= 5
    assert [edit for edit in survivors if edit not in EXPLAINED] == []
