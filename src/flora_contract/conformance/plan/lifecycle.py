"""Layer 2: things are made, followed, changed and deleted. What is accepted may cost money."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Barrier
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from flora_contract.conformance.exchange import OTHER, OWNER, Exchange, at
from flora_contract.conformance.plan import (
    creating,
    deleting,
    first_creating,
    living,
    step,
    updating,
    wrong,
)
from flora_contract.conformance.plan.drafts import changes, choices, free_texts, valid
from flora_contract.conformance.plan.requests import first_page, page
from flora_contract.conformance.refusals import statuses
from flora_contract.conformance.session import NotTested, PlannedRequest
from flora_contract.conformance.values import NOBODYS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flora_contract.conformance.ledger import Observation
    from flora_contract.conformance.session import Session
    from flora_contract.openapi.behaviour import Behaviour, OperationBehaviour, Resource

NEAR_PAUSES = (0.0, 0.03, 0.07, 0.15, 0.25)
"""Seconds between looks at what is open on loopback; the last one repeats."""

FAR_PAUSE = 3.0
"""Seconds between looks elsewhere: the documents ask for 2 to 5."""

SIMULTANEOUS = 4

ODD_TEXTS = (
    "Чашка \N{TEAPOT} 茶碗 \N{SPARKLES} e\N{COMBINING ACUTE ACCENT}",
    "mug \N{RIGHT-TO-LEFT OVERRIDE}gum\N{POP DIRECTIONAL FORMATTING}",
    "a \"mug\"\n\tand \\ 'cup' </script> {{x}} %s ; --",
)
LONG = ("a mug, " * 800).strip()


def made_by(exchange: Exchange) -> str | None:
    """Id of what a request has made; None when it has made nothing."""
    kind = exchange.operation.resource if exchange.operation is not None else None
    made = at(exchange.answer, kind.id) if kind is not None and exchange.succeeded else None
    return str(made) if isinstance(made, str | int) and made != "" else None


def look(session: Session, kind: Resource, id_: str, credential: Any = OWNER) -> None:
    """Read one, where there is an operation for it."""
    if kind.read is not None:
        operation = session.behaviour.of(kind.read)
        session.ask(valid(session, operation, credential, id_=id_), credential)


def look_at_once(session: Session, made: Exchange) -> None:
    """Look at something right after it was made, alone and in its list."""
    id_ = made_by(made)
    if made.operation is not None and made.operation.resource is not None and id_ is not None:
        look(session, made.operation.resource, id_)
        first_page(session, made.operation.resource)


@step("lifecycle", of=creating)
def create(session: Session, operation: OperationBehaviour) -> None:
    """One is made, read and listed at once; then its key again, with the same body and another."""
    kind, key = operation.resource, session.key()
    assert kind is not None
    first = next(o for o in creating(session.behaviour) if o.resource is kind)
    call = valid(session, operation)
    made = session.ask(call, key=key) if operation is first else _full(session, operation, key)
    look_at_once(session, made)
    if (id_ := made_by(made)) is not None:
        look(session, kind, f"{id_}0{NOBODYS}")
        _look_by_state(session, kind, id_)
        if operation.idempotency is not None:
            session.ask(_same(made, call), key=key)
            for change in changes(session, operation, call.body)[:2]:
                session.ask(call.sending(**change), key=key)
            first_page(session, kind)
        if operation is first and operation.charges is None:
            look_at_once(session, _full(session, operation, session.key()))


def _full(session: Session, operation: OperationBehaviour, key: str) -> Exchange:
    """Make one with every member; with those that are required where the rest does not fit."""
    made = session.ask(valid(session, operation, full=True), key=key)
    if made.status in statuses(made, "invalid"):
        made = session.ask(valid(session, operation), key=key)
    return made


def _same(made: Exchange, call: PlannedRequest) -> PlannedRequest:
    """The call that was answered, word for word."""
    return PlannedRequest(call.operation, call.path, call.query, made.request.body)


def _look_by_state(session: Session, kind: Resource, id_: str) -> None:
    """The list filtered by each state that is not final, and a look after each."""
    for state in kind.life.states if kind.life is not None else ():
        operation = session.behaviour.of(kind.list) if kind.list is not None else None
        if operation is None or operation.listing is None or state in kind.life.final:  # type: ignore[union-attr]
            continue
        for name, stated in operation.listing.filters.items():
            if kind.life is not None and stated.member == kind.life.state:
                session.ask(valid(session, operation).asking(**{name: state}))
                look(session, kind, id_)


@step("lifecycle", of=first_creating)
def values(session: Session, operation: OperationBehaviour) -> None:
    """One with each value of a set and with odd texts, under keys that were refused before.

    The last key is the first one in capitals, and so another.
    """
    call = valid(session, operation)
    first, second = session.key(), session.key()
    bodies = _variations(operation, call)
    refused = next((b for b in wrong.bodies(call) if isinstance(b, dict)), b"{")
    nowhere = wrong.references(call, session.behaviour)
    for number, body in enumerate(bodies):
        key = {0: first, 1: second, 2: first.upper()}.get(number, session.key())
        if number == 0:
            session.ask(PlannedRequest(operation, call.path, call.query, refused), key=key)
        if number == 1 and nowhere:
            session.ask(PlannedRequest(operation, call.path, call.query, nowhere[0]), key=key)
        session.ask(PlannedRequest(operation, call.path, call.query, body), key=key)


def _variations(operation: OperationBehaviour, call: PlannedRequest) -> list[dict[str, Any]]:
    """Bodies with another value of a set each, and with an odd text each; few of what costs."""
    others = [
        {name: value}
        for name, values in choices(operation).items()
        for value in values
        if value != call.body.get(name)
    ]
    texts = free_texts(operation)
    odd = [{name: text} for text in ODD_TEXTS for name in texts[:1]]
    if operation.charges is None:
        odd += [{name: text} for name in texts[1:] for text in ODD_TEXTS[:1]]
        bodies = [{**call.body, **change} for change in (*others, *odd)]
        return [b for b in bodies if not operation.endpoint.body_breaches(b)]
    together = [
        {**(others[n] if n < len(others) else {}), **(odd[n] if n < len(odd) else {})}
        for n in range(max(min(len(others), 3), min(len(odd), 3)))
    ]
    return [{**call.body, **change} for change in together]


def _may_fail(behaviour: Behaviour) -> list[OperationBehaviour]:
    return [
        o
        for o in first_creating(behaviour)
        if o.resource is not None and o.resource.life is not None and o.resource.life.failed
    ]


@step("lifecycle", of=_may_fail)
def failing(session: Session, operation: OperationBehaviour) -> None:
    """One that is known to fail."""
    known = session.ledger.facts.failing
    if known and not known.keys() <= operation.endpoint.request_members.keys():
        return  # it is about creates of another kind
    if not known:
        raise NotTested("needs --failing-model")
    call = valid(session, operation).sending(**known)
    look_at_once(session, session.ask(call))


@step("lifecycle", of=first_creating)
def places(session: Session, operation: OperationBehaviour) -> None:
    """One in each further place of the caller."""
    kind = operation.resource
    assert kind is not None
    further = session.ledger.facts.places(OWNER)[1:]
    if not further and any(r.to in p for r in kind.references.values() for p in _named(session)):
        raise NotTested("needs --second-workspace and --second-project")
    for place in further:
        session.ask(valid(session, operation, place=place))
    if not further:
        _under_another_parent(session, operation, kind)


def _named(session: Session) -> tuple[Any, ...]:
    return session.ledger.facts.places(OWNER)


def _under_another_parent(session: Session, operation: OperationBehaviour, kind: Resource) -> None:
    """One under each of two that can hold it; neither is found under the other."""
    for member, reference in kind.references.items():
        held = next((p for p, m in kind.path.items() if m == member), None)
        parents = session.ledger.ids(session.behaviour.kind(reference.to), OWNER)
        for parent in parents[:2]:
            call = valid(session, operation, place={reference.to: parent})
            made = made_by(session.ask(call))
            others = [p for p in parents[:2] if p != parent]
            if made is not None and held is not None and kind.read is not None and others:
                found = valid(session, session.behaviour.of(kind.read), id_=made)
                session.ask(PlannedRequest(found.operation, {**found.path, held: others[0]}))


def _keyed(behaviour: Behaviour) -> list[OperationBehaviour]:
    return [o for o in first_creating(behaviour) if o.idempotency is not None]


@step("lifecycle", of=_keyed)
def without_a_key(session: Session, operation: OperationBehaviour) -> None:
    """Two requests without a key, one with a long text: two are made."""
    call = valid(session, operation)
    session.ask(call, key=None)
    session.ask(call.sending(**dict.fromkeys(free_texts(operation)[:1], LONG)), key=None)


@step("lifecycle", of=first_creating)
def accounts(session: Session, operation: OperationBehaviour) -> None:
    """One key used by two accounts, and each looking for what the other has made."""
    kind = operation.resource
    if session.settings.other_api_key is None or kind is None:
        raise NotTested("needs --other-api-key, --foreign-workspace and --foreign-project")
    key = session.key()
    own = session.ask(valid(session, operation), key=key)
    theirs = session.ask(_theirs(session, operation), OTHER, key=key)
    if (id_ := made_by(own)) is not None:
        _look_from_outside(session, kind, id_)
        first_page(session, kind, OTHER)
        _cross_cursors(session, kind)
    if (id_ := made_by(theirs)) is not None:
        look(session, kind, id_, OTHER)
        look(session, kind, id_)
        first_page(session, kind)


def _theirs(session: Session, operation: OperationBehaviour) -> PlannedRequest:
    try:
        return valid(session, operation, OTHER)
    except NotTested:
        if session.ledger.facts.places(OTHER):
            raise
        raise NotTested(
            "needs --other-api-key, --foreign-workspace and --foreign-project"
        ) from None


def _look_from_outside(session: Session, kind: Resource, id_: str) -> None:
    """The other account reads, changes and deletes what is not its own."""
    for name in (kind.read, kind.update, kind.delete):
        if name is not None:
            call = valid(session, session.behaviour.of(name), id_=id_)
            session.ask(call, OTHER)
            look(session, kind, id_)


def _cross_cursors(session: Session, kind: Resource) -> None:
    """The other account goes on from a page of the caller's."""
    operation = session.behaviour.of(kind.list) if kind.list is not None else None
    if operation is None or operation.listing is None or operation.listing.next is None:
        return
    call = page(session, operation, size=1)
    cursor = at(session.ask(call).answer, operation.listing.next)
    if cursor:
        session.ask(call.asking(**{str(operation.listing.cursor): str(cursor)}), OTHER)


