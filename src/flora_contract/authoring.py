"""The command `overlay`, for who writes a contract."""

from __future__ import annotations

from pathlib import Path

import click

from flora_contract.openapi import apply, load, written
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
