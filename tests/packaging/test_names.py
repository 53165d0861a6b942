"""A class name stands once: who reads it need not ask which one is meant."""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path

PACKAGE = Path(__file__).parents[2] / "src" / "flora_contract"
LATER: frozenset[str] = frozenset()


def test_no_class_name_stands_in_two_modules() -> None:
    modules = defaultdict(list)
    for path in sorted(PACKAGE.rglob("*.py")):
        name = path.relative_to(PACKAGE)
        if name.parts[0] in LATER:
            continue
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef):
                modules[node.name].append(str(name))
    assert len(modules) > 80
    assert {name: found for name, found in modules.items() if len(found) > 1} == {}
