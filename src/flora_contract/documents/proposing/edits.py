"""The edits of the contract that follow from the next version of a page.

One fault of the check is mended at a time, and the check made anew, until none is left that has
one plain remedy. What is left is for a person: it needs words, a row in docs/conflicts.md, or a
choice between pages.
"""

from __future__ import annotations

from dataclasses import dataclass
from difflib import unified_diff
from typing import TYPE_CHECKING, Any

from ruamel.yaml.comments import CommentedSeq

from flora_contract.documents.checking.check import check
from flora_contract.documents.checking.claims import Claims, claims
from flora_contract.documents.facts.fact import CONSTRAINTS, PageFact, Place, SourcePage
from flora_contract.errors import InputError
from flora_contract.openapi import Edit, parse, written

if TYPE_CHECKING:
    from collections.abc import Iterable

    from flora_contract.documents.checking.conflicts import Conflicts
    from flora_contract.documents.checking.result import Judgement
    from flora_contract.openapi import Document, Pointer


@dataclass(frozen=True)
class Suggestion:
    """The contract as it would be, and the faults that no edit here mends."""

    document: Document
    left: list[Judgement]


def suggest(
    document: Document, pages: list[SourcePage], new: SourcePage, conflicts: Conflicts
) -> Suggestion:
    """What a contract would be with a new version of one of its pages.

    `pages` are all pages, `new` among them. Raises InputError for a contract written in JSON.
    """
    if document.is_json:
        raise InputError(f"{document.file}: suggestions are edits of YAML, this is JSON")
    mended: set[tuple[object, ...]] = set()
    while True:
        faults = check(document, pages, conflicts).faults
        made = claims(document)
        for fault in faults:
            if _subject(fault) in mended or not (edits := _mend(made, new, fault)):
                continue
            mended.add(_subject(fault))
            document = parse(written(document, edits, None), document.file)
            break
        else:
            return Suggestion(document, faults)


def _subject(fault: Judgement) -> tuple[object, ...]:
    """What a fault is about. It is mended once: where places that share a schema differ, the first
    of them has its way and the others are left to a person."""
    fact = fault.fact
    if fact is None:
        return (fault.pointer, fault.stated)
    name = fact.place.field.rpartition(".")[2]
    return (name, fact.aspect, fact.value if fact.aspect == "value" else None)


def patch(before: Document, after: Document, name: str) -> str:
    """A unified diff for `git apply` or `patch -p1`; empty when nothing changed."""
    lines = unified_diff(
        before.text.splitlines(keepends=True),
        after.text.splitlines(keepends=True),
        f"a/{name}",
        f"b/{name}",
    )
    return "".join(lines)


def closest(page: SourcePage, stored: list[SourcePage]) -> SourcePage:
    """The stored page of which `page` is another version: its label, or most facts in common."""
    facts = {fact.key for fact in page.facts}
    same = [s for s in stored if s.label == page.label]
    return same[0] if same else max(stored, key=lambda s: len(facts & {f.key for f in s.facts}))


def _mend(made: Claims, new: SourcePage, fault: Judgement) -> list[Edit]:
    """Edits that end a fault; none when a person has to."""
    if fault.stated is not None:
        if "x-source-values" in fault.pointer:
            return _value_sources(made, fault.pointer, fault.stated)
        return _sources(made, fault.pointer[:-1], fault.stated)
    if fault.verdict == "invented" and fault.pointer and fault.pointer[-1] in CONSTRAINTS:
        return [Edit("delete", fault.pointer)]
    if fault.fact is None or fault.page is None or not fault.page.startswith(new.label):
        return []
    if fault.fact.place.field and not _claimed(made, fault.fact.place):
        return _add_field(made, new, fault.fact.place)
    return _keyword(made, fault.fact)


def _sources(made: Claims, node: Pointer, stated: tuple[str, ...]) -> list[Edit]:
    """Set the labels of a node; one that no page states goes."""
    labels = made.document.at(node).get("x-source", [])
    if stated:
        kept = [label for label in labels if label in stated]
        kept += [label for label in stated if label not in labels]
        return [Edit("set", (*node, "x-source"), _flow(_pages_first(kept)))]
    if node[-2] == "properties":
        schema = node[:-2]
        required = made.document.at(schema).get("required", [])
        edits = [Edit("delete", node)]
        if node[-1] in required:
            edits.append(Edit("delete", (*schema, "required", required.index(node[-1]))))
        return edits
    return [Edit("delete", node)] if node[-2] == "parameters" else []


def _value_sources(made: Claims, pointer: Pointer, stated: tuple[str, ...]) -> list[Edit]:
    """Set the labels of one value of an enum; one that no page states goes."""
    node, value = pointer[:-2], pointer[-1]
    schema = made.document.at(node)
    keyword = "enum" if "enum" in schema else "x-extensible-enum"
    single = schema.get("x-source-values", {})
    edits = [Edit("delete", pointer)] if value in single else []
    if value not in schema[keyword]:
        return edits
    if not stated:
        return [*edits, Edit("delete", (*node, keyword, schema[keyword].index(value)))]
    if set(stated) == set(schema["x-source"]):
        return edits
    if not single:
        return [Edit("set", pointer[:-1], {value: _flow(stated)})]
    return [Edit("set", pointer, _flow(stated))]


