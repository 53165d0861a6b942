"""Measure `flora-contract diff` beside its peers, each as a process of its own.

    python scripts/bench_diff.py FOLDER

FOLDER is where the peers and the documents are fetched to (npm and PyPI) and kept: the command
`diff` of @redocly/cli, api-schema-diff, and two releases of GitHub's REST description. A peer
that cannot be had is left out and said so.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import resource

RUNS = 3
LIMIT = 180  # seconds for one run

GITHUB = "@octokit/openapi"
RELEASES = ("18.2.0", "23.0.2")
REDOCLY = "@redocly/cli@2.77.0"
SCHEMA_DIFF = "api-schema-diff==1.0.4"


@dataclass(frozen=True)
class Measure:
    """The best of some runs: seconds of wall clock and of CPU, and the most memory in MB.

    The seconds of CPU are what to compare on a machine that others use too.
    """

    seconds: float
    cpu: float
    memory: float

    def __str__(self) -> str:
        return f"{self.seconds:7.2f} s {self.cpu:7.2f} s CPU {self.memory:7.0f} MB"


def measure(command: list[str], folder: Path, runs: int = RUNS) -> Measure | None:
    """Run a command some times. None if it does not end in time or fails on its own account."""
    best: Measure | None = None
    for _ in range(runs):
        started = time.perf_counter()
        process = subprocess.Popen(
            command,
            cwd=folder,
            env={
                **os.environ,
                "REDOCLY_TELEMETRY": "off",
                "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true",
            },
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        done = wait(process, started + LIMIT)
        if done is None:
            return None
        cpu = done.ru_utime + done.ru_stime
        one = Measure(time.perf_counter() - started, cpu, done.ru_maxrss / 1024)
        best = one if best is None or one.cpu < best.cpu else best
    return best


def wait(process: subprocess.Popen[bytes], deadline: float) -> resource.struct_rusage | None:
    while True:
        pid, status, usage = os.wait4(process.pid, os.WNOHANG)
        if pid:
            process.returncode = os.waitstatus_to_exitcode(status)
            return usage if process.returncode in {0, 1} else None
        if time.perf_counter() > deadline:
            process.kill()
            process.wait()
            return None
        time.sleep(0.005)


# Documents


def operations(count: int, edit: bool) -> dict[str, Any]:
    """A contract with some operations that each have a schema of their own and share others."""
    shared = {
        f"Shared{n}": {
            "type": "object",
            "properties": {f"p{k}": {"type": "string"} for k in range(9)},
        }
        for n in range(20)
    }
    paths = {}
    for number in range(count):
        schema = {
            "type": "object",
            "properties": {
                "id": {"type": "integer", "minimum": 2 if edit and number % 10 == 0 else 1},
                "of": {"$ref": f"#/components/schemas/Shared{number % 20}"},
                **{f"f{k}": {"type": "string", "description": "A field."} for k in range(10)},
            },
        }
        content = {"content": {"application/json": {"schema": schema}}}
        paths[f"/r{number}/{{id}}"] = {
            "post": {
                "operationId": f"post{number}",
                "parameters": [
                    {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}
                ],
                "requestBody": content,
                "responses": {"200": {"description": "Done", **content}},
            }
        }
    return contract(paths, shared)


def trap(count: int, edit: bool) -> dict[str, Any]:
    """Schemas that all refer to each other: every path through them leads to every other."""
    schemas = {}
    for number in range(count):
        others = {
            f"to{step}": {
                "anyOf": [
                    {"type": "string", "maxLength": 4_000 if edit and step == 3 else 5_000},
                    {"$ref": f"#/components/schemas/S{(number * 7 + step * step) % count}"},
                ]
            }
            for step in range(1, 13)
        }
        own = {"id": {"type": "string"}, "amount": {"type": "integer"}}
        schemas[f"S{number}"] = {"type": "object", "properties": {**own, **others}}
    paths = {
        f"/s{number}": {
            "get": {
                "responses": {
                    "200": {
                        "description": "Done",
                        "content": {
                            "application/json": {
                                "schema": {"$ref": f"#/components/schemas/S{number}"}
                            }
                        },
                    }
                }
            }
        }
        for number in range(count)
    }
    return contract(paths, schemas)


def contract(paths: dict[str, Any], schemas: dict[str, Any]) -> dict[str, Any]:
    return {
        "openapi": "3.1.0",
        "info": {"title": "Measured", "version": "1.0.0"},
        "paths": paths,
        "components": {"schemas": schemas},
    }


def written(folder: Path, name: str, pair: tuple[dict[str, Any], dict[str, Any]]) -> list[str]:
    files = []
    for side, tree in zip(("base", "revision"), pair, strict=True):
        file = folder / f"{name}-{side}.json"
        file.write_text(json.dumps(tree, indent=1))
        files.append(str(file))
    return files


# Peers


def fetched(folder: Path) -> tuple[list[str] | None, dict[str, list[str]]]:
    """GitHub's description twice, and the commands of the peers that could be had."""
    commands: dict[str, list[str]] = {}
    npm, uv = shutil.which("npm"), shutil.which("uv")
    files: list[str] | None = None
    if npm is not None:
        quietly([npm, "install", "--silent", "--prefix", str(folder / "redocly"), REDOCLY])
        redocly = folder / "redocly" / "node_modules" / ".bin" / "redocly"
        if redocly.exists():
            commands["redocly diff"] = [str(redocly), "diff", "--format", "json"]
        files = [str(release(npm, folder, version)) for version in RELEASES]
    peer = folder / "peer"
    if uv is not None:
        quietly([uv, "venv", "--quiet", "--allow-existing", str(peer)])
        python = str(peer / "bin" / "python")
        quietly([uv, "pip", "install", "--quiet", "--python", python, SCHEMA_DIFF])
    if (peer / "bin" / "api-schema-diff").exists():
        commands["api-schema-diff"] = [str(peer / "bin" / "api-schema-diff")]
    return files, commands


def release(npm: str, folder: Path, version: str) -> Path:
    place = folder / f"github-{version}"
    quietly([npm, "install", "--silent", "--prefix", str(place), f"{GITHUB}@{version}"])
    return place / "node_modules" / GITHUB / "generated" / "api.github.com.json"


def quietly(command: list[str]) -> None:
    subprocess.run(command, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    empty = folder / "empty"
    empty.mkdir(exist_ok=True)
    ours = [str(Path(sys.executable).with_name("flora-contract")), "diff", "--format", "json"]
    github, commands = fetched(folder)
    pairs = {
        "small pair (20 operations)": written(
            folder, "small", (operations(20, False), operations(20, True))
        ),
        "1,000 operations": written(
            folder, "m1", (operations(1000, False), operations(1000, True))
        ),
        "2,000 operations": written(
            folder, "m2", (operations(2000, False), operations(2000, True))
        ),
        "300 recursive schemas (the Stripe trap)": written(
            folder, "trap", (trap(300, False), trap(300, True))
        ),
    }
    if github is not None and all(Path(file).exists() for file in github):
        pairs[f"GitHub {' and '.join(RELEASES)}"] = github
    for name, files in pairs.items():
        print(name)
        print(f"  {'flora-contract diff':22} {measure([*ours, *files], empty)}")
        for peer, command in commands.items():
            found = measure([*command, *files], empty, runs=1 if "recursive" in name else RUNS)
            print(f"  {peer:22} {found or f'not within {LIMIT} s, or failed'}")


if __name__ == "__main__":
    main()
