"""Changes that were looked at and accepted, with a reason and until a day."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from flora_contract.diff.rules import rules
from flora_contract.openapi import load
from flora_contract.openapi.tree import Node
from flora_contract.report.output import write

if TYPE_CHECKING:
    from pathlib import Path

    from flora_contract.diff.judging.changes import Change

DAYS = 90
"""How long an entry holds that `write_accepted` adds."""

_NO_REASON = "no reason given yet: write why this is accepted"


@dataclass(frozen=True)
class Accepted:
    """An entry of the file: which change, why, and the last day that it holds."""

    id: str
    place: str
    reason: str
    expires: dt.date
    line: int

    @property
    def is_unreasoned(self) -> bool:
        """Whether nobody has yet written why."""
        return self.reason == _NO_REASON

    def covers(self, change: Change) -> bool:
        """Whether the entry means a change: its id, and its place or operation."""
        return change.id == self.id and self.place in {
            change.place,
            f"{change.operation} {change.path}",
        }


def read_accepted(path: Path) -> list[Accepted]:
    """The entries of a file. Raises InputError with the line of what is wrong in it."""
    document = load(path)
    root = Node(document.tree, (), document)
    listed = root.get("accepted")
    if listed is None:
        raise root.wrong("must have a list called accepted")
    return [_entry(node) for node in listed.each()]


def _entry(node: Node) -> Accepted:
    values = {}
    for key in ("id", "place", "reason", "expires"):
        value = node.get(key)
        if value is None or not isinstance(value.value, str) or not value.value:
            raise node.wrong(f"must say {key}")
        values[key] = value.value
    if values["id"] not in rules():
        raise node.child("id").wrong(f"is {values['id']}, and no rule has this id")
    try:
        expires = dt.date.fromisoformat(values.pop("expires"))
    except ValueError:
        raise node.child("expires").wrong("must be a date such as 2026-12-31") from None
    line = node.document.locate(node.pointer).line
    return Accepted(**values, expires=expires, line=line)


@dataclass(frozen=True)
class Acceptance:
    """The changes, those accepted marked as such, and the entries that accept nothing."""

    changes: tuple[Change, ...]
    expired: tuple[Accepted, ...]
    unused: tuple[Accepted, ...]


def accept(changes: tuple[Change, ...], entries: list[Accepted], today: dt.date) -> Acceptance:
    """Mark what the entries accept on a day."""
    valid = [entry for entry in entries if entry.expires >= today]
    used: set[int] = set()
    marked = []
    for change in changes:
        entry = next((entry for entry in valid if entry.covers(change)), None)
        if entry is not None:
            used.add(id(entry))
            change = replace(change, accepted=entry.reason)
        marked.append(change)
    unused = [entry for entry in valid if id(entry) not in used]
    expired = [entry for entry in entries if entry.expires < today]
    return Acceptance(tuple(marked), tuple(expired), tuple(unused))


def write_accepted(path: Path, changes: list[Change], today: dt.date) -> None:
    """Add an entry for each change to a file, which is made if it is not there."""
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    if not text.strip():
        text = "accepted:\n"
    expires = (today + dt.timedelta(days=DAYS)).isoformat()
    for change in changes:
        entry = {"id": change.id, "place": change.place, "reason": _NO_REASON, "expires": expires}
        text = text.rstrip("\n") + "\n" + _yaml(entry)
    write(path, text)


def _yaml(entry: dict[str, Any]) -> str:
    first, *rest = (f"{key}: {json.dumps(value)}" for key, value in entry.items())
    return f"  - {first}\n" + "".join(f"    {line}\n" for line in rest)
