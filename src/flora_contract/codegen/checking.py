"""Whether a client package is what would be made now."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def differences(old: Path, new: Path) -> list[str]:
    """The lines of a diff between two packages, none if they are the same."""
    lines: list[str] = []
    for name in sorted(_modules(old) | _modules(new)):
        before, after = _lines(old / name), _lines(new / name)
        lines += difflib.unified_diff(before, after, f"{old.name}/{name}", f"made now/{name}")
    return lines


def _modules(folder: Path) -> set[str]:
    found = (path for path in folder.rglob("*") if path.is_file())
    return {p.relative_to(folder).as_posix() for p in found if "__pycache__" not in p.parts}


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines(keepends=True) if path.is_file() else []
