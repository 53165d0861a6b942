"""Layer 1: single requests to any operation that cost nothing: reads, and what is refused."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from flora_contract.conformance.exchange import ABSENT, BROKE, OTHER, OWNER, Credential
from flora_contract.conformance.flora import values as flora
from flora_contract.conformance.plan import creating, every, in_order, listing, step, wrong
from flora_contract.conformance.plan.drafts import valid
from flora_contract.conformance.refusals import statuses
from flora_contract.conformance.session import NotTested, PlannedRequest, wrong_credentials
from flora_contract.conformance.values import unknown

if TYPE_CHECKING:
    from flora_contract.conformance.session import Session
    from flora_contract.openapi.behaviour import Behaviour, OperationBehaviour, Resource

FEW = 5
"""The size of pages on which something new would be seen."""


def probe(
    session: Session, operation: OperationBehaviour, credential: Credential = OWNER
) -> PlannedRequest:
    """A call that is right but for an id that nobody has, where its path asks for one."""
    kind = operation.resource
    id_ = unknown(kind) if kind is not None else None
    return valid(session, operation, credential, id_=id_, refused=True)


def first_page(
    session: Session,
    kind: Resource | None,
    credential: Credential = OWNER,
    size: int | None = None,
    **filters: Any,
) -> None:
    """Look at the list of a kind, where there is one; by default at as much as a page holds."""
    if kind is not None and kind.list is not None:
        session.ask(
            page(session, session.behaviour.of(kind.list), credential, size, **filters), credential
        )


def page(
    session: Session,
    operation: OperationBehaviour,
    credential: Credential = OWNER,
    size: int | None = None,
    **filters: Any,
) -> PlannedRequest:
    """A call for the first page of a list."""
    found = operation.listing
    sized = {found.size: size or largest(operation)} if found is not None and found.size else {}
    return valid(session, operation, credential).asking(**sized, **filters)


def largest(operation: OperationBehaviour) -> int:
    """The largest size of a page."""
    found = operation.listing.size if operation.listing is not None else None
    schema = operation.endpoint.parameters.get(found or "", {}).get("schema", {})
    return int(schema.get("maximum", 100))


def _needed_by_others(behaviour: Behaviour) -> list[OperationBehaviour]:
    """What makes, for nothing, what other resources refer to."""
    kinds = behaviour.resources.values()
    needed = {r.to for kind in kinds for r in kind.references.values()}
    return [
        o
        for o in creating(behaviour)
        if o.charges is None and o.resource is not None and o.resource.kind in needed
    ]


@step("requests", of=_needed_by_others)
def prepare(session: Session, operation: OperationBehaviour) -> None:
    """One for each account of what others refer to."""
    accounts = {
        OWNER: session.settings.api_key,
        OTHER: session.settings.other_api_key,
        BROKE: session.settings.broke_api_key,
    }
    for credential, key in accounts.items():
        if key is not None:
            session.ask(valid(session, operation, credential), credential)


@step("requests", of=listing)
def read(session: Session, operation: OperationBehaviour) -> None:
    """A list, as it is before anything is done."""
    session.ask(valid(session, operation))
    if operation.listing is not None and operation.listing.size is not None:
        session.ask(page(session, operation))


def _secured(behaviour: Behaviour) -> list[OperationBehaviour]:
    return [o for o in every(behaviour) if behaviour.is_secured(o)]


@step("requests", of=_secured)
def no_key(session: Session, operation: OperationBehaviour) -> None:
    """An operation without a key."""
    session.ask(probe(session, operation), ABSENT)


@step("requests", of=_secured)
def wrong_keys(session: Session, operation: OperationBehaviour) -> None:
    """An operation with keys that are nearly right."""
    call = probe(session, operation)
    keys = wrong_credentials(session.settings.api_key or "")
    session.together(
        partial(session.ask, call, credential, authorization=header) for credential, header in keys
    )


def _taking_a_body(behaviour: Behaviour) -> list[OperationBehaviour]:
    operations = [o for o in every(behaviour) if o.endpoint.takes_body and o.role != "update"]
    return in_order(behaviour, operations)


@step("requests", of=_taking_a_body)
def wrong_bodies(session: Session, operation: OperationBehaviour) -> None:
    """Every member of a body missing, null, of another type, beyond its bounds; each alone."""
    call = probe(session, operation)
    first_page(session, operation.resource, size=FEW)
    session.together(
        partial(session.ask, PlannedRequest(operation, call.path, call.query, body))
        for body in (*wrong.bodies(call), *wrong.references(call, session.behaviour))
    )
    first_page(session, operation.resource, size=FEW)


def _taking_a_query(behaviour: Behaviour) -> list[OperationBehaviour]:
    operations = [o for o in every(behaviour) if o.endpoint.parameters_in("query")]
    return in_order(behaviour, [o for o in operations if o.endpoint.method == "GET"])


@step("requests", of=_taking_a_query)
def wrong_queries(session: Session, operation: OperationBehaviour) -> None:
    """Every query parameter missing, of another type, beyond its bounds; each alone."""
    call = probe(session, operation)
    session.together(
        partial(session.ask, PlannedRequest(operation, call.path, query))
        for query in wrong.queries(call)
    )


def _naming_one(behaviour: Behaviour) -> list[OperationBehaviour]:
    return [
        o
        for o in every(behaviour)
        if o.resource is not None and o.resource.id_parameter in o.endpoint.parameters_in("path")
    ]


@step("requests", of=_naming_one)
def unknown_ids(session: Session, operation: OperationBehaviour) -> None:
    """Ids that nobody has, and texts that are none."""
    session.together(
        partial(session.ask, valid(session, operation, id_=id_, refused=True))
        for id_ in wrong.ids(operation, session.behaviour)
    )


@step("requests", of=listing)
def filters(session: Session, operation: OperationBehaviour) -> None:
    """A list under each filter, without a size."""
    call = valid(session, operation)
    session.together(
        partial(session.ask, call.asking(**{name: value}))
        for name, values in filter_values(session, operation).items()
        for value in values
    )


def filter_values(session: Session, operation: OperationBehaviour) -> dict[str, list[str]]:
    """Values for each filter of a list: those of its set, own ids, or what was seen."""
    found: dict[str, list[str]] = {}
    stated = operation.listing.filters if operation.listing is not None else {}
    for name, filter_ in stated.items():
        schema = operation.endpoint.parameters[name]["schema"]
        found[name] = [v for v in schema.get("enum", ()) if isinstance(v, str)]
        if not found[name]:
            found[name] = _own_ids(session, operation, filter_.member) or _seen(
                session, operation, filter_.member
            )
    return found


def _own_ids(session: Session, operation: OperationBehaviour, member: str) -> list[str]:
    kind = operation.resource
    reference = kind.references.get(member) if kind is not None else None
    if reference is None:
        return []
    places = session.ledger.facts.places(OWNER)
    named = [p[reference.to] for p in places if reference.to in p]
    return named or session.ledger.ids(session.behaviour.kind(reference.to), OWNER)[:2]


def _seen(session: Session, operation: OperationBehaviour, member: str) -> list[str]:
    """What the caller's own have under a member, shown or written."""
    kind = operation.resource
    values: dict[str, None] = {}
    for instance in session.ledger.of(kind) if kind is not None else ():
        if kind is not None and session.ledger.knows(kind, instance.id, OWNER):
            value = instance.value(member)
            for each in value if isinstance(value, list) else [value]:
                if isinstance(each, str | int) and each != "":
                    values[str(each).lower() if isinstance(each, bool) else str(each)] = None
    return list(values)[:2]


