"""Layer 1: a fixed table of single requests. None of them may cost anything."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from flora_contract.conformance.exchange import ABSENT, BROKE, OTHER, OWNER
from flora_contract.conformance.scenarios import scenario
from flora_contract.conformance.session import NotTested, wrong_credentials
from flora_contract.conformance.values import (
    GARBAGE_CURSORS,
    UNKNOWN_MODELS,
    UNKNOWN_PROJECT,
    UNKNOWN_RUN,
    UNKNOWN_WORKSPACE,
)

if TYPE_CHECKING:
    from flora_contract.conformance.ledger import Place
    from flora_contract.conformance.session import Session

ROUTES = ("/generate", "/runs/generation")

PROMPT = "A cinematic product photo of a ceramic mug on a sunlit table"


def home(session: Session) -> Place:
    """Where the owner's runs go. Raises NotTested when it is not known."""
    place = session.settings.home
    if place is None:
        raise NotTested("needs --workspace and --project")
    return place


def body(place: Place, **changes: Any) -> dict[str, Any]:
    """A valid request for an image, with changes; a field changed to `...` is left out."""
    fields = {
        "type": "image",
        "prompt": PROMPT,
        "workspace_id": place.workspace,
        "project_id": place.project,
    } | changes
    return {name: value for name, value in fields.items() if value is not ...}


@scenario("requests")
def read_the_history(session: Session) -> None:
    """The history, as it is before anything is done."""
    session.list()
    session.list({"limit": 100})


@scenario("requests")
def no_key(session: Session) -> None:
    """Every operation without a key."""
    session.list(credential=ABSENT)
    session.get_run(UNKNOWN_RUN, ABSENT)
    for route in ROUTES:
        session.create(body(home(session)), ABSENT, path=route)


@scenario("requests")
def wrong_keys(session: Session) -> None:
    """Every operation with keys that are nearly right."""
    keys = wrong_credentials(session.settings.api_key or "")
    session.together(
        partial(read, credential=credential, authorization=header)
        for credential, header in keys
        for read in (session.list, partial(session.get_run, UNKNOWN_RUN))
    )
    request = body(home(session))
    session.together(
        partial(session.create, request, credential, path=route, authorization=header)
        for credential, header in keys
        for route in ROUTES
    )


def wrong_bodies(place: Place) -> list[Any]:
    """Bodies of which each is wrong in one way."""
    changes: list[dict[str, Any]] = [
        {"type": ...},
        {"prompt": ...},
        {"workspace_id": ...},
        {"project_id": ...},
        {"prompt": ""},
        {"type": "t2i"},
        {"type": "i2v"},
        {"type": "text-to-image"},
        {"type": "IMAGE"},
        {"type": "image "},
        {"type": ""},
        {"workspace_id": place.workspace.removeprefix("ws_")},
        {"project_id": place.project.removeprefix("prj_")},
        {"workspace_id": place.project},
        {"project_id": place.workspace},
        {"workspace_id": ""},
        {"prompt": 42},
        {"prompt": None},
        {"prompt": [PROMPT]},
        {"type": 1},
        {"type": None},
        {"workspace_id": 7},
        {"project_id": {"id": place.project}},
        {"project_id": None},
        {"model": {"model_id": "t2i-flux-2-pro"}},
        {"model": 3},
        {"params": [1]},
        {"params": "seed=1"},
        *({"model": name} for name in UNKNOWN_MODELS),
        {"workspace_id": UNKNOWN_WORKSPACE},
        {"project_id": UNKNOWN_PROJECT},
    ]
    return [
        *(body(place, **change) for change in changes),
        b"",
        b"{",
        b"prompt=mug&type=image",
        b'{"type": "image",}',
        b"\xff\xfe",
        b"[]",
        b'"image"',
        b"null",
    ]


@scenario("requests")
def wrong_requests_to_generate(session: Session) -> None:
    """Everything that the documents say is wrong with a body, each alone, to POST /generate."""
    _send_wrong_bodies(session, "/generate")


@scenario("requests")
def wrong_requests_to_the_older_route(session: Session) -> None:
    """The same to POST /runs/generation."""
    _send_wrong_bodies(session, "/runs/generation")


def _send_wrong_bodies(session: Session, route: str) -> None:
    place = home(session)
    session.list({"limit": 5})
    session.together(partial(session.create, each, path=route) for each in wrong_bodies(place))
    session.list({"limit": 5})


@scenario("requests")
def wrong_queries(session: Session) -> None:
    """Everything that is wrong with a query of the history, each alone."""
    queries = [
        *({"limit": limit} for limit in ("0", "-1", "many", "1.5", "101", "100000")),
        *({"status": status} for status in ("done", "COMPLETED", "completed,failed")),
        *({"cursor": cursor} for cursor in GARBAGE_CURSORS),
        {"workspace_id": "no-prefix"},
        {"project_id": "no-prefix"},
        {"workspace_id": "prj_abc123"},
    ]
    session.together(partial(session.list, query) for query in queries)


@scenario("requests")
def unknown_runs(session: Session) -> None:
    """Runs that nobody has made, and ids that are none."""
    odd = ("no-prefix", "run_", "run_ %2e%2e", "prj_abc123", "run_\N{SNOWMAN}")
    session.together(partial(session.get_run, run_id) for run_id in (UNKNOWN_RUN, *odd))


@scenario("requests")
def statuses_of_the_history(session: Session) -> None:
    """The history, filtered by each documented status and by the caller's own places."""
    places = [p for p in (session.settings.home, session.ledger.facts.second) if p is not None]
    queries = [
        *({"status": status} for status in ("pending", "running", "completed", "failed")),
        *({"workspace_id": place.workspace} for place in places),
        *({"project_id": place.project} for place in places),
    ]
    session.together(partial(session.list, query) for query in queries)


@scenario("requests")
def another_account_s_places(session: Session) -> None:
    """Runs and history in a workspace of another account."""
    foreign = session.ledger.facts.foreign
    if foreign is None:
        raise NotTested("needs --foreign-workspace and --foreign-project")
    session.list({"workspace_id": foreign.workspace})
    session.list({"project_id": foreign.project})
    own = home(session)
    for route in ROUTES:
        session.create(body(foreign), path=route)
        session.create(body(own, project_id=foreign.project), path=route)


@scenario("requests")
def no_credits(session: Session) -> None:
    """A run in an account without credits, and that it is not there afterwards."""
    if session.settings.broke_api_key is None:
        raise NotTested("needs --broke-api-key")
    place = session.settings.broke
    if place is None:
        raise NotTested("needs --broke-workspace and --broke-project")
    session.list({"limit": 5}, BROKE)
    answers = [session.create(body(place), BROKE, path=route) for route in ROUTES]
    session.list({"limit": 5}, BROKE)
    if all(answer.status in {403, 404} for answer in answers):
        raise NotTested("needs --broke-workspace and --broke-project that --broke-api-key owns")


@scenario("requests")
def the_other_account(session: Session) -> None:
    """The history of the other account."""
    if session.settings.other_api_key is None:
        raise NotTested("needs --other-api-key")
    session.list({"limit": 100}, OTHER)
    session.get_run(UNKNOWN_RUN, OTHER)


__all__ = ["OWNER", "PROMPT", "ROUTES", "body", "home"]
