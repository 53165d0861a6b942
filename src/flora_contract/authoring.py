"""The commands `overlay` and `lint`, for who writes a contract."""

from __future__ import annotations

from pathlib import Path

import click

from flora_contract import shipped
from flora_contract.openapi import apply, load, written
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
@click.pass_context
def lint(ctx: click.Context, spec: Path, registers: Path) -> None:
    """Hold the contract SPEC, by default our own, to the rules of this project.

    Sources named and known, conflicts registered, operations described, examples given and valid,
    components used. What OpenAPI itself asks is openapi-spec-validator's to say.
    """
    faults = faults_of(load(spec), Registers.load(registers))
    for place, message in faults:
        click.echo(f"{place}: {message}")
    click.echo(f"{spec}: {len(faults) or 'no'} {'fault' if len(faults) == 1 else 'faults'}")
    ctx.exit(1 if faults else 0)
