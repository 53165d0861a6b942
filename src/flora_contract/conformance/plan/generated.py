"""Layer 4: inputs and orders that nobody thought of, from schemathesis and Hypothesis.

They give the requests; the session sends them, so that they are recorded, paid and limited like
all others. Nothing here raises inside a rule: Hypothesis would send the failing requests again,
and a fault that depends on time would be lost as flaky. Oracles judge the ledger afterwards.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from functools import cache, lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flora_contract.conformance.exchange import (
    ABSENT,
    OTHER,
    OWNER,
    PLUMBING,
    Credential,
    Exchange,
    RecordedRequest,
)
from flora_contract.conformance.ledger import named_by
from flora_contract.conformance.plan import every, listing, living, step
from flora_contract.conformance.plan.asking import look, made_by, take
from flora_contract.conformance.plan.dimensions import POSITION, covering, dimensions, every_pair
from flora_contract.conformance.plan.lifecycle import follow
from flora_contract.conformance.session import NotTested
from flora_contract.conformance.values import unknown

if TYPE_CHECKING:
    from schemathesis import Case
    from schemathesis.schemas import BaseSchema

    from flora_contract.conformance.plan.dimensions import Case as PlannedCase
    from flora_contract.conformance.session import Session
    from flora_contract.openapi.behaviour import OperationBehaviour

FUZZED = 4
"""Examples for each operation and mode."""

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
        return self.session.send(
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
def orders_nobody_thought_of(session: Session) -> None:
    """A state machine of creations, repetitions, looks and lists, under a small budget."""
    import hypothesis
    from hypothesis import stateful
    from hypothesis import strategies as st

    behaviour = session.behaviour
    asked = [*behaviour.with_role("create"), *listing(behaviour)]
    cases = {o.id: _at_the_beginning(session, o) for o in asked}
    left = {o.id: MADE_BY_MACHINE for o in asked if o.charges is None}

    class Machine(stateful.RuleBasedStateMachine):
        started = stateful.Bundle("started")

        @stateful.rule(target=started, data=st.data(), operation=st.sampled_from(asked))
        def ask(self, data: Any, operation: OperationBehaviour) -> Any:
            budget = operation.id if operation.charges is None else "charged"
            if operation.role == "create":
                left[budget] = left.get(budget, PAID_BY_MACHINE) - 1
            if left.get(budget, 0) < 0:
                return stateful.multiple()
            made = take(session, operation, data.draw(st.sampled_from(cases[operation.id])), set())
            return made if made is not None and made_by(made) else stateful.multiple()

        @stateful.rule(exchange=started)
        def repeat(self, exchange: Exchange) -> None:
            with suppress(NotTested):
                if exchange.key:
                    session.send_again(exchange)

        @stateful.rule(number=st.integers(0, 9), credential=st.sampled_from([OWNER, OTHER]))
        def look(self, number: int, credential: Credential) -> None:
            readable = [i for i, _ in session.ledger.made() if i.kind.read and not i.deletions]
            with suppress(NotTested):
                if readable and credential in session.known:
                    one = readable[-1 - number % len(readable)]
                    look(session, one.kind, one.id, credential)

    hypothesis.seed(session.settings.seed)(Machine)
    stateful.run_state_machine_as_test(Machine, settings=_quietly(MACHINE_RUNS, MACHINE_STEPS))


def _at_the_beginning(session: Session, operation: OperationBehaviour) -> list[PlannedCase]:
    """Cases of an operation, without the pages that follow: how many, hangs on the clock."""
    of = dimensions(session, operation)
    session.pairs.expect(operation.id, every_pair(of))
    of.pop(POSITION, None)
    return covering(of, str(session.settings.seed))


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
    session.together(partial(sender.send, case) for case in cases)


@step("generated", of=every)
def fuzzed_inputs(session: Session, operation: OperationBehaviour) -> None:
    """Random inputs for an operation, from the seed: valid and invalid ones."""
    from schemathesis.generation import GenerationMode

    sender, found = _Sender(session), _cases(session, operation)
    for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
        cases = _drawn(found.as_strategy(mode), session.settings.seed)
        session.together(partial(sender.send, case) for case in cases)


def _drawn(strategy: Any, seed: int) -> list[Any]:
    import hypothesis

    drawn: list[Any] = []

    def draw(case: Any) -> None:
        drawn.append(case)

    driven: Any = hypothesis.given(case=strategy)(draw)
    hypothesis.seed(seed)(_quietly(FUZZED)(driven))()
    return drawn


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
