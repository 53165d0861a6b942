"""Check that a tag, the versions and CHANGELOG.md agree, and print the notes of the release.

    python scripts/check_release.py v0.2.0

Needs nothing but Python. Exit code 1 with a line for everything that does not agree.
"""

from __future__ import annotations

import os
import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]


def main(tag: str, root: Path = ROOT) -> int:
    """Print the notes; exit code 1 when something does not agree."""
    project = tomllib.loads(read(root, "pyproject.toml"))["project"]
    notes = section(read(root, "CHANGELOG.md"), project["version"])
    problems = [
        *disagreements(tag, project, root),
        *(["CHANGELOG.md: no dated section"][bool(notes) :]),
    ]
    for problem in problems:
        print(f"{tag}: {problem}", file=sys.stderr)
    if not problems:
        print(notes)
    return 1 if problems else 0


def disagreements(tag: str, project: dict[str, object], root: Path) -> list[str]:
    """Where another version, or another repository, is named."""
    version = str(project["version"])
    named = {
        "the tag": tag.removeprefix("v"),
        "openapi.yaml": found(r"^  version: (\S+)$", read(root, "openapi.yaml")),
        "uv.lock": found(r'^name = "flora-client"\nversion = "(.+)"$', read(root, "uv.lock")),
    }
    problems = [
        f"{place} says {name}, pyproject.toml {version}"
        for place, name in named.items()
        if name != version
    ]
    repository = os.environ.get("GITHUB_REPOSITORY", "")
    urls = project["urls"]
    assert isinstance(urls, dict)
    if repository and not urls["Source"].endswith(f"/{repository}"):
        problems.append(f"pyproject.toml names {urls['Source']}, and this is {repository}")
    return problems


def section(changelog: str, version: str) -> str:
    """The notes under the dated heading of a version; empty without one."""
    heading = rf"^## \[?{re.escape(version)}\]? - \d{{4}}-\d\d-\d\d\n"
    notes = re.search(heading + r"(.*?)(?=^## |^\[|\Z)", changelog, re.MULTILINE | re.DOTALL)
    return notes[1].strip() if notes else ""


def found(pattern: str, text: str) -> str:
    match = re.search(pattern, text, re.MULTILINE)
    return match[1] if match else "nothing"


def read(root: Path, name: str) -> str:
    return (root / name).read_text(encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
