"""The commands `overlay` and `lint`, for authors of a contract."""

from __future__ import annotations

from pathlib import Path

import click

from flora_contract import shipped
from flora_contract.openapi import Document, apply, load, written
from flora_contract.openapi.behaviour import Behaviour
from flora_contract.openapi.behaviour_gaps import unstated
from flora_contract.openapi.behaviour_vocabulary import statements
from flora_contract.openapi.contract import Contract
from flora_contract.openapi.lint import Registers
from flora_contract.openapi.lint import lint as faults_of
from flora_contract.report.output import deliver


@click.command()
@click.argument("spec")
@click.argument("overlays", nargs=-1, required=True)
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="Write to this file instead of stdout."
)
def overlay(spec: str, overlays: tuple[str, ...], output: Path | None) -> None:
    """Apply OVERLAYS, in order, to the OpenAPI document SPEC.

    Overlay Specification 1.0 and 1.1. YAML keeps its comments; JSON stays JSON. A target that
    selects nothing is a warning. `-` is standard input.
    """
    document = load(spec)
    applied = apply(document, [load(name) for name in overlays])
    for warning in applied.warnings:
        click.echo(f"warning: {warning}", err=True)
    deliver(written(document, applied.edits, applied.document.tree), output)


@click.command()
@click.argument("spec", default=shipped.CONTRACT, type=click.Path(path_type=Path))
@click.option(
    "--registers",
    type=click.Path(path_type=Path),
    default=shipped.REGISTERS,
    help="Folder with sources.md and conflicts.md. Default: those of the FLORA contract.",
)
@click.option(
    "--overlay",
    "overlays",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Apply this overlay first; repeatable. Default for the FLORA contract: its behaviour.",
)
@click.pass_context
def lint(ctx: click.Context, spec: Path, registers: Path, overlays: tuple[Path, ...]) -> None:
    """Check the contract SPEC, by default FLORA's, against the rules of this project.

    Sources are named and known, conflicts registered, operations described, examples given and
    valid, components used. Use openapi-spec-validator for the rules of OpenAPI itself. Where
    behaviour is stated, notes list what is missing; notes are not faults.
    """
    if spec == shipped.CONTRACT and not overlays:
        document = shipped.contract("behaviour")
    else:
        document = apply(load(spec), [load(path) for path in overlays], strict=True).document
    faults = faults_of(document, Registers.load(registers))
    notes = _unstated(document)
    for place, message in faults:
        click.echo(f"{place}: {message}")
    for place, message in notes:
        click.echo(f"{place}: note: {message}")
    noted = f", {_count(len(notes), 'note')}" if notes else ""
    click.echo(f"{spec}: {_count(len(faults), 'fault')}{noted}")
    ctx.exit(1 if faults else 0)


def _unstated(document: Document) -> list[tuple[str, str]]:
    """What is not stated, with its place; nothing if no behaviour is stated at all."""
    if not statements(document):
        return []
    gaps = unstated(Behaviour(Contract(document)))
    return [(str(document.locate(pointer)), gap) for pointer, gap in gaps]


def _count(number: int, what: str) -> str:
    return f"{number or 'no'} {what}{'' if number == 1 else 's'}"
