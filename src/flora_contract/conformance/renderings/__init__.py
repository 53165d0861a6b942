"""A summary in each form that somebody reads. A module is imported only when its form is asked."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flora_contract.conformance.summary import Summary

FORMATS = ("text", "json", "junit", "sarif", "markdown", "html")

FILES = {
    "report.txt": "text",
    "report.json": "json",
    "junit.xml": "junit",
    "findings.sarif": "sarif",
    "summary.md": "markdown",
    "report.html": "html",
}
"""What `--report-dir` holds, beside the recorded traffic."""

_MODULES = {"json": "data", "sarif": "lines"}


def render(summary: Summary, form: str) -> str:
    """The summary in one of FORMATS."""
    module = importlib.import_module(f"{__name__}.{_MODULES.get(form, form)}")
    text = module.render(summary)
    assert isinstance(text, str)
    return text
