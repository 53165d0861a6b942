"""The yardstick of scripts/bench_mock.py: what a plain Starlette server with a dict can do.

It checks nothing and knows no time; the answers have the fields of the contract's examples.
"""

from __future__ import annotations

import itertools
import sys
from typing import TYPE_CHECKING, Any

import uvicorn
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

if TYPE_CHECKING:
    from starlette.requests import Request

runs: dict[str, dict[str, Any]] = {}
numbers = itertools.count(1)


async def create(request: Request) -> JSONResponse:
    body = await request.json()
    run_id = f"run_{next(numbers):08d}"
    poll_url = str(request.url_for("retrieve", run_id=run_id))
    runs[run_id] = {
        "created_at": 0,
        "progress": 0,
        "run_id": run_id,
        "generation_id": run_id,
        "status": "pending",
        "charged_cost": 0.04,
        "poll_url": poll_url,
        "project_id": body["project_id"],
        "workspace_id": body["workspace_id"],
        "model": {"model_id": "t2i-flux-2-pro"},
    }
    answer = {
        "run_id": run_id,
        "type": "generation",
        "estimated_seconds": 12,
        "charged_cost": 0.04,
        "poll_url": poll_url,
        "model": {"model_id": "t2i-flux-2-pro"},
        "project_id": body["project_id"],
    }
    return JSONResponse(answer, 201)


async def retrieve(request: Request) -> JSONResponse:
    return JSONResponse(runs[request.path_params["run_id"]])


async def page(request: Request) -> JSONResponse:
    limit = int(request.query_params["limit"])
    newest = list(itertools.islice(reversed(runs.values()), limit))
    return JSONResponse({"generations": newest, "meta": {"next_cursor": None}})


app = Starlette(
    routes=[
        Route("/generate", create, methods=["POST"]),
        Route("/runs/{run_id}", retrieve, name="retrieve"),
        Route("/generations", page),
    ]
)

if __name__ == "__main__":
    uvicorn.run(app, port=int(sys.argv[1]), access_log=False, log_level="error")
