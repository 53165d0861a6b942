"""Every option that names a file to write keeps what stands there what it is."""

from __future__ import annotations

import json
import os
import re
import threading
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from flora_contract.cli import group
from flora_contract.mock import MockFlora

ROOT = Path(__file__).parents[2]
BASE = "openapi: 3.1.0\ninfo: {title: T, version: 1.0.0}\npaths: {/a: {get: {responses: {}}}}\n"
LISTED = {
    "request": {
        "method": "GET",
        "url": "https://app.flora.ai/api/v1/generations",
        "headers": [],
    },
    "response": {"status": 500, "headers": [], "content": {"text": "{}"}},
    "startedDateTime": "2026-01-01T00:00:00Z",
    "time": 1,
}
HAR = {"log": {"entries": [LISTED]}}

# What each command that writes is given; FILE is the file that it is to write.
WRITING = [
    ["diff", "base.yaml", "base.yaml", "--output", "FILE"],
    ["diff", "base.yaml", "base.yaml", "--format", "html", "--output", "FILE"],
    ["diff", "base.yaml", "less.yaml", "--accept-write", "--accept", "FILE"],
    ["overlay", "base.yaml", "overlay.yaml", "--output", "FILE"],
    ["check", "--list", "--output", "FILE"],
    ["check", "--base-url", "MOCK", "--profile", "read-only", "--write-baseline", "FILE"],
    ["traffic", "one.har", "--output", "FILE"],
    ["traffic", "one.har", "--report-dir", "FILE/.."],
    ["documents", "check", "--output", "FILE"],
]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("base.yaml").write_text(BASE)
    Path("less.yaml").write_text(BASE.replace("{/a: {get: {responses: {}}}}", "{}"))
    Path("overlay.yaml").write_text(
        "overlay: 1.0.0\ninfo: {title: O, version: 1.0.0}\n"
        "actions: [{target: $.info, update: {title: U}}]\n"
    )
    Path("one.har").write_text(json.dumps(HAR))
    return tmp_path


def run(arguments: list[str], file: str) -> None:
    given = [
        word.replace("FILE/..", str(Path(file).parent)).replace("FILE", file) for word in arguments
    ]
    with MockFlora() as mock:
        given = [word.replace("MOCK", mock.base_url) for word in given]
        done = CliRunner().invoke(group, given)
    assert done.exit_code in {0, 1}, done.output
    assert not done.exception or isinstance(done.exception, SystemExit), done.exception


@pytest.mark.parametrize("arguments", WRITING, ids=" ".join)
def test_a_link_stays_a_link(arguments: list[str], folder: Path) -> None:
    (folder / "out").mkdir()
    for name in ("report.json", "report.sarif"):  # of the report's forms
        (folder / "out" / name).symlink_to(f"../real/{name}")
    run(arguments, "out/report.json")
    assert (folder / "out" / "report.json").is_symlink()
    assert (folder / "real" / "report.json").read_text()


@pytest.mark.parametrize(
    "arguments", [one for one in WRITING if not {"--accept", "FILE/.."} & {*one}], ids=" ".join
)
def test_a_pipe_stays_a_pipe(arguments: list[str], folder: Path) -> None:
    os.mkfifo("pipe")
    read: list[str] = []
    reader = threading.Thread(target=lambda: read.append(Path("pipe").read_text()), daemon=True)
    reader.start()
    run(arguments, "pipe")
    reader.join(10)
    assert read
    assert read[0]
    assert Path("pipe").is_fifo()


def test_what_is_added_to_must_be_a_file(folder: Path) -> None:
    os.mkfifo("pipe")
    done = CliRunner().invoke(
        group, ["diff", "base.yaml", "less.yaml", "--accept-write", "--accept", "pipe"]
    )
    assert "regular file" in str(done.exception)


def commands(command: click.Command) -> list[click.Command]:
    if not isinstance(command, click.Group):
        return [command]
    context = click.Context(command)
    inner = [command.get_command(context, name) for name in command.list_commands(context)]
    return [one for found in inner if found is not None for one in commands(found)]


def test_no_other_option_writes() -> None:
    """A new option that writes is to stand above, or here with what is known of it."""
    told = {word for arguments in WRITING for word in arguments if word[:2] == "--"}
    writing = {
        option.opts[-1]
        for command in commands(group)
        for option in command.params
        if isinstance(option, click.Option) and re.search(r"\b[Ww]rite|\bAdd\b", option.help or "")
    }
    # What --record writes grows while the mock runs: tests/mock/test_elsewhere.py.
    assert writing - {"--log-requests", "--check", "--record"} <= told


WRITES = re.compile(
    r"\.write_(text|bytes)\(|\bopen\([^)]*[\"'][wax]b?\+?[\"']|\.(rename|symlink_to)\(|os\.replace\("
    r"|\bshutil\.(copy|move)|\b(mkstemp|NamedTemporaryFile)\("
)
OWN_WAY = {
    "src/flora_contract/report/output.py": "the one place",
    "src/flora_runtime/files.py": "knows nothing of the other; see its own tests",
    "src/flora_contract/codegen/driver.py": "a folder; see its own tests",
    "src/flora_contract/mock/media/sound.py": "into memory",
    "src/flora_contract/mock/recording.py": "a regular file that grows; see its own tests",
    "scripts/make_clip.py": "a file of this checkout, by ffmpeg",
    "scripts/mutate.py": "a copy of the checkout",
}


def test_files_are_written_in_one_place() -> None:
    """Benchmarks may write as they like: into folders that they have made."""
    files = [*(ROOT / "src").rglob("*.py"), *(ROOT / "contract_tests").rglob("*.py")]
    files += [file for file in (ROOT / "scripts").glob("*.py") if file.name[:5] != "bench"]
    writing = {
        str(file.relative_to(ROOT))
        for file in files
        if WRITES.search(file.read_text(encoding="utf-8"))
    }
    assert writing <= OWN_WAY.keys()
