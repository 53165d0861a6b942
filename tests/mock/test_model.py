"""The documented rules in forty lines, and a mock that must do as they say, whatever happens."""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    rule,
)

from flora_contract.mock import MockFlora
from tests.mock.conftest import CONTRACT, Client, client_of

MODELS: dict[str, dict[str, Any]] = {
    model["model_id"]: model for model in CONTRACT.document.tree["x-mock-entities"]["Model"]
}
PLACES = [("ws_a", "prj_a"), ("ws_a", "prj_b"), ("ws_b", "prj_c")]
CREDITS = 2.0
RUN_SECONDS = 1000
# Real time passes while a test runs: steps are so long that it does not matter.
STEPS = [100, 400, 1000, 4000]


@dataclass
class ModelRun:
    run_id: str
    place: tuple[str, str]
    model: str
    born: int  # by the model's clock, in seconds

    def status(self, now: int) -> str:
        age = now - self.born
        if age < RUN_SECONDS * 0.25:
            return "pending"
        if age < RUN_SECONDS:
            return "running"
        return "failed" if "error" in MODELS[self.model] else "completed"

    def cost(self, now: int) -> float:
        """What it takes from the credits: a failed run gives its cost back."""
        return 0.0 if self.status(now) == "failed" else float(MODELS[self.model]["cost"])


class FloraMachine(RuleBasedStateMachine):
    """Creates, looks up, lists, lets time pass and restarts, beside the model."""

    runs = Bundle("runs")

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.now = 0
        self.known: list[ModelRun] = []
        self.keys: dict[str, int] = {}
        self.seen: dict[str, dict[str, Any]] = {}

    @initialize(persistent=st.booleans())
    def start(self, persistent: bool) -> None:
        self.state = Path(self.folder.name) / "state.db" if persistent else None
        self._open()
        workspaces = {"ws_a": ["prj_a", "prj_b"], "ws_b": ["prj_c"]}
        self.mock.put_account("sk_live_model", credits=CREDITS, workspaces=workspaces)

    def _open(self) -> None:
        self.mock = MockFlora(state=self.state, run_seconds=RUN_SECONDS, self_check=True)
        self.mock.__enter__()
        self.client: Client = client_of(self.mock.base_url, "sk_live_model")

    def teardown(self) -> None:
        if hasattr(self, "mock"):
            self.client.close()
            self.mock.__exit__()
        self.folder.cleanup()

    def _funds(self) -> float:
        return CREDITS - sum(run.cost(self.now) for run in self.known)

    @rule(
        target=runs,
        place=st.sampled_from(PLACES),
        model=st.sampled_from(list(MODELS)),
        key=st.sampled_from(["", "a", "b"]),
    )
    def create(self, place: tuple[str, str], model: str, key: str) -> Any:
        answer = self.client.create(
            key=key,
            type=MODELS[model]["type"],
            model=model,
            workspace_id=place[0],
            project_id=place[1],
        )
        if key and self.now - self.keys.get(key, -9999) < 7200:
            assert answer.status_code == 409
            return multiple()
        if self._funds() < MODELS[model]["cost"] - 1e-9:
            assert answer.status_code == 402
            return multiple()
        assert answer.status_code == 201
        assert answer.json()["charged_cost"] == MODELS[model]["cost"]
        run = ModelRun(answer.json()["run_id"], place, model, self.now)
        assert run.run_id not in {other.run_id for other in self.known}
        self.known.append(run)
        if key:
            self.keys[key] = self.now
        return run

    @rule(run=runs)
    def retrieve(self, run: ModelRun) -> None:
        answer = self.client.get(f"/runs/{run.run_id}")
        # A restart takes another port, and addresses follow the host that was asked.
        origin = self.mock.base_url.removesuffix("/api/v1")
        self._check(run, json.loads(answer.text.replace(origin, "")))

    def _check(self, run: ModelRun, view: dict[str, Any]) -> None:
        status = run.status(self.now)
        assert view["status"] == status
        assert view["charged_cost"] == MODELS[run.model]["cost"]
        before = self.seen.get(run.run_id)
        if before is not None:
            assert view["progress"] >= before["progress"]
            if before["status"] in {"completed", "failed"}:
                assert view == before
        self.seen[run.run_id] = view
        assert ("started_at" in view) == (status != "pending")
        assert ("completed_at" in view) == ("outputs" in view or "error_code" in view)
        assert ("outputs" in view) == (status == "completed")
        assert ("error_code" in view) == (status == "failed")
        assert (view["progress"] == 100) == (status in {"completed", "failed"})

    @rule(
        project=st.sampled_from(["", "prj_a", "prj_b", "prj_c"]),
        workspace=st.sampled_from(["", "ws_a", "ws_b"]),
        status=st.sampled_from(["", "pending", "running", "completed", "failed"]),
        limit=st.integers(1, 7),
    )
    def list_all(self, project: str, workspace: str, status: str, limit: int) -> None:
        filters = {"project_id": project, "workspace_id": workspace, "status": status}
        query: dict[str, Any] = {name: value for name, value in filters.items() if value}
        found, cursor = [], None
        while True:
            more = {"cursor": cursor} if cursor else {}
            page = self.client.list(**query, limit=limit, **more).json()
            found += [item["run_id"] for item in page["generations"]]
            assert len(page["generations"]) <= limit
            cursor = page["meta"]["next_cursor"]
            if cursor is None:
                break
            assert len(page["generations"]) == limit
        expected = [
            run.run_id
            for run in reversed(self.known)
            if project in {"", run.place[1]}
            and workspace in {"", run.place[0]}
            and status in {"", run.status(self.now)}
        ]
        assert found == expected
        assert page["meta"]["total_estimate"] == len(expected)

    @rule(seconds=st.sampled_from(STEPS))
    def advance(self, seconds: int) -> None:
        self.mock.advance(seconds)
        self.now += seconds

    @rule()
    def restart(self) -> None:
        if self.state is not None:
            self.client.close()
            self.mock.__exit__()
            self._open()

    @invariant()
    def nothing_is_lost(self) -> None:
        if self.known:
            page = self.client.list(limit=1).json()
            assert page["generations"][0]["run_id"] == self.known[-1].run_id


FloraMachine.TestCase.settings = settings(
    max_examples=15,
    stateful_step_count=25,
    suppress_health_check=[HealthCheck.too_slow],
)
TestFlora = FloraMachine.TestCase
