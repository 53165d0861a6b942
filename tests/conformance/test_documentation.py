"""The examples of docs/ci.md are such as would run."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import yaml

from flora_contract.cli import group

TEXT = (Path(__file__).parents[2] / "docs" / "ci.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)


@pytest.mark.parametrize("example", EXAMPLES, ids=["github", "gitlab"])
def test_every_command_of_an_example_has_the_options_it_is_given(example: str) -> None:
    assert yaml.safe_load(example)
    lines = re.sub(r"\n\s+(?=--)", " ", example).splitlines()
    commands = [shlex.split(line[line.index("flora-contract ") :]) for line in lines
                if "flora-contract " in line]  # fmt: skip
    assert len(commands) >= 4
    for _, name, *arguments in commands:
        command = group.commands.get(name) or group.get_command(None, name)  # type: ignore[arg-type]
        known = {option for parameter in command.params for option in parameter.opts}
        assert {a for a in arguments if a.startswith("--")} <= known


def test_full_off_loopback_always_has_a_limit() -> None:
    for example in EXAMPLES:
        lines = re.sub(r"\n\s+(?=--)", " ", example).splitlines()
        for line in lines:
            if "--profile full" in line:
                assert "--max-spend" in line
