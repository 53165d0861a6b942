"""Which part of a document is of the wrong kind: a list where a mapping belongs."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

import jsonschema_rs

from flora_contract.openapi.tree import Node

if TYPE_CHECKING:
    from flora_contract.openapi.tree import Tree

_WORDS = {
    "object": "a mapping",
    "array": "a list",
    "string": "a string",
    "number": "a number",
    "boolean": "true or false",
}


def check_outline(tree: Tree) -> None:
    """Raises InputError with the place of a part of a contract that is of the wrong kind."""
    error = next(_validator().iter_errors(tree.root.value), None)
    if error is None:
        return
    assert isinstance(error.kind, jsonschema_rs.ValidationErrorKind.Type)
    wanted = " or ".join(word for name, word in _WORDS.items() if name in error.kind.types)
    pointer = tuple(error.instance_path)
    raise Node(None, pointer, tree.document).wrong(f"must be {wanted}")


@cache
def _validator() -> jsonschema_rs.Validator:
    text = files(__package__).joinpath("outline.schema.json").read_text(encoding="utf-8")
    return jsonschema_rs.validator_for(json.loads(text))
