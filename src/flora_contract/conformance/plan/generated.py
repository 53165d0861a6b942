"""Layer 4: inputs and orders that nobody thought of, from schemathesis and Hypothesis.

They give the requests; the session sends them, so that they are recorded, paid and limited like
all others. Nothing here raises inside a rule: Hypothesis would send the failing requests again,
and a fault that depends on time would be lost as flaky. Oracles judge the ledger afterwards.
"""

from __future__ import annotations

import json
import os
from contextlib import contextmanager
from functools import cache, lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flora_contract.conformance.exchange import (
    ABSENT,
    OTHER,
    OWNER,
    PLUMBING,
    Exchange,
    RecordedRequest,
)
from flora_contract.conformance.ledger import named_by
from flora_contract.conformance.plan import every, listing, living, step
from flora_contract.conformance.plan.asking import page
from flora_contract.conformance.plan.dimensions import filter_values
from flora_contract.conformance.plan.drafts import outer_members, valid
from flora_contract.conformance.plan.lifecycle import follow
from flora_contract.conformance.session import NotTested
from flora_contract.conformance.values import unknown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from schemathesis import Case
    from schemathesis.schemas import BaseSchema

    from flora_contract.conformance.session import Session
    from flora_contract.openapi.behaviour import OperationBehaviour

MACHINE_RUNS, MACHINE_STEPS = 6, 10

MADE_BY_MACHINE = 10
PAID_BY_MACHINE = 2
"""What its creates may make of each kind, for nothing and for money."""


@cache
def _store_nothing_here() -> None:
    """Keep the tables of Hypothesis out of the folder of whoever runs this: Unicode takes it 2 s.

    Examples are never kept: they would be sent again, before those of the seed.
    """
    from hypothesis.configuration import set_hypothesis_home_dir

    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    set_hypothesis_home_dir(Path(home, "flora-contract", "hypothesis"))


def _schema(session: Session) -> BaseSchema:
    """The contract for schemathesis, with the caller's own ids as its examples."""
    text = json.dumps(session.behaviour.document.tree)
    for place in session.ledger.facts.places(OWNER)[:1]:
        for kind, id_ in place.items():
            for example in _examples(session, kind):
                text = text.replace(json.dumps(example), json.dumps(id_))
    return _loaded(text)


@lru_cache(maxsize=1)
def _loaded(text: str) -> BaseSchema:
    import schemathesis

    _store_nothing_here()
    return schemathesis.openapi.from_dict(json.loads(text))


def _examples(session: Session, kind: str) -> set[str]:
    """Ids of a kind that the contract has as examples."""
    found: set[str] = set()
    for operation in session.behaviour.operations.values():
        references = operation.resource.references if operation.resource is not None else {}
        members = operation.endpoint.request_members
        for name, reference in references.items():
            if reference.to == kind and name in members:
                found |= {e for e in members[name].schema.get("examples", ()) if isinstance(e, str)}
    return found


class _Stop(BaseException):
    """Ends what Hypothesis drives, at once: it replays only what is an Exception."""


@contextmanager
def _stoppable() -> Iterator[None]:
    try:
        yield
    except _Stop as reason:
        raise NotTested(str(reason)) from None


def _ask(send: Callable[..., Exchange], *arguments: Any, **more: Any) -> Exchange:
    """Send from within a rule."""
    try:
        return send(*arguments, **more)
    except NotTested as reason:
        raise _Stop(str(reason)) from None


