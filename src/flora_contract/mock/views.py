"""What is shown of an entity: put together once for each operation, from what is stated of it.

A member of an answer is, in this order: what a handler of its kind makes; a value that it always
has; the id; a time, the state and what belongs to it, progress, estimate, cost, link; what the
request said. One that nothing gives is left out where it may be, null where it may be, and else an
example of its schema, the same for the same entity.
"""

from __future__ import annotations

import random
import re
from dataclasses import replace
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import quote

from flora_contract.mock.state.entities import MICROS
from flora_contract.openapi.contract import typed
from flora_contract.openapi.examples import example
from flora_contract.openapi.schemas import members, types

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from flora_contract.mock.state.entities import Entity, Getter, Steps
    from flora_contract.openapi.behaviour import Behaviour, OperationBehaviour, Resource
    from flora_contract.openapi.schemas import Member

    Shown = Callable[[Entity, int, str], Any]
    """Gives a value from an entity, the time by the mock's clock, and the origin of the request."""

ABSENT: Final = object()
"""In place of a value: the member is not there now."""


class _Part(NamedTuple):
    """One member of an object, and what is shown where nothing gives it; None: it is left out.

    `always` says that it is given whatever was asked and whatever the time is.
    """

    name: str
    shown: Shown
    instead: Shown | None
    nullable: bool
    always: bool


