"""Accounts, from overlays/mock and --accounts: their workspaces and projects become entities."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from flora_contract.errors import InputError
from flora_contract.mock.state.entities import MICROS
from flora_contract.mock.state.store import Account
from flora_contract.openapi import load

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from flora_contract.openapi import Document

_KEY = re.compile(r"[!-~]{1,200}\Z")
_ID = re.compile(r"(ws|prj)_[A-Za-z0-9_-]{1,100}\Z")


def accounts_of(document: Document, file: Path | None) -> dict[str, Account]:
    """The default accounts, or those of a file instead. Raises InputError with its line."""
    at: tuple[str, ...]
    if file is None:
        source, at = document, ("x-mock-accounts",)
        entries = document.tree.get("x-mock-accounts", {})
    else:
        source, at = load(file), ()
        entries = source.tree
        if not isinstance(entries, dict):
            raise InputError.at(file, 1, "must map API keys to {credits, workspaces}")
    accounts: dict[str, Account] = {}
    for key, entry in entries.items():
        try:
            accounts[key] = account(key, entry, accounts)
        except ValueError as error:
            place = source.locate((*at, key))
            raise InputError.at(place.file, place.line, str(error)) from None
    return accounts


def account(key: str, entry: Any, others: Mapping[str, Account]) -> Account:
    """An account from plain data. Raises ValueError that says what is wrong with it."""
    if not _KEY.match(key):
        raise ValueError("an API key is 1 to 200 visible ASCII characters")
    if not isinstance(entry, dict) or not set(entry) <= {"credits", "workspaces"}:
        raise ValueError("an account is {credits, workspaces}")
    amount = entry.get("credits", 0)
    if isinstance(amount, bool) or not isinstance(amount, int | float) or not 0 <= amount <= 1e9:
        raise ValueError("credits is a number of US dollars from 0 to 1e9")
    workspaces = entry.get("workspaces", {})
    if not isinstance(workspaces, dict) or not all(
        isinstance(projects, list) for projects in workspaces.values()
    ):
        raise ValueError("workspaces maps ids of workspaces to lists of ids of projects")
    taken = {name for other in others.values() if other.key != key for name in _ids(other)}
    named = [(workspace, "ws_") for workspace in workspaces]
    named += [(project, "prj_") for projects in workspaces.values() for project in projects]
    for name, prefix in named:
        if not isinstance(name, str) or not _ID.match(name) or not name.startswith(prefix):
            raise ValueError(f"{name!r} is not an id that starts with {prefix}")
        if name in taken:
            raise ValueError(f"{name} belongs to another workspace or account")
        taken.add(name)
    return Account(key, round(amount * MICROS), _holds(workspaces))


def _holds(workspaces: dict[str, list[str]]) -> dict[str, list[dict[str, Any]]]:
    return {
        "Workspace": [{"workspace_id": name} for name in workspaces],
        "Project": [
            {"project_id": project, "workspace_id": name}
            for name, projects in workspaces.items()
            for project in projects
        ],
    }


def _ids(account: Account) -> list[str]:
    holds = account.holds
    workspaces = [entry["workspace_id"] for entry in holds["Workspace"]]
    return workspaces + [entry["project_id"] for entry in holds["Project"]]
