"""Walks a page as a reader does: writes the files it shows, runs its commands, compares output.

A code block with a title is a file. In a console block, `$ ` begins a command, and the lines below
are its output, in which `...` stands for anything; without lines, output is not looked at. A
command must succeed unless the next one is `echo $?`. A block below `<!-- background -->` keeps
running, and one below `<!-- not run -->` is left out.
"""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import uv

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BLOCK = re.compile(
    r"(?:^<!-- (?P<mark>[a-z ]+) -->\n)?"
    r"^```(?P<language>\w+)(?: title=\"(?P<title>[^\"]+)\")?\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
PORT = "4010"
"""The port that pages use; a walk takes a free one."""
LIMIT = 120
"""Seconds for a page."""


@dataclass
class Step:
    """A command and what it prints, or a file and its text."""

    line: int
    command: str = ""
    shown: list[str] = field(default_factory=list)
    background: bool = False
    file: str = ""
    text: str = ""


def steps(page: Path) -> Iterator[Step]:
    """What a reader does, in order."""
    text = page.read_text(encoding="utf-8")
    for block in BLOCK.finditer(text):
        line = text.count("\n", 0, block.start("text")) + 1
        if block["mark"] == "not run":
            continue
        if block["title"]:
            yield Step(line, file=block["title"], text=block["text"])
        elif block["language"] == "console":
            yield from commands(block["text"], line, background=block["mark"] == "background")


def commands(text: str, line: int, *, background: bool) -> list[Step]:
    """The commands of a console block; the last is the one that keeps running."""
    found: list[Step] = []
    for number, row in enumerate(text.splitlines(), line):
        if row.startswith("$ "):
            found.append(Step(number, row.removeprefix("$ ")))
        elif found and found[-1].command.endswith("\\"):
            found[-1].command += f"\n{row}"
        elif found:
            found[-1].shown.append(row)
    if background:
        found[-1].background = True
    return found


def walk(page: Path, folder: Path, bin_: Path, port: str = "", **environment: str) -> None:
    """Do what a page says, in an empty folder, with the programs of `bin_`."""
    port = port or str(free_port())
    todo = list(steps(page))
    assert todo, f"{page} has no commands"
    script = [
        "trap 'trap - EXIT; kill $(jobs -p) 2>/dev/null' EXIT",
        f'pip() {{ "{uv.find_uv_bin()}" pip "$@" --quiet --python "{bin_}/python"; }}',
        f'uvx() {{ "{uv.find_uv_bin()}" tool run --quiet "$@"; }}',
    ]
    for number, step in enumerate(todo):
        if step.file:
            script.append(f"mkdir -p \"$(dirname '{step.file}')\"")
            script.append(f"cat > '{step.file}' <<'END OF FILE'\n{step.text}END OF FILE")
        elif step.background:
            command = re.sub(
                "(flora-contract mock)(?!.*--port)", rf"\1 --port {PORT}", step.command
            )
            script.append(f"{{ {command} & }} > .{number}.out 2>&1")
            told = re.search(r"127\.0\.0\.1:(\d+)", "\n".join([step.command, *step.shown]))
            assert told is not None, f"{page}:{step.line}: where does it listen?"
            script.append(
                f"until (: > /dev/tcp/127.0.0.1/{told[1]}) 2>/dev/null; do sleep 0.05; done"
            )
        else:
            script.append(f"{{ {step.command}\n}} > .{number}.out 2>&1")
            script.append(f"s=$?; echo $s > .{number}.rc; (exit $s)")
    clean = {
        k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "FLORA", "VIRTUAL"))
    }
    path = f"{bin_}:{os.environ['PATH']}"
    process = subprocess.Popen(
        ["bash"], stdin=subprocess.PIPE, cwd=folder, text=True, start_new_session=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        env={**clean, "PATH": path, "NO_COLOR": "1", "COLUMNS": "120", **environment},
    )  # fmt: skip
    try:
        process.communicate("\n".join(script).replace(PORT, port), timeout=LIMIT)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    for number, step in enumerate(todo):
        if step.command and not step.background:
            said = (folder / f".{number}.out").read_text(encoding="utf-8").replace(port, PORT)
            code = (folder / f".{number}.rc").read_text().strip()
            compare(
                f"{page.name}:{step.line}: $ {step.command}", step, said, code, todo[number + 1 :]
            )


def compare(place: str, step: Step, said: str, code: str, after: list[Step]) -> None:
    """Whether a command did and said what the page shows."""
    asked = bool(after) and after[0].command == "echo $?"
    assert code == "0" or asked, f"{place}\nexit code {code}\n{said}"
    if step.shown:
        parts = "\n".join(line.rstrip() for line in step.shown).strip().split("...")
        pattern = ".*".join(map(re.escape, parts))
        told = "\n".join(line.rstrip() for line in said.splitlines()).strip()
        assert re.fullmatch(pattern, told, re.DOTALL), f"{place}\n{said}"


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port
