"""Bodies as the documents show them (S001 to S003)."""

from __future__ import annotations

from typing import Any

CREATE: dict[str, Any] = {
    "type": "image",
    "prompt": "a mug that nobody may read about",
    "workspace_id": "ws_1",
    "project_id": "prj_1",
}

ACCEPTED: dict[str, Any] = {
    "run_id": "run_1",
    "type": "generation",
    "estimated_seconds": 12,
    "charged_cost": 0.04,
    "poll_url": "https://app.flora.ai/api/v1/runs/run_1",
    "model": {"model_id": "t2i-flux-2-pro"},
    "project_id": "prj_1",
    "action": {"action_id": "split-text"},
    "technique": {"name": "name", "technique_id": "tech_1"},
}

OUTPUT: dict[str, Any] = {
    "output_id": "output_1",
    "type": "imageUrl",
    "url": "https://media.flora.ai/output.png",
}

RUN: dict[str, Any] = {
    "created_at": 1760000000,
    "progress": 100,
    "run_id": "run_1",
    "status": "completed",
    "charged_cost": 0.04,
    "completed_at": 1760000009,
    "error_code": "provider_error",
    "error_message": "The provider failed.",
    "outputs": [OUTPUT],
    "poll_url": "https://app.flora.ai/api/v1/runs/run_1",
    "started_at": 1760000001,
}

ITEM: dict[str, Any] = {
    **RUN,
    "generation_id": "run_1",
    "project_id": "prj_1",
    "workspace_id": "ws_1",
    "model": {"model_id": "t2i-flux-2-pro"},
}


def page(*items: Any, cursor: str | None = None) -> dict[str, Any]:
    return {"generations": list(items), "meta": {"next_cursor": cursor, "total_estimate": 3}}


def run(status: str, **more: Any) -> dict[str, Any]:
    outputs = {"outputs": [OUTPUT]} if status == "completed" else {}
    return {"created_at": 1, "progress": 0, "run_id": "run_1", "status": status, **outputs, **more}
