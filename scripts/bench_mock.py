"""Hold the mock's speed, memory and start against its targets and against other mock servers.

    python scripts/bench_mock.py                  everything: about ten minutes
    python scripts/bench_mock.py --only rates --seconds 2

Each server gets one core and Debian's wrk the other. Prism and Steady come from npm, into build/;
all serve the same openapi.yaml and are asked the same. For a page Prism and Steady give the
contract's example, of one run; the mock and Starlette give twenty. PostgreSQL shares the load's
core, writes as it does by default, and is put behind a network (bench_mock_far.py), too. Exit code:
0 all targets met, 1 not, 2 something needed is missing, or a server does not answer as it should.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.conftest import needed  # noqa: E402 - the tests find and start it, too
from tests.mock.postgresql_server import serving  # noqa: E402

CONTRACT = ROOT / "openapi.yaml"
PEERS = ROOT / "build" / "bench_mock"
PEER_PACKAGES = ["@stoplight/prism-cli@5.14.2", "@stdy/cli@0.22.2"]

SERVER_CORE, LOAD_CORE = "0", "1"
CONNECTIONS = 16
ROUNDS = 3
KEY = "sk_live_bench"
ACCOUNTS = {KEY: {"credits": 1_000_000_000, "workspaces": {"ws_abc123": ["prj_abc123"]}}}
REQUEST = {
    "type": "image",
    "prompt": "A cinematic product photo of a ceramic mug on a sunlit table",
    "workspace_id": "ws_abc123",
    "project_id": "prj_abc123",
}
HEADERS = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}
PAGE = "/generations?limit=20"
EMPTY_PAGE = "/generations?limit=20&status=failed"
OPERATIONS = ("create", "retrieve", "list")
OURS, PRISM, STEADY, PLAIN = "mock", "Prism", "Steady", "Starlette"


@dataclass(frozen=True)
class Target:
    """What a figure must be: at least, or at most, this much."""

    at_least: float | None = None
    at_most: float | None = None

    def met_by(self, value: float) -> bool:
        return (self.at_least is None or value >= self.at_least) and (
            self.at_most is None or value <= self.at_most
        )

    def __str__(self) -> str:
        return f"≥ {self.at_least:g}" if self.at_least is not None else f"≤ {self.at_most:g}"


TARGETS = {
    **{f"{operation}: times Steady": Target(at_least=1) for operation in OPERATIONS},
    **{f"{operation}: times Prism": Target(at_least=5) for operation in OPERATIONS},
    **{f"{operation}: p99 at half load, ms": Target(at_most=20) for operation in OPERATIONS},
    "page of 1,000,000 runs: times the cost of 1,000": Target(at_most=1.5),
    "page without a match: times the cost of 1,000": Target(at_most=1.5),
    "memory with 100,000 runs, MB": Target(at_most=150),
    "start to first answer, s": Target(at_most=0.6),
    "SQLite: retrieve, times memory": Target(at_least=0.9),
    "SQLite: list, times memory": Target(at_least=0.9),
    "PostgreSQL: create a second": Target(at_least=1_000),
    "PostgreSQL: retrieve a second": Target(at_least=4_000),
    "PostgreSQL: list a second": Target(at_least=2_000),
    **{f"PostgreSQL 2 ms away: {o}, times near": Target(at_least=0.5) for o in OPERATIONS},
    **{f"PostgreSQL, 2 workers: {o}, times one": Target(at_least=1.5) for o in OPERATIONS},
    "after 1,000,000 requests: retrieve, times before": Target(at_least=0.9),
    "after 1,000,000 requests: memory, times before": Target(at_most=1.2),
}


class BenchError(Exception):
    """Something that is needed is missing, or a server does not answer as it should."""


@dataclass(frozen=True)
class Server:
    """A running server: where its paths begin, and its process."""

    name: str
    port: int
    base: str
    process: subprocess.Popen[bytes]

    def ask(self, method: str, path: str) -> tuple[int, dict[str, Any]]:
        """Status and body of one answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        body = json.dumps(REQUEST) if method == "POST" else None
        with contextlib.closing(connection):
            connection.request(method, self.base + path, body, HEADERS)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())

    def cpu_seconds(self) -> float:
        """What the server's processes have used so far."""
        ticks = 0
        for stat in Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):  # it has ended since
                fields = stat.read_text().rpartition(") ")[2].split()
                if int(fields[2]) == self.process.pid:
                    ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Load:
    """What wrk measured."""

    requests: int
    rate: float
    p50: float
    """Milliseconds; p99 likewise."""
    p99: float
    work: float
    """Microseconds of its core that the server spent on a request."""


