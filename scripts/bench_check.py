"""What the suite finds of faults that nobody listed, and what it says of correct servers.

    python scripts/bench_check.py [drawn] [peer] [clean] [--sample N] [--seed S] [--contract C]

drawn   N faults of a generator, drawn by seed: which of them `flora-contract check --fail-fast`
        finds, which by a rule that judges by the statement that is broken, and how soon
peer    the same faults with `schemathesis run --checks all`; found is one of which it says
        anything that it does not say of the sound server as well
clean   correct servers that take other choices, alone and drawn together: no violation may be
        found

A fault is an operator on a decision of a server that is made from the statements of behaviour,
under a condition (one account, one place, the second time, …): tests/faults. Some client sees it
before it counts. The same name is the same fault, and the same seed draws the same.
`--name FAULT` holds the suite to one of them, `--list` prints all names.

The suite runs in this process, which saves the second that Python and its imports take; seconds of
schemathesis are from process start to exit. Progress goes to stderr.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ET
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests" / "faults"))

import measure  # noqa: E402 - lies beside the tests, which use it too
import variants  # noqa: E402
from contracts import CONTRACTS  # noqa: E402
from world import Seeds  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterator

    from measure import Bench, Outcome

BIN = Path(sys.executable).parent
PARTS = ("drawn", "peer", "clean")
PROCESSES = 2

_stack = contextlib.ExitStack()
_benches: dict[str, Bench] = {}


def bench(contract: str) -> Bench:
    """The server of this process."""
    if contract not in _benches:
        _benches[contract] = _stack.enter_context(measure.bench(contract))
    return _benches[contract]


def main() -> None:
    """Run the parts that were asked for: drawn, if none was."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("parts", nargs="*", default=[], choices=[*PARTS, []])
    parser.add_argument("--sample", type=int, default=500, help="so many faults are drawn")
    parser.add_argument("--seed", type=int, default=0, help="of the draw, and of clean servers")
    parser.add_argument("--contract", choices=CONTRACTS, default="flora")
    parser.add_argument("--runs", type=int, default=1, help="seeds for each clean server")
    parser.add_argument("--name", help="one fault, by its name")
    parser.add_argument("--list", action="store_true", help="print the names of all faults")
    parser.add_argument("--output", type=Path, help="outcomes as JSON, a line each")
    options = parser.parse_args()
    if options.list:
        print(*_every(options.contract), sep="\n")
        return
    if options.name:
        print(bench(options.contract).hold(_every(options.contract)[options.name]))
        return
    for part in options.parts or ["drawn"]:
        if part == "clean":
            clean(options)
        else:
            drawn(options, part)


def _every(contract: str) -> dict[str, Any]:
    return {f.name: f for found in measure.faults_by_kind(contract).values() for f in found}


# Faults


def drawn(options: argparse.Namespace, part: str) -> None:
    """The draw, held to the suite or to its peer."""
    work = [
        (part, options.contract, options.seed, options.sample, n) for n in range(options.sample)
    ]
    outcomes: list[Outcome] = []
    with ProcessPoolExecutor(PROCESSES) as pool:
        for outcome in pool.map(_one, work):
            if outcome is None:
                continue
            outcomes.append(outcome)
            print(
                f"{part} {len(outcomes)}: {'found' if outcome.found else 'missed'} in "
                f"{outcome.seconds:.1f} s: {outcome.name} {' '.join(outcome.said[:3])}"
                f"{outcome.crash}",
                file=sys.stderr,
                flush=True,
            )
    if options.output is not None:
        lines = [json.dumps({"part": part, **asdict(o)}) for o in outcomes]
        with options.output.open("a", encoding="utf-8") as file:
            file.write("\n".join([*lines, ""]))
    show(f"{part}, {options.contract}, seed {options.seed}", outcomes)


def _one(work: tuple[str, str, int, int, int]) -> Outcome | None:
    part, contract, seed, size, number = work
    fault = measure.draw(contract, seed, size, number)
    if fault is None:
        return None
    server = bench(contract)
    return server.hold(fault) if part == "drawn" else _peer(server, fault)