class Views:
    """What the operations on a resource show of its entities.

    `made` are members that a handler makes, `data` names of members that entities have from the
    start.
    """

    def __init__(
        self,
        behaviour: Behaviour,
        resource: Resource,
        steps: Steps | None,
        made: Mapping[str, Shown],
        data: Collection[str],
        seed: int,
    ) -> None:
        self._behaviour = behaviour
        self._document = behaviour.document
        self._resource = resource
        self._steps = steps
        self._made = made
        self._seed = seed
        self._asked: dict[str, Member] = {}
        for operation_id in (*resource.create, *resource.operations.get("update", ())):
            self._asked |= behaviour.of(operation_id).endpoint.request_members
        self._known = {*self._asked, *data, *resource.path.values(), *resource.references}
        self._sent = {shown: sent for sent, shown in resource.shows.items() if shown}

    def view(self, operation: OperationBehaviour) -> Shown:
        """What an answer of an operation shows of an entity; of a list, what an item does."""
        constants = {path: _always(value) for path, value in operation.answers.items()}
        never = tuple(f"{path}." for path, value in operation.answers.items() if value is None)
        shown = {p: m for p, m in operation.items.items() if not f"{p}.".startswith(never)}
        if operation.charges is not None:
            constants.setdefault(operation.charges.cost, _cost)
        return self._object(_tree(shown), constants, required=True) or _always({})

    def attribute(self, path: str) -> Getter:
        """What entities are sorted by and compared with, shown or not."""
        operations = [self._resource.list, self._resource.read]
        shown = [self._behaviour.of(i).items for i in operations if i is not None]
        member = next((items[path] for items in shown if path in items), None)
        asked = self._asked.get(path)
        if member is None or path in self._resource.shows or (asked is not None and asked.required):
            return said(path)
        member = replace(member, path=path)
        source = self._given(member, {}) or self._from_request(member) or _sent(path)
        instead = self._instead(member) if member.required else _always(None)

        def attribute(entity: Entity) -> Any:
            value = source(entity, 0, "")
            return instead(entity, 0, "") if value is ABSENT else value

        return attribute

    # Objects and their members

    def _object(
        self, tree: _Tree, constants: Mapping[str, Shown], *, required: bool
    ) -> Shown | None:
        """What shows an object; None for one that can be left out and that nothing gives."""
        parts = [
            part
            for member, inner in tree.values()
            for part in self._parts(member, inner, constants)
        ]
        if not required and all(part.shown is _nothing for part in parts):
            return None
        always = [(part.name, part.shown) for part in parts if part.always]
        perhaps = [part[:4] for part in parts if not part.always]

        def show(entity: Entity, now: int, origin: str) -> Any:
            found = {}
            for name, shown in always:
                found[name] = shown(entity, now, origin)
            given = required or bool(found)
            for name, shown, instead, nullable in perhaps:
                value = shown(entity, now, origin)
                if value is ABSENT or (value is None and not nullable):
                    if instead is None:
                        continue
                    value = instead(entity, now, origin)
                else:
                    given = True
                found[name] = value
            return found if given else ABSENT

        return show

    def _parts(self, member: Member, inner: _Tree, constants: Mapping[str, Shown]) -> list[_Part]:
        shown = self._given(member, constants)
        always = shown is not None
        shown = shown or self._made.get(member.path) or self._from_request(member)
        if shown is None and inner:
            shown = self._object(
                inner, constants, required=member.required and not self._can(member, "null")
            )
        life = self._resource.life
        if life is not None and member.path in life.members:
            shown, always = self._in_states(member, shown), False
        instead = self._instead(member) if member.required else None
        if shown is None and instead is None:
            return []
        nullable = self._can(member, "null")
        return [_Part(member.name, shown or _nothing, instead, nullable, always)]

    def _in_states(self, member: Member, shown: Shown | None) -> Shown | None:
        """A member that is there in some states only."""
        life, steps = self._resource.life, self._steps
        assert life is not None
        assert steps is not None
        presence = life.members[member.path]
        if shown is None and not presence.required:
            return None
        there, states = shown or _nothing, presence.states
        instead = self._example(member) if presence.required else _nothing

        def in_states(entity: Entity, now: int, origin: str) -> Any:
            if steps.state(entity, now) not in states:
                return ABSENT
            value = there(entity, now, origin)
            return instead(entity, now, origin) if value is ABSENT else value

        return in_states

    def _instead(self, member: Member) -> Shown:
        """What stands for a member that nothing gives."""
        return _always(None) if self._can(member, "null") else self._example(member)

    def _example(self, member: Member) -> Shown:
        """A value that the schema of a member allows, and that is not null."""
        kinds = member.schema.get("type")
        some = [kind for kind in kinds if kind != "null"] if isinstance(kinds, list) else kinds
        schema = {**member.schema, "type": some} if some else member.schema

        @lru_cache(maxsize=4096)
        def made(kind: str, id_: str) -> Any:
            chance = random.Random(f"{self._seed}/{kind}/{id_}/{member.path}")  # noqa: S311 - repeatable
            return example(self._document, schema, chance)

        return lambda entity, _now, _origin: made(entity.kind, entity.id)

    def _can(self, member: Member, kind: str) -> bool:
        """Whether a member can be of a JSON type."""
        return kind in types(self._document, member.schema)

    # Where they come from

    def _given(self, member: Member, constants: Mapping[str, Shown]) -> Shown | None:
        """What does not depend on what the request said, nor on a handler."""
        path, resource = member.path, self._resource
        if path in self._made:
            return None
        if path in constants:
            return constants[path]
        if path in (resource.id, *resource.aliases):
            kinds = types(self._document, member.schema)
            if "integer" in kinds:
                return lambda entity, _now, _origin: typed(entity.id, kinds)
            return lambda entity, _now, _origin: entity.id
        if path == resource.cost:
            return _cost
        if path == resource.link:
            return self._link()
        return self._time(member) or self._in_life(member)

    def _time(self, member: Member) -> Shown | None:
        path, resource, steps = member.path, self._resource, self._steps
        text = self._can(member, "string")
        written = _iso if text else int
        if path == resource.created:
            if not text:
                return lambda entity, _now, _origin: entity.created
            return lambda entity, _now, _origin: _iso(entity.created)
        if path == resource.updated:
            return lambda entity, _now, _origin: written(entity.updated)
        life = resource.life
        if life is None or steps is None or path not in life.times or path not in life.members:
            return None
        step = min(steps.rank(state) for state in life.members[path].states)
        return lambda entity, _now, _origin: written(steps.begins(entity, step))

    def _in_life(self, member: Member) -> Shown | None:
        path, life, steps = member.path, self._resource.life, self._steps
        if life is None or steps is None:
            return None
        if path == life.state:
            return lambda entity, now, _origin: steps.state(entity, now)
        if path == life.grows:
            whole = member.schema.get("maximum", 100)
            return _growing(steps, whole, exact=whole <= 1 and self._can(member, "number"))
        if path == life.estimate:
            exact = self._can(member, "number")

            def estimate(entity: Entity, _now: int, _origin: str) -> Any:
                seconds = entity.facts.get(path, (entity.ended - entity.created) / 1000)
                return seconds if exact else round(seconds)

            return estimate
        if path in life.members and path not in self._known:
            return lambda entity, _now, _origin: entity.facts.get(path, ABSENT)
        return None

    def _from_request(self, member: Member) -> Shown | None:
        """What the request said, under the same name or the one that is stated."""
        path = member.path
        if path in self._sent:
            return _sent(self._sent[path])
        if path in self._resource.shows:  # it is shown elsewhere, or nowhere
            return None
        whole = self._can(member, "array") or not any(members(self._document, member.schema))
        if not whole or not self._known & {path, path.partition(".")[0]}:
            return None
        asked = self._asked.get(path)
        if asked is not None:
            mine, theirs = types(self._document, member.schema), types(self._document, asked.schema)
            other = set(asked.values) - set(member.values) if member.values else set()
            if other or (mine and theirs and not mine & theirs):
                return None
        return _sent(path)

    def _link(self) -> Shown:
        """The URL of the operation that reads the entity."""
        resource = self._resource
        assert resource.read is not None
        path = self._behaviour.contract.base + self._behaviour.of(resource.read).endpoint.path
        held = {
            name: None if member == resource.id else said(member)
            for name, member in resource.path.items()
        }
        texts = re.split(r"\{([^}]*)\}", path)  # text and name in turn
        first, parts = (
            texts[0],
            [(held[name], text) for name, text in zip(texts[1::2], texts[2::2], strict=True)],
        )

        def link(entity: Entity, _now: int, origin: str) -> str:
            url = origin + first
            for get, text in parts:
                value = entity.id if get is None else str(get(entity))
                url += (value if value.isidentifier() else quote(value, safe="")) + text
            return url

        return link


