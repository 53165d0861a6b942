"""How many single-fault servers the suite finds, how fast, and how a plain schemathesis run does.

    python scripts/bench_check.py [kill] [name] [peer] [clean] [--sample N] [--runs N]

kill    each fault with `flora-contract check --fail-fast`, from process start to exit
name    each fault until the oracle that is meant for it finds it
peer    each fault with `schemathesis run --checks all`; killed is one of which it says anything
        that it does not say of the unbroken mock as well
clean   the unbroken mock and the correct variant, each with --runs seeds: nothing may be found

Seconds are those on the clock from process start to exit, and beside them those of the processor,
which a busy machine does not stretch as much. Progress goes to stderr.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import resource
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import httpx

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]
SERVER = ROOT / "tests" / "conformance" / "faults" / "server.py"
BIN = Path(sys.executable).parent
PARTS = ("kill", "name", "peer", "clean")


@contextlib.contextmanager
def fault_server() -> Iterator[str]:
    """The mock behind the wrapper; gives its origin."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen([sys.executable, SERVER, str(port)])
    origin = f"http://127.0.0.1:{port}"
    try:
        for _ in range(200):
            with contextlib.suppress(httpx.TransportError):
                httpx.get(origin)
                break
            time.sleep(0.05)
        yield origin
    finally:
        process.terminate()
        process.wait()


def switch(origin: str, name: str) -> None:
    """Put a fault in place, on a mock without history."""
    httpx.put(f"{origin}/_fault/{name}").raise_for_status()


def faults() -> list[dict[str, str]]:
    """Name, class and oracle of each."""
    listed = subprocess.run([sys.executable, SERVER, "--list"], capture_output=True, check=True)
    rows: list[dict[str, str]] = json.loads(listed.stdout)
    return rows


class Seconds(NamedTuple):
    """On the clock, and of the processor (user and system, this process and those it ended)."""

    wall: float
    cpu: float

    @classmethod
    def now(cls) -> Seconds:
        """As of now; only a difference means anything."""
        used = [resource.getrusage(w) for w in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        return cls(time.monotonic(), sum(u.ru_utime + u.ru_stime for u in used))

    def passed(self) -> Seconds:
        """Since then."""
        now = Seconds.now()
        return Seconds(now.wall - self.wall, now.cpu - self.cpu)


def check(origin: str, *options: str) -> tuple[int, Seconds, dict[str, Any]]:
    """Exit code, seconds from process start to exit, and the report."""
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder, "report.json")
        command: list[str | Path] = [
            BIN / "flora-contract",
            "check",
            "--base-url",
            f"{origin}/api/v1",
        ]
        started = Seconds.now()
        done = subprocess.run(
            [*command, "--format", "json", "--output", output, *options],
            capture_output=True,
            check=False,
        )
        seconds = started.passed()
        if done.returncode not in {0, 1}:
            raise SystemExit(done.stderr.decode())
        return done.returncode, seconds, json.loads(output.read_text())


@dataclass(frozen=True)
class Shot:
    """One fault: its class, whether it was killed, and how long that took."""

    kind: str
    killed: bool
    seconds: Seconds


class Board:
    """Killed and seconds by class."""

    def __init__(self, title: str, total: int) -> None:
        self.title = title
        self.total = total
        self.shots: list[Shot] = []

    def add(self, row: dict[str, str], *, killed: bool, seconds: Seconds) -> None:
        """One fault's result; a miss is named at once."""
        self.shots.append(Shot(row["class"], killed, seconds))
        print(
            f"{self.title} {len(self.shots)}/{self.total} {row['name']}: "
            f"{'killed' if killed else 'missed'} in {seconds.wall:.2f} s, {seconds.cpu:.2f} s cpu",
            file=sys.stderr,
            flush=True,
        )
        if not killed:
            print(f"  missed: ({row['class']}) {row['name']}, for {row['oracle']}", flush=True)

    def show(self) -> None:
        """The table."""
        print(f"{self.title}\nclass  killed   median s   max s   median cpu s   max cpu s")
        for kind in sorted({shot.kind for shot in self.shots}):
            self._row(kind, [shot for shot in self.shots if shot.kind == kind])
        self._row("all", self.shots)
        print(flush=True)

    @staticmethod
    def _row(name: str, shots: list[Shot]) -> None:
        share = f"{sum(shot.killed for shot in shots)}/{len(shots)}"
        wall, cpu = zip(*(shot.seconds for shot in shots), strict=True)
        print(
            f"{name:<5}{share:>9}{statistics.median(wall):>10.2f}{max(wall):>9.2f}"
            f"{statistics.median(cpu):>13.2f}{max(cpu):>12.2f}"
        )