@dataclass(frozen=True)
class Bench:
    """What the measurements share: how long each of them lasts, and a folder for files."""

    seconds: int
    folder: Path
    progress: Progress


# Servers


def commands(folder: Path) -> dict[str, tuple[str, Callable[[int], list[str]]]]:
    """Where each server's paths begin, and the command that starts it on a port."""
    accounts = folder / "accounts.json"
    accounts.write_text(json.dumps(ACCOUNTS))
    mock = str(Path(sys.executable).with_name("flora-contract"))
    peers = PEERS / "node_modules" / ".bin"
    quiet = ["-v", "fatal"]
    return {
        OURS: ("/api/v1", lambda port: [mock, "mock", f"--port={port}", f"--accounts={accounts}"]),
        PRISM: (
            "",
            lambda port: [f"{peers}/prism", "mock", "-p", str(port), *quiet, str(CONTRACT)],
        ),
        STEADY: ("", lambda port: [f"{peers}/steady", "-q", f"--port={port}", str(CONTRACT)]),
        PLAIN: (
            "",
            lambda port: [sys.executable, str(ROOT / "scripts" / "bench_mock_plain.py"), str(port)],
        ),
    }


@contextlib.contextmanager
def running(name: str, bench: Bench, *options: str, cores: str = SERVER_CORE) -> Iterator[Server]:
    """A server on its core, from its first answer on."""
    base, command = commands(bench.folder)[name]
    port = free_port()
    log = bench.folder / f"{name}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            ["taskset", "-c", cores, *command(port), *options],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    server = Server(name, port, base, process)
    try:
        wait_for(server, log)
        yield server
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # Steady runs under a process that starts it
        process.wait()


def wait_for(server: Server, log: Path) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and server.process.poll() is None:
        try:
            server.ask("GET", PAGE)
        except OSError:
            time.sleep(0.005)
        else:
            return
    raise BenchError(f"{server.name} does not answer: {log.read_text(errors='replace')[-500:]}")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def install_peers() -> None:
    """Put Prism and Steady into build/, once."""
    ready = PEERS / "ready.json"
    if ready.exists() and json.loads(ready.read_text()) == PEER_PACKAGES:
        return
    need("npm", "Node.js 20 with npm")
    print(f"Installing {' and '.join(PEER_PACKAGES)} into {PEERS}", file=sys.stderr)
    PEERS.mkdir(parents=True, exist_ok=True)
    quiet = ["--no-audit", "--no-fund", "--loglevel=error"]
    command = ["npm", "install", *quiet, "--prefix", str(PEERS), *PEER_PACKAGES]
    if subprocess.run(command, check=False).returncode:
        raise BenchError("npm cannot install the peers; --only leaves them out")
    ready.write_text(json.dumps(PEER_PACKAGES))


def need(program: str, package: str) -> None:
    if shutil.which(program) is None:
        raise BenchError(f"{program} is not installed: install {package}")


def check_machine() -> None:
    need("wrk", "Debian's package wrk")
    need("taskset", "Debian's package util-linux")
    if not {int(SERVER_CORE), int(LOAD_CORE)} <= os.sched_getaffinity(0):
        raise BenchError("two cores are needed: one for the server, one for the load")


# Load


def load(
    server: Server,
    bench: Bench,
    requests: list[tuple[str, str]],
    *,
    pause: float = 0,
    stop_after: int = 0,
) -> Load:
    """Send requests (method and path) in turn over 16 connections, for the bench's seconds.

    `pause`, in milliseconds, is the mean wait of a connection between an answer and its next
    request; after `stop_after` requests no more are sent. Raises BenchError for any answer but a
    2xx.
    """
    script = bench.folder / "load.lua"
    script.write_text(lua(server, requests, pause, stop_after))
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{bench.seconds}s", "-s", str(script)]
    url = f"http://127.0.0.1:{server.port}"
    before = server.cpu_seconds()
    result = subprocess.run(
        ["taskset", "-c", LOAD_CORE, *command, url], capture_output=True, text=True, check=False
    )
    if result.returncode:
        raise BenchError(f"wrk: {result.stderr.strip()}")
    work = server.cpu_seconds() - before
    measured = json.loads(result.stdout.splitlines()[-1])
    if measured["errors"] or not measured["requests"]:
        raise BenchError(f"{server.name}: {measured['errors']} of its answers were no 2xx")
    return Load(
        measured["requests"],
        measured["requests"] / measured["seconds"],
        measured["p50"],
        measured["p99"],
        work / measured["requests"] * 1e6,
    )


