"""A run: what is stored of it once, and how it looks at a moment.

Everything about a run is decided when it is created. What the clock says makes it pending,
running, completed or failed; nothing is written when it moves on, so a finished run cannot change.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any, Final, Literal

from flora_contract.mock.catalogue import MICROS

Status = Literal["pending", "running", "completed", "failed"]

PENDING_SHARE: Final = 0.25
"""Part of its time that a run waits before work on it begins."""

EXTENSIONS: Final = {"imageUrl": "png", "videoUrl": "mp4", "audioUrl": "wav", "documentUrl": "pdf"}
"""What the file of an output is, by the output's type; a text output has none."""

_MASK: Final = (1 << 64) - 1
_FACTOR: Final = 0x9E3779B97F4A7C15
_INVERSE: Final = pow(_FACTOR, -1, 1 << 64)


@dataclass(slots=True)
class Run:
    """A run as it is stored. Times are epoch milliseconds, cost is micro-dollars.

    Either `outputs` names the types of what it makes, or `error` says why it fails.
    """

    seq: int
    run_id: str
    account: str
    workspace_id: str
    project_id: str
    type: str
    model_id: str
    prompt: str
    outputs: tuple[str, ...]
    error: dict[str, str] | None
    cost: int
    created_at: int
    started_at: int
    completed_at: int

    def status(self, now: int) -> Status:
        if now < self.started_at:
            return "pending"
        if now < self.completed_at:
            return "running"
        return "failed" if self.error else "completed"


class RunIds:
    """Run ids of one state: its rows' numbers, scattered so that none can be guessed from another.

    The same seed gives the same ids in the same order.
    """

    def __init__(self, seed: int) -> None:
        digest = hashlib.blake2b(str(seed).encode(), digest_size=8).digest()
        self._offset = int.from_bytes(digest)

    def encode(self, seq: int) -> str:
        return f"run_{(seq * _FACTOR + self._offset) & _MASK:016x}"

    def decode(self, run_id: str) -> int | None:
        """Row number of a run id, or None if this state cannot have given it."""
        digits = run_id.removeprefix("run_")
        try:
            seq = (int(digits, 16) - self._offset) * _INVERSE & _MASK
        except ValueError:
            return None
        return seq if 0 < seq < 1 << 63 and self.encode(seq) == run_id else None


def run_view(run: Run, now: int, origin: str, base: str) -> dict[str, Any]:
    """A run as `GET /runs/{runId}` shows it at a moment (S002, S003)."""
    status = run.status(now)
    view: dict[str, Any] = {
        "created_at": run.created_at,
        "progress": _progress(run, now),
        "run_id": run.run_id,
        "status": status,
        "charged_cost": run.cost / MICROS,
        "poll_url": poll_url(run, origin, base),
    }
    if status != "pending":
        view["started_at"] = run.started_at
    if status in {"completed", "failed"}:
        view["completed_at"] = run.completed_at
    if status == "completed":
        view["outputs"] = [
            {"output_id": f"output_{n}", "type": kind, "url": _output_url(run, n, kind, origin)}
            for n, kind in enumerate(run.outputs, 1)
        ]
    elif status == "failed" and run.error:
        view["error_code"] = run.error["code"]
        view["error_message"] = run.error["message"]
    return view


def generation_view(run: Run, now: int, origin: str, base: str) -> dict[str, Any]:
    """A run as a line of `GET /generations` (S002, S003)."""
    return {
        **run_view(run, now, origin, base),
        "generation_id": run.run_id,
        "workspace_id": run.workspace_id,
        "project_id": run.project_id,
        "model": {"model_id": run.model_id},
    }


def accepted_view(run: Run, seconds: float, origin: str, base: str) -> dict[str, Any]:
    """The answer to whoever starts a run (S001 to S004)."""
    return {
        "run_id": run.run_id,
        "type": "generation",
        "estimated_seconds": seconds,
        "charged_cost": run.cost / MICROS,
        "poll_url": poll_url(run, origin, base),
        "model": {"model_id": run.model_id},
        "project_id": run.project_id,
    }


def poll_url(run: Run, origin: str, base: str) -> str:
    return f"{origin}{base}/runs/{run.run_id}"


def file_name(number: int, kind: str) -> str:
    """Last part of the URL of an output's file; `number` counts from 1."""
    return f"output_{number}.{EXTENSIONS[kind]}"


def text_of(run: Run) -> str:
    """What a text output holds: about the prompt, and the same for the same run."""
    subject = " ".join(run.prompt.split())[:200] or "Nothing in particular"
    return f"{subject}. Written by {run.model_id}, which says so every time it is asked."


def _output_url(run: Run, number: int, kind: str, origin: str) -> str:
    if kind == "text":
        return text_of(run)
    return f"{origin}/media/{run.run_id}/{file_name(number, kind)}"


def _progress(run: Run, now: int) -> int:
    """Percent: 0 while pending, 100 at the end, whichever end it is."""
    if now >= run.completed_at:
        return 100
    if now < run.started_at:
        return 0
    return 100 * (now - run.started_at) // (run.completed_at - run.started_at)