@step("lifecycle", of=_keyed)
def at_once(session: Session, operation: OperationBehaviour) -> None:
    """Several requests under one key at the same time."""
    call, key = valid(session, operation), session.key()
    gate = Barrier(SIMULTANEOUS)

    def send() -> Exchange:
        gate.wait()
        return session.ask(call, key=key)

    with ThreadPoolExecutor(SIMULTANEOUS) as pool:
        for sent in [pool.submit(send) for _ in range(SIMULTANEOUS)]:
            sent.result()


@step("lifecycle", of=updating)
def update(session: Session, operation: OperationBehaviour) -> None:
    """Each member is changed by itself, refused in every wrong way, and looked at after it."""
    kind = operation.resource
    assert kind is not None
    id_ = _own(session, kind)
    call = valid(session, operation, id_=id_)
    look(session, kind, id_)
    for change in changes(session, operation, call.body):
        session.ask(call.sending(**change))
        look(session, kind, id_)
    first_page(session, kind)
    session.together(
        partial(session.ask, PlannedRequest(operation, call.path, call.query, body))
        for body in (*wrong.bodies(call), *wrong.references(call, session.behaviour))
    )
    look(session, kind, id_)


def _own(session: Session, kind: Resource) -> str:
    """Something that was made here; nothing else is changed or deleted."""
    own = (i for i, c in session.ledger.made() if i.kind is kind and not i.deletions
           and c.exchange.credential == OWNER)  # fmt: skip
    found = next(own, None)
    if found is None:
        raise NotTested(f"needs a {kind.kind} that was made here")
    return found.id