def lua(server: Server, requests: list[tuple[str, str]], pause: float, stop_after: int) -> str:
    """A script for wrk: what to send, and what to print at the end."""
    headers = "\n".join(
        f"wrk.headers[{json.dumps(name)}] = {json.dumps(value)}" for name, value in HEADERS.items()
    )
    wanted = ", ".join(
        f"{{{json.dumps(method)}, {json.dumps(server.base + path)}}}" for method, path in requests
    )
    whole, part = divmod(pause, 1)
    delay = f"function delay() return math.random() < {part} and {whole + 1} or {whole} end"
    stop = f"""local answers = 0
function response()
  answers = answers + 1
  if answers >= {stop_after} then wrk.thread:stop() end
end"""
    return f"""
{headers}
local wanted, ready, at = {{{wanted}}}, {{}}, 0
function init()
  for number, one in ipairs(wanted) do
    local body = one[1] == "POST" and {json.dumps(json.dumps(REQUEST))} or nil
    ready[number] = wrk.format(one[1], one[2], nil, body)
  end
end
function request()
  at = at % #ready + 1
  return ready[at]
end
{delay if pause else ""}
{stop if stop_after else ""}
function done(summary, latency)
  local e = summary.errors
  local errors = e.connect + e.read + e.write + e.status + e.timeout
  io.write(string.format('\\n{{"requests": %d, "seconds": %f, "errors": %d, ',
    summary.requests, summary.duration / 1e6, errors))
  io.write(string.format('"p50": %f, "p99": %f}}\\n',
    latency:percentile(50) / 1000, latency:percentile(99) / 1000))
end
"""


def prepare(server: Server) -> dict[str, list[tuple[str, str]]]:
    """What to send for each operation, once the server has runs and has shown that it answers."""
    run_ids = []
    for _ in range(1_000):
        status, body = server.ask("POST", "/generate")
        if status != 201:
            raise BenchError(f"{server.name} answers a create with {status}: {body}")
        run_ids.append(body["run_id"])
    retrievals = [f"/runs/{run_id}" for run_id in dict.fromkeys(run_ids)]
    for path in (retrievals[0], PAGE):
        status, body = server.ask("GET", path)
        if status != 200:
            raise BenchError(f"{server.name} answers GET {path} with {status}: {body}")
    return {
        "create": [("POST", "/generate")],
        "retrieve": [("GET", path) for path in retrievals],
        "list": [("GET", PAGE)],
    }


# Measurements: each returns figures by name


def rates(bench: Bench) -> dict[str, float]:
    """Requests a second of every server, in turns, so that noise meets all of them alike."""
    install_peers()
    names = [OURS, PRISM, STEADY, PLAIN]
    measured: dict[tuple[str, str], list[Load]] = {}
    task = bench.progress.add_task("rates", total=ROUNDS * len(names) * len(OPERATIONS))
    with contextlib.ExitStack() as stack:
        servers = [stack.enter_context(running(name, bench)) for name in names]
        wanted = {server.name: prepare(server) for server in servers}
        for _ in range(ROUNDS):
            for operation in OPERATIONS:
                for server in servers:
                    result = load(server, bench, wanted[server.name][operation])
                    measured.setdefault((operation, server.name), []).append(result)
                    bench.progress.advance(task)
        sizes = {server.name: len(json.dumps(server.ask("GET", PAGE)[1])) for server in servers}
    rate = {key: statistics.median(load.rate for load in loads) for key, loads in measured.items()}
    work = {key: statistics.median(load.work for load in loads) for key, loads in measured.items()}
    title = f"median of {ROUNDS} rounds over {CONNECTIONS} connections"
    table = Table("requests a second", *names, title=title)
    for column in table.columns[1:]:
        column.justify = "right"
    for operation in OPERATIONS:
        table.add_row(operation, *(f"{rate[operation, name]:,.0f}" for name in names))
    table.add_section()
    for operation in OPERATIONS:
        cells = (f"{work[operation, name]:,.0f}" for name in names)
        table.add_row(f"{operation}: CPU, µs", *cells)
    table.add_row("bytes of a page", *(f"{sizes[name]:,}" for name in names))
    Console().print(table)
    return {
        f"{operation}: times {peer}": rate[operation, OURS] / rate[operation, peer]
        for peer in (STEADY, PRISM)
        for operation in OPERATIONS
    }


