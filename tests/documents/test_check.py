"""The command holds the contract to its pages and says where it does not."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from flora_contract import shipped
from flora_contract.cli import group
from flora_contract.documents.checking.check import check
from flora_contract.documents.checking.conflicts import Conflicts, Difference, read_conflicts
from flora_contract.documents.sources.read import elsewhere, stored_pages
from flora_contract.errors import InputError
from flora_contract.openapi import load, parse

if TYPE_CHECKING:
    from pathlib import Path

SECONDS = "POST /generate answer estimated_seconds"
PARAMS = "POST /runs/generation body params"
NAME = "POST /generate answer technique.name"
ACCEPTED = read_conflicts(shipped.REGISTERS / "conflicts.md")


def faults(old: str, new: str) -> list[str]:
    """What the check says of the contract after one edit of its text."""
    text = shipped.CONTRACT.read_text(encoding="utf-8")
    assert text.count(old) == 1, old
    document = parse(text.replace(old, new), "openapi.yaml")
    result = check(document, stored_pages() + elsewhere(), ACCEPTED)
    return [f"{f.verdict}: {f.what}" for f in result.faults]


def test_nothing_is_missing_and_nothing_invented() -> None:
    result = CliRunner().invoke(group, ["documents", "check"])
    assert result.exit_code == 0, result.output
    assert "0 missing, 0 invented, 0 contradicted, 0 unread" in result.stdout


def test_each_fact_has_its_line_on_the_page_and_in_the_contract() -> None:
    result = CliRunner().invoke(group, ["documents", "check", "--format", "json"])
    told = json.loads(result.stdout)
    held = [f for f in told["findings"] if f["what"] == "POST /generate body prompt required true"]
    assert [f["page"] for f in held] == [
        "S001:46",
        "S003:19",
        "S004:17",
        "TS011 resources/generations.d.ts:223",
    ]
    lines = [int(f["contract"].rpartition(":")[2]) for f in held]
    text = shipped.CONTRACT.read_text(encoding="utf-8").splitlines()
    assert [text[line - 1].strip() for line in lines] == (
        ["required: [type, prompt, workspace_id, project_id]"] * 4
    )


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        # A TypeScript page says what null is; an HTTP page cannot contradict it.
        (
            "type: [number, 'null']\n          minimum: 0\n          description: How",
            "type: number\n          minimum: 0\n          description: How",
            f"contradicted: {SECONDS} nullable true, the contract says false",
        ),
        # An HTTP page shows each constraint; a TypeScript page cannot contradict it.
        (
            "          minLength: 1\n          description: What to generate",
            "          description: What to generate",
            "missing: POST /runs/generation body prompt minLength 1",
        ),
        (
            "          type: string\n          description: Name of the technique.",
            "          type: string\n          maxLength: 9\n          description: Its name.",
            f"contradicted: {NAME} has maxLength in the contract, and none on the page",
        ),
        (
            "        params:\n          type: object",
            "        params:\n          default: {}\n          type: object",
            f"contradicted: {PARAMS} has default in the contract, and none on the page",
        ),
        (
            "    scheme: bearer",
            "    scheme: basic",
            'contradicted: API security scheme bearer, the contract says "basic"',
        ),
    ],
)
def test_rendering_rules_decide_who_may_contradict(old: str, new: str, fault: str) -> None:
    assert fault in faults(old, new)


@pytest.mark.parametrize(
    "text",
    ["[1, 2]", "paths: 3", "paths: {/a: {get: {parameters: [{in: query}]}}}", "servers: [1]"],
)
def test_what_is_no_contract_is_one_clear_error(text: str) -> None:
    with pytest.raises(InputError, match=r"openapi.yaml: not a contract that can be read"):
        check(parse(text, "openapi.yaml"), [])


def test_schemas_that_refer_to_themselves_are_read_once() -> None:
    text = """
paths: {/a: {get: {x-source: [X], responses: {'200': {x-source: [X], content:
  {application/json: {schema: {$ref: '#/components/schemas/A'}}}}}}}}
components: {schemas: {A: {allOf: [{$ref: '#/components/schemas/A'}], type: object,
  properties: {a: {$ref: '#/components/schemas/A', x-source: [X]}}}}}
"""
    result = check(parse(text, "openapi.yaml"), [])
    assert {f.verdict for f in result.faults} == {"invented"}


def test_a_row_that_explains_no_difference_is_told() -> None:
    stale = Difference("C99", "S002", "POST /generate answer run_id required true")
    conflicts = Conflicts([*ACCEPTED.listed, stale])
    result = check(load(shipped.CONTRACT), stored_pages() + elsewhere(), conflicts)
    assert [f.what for f in result.faults] == [
        "C99 explains S002 POST /generate answer run_id required true, which is not a difference"
    ]


def test_without_the_register_the_difference_is_a_contradiction(tmp_path: Path) -> None:
    (tmp_path / "conflicts.md").write_text("| No. |\n| --- |\n", encoding="utf-8")
    result = CliRunner().invoke(group, ["documents", "check", "--registers", str(tmp_path)])
    assert result.exit_code == 1
    assert "meta.total_estimate required true, the contract says false" in result.stdout
    with pytest.raises(InputError, match="cannot be read"):
        read_conflicts(tmp_path / "none.md")
