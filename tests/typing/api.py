"""Code as users write it. Nothing runs it; the type checkers read it."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, assert_type

from flora_client import (
    APIError,
    AsyncFlora,
    AsyncPager,
    Flora,
    FloraError,
    Generation,
    GenerationType,
    Model,
    Page,
    Pager,
    Project,
    RateLimitError,
    RawResponse,
    Run,
    RunAccepted,
    RunError,
    RunFailedError,
    RunOutput,
    RunStatus,
    WaitTimeoutError,
    Workspace,
)

if TYPE_CHECKING:
    from flora_client.types import CreateGenerationRequest


def create(flora: Flora) -> None:
    run = flora.generations.create(
        type="image",
        prompt="A ceramic mug",
        workspace_id="ws_abc123",
        project_id="prj_abc123",
        model="t2i-flux-2-pro",
        params={"seed": 7},
        timeout=10,
        max_retries=3,
        idempotency_key="order-17",
        extra_headers={"X-Team": "art"},
        extra_query={"debug": True},
        extra_body={"callback_url": "https://example.com/hook"},
    )
    assert_type(run, RunAccepted)
    assert_type(run.run_id, str)
    assert_type(run.charged_cost, Decimal)
    assert_type(run.estimated_seconds, float | None)
    assert_type(run.idempotency_key, str | None)
    assert_type(run.model.model_id if run.model else None, str | None)
    flora.generations.create(
        type=GenerationType.VIDEO, prompt="x", workspace_id="ws_1", project_id="prj_1"
    )


def refused_by_the_checker(flora: Flora) -> None:
    flora.generations.create(  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
        type="image", prompt="no project", workspace_id="ws_1"
    )
    flora.generations.create(
        type="t2i",  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        prompt="a family of models",
        workspace_id="ws_1",
        project_id="prj_1",
    )
    flora.generations.retrieve("run_1", idempotency_key="k")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


def follow(flora: Flora) -> None:
    def started(run: RunAccepted) -> None:
        print(run.run_id)

    done = flora.generations.create_and_wait(
        type="image",
        prompt="x",
        workspace_id="ws_1",
        project_id="prj_1",
        timeout=300,
        on_started=started,
        on_progress=lambda run: print(run.progress),
    )
    assert_type(done, Run)
    assert_type(flora.generations.retrieve("run_1"), Run)
    assert_type(flora.generations.wait("run_1", timeout=300, on_progress=print), Run)
    assert_type(done.status, RunStatus)
    assert_type(done.outputs, tuple[RunOutput, ...] | None)
    if done.status == "completed":
        assert_type(flora.generations.download(done, "out/"), list[Path])


def pages(flora: Flora) -> None:
    listing = flora.generations.list(status="completed", limit=50)
    assert_type(listing, Pager[Generation])
    for generation in listing:
        assert_type(generation, Generation)
        flora.generations.download(generation, Path("out"))
    for page in listing.pages():
        assert_type(page, Page[Generation])
        assert_type(page.next_cursor, str | None)
    flora.generations.list(status=RunStatus.FAILED)


def lists(flora: Flora) -> None:
    assert_type(flora.models.list(type="image"), Pager[Model])
    assert_type(flora.projects.list(workspace_id="ws_1", limit=5), Pager[Project])
    for workspace in flora.workspaces.list():
        assert_type(workspace, Workspace)
    flora.projects.list()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


def raw(flora: Flora) -> None:
    response = flora.generations.with_raw_response.retrieve("run_1")
    assert_type(response, RawResponse[Run])
    assert_type(response.headers, Mapping[str, str])
    assert_type(response.parse(), Run)
    assert_type(flora.generations.with_raw_response.list(), RawResponse[Page[Generation]])


def many(flora: Flora) -> None:
    requests: list[CreateGenerationRequest] = [
        {"type": "image", "prompt": "a", "workspace_id": "ws_1", "project_id": "prj_1"},
        {
            "type": "video",
            "prompt": "b",
            "workspace_id": "ws_1",
            "project_id": "prj_1",
            "idempotency_key": "b-1",
        },
    ]
    results = flora.generations.create_many(requests, max_concurrency=4)
    assert_type(results, list[RunAccepted | FloraError])
    for result in results:
        if isinstance(result, FloraError):
            assert_type(result.idempotency_key, str | None)
        else:
            assert_type(result.run_id, str)


def errors(flora: Flora) -> None:
    try:
        flora.generations.wait("run_1")
    except RunFailedError as error:
        assert_type(error.error_code, str | None)
        assert_type(error.run, Run | None)
    except WaitTimeoutError as error:
        assert_type(error.run_id, str)
    except RunError as error:
        assert_type(error.run, Run | None)
    except RateLimitError as error:
        assert_type(error.retry_after, float | None)
    except APIError as error:
        assert_type(error.status_code, int)


def settings() -> None:
    with Flora(api_key=lambda: "sk_live", spend_limit="2.50", on_drift=print) as flora:
        assert_type(flora.with_options(timeout=5), Flora)
        assert_type(flora.spent, Decimal)
        flora.request("GET", "/models", params={"type": "image"}).json()


async def asynchronous() -> None:
    async def key() -> str:
        return "sk_live"

    async with AsyncFlora(api_key=key) as flora:
        run = await flora.generations.create(
            type="image", prompt="x", workspace_id="ws_1", project_id="prj_1"
        )
        assert_type(run, RunAccepted)
        assert_type(await flora.generations.wait(run.run_id), Run)
        listing = flora.generations.list(limit=5)
        assert_type(listing, AsyncPager[Generation])
        async for generation in listing:
            assert_type(generation, Generation)
        async for page in listing.pages():
            assert_type(page, Page[Generation])
        response = await flora.generations.with_raw_response.retrieve(run.run_id)
        assert_type(response, RawResponse[Run])
        assert_type(await listing, Page[Generation])
        first = await flora.generations.with_raw_response.list()
        assert_type(first, RawResponse[Page[Generation]])


def open_enums(run: Run) -> str:
    match run.status:
        case RunStatus.PENDING | RunStatus.RUNNING:
            return "on its way"
        case RunStatus.COMPLETED | RunStatus.FAILED:
            return "ended"
        case _:  # reachable: a newer API may say more
            return run.status.upper()
