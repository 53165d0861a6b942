"""Valid requests for any operation: every value from what is known, or from its schema."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from flora_contract.conformance.exchange import NOT_JSON, OWNER, Credential
from flora_contract.conformance.flora import values as flora
from flora_contract.conformance.oracles.validation import is_open
from flora_contract.conformance.session import NotTested, PlannedRequest
from flora_contract.conformance.values import unknown
from flora_contract.openapi.contract import JSON
from flora_contract.openapi.examples import example

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from flora_contract.conformance.ledger import Instance
    from flora_contract.conformance.session import Session
    from flora_contract.openapi.behaviour import OperationBehaviour, Reference, Resource
    from flora_contract.openapi.schemas import Member


SOME: Final = object()
"""Stands for a value of a member that is valid, whichever."""


def outer_members(operation: OperationBehaviour) -> dict[str, Member]:
    """Members of a body itself, not of what is in it."""
    members = operation.endpoint.request_members.items()
    return {path: member for path, member in members if "." not in path and "[]" not in path}


def valid(
    session: Session,
    operation: OperationBehaviour,
    credential: Credential = OWNER,
    *,
    id_: str | None = None,
    place: Mapping[str, str] | None = None,
    members: Mapping[str, Any] | None = None,
    refused: bool = False,
) -> PlannedRequest:
    """A request that an account may make, in a place of its own; `id_` is what it names.

    It has what is required, and `members`: a value, SOME for one that is valid, `...` for none.
    Raises NotTested where an id is needed that nobody knows; one that is to be refused anyway has
    one that nobody has.
    """
    draft = _Draft(session, operation, credential, place, refused=refused)
    path = draft.path(id_)
    query = draft.query()
    return PlannedRequest(operation, path, query, draft.body(members or {}))


class _Draft:
    """One request as it is put together; `known` are the values that it has so far."""

    def __init__(
        self,
        session: Session,
        operation: OperationBehaviour,
        credential: Credential,
        place: Mapping[str, str] | None,
        *,
        refused: bool,
    ) -> None:
        self.session = session
        self.operation = operation
        self.endpoint = operation.endpoint
        self.kind = operation.resource
        self.credential = credential
        places = session.ledger.facts.places(credential)
        self.place = place if place is not None else places[0] if places else {}
        self.refused = refused
        self.known: dict[str, Any] = {}

    def path(self, id_: str | None) -> dict[str, str]:
        """Values of the path's template."""
        values: dict[str, str] = {}
        in_path = self.endpoint.parameters_in("path")
        own = self.kind.id_parameter if self.kind is not None else None
        for name, parameter in sorted(in_path.items(), key=lambda item: item[0] != own):
            member = self.kind.path.get(name, name) if self.kind is not None else name
            if self.kind is not None and member == self.kind.id and id_ is not None:
                values[name] = id_
                instance = self.session.ledger.instances.get((self.kind.kind, id_))
                self.known |= instance.place if instance is not None else {}
                continue
            found = self.known.get(member) or self.reference(member)
            values[name] = str(found if found is not None else self.some(parameter["schema"]))
            self.known[member] = values[name]
        return values

    def query(self) -> dict[str, Any]:
        """Query parameters that are required."""
        values: dict[str, Any] = {}
        for name, parameter in self.endpoint.parameters_in("query").items():
            if parameter.get("required"):
                found = self.reference(name)
                values[name] = found if found is not None else self.some(parameter["schema"])
                self.known[name] = values[name]
        return values

    def body(self, members: Mapping[str, Any]) -> Any:
        """A body with what is required, and with some members as they are told."""
        if not self.endpoint.takes_body:
            return NOT_JSON
        outer, references = outer_members(self.operation), self._references()
        body = {n: v for n, v in self._documented().items() if n not in references}
        wanted = {n for n, m in outer.items() if m.required or members.get(n) is SOME}
        for name in sorted(wanted - body.keys() - references.keys(), key=list(outer).index):
            body[name] = flora.FULL.get(name, self.some(outer[name].schema))
        charges = self.operation.charges
        if charges is not None and charges.by in outer and charges.assumed:
            body[charges.by] = min(charges.assumed, key=lambda value: charges.assumed[value])
        body |= {n: v for n, v in members.items() if v is not SOME}
        self.known |= body
        for name in references:
            if name in wanted and name not in body:
                found = self.reference(name, needed=outer[name].required)
                if found is not None:
                    body[name] = self.known[name] = found
        return {n: v for n, v in body.items() if v is not ...}

    def _documented(self) -> dict[str, Any]:
        """The first example of a body that the contract has, where it is an object."""
        media = (self.endpoint.operation.request_body or {}).get("content", {}).get(JSON, {})
        named = [e.get("value") for e in media.get("examples", {}).values()]
        found: Any = next((e for e in (media.get("example"), *named) if e is not None), {})
        return dict(found) if isinstance(found, dict) else {}

    def _references(self) -> Mapping[str, Reference]:
        return self.kind.references if self.kind is not None else {}

    def some(self, schema: Any) -> Any:
        """A value that a schema allows."""
        return example(self.session.behaviour.document, schema, self.session.chance)

    def reference(self, member: str, *, needed: bool = True) -> str | None:
        """An id for a member; None for one that refers to nothing. Raises NotTested for no id."""
        reference = self._references().get(member)
        if reference is None:
            return None
        target = self.session.behaviour.kind(reference.to)
        if target.kind in self.place:
            return self.place[target.kind]
        wanted = {their: self.known.get(ours) for their, ours in reference.matching.items()}
        offered = candidates(self.session, self.operation, target, self.credential, wanted)
        found = next(offered, None)
        if found is None and needed and not self.refused:
            raise NotTested(_needs(target.kind))
        return found or (unknown(target) if needed else None)


