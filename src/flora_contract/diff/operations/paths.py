"""Which path of one contract is which of the other, whatever its parameters are called."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from flora_contract.diff.operations.by_name import mapped

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flora_contract.openapi.tree import Node, Tree


def parameters_of(path: str) -> list[str]:
    """The names in a path template, in their order."""
    return re.findall(r"\{([^}]*)\}", path)


def _shape(path: str) -> str:
    return re.sub(r"\{[^}]*\}", "{}", path)


def matched(old: dict[str, Node], new: dict[str, Node]) -> Iterator[tuple[str | None, str | None]]:
    """Which path is which: by its text, else by its shape, whatever the parameters are called."""
    shapes: dict[str, list[str]] = {}
    for path in new:
        if path not in old and path[:2] != "x-":
            shapes.setdefault(_shape(path), []).append(path)
    for path in old:
        if path[:2] == "x-":
            continue
        if path in new:
            yield path, path
        else:
            same = shapes.get(_shape(path))
            yield path, same.pop(0) if same else None
    for paths in shapes.values():
        for path in paths:
            yield None, path


def renamed_paths(base: Tree, revision: Tree) -> dict[str, str]:
    """The paths whose parameters have other names in the revision, with what they are there."""
    old, new = mapped(base.root, "paths"), mapped(revision.root, "paths")
    return {
        path: other
        for path, other in matched(old, new)
        if path is not None and other is not None and path != other
    }


def renamed_operations(base: Tree, revision: Tree) -> dict[str, str]:
    """The operation ids that are other ones in the revision, with what they are there."""
    old, new = mapped(base.root, "paths"), mapped(revision.root, "paths")
    found: dict[str, str] = {}
    for path, other in matched(old, new):
        if path is None or other is None:
            continue
        ids = _ids(base.resolve(old[path])), _ids(revision.resolve(new[other]))
        found |= {ids[0][method]: ids[1][method] for method in ids[0].keys() & ids[1].keys()}
    return {old_id: new_id for old_id, new_id in found.items() if old_id != new_id}


def _ids(item: Node) -> dict[str, str]:
    """The operation ids of a path, by method."""
    operations = {name: node.value for name, node in item.items() if isinstance(node.value, dict)}
    return {
        method: operation["operationId"]
        for method, operation in operations.items()
        if isinstance(operation.get("operationId"), str)
    }
