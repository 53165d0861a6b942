"""Where the contract, its overlays and its suite lie: in the wheel, or in this checkout."""

from __future__ import annotations

from pathlib import Path

_in_wheel = Path(__file__).with_name("_shipped")

ROOT = _in_wheel if _in_wheel.is_dir() else Path(__file__).parents[2]
"""Folder that holds `openapi.yaml`, `overlays/` and `contract_tests/`."""

CONTRACT = ROOT / "openapi.yaml"
OVERLAYS = ROOT / "overlays"
SUITE = ROOT / "contract_tests"
