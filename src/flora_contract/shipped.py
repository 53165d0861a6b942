"""Where the contract, its overlays and its suite lie: in the wheel, or in this checkout."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flora_contract.openapi import Document

_in_wheel = Path(__file__).with_name("_shipped")

ROOT = _in_wheel if _in_wheel.is_dir() else Path(__file__).parents[2]
"""Folder that holds `openapi.yaml`, `overlays/`, `contract_tests/` and `docs/`."""

CONTRACT = ROOT / "openapi.yaml"
OVERLAYS = ROOT / "overlays"
SUITE = ROOT / "contract_tests"
REGISTERS = ROOT / "docs"
"""Folder of `sources.md` and `conflicts.md`, which the contract's extensions name."""


def contract(*overlays: str) -> Document:
    """The contract with overlays of `overlays/` applied, by name and in order.

    Raises InputError with file and line where a target selects nothing: an overlay of ours that
    has come apart from the contract is a mistake.
    """
    from flora_contract.openapi import apply, load  # whoever needs the paths only need not wait

    paths = [OVERLAYS / f"{name}.yaml" for name in overlays]
    return apply(load(CONTRACT), [load(path) for path in paths], strict=True).document
