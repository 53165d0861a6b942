"""Two OpenAPI documents -> what changed, whom it breaks, which version comes next.

The packages are the steps that a change passes, in this order, and each uses only those before it:

    reading       the two documents, and their schemas in one normal form
    containment   is every value of one schema a value of another?
    schemas       what differs between two schemas
    operations    what differs in paths, parameters, bodies, answers, security, servers
    judging       which rule of `rules` that is, for which operations, how bad
    release       all changes together, the version that follows, accepted changes, the client
    render        text, Markdown, HTML, JSON, SARIF, annotations
"""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any


def report_schema() -> dict[str, Any]:
    """The JSON Schema of the report that `--format json` gives."""
    text = files(__package__).joinpath("report.schema.json").read_text(encoding="utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema
