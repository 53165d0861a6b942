"""The page docs/diff-rules.md: every rule of the diff, with its example."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from flora_contract.diff.rules import NEVER, Level, Rule, rules

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests" / "diff" / "library"))

from rule_examples import Example, examples  # noqa: E402 - lies beside the tests, which use it too

if TYPE_CHECKING:
    from collections.abc import Iterator

SHOWN = 110  # characters of an example

AREAS = {
    "paths": "Paths and operations",
    "parameters": "Parameters",
    "requestBody": "Request bodies",
    "responses": "Responses",
    "headers": "Response headers",
    "schema": "Schemas of bodies",
    "security": "Security",
    "servers": "Servers",
    "callbacks": "Callbacks and webhooks",
    "components": "Components",
    "tags": "Tags",
    "info": "Version",
    "documentation": "Words and extensions",
}


def page() -> str:
    """The text of docs/diff-rules.md."""
    table = rules()
    counts = {level: sum(rule.level is level for rule in table.values()) for level in Level}
    shared = sum(rule.shared for rule in table.values())
    told = ", ".join(f"{count} {level}" for level, count in counts.items())
    lines = [
        "# Rules of the diff",
        "",
        (
            f"The {len(table)} rules of [`flora-contract diff`](diff.md): {told}. {shared} of them "
            f"exist in oasdiff with the same id and level; the other {len(table) - shared} are "
            "marked with a star."
        ),
        "",
        (
            f"{len(NEVER)} ids of oasdiff are left out because no change can produce them "
            "(no `minItems` is the same as `minItems: 0`): "
            + ", ".join(f"`{name}`" for name in sorted(NEVER))
            + "."
        ),
        "",
    ]
    known = examples()
    for area, title in AREAS.items():
        some = [rule for rule in table.values() if rule.area == area]
        lines += [
            f"## {title}",
            "",
            "| id | level | what | example |",
            "| --- | --- | --- | --- |",
        ]
        lines += [row(rule, known[rule.id]) for rule in some]
        lines.append("")
    assert {rule.area for rule in table.values()} == AREAS.keys()
    return "\n".join(lines)


def row(rule: Rule, example: Example) -> str:
    star = "" if rule.shared else " \\*"
    text = rule.text.replace("|", "\\|").replace("_", "\\_").replace("*", "\\*")
    return f"| `{rule.id}`{star} | {rule.level} | {text} | {shown(example)} |"


def shown(example: Example) -> str:
    differences = list(differing(example.base, example.revision))
    key, before, after = differences[0]
    code = f"{key}: {flow(before)} → {flow(after)}".replace("|", "\\|").replace("`", "'")
    more = f" and {len(differences) - 1} more" if len(differences) > 1 else ""
    return f"`{code}`{more}"


MISSING = object()


def differing(before: Any, after: Any, key: str = "") -> Iterator[tuple[str, Any, Any]]:
    """The smallest parts of two documents that differ."""
    if isinstance(before, dict) and isinstance(after, dict):
        for name in [*before, *(name for name in after if name not in before)]:
            one, two = before.get(name, MISSING), after.get(name, MISSING)
            if one is MISSING or two is MISSING or one != two:
                yield from differing(one, two, name)
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for one, two in zip(before, after, strict=True):
            if one != two:
                yield from differing(one, two, key)
    else:
        yield key, before, after


def flow(value: Any) -> str:
    if value is MISSING:
        return "nothing"
    text = yaml.safe_dump(value, default_flow_style=True, sort_keys=False, width=10_000)
    text = re.sub(r"\n(\.\.\.\n)?$", "", text)
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"
