"""The operations of the API as the runtime does them. Nothing here is for users."""

from __future__ import annotations

from flora_client.models import (
    Generation,
    Run,
    RunAccepted,
)
from flora_runtime.errors import (
    IdempotencyDuplicateError,
)
from flora_runtime.operation import (
    Media,
    Operation,
    Paging,
    Parameter,
    Polling,
    Profile,
    Recovery,
    Refusal,
    Starts,
)

PROFILE = Profile(
    name="flora-client",
    version="0.1.0",
    base_url="https://app.flora.ai/api/v1",
    key_variable="FLORA_API_KEY",
    base_url_variable="FLORA_BASE_URL",
    idempotency_header="Idempotency-Key",
    request_id_header="request-id",
    error_code=("error", "code"),
    error_message=("error", "message"),
    error_fields=("error", "fields"),
    error_field=("field", "message"),
    error_classes={
        "idempotency_duplicate": IdempotencyDuplicateError,
    },
)

GET_RUN: Operation[Run] = Operation(
    name="generations.retrieve",
    method="GET",
    path="/runs/{runId}",
    result=Run,
    idempotent=False,
    parameters=(
        Parameter(
            "run_id",
            "runId",
            "path",
            required=True,
            pattern="^run_",
            remedy="take the run_id of what create returned, or of the history",
        ),
    ),
    polling=Polling(
        argument="run_id",
        id="run_id",
        resume="generations.wait",
        status="status",
        completed=("completed",),
        failed=("failed",),
        progress="progress",
        cost="charged_cost",
        error_code="error_code",
        error_message="error_message",
    ),
)

GET_RUN_MEDIA = Media(
    items="outputs",
    id="output_id",
    kind="type",
    url="url",
    text=("text",),
    families={"imageUrl": "image", "videoUrl": "video", "audioUrl": "audio"},
)

LIST_GENERATIONS: Operation[Generation] = Operation(
    name="generations.list",
    method="GET",
    path="/generations",
    result=Generation,
    idempotent=False,
    parameters=(
        Parameter(
            "cursor",
            "cursor",
            "query",
        ),
        Parameter(
            "limit",
            "limit",
            "query",
        ),
        Parameter(
            "project_id",
            "project_id",
            "query",
            pattern="^prj_",
            remedy="take the public id of the project, as its page or GET /projects shows it",
        ),
        Parameter(
            "status",
            "status",
            "query",
        ),
        Parameter(
            "workspace_id",
            "workspace_id",
            "query",
            pattern="^ws_",
            remedy="take the public id of the workspace, as its page or GET /workspaces shows it",
        ),
    ),
    paging=Paging(
        items="generations",
        argument="cursor",
        next=("meta", "next_cursor"),
    ),
)

CREATE_GENERATION: Operation[RunAccepted] = Operation(
    name="generations.create",
    method="POST",
    path="/generate",
    result=RunAccepted,
    idempotent=True,
    parameters=(
        Parameter(
            "type",
            "type",
            "field",
            required=True,
            refuses=(
                Refusal(
                    "^\\w+(2|-to-)\\w+$",
                    "that is a family of models, not a type: write image, video, audio or text, and choose the model with model=",
                ),
            ),
        ),
        Parameter(
            "prompt",
            "prompt",
            "field",
            required=True,
            min_length=1,
            remedy="say what to generate",
        ),
        Parameter(
            "workspace_id",
            "workspace_id",
            "field",
            required=True,
            pattern="^ws_",
            remedy="take the public id of the workspace, as its page or GET /workspaces shows it",
        ),
        Parameter(
            "project_id",
            "project_id",
            "field",
            required=True,
            pattern="^prj_",
            remedy="take the public id of the project, as its page or GET /projects shows it",
        ),
        Parameter(
            "model",
            "model",
            "field",
        ),
        Parameter(
            "params",
            "params",
            "field",
        ),
    ),
    starts=Starts(
        id="run_id",
        cost="charged_cost",
        estimate="estimated_seconds",
        poll_url="poll_url",
    ),
    recovery=Recovery(
        history=LIST_GENERATIONS,
        arguments={"limit": 100},
        id="run_id",
        created="created_at",
        scope={
            "workspace_id": ("workspace_id",),
            "project_id": ("project_id",),
        },
        match={
            "model": ("model", "model_id"),
        },
        otherwise={"type": "generation", "estimated_seconds": None},
    ),
)

CREATE_GENERATION_RUN: Operation[RunAccepted] = Operation(
    name="runs.create",
    method="POST",
    path="/runs/generation",
    result=RunAccepted,
    idempotent=True,
    parameters=(
        Parameter(
            "type",
            "type",
            "field",
            required=True,
            refuses=(
                Refusal(
                    "^\\w+(2|-to-)\\w+$",
                    "that is a family of models, not a type: write image, video, audio or text, and choose the model with model=",
                ),
            ),
        ),
        Parameter(
            "prompt",
            "prompt",
            "field",
            required=True,
            min_length=1,
            remedy="say what to generate",
        ),
        Parameter(
            "workspace_id",
            "workspace_id",
            "field",
            required=True,
            pattern="^ws_",
            remedy="take the public id of the workspace, as its page or GET /workspaces shows it",
        ),
        Parameter(
            "project_id",
            "project_id",
            "field",
            required=True,
            pattern="^prj_",
            remedy="take the public id of the project, as its page or GET /projects shows it",
        ),
        Parameter(
            "model",
            "model",
            "field",
        ),
        Parameter(
            "params",
            "params",
            "field",
        ),
    ),
    starts=Starts(
        id="run_id",
        cost="charged_cost",
        estimate="estimated_seconds",
        poll_url="poll_url",
    ),
    recovery=Recovery(
        history=LIST_GENERATIONS,
        arguments={"limit": 100},
        id="run_id",
        created="created_at",
        scope={
            "workspace_id": ("workspace_id",),
            "project_id": ("project_id",),
        },
        match={
            "model": ("model", "model_id"),
        },
        otherwise={"type": "generation", "estimated_seconds": None},
    ),
)
