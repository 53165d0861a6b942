"""Layer 2: things are made, followed, changed and deleted. What is accepted may cost money."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from itertools import islice
from threading import Barrier
from typing import TYPE_CHECKING

from flora_contract.conformance.exchange import OTHER, OWNER, Credential, Exchange, at, url_parts
from flora_contract.conformance.plan import (
    creating,
    deleting,
    first_creating,
    living,
    step,
    updating,
    wrong,
)
from flora_contract.conformance.plan.asking import (
    first_page,
    look,
    made_by,
    page,
    take,
    take_all,
)
from flora_contract.conformance.plan.dimensions import (
    ACCOUNT,
    ID,
    KEY,
    NEW_KEY,
    WRONG,
    Choice,
    accounts,
    best_first,
    call_of,
    combined_refusals,
    covering,
    dimensions,
    every_pair,
    places,
)
from flora_contract.conformance.plan.drafts import changes, valid
from flora_contract.conformance.session import NO_USED_KEY, NotTested, PlannedRequest
from flora_contract.conformance.values import NOBODYS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flora_contract.conformance.ledger import Observation
    from flora_contract.conformance.plan.dimensions import Dimensions
    from flora_contract.conformance.session import Session
    from flora_contract.openapi.behaviour import Behaviour, OperationBehaviour, Resource

NEAR_PAUSES = (0.0, 0.03, 0.07, 0.15, 0.25)
"""Seconds between looks at what is open on loopback; the last one repeats."""

FAR_PAUSE = 3.0
"""Seconds between looks elsewhere: the documents ask for 2 to 5."""

SIMULTANEOUS = 4

FREED = 3
"""So many refused requests come under a key before one that is accepted."""

FRUITLESS = 8
"""So many looks in a row that tell nothing of a resource end the wait for it."""

DELETED = 4
"""So many of each kind are made to be deleted."""

CLOSELY = 4
"""So many of what one step makes are looked at by everybody and from every side."""


@step("lifecycle", of=creating)
def create(session: Session, operation: OperationBehaviour) -> None:
    """Everything that may be made, as far as money goes; each is looked at and asked for again."""
    of = dimensions(session, operation)
    session.pairs.expect(operation.id, every_pair(of))
    cases = best_first(covering(of, f"{session.settings.seed} {operation.id}"))
    most = session.share(operation) if operation.charges is not None else len(cases)
    needs: set[str] = set() if most else {"needs --thorough"}
    made: list[Exchange] = []
    for case in cases:
        if len(made) >= most:
            break
        if case.get(KEY) == NEW_KEY:
            case = {**case, KEY: Choice("new", _refused_before(session, operation, of))}
        one = take(session, operation, case, needs)
        if one is not None:
            _look_closely(session, operation, one, len(made))
            made.append(one)
    keyless = next((e for e in made if operation.idempotency is not None and not e.key), None)
    if keyless is not None:
        session.send_again(keyless)
    if needs - {NO_USED_KEY}:
        raise NotTested("; ".join(sorted(needs - {NO_USED_KEY})))


def _refused_before(session: Session, operation: OperationBehaviour, of: Dimensions) -> str:
    """A new key, under which requests came before that were refused for several reasons."""
    key, plain = session.key(), {name: choices[0] for name, choices in of.items()}
    bodies = [Choice(name, c, refused=True) for name, c in wrong.bodies(valid(session, operation))]
    reasons = [{**plain, WRONG: body} for body in bodies[:1]]
    reasons += [
        {**plain, name: choice}
        for name, choices in of.items()
        for choice in choices
        if choice.refused and name != ACCOUNT and not callable(choice.value)
    ]
    for reason in reasons[:FREED]:
        replace(call_of(session, operation, reason), key=key).send(session)
    return key


def _look_closely(
    session: Session, operation: OperationBehaviour, made: Exchange, number: int
) -> None:
    """At what was just made: by its owner and by others, in its list, and under its key again."""
    kind, id_, owner = operation.resource, made_by(made), made.credential
    assert kind is not None
    if id_ is None:
        return
    look(session, kind, id_, owner)
    first_page(session, kind, owner)
    _look_from_outside(session, kind, id_, owner, number)
    if number == 0:
        _look_by_state(session, kind, id_)
        _look_nearby(session, kind, id_)
    if number == CLOSELY - 1:
        _cross_cursors(session, kind)
    if number < CLOSELY or operation.charges is not None:
        _look_under_another_parent(session, kind, id_, owner)
        _ask_again(session, operation, made)


def _look_from_outside(
    session: Session, kind: Resource, id_: str, owner: Credential, number: int
) -> None:
    """Others read, change and delete what is not their own: the first time all, later in turn."""
    for name in (kind.read, kind.update, kind.delete, *kind.act):
        if name is None:
            continue
        operation = session.behaviour.of(name)
        others = [c.value for c in accounts(session, operation) if not c.needs]
        strangers = [(c, h) for c, h in others if c != owner and c.solvent]
        chosen = strangers if number == 0 else [strangers[0], strangers[number % len(strangers)]]
        call = valid(session, operation, id_=id_)
        session.together(
            partial(session.ask, call, credential, authorization=header)
            for credential, header in chosen
        )
        if name != kind.read:
            look(session, kind, id_, owner)


def _look_nearby(session: Session, kind: Resource, id_: str) -> None:
    """Ids that are nearly the one that was given out."""
    if kind.read is not None:
        operation = session.behaviour.of(kind.read)
        nearly = (*wrong.near(id_), f"{id_}0{NOBODYS}")
        session.together(
            partial(session.ask, valid(session, operation, id_=near)) for near in nearly
        )


def _look_under_another_parent(
    session: Session, kind: Resource, id_: str, owner: Credential
) -> None:
    """It is not found under something else than it was made under."""
    if kind.read is None or len(kind.path) < 2:
        return
    found = valid(session, session.behaviour.of(kind.read), id_=id_)
    for place in places(session, found.operation, owner):
        for parameter, member in kind.path.items():
            reference = kind.references.get(member)
            parent = place.get(reference.to) if reference is not None else None
            if parent is not None and parent != found.path[parameter]:
                session.ask(replace(found, path={**found.path, parameter: parent}), owner)
                return


def _ask_again(
    session: Session, operation: OperationBehaviour, made: Exchange, turn: int | None = None
) -> None:
    """The same request under its key again, and others that differ in each member: all of them, or
    one in its turn."""
    if not made.key:
        return
    session.send_again(made)
    owner, sent = made.credential, made.sent_object
    references = operation.resource.references if operation.resource is not None else {}
    elsewhere = [
        {m: place[r.to] for m, r in references.items() if r.to in place and m in sent}
        for place in places(session, operation, owner)
    ]
    different = [
        change
        for change in (*changes(session, operation, sent, owner), *elsewhere)
        if {**sent, **change} != sent
    ]
    call = PlannedRequest(operation, made.path_parameters, {}, sent)
    chosen = different if turn is None else different[turn % len(different) :][:1]
    session.together(
        partial(session.ask, call.sending(**change), owner, key=made.key) for change in chosen
    )
    first_page(session, operation.resource, owner)


def _look_by_state(session: Session, kind: Resource, id_: str) -> None:
    """The list filtered by each state, and a look at one thing after each."""
    operation = session.behaviour.of(kind.list) if kind.list is not None else None
    if operation is None or operation.listing is None or kind.life is None:
        return
    for name, stated in operation.listing.filters.items():
        for state in kind.life.states if stated.member == kind.life.state else ():
            session.ask(valid(session, operation).asking(**{name: state}))
            look(session, kind, id_)


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
    _look_closely(session, operation, session.ask(call), 1)


def _keyed(behaviour: Behaviour) -> list[OperationBehaviour]:
    return [o for o in first_creating(behaviour) if o.idempotency is not None]


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
    bodies = [Choice(name, change, refused=True) for name, change in wrong.bodies(call)]
    of = {**dimensions(session, operation), ID: [Choice("own", id_)], WRONG: bodies}
    take_all(session, operation, of, combined_refusals(of, range(1)))
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
    """Some are made and deleted; then they are read, listed, changed and deleted once more."""
    kind = operation.resource
    assert kind is not None
    make = next(
        (o for o in creating(session.behaviour) if o.resource is kind and o.charges is None), None
    )
    for _ in range(DELETED if make is not None else 1):
        made = made_by(session.ask(valid(session, make))) if make is not None else None
        id_ = made if made is not None else _own(session, kind)
        look(session, kind, id_)
        session.ask(valid(session, operation, id_=id_))
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
        if not still_open or session.is_over():
            return
        time.sleep(pause)
        late = {made.id for made in still_open if _is_late(session, made)}  # after this last look
        _look_at(session, still_open)
        session.given_up |= late | {m.id for m in still_open if _is_lost(session, m)}


def _is_late(session: Session, made: Observation) -> bool:
    limit = session.ledger.patience(session.ledger.instances[made.kind.kind, made.id])
    return session.clock() - made.exchange.ended > (limit or 0.0)


def _is_lost(session: Session, made: Observation) -> bool:
    """Whether the last looks told nothing: only errors, or states that are none of the stated."""
    looks = session.ledger.instances[made.kind.kind, made.id].asked[-FRUITLESS:]
    life = made.kind.life
    assert life is not None
    states = [at(e.answer, life.state) if e.succeeded else None for e in looks]
    return len(looks) == FRUITLESS and not any(state in life.states for state in states)


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
    """The links of what was made, where they lead to the same server."""
    here = url_parts(session.settings.base_url)
    followed = 0
    for instance, creation in session.ledger.made():
        url = creation.get(instance.kind.link)
        ours = instance.kind is operation.resource and creation.exchange.credential == OWNER
        # The key goes to no other host.
        if ours and isinstance(url, str) and url_parts(url)[:2] == here[:2]:
            session.send("GET", url, OWNER)
            followed += 1
    if not followed:
        raise NotTested("needs a link to the same host")


@step("lifecycle", of=living)
def ended(session: Session, operation: OperationBehaviour) -> None:
    """What has come to each end is asked for by everybody, and its list by every state."""
    kind = operation.resource
    assert kind is not None
    assert kind.life is not None
    for state in kind.life.final:
        reached = (
            one
            for one in _own_ones(session, kind)
            if one.exchange.credential == OWNER
            and any(o.state == state for o in session.ledger.instances[kind.kind, one.id].looks)
        )
        for one in islice(reached, 1):
            _look_from_outside(session, kind, one.id, OWNER, 0)
            _look_nearby(session, kind, one.id)
            _look_by_state(session, kind, one.id)


@step("lifecycle", of=creating)
def repeat_later(session: Session, operation: OperationBehaviour) -> None:
    """Every key again, once what it has made has ended and many others came: it counts as used."""
    used = [e for e in session.ledger.creations if e.operation is operation and e.key]
    first = {e.key: e for e in reversed(used) if e.succeeded}
    for number, made in enumerate(reversed(first.values())):
        _ask_again(session, operation, made, number)
