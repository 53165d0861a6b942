"""An entry for CHANGELOG.md, ready to paste."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flora_contract.diff.render.place_names import place_name
from flora_contract.diff.render.text import reached
from flora_contract.diff.rules import Level, rules
from flora_contract.report.markdown import code

if TYPE_CHECKING:
    from flora_contract.diff.judging.changes import Change
    from flora_contract.diff.release.comparison import Comparison


def entry(comparison: Comparison) -> str:
    """What changed, in the form of keepachangelog.com; edits of words are left out."""
    version = comparison.proposed_version or "Unreleased"
    told = [change for change in comparison.changes if _is_told(change)]
    if not told:
        said = "Only words changed." if comparison.changes else "Nothing changed."
        return f"## {version}\n\n{said}\n"
    lines = [f"## {version}", ""]
    for heading in ("Removed", "Changed", "Deprecated", "Added"):
        under = [change for change in told if _heading(change) == heading]
        if under:
            lines += [f"### {heading}", "", *(_line(change) for change in under), ""]
    return "\n".join(lines)


def _is_told(change: Change) -> bool:
    rule = rules()[change.id]
    return rule.area != "documentation" and not change.id.endswith("version-not-bumped")


def _heading(change: Change) -> str:
    words = change.id.split("-")
    if "deprecated" in words:
        return "Deprecated"
    if words[-1] in {"added", "new"} or change.id.startswith("new-"):
        return "Added"
    return "Removed" if "removed" in words else "Changed"


def _line(change: Change) -> str:
    mark = "**Breaking:** " if change.level is Level.BREAKING else ""
    where = f"{change.operation} {change.path}" if change.operation else place_name(change)
    inner = place_name(change) if change.operation else ""
    text = ": ".join(part for part in (inner, change.message) if part)
    reach = "" if change.operation or not reached(change) else f" (reaches {reached(change)})"
    return f"- {mark}{code(where) + ' ' if where else ''}{text}{reach}"
