"""What the README shows is what happens."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from flora_contract.mock import MockFlora

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_client_snippet_prints_what_is_shown(tmp_path: Path) -> None:
    (snippet,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    shown = README.partition(snippet)[2].partition("```console\n")[2].partition("```")[0]
    with MockFlora(run_seconds=0.1) as mock:
        script = snippet.replace("http://127.0.0.1:4010/api/v1", mock.base_url)
        command = [sys.executable, "-c", script]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == (shown, "")


@pytest.mark.parametrize("link", re.findall(r"\]\(([^)#:]+)\)", README))
def test_every_link_of_the_readme_leads_to_a_file(link: str) -> None:
    assert (ROOT / link).is_file()


def test_the_readme_has_exactly_two_commands_for_a_fresh_machine() -> None:
    section = README.partition("## Run it")[2].partition("\n## ")[0]
    commands = re.findall(r"^\$ (.*)$", section, re.MULTILINE)
    assert commands == ["python3 scripts/run.py contract", "python3 scripts/run.py tests"]
