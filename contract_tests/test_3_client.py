"""The generated client against the same server: the only module that imports it."""

from __future__ import annotations

import time
import uuid
from typing import TYPE_CHECKING, Any

import pytest
from flora_client import (
    AuthenticationError,
    BadRequestError,
    Flora,
    InsufficientCreditsError,
    NotFoundError,
    Run,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flora_contract.conformance.settings import CheckSettings

UNKNOWN_RUN = "run_conformance0nobody0made0this"


def _client(settings: CheckSettings, api_key: str | None) -> Flora:
    return Flora(api_key=api_key, base_url=settings.base_url)


@pytest.fixture
def flora(settings: CheckSettings) -> Iterator[Flora]:
    with _client(settings, settings.api_key) as client:
        yield client


@pytest.fixture
def home(settings: CheckSettings) -> dict[str, Any]:
    """Where runs are started."""
    if settings.workspace is None or settings.project is None:
        pytest.skip("needs --workspace and --project")
    return {"workspace_id": settings.workspace, "project_id": settings.project}


@pytest.fixture
def spending(settings: CheckSettings) -> None:
    if not settings.loopback:
        pytest.skip("starts runs on loopback only: the rest of the suite keeps the spending limit")


def test_history(flora: Flora) -> None:
    page = flora.generations.list(limit=3)
    for shown, _ in zip(page, range(7), strict=False):
        assert shown.run_id.startswith("run_")
        assert flora.generations.retrieve(shown.run_id).run_id == shown.run_id


def _ended(flora: Flora, run_id: str, settings: CheckSettings) -> Run:
    # The client's own pace is that of the live service; a mock is through long before.
    deadline = time.monotonic() + (settings.max_wait or 0)
    while True:
        run = flora.generations.retrieve(run_id)
        if run.status in {"completed", "failed"} or time.monotonic() > deadline:
            return run
        time.sleep(settings.poll_interval or 0.1)


@pytest.mark.usefixtures("spending")
def test_a_run_from_start_to_end(
    flora: Flora, home: dict[str, Any], settings: CheckSettings
) -> None:
    started = flora.generations.create(type="image", prompt="A mug", **home)
    run = _ended(flora, started.run_id, settings)
    assert run.status == "completed"
    assert run.outputs
    assert run.charged_cost == started.charged_cost


@pytest.mark.usefixtures("spending")
def test_a_run_that_fails(flora: Flora, home: dict[str, Any], settings: CheckSettings) -> None:
    if settings.failing_model is None:
        pytest.skip("needs --failing-model")
    started = flora.generations.create(
        type="image",
        prompt="A mug",
        **home,
        model=settings.failing_model,
    )
    run = _ended(flora, started.run_id, settings)
    assert run.status == "failed"
    assert run.error_code


@pytest.mark.usefixtures("spending")
def test_a_used_key(flora: Flora, home: dict[str, Any]) -> None:
    request = {
        "type": "image",
        "prompt": "A mug",
        **home,
    }
    key = f"client-{uuid.uuid4()}"
    started = flora.generations.create(**request, idempotency_key=key)
    again = flora.generations.create(**request, idempotency_key=key)
    assert again.run_id == started.run_id, "the same call gives its run, and starts none"
    assert flora.spent == started.charged_cost


def test_errors(flora: Flora, home: dict[str, Any], settings: CheckSettings) -> None:
    with pytest.raises(NotFoundError):
        flora.generations.retrieve(UNKNOWN_RUN)
    with pytest.raises(BadRequestError):
        flora.generations.create(
            type="image",
            prompt="A mug",
            **home,
            model="no-such-model-0",
        )
    with _client(settings, "sk_conformance_wrong") as stranger, pytest.raises(AuthenticationError):
        list(stranger.generations.list())


def test_no_credits(settings: CheckSettings) -> None:
    workspace, project = settings.broke_workspace, settings.broke_project
    if settings.broke_api_key is None or workspace is None or project is None:
        pytest.skip("needs --broke-api-key, --broke-workspace and --broke-project")
    with _client(settings, settings.broke_api_key) as poor, pytest.raises(InsufficientCreditsError):
        poor.generations.create(
            type="image", prompt="A mug", workspace_id=workspace, project_id=project
        )
