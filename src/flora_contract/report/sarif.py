"""SARIF 2.1.0 (OASIS): findings in the form that code hosts show beside the lines they mean."""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Iterable

Level = Literal["error", "warning", "note"]

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


@dataclass(frozen=True)
class ReportingDescriptor:
    """What a tool can find: a stable id, one sentence, and its usual level."""

    id: str
    text: str
    level: Level
    help_uri: str | None = None


@dataclass(frozen=True)
class PhysicalLocation:
    """A place in a file; line and column count from 1. A message may say what is there."""

    file: str
    line: int
    column: int = 1
    message: str | None = None


@dataclass(frozen=True)
class Result:
    """One finding at a place, with the places that explain it.

    `identity` is what stays the same when lines move; hosts match findings between runs by it.
    """

    rule_id: str
    level: Level
    message: str
    place: PhysicalLocation | None
    related: tuple[PhysicalLocation, ...] = ()
    identity: str | None = None
    accepted: str | None = None
    properties: dict[str, Any] = field(default_factory=dict)


def sarif(
    tool: str, rules: Iterable[ReportingDescriptor], results: Iterable[Result]
) -> dict[str, Any]:
    """A SARIF log with one run, of plain data that JSON can hold.

    `accepted` of a result is the reason why it is suppressed. Raises KeyError when a result has
    a rule that is not among `rules`.
    """
    known = list(rules)
    index = {rule.id: number for number, rule in enumerate(known)}
    driver = {
        "name": tool,
        "semanticVersion": version("flora-client"),
        "rules": [_rule(rule) for rule in known],
    }
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [_result(result, index[result.rule_id]) for result in results],
    }
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(rule: ReportingDescriptor) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "id": rule.id,
        "shortDescription": {"text": rule.text},
        "defaultConfiguration": {"level": rule.level},
    }
    if rule.help_uri is not None:
        entry["helpUri"] = rule.help_uri
    return entry


def _result(result: Result, rule_index: int) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "ruleId": result.rule_id,
        "ruleIndex": rule_index,
        "level": result.level,
        "message": {"text": result.message},
        "locations": [_location(result.place)] if result.place is not None else [],
    }
    if result.related:
        entry["relatedLocations"] = [
            {"id": number, **_location(place)} for number, place in enumerate(result.related)
        ]
    if result.identity is not None:
        entry["partialFingerprints"] = {"identity/v1": result.identity}
    if result.accepted is not None:
        entry["suppressions"] = [{"kind": "external", "justification": result.accepted}]
    if result.properties:
        entry["properties"] = result.properties
    return entry


def _location(place: PhysicalLocation) -> dict[str, Any]:
    location: dict[str, Any] = {
        "physicalLocation": {
            "artifactLocation": {"uri": quote(place.file.replace("\\", "/"))},
            "region": {"startLine": place.line, "startColumn": place.column},
        }
    }
    if place.message is not None:
        location["message"] = {"text": place.message}
    return location
