"""A comparison for machines: JSON, SARIF, annotations of GitHub."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flora_contract.diff.reading.git import run
from flora_contract.diff.render.place_names import place_name
from flora_contract.diff.rules import Level, rules
from flora_contract.errors import InputError
from flora_contract.report.sarif import PhysicalLocation, ReportingDescriptor, Result, sarif

if TYPE_CHECKING:
    from flora_contract.diff.judging.changes import Change, Spot
    from flora_contract.diff.release.comparison import Comparison


REACHES = 50_000
"""Reaches that a report lists, of all changes together; beyond, each change lists its first."""

_REACHES_AT_LEAST = 10  # of each change


def report(comparison: Comparison, changes: list[Change]) -> dict[str, Any]:
    """The comparison as plain data."""
    most = _most_reaches(changes)
    found: dict[str, Any] = {
        "base": comparison.base,
        "revision": comparison.revision,
        "version": {
            "base": comparison.base_version,
            "revision": comparison.revision_version,
            "proposed": comparison.proposed_version,
        },
        "summary": {level.value: comparison.count(level) for level in Level},
        "changes": [_change(change, most) for change in changes],
    }
    if comparison.client:
        found["client"] = list(comparison.client)
    return found


def _most_reaches(changes: list[Change]) -> int | None:
    """How many reaches of one change are listed; None if all are."""
    if sum(len(change.reaches) for change in changes) <= REACHES:
        return None
    return max(_REACHES_AT_LEAST, REACHES // len(changes))


def _change(change: Change, most: int | None) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "id": change.id,
        "level": change.level.value,
        "section": change.section,
        "operation": change.operation,
        "path": change.path,
        "side": change.side,
        "file": change.file or None,
        "pointer": change.pointer,
        "name": place_name(change),
        "base": _spot(change.base),
        "revision": _spot(change.revision),
        "message": change.message,
        "reaches": [
            {
                "operation": reach.operation,
                "path": reach.path,
                "side": reach.side,
                "where": reach.where,
                "id": reach.id,
                "level": reach.level.value,
            }
            for reach in change.reaches[:most]
        ],
    }
    if most is not None and len(change.reaches) > most:
        entry["reaches_left_out"] = len(change.reaches) - most
    if change.accepted is not None:
        entry["accepted"] = change.accepted
    if change.client:
        entry["client"] = list(change.client)
    return entry


def _spot(spot: Spot | None) -> dict[str, Any] | None:
    if spot is None:
        return None
    return {"file": spot.file, "line": spot.line, "value": spot.value}


_SARIF_LEVELS = {Level.BREAKING: "error", Level.RISKY: "warning", Level.SAFE: "note"}


def as_sarif(changes: list[Change]) -> str:
    """The changes as a SARIF log: each at its line of the revision, the base as related place."""
    used = sorted({change.id for change in changes})
    table = [
        ReportingDescriptor(name, rules()[name].text, _SARIF_LEVELS[rules()[name].level])  # type: ignore[arg-type] # the values of the mapping are SARIF levels
        for name in used
    ]
    results = [
        Result(
            rule_id=change.id,
            level=_SARIF_LEVELS[change.level],  # type: ignore[arg-type] # likewise
            message=_told(change),
            place=_place(change.revision or change.base),
            related=tuple(
                place for place in [_place(change.base, "before")] if place and change.revision
            ),
            identity=change.key,
            accepted=change.accepted,
        )
        for change in changes
    ]
    log = sarif("flora-contract diff", table, results)
    return json.dumps(log, indent=2, ensure_ascii=False) + "\n"


def _place(spot: Spot | None, message: str | None = None) -> PhysicalLocation | None:
    return (
        None if spot is None else PhysicalLocation(file_of(spot), spot.line, spot.column, message)
    )


def _told(change: Change) -> str:
    """A change in one line: its operation or place, what it is about there, what happened."""
    parts = dict.fromkeys([title(change), place_name(change), change.message])
    return ": ".join(part for part in parts if part)


def title(change: Change) -> str:
    """What a change is about: an operation, or a place that several share."""
    if change.operation:
        return f"{change.operation} {change.path}"
    return change.path or change.place


def file_of(spot: Spot) -> str:
    """The path of a file from the root of its repository, whichever revision it was read at."""
    revision, _, path = spot.file.partition(":")
    if path and not path.startswith("\\") and len(revision) > 1:
        return path
    root, file = _repository(), Path(spot.file).absolute()
    return file.relative_to(root).as_posix() if root and file.is_relative_to(root) else spot.file


@cache
def _repository() -> Path | None:
    """The root of the repository that the working directory lies in; None if it lies in none."""
    try:
        return Path(run("rev-parse", "--show-toplevel", problem="the repository").strip())
    except InputError:
        return None


_COMMANDS = {Level.BREAKING: "error", Level.RISKY: "warning", Level.SAFE: "notice"}


def as_annotations(changes: list[Change]) -> str:
    """The changes as workflow commands of GitHub Actions, which show them beside the lines."""
    lines = []
    for change in changes:
        spot = change.revision or change.base
        if spot is None or change.accepted is not None:
            continue
        place = f"file={_property(file_of(spot))},line={spot.line},col={spot.column}"
        text = _data(_told(change))
        lines.append(f"::{_COMMANDS[change.level]} {place},title={_property(change.id)}::{text}")
    return "\n".join(lines) + "\n" if lines else ""


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
