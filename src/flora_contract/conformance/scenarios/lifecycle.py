"""Layer 2: a few runs from start to end, polled in one loop. Each accepted creation is paid."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Barrier
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import orjson

from flora_contract.conformance.exchange import OTHER, OWNER, Exchange
from flora_contract.conformance.scenarios import scenario
from flora_contract.conformance.scenarios.requests import body, home
from flora_contract.conformance.session import NotTested
from flora_contract.conformance.values import UNKNOWN_PROJECT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flora_contract.conformance.ledger import Observation
    from flora_contract.conformance.session import Session

NEAR_PAUSES = (0.0, 0.03, 0.07, 0.15, 0.25)
"""Seconds between looks at open runs on loopback; the last one repeats."""

FAR_PAUSE = 3.0
"""Seconds between looks elsewhere: the documents ask for 2 to 5."""

SIMULTANEOUS = 4

ASTRAL = "Чашка \N{TEAPOT} 茶碗 \N{SPARKLES} e\N{COMBINING ACUTE ACCENT}"
BIDI = "mug \N{RIGHT-TO-LEFT OVERRIDE}gum\N{POP DIRECTIONAL FORMATTING}"
QUOTED = "a \"mug\"\n\tand \\ 'cup' </script> {{x}} %s ; --"
LONG = "a mug, " * 800


@scenario("lifecycle")
def start_a_run_and_read_it(session: Session) -> None:
    """The first run: as the documents' example has it, read at once, listed at once."""
    created = session.create(body(home(session)), paid=True)
    read_at_once(session, created)
    for status in ("pending", "running"):
        if (run_id := run_of(created)) is not None:
            session.list({"status": status})
            session.get_run(run_id)


def read_at_once(session: Session, created: Exchange) -> None:
    """Look at a run right after its creation, alone and in the history."""
    run_id = run_of(created)
    if run_id is not None:
        session.get_run(run_id)
        session.list({"limit": 100})


def run_of(created: Exchange) -> str | None:
    """Id of the run that a creation started; None when it started none."""
    run_id = created.answer_object.get("run_id")
    return run_id if created.succeeded and isinstance(run_id, str) and run_id else None


@scenario("lifecycle")
def repeat_a_request(session: Session) -> None:
    """The same request twice under one key, then another one under that key."""
    request, key = body(home(session)), session.key()
    first = session.create(request, key=key, paid=True)
    if first.succeeded:
        session.create(request, key=key)
        session.create(body(home(session), prompt="Another prompt"), key=key)
        session.list({"limit": 100})


@scenario("lifecycle")
def the_older_route(session: Session) -> None:
    """POST /runs/generation with a model, and with parameters if it takes them; and once more."""
    model = _known_model(session)
    request = body(home(session), **({"model": model} if model else {}))
    key, path = session.key(), "/runs/generation"
    params = {"aspect_ratio": "16:9", "seed": 7}
    created = session.create(request | {"params": params}, path=path, key=key, paid=True)
    if created.status == 400:
        created = session.create(request, path=path, key=key, paid=True)
    read_at_once(session, created)
    if created.succeeded:
        session.create(created.request.body, path=path, key=key)


def _known_model(session: Session) -> str | None:
    for exchange in session.ledger.creations:
        model = exchange.answer_object.get("model")
        if (
            exchange.succeeded
            and isinstance(model, dict)
            and isinstance(model.get("model_id"), str)
        ):
            return str(model["model_id"])
    return None


@scenario("lifecycle")
def every_type_after_a_refusal(session: Session) -> None:
    """A run of each type, with odd prompts, under keys that refused requests had before.

    The last key is the first one in capitals, and so another.
    """
    place = home(session)
    first, second = session.key(), session.key()
    session.create(body(place, prompt=""), key=first)
    session.create(body(place, type="video", prompt=ASTRAL), key=first, paid=True)
    session.create(body(place, project_id=UNKNOWN_PROJECT), key=second)
    session.create(body(place, type="audio", prompt=BIDI), key=second, paid=True)
    session.create(body(place, type="text", prompt=QUOTED), key=first.upper(), paid=True)


@scenario("lifecycle")
def a_run_that_fails(session: Session) -> None:
    """A run of a model that is known to fail."""
    model = session.settings.failing_model
    if model is None:
        raise NotTested("needs --failing-model")
    request, key = body(home(session), model=model), session.key()
    created = session.create(request, key=key, paid=True)
    read_at_once(session, created)


@scenario("lifecycle")
def the_second_workspace(session: Session) -> None:
    """A run in the caller's second workspace."""
    second = session.ledger.facts.second
    if second is None:
        raise NotTested("needs --second-workspace and --second-project")
    session.create(body(second), paid=True)


