"""When a fault shows: the dimensions of a request, and of what it is about."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from flora_contract.openapi.schemas import types

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from world import Case

    from flora_contract.openapi.behaviour import Behaviour, OperationBehaviour

OLD = 1.0
"""Seconds after which something is old."""


@dataclass(frozen=True)
class Condition:
    """A name, and whether it holds for what is decided."""

    name: str
    holds: Callable[[Case], bool]


def conditions(behaviour: Behaviour, operation: OperationBehaviour) -> Iterator[Condition]:
    """Those under which a fault of an operation can show."""
    yield Condition("always", lambda _: True)
    yield Condition("second-account", lambda case: _account(case) == 1)
    yield Condition("second-time", _again)
    yield Condition("after-5", lambda case: _count(case, "all") > 5)
    yield Condition("every-third", lambda case: _count(case, "all") % 3 == 0)
    yield Condition("late", _late)
    kind = operation.resource
    if kind is None:
        return
    if kind.references:
        yield Condition("second-place", _second_place)
    if kind.life is not None:
        for state in kind.life.states:
            yield Condition(f"state={state}", partial(_in_state, state))
    for create in kind.create[:1]:
        yield from _of_values(operation, behaviour.of(create))
    if operation.listing is not None:
        yield Condition("later-page", lambda case: _page(case, "later"))
        if len(operation.listing.filters) > 1:
            yield Condition("two-filters", lambda case: len(case.filters) > 1)
        yield Condition("no-filter", lambda case: not case.filters)
    if operation.endpoint.takes_body:
        yield Condition("odd-text", _odd_text)
    if operation.idempotency is not None:
        yield Condition("without-key", lambda case: case.key is None)


def _of_values(operation: OperationBehaviour, create: OperationBehaviour) -> Iterator[Condition]:
    """One value of an enum, and an optional member that is there or not."""
    for path, member in create.endpoint.request_members.items():
        if "." in path or "[]" in path:
            continue
        for value in member.values:
            yield Condition(f"{path}={value}", partial(_has_value, path, value))
        if not member.required and operation.role == "create":
            yield Condition(f"with-{path}", partial(_with, path))
            yield Condition(f"without-{path}", partial(_without, path))


def is_open(operation: OperationBehaviour, name: str) -> bool:
    """Whether a condition is about a member whose values the server alone judges."""
    member = operation.endpoint.request_members.get(name.removeprefix("with-"))
    schema = member.schema if member is not None else {}
    kinds = types(operation.endpoint.document, schema)
    return "object" in kinds and "properties" not in schema


def _account(case: Case) -> int:
    """0 for the first that has credits, 1 for the second; -1 for others."""
    solvent = [key for key, left in case.world.credits.items() if left > 0]
    return solvent.index(case.account) if case.account in solvent else -1


def _count(case: Case, name: str) -> int:
    counts = case.world.memory.setdefault("counts", {})
    counts[name] = counts.get(name, 0) + 1
    return int(counts[name])


def _again(case: Case) -> bool:
    about = case.thing.id if case.thing is not None else case.key or case.account
    return _count(case, f"of {about}") > 1


def _late(case: Case) -> bool:
    world = case.world
    if case.thing is not None:
        return case.thing.owner is not None and world.now - case.thing.made > OLD
    return world.now - world.started > 3 * OLD


def _second_place(case: Case) -> bool:
    for member, reference in case.kind.references.items():
        if case.world.behaviour.kind(reference.to).owner == "everyone":
            continue
        given = case.sent.get(member, case.query.get(member))
        if given is None and case.thing is not None:
            given = case.thing.values.get(member)
        owned = [t.id for t in case.world.things[reference.to] if t.owner == case.account]
        if given in owned[1:]:
            return True
    return False


def _in_state(state: str, case: Case) -> bool:
    world, thing = case.world, case.thing
    if thing is None or thing.kind.life is None:
        return False
    return world.state_at(thing, world.now - thing.made)[0] == state


def _has_value(path: str, value: str, case: Case) -> bool:
    sent = case.thing.sent if case.thing is not None and case.thing.sent else case.sent
    return sent.get(path, case.query.get(path)) == value


def _page(case: Case, name: str) -> bool:
    listing = case.operation.listing
    if listing is None:
        return False
    asked = case.query.get(listing.cursor or listing.offset or "")
    return name in case.page or (name == "later" and bool(asked))


def _odd_text(case: Case) -> bool:
    return any(
        isinstance(v, str) and not (v.isascii() and v.isprintable()) for v in case.sent.values()
    )


def _with(path: str, case: Case) -> bool:
    return case.sent.get(path) is not None


def _without(path: str, case: Case) -> bool:
    return case.sent.get(path) is None
