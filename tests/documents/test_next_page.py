"""The next version of a page: told as exactly what changed, and turned into edits to be read."""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from flora_contract import shipped
from flora_contract.cli import group
from flora_contract.documents.checking.check import check
from flora_contract.documents.checking.conflicts import read_conflicts
from flora_contract.documents.proposing.differences import differences
from flora_contract.documents.proposing.suggest import replaced
from flora_contract.documents.sources.read import elsewhere, read_page, stored_pages
from flora_contract.openapi import load

if TYPE_CHECKING:
    from pathlib import Path

PAGE = """\
Skip to content
FLORA DocsGo to app

Generations

Start a generation
POST/generate
ModelsExpand Collapse
GenerationCreateResponse object { charged_cost, run_id, type, 3 more }
charged_cost: number
minimum0
run_id: string

Run identifier

type: "generation" or "technique" or "action"
One of the following:
"generation"
"technique"
"action"
action: optional object { action_id }
action_id: "split-text"
One of the following:
"split-text"
estimated_seconds: optional number
project_id: optional string
"""
ACTION = PAGE[PAGE.index("action: optional") : PAGE.index("estimated_seconds")]

EDITS = {
    "a field removed": (
        [(ACTION, ""), ("3 more", "2 more")],
        ["removed POST /generate answer action"],
    ),
    "a value added": (
        [
            ('"action"\naction:', '"action"\n"flow"\naction:'),
            ('or "action"', 'or "action" or "flow"'),
        ],
        ["added POST /generate answer type: the value flow"],
    ),
    "a field made required": (
        [("project_id: optional string", "project_id: string")],
        ["changed POST /generate answer project_id: required was false, is true"],
    ),
    "a field renamed": (
        [("run_id: string", "job_id: string"), ("charged_cost, run_id", "charged_cost, job_id")],
        ["renamed POST /generate answer run_id: is now job_id"],
    ),
    "a bound moved": (
        [("minimum0", "minimum1")],
        ["changed POST /generate answer charged_cost: minimum was 0, is 1"],
    ),
    "a sentence reworded": (
        [("Run identifier", "Job identifier")],
        ["reworded POST /generate answer run_id: read it anew"],
    ),
    "an operation moved": (
        [("POST/generate", "POST/generate/image")],
        ["removed POST /generate", "added POST /generate/image"],
    ),
    "nothing": ([], []),
}


def edited(folder: Path, text: str, edits: list[tuple[str, str]], name: str) -> Path:
    for old, new in edits:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("name", EDITS)
def test_an_edit_is_reported_as_exactly_that(tmp_path: Path, name: str) -> None:
    edits, expected = EDITS[name]
    old = read_page(edited(tmp_path, PAGE, [], "002_old.txt"))
    new = read_page(edited(tmp_path, PAGE, edits, "002_new.txt"))
    assert new.unread == []
    told = [f"{change.kind} {change}" for change in differences(old, new)]
    if name == "an operation moved":  # its answer is that of the model, and stays
        told = [line for line in told if "answer" not in line]
        assert sorted(line.split(":")[0] for line in told) == sorted(expected)
    else:
        assert told == expected


def test_diff_tells_by_its_exit_code(tmp_path: Path) -> None:
    old = edited(tmp_path, PAGE, [], "old.txt")
    new = edited(tmp_path, PAGE, EDITS["a value added"][0], "new.txt")
    assert CliRunner().invoke(group, ["documents", "diff", str(old), str(old)]).exit_code == 0
    told = CliRunner().invoke(group, ["documents", "diff", str(old), str(new), "--format", "json"])
    assert told.exit_code == 1
    (change,) = json.loads(told.stdout)["changes"]
    assert (change["kind"], change["what"], change["new"]) == ("added", "the value flow", "new:21")


DOCUMENTS = shipped.ROOT.parent / "shared" / "documents"
TYPESCRIPT = [*DOCUMENTS.glob("004_*.txt")]

# Edits of S004, each with the lines that the patch adds and removes, in order.
SUGGESTIONS = {
    "a value added": (
        [
            ('    - `"text"`\n', '    - `"text"`\n\n    - `"music"`\n'),
            ('"audio" | "text"`', '"audio" | "text" | "music"`'),
        ],
        [
            "-      enum: [image, video, audio, text]",
            "+      enum: [image, video, audio, text, music]",
            "+      x-source-values:",
            "+        music: [S004]",
        ],
    ),
    "a field added": (
        [("  - `params?:", "  - `seed: number | null`\n\n  - `params?:")],
        [
            "-      required: [type, prompt, workspace_id, project_id]",
            "+      required: [type, prompt, workspace_id, project_id, seed]",
            "+        seed:",
            "+          type: [number, 'null']",
            "+          x-source: [S004]",
        ],
    ),
    "a field removed": (
        [("  - `params?: Record<string, unknown>`\n\n    Model parameters\n", "")],
        [
            "-          x-source: [S000, S001, S003, S004]",
            "+          x-source: [S000, S001, S003]",
        ],
    ),
}


@pytest.mark.needs("git")
@pytest.mark.skipif(not TYPESCRIPT, reason=f"the pages are not at {DOCUMENTS}")
@pytest.mark.parametrize("name", SUGGESTIONS)
def test_a_suggestion_is_a_patch_that_applies_and_holds(tmp_path: Path, name: str) -> None:
    edits, expected = SUGGESTIONS[name]
    text = TYPESCRIPT[0].read_text(encoding="utf-8")
    new = edited(tmp_path, text, edits, "004_new.txt")
    told = CliRunner().invoke(group, ["documents", "suggest", str(new)])
    assert told.exit_code == 0, told.output
    changed = [
        line
        for line in told.stdout.splitlines()
        if line[:1] in "+-" and line[:3] not in {"---", "+++"}
    ]
    assert sorted(changed) == sorted(expected)

    shutil.copy(shipped.CONTRACT, tmp_path / "openapi.yaml")
    subprocess.run(["git", "apply", "-"], cwd=tmp_path, input=told.stdout, text=True, check=True)
    pages = replaced(stored_pages(), [read_page(new, "S004")]) + elsewhere()
    accepted = read_conflicts(shipped.REGISTERS / "conflicts.md")
    result = check(load(tmp_path / "openapi.yaml"), pages, accepted)
    assert [f.what for f in result.faults] == []


def test_the_same_page_suggests_nothing(tmp_path: Path) -> None:
    if not TYPESCRIPT:
        pytest.skip(f"the pages are not at {DOCUMENTS}")
    told = CliRunner().invoke(group, ["documents", "suggest", str(TYPESCRIPT[0])])
    assert (told.exit_code, told.stdout.strip(), told.stderr) == (0, "", "")
