"""The operations of the API as the runtime does them. Nothing here is for users."""

from __future__ import annotations

from flora_client.models import (
    Generation,
    Model,
    Project,
    Run,
    RunAccepted,
    Workspace,
)
from flora_runtime.errors import (
    IdempotencyDuplicateError,
)
from flora_runtime.operation import (
    CreateOperation,
    ListOperation,
    Media,
    Paging,
    Parameter,
    Polling,
    Profile,
    ReadOperation,
    Recovery,
    Referral,
    Refusal,
    Starts,
)

PROFILE = Profile(
    name="flora-client",
    version="0.2.0",
    base_url="https://app.flora.ai/api/v1",
    key_variable="FLORA_API_KEY",
    base_url_variable="FLORA_BASE_URL",
    idempotency_headers=("Idempotency-Key",),
    request_id_header="request-id",
    error_code="error.code",
    error_message="error.message",
    error_fields="error.fields",
    error_field=("field", "message"),
    error_classes={"idempotency_duplicate": IdempotencyDuplicateError},
)

GET_RUN: ReadOperation[Run] = ReadOperation(
    name="generations.retrieve",
    method="GET",
    path="/runs/{runId}",
    result=Run,
    parameters=(
        Parameter(
            name="run_id",
            wire="runId",
            place="path",
            required=True,
            pattern="^run_",
            remedy="take the run_id of what create returned, or of the history",
        ),
    ),
    polling=Polling(
        kind="run",
        argument="run_id",
        id="run_id",
        resume="generations.wait",
        status="status",
        moving=("pending", "running"),
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
    tells="type",
)

LIST_GENERATIONS: ListOperation[Generation] = ListOperation(
    name="generations.list",
    method="GET",
    path="/generations",
    result=Generation,
    parameters=(
        Parameter(name="cursor", wire="cursor", place="query"),
        Parameter(name="limit", wire="limit", place="query"),
        Parameter(
            name="project_id",
            wire="project_id",
            place="query",
            pattern="^prj_",
            remedy="take the public id of the project, as its page or GET /projects shows it",
        ),
        Parameter(name="status", wire="status", place="query"),
        Parameter(
            name="workspace_id",
            wire="workspace_id",
            place="query",
            pattern="^ws_",
            remedy="take the public id of the workspace, as its page or GET /workspaces shows it",
        ),
    ),
    paging=Paging(
        items="generations",
        cursor="cursor",
        next="meta.next_cursor",
        size="limit",
        total="meta.total_estimate",
    ),
)

LIST_MODELS: ListOperation[Model] = ListOperation(
    name="models.list",
    method="GET",
    path="/models",
    result=Model,
    parameters=(
        Parameter(
            name="type",
            wire="type",
            place="query",
            refuses=(
                Refusal(
                    pattern="^\\w+(2|-to-)\\w+$",
                    remedy="that is a family of models, not a type: write image, video, audio or text, and choose the model with model=",
                ),
            ),
        ),
    ),
    paging=Paging(items="models"),
)

LIST_WORKSPACES: ListOperation[Workspace] = ListOperation(
    name="workspaces.list",
    method="GET",
    path="/workspaces",
    result=Workspace,
    paging=Paging(items="workspaces"),
)

LIST_PROJECTS: ListOperation[Project] = ListOperation(
    name="projects.list",
    method="GET",
    path="/projects",
    result=Project,
    parameters=(
        Parameter(
            name="workspace_id",
            wire="workspace_id",
            place="query",
            required=True,
            pattern="^ws_",
            remedy="take the public id of the workspace, as its page or GET /workspaces shows it",
        ),
        Parameter(name="cursor", wire="cursor", place="query"),
        Parameter(name="limit", wire="limit", place="query"),
        Parameter(name="query", wire="query", place="query"),
    ),
    paging=Paging(
        items="projects",
        cursor="cursor",
        next="meta.next_cursor",
        size="limit",
        total="meta.total_estimate",
    ),
)

CREATE_GENERATION: CreateOperation[RunAccepted] = CreateOperation(
    name="generations.create",
    method="POST",
    path="/generate",
    result=RunAccepted,
    parameters=(
        Parameter(
            name="type",
            wire="type",
            place="field",
            required=True,
            refuses=(
                Refusal(
                    pattern="^\\w+(2|-to-)\\w+$",
                    remedy="that is a family of models, not a type: write image, video, audio or text, and choose the model with model=",
                ),
            ),
        ),
        Parameter(
            name="prompt",
            wire="prompt",
            place="field",
            required=True,
            min_length=1,
            remedy="say what to generate",
        ),
        Parameter(
            name="workspace_id",
            wire="workspace_id",
            place="field",
            required=True,
            pattern="^ws_",
            remedy="take the public id of the workspace, as its page or GET /workspaces shows it",
        ),
        Parameter(
            name="project_id",
            wire="project_id",
            place="field",
            required=True,
            pattern="^prj_",
            remedy="take the public id of the project, as its page or GET /projects shows it",
        ),
        Parameter(name="model", wire="model", place="field"),
        Parameter(name="params", wire="params", place="field"),
    ),
    idempotency_header="Idempotency-Key",
    starts=Starts(
        kind="run",
        id="run_id",
        moves=True,
        cost="charged_cost",
        estimate="estimated_seconds",
        link="poll_url",
    ),
    recovery=Recovery(
        history=LIST_GENERATIONS,
        id="run_id",
        created="created_at",
        arguments={"limit": 100},
        scope={"project_id": "project_id", "workspace_id": "workspace_id"},
        shows={
            "workspace_id": "workspace_id",
            "project_id": "project_id",
            "model": "model.model_id",
        },
        referrals=(
            Referral(
                named="model.model_id", list=LIST_MODELS, id="model_id", shows={"type": "type"}
            ),
        ),
        cost="charged_cost",
        made=GET_RUN_MEDIA,
        closer=GET_RUN,
        otherwise={"type": "generation", "estimated_seconds": None},
    ),
)

CREATE_GENERATION_RUN: CreateOperation[RunAccepted] = CreateOperation(
    name="runs.create",
    method="POST",
    path="/runs/generation",
    result=RunAccepted,
    parameters=(
        Parameter(
            name="type",
            wire="type",
            place="field",
            required=True,
            refuses=(
                Refusal(
                    pattern="^\\w+(2|-to-)\\w+$",
                    remedy="that is a family of models, not a type: write image, video, audio or text, and choose the model with model=",
                ),
            ),
        ),
        Parameter(
            name="prompt",
            wire="prompt",
            place="field",
            required=True,
            min_length=1,
            remedy="say what to generate",
        ),
        Parameter(
            name="workspace_id",
            wire="workspace_id",
            place="field",
            required=True,
            pattern="^ws_",
            remedy="take the public id of the workspace, as its page or GET /workspaces shows it",
        ),
        Parameter(
            name="project_id",
            wire="project_id",
            place="field",
            required=True,
            pattern="^prj_",
            remedy="take the public id of the project, as its page or GET /projects shows it",
        ),
        Parameter(name="model", wire="model", place="field"),
        Parameter(name="params", wire="params", place="field"),
    ),
    idempotency_header="Idempotency-Key",
    starts=Starts(
        kind="run",
        id="run_id",
        moves=True,
        cost="charged_cost",
        estimate="estimated_seconds",
        link="poll_url",
    ),
    recovery=Recovery(
        history=LIST_GENERATIONS,
        id="run_id",
        created="created_at",
        arguments={"limit": 100},
        scope={"project_id": "project_id", "workspace_id": "workspace_id"},
        shows={
            "workspace_id": "workspace_id",
            "project_id": "project_id",
            "model": "model.model_id",
        },
        referrals=(
            Referral(
                named="model.model_id", list=LIST_MODELS, id="model_id", shows={"type": "type"}
            ),
        ),
        cost="charged_cost",
        made=GET_RUN_MEDIA,
        closer=GET_RUN,
        otherwise={"type": "generation", "estimated_seconds": None},
    ),
)
