"""Scenarios: what a mock begins with, from a YAML file or from plain data.

    accounts: {KEY: …}                  # as --accounts has them
    entities:
      Parcel:                           # a kind of resource
        - {account: KEY, state: delivered, age: 3600, count: 250, every: 60, with: {size: large}}
    faults:
      - {kind: status, status: 500, after: 60, until: 90}

`with` holds what a request would say; `age` is how many seconds ago the entity was created, at
least what its state takes; the second of `count` is `every` seconds older, and so on.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flora_contract.errors import InputError
from flora_contract.mock.faults import rule_of
from flora_contract.mock.state.entities import Entity
from flora_contract.mock.views import said
from flora_contract.openapi import load

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from flora_contract.mock.resources import KeptResource
    from flora_contract.mock.state.store import Account, Origin
    from flora_contract.openapi.behaviour import Behaviour

    AccountOf = Callable[[str, Any, Mapping[str, Account]], Account]
    Source = Path | str | Mapping[str, Any]

_PARTS = {"accounts", "entities", "faults"}
_OF_AN_ENTITY = {"account", "state", "age", "count", "every", "with"}
MAX_COUNT = 1_000_000


@dataclass(frozen=True)
class ScenarioReader:
    """What is needed to read scenarios. `duration` is how long a life takes, in milliseconds."""

    behaviour: Behaviour
    resources: Mapping[str, KeptResource]
    account_of: AccountOf
    duration: int

    def read(self, source: Source, origin: Origin) -> Origin:
        """What a mock begins with. Raises InputError that says what is wrong, and where."""
        document = load(source) if isinstance(source, str | Path) else None
        tree: Any = document.tree if document is not None else source

        def locate(*at: str | int) -> str:
            where = ".".join(map(str, at)) or "the top"
            return f"{document.locate(at)}" if document is not None else f"scenario: {where}"

        place: tuple[str | int, ...] = ()
        try:
            _object(tree, _PARTS, "a scenario")
            accounts = dict(origin.accounts) if "accounts" not in tree else {}
            for key, entry in _object(tree.get("accounts", {}), None, "accounts").items():
                place = "accounts", key
                accounts[key] = self.account_of(key, entry, accounts)
            origin = replace(origin, accounts=accounts)
            found: list[Entity] = []
            for kind, entries in _object(tree.get("entities", {}), None, "entities").items():
                for number, entry in enumerate(_list(entries, kind)):
                    place = "entities", kind, number
                    found += self._entities(kind, entry, origin)
            rules = []
            for number, rule in enumerate(_list(tree.get("faults", []), "faults")):
                place = "faults", number
                rules.append(rule_of(rule, self.behaviour))
        except ValueError as error:
            raise InputError(f"{locate(*place)}: {error}") from None
        found.sort(key=lambda entity: entity.created)  # as if they had been created in turn
        return replace(origin, entities=(*origin.entities, *found), faults=tuple(rules))

    def _entities(self, kind: str, entry: Any, origin: Origin) -> list[Entity]:
        """Entities whose times count from the start. Raises ValueError."""
        if kind not in self.resources:
            raise ValueError(f"a kind is one of {', '.join(self.resources)}")
        _object(entry, _OF_AN_ENTITY, f"a {kind}")
        kept = self.resources[kind]
        members = _object(entry.get("with", {}), None, "with")
        count = _number(entry, "count", 1, 1, MAX_COUNT)
        if count != int(count):
            raise ValueError("count is a whole number")
        every = _number(entry, "every", 1, 0, 1e9)
        first = self._one(kept, entry, members, origin)
        if first.id and count > 1:
            raise ValueError(f"only one {kind} can have the id {first.id}")
        return [
            replace(
                first,
                members=dict(members) | first.members,
                created=first.created - ago,
                updated=first.updated - ago,
                ended=first.ended - ago,
            )
            for ago in (round(number * every * 1000) for number in range(int(count)))
        ]

    def _one(
        self, kept: KeptResource, entry: dict[str, Any], members: dict[str, Any], origin: Origin
    ) -> Entity:
        resource, steps = kept.stated, kept.kind.steps
        owner = ""
        if resource.owner == "account":
            owner = entry.get("account") or next(iter(origin.accounts), "")
            if owner not in origin.accounts:
                raise ValueError(f"account is one of {', '.join(origin.accounts)}")
        entity = Entity(resource.kind, owner, dict(members))
        entity.id = kept.kind.id(entity)
        there = {(one.kind, one.id): one for one in origin.all()}
        referred = {}
        for reference in resource.references.values():
            named = said(reference.member)(entity)
            if named is not None:
                found = there.get((reference.to, str(named)))
                if found is None or (found.owner and found.owner != owner):
                    raise ValueError(f"{reference.member}: there is no {reference.to} {named}")
                referred[reference.member] = found
        age = round(_number(entry, "age", 0, 0, 1e9) * 1000)
        if steps is None:
            kept.handler.begin(entity, referred)
            entity.created = entity.updated = entity.ended = -age
            return entity
        state = entry.get("state", next(iter(steps.order[-1])))
        if state not in steps.states:
            raise ValueError(f"state is one of {', '.join(steps.states)}")
        try:
            kept.handler.begin(entity, referred)
        except KeyError as missing:
            raise ValueError(f"with needs {missing}") from None
        entity.final = state if state in steps.order[-1] else entity.final or steps.order[-1][0]
        begins = self.duration * steps.shares[steps.rank(state)] // 1000
        last = steps.rank(state) == len(steps.order) - 1
        entity.created = entity.updated = -(max(age, begins) if last else begins)
        entity.ended = entity.created + self.duration
        return entity


def _object(value: Any, names: set[str] | None, what: str) -> dict[str, Any]:
    if not isinstance(value, dict) or (names is not None and not set(value) <= names):
        expected = f"an object of {', '.join(sorted(names))}" if names else "an object"
        raise ValueError(f"{what} is {expected}")
    return value


def _list(value: Any, what: str) -> list[Any]:
    if not isinstance(value, list):
        raise ValueError(f"{what} is a list")  # noqa: TRY004 - of the file, not of an argument
    return value


def _number(entry: dict[str, Any], name: str, default: float, low: float, high: float) -> float:
    value = entry.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise ValueError(f"{name} is a number from {low:g} to {high:g}")
    return value