def kill(rows: list[dict[str, str]]) -> None:
    """Each fault with --fail-fast."""
    board = Board("flora-contract check --fail-fast", len(rows))
    with fault_server() as origin:
        for row in rows:
            switch(origin, row["name"])
            code, seconds, _ = check(origin, "--fail-fast", "--max-wait", "5")
            board.add(row, killed=code == 1, seconds=seconds)
    board.show()


def name(rows: list[dict[str, str]]) -> None:
    """Each fault until its own oracle speaks, in this process."""
    from flora_contract.conformance.oracle import Severity
    from flora_contract.conformance.plan import plan
    from flora_contract.conformance.run import Check
    from flora_contract.conformance.settings import gather

    board = Board("named by the oracle that is meant for it", len(rows))
    with fault_server() as origin:
        given = {"base_url": f"{origin}/api/v1", "max_wait": 2.0, "timeout": 1.0}
        for row in rows:
            switch(origin, row["name"])
            started = Seconds.now()
            named = False
            with Check(gather(given)) as running:
                for step in plan(running.behaviour):
                    running.perform(step)
                    named = any(
                        f.oracle.id == row["oracle"] and f.severity is Severity.VIOLATION
                        for f in running.judge.findings()
                    )
                    if named:
                        break
            board.add(row, killed=named, seconds=started.passed())
    board.show()


def peer(rows: list[dict[str, str]]) -> None:
    """Each fault with plain schemathesis; what it also says of the sound server does not count."""
    board = Board("schemathesis run --checks all", len(rows))
    with fault_server() as origin:
        switch(origin, "sound")
        false, _ = schemathesis(origin)
        print(f"schemathesis on the unbroken mock: {len(false)} false alarms {sorted(false)}")
        print("killed: anything else that it says of a faulty server", flush=True)
        for row in rows:
            switch(origin, row["name"])
            found, seconds = schemathesis(origin)
            board.add(row, killed=bool(found - false), seconds=seconds)
    board.show()


def schemathesis(origin: str) -> tuple[set[tuple[str, str]], Seconds]:
    """(operation, kind of failure) of one run, and its seconds."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "junit.xml")
        command: list[str | Path] = [
            BIN / "schemathesis",
            "run",
            ROOT / "openapi.yaml",
            "--url",
            f"{origin}/api/v1",
        ]
        started = Seconds.now()
        subprocess.run(
            [
                *command,
                *("-H", "Authorization: Bearer sk_live_test", "--checks", "all", "--seed", "1"),
                *("--request-timeout", "5", "--generation-database", "none"),
                *("--report", "junit", "--report-junit-path", report),
            ],
            capture_output=True,
            check=False,
            cwd=folder,
            env={**os.environ, "NO_COLOR": "1"},
        )
        seconds = started.passed()
        if not report.is_file():
            return {("-", "did not finish")}, seconds
        return set(_failures(report)), seconds


def _failures(report: Path) -> Iterator[tuple[str, str]]:
    for case in ET.parse(report).iter("testcase"):  # noqa: S314 - made by the line above
        for failure in (*case.iter("failure"), *case.iter("error")):
            text = f"{failure.get('message', '')}\n{failure.text or ''}"
            titles = re.findall(r"^\s*- ([A-Z][^\n]+)$", text, re.MULTILINE) or ["failed"]
            for title in titles:
                yield case.get("name", ""), title


def clean(runs: int) -> None:
    """Nothing may be found on servers that are correct."""
    with fault_server() as origin:
        for server in ("sound", "variant"):
            found, times, creates = [], [], []
            for seed in range(runs):
                switch(origin, server)
                _, seconds, report = check(origin, "--seed", str(seed))
                found += [(seed, f["oracle"], f["seen"]) for f in report["findings"]]
                times.append(seconds)
                creates.append(report["charged_requests"])
                print(f"{server} {seed + 1}/{runs}: {seconds.wall:.1f} s", file=sys.stderr)
            wall, cpu = zip(*times, strict=True)
            print(
                f"{server}: {len(found)} findings in {runs} runs {found or ''}; "
                f"median {statistics.median(wall):.1f} s, max {max(wall):.1f} s "
                f"(cpu {statistics.median(cpu):.1f} s, {max(cpu):.1f} s); "
                f"at most {max(creates)} paid creates",
                flush=True,
            )


def main() -> None:
    """Run the parts that were asked for, or all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", default=PARTS, choices=[*PARTS, []])
    parser.add_argument("--sample", type=int, default=1, help="take every Nth fault")
    parser.add_argument("--runs", type=int, default=50, help="clean runs for each server")
    options = parser.parse_args()
    rows = faults()[:: options.sample]
    print(f"{len(rows)} faults", flush=True)
    if "kill" in options.parts:
        kill(rows)
    if "name" in options.parts:
        name(rows)
    if "peer" in options.parts:
        peer(rows)
    if "clean" in options.parts:
        clean(options.runs)


if __name__ == "__main__":
    main()
