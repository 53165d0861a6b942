"""Where the contract, its overlays and its suite lie: in a checkout, or in the wheel."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flora_contract.openapi import Document

_NAME = 'name = "flora-client"'


def around(place: Path) -> Path:
    """The checkout that a folder is in, whatever is installed; else what came with this code."""
    for folder in (place, *place.parents):
        project = folder / "pyproject.toml"
        if project.is_file() and _NAME in project.read_text(encoding="utf-8", errors="replace"):
            return folder
    in_wheel = Path(__file__).with_name("_shipped")
    return in_wheel if in_wheel.is_dir() else Path(__file__).parents[2]


ROOT = around(Path.cwd())
"""Folder that holds `openapi.yaml`, `overlays/`, `contract_tests/` and `docs/`."""

CONTRACT = ROOT / "openapi.yaml"
OVERLAYS = ROOT / "overlays"
SUITE = ROOT / "contract_tests"
REGISTERS = ROOT / "docs"
"""Folder of `sources.md` and `conflicts.md`, which the contract's extensions name."""


def contract(*overlays: str, root: Path = ROOT) -> Document:
    """The contract with overlays of `overlays/` applied, by name and in order.

    Raises InputError with file and line where a target selects nothing: an overlay of ours that
    has come apart from the contract is a mistake.
    """
    from flora_contract.openapi import apply, load  # whoever needs the paths only need not wait

    paths = [root / "overlays" / f"{name}.yaml" for name in overlays]
    return apply(load(root / "openapi.yaml"), [load(path) for path in paths], strict=True).document
