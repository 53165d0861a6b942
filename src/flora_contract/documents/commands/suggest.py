"""The command `flora-contract documents suggest`, and how suggestions are told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from flora_contract import shipped
from flora_contract.documents.checking.conflicts import read_conflicts
from flora_contract.documents.commands.options import (
    PATH,
    contract_option,
    facts_option,
    given,
    line,
    near,
    output_option,
    package_option,
    registers_option,
    sdk_option,
    stored,
)
from flora_contract.documents.proposing.suggest import patch, replaced
from flora_contract.documents.proposing.suggest import suggest as propose
from flora_contract.openapi import load
from flora_contract.report import terminal
from flora_contract.report.output import deliver, write

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console

    from flora_contract.documents.proposing.suggest import Question, Suggestion

behaviour_option = click.option(
    "--behaviour",
    type=PATH,
    default=shipped.OVERLAYS / "behaviour.yaml",
    help="The statements of behaviour. By default our own.",
)


@click.command()
@click.argument("files", nargs=-1, type=PATH)
@sdk_option
@package_option
@click.option(
    "--operation",
    "operations",
    multiple=True,
    metavar="'METHOD /PATH'",
    help="Describe an operation that x-undescribed leaves out; `all` for each of them.",
)
@click.option("--write", "in_place", is_flag=True, help="Edit the files in place.")
@contract_option
@behaviour_option
@registers_option
@facts_option
@output_option
def suggest(
    files: tuple[Path, ...],
    sdk: str | None,
    package: str,
    operations: tuple[str, ...],
    in_place: bool,
    contract: Path,
    behaviour: Path,
    registers: Path,
    facts: Path | None,
    output: Path | None,
) -> None:
    """Propose edits of the contract that follow from new versions of its sources, as a patch.

    Each FILE is a page, a folder of pages, or a package of the SDK. The patch is to be read, and
    applied with --write, `git apply` or `patch -p1`. What a person has to decide is asked on
    stderr.

    Exit codes: 0 done; 2 a file cannot be read, or an operation is not left out.
    """
    document = load(near(contract))
    known, by_hand = stored(facts)
    left_out = list(document.tree.get("x-undescribed", {}))
    wanted = left_out if "all" in operations else list(operations)
    for name in wanted:
        if name not in left_out:
            raise click.UsageError(f"x-undescribed of {document.file} does not list {name}")
    pages = replaced(known, given(files, sdk, package, known)) + by_hand
    statements = load(near(behaviour)) if behaviour.exists() else None
    conflicts = read_conflicts(registers / "conflicts.md")
    made = propose(document, pages, conflicts, statements, wanted)
    if in_place:
        save(made, contract, behaviour)
    else:
        deliver(patches(made), output)
    ask(terminal.progress(), made.questions)


def patches(made: Suggestion) -> str:
    """The patch of the contract, and that of the statements of behaviour."""
    found = patch(made.document, made.edited, _name(made.document.file))
    if made.behaviour is not None and made.edited_behaviour is not None:
        name = _name(made.behaviour.file)
        found += patch(made.behaviour, made.edited_behaviour, name)
    return found


def _name(file: str) -> str:
    """A file as a patch names it: as it was given where that is no absolute path."""
    return file.rpartition("/")[2] if file.startswith("/") else file


def save(made: Suggestion, contract: Path, behaviour: Path) -> None:
    """Write the files that edits change."""
    if made.edits:
        write(contract, made.edited.text)
    if made.behaviour_edits and made.edited_behaviour is not None:
        write(behaviour, made.edited_behaviour.text)


def ask(console: Console, questions: list[Question]) -> None:
    """Each question with its choices."""
    for question in questions:
        where = f"  ({', '.join(question.where)})" if question.where else ""
        line(console, "? ", f"{question.what}{where}", style="yellow")
        for number, choice in enumerate(question.choices, 1):
            line(console, f"    {number}. ", choice)
