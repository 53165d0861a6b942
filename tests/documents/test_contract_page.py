"""docs/contract.md names what a reader wants to see of a field."""

from __future__ import annotations

from flora_contract import shipped
from flora_contract.documents.written.contract_page import contract_page, rows
from flora_contract.openapi import load


def test_each_field_has_its_sources_and_the_given_oracles() -> None:
    text = contract_page(load(shipped.CONTRACT), lambda row: [f"tests-{row.place.part}"])
    line = next(li for li in text.splitlines() if li.startswith("| `generations[].model.model_id`"))
    cells = [cell.strip() for cell in line.strip("|").split("|")]
    assert cells[1:] == [
        "string",
        "yes",
        "yes",
        "minLength 1",
        "S002, S003",
        "C4, C8",
        "`tests-answer`",
    ]


def test_no_field_is_without_a_source_or_a_type() -> None:
    for row in rows(load(shipped.CONTRACT)):
        assert row.type, row.place
        assert row.sources or row.place.field.endswith("[]"), row.place
