"""Statements left out that a document has no place for, such as those of another version."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from flora_contract.openapi import Document
from flora_contract.openapi.behaviour import Behaviour
from flora_contract.openapi.behaviour_checks import StatementError
from flora_contract.openapi.contract import Contract

if TYPE_CHECKING:
    from flora_contract.openapi import Pointer


def fitting(document: Document) -> tuple[Behaviour, list[str]]:
    """The statements of a document that hold, and why each other one does not.

    Raises InputError for what is wrong with more than a statement.
    """
    told: list[str] = []
    while True:
        try:
            return Behaviour(Contract(document)), told
        except StatementError as error:
            told.append(str(error))
            document = _without(document, error.pointer)


def _without(document: Document, pointer: Pointer) -> Document:
    """A copy without a node, or without the nearest around it that is there."""
    tree = copy.deepcopy(document.tree)
    holder, key = _holder(tree, pointer)
    del holder[key]
    return Document(tree, document.file, lambda: document.place)


def _holder(tree: Any, pointer: Pointer) -> tuple[Any, Any]:
    holder, key = tree, pointer[0]
    for part in pointer[1:]:
        inner = holder[key]
        there = part in inner if isinstance(inner, dict) else isinstance(inner, list)
        if not there:
            break
        holder, key = inner, part
    return holder, key