def _acting(behaviour: Behaviour) -> list[OperationBehaviour]:
    return [o for o in behaviour.with_role("act") if o.charges is None]


@step("lifecycle", of=_acting)
def act(session: Session, operation: OperationBehaviour) -> None:
    """Something is done to what was made, and it is looked at before and after it."""
    kind = operation.resource
    assert kind is not None
    id_ = _own(session, kind)
    look(session, kind, id_)
    session.ask(valid(session, operation, id_=id_))
    look(session, kind, id_)


@step("lifecycle", of=deleting)
def delete(session: Session, operation: OperationBehaviour) -> None:
    """One is made and deleted; then it is read, listed, changed and deleted once more."""
    kind = operation.resource
    assert kind is not None
    make = next(
        (o for o in creating(session.behaviour) if o.resource is kind and o.charges is None), None
    )
    made = made_by(session.ask(valid(session, make))) if make is not None else None
    id_ = made if made is not None else _own(session, kind)
    look(session, kind, id_)
    gone = valid(session, operation, id_=id_)
    session.ask(gone)
    look(session, kind, id_)
    first_page(session, kind)
    for name in (kind.update, kind.delete):
        if name is not None:
            session.ask(valid(session, session.behaviour.of(name), id_=id_))


@step("lifecycle", of=living)
def follow(session: Session, operation: OperationBehaviour) -> None:
    """Look at what is open until it has ended, and at what has ended once more."""
    await_the_end(session, operation)
    _look_at(session, _own_ones(session, operation.resource))


