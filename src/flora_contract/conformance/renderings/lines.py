"""SARIF: findings beside the line of the contract that they are about."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from flora_contract import shipped
from flora_contract.conformance.oracle import Severity
from flora_contract.openapi import load
from flora_contract.report.sarif import Level, PhysicalLocation, ReportingDescriptor, Result, sarif

if TYPE_CHECKING:
    from flora_contract.conformance.summary import Summary

LEVELS: dict[Severity, Level] = {
    Severity.VIOLATION: "error",
    Severity.WARNING: "warning",
    Severity.NOTE: "note",
}


def render(summary: Summary) -> str:
    """The SARIF log as JSON. A finding's place is its operation in openapi.yaml."""
    document = load(shipped.CONTRACT)
    lines = {o.operation_id: document.locate(o.pointer).line for o in document.operations()}
    rules = [ReportingDescriptor(o.id, o.sentence, LEVELS[o.severity]) for o in summary.oracles]
    results = [
        Result(
            rule_id=f.oracle.id,
            level=LEVELS[f.severity],
            message=f"{f.oracle.sentence} Expected {f.expected}; seen {f.seen}",
            place=PhysicalLocation("openapi.yaml", lines.get(f.operation, 1)),
            identity=f.fingerprint,
            accepted=accepted,
            properties={
                "subject": f.subject,
                "statement": summary.statement(f),
                "replay": summary.replay(f),
            },
        )
        for findings, accepted in (
            (summary.findings, None),
            (summary.accepted, "Listed in the baseline."),
        )
        for f in findings
    ]
    return json.dumps(sarif("flora-contract check", rules, results), indent=2) + "\n"