def candidates(
    session: Session,
    operation: OperationBehaviour,
    kind: Resource,
    credential: Credential,
    wanted: Mapping[str, Any],
) -> Iterator[str]:
    """Ids that an account may refer to, and that contradict no wanted value.

    Where money is spent, it is in places that somebody has named.
    """
    facts, ids = session.ledger.facts, session.ledger.ids(kind, credential)
    if operation.charges is not None and kind.kind in flora.PLACES:
        ids = [p[kind.kind] for p in facts.places(credential) if kind.kind in p]
    for id_ in ids:
        instance = session.ledger.instances.get((kind.kind, id_))
        if id_ not in facts.failing.values() and _has(instance, wanted):
            yield id_


def _has(instance: Instance | None, wanted: Mapping[str, Any]) -> bool:
    """Whether nothing that was seen of an instance contradicts some values."""
    return instance is None or all(
        value is None or all(o.get(name) in {None, value} for o in instance.observations)
        for name, value in wanted.items()
    )


def _needs(kind: str) -> str:
    if kind in flora.PLACES:
        return "needs " + " and ".join(f"--{option}" for option in flora.PLACES.values())
    return f"needs a {kind} that the account can use"


# Variations


def free_texts(operation: OperationBehaviour) -> list[str]:
    """Members of a body that take any text."""
    references = operation.resource.references if operation.resource is not None else {}
    return [
        name
        for name, member in outer_members(operation).items()
        if _is_free_text(member) and name not in references
    ]


def _is_free_text(member: Member) -> bool:
    bound = {"enum", "const", "pattern", "format", "x-extensible-enum"}
    return member.schema.get("type") == "string" and not bound & set(member.schema)


def changes(
    session: Session, operation: OperationBehaviour, body: Any, credential: Credential = OWNER
) -> list[dict[str, Any]]:
    """For each member of a body another valid value, with what hangs on it; `...` leaves it out."""
    sent = body if isinstance(body, dict) else {}
    possible = _Changes(session, operation, credential, sent)
    found = (possible.of(name) for name in outer_members(operation))
    return [change for change in found if change is not None]


@dataclass(frozen=True)
class _Changes:
    """What may be changed of a body that an account has sent."""

    session: Session
    operation: OperationBehaviour
    credential: Credential
    sent: Mapping[str, Any]

    def of(self, name: str) -> dict[str, Any] | None:
        """Another value of one member; None where there is none."""
        for value in self._others(name):
            change = {name: value, **self._tied(name, value)}
            body = {n: v for n, v in {**self.sent, **change}.items() if v is not ...}
            if body != self.sent and not self.operation.endpoint.body_breaches(body):
                return change
        return None

    def _others(self, name: str) -> list[Any]:
        member, document = outer_members(self.operation)[name], self.session.behaviour.document
        none = [...] if name in self.sent and not member.required else []
        if name in self._references:
            return [*self._fitting(name, self.sent), *none]
        if is_open(member.schema):
            return [*([flora.FULL[name]] if name in flora.FULL else ()), *none]
        chance = self.session.chance
        found = [example(document, member.schema, chance) for _ in range(8)]
        return [f"{found[0]} {chance.randrange(10**6)}"] if _is_free_text(member) else found

    def _tied(self, name: str, value: Any) -> dict[str, Any]:
        """What changes with a member: the references that must match it."""
        changed: dict[str, Any] = {}
        for member, reference in self._references.items():
            if name in reference.matching.values() and member in self.sent and member != name:
                fitting = self._fitting(member, {**self.sent, name: value})
                required = outer_members(self.operation)[member].required
                changed[member] = next(fitting, self.sent[member] if required else ...)
        return changed

    def _fitting(self, member: str, sent: Mapping[str, Any]) -> Iterator[str]:
        """Ids for a reference that match the rest of a body, as far as is known."""
        reference = self._references[member]
        kind = self.session.behaviour.kind(reference.to)
        wanted = {their: sent.get(ours) for their, ours in reference.matching.items()}
        return candidates(self.session, self.operation, kind, self.credential, wanted)

    @property
    def _references(self) -> Mapping[str, Reference]:
        return self.operation.resource.references if self.operation.resource is not None else {}
