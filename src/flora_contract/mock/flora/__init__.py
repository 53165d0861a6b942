"""What is particular to FLORA: models and what they make, accounts, files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flora_contract.mock.flora.runs import Runs

if TYPE_CHECKING:
    from flora_contract.mock.handlers import Handler
    from flora_contract.openapi.behaviour import Behaviour


def handlers(behaviour: Behaviour) -> dict[str, Handler]:
    """By kind; none for a document that is not FLORA's."""
    if "createGeneration" not in behaviour.operations:
        return {}
    return {"Run": Runs(behaviour.document)}
