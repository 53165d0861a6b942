"""What FLORA calls its things stands in one folder of the mock, and in no other."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import flora_contract.mock
from flora_contract.openapi.behaviour import Behaviour, Life, Listing
from flora_contract.openapi.schemas import members
from tests.mock.conftest import CONTRACT

ROOM = Path(flora_contract.mock.__file__).parent

ORDINARY = {
    *("code", "default", "error", "field", "fields", "label", "max", "message", "meta", "min"),
    *("model", "name", "options", "origin", "properties", "required", "role", "type", "url"),
    *("value", "description", "query", "limit", "cursor", "status", "progress", "params", "beta"),
    *("models", "projects", "workspaces", "outputs", "action", "provider", "runId"),
}
"""Words of the contract that are everybody's, or that the mock's users know as its own.

`workspaces` and `projects` are what the accounts file and `put_account` say.
"""


def words() -> set[str]:
    """Operations, kinds and members that are FLORA's."""
    behaviour = Behaviour(CONTRACT)
    schemas = CONTRACT.document.tree["components"]["schemas"].values()
    named = {m.name for schema in schemas for m in members(CONTRACT.document, schema)}
    compound = {*behaviour.resources} - {"Run", "Model"}
    singular = {kind.lower() for kind in compound} | {"technique", "generation", "prompt"}
    found = {*behaviour.operations, *named, *singular, *compound}
    vocabulary = {field.name for statement in (Life, Listing) for field in fields(statement)}
    return found - ORDINARY - vocabulary


def test_the_words_are_found() -> None:
    assert {"getRun", "run_id", "project_id", "workspace", "charged_cost", "prompt"} <= words()


def test_flora_has_a_folder_of_its_own() -> None:
    pattern = re.compile(rf"(?<![A-Za-z_])({'|'.join(sorted(words()))})(?![A-Za-z_])")
    found = [
        f"{path.relative_to(ROOM)}:{number}: {match[1]}"
        for path in sorted(ROOM.rglob("*"))
        if path.suffix in {".py", ".html", ".js", ".css"}
        and path.relative_to(ROOM).parts[0] not in {"flora", "media"}
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        for match in pattern.finditer(line)
    ]
    assert found == []