class _Sender:
    """Sends cases of schemathesis; what could make something is sent to where nothing is."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def send(self, case: Case[Any]) -> Exchange | None:
        """Send one case; None for one that is none of ours to send."""
        import requests

        if case.method.upper() != case.operation.method.upper():
            return None  # the documents say nothing of other methods
        prepared = requests.Request(
            **_request_arguments(case.as_transport_kwargs(self.session.settings.base_url))
        ).prepare()
        content: Any = prepared.body or b""
        content = content.encode() if isinstance(content, str) else content
        credential = OWNER if prepared.headers.pop("Authorization", None) is not None else ABSENT
        headers = {k: str(v) for k, v in prepared.headers.items() if k.lower() not in PLUMBING}
        request = RecordedRequest(prepared.method or "GET", str(prepared.url), (), content)
        planned = self.session.ledger.exchange_of(request, credential)
        if request.method != "GET":
            if self.session.settings.profile == "read-only" or not _is_ours(planned, self.session):
                return None
            self._rename(planned, headers)
            if self.session.could_be_accepted(planned):
                found = _elsewhere(planned, self.session)
                return self._send(found, headers) if found is not None else None
        return self._send(planned, headers)

    def _send(self, planned: Exchange, headers: dict[str, str]) -> Exchange:
        request = planned.request
        path = request.url.removeprefix(self.session.settings.base_url)
        return _ask(
            self.session.send,
            request.method,
            path,
            planned.credential,
            content=request.body,
            headers=headers,
        )

    def _rename(self, planned: Exchange, headers: dict[str, str]) -> None:
        """Another key than the generated one, which anybody may have used before."""
        stated = planned.operation.idempotency if planned.operation is not None else None
        if stated is not None:
            for name in [name for name in headers if name.lower() == stated.header.lower()]:
                del headers[name]
            headers[stated.header] = self.session.key()


def _is_ours(planned: Exchange, session: Session) -> bool:
    """Whether a request changes nothing but what was made here, or what nobody has."""
    named = named_by(planned)
    operation = planned.operation
    if named is None or (operation is not None and operation.role == "create"):
        return True
    instance = session.ledger.instances.get((named[0].kind, named[1]))
    return instance is None or instance.creation is not None


def _elsewhere(planned: Exchange, session: Session) -> Exchange | None:
    """The same request with a reference that leads to nothing; None where it has none."""
    kind = planned.operation.resource if planned.operation is not None else None
    for member, reference in kind.references.items() if kind is not None else ():
        if member in planned.sent_object:
            id_ = unknown(session.behaviour.kind(reference.to))
            body = json.dumps(planned.sent_object | {member: id_}).encode()
            request = RecordedRequest(planned.request.method, planned.request.url, (), body)
            return session.ledger.exchange_of(request, planned.credential)
    return None


def _request_arguments(arguments: dict[str, Any]) -> dict[str, Any]:
    names = {"method", "url", "headers", "files", "data", "json", "params", "cookies"}
    return {k: v for k, v in arguments.items() if k in names}


@step("generated")
def orders_nobody_thought_of(session: Session) -> None:  # noqa: C901 - its rules are its own
    """A state machine of creations, repetitions, looks and walks, under a small budget."""
    import hypothesis
    from hypothesis import stateful
    from hypothesis import strategies as st

    behaviour = session.behaviour
    paid = PAID_BY_MACHINE if session.settings.profile == "full" else 0
    creations = [o for o in behaviour.with_role("create") if _can(session, o)]
    lists = [o for o in listing(behaviour) if _can(session, o)]
    budget = {o.id: paid if o.charges is not None else MADE_BY_MACHINE for o in creations}
    common = [sum(1 for o in creations if o.charges is not None) and paid]
    places = session.ledger.facts.places(OWNER) or (None,)

    class Machine(stateful.RuleBasedStateMachine):
        started = stateful.Bundle("started")
        pages = stateful.Bundle("pages")

        @stateful.rule(target=started, data=st.data(), place=st.sampled_from(places))
        def create(self, data: Any, place: Any) -> Any:
            if not creations:
                return stateful.multiple()
            operation = data.draw(st.sampled_from(creations))
            charged = operation.charges is not None
            if not (common[0] if charged else budget[operation.id]):
                return stateful.multiple()
            common[0] -= charged
            budget[operation.id] -= 1
            sets = {n: m.values for n, m in outer_members(operation).items() if m.values}
            chosen = {name: data.draw(st.sampled_from(values)) for name, values in sets.items()}
            call = valid(session, operation, place=place).sending(**chosen)
            exchange = _ask(session.ask, call)
            return exchange if exchange.succeeded else stateful.multiple()

        @stateful.rule(exchange=started)
        def repeat(self, exchange: Exchange) -> None:
            stated = exchange.operation.idempotency if exchange.operation is not None else None
            if stated is not None:
                _ask(session.send_again, exchange)

        @stateful.rule(number=st.integers(0, 9), stranger=st.booleans())
        def look(self, number: int, stranger: bool) -> None:
            credential = OTHER if stranger and session.settings.other_api_key else OWNER
            readable = [i for i, _ in session.ledger.made() if i.kind.read and not i.deletions]
            if readable:
                one = readable[-1 - number % len(readable)]
                operation = behaviour.of(str(one.kind.read))
                _ask(session.ask, valid(session, operation, id_=one.id), credential)

        @stateful.rule(target=pages, data=st.data(), filtered=st.booleans())
        def first_page(self, data: Any, filtered: bool) -> Any:
            if not lists:
                return stateful.multiple()
            operation = data.draw(st.sampled_from(lists))
            size = data.draw(st.sampled_from([1, 2, 5, 20, 100]))
            return _ask(session.ask, page(session, operation, size=size).asking(
                **(_one_filter(session, operation, data) if filtered else {})
            ))  # fmt: skip

        @stateful.rule(target=pages, exchange=pages)
        def next_page(self, exchange: Exchange) -> Any:
            found = next((p for p in session.ledger.pages if p.exchange is exchange), None)
            # Whether what is filtered by a state is followed by a page, hangs on the clock.
            if found is None or found.next is None or _by_state(found):
                return stateful.multiple()
            name = str(found.listing.cursor or found.listing.offset)
            query = {k: v[0] for k, v in exchange.request.query.items()} | {name: found.next}
            call = valid(session, found.operation).asking(**query)
            return _ask(session.ask, call)

    hypothesis.seed(session.settings.seed)(Machine)
    with _stoppable():
        stateful.run_state_machine_as_test(Machine, settings=_quietly(MACHINE_RUNS, MACHINE_STEPS))


def _can(session: Session, operation: OperationBehaviour) -> bool:
    """Whether a valid request can be made."""
    try:
        valid(session, operation)
    except NotTested:
        return False
    return True


def _one_filter(session: Session, operation: OperationBehaviour, data: Any) -> dict[str, str]:
    from hypothesis import strategies as st

    stated = operation.listing.filters if operation.listing is not None else {}
    values = {n: v for n in stated if (v := filter_values(session, operation, n, OWNER))}
    if not values:
        return {}
    name = data.draw(st.sampled_from(sorted(values)))
    return {name: data.draw(st.sampled_from(values[name]))}


def _by_state(found: Any) -> bool:
    kind = found.operation.resource
    life = kind.life if kind is not None else None
    return life is not None and any(
        found.listing.filters[name].member == life.state for name in found.filters
    )


def _cases(session: Session, operation: OperationBehaviour) -> Any:
    """An operation as schemathesis has it."""
    found: Any = _schema(session).get_all_operations()
    for result in found:
        if result.ok().definition.raw.get("operationId") == operation.id:
            return result.ok()
    raise AssertionError(operation.id)


@step("generated", of=every)
def boundary_cases(session: Session, operation: OperationBehaviour) -> None:
    """The boundary cases of schemathesis for an operation: valid and invalid ones."""
    from schemathesis.generation import GenerationMode

    sender, found = _Sender(session), _cases(session, operation)
    cases = found.schema.iter_coverage_cases(
        found,
        generation_modes=[GenerationMode.POSITIVE, GenerationMode.NEGATIVE],
        generation_config=found.schema.config.generation,
    )
    with _stoppable():
        session.together(partial(sender.send, case) for case in cases)


def _quietly(examples: int, steps: int = 1) -> Any:
    """Settings under which Hypothesis only generates: no replay, no shrinking, no clock."""
    import hypothesis

    _store_nothing_here()
    return hypothesis.settings(
        max_examples=examples,
        stateful_step_count=steps,
        phases=[hypothesis.Phase.generate],
        database=None,
        deadline=None,
        suppress_health_check=list(hypothesis.HealthCheck),
        print_blob=False,
    )


@step("generated", of=living)
def follow_the_rest(session: Session, operation: OperationBehaviour) -> None:
    """Look at what this layer has made until it has ended, and at all once more."""
    follow(session, operation)
