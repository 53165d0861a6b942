"""The first half of docs/behaviour.md: what can be stated, from the schema of the statements."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import yaml

from flora_contract.openapi.behaviour import VOCABULARY
from flora_contract.report.markdown import block, code, escape, table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_SHOWN: Final = {
    "x-resources": "resource",
    "reference": "reference",
    "life": "life",
    "x-list": "x-list",
    "x-idempotency": "x-idempotency",
    "x-charges": "x-charges",
    "x-answers": "x-answers",
    "x-errors": "x-errors",
    "x-refusals": "x-refusals",
    "refusal": "refusal",
}
"""Definitions that have a section, in its order, and the one whose fields it lists."""

_INSIDE: Final[dict[str, Callable[[Any], dict[str, Any]]]] = {
    "reference": lambda example: {"references": {"shop_id": example}},
    "life": lambda example: {"life": example},
    "refusal": lambda example: {"x-refusals": {"rate": example}},
}
"""How a definition stands inside another, where it is no extension of its own."""


def vocabulary_sections() -> Iterator[str]:
    """A section for each statement: what it is for, an example, its fields."""
    definitions = VOCABULARY["$defs"]
    for name, listed in _SHOWN.items():
        node = definitions[name]
        yield f"### {name.capitalize() if name in _INSIDE else code(name)}\n"
        yield f"{_sentence(node['description'])}\n"
        (example,) = node["examples"]
        yield block(_yaml(_INSIDE[name](example) if name in _INSIDE else {name: example}), "yaml")
        fields = list(_fields(definitions[listed]))
        if fields:
            yield table(("field", "what it says"), fields)


def _fields(node: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """The fields of a definition, those of fields inside them included."""
    node = next((way for way in node.get("oneOf", ()) if way.get("type") == "object"), node)
    for name, child in node.get("properties", {}).items():
        if name in {"x-source", "x-conflict"}:
            continue
        told = child.get("description") or _referred(child).get("description", "")
        needed = " Must be given." if name in node.get("required", ()) else ""
        yield code(f"{prefix}{name}"), escape(told).replace("\\`", "`") + needed
        entries = child.get("additionalProperties")
        if isinstance(entries, dict):
            inner = next((w for w in entries.get("oneOf", ()) if "properties" in w), entries)
            yield from _fields(inner, f"{prefix}{name}.*.")
        else:
            yield from _fields(child, f"{prefix}{name}.")


def _referred(node: dict[str, Any]) -> dict[str, Any]:
    reference = node.get("$ref", "")
    found: dict[str, Any] = VOCABULARY["$defs"].get(reference.rpartition("/")[2], {})
    return found


def _sentence(description: str) -> str:
    return description[0].upper() + description[1:]


def _yaml(value: Any) -> str:
    return str(yaml.safe_dump(value, sort_keys=False, default_flow_style=None, width=88))
