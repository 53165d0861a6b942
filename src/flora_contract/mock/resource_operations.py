"""What is done with a request about a resource: it is created, shown, listed, changed, deleted."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import orjson

from flora_contract.mock.http.messages import HTTPResponse
from flora_contract.mock.listing import CursorError, Lists
from flora_contract.mock.operations import MockOperation
from flora_contract.mock.state.entities import MICROS, Entity
from flora_contract.mock.views import said
from flora_contract.openapi.schemas import put

if TYPE_CHECKING:
    from collections.abc import Callable

    from flora_contract.mock.http.messages import HTTPRequest, Rejection
    from flora_contract.mock.operations import Backend, Call, Check
    from flora_contract.mock.resources import KeptResource
    from flora_contract.mock.state.entities import Getter, Selection
    from flora_contract.mock.state.store import PageQuery, World
    from flora_contract.openapi.behaviour import Condition, OperationBehaviour, Reference

ASSUMED_COST: Final = 0.01
"""US dollars that an operation costs which is charged and has no price in any data."""


class BodyReference(NamedTuple):
    """A reference as an operation checks it: how to get the id, and what has to match."""

    stated: Reference
    get: Callable[[Call], Any]
    matching: list[tuple[Getter, Callable[[Call], Any]]]


class ResourceOperation(MockOperation):
    """One operation of a resource."""

    def __init__(self, backend: Backend, stated: OperationBehaviour, kept: KeptResource) -> None:
        self._kept = kept
        self._resources = backend.resources
        self._final = backend.final
        self._duration = backend.duration
        endpoint, idempotency, path = stated.endpoint, stated.idempotency, kept.stated.path
        self._lists = Lists(backend.store, stated, stated.listing, kept) if stated.listing else None
        self._view = kept.views.view(stated)
        self._has_answer = endpoint.answer_schema(endpoint.success) is not None
        self._key_header = idempotency.header.lower().encode() if idempotency is not None else b""
        ids = [n for n in endpoint.parameters_in("path") if path[n] == kept.stated.id]
        self._id = ids[0] if ids else ""
        others = [name for name in endpoint.parameters_in("path") if name != self._id]
        self._attributes = [(name, said(path[name])) for name in others]
        life = kept.stated.life
        self._final_state = next(iter(life.succeeded), life.final[0]) if life is not None else ""
        self._owned = kept.stated.owner == "account"
        shown = {path: sent for sent, path in kept.stated.shows.items()}
        sent = shown.get(kept.stated.id)
        self._chosen = self._asked(stated, sent) if sent is not None else None
        self._writes = stated.role not in {"read", "list"}
        self._references = self._checked_references(stated)
        by = stated.charges.by if stated.charges is not None else None
        self._priced_by = self._asked(stated, by) if by is not None else None
        assumed = stated.charges.assumed if stated.charges is not None else {"": 0}
        prices = {"": ASSUMED_COST, **assumed}
        self._prices = {value: round(price * MICROS) for value, price in prices.items()}
        self._listed = lru_cache(maxsize=1024)(self._listed_anew)
        effects: dict[str | None, Callable[[Call], HTTPResponse]] = {
            "create": self._create,
            "list": self._list,
            "update": self._update,
            "delete": self._delete,
        }
        self._done = effects.get(stated.role, self._show)
        super().__init__(backend, stated)

    def answer(self, request: HTTPRequest, path: dict[str, str]) -> HTTPResponse:
        if self._stated.role != "create":
            return super().answer(request, path)
        return self._store.attempt(super().answer, request, path)

    def _settled(self, call: Call) -> HTTPResponse:
        if not self._writes:
            return super()._settled(call)
        alone = self._stated.role in {"update", "delete"}
        with self._store.transaction(call.account, alone=alone):
            return super()._settled(call)

    def _spend_token(self, account: str) -> None:
        if self._writes:
            self._store.spend_token(account)
        else:
            super()._spend_token(account)

    def _effect(self, call: Call) -> HTTPResponse:
        response = self._done(call)
        if self._writes:
            if self._stated.charges is not None and call.account:
                self._charge(call)
            if call.key:
                self._use_key(call, response)
        return response

    # Conditions

    def _order(self) -> list[Condition]:
        order = list(super()._order())
        if "used-key" not in order:  # a repetition is answered, not refused
            first: tuple[Condition, ...] = ("no-key", "wrong-key", "malformed", "invalid")
            order.insert(max(map(order.index, first)) + 1, "used-key")
        return order

    def _conditions(self) -> dict[Condition, Check]:
        refers = bool(self._references)
        found: dict[Condition, tuple[bool, Check]] = {
            "foreign-reference": (refers, self._foreign_reference),
            "unknown-reference": (refers, self._unknown_reference),
            "used-key": (self._stated.idempotency is not None, self._used_key),
            "no-credits": (self._stated.charges is not None, self._no_credits),
            "foreign-id": (bool(self._id), self._foreign_id),
            "unknown-id": (bool(self._id), self._unknown_id),
        }
        applied = {condition: check for condition, (applies, check) in found.items() if applies}
        return {**super()._conditions(), **applied}

    def _misread(self, call: Call) -> list[tuple[str, str]]:
        if self._lists is None:
            return []
        return self._listed(call.account, call.request.query, tuple(call.path.items()))[1]

    def _listed_anew(
        self, account: str, query: str, path: tuple[tuple[str, str], ...]
    ) -> tuple[tuple[Selection, PageQuery] | None, list[tuple[str, str]]]:
        """Which entities a query means, or what is wrong with it."""
        assert self._lists is not None
        values, _ = self._read(query, path)
        try:
            return self._lists.asked(account, values), []
        except CursorError as error:
            return None, [(self._lists.cursor, str(error))]

    def _referred(self, call: Call) -> list[tuple[BodyReference, str, Entity | None]]:
        """The references that a request makes, and what they lead to."""
        if not call.referred:
            get = self._store.get
            call.referred = [
                (
                    reference,
                    named,
                    get(reference.stated.to, str(named)) if isinstance(named, str | int) else None,
                )
                for reference in self._references
                if (named := reference.get(call)) is not None
            ]
        return call.referred

    def _foreign_reference(self, call: Call) -> None:
        for _, _, found in self._referred(call):
            if found is not None and found.owner and found.owner != call.account:
                raise self._refusals.rejection("foreign-reference", "Forbidden.")

    def _unknown_reference(self, call: Call) -> None:
        for reference, named, found in self._referred(call):
            if found is None or (found.owner and found.owner != call.account):
                raise self._unknown(reference.stated, named)
            for theirs, ours in reference.matching:
                wanted = ours(call)
                if wanted is not None and wanted != theirs(found):
                    raise self._unknown(reference.stated, named)

    def _used_key(self, call: Call) -> HTTPResponse | None:
        key = (
            call.request.header(self._key_header) if self._key_header in call.request.fields else ""
        )
        if not key:
            return None
        call.key = key
        named = call.account, self._endpoint.id, key
        answer = self._store.used(named, call.now)
        if answer is None:
            return None
        assert self._stated.idempotency is not None
        if self._stated.idempotency.repetition == "refused":
            raise self._refusals.rejection("used-key", "Duplicate idempotency key.")
        return HTTPResponse(self._status, answer)

    def _no_credits(self, call: Call) -> None:
        if call.account and self._cost(call) > self._store.balance(call.account, call.now):
            raise self._refusals.rejection("no-credits", "Insufficient credits.")

    def _foreign_id(self, call: Call) -> None:
        found = self._named(call)
        if found is not None and found.owner and found.owner != call.account:
            raise self._refusals.rejection("foreign-id", "Not found.")

    def _unknown_id(self, call: Call) -> None:
        found = self._named(call)
        if found is None or (found.owner and found.owner != call.account):
            raise self._refusals.rejection("unknown-id", "Not found.")

    # What a request names

    def _named(self, call: Call) -> Entity | None:
        """The entity whose id is in the path, if it is at home there."""
        if call.found is None:
            found = self._store.get(self._kept.kind.name, str(call.values[self._id]))
            for name, get in self._attributes:
                if found is not None and str(get(found)) != str(call.values[name]):
                    found = None
            call.found = found
        return call.found

    def _checked_references(self, stated: OperationBehaviour) -> list[BodyReference]:
        """References that a request has to make, or that its body can make."""
        found = []
        for reference in self._kept.stated.references.values():
            get = self._asked(stated, reference.member)
            if get is not None:
                views = self._resources[reference.to].views
                asked = (
                    (views.attribute(t), self._asked(stated, o))
                    for t, o in reference.matching.items()
                )
                matching = [(theirs, ours) for theirs, ours in asked if ours is not None]
                found.append(BodyReference(reference, get, matching))
        return found

    def _asked(self, stated: OperationBehaviour, member: str) -> Callable[[Call], Any] | None:
        """How a request says a member: in its body, its path or a query that it must have."""
        endpoint = stated.endpoint
        path = self._kept.stated.path
        for name, parameter in endpoint.parameters.items():
            named = path.get(name) if parameter["in"] == "path" else name
            if named == member and parameter.get("required"):
                return lambda call: call.values.get(name)
        if member not in endpoint.request_members:
            return None
        if "." not in member:
            return lambda call: call.body.get(member)
        parts = member.split(".")

        def get(call: Call) -> Any:
            value: Any = call.body
            for part in parts:
                value = value.get(part) if isinstance(value, dict) else None
            return value

        return get

    def _unknown(self, reference: Reference, value: Any) -> Rejection:
        listed = self._resources[reference.to].stated.list
        problem = f'{reference.to} "{value}" is not available.'
        if listed is not None:
            endpoint = self._behaviour.of(listed).endpoint
            summary = endpoint.operation.node.get("summary", "List them")
            problem += f" {summary} ({endpoint.label}) and use an id from there."
        fields = [(reference.member, problem)] if reference.unknown is not None else []
        return self._refusals.rejection(
            "unknown-reference", problem, fields, stated=reference.unknown
        )

    # Effects

    def _create(self, call: Call) -> HTTPResponse:
        entity = self._store.create(call.draft or self._drafted(call))
        return self._shown(entity, call)

    def _show(self, call: Call) -> HTTPResponse:
        if call.found is None:
            return HTTPResponse(self._status)
        return self._shown(call.found, call)

    def _list(self, call: Call) -> HTTPResponse:
        assert self._lists is not None
        # Whose list it is may not have been known when the query was checked.
        asked, _ = self._listed(call.account, call.request.query, tuple(call.path.items()))
        assert asked is not None
        origin, kept = call.request.origin, self._final
        body = self._lists.answer(*asked, call.now, origin, call.world, kept, self._json)
        return HTTPResponse(self._status, body)

    def _update(self, call: Call) -> HTTPResponse:
        assert call.found is not None
        old, sent = call.found.members, call.body
        if self._endpoint.method == "PUT":
            replaced = {path.partition(".")[0] for path in self._endpoint.request_members}
            members = {name: value for name, value in old.items() if name not in replaced}
            members |= sent
        else:
            members = _merged(old, sent)
        self._place(members, call)
        return self._shown(self._store.update(call.found, members=members, updated=call.now), call)

    def _delete(self, call: Call) -> HTTPResponse:
        assert call.found is not None
        self._store.delete(call.found)
        return self._shown(call.found, call)

    def _shown(self, entity: Entity, call: Call) -> HTTPResponse:
        if not self._has_answer:
            return HTTPResponse(self._status)
        return HTTPResponse(
            self._status, self._json(entity, call.now, call.request.origin, call.world)
        )

    def _json(self, entity: Entity, now: int, origin: str, world: World) -> bytes:
        """JSON of an entity, made once when it has ended."""
        if now < entity.ended:
            return orjson.dumps(self._view(entity, now, origin))
        known = (self, entity.seq, origin)
        made = self._final.get(known)
        if made is None:
            made = orjson.dumps(self._view(entity, now, origin))
            self._final.keep(known, made, world)
        return made

    def _drafted(self, call: Call) -> Entity:
        """The entity that a request is about to create."""
        now, members = call.now, dict(call.body)
        self._place(members, call)
        owner = call.account if self._owned else ""
        entity = Entity(self._kept.kind.name, owner, members, "", now, now, now)
        if self._final_state:
            entity.ended = now + self._duration
            entity.final = self._final_state
        if self._chosen is not None and (chosen := self._chosen(call)) is not None:
            entity.id = str(chosen)
        entity.cost = self._price(call)
        referred = {r.stated.member: found for r, _, found in call.referred if found is not None}
        self._kept.handler.begin(entity, referred)
        call.draft = entity
        return entity

    def _place(self, members: dict[str, Any], call: Call) -> None:
        """Put into an entity's members what the path says of it."""
        for name, _ in self._attributes:
            put(members, self._kept.stated.path[name], call.values[name])

    def _price(self, call: Call) -> int:
        """Micro-dollars that an operation costs, as far as the statements tell."""
        value = self._priced_by(call) if self._priced_by is not None else None
        return self._prices.get(str(value), self._prices[""])

    def _cost(self, call: Call) -> int:
        if self._stated.role != "create":
            return self._price(call)
        return (call.draft or self._drafted(call)).cost

    def _charge(self, call: Call) -> None:
        steps, entity = self._kept.kind.steps, call.draft
        fails = entity is not None and steps is not None and entity.final in steps.failed
        refunded_at = entity.ended if fails and entity is not None else None
        self._store.pay(call.account, self._cost(call), refunded_at)

    def _use_key(self, call: Call, response: HTTPResponse) -> None:
        idempotency = self._stated.idempotency
        assert idempotency is not None
        answer = response.body if idempotency.repetition == "replayed" else b""
        until = call.now + round(idempotency.window * 1000)
        self._store.use((call.account, self._endpoint.id, call.key), call.now, until, answer)


def _merged(old: dict[str, Any], sent: dict[str, Any]) -> dict[str, Any]:
    """Members with those that were sent in their places, however deep."""
    found = dict(old)
    for name, value in sent.items():
        inner = found.get(name)
        both = isinstance(inner, dict) and isinstance(value, dict)
        found[name] = _merged(inner, value) if both else value  # type: ignore[arg-type]
    return found
