"""The tables of a state, in the SQL that SQLite and PostgreSQL share."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_TABLES = """
CREATE TABLE IF NOT EXISTS world (
  id INTEGER PRIMARY KEY, version BIGINT, seed TEXT, clock_offset BIGINT, accounts TEXT,
  faults TEXT);
CREATE TABLE IF NOT EXISTS balances (
  account TEXT PRIMARY KEY, credits BIGINT, tokens DOUBLE PRECISION, refilled_at BIGINT);
CREATE TABLE IF NOT EXISTS runs (
  seq {serial}, account TEXT, workspace_id TEXT, project_id TEXT, type TEXT, model_id TEXT,
  prompt {bytes}, outcome TEXT, fails INTEGER, cost BIGINT, created_at BIGINT, started_at BIGINT,
  completed_at BIGINT);
CREATE INDEX IF NOT EXISTS by_account ON runs (account, created_at, seq);
CREATE INDEX IF NOT EXISTS by_workspace ON runs (workspace_id, created_at, seq);
CREATE INDEX IF NOT EXISTS by_project ON runs (project_id, created_at, seq);
CREATE INDEX IF NOT EXISTS by_account_end ON runs (account, fails, created_at, seq);
CREATE INDEX IF NOT EXISTS by_workspace_end ON runs (workspace_id, fails, created_at, seq);
CREATE INDEX IF NOT EXISTS by_project_end ON runs (project_id, fails, created_at, seq);
CREATE INDEX IF NOT EXISTS by_completion ON runs (account, completed_at);
CREATE TABLE IF NOT EXISTS keys (
  account TEXT, operation TEXT, key TEXT, used_at BIGINT, PRIMARY KEY (account, operation, key));
CREATE INDEX IF NOT EXISTS keys_used ON keys (account, used_at);
CREATE TABLE IF NOT EXISTS refunds (account TEXT, due_at BIGINT, credits BIGINT);
CREATE INDEX IF NOT EXISTS refunds_due ON refunds (account, due_at);
CREATE TABLE IF NOT EXISTS tallies (
  account TEXT, workspace_id TEXT, project_id TEXT, fails INTEGER, runs BIGINT,
  PRIMARY KEY (account, workspace_id, project_id, fails));
CREATE TABLE IF NOT EXISTS draws (rule INTEGER PRIMARY KEY, seen BIGINT, fired BIGINT);
CREATE TABLE IF NOT EXISTS exchanges (seq {serial}, exchange TEXT);
"""

EMPTIED_BY_RESET = ["runs", "balances", "keys", "refunds", "tallies", "draws", "exchanges"]


def statements(types: dict[str, str]) -> Iterator[str]:
    """One at a time, with a dialect's names of types."""
    for statement in _TABLES.format(**types).split(";"):
        if statement.strip():
            yield statement