@scenario("lifecycle")
def without_a_key(session: Session) -> None:
    """Two requests without a key, one with a long prompt: two runs."""
    session.create(body(home(session)), key=None, paid=True)
    session.create(body(home(session), prompt=LONG), key=None, paid=True)


@scenario("lifecycle")
def two_accounts(session: Session) -> None:
    """One key used by two accounts, and each looking for the other's run."""
    foreign = session.ledger.facts.foreign
    if session.settings.other_api_key is None or foreign is None:
        raise NotTested("needs --other-api-key, --foreign-workspace and --foreign-project")
    key = session.key()
    own = session.create(body(home(session)), key=key, paid=True)
    theirs = session.create(body(foreign), OTHER, key=key, paid=True)
    if (run_id := run_of(own)) is not None:
        session.get_run(run_id, OTHER)
        session.list({"limit": 100}, OTHER)
        meta = session.list({"limit": 1}).answer_object.get("meta")
        if isinstance(meta, dict) and meta.get("next_cursor"):
            session.list([("limit", "1"), ("cursor", str(meta["next_cursor"]))], OTHER)
    if (run_id := run_of(theirs)) is not None:
        session.get_run(run_id, OTHER)
        session.get_run(run_id)
        session.list({"limit": 100})


@scenario("lifecycle")
def simultaneous_requests(session: Session) -> None:
    """Several requests under one key at the same time."""
    request, key = body(home(session)), session.key()
    content = orjson.dumps(request)
    session.allow_spending(request["type"])
    gate = Barrier(SIMULTANEOUS)

    def send() -> Exchange:
        gate.wait()
        return session.create(content, key=key)

    with ThreadPoolExecutor(SIMULTANEOUS) as pool:
        sent = [pool.submit(send) for _ in range(SIMULTANEOUS)]
        for future in sent:
            future.result()


@scenario("lifecycle")
def follow_every_run(session: Session) -> None:
    """Look at every open run until it has ended, and at those that have ended once more."""
    await_open_runs(session)
    _look_at(session, _own_runs(session))


def await_open_runs(session: Session) -> None:
    """Look at every open run until it has ended, or has had its time."""
    for pause in _pauses(session):
        still_open = _open_runs(session)
        if not still_open:
            return
        time.sleep(pause)
        session.given_up |= {
            run.run_id  # after this last look
            for run in still_open
            if session.clock() - run.exchange.ended > (session.settings.max_wait or 0.0)
        }
        _look_at(session, still_open)


def _look_at(session: Session, runs: list[Observation]) -> None:
    session.together(partial(session.get_run, run.run_id, run.exchange.credential) for run in runs)


def _pauses(session: Session) -> Iterator[float]:
    interval = session.settings.poll_interval
    if interval is None and not session.settings.loopback:
        interval = FAR_PAUSE
    schedule = NEAR_PAUSES if interval is None else (interval,)
    yield from schedule
    while True:
        yield schedule[-1]


def _own_runs(session: Session) -> list[Observation]:
    """Runs that were started here, as their creations show them."""
    return [run.creation for run in list(session.ledger.runs.values()) if run.creation is not None]


def _open_runs(session: Session) -> list[Observation]:
    looks = session.ledger.runs
    return [
        run
        for run in _own_runs(session)
        if run.run_id not in session.given_up
        and not any(o.final for o in looks[run.run_id].of("retrieve"))
    ]


@scenario("lifecycle")
def follow_a_poll_url(session: Session) -> None:
    """The poll_url of a run, where it leads to the same server."""
    home_url = urlsplit(session.settings.base_url)
    for run in list(session.ledger.runs.values()):
        creation = run.creation
        url = creation.get("poll_url") if creation is not None else None
        if creation is None or creation.exchange.credential != OWNER or not isinstance(url, str):
            continue
        # The key goes to no other host.
        if (urlsplit(url).scheme, urlsplit(url).netloc) == (home_url.scheme, home_url.netloc):
            session.send("GET", url, OWNER)
            return
    raise NotTested("needs a poll_url on the same host")


@scenario("lifecycle")
def repeat_after_the_end(session: Session) -> None:
    """A key again, once its run has ended: it still counts as used; and another account's look."""
    for exchange in list(session.ledger.creations):
        key = exchange.request.header("Idempotency-Key")
        if key and exchange.succeeded and exchange.credential == OWNER:
            path = exchange.request.url.removeprefix(session.settings.base_url)
            session.list({"limit": 100})
            session.create(exchange.request.body, key=key, path=path)
            session.list({"limit": 100})
            if session.settings.other_api_key is not None:
                session.get_run(str(run_of(exchange)), OTHER)
            return
    raise NotTested("needs a run under a key")
