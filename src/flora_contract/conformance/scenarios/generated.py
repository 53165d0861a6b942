"""Layer 4: inputs and orders that nobody thought of, from schemathesis and Hypothesis.

They give the requests; the session sends them, so that they are recorded, paid and limited like
all others. Nothing here raises inside a rule: Hypothesis would send the failing requests again,
and a fault that depends on time would be lost as flaky. Oracles judge the ledger afterwards.
"""

from __future__ import annotations

import json
import os
import threading
from contextlib import contextmanager, nullcontext
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flora_contract import shipped
from flora_contract.conformance.contract import CREATE, LIST
from flora_contract.conformance.exchange import ABSENT, OTHER, OWNER, PLUMBING, Exchange
from flora_contract.conformance.ledger import Remark
from flora_contract.conformance.scenarios import scenario
from flora_contract.conformance.scenarios.lifecycle import await_open_runs, follow_every_run
from flora_contract.conformance.scenarios.requests import ROUTES, body, home
from flora_contract.conformance.session import NotTested
from flora_contract.conformance.values import UNKNOWN_PROJECT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from schemathesis import Case
    from schemathesis.core.transport import Response as StResponse
    from schemathesis.schemas import BaseSchema

    from flora_contract.conformance.session import Session

FUZZED = 10
"""Examples for each operation and mode."""

MACHINE_RUNS, MACHINE_STEPS = 6, 10

LINKED_RUNS, LINKED_STEPS = 5, 6

PAID_PER_OPERATION = 1
"""Generated requests that may start a run; all others name a project that does not exist."""

PAID_BY_MACHINE = 4


@cache
def _store_nothing_here() -> None:
    """Keep the tables of Hypothesis out of the folder of whoever runs this: Unicode takes it 2 s.

    Examples are never kept: they would be sent again, before those of the seed.
    """
    from hypothesis.configuration import set_hypothesis_home_dir

    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    set_hypothesis_home_dir(Path(home, "flora-contract", "hypothesis"))


@cache
def _schema(workspace: str, project: str) -> BaseSchema:
    """The contract for schemathesis, with the caller's own ids as its examples."""
    import schemathesis

    _store_nothing_here()
    tree = json.dumps(shipped.contract("conformance").tree)
    tree = tree.replace("ws_abc123", workspace).replace("prj_abc123", project)
    return schemathesis.openapi.from_dict(json.loads(tree))