_Tree = dict[str, tuple["Member", "_Tree"]]


def _tree(found: Mapping[str, Member]) -> _Tree:
    """Members of an object, each with its own; what is in lists is left out."""
    tree: _Tree = {}
    for path, member in found.items():
        if "[]" not in path:
            *outer, name = path.split(".")
            inner = tree
            for part in outer:
                inner = inner[part][1]
            inner.setdefault(name, (replace(member, path=path), {}))
    return tree


def _always(value: Any) -> Shown:
    return lambda _entity, _now, _origin: value


def _nothing(_entity: Entity, _now: int, _origin: str) -> Any:
    return ABSENT


def _cost(entity: Entity, _now: int, _origin: str) -> float:
    return entity.cost / MICROS


def said(path: str) -> Getter:
    """A member of the request that created an entity, or None."""
    if "." not in path:
        return lambda entity: entity.members.get(path)
    shown = _sent(path)

    def said(entity: Entity) -> Any:
        value = shown(entity, 0, "")
        return None if value is ABSENT else value

    return said


def _sent(path: str) -> Shown:
    """A member of the request that created an entity, or ABSENT."""
    name, _, rest = path.partition(".")
    if not rest:
        return lambda entity, _now, _origin: entity.members.get(name, ABSENT)
    parts = path.split(".")

    def sent(entity: Entity, _now: int, _origin: str) -> Any:
        value: Any = entity.members
        for part in parts:
            if not isinstance(value, dict) or part not in value:
                return ABSENT
            value = value[part]
        return value

    return sent


def _growing(steps: Steps, whole: float, *, exact: bool) -> Shown:
    """Progress: nothing while the first state waits, the whole at the end, whichever end it is."""
    first = 1 if len(steps.order) > 2 else 0

    def growing(entity: Entity, now: int, _origin: str) -> float:
        began = steps.begins(entity, first)
        if now >= entity.ended:
            return whole
        if now < began:
            return 0
        share = whole * (now - began) / (entity.ended - began)
        return share if exact else int(share)

    return growing


def _iso(milliseconds: int) -> str:
    moment = datetime.fromtimestamp(milliseconds / 1000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
