"""What exists from the start: accounts and models, from overlays/mock and --accounts."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flora_contract.errors import InputError
from flora_contract.openapi import load

if TYPE_CHECKING:
    from pathlib import Path

    from flora_contract.openapi import Document

MICROS = 1_000_000
"""Money is kept in millionths of a dollar, so that sums are exact."""

_KEY = re.compile(r"[!-~]{1,200}\Z")
_ID = re.compile(r"(ws|prj)_[A-Za-z0-9_-]{1,100}\Z")


@dataclass(frozen=True)
class Account:
    """An API key, what it may spend (micro-dollars) and what belongs to it."""

    key: str
    credits: int
    workspaces: dict[str, tuple[str, ...]]


@dataclass(frozen=True)
class Model:
    """A model that runs can use. One with an error fails every run."""

    model_id: str
    type: str
    cost: int  # micro-dollars
    seconds: float
    outputs: tuple[str, ...]
    error: dict[str, str] | None


@dataclass(frozen=True)
class Catalogue:
    """Every model by id; the first of a type is what a workspace uses when none is named."""

    models: dict[str, Model]

    def default(self, kind: str) -> Model:
        return next(model for model in self.models.values() if model.type == kind)


def catalogue_of(document: Document) -> Catalogue:
    models = {
        model_id: Model(
            model_id=model_id,
            type=entry["type"],
            cost=micros(entry["cost"]),
            seconds=entry["seconds"],
            outputs=tuple(entry.get("outputs", ())),
            error=entry.get("error"),
        )
        for model_id, entry in document.tree["x-mock-models"].items()
    }
    return Catalogue(models)


def accounts_of(document: Document, file: Path | None) -> dict[str, Account]:
    """The default accounts, or those of a file instead. Raises InputError with its line."""
    at: tuple[str, ...]
    if file is None:
        entries, source, at = document.tree["x-mock-accounts"], document, ("x-mock-accounts",)
    else:
        source = load(file)
        entries, at = source.tree, ()
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


def account(key: str, entry: Any, others: dict[str, Account]) -> Account:
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
    new = Account(key, micros(amount), {ws: tuple(projects) for ws, projects in workspaces.items()})
    seen: set[str] = set()
    for name, prefix in _prefixed(new):
        if not isinstance(name, str) or not _ID.match(name) or not name.startswith(prefix):
            raise ValueError(f"{name!r} is not an id that starts with {prefix}")
        if name in taken or name in seen:
            raise ValueError(f"{name} belongs to another workspace or account")
        seen.add(name)
    return new


def plain(account: Account) -> dict[str, Any]:
    """The inverse of `account`."""
    return {
        "credits": account.credits / MICROS,
        "workspaces": {ws: list(projects) for ws, projects in account.workspaces.items()},
    }


def micros(dollars: float) -> int:
    return round(dollars * MICROS)


def _prefixed(account: Account) -> list[tuple[str, str]]:
    pairs = [(workspace, "ws_") for workspace in account.workspaces]
    return pairs + [(p, "prj_") for projects in account.workspaces.values() for p in projects]


def _ids(account: Account) -> list[str]:
    return [name for name, _ in _prefixed(account)]
