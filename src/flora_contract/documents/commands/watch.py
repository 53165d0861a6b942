"""The command `flora-contract documents watch`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from flora_contract.documents.checking.conflicts import read_conflicts
from flora_contract.documents.commands.diff import show_changes, told
from flora_contract.documents.commands.options import (
    PATH,
    contract_option,
    delivered,
    facts_option,
    format_option,
    given,
    line,
    near,
    output_option,
    package_option,
    registers_option,
    sdk_option,
    stored,
)
from flora_contract.documents.commands.suggest import ask, behaviour_option, patches, save
from flora_contract.documents.facts.fact import dump
from flora_contract.documents.proposing.differences import differences
from flora_contract.documents.proposing.suggest import closest, replaced, suggest
from flora_contract.documents.sources.read import FACTS
from flora_contract.errors import InputError
from flora_contract.openapi import load
from flora_contract.report.output import deliver, write

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console

    from flora_contract.documents.facts.fact import SourcePage
    from flora_contract.documents.proposing.differences import SourceChange
    from flora_contract.documents.proposing.suggest import Suggestion

    Compared = tuple[SourcePage, SourcePage, list[SourceChange]]


@click.command()
@click.argument("files", nargs=-1, type=PATH)
@sdk_option
@package_option
@click.option(
    "--write", "in_place", is_flag=True, help="Edit the contract, and store the new facts."
)
@contract_option
@behaviour_option
@registers_option
@facts_option
@format_option
@output_option
@click.pass_context
def watch(
    ctx: click.Context,
    files: tuple[Path, ...],
    sdk: str | None,
    package: str,
    in_place: bool,
    contract: Path,
    behaviour: Path,
    registers: Path,
    facts: Path | None,
    form: str,
    output: Path | None,
) -> None:
    """Compare what is published now with what the contract was made from.

    Each FILE is a page, a folder of pages, or a package of the SDK; --sdk fetches a version by npm.
    The report tells what changed, the edits that follow, and what a person has to decide.

    Exit codes: 0 nothing changed; 1 something did; 2 a file cannot be read.
    """
    if not files and sdk is None:
        raise click.UsageError("give pages, a package, or --sdk VERSION")
    document = load(near(contract))
    known, by_hand = stored(facts)
    read = given(files, sdk, package, known)
    compared = [_compared(page, known) for page in read]
    changed = any(found or page.unread for _, page, found in compared)
    statements = load(near(behaviour)) if behaviour.exists() else None
    conflicts = read_conflicts(registers / "conflicts.md")
    made = suggest(document, replaced(known, read) + by_hand, conflicts, statements)
    if in_place:
        save(made, contract, behaviour)
        for page in read:
            write((facts or FACTS) / f"{page.label}.yaml", dump(page))
    if form == "json":
        deliver(json.dumps(_report(compared, made), indent=2), output)
    else:
        delivered(output, lambda console: _show(console, compared, made))
    ctx.exit(1 if changed else 0)


def _compared(page: SourcePage, known: list[SourcePage]) -> Compared:
    """A source, the stored one that it is compared with, and what changed.

    A version of the SDK is compared with the newest that is stored.
    """
    if page.form == "sdk":
        versions = [other for other in known if other.form == "sdk"]
        same = max(
            versions, key=lambda other: [int(n) for n in other.version.split(".")], default=None
        )
    else:
        same = closest(page, known)
    if same is None:
        raise InputError(f"{page.file}: no stored source is like it; store its facts first")
    return same, page, differences(same, page)


def _show(console: Console, compared: list[Compared], made: Suggestion) -> None:
    for old, new, found in compared:
        line(console, f"{new.file} against {old.label}", style="bold")
        show_changes(console, found, old, new)
        line(console, " ")
    if made.edits or made.behaviour_edits:
        line(console, "the edits that follow:", style="bold")
        line(console, patches(made).rstrip())
    ask(console, made.questions)


def _report(compared: list[Compared], made: Suggestion) -> dict[str, Any]:
    return {
        "sources": [
            {
                "label": new.label,
                "against": old.label,
                "changes": told(found, old, new),
                "unread": [vars(unread) for unread in new.unread],
            }
            for old, new, found in compared
        ],
        "patch": patches(made),
        "questions": [
            {"what": q.what, "where": list(q.where), "choices": list(q.choices)}
            for q in made.questions
        ],
    }
