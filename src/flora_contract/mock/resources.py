"""Kinds of resource as the mock keeps them: what the store must know, and what is shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flora_contract.errors import InputError
from flora_contract.mock.handlers import Handler
from flora_contract.mock.state.entities import Entity, Kind, Steps
from flora_contract.mock.state.ids import id_form
from flora_contract.mock.views import Views, said

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from flora_contract.mock.state.entities import Getter
    from flora_contract.openapi.behaviour import Behaviour, Resource


@dataclass(frozen=True)
class KeptResource:
    """A kind of resource: what is stated, what a store knows of it, and what is shown."""

    stated: Resource
    kind: Kind
    views: Views
    handler: Handler


def kept_resources(
    behaviour: Behaviour, handlers: Mapping[str, Handler], seed: int
) -> dict[str, KeptResource]:
    """Every kind that is stated, by name."""
    data = behaviour.document.tree.get("x-mock-entities", {})
    return {
        name: _kept(behaviour, resource, handlers.get(name, Handler()), data.get(name, []), seed)
        for name, resource in behaviour.resources.items()
    }


def _kept(
    behaviour: Behaviour, resource: Resource, handler: Handler, data: list[Any], seed: int
) -> KeptResource:
    life = resource.life
    steps = Steps(life.order, life.failed) if life is not None else None
    names = {name for entry in data for name in entry}
    views = Views(behaviour, resource, steps, handler.shown, names, seed)
    listed = behaviour.of(resource.list) if resource.list is not None else None
    listing = listed.listing if listed is not None else None
    members: dict[str, Getter] = {}
    texts: dict[str, Getter] = {}
    key = None
    if listed is not None and listing is not None:
        for filter_ in listing.filters.values():
            if life is None or filter_.member != life.state:
                chosen = members if filter_.match == "equals" else texts
                chosen[filter_.member] = views.attribute(filter_.member)
        for name in listed.endpoint.parameters_in("path"):
            members.setdefault(resource.path[name], said(resource.path[name]))
        if listing.order not in {None, resource.created}:
            key = views.attribute(listing.order or "")
    shown = next(
        (i for i in (resource.read, *resource.create, resource.list) if i is not None), None
    )
    member = behaviour.of(shown).items.get(resource.id) if shown is not None else None
    form = id_form(behaviour.contract, member.schema if member is not None else {}, resource.prefix)
    kind = Kind(resource.kind, form, _named(resource), steps, members, texts, key)
    return KeptResource(resource, kind, views, handler)


def _named(resource: Resource) -> Callable[[Entity], str]:
    """What gives the id that data have for an entity; empty where they have none."""
    get = said(resource.id)

    def named(entity: Entity) -> str:
        value = get(entity)
        return str(value) if isinstance(value, str | int) else ""

    return named


def first_entities(behaviour: Behaviour) -> tuple[Entity, ...]:
    """What exists from the start and belongs to no account. Raises InputError with its line."""
    found = []
    for name, entries in behaviour.document.tree.get("x-mock-entities", {}).items():
        for number, members in enumerate(entries):
            place = behaviour.document.locate(("x-mock-entities", name, number))
            if name not in behaviour.resources:
                raise InputError(f"{place}: no kind {name} is stated")
            resource = behaviour.resources[name]
            entity = Entity(name, members.get("x-account", ""), members)
            entity.id = _named(resource)(entity)
            if not entity.id:
                raise InputError(f"{place}: a {name} needs its {resource.id}")
            if resource.life is not None:
                entity.final = next(iter(resource.life.succeeded), resource.life.final[0])
            found.append(entity)
    return tuple(found)