def _operations(session: Session) -> list[Any]:
    place = home(session)
    results: Any = _schema(place.workspace, place.project).get_all_operations()
    return [result.ok() for result in results]


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
    """Sends cases of schemathesis and keeps what its checks remark."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.place = home(session)
        self._paying = threading.Lock()

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
        authorized = prepared.headers.pop("Authorization", None) is not None
        credential = OWNER if authorized else ABSENT
        operation = case.operation.definition.raw.get("operationId")
        path = str(prepared.url).removeprefix(self.session.settings.base_url)
        headers = {k: str(v) for k, v in prepared.headers.items() if k.lower() not in PLUMBING}
        if operation not in CREATE:
            return _ask(
                self.session.send,
                prepared.method or "GET",
                path,
                credential,
                content=content,
                headers=headers,
            )
        return self._create(str(operation), path, content, headers, authorized=authorized)

    def _create(
        self,
        operation: str,
        path: str,
        content: bytes,
        headers: dict[str, str],
        *,
        authorized: bool,
    ) -> Exchange | None:
        if self.session.settings.profile == "read-only":
            return None
        given = next((v for k, v in headers.items() if k.lower() == "idempotency-key"), None)
        kind = next((v for k, v in headers.items() if k.lower() == "content-type"), None)
        would_be_paid = authorized and self._would_be_paid(content)
        # One at a time: no two may take the last one that is allowed.
        with self._paying if would_be_paid else nullcontext():
            paid = would_be_paid and self._may_pay(operation)
            if would_be_paid and not paid:
                changed = json.loads(content) | {"project_id": UNKNOWN_PROJECT}
                content = json.dumps(changed).encode()
            return _ask(
                self.session.create,
                content,
                OWNER if authorized else ABSENT,
                path=path,
                # A generated key may have been used before by anybody.
                key="" if given is not None else None,
                paid=paid,
                content_type=kind,
            )

    def _would_be_paid(self, content: bytes) -> bool:
        try:
            sent = json.loads(content)
        except ValueError:
            return False
        # Hypothesis may come upon any place that it finds in a module, not only on this one.
        places = (self.place, self.session.ledger.facts.second, self.session.ledger.facts.foreign)
        own = [place.project for place in places if place is not None]
        return isinstance(sent, dict) and sent.get("project_id") in own

    def _may_pay(self, operation: str) -> bool:
        if self.session.settings.profile != "full":
            return False
        paid = sum(
            e.operation == operation and e.succeeded and e.origin in _GENERATING
            for e in self.session.ledger.creations
        )
        return paid < PAID_PER_OPERATION

    def checked(self, case: Case[Any]) -> StResponse | None:
        """Send a case and let schemathesis check the answer."""
        exchange = self.send(case)
        if exchange is None or exchange.response is None:
            return None
        response = _response(exchange)
        self._remark(exchange, case, response)
        return response

    def _remark(self, exchange: Exchange, case: Case[Any], response: StResponse) -> None:
        from schemathesis.core.failures import FailureGroup

        remarks: list[tuple[str, str]] = []
        try:
            case.validate_response(response, checks=_checks())
        except FailureGroup as group:
            remarks = [(type(f).__name__, str(f).partition("\n")[0]) for f in group.exceptions]
        self.session.ledger.remarks.append(Remark(exchange, tuple(remarks)))


_GENERATING = {"boundary-cases", "fuzzed-inputs", "linked-operations"}


def _request_arguments(arguments: dict[str, Any]) -> dict[str, Any]:
    names = {"method", "url", "headers", "files", "data", "json", "params", "cookies"}
    return {k: v for k, v in arguments.items() if k in names}


_CHECKS = {
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
}
"""Checks that look at one answer alone. What a status means, our oracles know better."""


@cache
def _checks() -> list[Any]:
    from schemathesis import checks

    return [c for c in checks.CHECKS.get_all() if c.__name__ in _CHECKS]


def _response(exchange: Exchange) -> StResponse:
    import requests
    from schemathesis.core.transport import Response as StResponse

    assert exchange.response is not None
    headers: dict[str, list[str]] = {}
    for name, value in exchange.response.headers:
        headers.setdefault(name.lower(), []).append(value)
    return StResponse(
        status_code=exchange.response.status,
        headers=headers,
        content=exchange.response.body,
        request=requests.Request(exchange.request.method, exchange.request.url).prepare(),
        elapsed=exchange.elapsed,
        verify=True,
    )


@scenario("generated")
def orders_nobody_thought_of(session: Session) -> None:  # noqa: C901 - its rules are its own
    """A state machine of creations, repetitions, looks and walks, under a small budget of runs."""
    import hypothesis
    from hypothesis import stateful
    from hypothesis import strategies as st

    place = home(session)
    second = session.ledger.facts.second
    budget = [PAID_BY_MACHINE if session.settings.profile == "full" else 0]
    types = st.sampled_from(["image", "video", "audio", "text"])
    limits = st.sampled_from([1, 2, 5, 20, 100])
    statuses = st.sampled_from(["pending", "running", "completed", "failed"])

    class Machine(stateful.RuleBasedStateMachine):
        started = stateful.Bundle("started")
        pages = stateful.Bundle("pages")

        @stateful.rule(
            target=started, kind=types, route=st.sampled_from(ROUTES), away=st.booleans()
        )
        def create(self, kind: str, route: str, away: bool) -> Any:
            if not budget[0]:
                return stateful.multiple()
            budget[0] -= 1
            where = second if away and second is not None else place
            exchange = _ask(session.create, body(where, type=kind), path=route, paid=True)
            return exchange if exchange.succeeded else stateful.multiple()

        @stateful.rule(exchange=started)
        def repeat(self, exchange: Exchange) -> None:
            key = exchange.request.header("Idempotency-Key")
            path = exchange.request.url.removeprefix(session.settings.base_url)
            _ask(session.create, exchange.request.body, path=path, key=key)

        @stateful.rule(exchange=started)
        def look(self, exchange: Exchange) -> None:
            _ask(session.get_run, str(exchange.answer_object.get("run_id")))

        @stateful.rule(number=st.integers(0, 9), stranger=st.booleans())
        def look_at_an_older_one(self, number: int, stranger: bool) -> None:
            runs = list(session.ledger.runs)
            credential = OTHER if stranger and session.settings.other_api_key else OWNER
            if runs:
                _ask(session.get_run, runs[number % len(runs)], credential)

        @stateful.rule(target=pages, limit=limits, here=st.booleans())
        def first_page(self, limit: int, here: bool) -> Any:
            where = {"workspace_id": place.workspace} if here else {}
            return _ask(session.list, {"limit": limit, **where})

        # Leads nowhere: whether it is followed by another page hangs on the clock.
        @stateful.rule(limit=limits, status=statuses)
        def page_of_a_status(self, limit: int, status: str) -> None:
            _ask(session.list, {"limit": limit, "status": status})

        @stateful.rule(target=pages, page=pages)
        def next_page(self, page: Exchange) -> Any:
            meta = page.answer_object.get("meta")
            cursor = meta.get("next_cursor") if isinstance(meta, dict) else None
            if page.operation != LIST or not isinstance(cursor, str):
                return stateful.multiple()
            query = {k: v[0] for k, v in page.request.query.items()} | {"cursor": cursor}
            return _ask(session.list, query)

    hypothesis.seed(session.settings.seed)(Machine)
    with _stoppable():
        stateful.run_state_machine_as_test(Machine, settings=_quietly(MACHINE_RUNS, MACHINE_STEPS))


@scenario("generated")
def boundary_cases(session: Session) -> None:
    """The boundary cases of schemathesis for every operation: valid and invalid ones."""
    from schemathesis.generation import GenerationMode

    sender = _Sender(session)
    for operation in _operations(session):
        cases = operation.schema.iter_coverage_cases(
            operation,
            generation_modes=[GenerationMode.POSITIVE, GenerationMode.NEGATIVE],
            generation_config=operation.schema.config.generation,
        )
        with _stoppable():
            session.together(partial(sender.checked, case) for case in cases)


@scenario("generated")
def fuzzed_inputs(session: Session) -> None:
    """Random inputs for every operation, from the seed: valid and invalid ones."""
    from schemathesis.generation import GenerationMode

    sender = _Sender(session)
    for operation in _operations(session):
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            cases = _drawn(operation.as_strategy(mode), session.settings.seed)
            with _stoppable():
                session.together(partial(sender.checked, case) for case in cases)


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


@scenario("generated")
def linked_operations(session: Session) -> None:
    """Sequences along the links between operations, by the state machine of schemathesis."""
    import hypothesis

    place = home(session)
    sender = _Sender(session)
    # What a filtered page links to must not hang on how far a run has come: the same seed is to
    # send the same requests.
    await_open_runs(session)
    base = _schema(place.workspace, place.project).as_state_machine()

    class Linked(base):  # type: ignore[misc, valid-type]  # made at run time
        def call(self, case: Case[Any], **_: Any) -> StResponse:
            response = sender.checked(case)
            if response is None and session.settings.profile == "read-only":
                raise _Stop("needs --profile free or full")
            if response is None:
                raise _Stop("needs an answer to go on from")
            return response

        def validate_response(self, *_: Any, **__: Any) -> None:
            """Was done when the case was sent."""

    hypothesis.seed(session.settings.seed)(Linked)
    with _stoppable():
        Linked.run(settings=_quietly(LINKED_RUNS, LINKED_STEPS))


@scenario("generated")
def follow_those_that_are_left(session: Session) -> None:
    """Look at the runs of this layer until they have ended, and once more at all."""
    follow_every_run(session)
