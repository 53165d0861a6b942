"""The page docs/reference/commands.md: every command and its options, from what --help says."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING

import click

from flora_contract.cli import group
from flora_contract.commands import COMMANDS, extra_of
from flora_contract.report.markdown import code, escape, table

if TYPE_CHECKING:
    from collections.abc import Iterator

INTRODUCTION = """# Commands

Made from `--help`. Each command is installed with an extra, and exits with one of these
[codes](exit-codes.md). `flora-contract --version` prints the version.

"""


def page() -> str:
    """The text of docs/reference/commands.md."""
    return INTRODUCTION + "\n".join(
        part for name in COMMANDS for part in _command(name, ["flora-contract"])
    )


def _command(name: str, path: list[str]) -> Iterator[str]:
    path = [*path, name]
    parent = click.Context(group, info_name="flora-contract")
    command: click.Command = group
    for step in path[1:]:
        assert isinstance(command, click.Group)
        found = command.get_command(parent, step)
        assert found is not None
        command = found
    context = click.Context(command, info_name=" ".join(path))
    yield f"{'#' * len(path)} {' '.join(path[1:])}\n"
    yield f"```text\n{' '.join([' '.join(path), *command.collect_usage_pieces(context)])}\n```\n"
    yield inspect.cleandoc(command.help or "").replace("\b\n", "") + "\n"
    if len(path) == 2:
        yield f"Installed with `pip install 'flora-client[{extra_of(name)}]'`.\n"
    options = [option for option in command.params if isinstance(option, click.Option)]
    if options:
        yield table(("option", "does"), (_option(option, context) for option in options))
    if isinstance(command, click.Group):
        for below in command.list_commands(context):
            yield from _command(below, path)


def _option(option: click.Option, context: click.Context) -> tuple[str, str]:
    names = ", ".join(code(name) for name in [*option.opts, *option.secondary_opts])
    if isinstance(option.type, click.Choice):
        names += f" {escape(' | '.join(option.type.choices))}"
    elif not option.is_flag:
        names += f" {escape(option.make_metavar(context))}"
    default = ""
    if option.show_default and option.default is not None and not option.is_flag:
        default = f" Default: {code(str(option.default))}."
    return names, escape(option.help or "") + default


if __name__ == "__main__":
    print(page())
