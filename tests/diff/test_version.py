from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest
import yaml

from flora_contract.diff.release.last_tag import since_last_tag
from flora_contract.diff.release.version import proposed, unkept
from flora_contract.diff.rules import Level
from flora_contract.errors import CommandError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("base", "worst", "wanted"),
    [
        ("1.2.3", Level.BREAKING, "2.0.0"),
        ("1.2.3", Level.RISKY, "1.3.0"),
        ("1.2.3", Level.SAFE, "1.3.0"),
        ("1.2.3", None, "1.2.3"),
        ("0.2.3", Level.BREAKING, "0.3.0"),
        ("0.2.3", Level.RISKY, "0.3.0"),
        ("0.2.3", Level.SAFE, "0.2.4"),
        ("v2.0.0", Level.BREAKING, "3.0.0"),
        ("1.0.0-rc.1", Level.BREAKING, "1.0.0-rc.2"),
        ("1.0.0-rc.9+build.5", Level.SAFE, "1.0.0-rc.10"),
        ("2.0.0-beta", Level.RISKY, "2.0.0-beta.1"),
        ("1.0.0-rc.1", None, "1.0.0-rc.1"),
        ("2026-03", Level.BREAKING, None),
        (None, Level.BREAKING, None),
    ],
)
def test_the_least_version_that_may_follow(
    base: str | None, worst: Level | None, wanted: str | None
) -> None:
    assert proposed(base, worst) == wanted


def test_words_ask_for_a_patch_only() -> None:
    assert proposed("1.2.3", Level.SAFE, words=True) == "1.2.4"
    assert proposed("0.2.3", Level.SAFE, words=True) == "0.2.4"


@pytest.mark.parametrize(
    ("base", "revision", "rule_id"),
    [
        ("1.0.0", "1.0.0", "api-version-not-bumped"),
        ("1.0.0", "1.1.0", "api-major-version-not-bumped"),
        ("1.1.0", "1.0.9", "api-version-decreased"),
        ("2.0.0-rc.1", "2.0.0", None),
        ("2.0.0-rc.9", "2.0.0-rc.10", None),
        ("2.0.0-rc.1", "2.0.0-rc.1", "api-version-not-bumped"),
        ("2.0.0", "2.0.0-rc.1", "api-version-decreased"),
        ("2.0.0-rc.1", "2.0.0-beta.7", "api-version-decreased"),
        ("0.1.0", "0.1.1", "api-major-version-not-bumped"),
        ("0.1.0", "0.2.0", None),
        ("1.0.0", "2.0.0", None),
        ("one", "two", None),
    ],
)
def test_what_a_version_does_not_say_when_something_breaks(
    base: str, revision: str, rule_id: str | None
) -> None:
    assert unkept(base, revision) == rule_id


def git(folder: Path, *arguments: str) -> None:
    command = ["git", "-c", "user.name=a", "-c", "user.email=a@example.com", *arguments]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)


def document(version: str, paths: dict[str, object]) -> str:
    info = {"title": "Shop", "version": version}
    return yaml.safe_dump({"openapi": "3.1.0", "info": info, "paths": paths})


@pytest.mark.needs("git")
def test_the_working_tree_is_held_against_the_last_tag(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "openapi.yaml"
    file.write_text(document("1.0.0", {"/a": {"get": {"responses": {}}}}))
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "first")
    assert since_last_tag() is None
    git(tmp_path, "tag", "v1.0.0")
    assert since_last_tag() is not None
    file.write_text(document("1.1.0", {}))
    with pytest.raises(CommandError, match=r"at least 2\.0\.0"):
        since_last_tag()
    file.write_text(document("2.0.0", {}))
    comparison = since_last_tag()
    assert comparison is not None
    assert comparison.proposed_version == "2.0.0"
