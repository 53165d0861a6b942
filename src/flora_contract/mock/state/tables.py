"""The tables of a state, in the SQL that SQLite and PostgreSQL share."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_TABLES = """
CREATE TABLE IF NOT EXISTS world (
  id INTEGER PRIMARY KEY, version BIGINT, seed TEXT, clock_offset BIGINT, accounts TEXT,
  faults TEXT);
CREATE TABLE IF NOT EXISTS clock (id INTEGER PRIMARY KEY, high_water BIGINT, resets BIGINT);
CREATE TABLE IF NOT EXISTS balances (
  account TEXT PRIMARY KEY, credits BIGINT, tokens DOUBLE PRECISION, refilled_at BIGINT);
CREATE TABLE IF NOT EXISTS entities (
  seq {serial}, kind TEXT, name TEXT, owner TEXT, sort {bytes}, members {bytes}, created BIGINT,
  updated BIGINT, ended BIGINT, final TEXT, cost BIGINT, facts {bytes});
CREATE INDEX IF NOT EXISTS by_name ON entities (kind, name) WHERE name IS NOT NULL;
CREATE INDEX IF NOT EXISTS by_end ON entities (kind, owner, ended);
CREATE TABLE IF NOT EXISTS facets (
  facet BIGINT, sort {bytes}, seq BIGINT, ended BIGINT, PRIMARY KEY (facet, sort, seq)){clustered};
CREATE TABLE IF NOT EXISTS tallies (facet BIGINT PRIMARY KEY, number BIGINT);
CREATE TABLE IF NOT EXISTS keys (
  account TEXT, operation TEXT, key TEXT, until BIGINT, answer {bytes},
  PRIMARY KEY (account, operation, key));
CREATE INDEX IF NOT EXISTS keys_until ON keys (account, until);
CREATE TABLE IF NOT EXISTS refunds (account TEXT, due_at BIGINT, credits BIGINT);
CREATE INDEX IF NOT EXISTS refunds_due ON refunds (account, due_at);
CREATE TABLE IF NOT EXISTS draws (rule INTEGER PRIMARY KEY, seen BIGINT, fired BIGINT);
"""

EMPTIED_BY_RESET = ["entities", "facets", "tallies", "balances", "keys", "refunds", "draws"]


def statements(types: dict[str, str]) -> Iterator[str]:
    """One at a time, with a dialect's names of types."""
    for statement in _TABLES.format(**types).split(";"):
        if statement.strip():
            yield statement