def _add_field(made: Claims, page: SourcePage, place: Place) -> list[Edit]:
    name = place.field.rpartition(".")[2]
    if place.part in {"query", "path", "header"}:
        return _add_parameter(made, page, place)
    parent = place.parent()
    schemas = made.objects.get(parent, []) if parent is not None else []
    if not schemas:
        return []
    schema = schemas[-1]
    edits = [Edit("set", (*schema, "properties", name), _schema(page, place))]
    if _said(page, place).get("required") is True:
        listed = "required" in made.document.at(schema)
        at = (*schema, "required")
        edits.append(Edit("append", at, name) if listed else Edit("set", at, _flow([name])))
    return edits


def _add_parameter(made: Claims, page: SourcePage, place: Place) -> list[Edit]:
    at = [c.pointer for c in made.claims if c.place == Place(place.operation) and c.aspect == "is"]
    if not at:
        return []
    schema = _schema(page, place)
    parameter = {"name": place.field, "in": place.part, "x-source": schema.pop("x-source")}
    if place.part == "path" or _said(page, place).get("required") is True:
        parameter["required"] = True
    parameter["schema"] = schema
    if "parameters" in made.document.at(at[0]):
        return [Edit("append", (*at[0], "parameters"), parameter)]
    return [Edit("set", (*at[0], "parameters"), [parameter])]


def _schema(page: SourcePage, place: Place, *, sourced: bool = True) -> dict[str, Any]:
    """A schema of what a page states of a field and of all that is in it."""
    said = _said(page, place)
    kind = str(said.get("type", "string"))
    if kind.startswith("map"):
        schema: dict[str, Any] = {"type": "object", "additionalProperties": True}
    else:
        schema = {"type": _flow([kind, "null"]) if said.get("nullable") is True else kind}
    schema |= {name: said[name] for name in CONSTRAINTS if name in said}
    if "prefix" in said:
        schema["pattern"] = f"^{said['prefix']}"
    if values := [f.value for f in page.at(place, "value")]:
        schema["enum"] = values
    if sourced:
        schema["x-source"] = _flow([page.label])
    if kind == "array":
        schema["items"] = _schema(page, place.items(), sourced=False)
    fields = list(dict.fromkeys(f.place for f in page.facts if f.place.parent() == place))
    if kind == "object" and fields:
        names = [field.field.rpartition(".")[2] for field in fields]
        required = [n for n, f in zip(names, fields, strict=True) if _said(page, f).get("required")]
        schema |= {"required": _flow(required)} if required else {}
        schema["properties"] = {
            name: _schema(page, field) for name, field in zip(names, fields, strict=True)
        }
    return schema


def _keyword(made: Claims, fact: PageFact) -> list[Edit]:
    """Make a field of the contract say what a fact says."""
    claims = [c for c in made.claims if c.place == fact.place]
    typed = [c.pointer for c in claims if c.aspect == "type"]
    same = [c.pointer for c in claims if c.aspect == fact.aspect]
    if fact.aspect == "required":
        return _require(made, fact, same)
    if fact.aspect == "value":
        if same:
            return [Edit("append", same[0][:-1], fact.value)]
        return [Edit("set", (*typed[0][:-1], "enum"), [fact.value])] if typed else []
    if fact.aspect == "nullable" and typed:
        kind = made.document.at(typed[0])
        if fact.value is True and isinstance(kind, str):
            return [Edit("set", typed[0], _flow([kind, "null"]))]
        if fact.value is False and isinstance(kind, list):
            return [Edit("set", typed[0], next(k for k in kind if k != "null"))]
    if fact.aspect == "type" and typed and isinstance(made.document.at(typed[0]), str):
        return [Edit("set", typed[0], fact.value)] if fact.value != "map" else []
    if fact.aspect in CONSTRAINTS and (same or typed):
        return [Edit("set", same[0] if same else (*typed[0][:-1], fact.aspect), fact.value)]
    return []


def _require(made: Claims, fact: PageFact, claims: list[Pointer]) -> list[Edit]:
    pointer = claims[0]
    if "parameters" in pointer:
        node = pointer[:-1] if pointer[-1] == "required" else pointer
        return [Edit("set", (*node, "required"), fact.value)]
    if fact.value is False:
        return [Edit("delete", pointer)] if pointer[-2] == "required" else []
    if pointer[-2] != "properties":
        return []
    schema, name = pointer[:-2], pointer[-1]
    if "required" in made.document.at(schema):
        return [Edit("append", (*schema, "required"), name)]
    return [Edit("set", (*schema, "required"), _flow([str(name)]))]


def _claimed(made: Claims, place: Place) -> bool:
    return any(claim.place == place for claim in made.claims)


def _said(page: SourcePage, place: Place) -> dict[str, Any]:
    return {fact.aspect: fact.value for fact in page.facts if fact.place == place}


def _pages_first(labels: list[str]) -> list[str]:
    pages = sorted(label for label in labels if label[:1] == "S" and label[1:].isdigit())
    return pages + [label for label in labels if label not in pages]


def _flow(items: Iterable[str]) -> CommentedSeq:
    sequence = CommentedSeq(items)
    sequence.fa.set_flow_style()
    return sequence
