"""The commands as a person or a CI job meets them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema_rs
import pytest

from flora_contract.conformance.renderings import FILES
from flora_contract.conformance.renderings.data import SCHEMA

if TYPE_CHECKING:
    from collections.abc import Callable

MAIN = "from flora_contract.cli import main; main()"

Run = subprocess.CompletedProcess[str]


@pytest.fixture
def command(tmp_path: Path) -> Callable[..., Run]:
    def run(*arguments: object) -> Run:
        return subprocess.run(
            [sys.executable, "-c", MAIN, *map(str, arguments)],
            capture_output=True,
            text=True,
            check=False,
            cwd=tmp_path,
        )

    return run


def one_line(done: Run, *words: str) -> None:
    """Wrong usage: exit code 2 and one line that says what to do."""
    assert done.returncode == 2, done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    for word in words:
        assert word in done.stderr


def test_the_catalogue(command: Callable[..., Run]) -> None:
    shown = command("check", "--list").stdout
    assert "key-used-once" in shown
    listed = json.loads(command("check", "--list", "--format", "json").stdout)
    assert {"id", "severity", "rule", "judged_by"} <= set(listed[0])


def test_wrong_usage_is_a_line(command: Callable[..., Run], tmp_path: Path) -> None:
    one_line(command("check", "--base-url", "localhost:4010"), "--base-url")
    one_line(command("check", "--base-url", "https://flora.invalid"), "FLORA_API_KEY")
    one_line(
        command(
            "check", "--base-url", "https://flora.invalid", "--api-key", "k", "--profile", "full"
        ),
        "--max-spend",
    )
    one_line(
        command(
            "check", "--base-url", "http://127.0.0.1:1", "--api-key", "k", "--workspace", "ws_1"
        ),
        "--project",
    )
    (tmp_path / "flora-contract.toml").write_text("[check]\nbase-ulr = 'x'\n")
    one_line(command("check"), "flora-contract.toml", "base-ulr")
    (tmp_path / "flora-contract.toml").write_text("[check\n")
    one_line(command("check"), "flora-contract.toml", "TOML")
    (tmp_path / "flora-contract.toml").write_text("[check]\nseed = 'one'\n")
    one_line(command("check"), "seed")
    (tmp_path / "flora-contract.toml").unlink()
    one_line(command("check", "--sed", 1), "--sed", "--help")
    one_line(command("check", "--profile", "half"), "read-only")
    one_line(command("traffic"), "FILES")
    base = ("check", "--base-url", "http://127.0.0.1:1")
    one_line(command(*base, "--workers", 0), "--workers 0", "1 or more")
    one_line(command(*base, "--max-spend", -1), "--max-spend -1")


def test_nobody_there(command: Callable[..., Run]) -> None:
    done = command("check", "--base-url", "http://127.0.0.1:9/api/v1")
    assert done.returncode == 3
    assert "cannot be reached" in done.stderr


def test_a_path_without_an_api_is_told_apart(command: Callable[..., Run], server: Any) -> None:
    done = command("check", "--base-url", f"{server.origin}/api/v2", "--format", "json")
    assert done.returncode == 1
    report = json.loads(done.stdout)
    assert report["requests"] < 10
    assert "needs another --base-url: every request was answered 404" in {
        s["reason"] for s in report["steps"]
    }


def test_an_interrupted_run_leaves_its_report(server: Any, tmp_path: Path) -> None:
    server.switch("mislabel-200:answers:createGeneration@always")
    command = ("check", "--base-url", server.base_url, "--report-dir", tmp_path / "report")
    # What a shell starts in the background, these tests perhaps, ignores interrupts.
    heard = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
    process = subprocess.Popen(
        [sys.executable, "-c", heard + MAIN, *map(str, command)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    next(line for line in process.stderr if "create-createGeneration " in line)
    process.send_signal(signal.SIGINT)
    shown, said = process.communicate(timeout=30)
    assert process.returncode == 130, said
    assert "status-documented on createGeneration" in shown
    assert said.splitlines()[-1] == ("flora-contract: interrupted; the report is of what was seen")
    report = json.loads((tmp_path / "report" / "report.json").read_text())
    assert report["steps"][-1] | {"seconds": 0} == {
        "name": "everything-documented",
        "layer": "documented",
        "result": "not tested",
        "reason": "needs a run that is not interrupted",
        "requests": 0,
        "seconds": 0,
    }


def test_a_run_in_every_form(command: Callable[..., Run], server: Any, tmp_path: Path) -> None:
    server.switch("ignore:repeats:createGeneration@always")
    folder = tmp_path / "reports"
    options = ("--base-url", server.base_url, "--report-dir", folder, "--fail-fast")
    done = command("check", *options)
    assert done.returncode == 1, done.stderr
    assert "key-used-once on createGeneration" in done.stdout
    assert {p.name for p in folder.iterdir()} == {*FILES, "traffic.har"}
    for file in folder.iterdir():
        assert "sk_live_" not in file.read_text(), file
    report = json.loads((folder / "report.json").read_text())
    jsonschema_rs.Draft202012Validator(json.loads(SCHEMA.read_text())).validate(report)
    assert "| violation | `key-used-once` |" in (folder / "summary.md").read_text()
    assert '<failure message="The same request' in (folder / "junit.xml").read_text()
    result = json.loads((folder / "findings.sarif").read_text())["runs"][0]["results"][0]
    assert result["locations"][0]["physicalLocation"]["region"]["startLine"] > 1

    baseline = tmp_path / "accepted.json"
    command("check", *options[:2], "--fail-fast", "--write-baseline", baseline)
    accepted = {e["fingerprint"] for e in json.loads(baseline.read_text())["accepted"]}
    assert accepted == {f["fingerprint"] for f in report["findings"]}

    # The same findings from what was recorded, without a request.
    again = command("traffic", folder / "traffic.har", "--format", "json")
    assert {f["oracle"] for f in json.loads(again.stdout)["findings"]} == {
        f["oracle"] for f in report["findings"]
    }
    assert command("traffic", folder / "traffic.har", "--baseline", baseline).returncode == 0


def test_the_configuration_file(command: Callable[..., Run], server: Any, tmp_path: Path) -> None:
    (tmp_path / "flora-contract.toml").write_text(
        f"""\