def await_the_end(session: Session, operation: OperationBehaviour) -> None:
    """Look at what was made here until it has ended, or has had its time.

    At first at all: what is known to have ended hangs on the clock, and the same seed is to send
    the same requests.
    """
    _look_at(session, _own_ones(session, operation.resource))
    for pause in _pauses(session):
        still_open = _open_ones(session, operation.resource)
        if not still_open:
            return
        time.sleep(pause)
        session.given_up |= {
            made.id  # after this last look
            for made in still_open
            if session.clock() - made.exchange.ended > (session.settings.max_wait or 0.0)
        }
        _look_at(session, still_open)


def _look_at(session: Session, made: list[Observation]) -> None:
    session.together(
        partial(look, session, one.kind, one.id, one.exchange.credential) for one in made
    )


def _pauses(session: Session) -> Iterator[float]:
    interval = session.settings.poll_interval
    if interval is None and not session.settings.loopback:
        interval = FAR_PAUSE
    schedule = NEAR_PAUSES if interval is None else (interval,)
    yield from schedule
    while True:
        yield schedule[-1]


def _own_ones(session: Session, kind: Resource | None) -> list[Observation]:
    """What was made here and not deleted, as the answers show that made it."""
    return [c for i, c in session.ledger.made() if i.kind is kind and not i.deletions]


def _open_ones(session: Session, kind: Resource | None) -> list[Observation]:
    instances = session.ledger.instances
    return [
        made
        for made in _own_ones(session, kind)
        if made.id not in session.given_up
        and not any(o.final for o in instances[made.kind.kind, made.id].of("read"))
    ]


def _linked(behaviour: Behaviour) -> list[OperationBehaviour]:
    return [o for o in behaviour.with_role("read") if o.resource is not None and o.resource.link]


@step("lifecycle", of=_linked)
def link(session: Session, operation: OperationBehaviour) -> None:
    """The link of something that was made, where it leads to the same server."""
    here = urlsplit(session.settings.base_url)
    for instance, creation in session.ledger.made():
        url = creation.get(instance.kind.link)
        ours = instance.kind is operation.resource and creation.exchange.credential == OWNER
        if not ours or not isinstance(url, str):
            continue
        # The key goes to no other host.
        if (urlsplit(url).scheme, urlsplit(url).netloc) == (here.scheme, here.netloc):
            session.send("GET", url, OWNER)
            return
    raise NotTested("needs a link to the same host")


@step("lifecycle", of=_keyed)
def repeat_later(session: Session, operation: OperationBehaviour) -> None:
    """A key again, once what it has made has ended: it still counts as used."""
    for made in list(session.ledger.creations):
        id_, key, kind = made_by(made), made.key, operation.resource
        if made.operation is operation and key and id_ and made.credential == OWNER and kind:
            first_page(session, kind)
            call = PlannedRequest(operation, made.path_parameters, {}, made.request.body)
            session.ask(call, key=key)
            first_page(session, kind)
            if session.settings.other_api_key is not None:
                look(session, kind, id_, OTHER)
            return
    raise NotTested("needs something that was made under a key")
