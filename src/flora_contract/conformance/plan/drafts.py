"""Valid requests for any operation: every value from what is known, or from its schema."""

from __future__ import annotations

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
        found = next(self._candidates(target, wanted), None)
        if found is None and needed and not self.refused:
            raise NotTested(_needs(target.kind))
        return found or (unknown(target) if needed else None)

    def _candidates(self, kind: Resource, wanted: Mapping[str, Any]) -> Iterator[str]:
        session, charged = self.session, self.operation.charges is not None
        if charged and kind.kind in flora.PLACES:
            return  # money is spent in places that somebody has named
        failing = set(session.ledger.facts.failing.values())
        for id_ in session.ledger.ids(kind, self.credential):
            instance = session.ledger.instances.get((kind.kind, id_))
            if id_ not in failing and _has(instance, wanted):
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


def changes(session: Session, operation: OperationBehaviour, body: Any) -> list[dict[str, Any]]:
    """For each member of a body by itself another valid value, where there is one."""
    found: list[dict[str, Any]] = []
    sent = body if isinstance(body, dict) else {}
    references = operation.resource.references if operation.resource is not None else {}
    for name, member in outer_members(operation).items():
        for value in _others(session, name, member, references.get(name)):
            changed = {**sent, name: value}
            if value != sent.get(name) and not operation.endpoint.body_breaches(changed):
                found.append({name: value})
                break
    return found


def _others(
    session: Session,
    name: str,
    member: Member,
    reference: Reference | None,
) -> list[Any]:
    """Values that a member might have."""
    if reference is not None:
        return session.ledger.ids(session.behaviour.kind(reference.to), OWNER)
    if is_open(member.schema):
        return [flora.FULL[name]] if name in flora.FULL else []
    found = [example(session.behaviour.document, member.schema, session.chance) for _ in range(8)]
    if _is_free_text(member):
        return [f"{value} {session.chance.randrange(10**6)}" for value in found[:1]]
    return found