def latency(bench: Bench) -> dict[str, float]:
    """The 99th percentile while half of what the mock can do is asked of it."""
    task = bench.progress.add_task("latency", total=len(OPERATIONS))
    figures = {}
    with running(OURS, bench) as server:
        wanted = prepare(server)
        for operation in OPERATIONS:
            full = load(server, bench, wanted[operation])
            half = full
            pause = 1000 * CONNECTIONS / full.rate
            for _ in range(4):
                half = load(server, bench, wanted[operation], pause=pause)
                # The time between two requests of a connection is the pause and the answer's.
                pause += 1000 * CONNECTIONS * (2 / full.rate - 1 / half.rate)
                pause = max(pause, 0.05)
            figures[f"{operation}: p99 at half load, ms"] = half.p99
            bench.progress.console.print(
                f"{operation}: top {full.rate:,.0f}/s; at {half.rate:,.0f}/s"
                f" p50 {half.p50:.2f} ms, p99 {half.p99:.2f} ms"
            )
            bench.progress.advance(task)
    return figures


def pages(bench: Bench) -> dict[str, float]:
    """What a page costs with 1,000,000 runs stored, by what it costs with 1,000."""
    few, many = 1_000, 1_000_000
    with running(OURS, bench) as server:
        prepare(server)
        before = page_rates(server, bench)
        store(server, bench, many - few)
        after = page_rates(server, bench)
    return {
        "page of 1,000,000 runs: times the cost of 1,000": before[0] / after[0],
        "page without a match: times the cost of 1,000": before[1] / after[1],
    }


def page_rates(server: Server, bench: Bench) -> tuple[float, float]:
    """Pages a second: behind 980 cursors, more than the mock keeps, and one that stays empty."""
    paths, cursor = [], ""
    for _ in range(980):
        _, page = server.ask("GET", f"/generations?limit=1{cursor}")
        cursor = f"&cursor={page['meta']['next_cursor']}"
        paths.append(("GET", PAGE + cursor))
    return load(server, bench, paths).rate, load(server, bench, [("GET", EMPTY_PAGE)]).rate


def memory(bench: Bench) -> dict[str, float]:
    """What the server's process occupies once 100,000 runs are stored."""
    with running(OURS, bench) as server:
        store(server, bench, 100_000)
        return {"memory with 100,000 runs, MB": resident(server)}


def store(server: Server, bench: Bench, runs: int) -> None:
    """Start this many runs, and at most 16 more."""
    task = bench.progress.add_task("runs stored", total=runs)
    stored = 0
    while stored < runs:
        left = runs - stored
        stored += load(server, bench, [("POST", "/generate")], stop_after=left).requests
        bench.progress.update(task, completed=stored)


def start(bench: Bench) -> dict[str, float]:
    """Seconds from the command to the first answer: the median of five starts."""
    task = bench.progress.add_task("start", total=5)
    times = []
    for _ in range(5):
        begin = time.perf_counter()
        with running(OURS, bench):
            times.append(time.perf_counter() - begin)
        bench.progress.advance(task)
    return {"start to first answer, s": statistics.median(times)}


def sqlite(bench: Bench) -> dict[str, float]:
    """What reads from a file cost, by what they cost from memory; in turns."""
    measured: dict[tuple[str, str], list[float]] = {}
    task = bench.progress.add_task("SQLite", total=ROUNDS * 4)
    with running(OURS, bench) as memory, running(OURS, bench, f"--state={bench.folder}/db") as file:
        wanted = {server.port: prepare(server) for server in (memory, file)}
        time.sleep(2)  # until all runs have ended
        for _ in range(ROUNDS):
            for operation in ("retrieve", "list"):
                for name, server in (("memory", memory), ("file", file)):
                    rate = load(server, bench, wanted[server.port][operation]).rate
                    measured.setdefault((operation, name), []).append(rate)
                    bench.progress.advance(task)
    medians = {key: statistics.median(found) for key, found in measured.items()}
    return {
        f"SQLite: {operation}, times memory": medians[operation, "file"]
        / medians[operation, "memory"]
        for operation in ("retrieve", "list")
    }


