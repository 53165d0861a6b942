"""The page for people: runs as they move, and what was asked. A script keeps it live."""

from __future__ import annotations

import base64
import hashlib
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from markupsafe import Markup

from flora_contract.mock.runs import file_name, run_view, text_of
from flora_contract.report.page import STYLESHEET, environment

if TYPE_CHECKING:
    from flora_contract.mock.application import Application
    from flora_contract.mock.runs import Run

SHOWN_RUNS: Final = 12
SHOWN_REQUESTS: Final = 40

_FOLDER: Final = Path(__file__).parent
_SCRIPT: Final = (_FOLDER / "watch.js").read_text(encoding="utf-8")
_STYLE: Final = STYLESHEET + (_FOLDER / "watch.css").read_text(encoding="utf-8")
_TEMPLATE: Final = environment.from_string((_FOLDER / "watch.html").read_text(encoding="utf-8"))

POLICY: Final = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; media-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    f"script-src 'sha256-{base64.b64encode(hashlib.sha256(_SCRIPT.encode()).digest()).decode()}'"
)


def page(application: Application, origin: str) -> str:
    """The whole document."""
    return _TEMPLATE.render(
        whole=True,
        style=Markup(_STYLE),  # noqa: S704 - our own source, as is the script
        script=Markup(_SCRIPT),  # noqa: S704
        **_facts(application, origin),
    )


def view(application: Application, origin: str) -> str:
    """Only what changes: the script puts it in place of what it shows."""
    return _TEMPLATE.render(whole=False, **_facts(application, origin))


def _facts(application: Application, origin: str) -> dict[str, Any]:
    store, base = application.store, application.contract.base
    now = store.now()
    recent = application.exchanges()[-SHOWN_REQUESTS:][::-1]
    return {
        "base_url": f"{origin}{base}",
        "clock": _time(now),
        "ahead": store.world.clock_offset // 1000,
        "counts": store.counts(),
        "runs": [_run(run, now, origin, base) for run in store.recent(SHOWN_RUNS)],
        "requests": [_request(exchange) for exchange in recent],
        "faults": store.world.faults,
        "keys": list(store.world.accounts),
    }


def _run(run: Run, now: int, origin: str, base: str) -> dict[str, Any]:
    shown = run_view(run, now, origin, base)
    outputs = [
        {
            "type": kind,
            "text": text_of(run) if kind == "text" else "",
            "url": "" if kind == "text" else f"/media/{run.run_id}/{file_name(number, kind)}",
        }
        for number, kind in enumerate(run.outputs, 1)
    ]
    return {
        **shown,
        "prompt": run.prompt[:300],
        "type": run.type,
        "model_id": run.model_id,
        "outputs": outputs if shown["status"] == "completed" else [],
        "created": _time(run.created_at),
    }


def _request(exchange: dict[str, Any]) -> dict[str, Any]:
    status = exchange["status"]
    grade = "bad" if status is None or status >= 500 else "warn" if status >= 400 else "good"
    phrase = HTTPStatus(status).phrase if status else "No answer"
    return {**exchange, "grade": grade, "phrase": phrase, "time": _time(exchange["at"])}


def _time(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds / 1000, UTC).strftime("%H:%M:%S")
