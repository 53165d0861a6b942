"""A group of findings as the change that people read."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, Any

from flora_contract.diff.judging.changes import Change, Spot
from flora_contract.openapi.positions import positions
from flora_contract.openapi.tree import show

if TYPE_CHECKING:
    from flora_contract.diff.judging.groups import Group, Reaches
    from flora_contract.openapi import Document
    from flora_contract.openapi.positions import Positions
    from flora_contract.openapi.tree import Node


def told(groups: list[Group], roots: tuple[Document, Document]) -> tuple[Change, ...]:
    """The changes, the worst first. `roots` are the documents of the two contracts."""
    places = positions(node for group in groups for node in group.nodes)
    return tuple(sorted((_change(group, places, roots) for group in groups), key=_order))


def _order(change: Change) -> tuple[Any, ...]:
    return (
        change.level.rank,
        change.is_about_version,
        _SECTIONS.get(change.section, len(_SECTIONS)),
        change.path or "",
        change.operation or "",
        change.file,
        change.pointer,
        change.id,
        change.message,
    )


_SECTIONS = {
    name: rank
    for rank, name in enumerate(
        ["paths", "callbacks", "webhooks", "components", "security", "servers", "tags", "info"]
    )
}


def _change(group: Group, places: Positions, roots: tuple[Document, Document]) -> Change:
    level, rule_id, *_ = min(group.found, key=lambda found: found[0].rank)
    message = _told([said for _, name, said, _ in group.found if name == rule_id])
    reaches = _merged([reaches for *_, reaches in group.found])
    operations = {(reach.operation, reach.path) for reach in reaches}
    sides = {reach.side for reach in reaches} - {"none"}
    pointer = show(group.node.pointer)
    file = _beside(group.node.document.file, [root.file for root in roots])
    operation, path = operations.pop() if len(operations) == 1 else (None, None)
    return Change(
        id=rule_id,
        level=level,
        section=_section(pointer, file),
        operation=operation,
        path=path,
        side=sides.pop() if len(sides) == 1 else "both" if sides else "none",
        pointer=pointer,
        base=_spot(group.base, places),
        revision=_spot(group.revision, places),
        message=message,
        reaches=reaches,
        file=file,
        messages=tuple({rule_id: said for _, rule_id, said, _ in group.found}.items()),
    )


_SHOWN = 5  # of what one change is about, when it is about many


def _told(messages: list[str]) -> str:
    """What to say of one change that several facts make up."""
    different = list(dict.fromkeys(messages))
    heads = {message.partition(": ")[0] for message in different}
    if len(different) == 1 or len(heads) > 1:
        return different[0]
    count, [head] = len(different), heads
    head = head.replace("one more value", f"{count} more values")
    head = head.replace("lost a value", f"lost {count} values")
    tails = [message.partition(": ")[2] for message in different]
    more = f" and {count - _SHOWN} more" if count > _SHOWN else ""
    return f"{head}: {', '.join(tails[:_SHOWN])}{more}"


def _merged(found: list[Reaches]) -> Reaches:
    """All reaches once. Many changes share the same, and those are kept once too."""
    different = list({id(reaches): reaches for reaches in found}.values())
    if len(different) == 1:
        return different[0]
    return tuple(dict.fromkeys(reach for reaches in different for reach in reaches))


def _section(pointer: str, file: str) -> str:
    parts = pointer.split("/")
    if "callbacks" in parts[3:]:
        return "callbacks"
    if parts[1:3] == ["components", "securitySchemes"]:
        return "security"
    elsewhere = "components" if file else "info"
    return parts[1] if len(parts) > 1 and parts[1] in _SECTIONS else elsewhere


def _beside(file: str, roots: list[str]) -> str:
    """A file as it is named from the contract's own; empty if it is one of the two contracts."""
    if file in roots:
        return ""
    for root in roots:
        revision, colon, path = root.partition(":")
        if colon and file.startswith(f"{revision}:"):
            return posixpath.relpath(file[len(revision) + 1 :], posixpath.dirname(path) or ".")
    folder = posixpath.dirname(roots[-1])
    return posixpath.relpath(file, folder or ".")


def _spot(node: Node | None, places: Positions) -> Spot | None:
    if node is None:
        return None
    place = places[node.document.file, node.pointer]
    return Spot(place.file, place.line, place.column, show(node.pointer), node.value)