[check]
base-url = "{server.base_url}"
api-key = "sk_live_test"
profile = "read-only"
"""
    )
    done = command("check", "--format", "json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["profile"] == "read-only"
    reasons = {s["reason"] for s in report["steps"]}
    assert "needs --workspace and --project" in reasons


def test_a_bad_baseline(command: Callable[..., Run], tmp_path: Path) -> None:
    (tmp_path / "b.json").write_text("[]")
    base = ("check", "--base-url", "http://127.0.0.1:9/api/v1", "--baseline")
    one_line(command(*base, "b.json"), "--write-baseline")
    one_line(command(*base, "missing.json"), "missing.json")


@pytest.mark.needs("bash", "curl", "jq")
@pytest.mark.parametrize(
    ("broken", "oracle", "shown"),
    [
        ("double:shows:getRun.charged_cost@always", "cost-constant", '"charged_cost":0.08'),
        ("drop-message:error:createGeneration.used-key@always", "error-message", "HTTP/1.1 409"),
        ("refuse:refuses:getRun.unknown-id@state=completed", "found", "HTTP/1.1 404"),
    ],
)
def test_a_replay_shows_the_fault_again(broken: str, oracle: str, shown: str, server: Any) -> None:
    from flora_contract.conformance.replay import script

    server.switch(broken)
    with server.check(fail_fast=True) as check:
        check.run()
    finding = next(f for f in check.judge.findings() if f.oracle.id == oracle)
    text = script(finding.evidence, check.ledger)
    done = subprocess.run(
        ["bash", "-eu", "-c", text],
        capture_output=True,
        text=True,
        check=True,
        env={
            "FLORA_API_KEY": "sk_live_test",
            "FLORA_OTHER_API_KEY": "sk_live_other",
            "FLORA_BROKE_API_KEY": "sk_live_broke",
            "PATH": os.environ["PATH"],
        },
    )
    assert shown in done.stdout


def test_a_report_that_cannot_be_written_is_a_line_after_what_was_found(server: Any) -> None:
    suite = Path(__file__).parents[2] / "contract_tests"
    options = ["--base-url", server.base_url, "--report-dir", f"{__file__}/report"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", suite, "-k", "read-listModels", *options],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "cannot be written: Not a directory" in done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert "oracles applied" in " ".join(done.stdout.split())


def test_the_suite_in_pytest_fails_where_the_contract_is_broken(server: Any) -> None:
    server.switch("mislabel-200:answers:createGeneration@always")
    suite = Path(__file__).parents[2] / "contract_tests"
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", suite, "--base-url", server.base_url),
            *("--fail-fast", "--format", "markdown"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "status-documented on createGeneration" in done.stdout
    assert "1 failed" in done.stdout
    assert "## FLORA contract: does not hold" in done.stdout
