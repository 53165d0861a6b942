"""What becomes of creates whose answers are lost on their way. Exit code 1 when a target is missed.

    python scripts/bench_losses.py [--creates N] [--only WORDS] [--peers]

A proxy between the client and the mock spoils 30 % of all answers: it loses, cuts, delays them,
puts a 502 in their place, or sends the request twice. Many creates at once in one project, from one
process or from two that share a journal. The proxy notes which key started which runs.

doubles    runs that were started, and charged, beside the first of one create
wrong      runs that were given to a caller who had asked for another one
lost       runs that no caller got, and that no error named
returned   of the runs that were started
unknown    creates that ended with RunOutcomeUnknownError
recovery   seconds that a create took whose run was found in the history: median, and 95 of 100

`--peers` puts other SDKs to the same, as they come, and with a key that their user makes up for
each create: that of FLORA's makers (npm), openai and runwayml (PyPI). They are installed into a
temporary folder, and their figures miss no target of ours.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from attrs import define, field, frozen
from flora_client import AsyncFlora, Flora, FloraError, RunOutcomeUnknownError
from rich.console import Console
from rich.table import Table

from flora_contract.mock import MockFlora

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

KEY = "sk_live_losses"
PLACE = {"workspace_id": "ws_losses", "project_id": "prj_losses"}
KINDS = [
    ("image", "t2i-flux-2-pro"),
    ("image", "t2i-sketch"),
    ("video", "t2v-loop"),
    ("video", "t2v-teaser"),
    ("audio", "t2a-chime"),
    ("audio", "t2a-voice"),
    ("text", "llm-note"),
    ("text", "llm-report"),
]
FAULTS = ("lose", "cut", "double", "delay", "502")
RATE = 0.3
DELAY = 1.5

RETURNED, MEDIAN = 97.0, 5.0

WORKER = "--worker"

HERE = Path(__file__).parent
VENDORS = "@flora-ai/flora"
PYPI = {"openai": "3.54.0", "runwayml": "5.24.0"}


def request_of(mode: str, number: int) -> dict[str, Any]:
    """The same request each time, one of eight that name their model, one of four types that leave
    the model open, or one with its own words."""
    kind, model = KINDS[number % len(KINDS) if mode in {"models", "types"} else 0]
    prompt = f"prompt {number}" if mode == "prompts" else "a mug"
    named = {} if mode == "types" else {"model": model}
    return {"type": kind, "prompt": prompt, **named, **PLACE}


@define
class Proxy:
    """Forwards to the mock, spoils answers, and keeps the books."""

    upstream: str
    random: random.Random
    runs: dict[str, list[str]] = field(factory=dict)
    """By the key that started them."""
    asked: dict[str, dict[str, Any]] = field(factory=dict)
    """What was asked for, by run."""
    spoiled: Counter[str] = field(factory=Counter)

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await self._exchange(reader, writer):
                pass
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """One request and its answer. Returns whether the connection is still good."""
        request = await message(reader)
        fault = self.random.choice(FAULTS) if self.random.random() < RATE else ""
        self.spoiled[fault] += 1
        answer = await self._forward(request)
        if fault == "double":
            answer = await self._forward(request)
        if fault == "delay":
            await asyncio.sleep(DELAY)
        if fault == "502":
            answer = b"HTTP/1.1 502 Bad Gateway\r\ncontent-length: 4\r\n\r\nNo.\n"
        if fault != "lose":
            writer.write(answer[: len(answer) - 20] if fault == "cut" else answer)
            await writer.drain()
        return fault not in {"lose", "cut"}

    async def _forward(self, request: bytes) -> bytes:
        parts = urlsplit(self.upstream)
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        writer.write(request)
        answer = await message(reader)
        writer.close()
        if request.startswith(b"POST") and b" 201 " in answer[:20]:
            run_id = json.loads(answer.partition(b"\r\n\r\n")[2])["run_id"]
            body = json.loads(request.partition(b"\r\n\r\n")[2])
            key = re.search(rb"(?i)idempotency-key: ([^\r]+)", request)
            self.runs.setdefault(key[1].decode() if key else "", []).append(run_id)
            self.asked[run_id] = body
        return answer


async def message(reader: asyncio.StreamReader) -> bytes:
    """A request or an answer that says how long it is."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = re.search(rb"(?i)content-length: (\d+)", head)
    return head + await reader.readexactly(int(length[1]) if length else 0)


@frozen
class Case:
    """How the creates are made."""

    mode: str
    kind: str
    processes: int

    def __str__(self) -> str:
        return f"{self.mode}, {self.kind}, {self.processes}"

    def command(self, base_url: str, *rest: str) -> list[str]:
        """What one of the processes runs."""
        return [sys.executable, __file__, WORKER, self.mode, self.kind, base_url, *rest]