def postgresql(bench: Bench) -> dict[str, float]:
    """Requests a second with state in PostgreSQL: near, behind a network, by two workers."""
    with serving(needed("postgres")) as url:
        port = int(url.rpartition("/")[0].rpartition(":")[2])
        near = state_rates(bench, url)
        figures = {f"PostgreSQL: {o} a second": rate for o, rate in near.items()}
        away, far = url.replace(f":{port}/", f":{free_port()}/"), ROOT / "scripts/bench_mock_far.py"
        network = away.rpartition("/")[0].rpartition(":")[2]
        process = subprocess.Popen([sys.executable, str(far), network, str(port), "2"])
        try:
            time.sleep(1)
            for operation, rate in state_rates(bench, away).items():
                name = f"PostgreSQL 2 ms away: {operation}, times near"
                figures[name] = rate / near[operation]
        finally:
            process.kill()
            process.wait()
        both = f"{SERVER_CORE},{LOAD_CORE}"
        one = state_rates(bench, url, cores=both)
        two = state_rates(bench, url, "--workers=2", cores=both)
        if len(os.sched_getaffinity(0)) >= 4:  # else the workers have no core of their own
            for operation in OPERATIONS:
                name = f"PostgreSQL, 2 workers: {operation}, times one"
                figures[name] = two[operation] / one[operation]
    return figures


def state_rates(
    bench: Bench, url: str, *options: str, cores: str = SERVER_CORE
) -> dict[str, float]:
    """Requests a second of a mock with an empty state there."""
    rates = {}
    with running(OURS, bench, f"--state={url}", *options, cores=cores) as server:
        reset(server)
        wanted = prepare(server)
        time.sleep(2)  # until all runs have ended
        for operation in reversed(OPERATIONS):
            measured = load(server, bench, wanted[operation])
            rates[operation] = measured.rate
            bench.progress.console.print(
                f"{' '.join(options) or 'one worker'}: {operation} {measured.rate:,.0f}/s,"
                f" p99 {measured.p99:.1f} ms, {measured.work:.0f} µs of processor"
            )
    return rates


def reset(server: Server) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    with contextlib.closing(connection):
        connection.request("POST", "/_mock/reset")
        if connection.getresponse().status != 204:
            raise BenchError(f"{server.name} cannot be reset")


def endurance(bench: Bench) -> dict[str, float]:
    """Speed and memory after a million requests, by those after a thousand."""
    many, done = 1_000_000, 0
    task = bench.progress.add_task("requests", total=many)
    with running(OURS, bench) as server:
        reads = prepare(server)["retrieve"]
        time.sleep(2)
        before = load(server, bench, reads).rate, resident(server)
        while done < many:
            done += load(server, bench, [*reads, ("GET", PAGE)], stop_after=many - done).requests
            bench.progress.update(task, completed=done)
        after = load(server, bench, reads).rate, resident(server)
    return {
        "after 1,000,000 requests: retrieve, times before": after[0] / before[0],
        "after 1,000,000 requests: memory, times before": after[1] / before[1],
    }


def resident(server: Server) -> float:
    """Megabytes that the server's process occupies."""
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    kibibytes = next(int(line.split()[1]) for line in status.splitlines() if "VmRSS" in line)
    return kibibytes * 1024 / 1e6


MEASUREMENTS = {
    "rates": rates,
    "latency": latency,
    "pages": pages,
    "memory": memory,
    "start": start,
    "sqlite": sqlite,
    "postgresql": postgresql,
    "endurance": endurance,
}


@click.command()
@click.option("--seconds", default=3, show_default=True, help="How long each load lasts.")
@click.option("--only", multiple=True, type=click.Choice(list(MEASUREMENTS)), help="Repeatable.")
def main(seconds: int, only: tuple[str, ...]) -> None:
    """Hold the mock's speed, memory and start against its targets."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(2))  # servers are ended on the way out
    figures: dict[str, float] = {}
    console = Console(stderr=True)
    try:
        check_machine()
        with tempfile.TemporaryDirectory() as folder, Progress(console=console) as progress:
            bench = Bench(seconds, Path(folder), progress)
            for name in only or MEASUREMENTS:
                figures |= MEASUREMENTS[name](bench)
    except BenchError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
    sys.exit(0 if verdict(figures) else 1)


def verdict(figures: dict[str, float]) -> bool:
    """Print each figure beside its target; whether all of them are met."""
    table = Table("figure", title="targets")
    for column in ("value", "target", "met"):
        table.add_column(column, justify="right")
    for name, value in figures.items():
        target = TARGETS[name]
        met = "yes" if target.met_by(value) else "[bold red]no[/]"
        table.add_row(name, f"{value:.2f}", str(target), met)
    Console().print(table)
    return all(TARGETS[name].met_by(value) for name, value in figures.items())


if __name__ == "__main__":
    main()
