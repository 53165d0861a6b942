"""Ask a mock for an hour, at half of what it can do, and hold its memory and speed to being flat.

    python scripts/soak_mock.py                     an hour, state in memory
    python scripts/soak_mock.py --state FILE        the same with a file, or a postgresql:// address
    python scripts/soak_mock.py --seconds 10        what the tests do

Everything is asked: creates, repeated keys, lookups, pages, mistakes, large bodies; connections are
cut. Each tenth of the time ends with a reset, for what is kept grows with the runs. Exit code:
0 flat, 1 not, 2 the mock gave an answer that it should not.
"""

from __future__ import annotations

import http.client
import json
import random
import socket
import statistics
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import click

CLIENTS = 4
PARTS = 10
KEY = "sk_live_test"
HEADERS = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}
BODY = {
    "type": "image",
    "prompt": "A ceramic mug on a sunlit table",
    "workspace_id": "ws_abc123",
    "project_id": "prj_abc123",
}
MORE_MEMORY = 1.15
"""What the last parts may occupy, by what the first but one did."""
SLOWER = 0.7


@dataclass
class Soak:
    """A running mock, and what was measured of it."""

    port: int
    process: subprocess.Popen[bytes]
    asked: int = 0
    wrong: list[str] = field(default_factory=list)
    stop: threading.Event = field(default_factory=threading.Event)
    pause: float = 0.0

    def ask(self, connection: http.client.HTTPConnection, chance: random.Random) -> None:
        """One request of some kind, whose answer has the status that it should have."""
        number = chance.randrange(1_000_000)
        kind = chance.randrange(100)
        body, headers, expected = None, dict(HEADERS), {200}
        method, path = "GET", "/api/v1/generations?limit=20"
        if kind < 20:
            method, path, body, expected = "POST", "/api/v1/generate", json.dumps(BODY), {201}
        elif kind < 30:
            method, path, body, expected = "POST", "/api/v1/generate", json.dumps(BODY), {201, 409}
            headers["Idempotency-Key"] = f"key-{number % 1000}"
        elif kind < 40:
            path, expected = f"/api/v1/runs/run_{number:016x}", {404}
        elif kind < 50:
            path, expected = f"/api/v1/nothing/{number}", {404}
        elif kind < 60:
            prompt = "x" * chance.randrange(100_000)
            method, path, expected = "POST", "/api/v1/generate", {400}
            body = json.dumps({**BODY, "prompt": prompt, "type": f"kind {number}"})
        elif kind < 65:
            headers["Authorization"] = f"Bearer sk_live_{number}"
            expected = {401}
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        answer.read()
        if answer.status not in expected:
            self.wrong.append(f"{method} {path}: {answer.status}")
        self.asked += 1
        if kind == 99:
            connection.close()
            with socket.create_connection(("127.0.0.1", self.port)) as cut:
                cut.sendall(
                    b"POST /api/v1/generate HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n{"
                )

    def client(self, seed: int) -> None:
        chance = random.Random(seed)  # noqa: S311 - repeatable
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        while not self.stop.is_set():
            try:
                self.ask(connection, chance)
            except (OSError, http.client.HTTPException) as error:
                self.wrong.append(repr(error))
                connection.close()
            time.sleep(self.pause)
        connection.close()

    def reset(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.request("POST", "/_mock/reset")
        connection.getresponse().read()
        connection.close()

    def memory(self) -> float:
        """Megabytes of all of the mock's processes."""
        pages = 0
        for statm in Path("/proc").glob("[0-9]*/statm"):
            try:
                group = int((statm.parent / "stat").read_text().rpartition(") ")[2].split()[2])
                pages += int(statm.read_text().split()[1]) if group == self.process.pid else 0
            except OSError:  # it has ended since
                continue
        return pages * 4096 / 1e6


def soak(options: list[str], seconds: float) -> tuple[list[float], list[float], list[str]]:
    """Memory at the end of each part, requests a second in each, and wrong answers."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    mock = str(Path(sys.executable).with_name("flora-contract"))
    command = [mock, "mock", f"--port={port}", "--run-seconds=0", *options]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL, start_new_session=True)
    soaking = Soak(port, process)
    threads = [threading.Thread(target=soaking.client, args=(seed,)) for seed in range(CLIENTS)]
    try:
        wait_for(port)
        for thread in threads:
            thread.start()
        began = time.monotonic()
        time.sleep(min(seconds / 20, 10))
        rate = soaking.asked / (time.monotonic() - began)
        soaking.pause = (
            CLIENTS / rate if rate else 0.01
        )  # as long as an answer takes: half the load
        memory, rates = [], []
        for _ in range(PARTS):
            before, began = soaking.asked, time.monotonic()
            time.sleep(seconds / PARTS)
            rates.append((soaking.asked - before) / (time.monotonic() - began))
            soaking.reset()
            memory.append(soaking.memory())
            print(f"{rates[-1]:,.0f} requests a second, {memory[-1]:.0f} MB", file=sys.stderr)
    finally:
        soaking.stop.set()
        for thread in threads:
            if thread.ident is not None:
                thread.join()
        process.terminate()
        process.wait(20)
    return memory, rates, soaking.wrong


def wait_for(port: int) -> None:
    for _ in range(300):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    print("the mock does not start", file=sys.stderr)
    sys.exit(2)


@click.command()
@click.option("--seconds", default=3600.0, show_default=True)
@click.option("--state", help="As of flora-contract mock.")
@click.option("--workers", default=1, show_default=True)
def main(seconds: float, state: str | None, workers: int) -> None:
    """Ask a mock for an hour, and hold its memory and speed to being flat."""
    options = [f"--state={state}", f"--workers={workers}"] if state else []
    memory, rates, wrong = soak(options, seconds)
    for line in wrong[:10]:
        print(line, file=sys.stderr)
    if wrong:
        sys.exit(2)
    grown = statistics.median(memory[-3:]) / memory[1]
    slower = statistics.median(rates[-3:]) / statistics.median(rates[:3])
    print(f"memory {grown:.2f} of what it was (≤ {MORE_MEMORY:g})")
    print(f"speed {slower:.2f} of what it was (≥ {SLOWER:g})")
    sys.exit(0 if grown <= MORE_MEMORY and slower >= SLOWER else 1)


if __name__ == "__main__":
    main()
