"""The command `flora-contract generate`."""

from __future__ import annotations

import copy
import tempfile
from pathlib import Path

import click

from flora_contract.codegen.checking import differences
from flora_contract.codegen.driver import generate as made
from flora_contract.errors import InputError
from flora_contract.openapi import Document, apply, load


@click.command()
@click.argument("spec")
@click.option(
    "--output",
    required=True,
    type=click.Path(path_type=Path),
    help="Folder of the package, such as clients/petstore; also its name.",
)
@click.option("--overlay", "overlays", multiple=True, help="Apply this overlay first; repeatable.")
@click.option(
    "--name", help="Class name of the client, such as Petstore; the async one is AsyncPetstore."
)
@click.option(
    "--check", is_flag=True, help="Write nothing; print a diff and exit with 1 if it differs."
)
@click.option("--vendor-runtime", is_flag=True, help="Copy flora_runtime into the package.")
@click.pass_context
def generate(
    ctx: click.Context,
    *,
    spec: str,
    output: Path,
    overlays: tuple[str, ...],
    name: str | None,
    check: bool,
    vendor_runtime: bool,
) -> None:
    """Generate a Python client, sync and async, from the OpenAPI document SPEC (3.0 or 3.1).

    Overlays state what operations do over time; paging, waiting and idempotency keys follow from
    them. Parts of the document that the client cannot express are listed on stderr. `-` is
    standard input.
    """
    target = output.absolute()
    for word, given in (("--output", target.name), ("--name", name)):
        if given is not None and not given.isidentifier():
            raise InputError(f"{word} {given}: is not a Python name")
    document = _named(load(spec), name)
    if overlays:
        applied = apply(document, [load(one) for one in overlays])
        document = applied.document
        for warning in applied.warnings:
            click.echo(f"warning: {warning}", err=True)
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder, target.name) if check else target
        for line in made(document, place, vendored=vendor_runtime):
            click.echo(f"{spec}: {line}", err=True)
        if check:
            found = differences(target, place)
            click.echo("".join(found), nl=False)
            if found:
                click.echo(f"{output}: is not what {spec} gives", err=True)
            ctx.exit(1 if found else 0)


def _named(document: Document, name: str | None) -> Document:
    """The document with the name of its client in it."""
    if not isinstance(document.tree, dict) or "openapi" not in document.tree:
        swagger = isinstance(document.tree, dict) and "swagger" in document.tree
        fault = "is Swagger 2.0: convert it to OpenAPI 3 first" if swagger else "is not OpenAPI 3"
        raise InputError.at(document.file, 1, fault)
    if name is None:
        return document
    tree = copy.copy(document.tree)
    tree["x-client"] = {**tree.get("x-client", {}), "name": name}
    return Document(
        tree, document.file, lambda: document.place, text=document.text, is_json=document.is_json
    )
