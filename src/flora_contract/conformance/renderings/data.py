"""For machines: JSON, described by `report.schema.json`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flora_contract.conformance.replay import curl

if TYPE_CHECKING:
    from flora_contract.conformance.judge import Finding
    from flora_contract.conformance.summary import Summary

SCHEMA = Path(__file__).with_name("report.schema.json")

VERSION = 2
"""Grows when a reader of the older form would break."""


def render(summary: Summary) -> str:
    """The JSON text."""
    return json.dumps(data(summary), indent=2, ensure_ascii=False) + "\n"


def data(summary: Summary) -> dict[str, Any]:
    """The report as plain data. A finding that follows from another names it as its cause."""
    follows = {
        f.fingerprint: cause.finding.fingerprint
        for cause in summary.causes
        for f in cause.consequences
    }
    return {
        "version": VERSION,
        "server": summary.server,
        "profile": summary.profile,
        "seed": summary.seed,
        "holds": summary.holds,
        "counts": {s.value: n for s, n in summary.counts.items()},
        "requests": summary.ledger.count,
        "seconds": round(summary.seconds, 3),
        "charged_requests": summary.creates,
        "spent_usd": round(summary.spent, 6),
        "findings": [
            {**_finding(f, summary), "cause": follows.get(f.fingerprint)} for f in summary.findings
        ],
        "accepted": [f.fingerprint for f in summary.accepted],
        "steps": [
            {
                "name": o.step.name,
                "layer": o.step.layer,
                "result": o.result,
                "reason": o.reason,
                "requests": o.exchanges,
                "seconds": round(o.seconds, 3),
            }
            for o in summary.outcomes
        ],
        "oracles": [
            {
                "id": o.id,
                "family": o.family,
                "severity": o.severity.value,
                "applied": summary.tally[o.id].applied,
                "broken": summary.tally[o.id].broken,
            }
            for o in summary.oracles
        ],
        "coverage": [
            {
                "operation": i.operation,
                "kind": i.kind,
                "name": i.name,
                "seen": i.seen,
                **({"reason": i.reason} if i.reason else {}),
            }
            for i in summary.items
        ],
    }


def _finding(finding: Finding, summary: Summary) -> dict[str, Any]:
    return {
        "fingerprint": finding.fingerprint,
        "oracle": finding.oracle.id,
        "rule": finding.oracle.sentence,
        "statement": summary.statement(finding) or None,
        "sources": list(finding.source),
        "conflicts": list(finding.conflict),
        "severity": finding.severity.value,
        "operation": finding.operation,
        "subject": finding.subject,
        "expected": finding.expected,
        "seen": finding.seen,
        "count": finding.count,
        "evidence": [
            {
                "number": e.number,
                "request": curl(e),
                "status": e.status,
                "failure": e.failure,
                "body": e.response.body[:4000].decode(errors="replace") if e.response else None,
            }
            for e in finding.evidence
        ],
        "replay": summary.replay(finding),
    }
