"""docs/behaviour.md tells all that can be stated, and all that is."""

from __future__ import annotations

import re
from pathlib import Path

import jsonschema_rs
import pytest
import yaml

from flora_contract import shipped
from flora_contract.documents.written.behaviour_page import behaviour_page
from flora_contract.documents.written.vocabulary_page import vocabulary_sections
from flora_contract.openapi import apply, load
from flora_contract.openapi.behaviour import (
    ON_DOCUMENT,
    ON_OPERATION,
    ROLES,
    VOCABULARY,
    Behaviour,
)
from flora_contract.openapi.contract import Contract

MADE_UP = Path(__file__).parents[1] / "openapi"
FLORA = Behaviour(Contract(shipped.contract("behaviour")))
BAKERY = Behaviour(
    Contract(
        apply(
            load(MADE_UP / "bakery.yaml"), [load(MADE_UP / "bakery.behaviour.yaml")], strict=True
        ).document
    )
)


@pytest.mark.parametrize("name", sorted({*ON_DOCUMENT, *ON_OPERATION}))
def test_each_example_of_the_vocabulary_is_valid(name: str) -> None:
    text = "\n".join(vocabulary_sections())
    shown = {
        key: value
        for block in re.findall("```yaml\n(.*?)```", text, re.DOTALL)
        for key, value in yaml.safe_load(block).items()
    }
    schema = {"$ref": f"#/$defs/{name}", "$defs": VOCABULARY["$defs"]}
    check = jsonschema_rs.Draft202012Validator(schema)
    assert [error.message for error in check.iter_errors(shown[name])] == []
    for part in ("references", "life") if name == "x-resources" else ():
        inside = {"A": {"id": "a", part: shown[part]}}
        assert [error.message for error in check.iter_errors(inside)] == []


def test_each_field_of_the_vocabulary_has_a_row() -> None:
    text = "\n".join(vocabulary_sections())
    for definition in VOCABULARY["$defs"].values():
        for name in definition.get("properties", {}).keys() - {"x-source", "x-conflict"}:
            assert re.search(rf"^\| `(.*\.)?{name}` \|", text, re.MULTILINE), name


@pytest.mark.parametrize("behaviour", [FLORA, BAKERY], ids=["flora", "bakery"])
def test_all_that_is_stated_is_told(behaviour: Behaviour) -> None:
    text = behaviour_page(behaviour).partition("## What can be stated\n")[0]
    anchors = set(re.findall(r'<a id="([^"]+)"></a>', text))
    links = set(re.findall(r"\]\(#([\w.]+)\)", text)) - {"errors", "resources", "operations"}
    lives = {f"{r.kind}.life" for r in behaviour.resources.values() if r.life is not None}
    assert anchors == {*behaviour.resources, *behaviour.operations, *lives}
    assert links <= anchors
    for resource in behaviour.resources.values():
        _, _, part = text.partition(f'<a id="{resource.kind}"></a>')
        part = part.partition("\n#### ")[0]
        for path in [*names(resource), *resource.shows, *resource.references]:
            assert f"`{path}`" in part, (resource.kind, path)
        for role in ROLES:
            assert (f"| {role} |" in part) == bool(resource.operations.get(role))
    for operation in behaviour.operations.values():
        _, _, part = text.partition(f'<a id="{operation.id}"></a>')
        part = part.partition("\n#### ")[0].partition("\n## ")[0]
        for stated in (operation.listing, operation.idempotency, operation.charges):
            for path in names(stated):
                assert f"`{path}`" in part, (operation.id, path)


def names(stated: object) -> list[str]:
    """Members and parameters that a statement names, as far as they stand alone."""
    fields = ("id", "prefix", "link", "created", "updated", "cost", "items", "size", "cursor",
              "next", "offset", "total", "header", "by")  # fmt: skip
    found = [getattr(stated, field, None) for field in fields]
    return [name for name in found if isinstance(name, str) and name]


def test_what_is_not_stated_is_told_apart_by_choice_or_not() -> None:
    _, _, silence = behaviour_page(BAKERY).partition("## What is not stated\n")
    chosen, _, other = silence.partition("Also:\n")
    assert "- [allBakeries](#allBakeries): the order of what it lists\n" in chosen
    assert "- [startBaking](#startBaking): whether and where size of the request" in other
