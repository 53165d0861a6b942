"""What the client costs beside bare httpx, in the same run. Exit code 1 when a target is missed.

    python scripts/bench_client.py [--rounds N]

import         CPU seconds to import flora_client against those to import httpx, in fresh processes,
               both compiled before, and httpx without its command, as pip installs them
first client   the same with a client made: flora_client loads httpx only then
distributions  what `pip install flora-client` brings besides flora-client itself
call           CPU seconds of a typed `retrieve` on loopback against httpx's get and `.json()`
paging         growth of memory while 10,000 items are read, against the first 1,000
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import importlib.metadata
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
import tracemalloc
from typing import TYPE_CHECKING

import httpx
from flora_client import Flora
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

IMPORT_RATIO = 1.3
CLIENT_RATIO = 1.5
DISTRIBUTIONS = 8
CALL_RATIO = 1.25
PAGING_BYTES = 256 * 1024

KEY = "a-key-for-nobody"
FIRST_CLIENT = f"""
import flora_client
flora_client.Flora(api_key="{KEY}")._session.io._own.pool("https", "api.example")
"""
NO_COMMAND = "import sys; sys.modules['click'] = None\n"
CALLS = 200
ITEMS, PAGE = 10_000, 100

RUN = {
    "created_at": 1760000000,
    "progress": 100,
    "run_id": "run_abc123",
    "status": "completed",
    "charged_cost": 0.04,
    "completed_at": 1760000009,
    "outputs": [
        {"output_id": "output_1", "type": "imageUrl", "url": "https://media.flora.ai/output.png"}
    ],
    "poll_url": "https://app.flora.ai/api/v1/runs/run_abc123",
    "started_at": 1760000001,
}
ITEM = {**RUN, "generation_id": "run_abc123", "project_id": "prj_abc123", "workspace_id": "ws_1"}

SERVER = "--serve"


def body_of(target: str) -> bytes:
    """A run; or a page of the history, each item its own."""
    if "/generations" not in target:
        return json.dumps(RUN).encode()
    cursor = re.search(r"cursor=(\d+)", target)
    start = int(cursor[1]) if cursor else 0
    items = [{**ITEM, "run_id": f"run_{start + number}"} for number in range(PAGE)]
    following = str(start + PAGE) if start + PAGE < ITEMS else None
    return json.dumps({"generations": items, "meta": {"next_cursor": following}}).encode()


class Answer(asyncio.Protocol):
    """Answers at once, and does nothing else: what is measured is the client."""

    transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        body = body_of(data.split(b" ", 2)[1].decode())
        head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(body)}"
        self.transport.write(head.encode() + b"\r\n\r\n" + body)


async def serve() -> None:
    """Serve until killed; print the port first."""
    server = await asyncio.get_running_loop().create_server(Answer, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


@contextlib.contextmanager
def loopback() -> Iterator[str]:
    """The server in a process of its own, so that its CPU time is not counted. Gives its URL."""
    process = subprocess.Popen([sys.executable, __file__, SERVER], stdout=subprocess.PIPE)
    assert process.stdout is not None
    try:
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def cpu_of_process(code: str) -> float:
    """CPU seconds of a fresh interpreter that runs some code, less those of one that does not."""

    environment = {**os.environ, "PYTHONPYCACHEPREFIX": tempfile.gettempdir()}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)

    def spend(code: str) -> float:
        before = os.times()
        subprocess.run([sys.executable, "-c", NO_COMMAND + code], check=True, env=environment)
        after = os.times()
        return sum(after[2:4]) - sum(before[2:4])

    return spend(code) - spend("pass")


def process_ratio(own: str, bare: str, rounds: int) -> tuple[float, str]:
    """Medians over interleaved rounds, after one that writes the bytecode."""
    cpu_of_process(own), cpu_of_process(bare)
    pairs = [(cpu_of_process(own), cpu_of_process(bare)) for _ in range(rounds)]
    ours, theirs = (statistics.median(column) for column in zip(*pairs, strict=True))
    return ours / theirs, f"{ours * 1000:.0f} ms against {theirs * 1000:.0f} ms"


def distributions() -> tuple[float, str]:
    """What the distribution needs, without extras, followed to the end."""
    found: set[str] = set()
    waiting = ["flora-client"]
    while waiting:
        for line in importlib.metadata.requires(waiting.pop()) or []:
            requirement, _, marker = line.partition(";")
            name = re.split(r"[^A-Za-z0-9._-]", requirement.strip())[0].lower()
            if not _applies(marker) or name in found:
                continue
            found.add(name)
            waiting.append(name)
    return len(found), ", ".join(sorted(found))


def _applies(marker: str) -> bool:
    from packaging.markers import Marker

    return not marker or Marker(marker).evaluate({"extra": ""})


def cpu_of(calls: Callable[[], object]) -> float:
    """CPU seconds of this process for one of many calls."""
    before = time.process_time()
    for _ in range(CALLS):
        calls()
    return (time.process_time() - before) / CALLS


def call_ratio(url: str, rounds: int) -> tuple[float, str]:
    """Medians over interleaved rounds, after one that opens the connections."""
    headers = {"authorization": f"Bearer {KEY}"}
    with httpx.Client() as bare, Flora(api_key=KEY, base_url=f"{url}/api/v1") as flora:

        def theirs() -> object:
            return bare.get(f"{url}/api/v1/runs/run_abc123", headers=headers).json()["status"]

        def ours() -> object:
            return flora.generations.retrieve("run_abc123").status

        cpu_of(theirs), cpu_of(ours)
        pairs = [(cpu_of(ours), cpu_of(theirs)) for _ in range(rounds)]
    ratio = statistics.median(own / bare for own, bare in pairs)
    own, bare_cpu = (statistics.median(column) * 1e6 for column in zip(*pairs, strict=True))
    return ratio, f"{own:.0f} µs against {bare_cpu:.0f} µs"


def paging_growth(url: str) -> tuple[float, str]:
    """Bytes in use after all items were read, less those after the first 1,000."""
    with Flora(api_key=KEY, base_url=f"{url}/api/v1") as flora:
        tracemalloc.start()
        early = count = 0
        for count, _ in enumerate(flora.generations.list(), 1):
            if count == 1000:
                early = tracemalloc.get_traced_memory()[0]
                tracemalloc.reset_peak()
        now, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    if count != ITEMS:
        message = f"{count} items were read, not {ITEMS}"
        raise RuntimeError(message)
    return max(now - early, 0), f"{count:,} items, {(peak - early) / 1024:.0f} KiB at the highest"


def main() -> int:
    """Measure, print a table, and say whether every target is met."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    with loopback() as url:
        rows = [
            (
                "import / httpx",
                process_ratio("import flora_client", "import httpx", rounds),
                IMPORT_RATIO,
                "{:.2f}",
            ),
            (
                "first client / httpx",
                process_ratio(FIRST_CLIENT, "import httpx; httpx.Client()", rounds),
                CLIENT_RATIO,
                "{:.2f}",
            ),
            ("installed distributions", distributions(), DISTRIBUTIONS, "{:.0f}"),
            ("CPU of a call / httpx", call_ratio(url, rounds), CALL_RATIO, "{:.2f}"),
            ("memory held by paging, bytes", paging_growth(url), PAGING_BYTES, "{:,.0f}"),
        ]
    table = Table("what", "measured", "at most", "holds", "detail")
    for what, (measured, detail), target, shown in rows:
        holds = "yes" if measured <= target else "no"
        table.add_row(what, shown.format(measured), shown.format(target), holds, detail)
    Console().print(table)
    return 0 if all(measured <= target for _, (measured, _), target, _ in rows) else 1


if __name__ == "__main__":
    if SERVER in sys.argv:
        asyncio.run(serve())
    sys.exit(main())
