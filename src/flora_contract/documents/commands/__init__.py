"""The commands `flora-contract documents …`, for whoever maintains the contract."""

from __future__ import annotations

import click

from flora_contract.documents.commands.check import check
from flora_contract.documents.commands.diff import diff
from flora_contract.documents.commands.suggest import suggest
from flora_contract.documents.commands.watch import watch


@click.group()
def documents() -> None:
    """Hold the contract to the sources that it is transcribed from."""


for _command in (check, diff, suggest, watch):
    documents.add_command(_command)
