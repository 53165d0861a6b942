"""The contracts that faults are made of: the shipped one, and one of operations of nobody's API."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from flora_contract import shipped
from flora_contract.openapi import apply, load
from flora_contract.openapi.behaviour import Behaviour
from flora_contract.openapi.contract import Contract

MADE_UP = Path(__file__).parents[1] / "new_operations"


@cache
def shipped_contract() -> Behaviour:
    """FLORA's contract with its statements, and what a test server has from the start."""
    return Behaviour(Contract(shipped.contract("behaviour", "conformance", "mock")))


@cache
def made_up_contract() -> Behaviour:
    """The same with operations that no line of Python knows."""
    overlays = [MADE_UP / "operations.yaml"]
    overlays += [shipped.OVERLAYS / f"{n}.yaml" for n in ("behaviour", "conformance", "mock")]
    overlays += [MADE_UP / "behaviour.yaml", MADE_UP / "mock.yaml"]
    whole = apply(load(shipped.CONTRACT), [load(path) for path in overlays], strict=True)
    return Behaviour(Contract(whole.document))


CONTRACTS = {"flora": shipped_contract, "made-up": made_up_contract}
