"""The commands `overlay` and `lint`, for who writes a contract."""

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
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Write here, not to stdout.")
def overlay(spec: str, overlays: tuple[str, ...], output: Path | None) -> None:
    """Apply OVERLAYS, in order, to the OpenAPI document SPEC.

    Overlay Specification 1.0 and 1.1. What comes in as YAML goes out as YAML with its comments,
    JSON as JSON. A target that selects nothing is a warning. `-` is standard input.
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
    help="Folder of sources.md and conflicts.md. By default our own.",
)
@click.option(
    "--overlay",
    "overlays",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Apply this first; repeatable. By default, for our own contract, its behaviour.",
)
@click.pass_context
def lint(ctx: click.Context, spec: Path, registers: Path, overlays: tuple[Path, ...]) -> None:
    """Hold the contract SPEC, by default our own, to the rules of this project.

    Sources named and known, conflicts registered, operations described, examples given and valid,
    components used. What OpenAPI itself asks is openapi-spec-validator's to say. Where behaviour
    is stated, a note tells what of an operation is not; notes are no faults.
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
    """What no statement says, with its place; nothing where no behaviour is stated at all."""
    if not statements(document):
        return []
    gaps = unstated(Behaviour(Contract(document)))
    return [(str(document.locate(pointer)), gap) for pointer, gap in gaps]


def _count(number: int, what: str) -> str:
    return f"{number or 'no'} {what}{'' if number == 1 else 's'}"
