"""What of FLORA the client can tell apart: creates by idempotency key, runs, and their history.

Behind it a network that breaks, as often as a test says and the same for the same seed.
"""

from __future__ import annotations

import random
import time
from email.utils import formatdate
from typing import Any

from attrs import define, evolve, field

from .server import Reply, Seen

FAULTS = (
    "lost_answer",
    "reset_before_acceptance",
    "reset_after_acceptance",
    "gateway_error_after_acceptance",
    "truncated_body",
    "not_json",
    "slow_answer",
)

_ACCEPTED = {"run_id", "type", "charged_cost", "estimated_seconds", "poll_url", "project_id"}


@define(eq=False)
class FakeFlora:
    """The API as documented (S001, S003). A duplicate key is 409 within two hours (C5)."""

    fault: str | None = None
    rate: float = 0.3
    seed: int = 0
    slowness: float = 0.6
    clock_ahead: float = 10_000.0
    """Its clock is not ours."""
    lag: float = 0.0
    """Seconds until a run is shown in the history."""
    replays: bool = False
    """A duplicate key is answered as the first time instead (C5, reading B)."""
    runs: list[dict[str, Any]] = field(factory=list)
    by_key: dict[str, dict[str, Any]] = field(factory=dict)
    broken: int = 0
    """Answers that suffered the fault."""
    _prompts: dict[str, str] = field(factory=dict)
    _random: random.Random = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._random = random.Random(self.seed)

    def now(self) -> float:
        return time.time() + self.clock_ahead

    def __call__(self, seen: Seen) -> Reply:
        broken = self.fault is not None and self._random.random() < self.rate
        self.broken += broken
        if broken and self.fault == "reset_before_acceptance":
            return Reply(fault="reset")
        reply = self._answer(seen)
        if broken and self.fault == "gateway_error_after_acceptance":
            page = "<html><h1>502 Bad Gateway</h1></html>"
            reply = Reply(502, page, {"content-type": "text/html"})
        elif broken and self.fault == "not_json":
            reply = evolve(reply, body=b"<!doctype html><p>One moment</p>")
        elif broken and self.fault == "slow_answer":
            reply = evolve(reply, delay=self.slowness)
        elif broken:
            how = {"lost_answer": "close", "reset_after_acceptance": "reset"}
            reply = evolve(reply, fault=how.get(str(self.fault), "truncate"))
        date = formatdate(self.now(), usegmt=True)
        return evolve(reply, headers={**reply.headers, "date": date})

    def _answer(self, seen: Seen) -> Reply:
        path = seen.path.removeprefix("/api/v1")
        if seen.method == "POST" and path in {"/generate", "/runs/generation"}:
            return self._create(seen)
        if seen.method == "GET" and path == "/generations":
            return self._history(seen)
        for run in self.runs:
            if path == f"/runs/{run['run_id']}":
                return Reply(200, run)
        return refusal(404, "not_found")

    def _create(self, seen: Seen) -> Reply:
        key = seen.headers["idempotency-key"]
        if key in self.by_key and not self.replays:
            return refusal(409, "idempotency_duplicate")
        run = self.by_key.get(key) or self.add(**seen.json())
        self.by_key[key] = run
        accepted = {name: value for name, value in run.items() if name in _ACCEPTED}
        return Reply(201, {**accepted, "type": "generation"})

    def add(
        self, *, prompt: str, workspace_id: str, project_id: str, **rest: Any
    ) -> dict[str, Any]:
        """A run, as if somebody had started it."""
        run_id = f"run_{len(self.runs):06}"
        run = {
            "run_id": run_id,
            "generation_id": run_id,
            "status": "pending",
            "progress": 0,
            "created_at": self.now(),
            "charged_cost": 0.04,
            "estimated_seconds": 1,
            "workspace_id": workspace_id,
            "project_id": project_id,
            "model": {"model_id": rest.get("model")},
        }
        self.runs.append(run)
        self._prompts[run_id] = prompt
        return run

    def prompt_of(self, run_id: str) -> str:
        return self._prompts[run_id]

    def _history(self, seen: Seen) -> Reply:
        asked = {k: v for k, v in seen.query.items() if k in {"workspace_id", "project_id"}}
        shown = [
            {k: v for k, v in run.items() if k != "estimated_seconds"}
            for run in reversed(self.runs)
            if asked.items() <= run.items() and run["created_at"] + self.lag <= self.now()
        ]
        start, limit = int(seen.query.get("cursor", "0")), int(seen.query.get("limit", "50"))
        more = str(start + limit) if len(shown) > start + limit else None
        page = shown[start : start + limit]
        return Reply(200, {"generations": page, "meta": {"next_cursor": more}})


def refusal(status: int, code: str, message: str = "No.", **headers: str) -> Reply:
    """An error in the documented envelope (S000)."""
    return Reply(status, {"error": {"code": code, "message": message}}, headers)
