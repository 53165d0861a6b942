"""The same seed against the same server: the same requests in the same order, the same findings."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

MAIN = "from flora_contract.cli import main; main()"

RUN = re.compile(r"run_[0-9a-f]{16}")


def findings(server: Any, seed: int) -> list[tuple[str, str, str]]:
    """What a process of its own says of the server: oracle, operation and subject."""
    options = {"--base-url": server.base_url, "--seed": str(seed), "--workers": "1"}
    given = [text for option in options.items() for text in option]
    command = [sys.executable, "-c", MAIN, "check", *given, "--format", "json"]
    done = subprocess.run(command, capture_output=True, check=False)
    assert done.returncode == 1, done.stderr.decode()
    found = json.loads(done.stdout)["findings"]
    return [(f["oracle"], f["operation"], f["subject"]) for f in found]


def story(came: list[dict[str, Any]]) -> list[tuple[str, ...]]:
    """Requests without what the server gave, without keys, and each run looked at once in a row."""
    names: dict[str, str] = {}

    def named(match: re.Match[str]) -> str:
        return names.setdefault(match[0], f"<{len(names)}>")

    told: list[tuple[str, ...]] = []
    looks: set[tuple[str, ...]] = set()
    for request in came:
        headers = request["headers"]
        key = headers.get("idempotency-key", "")
        line = (
            request["method"],
            RUN.sub(named, request["path"]),
            re.sub(r"(?<=cursor=)[\w.-]{20,400}(?=&|$)", named, request["query"]),
            request["body"],
            headers.get("authorization", ""),
            headers.get("content-type", ""),
            names.setdefault(key, f"<{len(names)}>") if key else "",
        )
        look = RUN.search(request["path"]) is not None
        if not look:
            looks.clear()
        elif line in looks:
            continue
        looks.add(line)
        told.append(line)
    return told


def test_two_runs_with_one_seed_are_the_same(server: Any, tmp_path: Path) -> None:
    stories, found = [], []
    for _ in range(2):
        server.switch("refuse:refuses:createGeneration.failure@odd-text")
        found.append(findings(server, seed=7))
        stories.append(story(server.came()))
    assert len(stories[0]) > 500  # every layer
    assert stories[0] == stories[1]
    assert {oracle for oracle, _, _ in found[0]} == {"no-server-error"}
    assert found[0] == found[1]
    assert list(tmp_path.iterdir()) == []  # nothing is left where it was called
