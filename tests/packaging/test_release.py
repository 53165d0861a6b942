"""A release says one version everywhere, and its notes are those of the changelog."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from typing import TYPE_CHECKING

import pytest

from tests.packaging.conftest import ROOT

if TYPE_CHECKING:
    from pathlib import Path

VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
FILES = ("pyproject.toml", "openapi.yaml", "uv.lock")


def checked(checkout: Path, tag: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "scripts/check_release.py", tag]
    return subprocess.run(command, cwd=checkout, capture_output=True, text=True, check=False)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """What a release is checked by, with a changelog of its own."""
    for name in (*FILES, "scripts/check_release.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    (tmp_path / "CHANGELOG.md").write_text(
        f"# Changelog\n\n## [Unreleased]\n\n## [{VERSION}] - 2026-11-21\n\n### Added\n\n- More.\n\n"
        "## [0.0.1] - 2026-01-01\n\n- Less.\n"
    )
    return tmp_path


def test_what_agrees_prints_its_notes(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_REPOSITORY", "flora-client/flora-client")
    done = checked(checkout, f"v{VERSION}")
    assert (done.returncode, done.stdout, done.stderr) == (0, "### Added\n\n- More.\n", "")


@pytest.mark.parametrize("name", FILES)
def test_another_version_is_named(name: str, checkout: Path) -> None:
    text = (checkout / name).read_text().replace(f'version = "{VERSION}"', 'version = "9.9.9"')
    (checkout / name).write_text(text.replace(f"  version: {VERSION}", "  version: 9.9.9"))
    done = checked(checkout, f"v{VERSION}")
    assert (done.returncode, done.stdout) == (1, "")
    assert name in done.stderr
    assert "9.9.9" in done.stderr


@pytest.mark.parametrize(
    ("tag", "changelog", "repository", "told"),
    [
        ("v9.9.9", None, "", "the tag says 9.9.9"),
        (f"v{VERSION}", f"## [{VERSION}] - unreleased\n", "", "CHANGELOG.md"),
        (f"v{VERSION}", None, "someone/fork", "this is someone/fork"),
    ],
)
def test_what_disagrees_is_named(
    tag: str, changelog: str | None, repository: str, told: str,
    checkout: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setenv("GITHUB_REPOSITORY", repository)
    if changelog is not None:
        (checkout / "CHANGELOG.md").write_text(changelog)
    done = checked(checkout, tag)
    assert done.returncode == 1
    assert told in done.stderr


def test_versions_agree_here() -> None:
    done = checked(ROOT, f"v{VERSION}")
    assert [line for line in done.stderr.splitlines() if "CHANGELOG" not in line] == []
