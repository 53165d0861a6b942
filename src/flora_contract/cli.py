"""The command `flora-contract`. A room is imported only when its command runs."""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING

import click

from flora_contract.commands import COMMANDS, not_installed
from flora_contract.errors import OURS, CommandError, InputError, of_ours

if TYPE_CHECKING:
    from flora_contract.mock.proxy import Judged


class Rooms(click.Group):
    """A group whose commands live in the rooms and are imported on use."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name][0].partition(":")
        command = getattr(importlib.import_module(module), attribute)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl([(name, summary) for name, (_, summary) in COMMANDS.items()])


@click.command(cls=Rooms, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="flora-client", prog_name="flora-contract")
@click.pass_context
def group(ctx: click.Context) -> None:
    """Work with the FLORA API's contract: mock it, check a server against it, review changes.

    Exit codes: 0 it holds, 1 it does not, 2 wrong usage or unreadable input,
    3 the server could not be reached, 4 an error of ours, 130 it was interrupted.
    """
    ctx.obj = judge_of


def judge_of(base_url: str) -> Judged:
    """What the suite says of each exchange with a server: rooms do not know each other."""
    from flora_contract.conformance.passing import PassingTraffic

    return PassingTraffic(base_url).judged


def main() -> None:
    """Run a command; an error it expects is one line on stderr and an exit code."""
    try:
        sys.exit(group.main(standalone_mode=False))
    except CommandError as error:
        print(f"flora-contract: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        sys.exit(error.exit_code)
    except click.ClickException as error:
        command = (
            error.ctx.command_path if isinstance(error, click.UsageError) and error.ctx else ""
        )
        hint = f"; see {command} --help" if command else ""
        print(f"flora-contract: {error.format_message().rstrip('.')}{hint}", file=sys.stderr)
        sys.exit(error.exit_code)
    except click.Abort:
        sys.exit(130)  # Ctrl-C, as shells have it
    except ModuleNotFoundError as missing:
        print(f"flora-contract: {not_installed(missing, sys.argv[1:])}", file=sys.stderr)
        sys.exit(InputError.exit_code)
    except Exception as error:
        print(f"flora-contract: {of_ours(error)}", file=sys.stderr)
        sys.exit(OURS)
