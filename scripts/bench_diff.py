"""Measure `flora-contract diff` beside its peers, each as a process of its own.

    python scripts/bench_diff.py FOLDER
    python scripts/bench_diff.py FOLDER --pairs 20000

FOLDER is where the peers and the documents are fetched to (npm and PyPI) and kept: the command
`diff` of @redocly/cli, api-schema-diff, and two releases of GitHub's REST description. A peer
that cannot be had is left out and said so. `--pairs` tries that many random pairs of operations
instead, whether what a value proves is ever called safe: for a night.
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


def measure(
    command: list[str],
    folder: Path,
    runs: int = RUNS,
    *,
    limit: float = LIMIT,
    codes: frozenset[int] = frozenset({0, 1}),
) -> Measure | None:
    """Run a command some times. None if it does not end in time or with one of the exit codes."""
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
        done = wait(process, started + limit, codes)
        if done is None:
            return None
        cpu = done.ru_utime + done.ru_stime
        one = Measure(time.perf_counter() - started, cpu, done.ru_maxrss / 1024)
        best = one if best is None or one.cpu < best.cpu else best
    return best


def wait(
    process: subprocess.Popen[bytes], deadline: float, codes: frozenset[int]
) -> resource.struct_rusage | None:
    while True:
        pid, status, usage = os.wait4(process.pid, os.WNOHANG)
        if pid:
            process.returncode = os.waitstatus_to_exitcode(status)
            return usage if process.returncode in codes else None
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


# Targets


@dataclass(frozen=True)
class Target:
    """A figure and what it may be at most."""

    name: str
    value: float | None
    most: float
    unit: str = ""

    def __str__(self) -> str:
        if self.value is None:
            return f"  ?     {self.name}: not measured, at most {self.most:g}{self.unit}"
        word = "pass" if self.value <= self.most else "MISS"
        return (
            f"  {word}  {self.name}: {self.value:.2f}{self.unit}, at most {self.most:g}{self.unit}"
        )


def targets(found: dict[tuple[str, str], Measure | None]) -> list[Target]:
    """What was promised, and what came of it."""

    def ours(pair: str) -> Measure:
        one = found[pair, OURS]
        assert one is not None, f"{OURS} failed on {pair}"
        return one

    ratios: dict[str, float | None] = dict.fromkeys(("time", "CPU"))
    redocly = found.get((GITHUB_PAIR, "redocly diff"))
    memory = None
    if (GITHUB_PAIR, OURS) in found:
        memory = ours(GITHUB_PAIR).memory
        if redocly is not None:
            ratios = {
                "time": ours(GITHUB_PAIR).seconds / redocly.seconds,
                "CPU": ours(GITHUB_PAIR).cpu / redocly.cpu,
            }
    return [
        *(Target(f"GitHub: {name} of Redocly's", ratio, 0.5) for name, ratio in ratios.items()),
        Target("GitHub: memory", memory, 700, " MB"),
        Target("trap: time", ours(TRAP).seconds, 10, " s"),
        Target("trap: memory", ours(TRAP).memory, 1000, " MB"),
        Target("twice the operations: time", ours(TWICE).seconds / ours(ONCE).seconds, 2.2),
        Target("twice the operations: CPU", ours(TWICE).cpu / ours(ONCE).cpu, 2.2),
        Target("small pair: time", ours(SMALL).seconds, 0.6, " s"),
    ]


OURS = "flora-contract diff"
SMALL = "small pair (20 operations)"
ONCE, TWICE = "1,000 operations", "2,000 operations"
TRAP = "300 recursive schemas (the Stripe trap)"
GITHUB_PAIR = f"GitHub {' and '.join(RELEASES)}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--pairs", type=int, help="try random pairs instead")
    given = parser.parse_args()
    if given.pairs:
        sys.exit(tried(given.pairs))
    folder = given.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    empty = folder / "empty"
    empty.mkdir(exist_ok=True)
    tell("fetching the peers and GitHub's description")
    github, peers = fetched(folder)
    flora = str(Path(sys.executable).with_name("flora-contract"))
    commands = {OURS: [flora, "diff", "--format", "json"], **peers}
    pairs = {
        SMALL: written(folder, "small", (operations(20, False), operations(20, True))),
        ONCE: written(folder, "m1", (operations(1000, False), operations(1000, True))),
        TWICE: written(folder, "m2", (operations(2000, False), operations(2000, True))),
        TRAP: written(folder, "trap", (trap(300, False), trap(300, True))),
    }
    if github is not None and all(Path(file).exists() for file in github):
        pairs[GITHUB_PAIR] = github
    found: dict[tuple[str, str], Measure | None] = {}
    for name, files in pairs.items():
        print(name, flush=True)
        for tool, command in commands.items():
            tell(f"{name}: {tool}")
            runs = 1 if name == TRAP and tool != OURS else RUNS
            one = found[name, tool] = measure([*command, *files], empty, runs)
            print(f"  {tool:22} {one or f'not within {LIMIT} s, or failed'}", flush=True)
    print("targets")
    for target in targets(found):
        print(target)


def tried(pairs: int) -> int:
    """The exit code of the tests that try random pairs; a counterexample belongs into the table."""
    environment = {**os.environ, "FLORA_TEST_PAIRS": str(pairs)}
    command = [sys.executable, "-m", "pytest", "-q", "tests/diff/test_soundness.py"]
    root = Path(__file__).parents[1]
    return subprocess.run(command, cwd=root, env=environment, check=False).returncode


def tell(text: str) -> None:
    print(f"… {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
