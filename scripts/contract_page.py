"""The page docs/contract.md: the contract field by field, and the oracles that test each."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

from flora_contract import shipped
from flora_contract.conformance.oracle import catalogue
from flora_contract.documents.contract_page import FieldRow, contract_page
from flora_contract.openapi import load

if TYPE_CHECKING:
    from collections.abc import Callable

# What the oracles of schemas hold of a field in an answer, by what the contract says of it.
_SCHEMAS: dict[str, Callable[[FieldRow], bool]] = {
    "schema-type": lambda row: row.type != "any",
    "schema-required": lambda row: row.required,
    "schema-enum": lambda row: row.closed,
    "schema-null": lambda row: row.type != "any",
    "schema-pattern": lambda row: "prefix" in row.constraints,
    "schema-range": lambda row: any(k.startswith(("m", "e")) for k in row.constraints),
    "schema-format": lambda row: "format" in row.constraints,
}


# The other oracles that are about single fields, and where those stand. The rest judge whole
# exchanges, runs and lists.
_FIELDS = {
    "accepted-type": r"POST .* answer type",
    "action-id": r"answer .*action_id",
    "generation-id": r"answer generations\[\]\.(generation|run)_id",
    "list-poll-url": r"answer generations\[\]\.poll_url",
    "poll-url-own-run": r"answer .*poll_url",
    "error-envelope": r"error error",
    "error-code": r"error error\.code",
    "error-code-fits-status": r"error error\.code",
    "error-message": r"error error\.message",
    "field-errors": r"error error\.fields.*",
    "fields-name-what-is-wrong": r"error error\.fields\[\]\.field",
    "fields-on-validation-error": r"error error\.fields",
    "limit-over-maximum": r"query limit",
    "limit-kept": r"query limit",
    "refuses-bad-limit": r"query limit",
    "refuses-garbage-cursor": r"query cursor",
    "cursor-leads-on": r"query cursor|answer meta\.next_cursor",
    "full-page-leads-on": r"answer meta\.next_cursor",
    "last-page-without-cursor": r"answer meta\.next_cursor",
    "filter-kept": r"query (project_id|status|workspace_id)",
    "filter-complete": r"query (project_id|status|workspace_id)",
    "foreign-history-hidden": r"query (project_id|workspace_id)",
    "refuses-unknown-status": r"query status",
    "filter-shows-open-runs": r"query status",
    "refuses-empty-prompt": r"body prompt",
    "refuses-missing-field": r"body (type|prompt|workspace_id|project_id)",
    "refuses-unknown-model": r"body model",
    "refuses-unknown-place": r"body (workspace_id|project_id)",
    "refuses-unknown-type": r"body type",
    "refuses-wrong-json-type": r"body .*",
    "refuses-wrong-prefix": r"body (workspace_id|project_id)",
    "foreign-workspace-refused": r"body (workspace_id|project_id)",
    "unknown-run-404": r"path runId",
    "completed-has-outputs": r"answer (generations\[\]\.)?outputs",
    "cost-constant": r"answer .*charged_cost",
    "error-only-on-failed": r"answer .*error_(code|message)",
    "failed-has-error-code": r"answer .*error_code",
    "failed-has-error-message": r"answer .*error_message",
    "output-fits-type": r"answer .*outputs\[\]\.type|body type",
    "output-ids-differ": r"answer .*output_id",
    "output-url": r"answer .*outputs\[\]\.url",
    "progress-forward": r"answer .*progress",
    "run-echoes-id": r"GET /runs/\{runId\} answer run_id",
    "run-echoes-model": r"body model|answer .*model\.model_id",
    "run-echoes-project": r"answer .*(project_id|workspace_id)",
    "run-ids-differ": r"POST .* answer run_id",
    "run-ends": r"answer .*status",
    "status-forward": r"answer .*status",
    "times-constant": r"answer .*(created|started|completed)_at",
    "times-fit-status": r"answer .*completed_at",
    "times-in-order": r"answer .*(created|started|completed)_at",
    "newest-first": r"answer generations\[\]\.created_at",
    "duplicate-code": r"header Idempotency-Key|error error\.code",
    "key-belongs-to-account": r"header Idempotency-Key",
    "key-freed-by-refusal": r"header Idempotency-Key",
    "key-new-to-server": r"header Idempotency-Key",
    "key-used-once": r"header Idempotency-Key",
    "key-used-once-at-a-time": r"header Idempotency-Key",
    "key-used-once-for-any-body": r"header Idempotency-Key",
}


def tested(row: FieldRow) -> list[str]:
    """The oracles that check a field, in the order of docs/oracles.md."""
    known = catalogue()
    for name in (*_SCHEMAS, *_FIELDS):
        if name not in known:
            sys.exit(f"contract_page: no oracle is called {name}: correct the tables")
    return [name for name in known if _applies(name, row)]


def _applies(oracle: str, row: FieldRow) -> bool:
    if oracle in _SCHEMAS:
        return row.place.part in {"answer", "error"} and _SCHEMAS[oracle](row)
    where = _FIELDS.get(oracle)
    return where is not None and re.search(rf" ?({where})$", str(row.place)) is not None


def page() -> str:
    """The text of docs/contract.md."""
    return contract_page(load(shipped.CONTRACT), tested)