@step("requests", of=creating)
def foreign_references(session: Session, operation: OperationBehaviour) -> None:
    """A request that refers to what belongs to another account: all together, and each alone."""
    theirs = _places_of_the_other(session)
    call = valid(session, operation)
    kind, members = operation.resource, operation.endpoint.request_members
    foreign = {
        member: theirs[reference.to]
        for member, reference in (kind.references.items() if kind is not None else ())
        if reference.to in theirs and member in members
    }
    if foreign:
        session.ask(call.sending(**foreign))
    for member, id_ in foreign.items() if len(foreign) > 1 else ():
        session.ask(call.sending(**{member: id_}))


def _places_of_the_other(session: Session) -> dict[str, str]:
    """Ids of the other account: as it was told, and as its own lists have shown."""
    ledger, kinds = session.ledger, session.behaviour.resources.values()
    seen = {k.kind: i.id for k in kinds for i in ledger.of(k) if ledger.owner(k, i.id) == OTHER}
    places = ledger.facts.places(OTHER)
    if seen or places:
        return {**seen, **(places[0] if places else {})}
    if flora.PLACES.keys() & session.behaviour.resources.keys():
        options = [f"--foreign-{option}" for option in flora.PLACES.values()]
        raise NotTested(f"needs {' and '.join(options)}")
    raise NotTested("needs ids of the other account")


@step("requests", of=listing)
def foreign_filters(session: Session, operation: OperationBehaviour) -> None:
    """A list that is filtered by what belongs to another account."""
    theirs = _places_of_the_other(session)
    kind = operation.resource
    for name, reference in kind.references.items() if kind is not None else ():
        if name in operation.endpoint.parameters_in("query") and reference.to in theirs:
            session.ask(valid(session, operation).asking(**{name: theirs[reference.to]}))


def _charged(behaviour: Behaviour) -> list[OperationBehaviour]:
    return [o for o in creating(behaviour) if o.charges is not None]


@step("requests", of=_charged)
def no_credits(session: Session, operation: OperationBehaviour) -> None:
    """What costs money, in an account without credits; and that it is not there afterwards."""
    if session.settings.broke_api_key is None:
        raise NotTested("needs --broke-api-key")
    if not session.ledger.facts.places(BROKE) and _needs_places(operation):
        raise NotTested("needs --broke-workspace and --broke-project")
    call = valid(session, operation, BROKE)
    first_page(session, operation.resource, BROKE, size=FEW)
    answer = session.ask(call, BROKE)
    first_page(session, operation.resource, BROKE, size=FEW)
    if answer.status in statuses(answer, "foreign-reference"):
        raise NotTested("needs --broke-workspace and --broke-project that --broke-api-key owns")


def _needs_places(operation: OperationBehaviour) -> bool:
    kind = operation.resource
    return kind is not None and any(r.to in flora.PLACES for r in kind.references.values())


@step("requests", of=listing)
def another_account(session: Session, operation: OperationBehaviour) -> None:
    """A list of the other account."""
    if session.settings.other_api_key is None:
        raise NotTested("needs --other-api-key")
    session.ask(page(session, operation, OTHER), OTHER)
