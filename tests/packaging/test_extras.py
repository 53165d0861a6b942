"""What each extra brings, installed from an index into an empty environment."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from flora_contract.commands import COMMANDS
from flora_contract.mock import MockFlora
from tests.packaging.conftest import ROOT, UV, run, tried

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

EXTRA = {
    "check": "check",
    "diff": "diff",
    "documents": "diff",
    "generate": "generate",
    "lint": "diff",
    "mock": "mock",
    "overlay": "diff",
    "traffic": "check",
}
FORMATTERS = {"ruff", "black"}
CONTRACT = ROOT / "openapi.yaml"


def distributions(bin_: Path) -> set[str]:
    listed = run(*UV, "pip", "list", "--quiet", "--format", "json", "--python", bin_ / "python")
    return {one["name"] for one in json.loads(listed)}


def test_a_plain_install_brings_eight_distributions(installed: Callable[[str], Path]) -> None:
    needed = distributions(installed("")) - {"flora-client"}
    assert {"attrs", "httpx"} <= needed
    assert len(needed) == 8
    script = "from flora_client import Flora; print(Flora(api_key='sk_live_test'))"
    assert "sk_live_test" not in run(installed("") / "python", "-c", script)


def test_the_version_is_the_same_everywhere(installed: Callable[[str], Path]) -> None:
    script = "import flora_client; print(flora_client.__version__)"
    module = run(installed("") / "python", "-c", script)
    command = tried(installed("diff") / "flora-contract", "--version").stdout
    assert command == f"flora-contract, version {module}"


@pytest.mark.parametrize("command", COMMANDS)
def test_a_plain_install_names_the_extra_of_a_command(
    command: str, installed: Callable[[str], Path]
) -> None:
    done = tried(installed("") / "flora-contract", command)
    assert (done.returncode, done.stdout) == (2, "")
    wanted = f"click is not installed: pip install 'flora-client[{EXTRA[command]}]'"
    assert done.stderr == f"flora-contract: {wanted}\n"


def test_without_a_command_all_extras_are_named(installed: Callable[[str], Path]) -> None:
    assert "'flora-client[all]'" in tried(installed("") / "flora-contract").stderr


@pytest.mark.parametrize(
    ("command", "arguments"),
    [
        ("mock", ["--port", "0"]),
        ("check", ["--base-url", "MOCK"]),
        ("generate", [CONTRACT, "--output", "made"]),
    ],
)
def test_another_extra_names_the_one_that_is_missing(
    command: str, arguments: list[str], installed: Callable[[str], Path], tmp_path: Path
) -> None:
    with MockFlora() as mock:
        given = [mock.base_url if one == "MOCK" else one for one in arguments]
        done = tried(installed("diff") / "flora-contract", command, *given, cwd=tmp_path)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    assert done.stderr.endswith(f": pip install 'flora-client[{EXTRA[command]}]'\n")


def test_the_fixture_names_its_extra(installed: Callable[[str], Path], tmp_path: Path) -> None:
    bin_ = installed("")
    (tmp_path / "test_it.py").write_text("def test_it(flora_mock): pass\n")
    options = ["--quiet", "--no-project", "--python", bin_ / "python", "--with", "pytest"]
    tested = tried(*UV, "run", *options, "pytest", "-p", "no:cacheprovider", cwd=tmp_path)
    assert "is not installed: pip install 'flora-client[mock]'" in tested.stdout


def test_no_extra_but_generate_brings_a_formatter(installed: Callable[[str], Path]) -> None:
    brought = {extra: FORMATTERS & distributions(installed(extra)) for extra in EXTRA.values()}
    assert brought == {"check": set(), "diff": set(), "generate": {"ruff"}, "mock": set()}


def test_diff(installed: Callable[[str], Path], tmp_path: Path) -> None:
    command = installed("diff") / "flora-contract"
    changed = tmp_path / "changed.yaml"
    changed.write_text(CONTRACT.read_text().replace("/generate:", "/made:"))
    done = tried(command, "diff", CONTRACT, changed)
    assert (done.returncode, done.stderr) == (1, "")
    assert "breaking" in done.stdout
    run(command, "overlay", CONTRACT, ROOT / "overlays" / "client.yaml", "--output", changed)
    run(command, "lint", cwd=ROOT)
    client = tried(command, "diff", CONTRACT, changed, "--client")
    assert client.returncode == 2
    assert "pip install 'flora-client[generate]'\n" in client.stderr


MOCK = """
from flora_client import Flora
from flora_contract.mock import MockFlora

with MockFlora(run_seconds=0.1) as mock:
    flora = Flora(api_key="sk_live_test", base_url=mock.base_url)
    places = dict(workspace_id="ws_abc123", project_id="prj_abc123")
    run = flora.generations.create(type="image", prompt="A mug", **places)
    print(flora.generations.wait(run.run_id).status)
"""


def test_mock(installed: Callable[[str], Path]) -> None:
    assert run(installed("mock") / "python", "-c", MOCK) == "completed\n"
    assert "Usage" in run(installed("mock") / "flora-contract", "mock", "--help")


def test_check(installed: Callable[[str], Path], tmp_path: Path) -> None:
    command = installed("check") / "flora-contract"
    with MockFlora() as mock:
        options = ["--base-url", mock.base_url, "--profile", "read-only"]
        run(command, "check", *options, cwd=tmp_path)
    request = {"method": "GET", "url": f"{mock.base_url}/models", "headers": []}
    response = {"status": 401, "headers": [], "content": {"text": "{}"}}
    entry = {"startedDateTime": "2026-11-21T12:00:00Z", "request": request, "response": response}
    traffic = tmp_path / "traffic.har"
    traffic.write_text(json.dumps({"log": {"entries": [entry]}}))
    done = tried(command, "traffic", traffic, "--base-url", mock.base_url)
    assert done.returncode == 1, done.stderr
    assert "error-envelope" in done.stdout


def test_generate(installed: Callable[[str], Path], tmp_path: Path) -> None:
    bin_ = installed("generate")
    document = ROOT / "tests" / "codegen" / "odd.yaml"
    run(bin_ / "flora-contract", "generate", document, "--output", "odd", cwd=tmp_path)
    run(bin_ / "python", "-c", "import odd; odd.API(api_key='k')", cwd=tmp_path)
    same = run(bin_ / "flora-contract", "diff", CONTRACT, CONTRACT, "--client")
    assert same == "nothing changed\n"


def test_the_old_name_of_all_brings_every_extra(installed: Callable[[str], Path]) -> None:
    brought = distributions(installed("contract"))
    assert "asyncpg" in brought
    for extra in EXTRA.values():
        assert distributions(installed(extra)) <= brought
