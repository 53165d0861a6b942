"""Schemas drafted from facts, with the components of the contract wherever one fits."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final

from ruamel.yaml.comments import CommentedSeq

from flora_contract.documents.checking.evidence import wanted
from flora_contract.documents.facts.fact import CONSTRAINTS, PageFact, Place, SourcePage
from flora_contract.documents.sources.kinds import DRAFTED
from flora_contract.openapi.nodes import SCHEMAS, nodes

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from flora_contract.openapi import Document

Stated = tuple[SourcePage, PageFact]

_SCHEMAS: Final = "#/components/schemas/"
_WORDS: Final = {
    "$ref", "type", "required", "properties", "items", "additionalProperties", "enum", "const",
    "anyOf", "oneOf", "allOf",
}  # fmt: skip
"""What two schemas must share to be the same, but for words, labels and bounds."""


def flow(items: Iterable[Any]) -> CommentedSeq:
    """A list that is written on one line."""
    sequence = CommentedSeq(items)
    sequence.fa.set_flow_style()
    return sequence


def title(text: str) -> str:
    """A name for a component: `model_id` is `ModelId`."""
    return "".join(word[:1].upper() + word[1:] for word in re.split(r"[^A-Za-z0-9]+", text))


def singular(text: str) -> str:
    """One of many: `techniques` is `technique`."""
    if text.endswith("ies"):
        return f"{text[:-3]}y"
    plural = text.endswith("s") and not text.endswith(("ss", "us", "as", "is"))
    return text[:-1] if plural else text


class Drafts:
    """Drafts of schemas, and the components that they add to those of the contract."""

    def __init__(self, document: Document, at: Mapping[Place, list[Stated]]) -> None:
        self.at = at
        self.components: dict[str, Any] = dict(
            document.tree.get("components", {}).get("schemas", {})
        )
        self.added: dict[str, Any] = {}
        self.inside: dict[Place, list[Place]] = defaultdict(list)
        for place in at:
            holder = place.holder()
            if holder is not None and place not in self.inside[holder]:
                self.inside[holder].append(place)
        self.members = _members(document)

    def said(self, place: Place) -> dict[str, Any]:
        """What sources say of a place, those that rank first before the others."""
        said: dict[str, Any] = {}
        for _, fact in self.at.get(place, ()):
            said.setdefault(fact.aspect, fact.value)
            if fact.aspect == "type" and fact.value == "integer" and said["type"] == "number":
                said["type"] = "integer"
        return said

    def labels(self, place: Place) -> CommentedSeq:
        """The `x-source` of a place."""
        return flow(wanted(page for page, _ in self.at.get(place, ())))

    def member(self, place: Place, name: str) -> dict[str, Any]:
        """A member, which names its sources."""
        words = [DRAFTED[str(f.value)] for _, f in self.at.get(place, ()) if f.aspect == "says"]
        described = {"description": " ".join(dict.fromkeys(words))} if any(words) else {}
        return {**self.schema(place, name), **described, "x-source": self.labels(place)}

    def schema(self, place: Place, name: str) -> dict[str, Any]:
        """The schema of a place; `name` is what a component of it would be called."""
        nullable = self.said(place).get("nullable") is True
        ways = [p for p in self.inside.get(place, ()) if p.field.endswith(">")]
        if ways:
            branches = [self.schema(way, f"{name}{title(_way(way))}") for way in ways]
            return {"anyOf": [*branches, *([{"type": "null"}] if nullable else [])]}
        drafted = self.plain(place, name)
        if (reference := self.component(place, drafted, name)) is not None:
            if nullable:
                return {"anyOf": [{"$ref": reference}, {"type": "null"}]}
            return {"$ref": reference}
        if nullable and "type" in drafted:
            drafted["type"] = flow([drafted["type"], "null"])
        return drafted

    def plain(self, place: Place, name: str) -> dict[str, Any]:
        """A schema without null: its type, bounds, values, and what is in it."""
        said = self.said(place)
        kind = said.get("type")
        if kind is None:
            return {}
        schema: dict[str, Any] = {"type": "object" if str(kind).startswith("map") else kind}
        schema |= {word: said[word] for word in CONSTRAINTS if word in said}
        if "prefix" in said:
            schema["pattern"] = f"^{said['prefix']}"
        facts = self.at.get(place, ())
        if values := list(dict.fromkeys(f.value for _, f in facts if f.aspect == "value")):
            schema["enum"] = flow(values)
            schema["x-source"] = self.labels(place)
        if str(kind).startswith("map"):
            within = place.values()
            schema["additionalProperties"] = (
                self.schema(within, f"{name}Value") if within in self.at else True
            )
        elif kind == "array":
            within = place.items()
            schema["items"] = self.schema(within, singular(name)) if within in self.at else {}
        elif kind == "object":
            schema |= self.object(place, name)
        return schema

    def object(self, place: Place, name: str) -> dict[str, Any]:
        members = [p for p in self.inside.get(place, ()) if p.parent() == place]
        drafted: dict[str, Any] = {}
        required = [p.name for p in members if self.said(p).get("required") is True]
        if required:
            drafted["required"] = flow(required)
        drafted["properties"] = {
            member.name: self.member(member, f"{name}{title(member.name)}") for member in members
        }
        return drafted

    # Components

    def component(self, place: Place, drafted: dict[str, Any], name: str) -> str | None:
        """The component that a schema is: one of the contract, or a new one for an object."""
        for known in self.members.get(place.name, ()):
            if self.fits(drafted, self.components[known]):
                return f"{_SCHEMAS}{known}"
        if drafted.get("type") != "object" or not drafted.get("properties"):
            return None
        alike = next((known for known in self.components if self.same(drafted, known)), None)
        return f"{_SCHEMAS}{alike or self.add(place, drafted, name)}"

    def add(self, place: Place, drafted: dict[str, Any], wish: str) -> str:
        """Add a component under a name that is free."""
        short = re.fullmatch(r"(\w+)\[\]", place.field)  # what an answer lists
        plain = [title(singular(short[1]))] if short is not None else []
        names = [*plain, wish, f"{wish}Object", *(f"{wish}{number}" for number in range(2, 99))]
        name = next(name for name in names if name not in self.components)
        labels = self.labels(place)
        about, _, rest = place.part, *str(place).partition(f"{place.part} ")[1:]
        described = f"{rest or about.capitalize()} of {place.operation}."
        drafted = {"type": "object", "description": described, "x-source": labels} | drafted
        self.components[name] = self.added[name] = drafted
        return name

    def fits(self, drafted: dict[str, Any], known: dict[str, Any]) -> bool:
        """Whether a component, which this member has elsewhere, can be what is drafted."""
        if drafted.get("type") == "object":
            ours, theirs = drafted.get("properties"), known.get("properties")
            return bool(ours) and set(ours or ()) <= set(theirs or ())
        return bool(self.sketch(drafted) == self.sketch(known))

    def same(self, drafted: dict[str, Any], known: str) -> bool:
        """Whether a component has the same members and differs by words and bounds alone.

        Values count where there are few members: a large object with another enum is the same.
        """
        theirs = self.components[known].get("properties", {})
        if drafted["properties"].keys() != theirs.keys():
            return False
        few = len(theirs) < 5
        return bool(
            self.sketch(drafted, values=few) == self.sketch(self.components[known], values=few)
        )

    def sketch(self, schema: Any, *, values: bool = True, depth: int = 0) -> Any:
        """A schema without words, labels and bounds, references followed."""
        if depth > 8 or not isinstance(schema, dict):
            return None
        reference = str(schema.get("$ref", ""))
        target = self.components.get(reference.removeprefix(_SCHEMAS))
        if target is not None:
            return self.sketch(target, values=values, depth=depth + 1)
        return {
            word: self._sketched(word, value, values=values, depth=depth)
            for word, value in schema.items()
            if word in _WORDS and (values or word != "enum" or len(value) == 1)
        }

    def _sketched(self, word: str, value: Any, *, values: bool, depth: int) -> Any:
        if word == "properties":
            return {
                name: self.sketch(member, values=values, depth=depth + 1)
                for name, member in value.items()
            }
        if word in {"anyOf", "oneOf", "allOf"}:
            return [self.sketch(way, values=values, depth=depth + 1) for way in value]
        if word in {"items", "additionalProperties"} and isinstance(value, dict):
            return self.sketch(value, values=values, depth=depth + 1)
        listed = value if isinstance(value, list) else [value]
        return sorted(json.dumps("number" if one == "integer" else one) for one in listed)


def _way(place: Place) -> str:
    return place.field[place.field.rindex("<") + 1 : -1]


def _members(document: Document) -> dict[str, list[str]]:
    """The components that members and parameters of a name have throughout the contract."""
    found: dict[str, list[str]] = defaultdict(list)
    for node in nodes(document.tree):
        named = dict(node.tree.get("properties", {})) if node.kind in SCHEMAS else {}
        if node.kind == "parameter" and "name" in node.tree:
            named[node.tree["name"]] = node.tree.get("schema", {})
        for name, schema in named.items():
            for way in (schema, *schema.get("anyOf", ())):
                reference = str(way.get("$ref", ""))
                known = reference.removeprefix(_SCHEMAS)
                if reference.startswith(_SCHEMAS) and known not in found[name]:
                    found[name].append(known)
    return found
