"""The page for people: what moves by itself, and what was asked. A script keeps it live."""

from __future__ import annotations

import base64
import hashlib
from datetime import UTC, datetime
from http import HTTPStatus
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import orjson
from markupsafe import Markup

from flora_contract.mock import faults
from flora_contract.mock.state.entities import MICROS, Selection
from flora_contract.openapi.examples import body_example
from flora_contract.report.page import STYLESHEET, environment

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flora_contract.mock.resources import KeptResource
    from flora_contract.mock.state.entities import Entity
    from flora_contract.mock.state.store import Account, Store
    from flora_contract.openapi.behaviour import Behaviour

SHOWN: Final = 12
SHOWN_REQUESTS: Final = 40
SHOWN_ACCOUNTS: Final = 20

_FOLDER: Final = Path(__file__).parent
_SCRIPT: Final = (_FOLDER / "watch.js").read_text(encoding="utf-8")
_STYLE: Final = STYLESHEET + (_FOLDER / "watch.css").read_text(encoding="utf-8")
_TEMPLATE: Final = environment.from_string((_FOLDER / "watch.html").read_text(encoding="utf-8"))

POLICY: Final = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; media-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    f"script-src 'sha256-{base64.b64encode(hashlib.sha256(_SCRIPT.encode()).digest()).decode()}'"
)


def page(
    store: Store,
    exchanges: list[dict[str, Any]],
    behaviour: Behaviour,
    resources: Mapping[str, KeptResource],
    origin: str,
    *,
    whole: bool,
) -> str:
    """The document, or only what changes: the script puts that in place of what it shows."""
    now = store.now()
    moving = {name: kept for name, kept in resources.items() if kept.kind.steps is not None}
    return _TEMPLATE.render(
        whole=whole,
        style=Markup(_STYLE),  # noqa: S704 - our own source, as is the script
        script=Markup(_SCRIPT),  # noqa: S704
        base_url=f"{origin}{behaviour.contract.base}",
        clock=_time(now),
        ahead=store.world.clock_offset // 1000,
        counts=_counts(store, moving, now),
        entities=[_entity(entity, resources[entity.kind], now) for entity in store.recent(SHOWN)],
        start=_start(behaviour, moving),
        requests=[_request(exchange) for exchange in exchanges[-SHOWN_REQUESTS:][::-1]],
        faults=_faults(store, now),
        accounts=[
            _account(store, account, now)
            for account in islice(store.world.accounts.values(), SHOWN_ACCOUNTS)
        ],
        moving=" and ".join(f"{name}s" for name in moving) or "Nothing moves by itself",
        kinds=list(faults.KINDS),
        operations=list(behaviour.operations),
        keys=list(store.world.accounts),
    )


def _counts(
    store: Store, moving: Mapping[str, KeptResource], now: int
) -> dict[str, tuple[str, int]]:
    """How many are in each state, and how good that is."""
    found: dict[str, tuple[str, int]] = {}
    for name, kept in moving.items():
        assert kept.kind.steps is not None
        for state in kept.kind.steps.states:
            selections = [
                Selection(name, owner, state=state) for owner in ("", *store.world.accounts)
            ]
            number = sum(store.total(selection, now) for selection in selections)
            found[state] = _grade(kept, state), number + found.get(state, ("", 0))[1]
    return found


def _faults(store: Store, now: int) -> list[dict[str, Any]]:
    """Those that can still strike, by their places among all."""
    fired = store.fired()
    return [
        {**rule, "number": number, "fired": fired.get(number, 0)}
        for number, rule in enumerate(store.world.faults)
        if faults.is_on(rule, now)
        and (rule["count"] is None or fired.get(number, 0) < rule["count"])
    ]


def _account(store: Store, account: Account, now: int) -> dict[str, str]:
    places = ", ".join(f"{name}: {len(some):,}" for name, some in account.holds.items() if some)
    funds = store.funds(account.key, now) / MICROS
    return {"key": account.key, "credits": f"{funds:,.3f}", "places": places}


def _start(behaviour: Behaviour, moving: Mapping[str, KeptResource]) -> dict[str, str] | None:
    """What to send for the first that moves."""
    for name, kept in moving.items():
        for operation_id in kept.stated.create:
            endpoint = behaviour.of(operation_id).endpoint
            body = body_example(endpoint.operation)
            if body is not None:
                return {
                    "kind": name.lower(),
                    "path": endpoint.path,
                    "body": orjson.dumps(body).decode(),
                }
    return None


def _entity(entity: Entity, kept: KeptResource, now: int) -> dict[str, Any]:
    steps, life = kept.kind.steps, kept.stated.life
    assert steps is not None
    assert life is not None
    state = steps.state(entity, now)
    title, detail = kept.handler.about(entity)
    ended = now >= entity.ended
    return {
        "id": entity.id,
        "title": title[:300],
        "detail": detail,
        "state": state,
        "grade": _grade(kept, state),
        "progress": 100
        if ended
        else 100 * (now - entity.created) // (entity.ended - entity.created),
        "cost": entity.cost / MICROS,
        "exhibits": kept.handler.exhibits(entity) if ended and state not in steps.failed else [],
        "error": [
            entity.facts.get(path or "", "") for path in (life.error_code, life.error_message)
        ]
        if state in steps.failed
        else None,
        "created": _time(entity.created),
    }


def _grade(kept: KeptResource, state: str) -> str:
    steps = kept.kind.steps
    assert steps is not None
    if state in steps.failed:
        return "bad"
    return "good" if state in steps.order[-1] else "note" if steps.rank(state) else ""


def _request(exchange: dict[str, Any]) -> dict[str, Any]:
    status = exchange["status"]
    grade = "bad" if status is None or status >= 500 else "warn" if status >= 400 else "good"
    phrase = HTTPStatus(status).phrase if status else "No answer"
    wrong = bool(exchange["problems"]) or grade != "good"
    shown = {"grade": grade, "phrase": phrase, "wrong": wrong, "time": _time(exchange["at"])}
    return {**exchange, **shown}


def _time(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds / 1000, UTC).strftime("%H:%M:%S")
