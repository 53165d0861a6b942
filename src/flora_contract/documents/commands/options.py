"""What the commands have in common: options, sources that were given, lines on a terminal."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.text import Text

from flora_contract import shipped
from flora_contract.documents.proposing.suggest import closest
from flora_contract.documents.sources.package import VENDOR, fetched
from flora_contract.documents.sources.read import (
    elsewhere,
    read_sdk,
    read_source,
    source_files,
    stored_pages,
)
from flora_contract.report import terminal
from flora_contract.report.output import deliver

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from rich.console import Console

    from flora_contract.documents.facts.fact import SourcePage

PATH = click.Path(path_type=Path)
contract_option = click.option(
    "--contract", type=PATH, default=shipped.CONTRACT, help="The contract. By default our own."
)
registers_option = click.option(
    "--registers",
    type=PATH,
    default=shipped.REGISTERS,
    help="Folder of conflicts.md. By default our own.",
)
format_option = click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text"
)
output_option = click.option("--output", type=PATH, help="Write to this file instead.")
facts_option = click.option(
    "--facts",
    type=PATH,
    help="Folder of the stored facts. By default our own.",
)
sdk_option = click.option(
    "--sdk", metavar="VERSION", help="A version of the SDK, fetched by npm: 0.11.0 or latest."
)
package_option = click.option(
    "--package", default=VENDOR, show_default=True, help="The name of the SDK on npm."
)


def stored(facts: Path | None) -> tuple[list[SourcePage], list[SourcePage]]:
    """The stored facts of sources, and what was typed by hand."""
    return stored_pages(facts), elsewhere(facts)


def near(path: Path) -> Path:
    """A path as messages name it: from here where it lies below, for the lines that it begins."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


def given(
    paths: Iterable[Path], sdk: str | None, package: str, known: list[SourcePage]
) -> list[SourcePage]:
    """The sources that a user gave, each under the label of the one that it is a version of.

    A version of the SDK keeps its own label. A page that has nothing in common with any is a new
    one, called by the stem of its file.
    """
    files = [file for path in paths for file in source_files(path)]
    read = [read_source(file) for file in files]
    if sdk is not None:
        read.append(read_sdk(fetched(sdk, package), f"{package}@{sdk}"))
    for page in read:
        other = closest(page, known)
        if other is not None and page.form != "sdk":
            page.label = other.label
    return read


def delivered(output: Path | None, show: Callable[[Console], None]) -> None:
    """Show something on the terminal, or write it to a file."""
    console = terminal.answers() if output is None else terminal.plain()
    show(console)
    if output is not None:
        assert isinstance(console.file, io.StringIO)
        deliver(console.file.getvalue(), output)


def line(console: Console, head: str, rest: str = "", style: str = "") -> None:
    """One line that is never folded."""
    if head or rest:
        console.print(Text.assemble((head, style), rest), soft_wrap=True)