def show(title: str, outcomes: list[Outcome]) -> None:
    """Rates, seconds, and the survivors by kind."""
    found = [o for o in outcomes if o.found]
    named = [o for o in found if o.named]
    seconds = sorted(o.seconds for o in found) or [0.0]
    print(
        f"{title}: {len(found)} of {len(outcomes)} found ({len(found) / len(outcomes):.0%}), "
        f"{len(named)} by a rule of the statement that is broken, "
        f"in {statistics.median(seconds):.1f} s "
        f"(median; 90 % within {seconds[int(0.9 * (len(seconds) - 1))]:.1f} s)"
    )
    crashes = [o for o in outcomes if o.crash]
    if crashes:
        print(
            f"the suite failed on {len(crashes)}:",
            *(f"  {o.name}: {o.crash}" for o in crashes),
            sep="\n",
        )
    print(*_rates("operator and point", Counter(o.kind for o in outcomes), found), sep="\n")
    missed = sorted((o for o in outcomes if not o.found), key=lambda o: o.kind)
    print("missed:", *(f"  {o.name}" for o in missed), sep="\n")
    print(
        "found by another rule:",
        *(f"  {o.name}: {', '.join(o.said)}" for o in found if not o.named),
        sep="\n",
        flush=True,
    )


def _rates(title: str, drawn_of: Counter[str], found: list[Outcome]) -> Iterator[str]:
    """Kinds of which not all were found, the worst first."""
    got = Counter(o.kind for o in found)
    yield f"{title}: found of drawn, where any was missed"
    for kind in sorted(drawn_of, key=lambda k: (got[k] - drawn_of[k], k)):
        if got[kind] < drawn_of[kind]:
            yield f"  {kind}: {got[kind]} of {drawn_of[kind]}"


# The peer


_false: dict[str, set[tuple[str, str]]] = {}


def _peer(server: Bench, fault: Any) -> Outcome:
    """Plain schemathesis; what it also says of the sound server does not count."""
    if server.origin not in _false:
        server.switch()
        _false[server.origin] = schemathesis(server)[0]
    server.switch(fault)
    said, seconds = schemathesis(server)
    more = sorted({title for _, title in said - _false[server.origin]})
    return measure.Outcome(fault.name, fault.kind, bool(more), False, seconds, tuple(more))


def schemathesis(server: Bench) -> tuple[set[tuple[str, str]], float]:
    """(operation, kind of failure) of one run, and its seconds."""
    with tempfile.TemporaryDirectory() as folder:
        report, spec = Path(folder, "junit.xml"), Path(folder, "openapi.json")
        spec.write_text(json.dumps(server.behaviour.document.tree), encoding="utf-8")
        base_url = f"{server.origin}{server.behaviour.contract.base}"
        command: list[str | Path] = [BIN / "schemathesis", "run", spec, "--url", base_url]
        key = next(iter(Seeds.of(server.behaviour).credits))
        started = time.monotonic()
        subprocess.run(
            [
                *command,
                *("-H", f"Authorization: Bearer {key}", "--checks", "all", "--seed", "1"),
                *("--request-timeout", "5", "--generation-database", "none"),
                *("--report", "junit", "--report-junit-path", report),
            ],
            capture_output=True,
            check=False,
            cwd=folder,
            env={**os.environ, "NO_COLOR": "1"},
        )
        seconds = time.monotonic() - started
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


# Correct servers


def clean(options: argparse.Namespace) -> None:
    """Nothing may be found on servers that are correct."""
    contract, seed = options.contract, options.seed
    names = ["sound", *variants.variant_names(CONTRACTS[contract](), seed)]
    work = [(contract, name, run) for run in range(options.runs) for name in names]
    wrong, times, creates = [], [], []
    with ProcessPoolExecutor(PROCESSES) as pool:
        for name, run, seconds, paid, said in pool.map(_clean, work):
            print(f"clean {name} {run}: {seconds:.1f} s {said}", file=sys.stderr, flush=True)
            times.append(seconds)
            creates.append(paid)
            wrong += [(name, run, one) for one in said]
    print(
        f"clean, {contract}: {len(wrong)} violations on {len(names)} correct servers, "
        f"{options.runs} seeds each; median {statistics.median(times):.1f} s, "
        f"max {max(times):.1f} s; at most {max(creates)} paid creates"
    )
    print(*(f"  {name}, seed {run}: {said}" for name, run, said in wrong), sep="\n", flush=True)


def _clean(work: tuple[str, str, int]) -> tuple[str, int, float, int, list[str]]:
    contract, name, run = work
    server = bench(contract)
    started = time.monotonic()
    creates, said = server.judge_sound(name, run)
    return name, run, time.monotonic() - started, creates, said


if __name__ == "__main__":
    main()
