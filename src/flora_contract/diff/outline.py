"""Which part of a document is of the wrong kind: a list where a mapping belongs.

Asked only once a comparison has tripped over something, so that sound documents pay nothing.
"""

from __future__ import annotations

import json
from importlib.resources import files
from typing import TYPE_CHECKING

import jsonschema_rs

from flora_contract.diff.tree import Node

if TYPE_CHECKING:
    from flora_contract.diff.tree import Tree
    from flora_contract.errors import InputError

_WORDS = {
    "object": "a mapping",
    "array": "a list",
    "string": "a string",
    "number": "a number",
    "boolean": "true or false",
}


def fault(tree: Tree) -> InputError | None:
    """What is wrong with the outline of a contract, with its place; None if nothing is."""
    text = files(__package__).joinpath("outline.schema.json").read_text(encoding="utf-8")
    error = next(jsonschema_rs.validator_for(json.loads(text)).iter_errors(tree.root.value), None)
    if error is None:
        return None
    assert isinstance(error.kind, jsonschema_rs.ValidationErrorKind.Type)
    wanted = " or ".join(_WORDS[name] for name in error.kind.types if name in _WORDS)
    pointer = tuple(error.instance_path)
    return Node(None, pointer, tree.document).wrong(f"must be {wanted}")