@frozen
class Peer(Case):
    """How another SDK makes them."""

    folder: Path

    def command(self, base_url: str, *rest: str) -> list[str]:
        first, count, at_once, _ = rest
        name, _, keyed = self.kind.partition(", ")
        numbers = [base_url, first, count, at_once, keyed]
        if name in PYPI:
            python = str(self.folder / "python" / "bin" / "python")
            return [python, str(HERE / "losses_peer.py"), name, *numbers]
        return ["node", str(HERE / "losses_peer.mjs"), str(self.folder), *numbers]


def peers(folder: Path) -> list[Case]:
    """Other SDKs, installed."""
    packages = json.loads((HERE.parent / "tests" / "package.json").read_text("utf-8"))
    python = folder / "python"
    pinned = [f"{name}=={version}" for name, version in PYPI.items()]
    for command in (
        ["npm", "install", "--silent", f"{VENDORS}@{packages['dependencies'][VENDORS]}"],
        ["uv", "venv", "--quiet", "--python", sys.executable, str(python)],
        ["uv", "pip", "install", "--quiet", "--python", str(python), *pinned],
    ):
        subprocess.run(command, cwd=folder, check=True)
    return [
        Peer("prompts", f"{name}, {key}", 1, folder)
        for name in (VENDORS, *PYPI)
        for key in ("no key", "key")
    ]


def told(number: int, began: float, outcome: Any) -> None:
    """Print what became of a create as a line of JSON."""
    line: dict[str, Any] = {"number": number, "seconds": time.monotonic() - began}
    if isinstance(outcome, FloraError):
        candidates = getattr(outcome, "candidates", ())
        line |= {
            "error": type(outcome).__name__,
            "text": str(outcome),
            "key": outcome.idempotency_key,
            "unknown": isinstance(outcome, RunOutcomeUnknownError),
            "named": [candidate.run_id for candidate in candidates],
        }
    else:
        line |= {"run_id": outcome.run_id, "recovered": outcome.call.recovered}
    sys.stdout.write(json.dumps(line) + "\n")


def blocking(mode: str, options: dict[str, Any], numbers: range, at_once: int) -> None:
    """Make creates in threads."""
    with Flora(**options) as flora, ThreadPoolExecutor(at_once) as pool:

        def create(number: int) -> None:
            began = time.monotonic()
            try:
                told(number, began, flora.generations.create(**request_of(mode, number)))
            except FloraError as error:
                told(number, began, error)

        list(pool.map(create, numbers))


async def asynchronous(mode: str, options: dict[str, Any], numbers: range, at_once: int) -> None:
    """Make creates in tasks."""
    free = asyncio.Semaphore(at_once)
    async with AsyncFlora(**options) as flora:

        async def create(number: int) -> None:
            async with free:
                began = time.monotonic()
                try:
                    told(number, began, await flora.generations.create(**request_of(mode, number)))
                except FloraError as error:
                    told(number, began, error)

        await asyncio.gather(*(create(number) for number in numbers))


def worker(mode: str, kind: str, base_url: str, *rest: str) -> None:
    """What each process does."""
    first, count, at_once, journal = rest
    numbers = range(int(first), int(first) + int(count))
    options: dict[str, Any] = {"api_key": KEY, "base_url": base_url}
    if journal:
        options["journal"] = journal
    if kind == "blocking":
        blocking(mode, options, numbers, int(at_once))
    else:
        asyncio.run(asynchronous(mode, options, numbers, int(at_once)))


