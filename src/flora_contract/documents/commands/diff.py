"""The command `flora-contract documents diff`, and how changes of sources are told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from flora_contract.documents.commands.options import (
    delivered,
    facts_option,
    format_option,
    line,
    output_option,
    package_option,
    stored,
)
from flora_contract.documents.proposing.differences import differences
from flora_contract.documents.sources.package import fetched
from flora_contract.documents.sources.read import read_sdk, read_source
from flora_contract.report.output import deliver

if TYPE_CHECKING:
    from rich.console import Console

    from flora_contract.documents.facts.fact import SourcePage
    from flora_contract.documents.proposing.differences import SourceChange


@click.command()
@click.argument("old")
@click.argument("new")
@package_option
@facts_option
@format_option
@output_option
@click.pass_context
def diff(
    ctx: click.Context,
    old: str,
    new: str,
    package: str,
    facts: Path | None,
    form: str,
    output: Path | None,
) -> None:
    """Say what changed between two versions of a source.

    OLD and NEW are files of a page, packages of the SDK, labels of stored facts, such as TS010, or
    versions of the SDK, such as 0.11.0, which npm fetches.

    Exit codes: 0 both state the same facts; 1 they do not; 2 a file cannot be read.
    """
    before, after = (_source(name, package, facts) for name in (old, new))
    found = differences(before, after)
    if form == "json":
        report = {"changes": told(found, before, after), "unread": _unread(after)}
        deliver(json.dumps(report, indent=2), output)
    else:
        delivered(output, lambda console: show_changes(console, found, before, after))
    ctx.exit(1 if found or after.unread else 0)


def _source(name: str, package: str, facts: Path | None) -> SourcePage:
    if Path(name).exists():
        return read_source(Path(name))
    if name == "latest" or (name[:1].isdecimal() and "/" not in name and not name.endswith(".txt")):
        return read_sdk(fetched(name, package), f"{package}@{name}")
    for page in stored(facts)[0]:
        if page.label == name:
            return page
    return read_source(Path(name))


def told(found: list[SourceChange], old: SourcePage, new: SourcePage) -> list[dict[str, Any]]:
    """Changes as data."""
    return [
        {
            "kind": change.kind,
            "place": str(change.place),
            "what": change.what,
            "old": old.where(change.old) if change.old else None,
            "new": new.where(change.new) if change.new else None,
        }
        for change in found
    ]


def _unread(page: SourcePage) -> list[dict[str, Any]]:
    return [{"where": page.where(unread), "problem": unread.problem} for unread in page.unread]


def show_changes(
    console: Console, found: list[SourceChange], old: SourcePage, new: SourcePage
) -> None:
    """A line for each change of facts, and one for all changes of words."""
    reworded = [change for change in found if change.kind == "reworded"]
    for change in found:
        if change.kind == "reworded":
            continue
        where = [f"old {old.where(change.old)}"] if change.old else []
        where += [f"new {new.where(change.new)}"] if change.new else []
        line(console, f"{change.kind:<8}", f"  {change}  ({', '.join(where)})", style="bold")
    for unread in new.unread:
        line(console, "unread  ", f"  {unread.problem}  (new {new.where(unread)})", style="red")
    if reworded:
        places = ", ".join(
            f"{change.place} ({new.where(change.new)})" for change in reworded if change.new
        )
        line(console, f"reworded  without a change of facts: {places}")
    if not found and not new.unread:
        line(console, "the same facts")
