"""JUnit XML, in the shape that CI systems read."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable

# XML 1.0 has no way to write these, not even escaped.
_UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


@dataclass(frozen=True)
class Case:
    """One row of the report: what was held against what, and how it came out."""

    suite: str
    name: str
    outcome: Literal["passed", "failed", "skipped"]
    message: str = ""
    detail: str = ""
    seconds: float = 0.0


def junit(name: str, cases: Iterable[Case]) -> str:
    """One `<testsuite>` for each `suite` of the cases, in their order."""
    grouped: dict[str, list[Case]] = {}
    for case in cases:
        grouped.setdefault(case.suite, []).append(case)
    root = ET.Element(
        "testsuites", {"name": name} | _totals([c for g in grouped.values() for c in g])
    )
    for suite, members in grouped.items():
        element = ET.SubElement(root, "testsuite", {"name": suite} | _totals(members))
        for case in members:
            _case(element, case)
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _totals(cases: list[Case]) -> dict[str, str]:
    return {
        "tests": str(len(cases)),
        "failures": str(sum(c.outcome == "failed" for c in cases)),
        "errors": "0",
        "skipped": str(sum(c.outcome == "skipped" for c in cases)),
        "time": f"{sum(c.seconds for c in cases):.3f}",
    }


def _case(parent: ET.Element, case: Case) -> None:
    element = ET.SubElement(
        parent,
        "testcase",
        classname=_writable(case.suite),
        name=_writable(case.name),
        time=f"{case.seconds:.3f}",
    )
    if case.outcome == "failed":
        failure = ET.SubElement(element, "failure", message=_writable(case.message))
        failure.text = _writable(case.detail)
    elif case.outcome == "skipped":
        ET.SubElement(element, "skipped", message=_writable(case.message))


def _writable(text: str) -> str:
    return _UNWRITABLE.sub("\N{REPLACEMENT CHARACTER}", text)