def in_background(main: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run a coroutine for ever in a thread."""
    threading.Thread(target=lambda: asyncio.run(main()), daemon=True).start()


def served(proxy: Proxy) -> int:
    """Serve the proxy; its port."""
    ready = threading.Event()
    ports: list[int] = []

    async def main() -> None:
        server = await asyncio.start_server(proxy, "127.0.0.1", 0)
        ports.append(server.sockets[0].getsockname()[1])
        ready.set()
        await server.serve_forever()

    in_background(main)
    ready.wait()
    return ports[0]


def measured(case: Case, creates: int, at_once: int, seed: int) -> dict[str, Any]:
    """Do one case, and settle the accounts."""
    with MockFlora() as mock, tempfile.TemporaryDirectory() as folder:
        mock.put_account(
            KEY, credits=1e6, workspaces={PLACE["workspace_id"]: [PLACE["project_id"]]}
        )
        proxy = Proxy(mock.origin, random.Random(seed))  # noqa: S311  no secret
        base_url = f"http://127.0.0.1:{served(proxy)}{urlsplit(mock.base_url).path}"
        journal = str(Path(folder) / "journal") if case.processes > 1 else ""
        share, each = creates // case.processes, max(at_once // case.processes, 1)
        began = time.monotonic()
        workers = [
            subprocess.Popen(
                case.command(base_url, str(n * share), str(share), str(each), journal),
                stdout=subprocess.PIPE,
                text=True,
            )
            for n in range(case.processes)
        ]
        lines = [line for process in workers for line in process.communicate()[0].splitlines()]
        seconds = time.monotonic() - began
        return {**settled(case, proxy, [json.loads(line) for line in lines]), "seconds": seconds}


def started(case: Case, proxy: Proxy) -> int:
    """Creates that have a run. Those of other SDKs have no key, but a prompt of their own."""
    if isinstance(case, Peer):
        return len({asked["prompt"] for asked in proxy.asked.values()})
    return len(proxy.runs)


def settled(case: Case, proxy: Proxy, outcomes: list[dict[str, Any]]) -> dict[str, Any]:
    """What callers got against what was started."""
    every = {run_id for runs in proxy.runs.values() for run_id in runs}
    got = Counter(o["run_id"] for o in outcomes if "run_id" in o)
    named = {run_id for o in outcomes for run_id in o.get("named", ())}
    for outcome in outcomes if not isinstance(case, Peer) else ():
        named.update(proxy.runs.get(outcome.get("key") or "", ()))
    wrong = sum(
        proxy.asked.get(o["run_id"]) != request_of(case.mode, o["number"])
        for o in outcomes
        if "run_id" in o
    )
    recovered = sorted(o["seconds"] for o in outcomes if o.get("recovered"))
    errors = Counter(o["error"] for o in outcomes if "error" in o)
    return {
        "outcomes": len(outcomes),
        "runs": len(every),
        "doubles": len(every) - started(case, proxy),
        "wrong": wrong + sum(count - 1 for count in got.values()),
        "lost": len(every - got.keys() - named),
        "returned": 100 * len(every & got.keys()) / max(len(every), 1),
        "unknown": 100 * sum(o.get("unknown", False) for o in outcomes) / max(len(outcomes), 1),
        "recovered": len(recovered),
        "median": recovered[len(recovered) // 2] if recovered else 0.0,
        "p95": recovered[len(recovered) * 95 // 100] if recovered else 0.0,
        "errors": ", ".join(f"{count} {name}" for name, count in errors.items()),
        "texts": [o["text"] for o in outcomes if "text" in o],
    }


def main() -> int:
    """Measure every case, print a table, and say whether every target is met."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--creates", type=int, default=500)
    parser.add_argument("--at-once", type=int, default=16)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", help="cases whose name holds each of these words")
    parser.add_argument("--peers", action="store_true", help="other SDKs beside it")
    parser.add_argument("--errors", action="store_true", help="print every error")
    given = parser.parse_args()
    cases = [
        Case(mode, kind, processes)
        for mode in ("same", "models", "types", "prompts")
        for kind in ("blocking", "async")
        for processes in (1, 2)
    ]
    with tempfile.TemporaryDirectory() as folder:
        cases += peers(Path(folder)) if given.peers else []
        cases = [case for case in cases if all(word in str(case) for word in given.only.split())]
        return table_of(cases, given)


def table_of(cases: list[Case], given: argparse.Namespace) -> int:
    """Measure the cases and print what came of each."""
    columns = ("runs", "doubles", "wrong", "lost", "returned", "unknown", "recovered", "median")
    table = Table("requests, client, processes", *columns, "p95", "s", "holds", "errors")
    good = True
    for case in cases:
        row = measured(case, given.creates, given.at_once, given.seed)
        holds = not (row["doubles"] or row["wrong"] or row["lost"]) and row["median"] < MEDIAN
        holds = holds and (row["returned"] >= RETURNED or case.mode == "prompts")
        good = good and (holds or isinstance(case, Peer))
        table.add_row(
            str(case),
            *(str(row[name]) for name in columns[:4]),
            f"{row['returned']:.1f} %",
            f"{row['unknown']:.1f} %",
            str(row["recovered"]),
            *(f"{row[name]:.2f}" for name in ("median", "p95")),
            f"{row['seconds']:.0f}",
            "yes" if holds else "no",
            row["errors"],
        )
        if given.errors:
            print(*row["texts"], sep="\n")
    Console(width=170).print(table)
    return 0 if good else 1


if __name__ == "__main__":
    if WORKER in sys.argv:
        worker(*sys.argv[2:])
        sys.exit(0)
    sys.exit(main())
