from __future__ import annotations

import json

import pytest

from flora_contract.report.sarif import PhysicalLocation, ReportingDescriptor, Result, sarif

RULES = [
    ReportingDescriptor("a-rule", "It is so.", "error"),
    ReportingDescriptor("b-rule", "It may be so.", "warning"),
]


def test_a_result_names_its_rule_place_and_identity() -> None:
    result = Result(
        "b-rule",
        "note",
        "here",
        PhysicalLocation("a b.yaml", 3, 7),
        related=(PhysicalLocation("old.yaml", 9, message="before"),),
        identity="GET /runs b-rule",
        accepted="agreed",
    )
    log = sarif("flora-contract diff", RULES, [result])
    json.dumps(log)
    assert log["version"] == "2.1.0"
    entry = log["runs"][0]["results"][0]
    assert log["runs"][0]["tool"]["driver"]["rules"][entry["ruleIndex"]]["id"] == "b-rule"
    assert entry["locations"][0]["physicalLocation"] == {
        "artifactLocation": {"uri": "a%20b.yaml"},
        "region": {"startLine": 3, "startColumn": 7},
    }
    assert entry["relatedLocations"][0]["message"] == {"text": "before"}
    assert entry["suppressions"][0]["justification"] == "agreed"


def test_a_result_of_no_rule_is_a_fault() -> None:
    with pytest.raises(KeyError):
        sarif("tool", RULES, [Result("c-rule", "error", "here", None)])
