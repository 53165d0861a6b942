"""Memory and time that `flora-contract traffic` takes for a long file. Exit code 1 if it grows.

    python scripts/bench_traffic.py [--megabytes N]

What a client exchanges with the mock for a few runs is written one exchange a line, and repeated
with other runs and projects of the same account. One run in a thousand changes after its end:
each must be found. The memory for the whole file is held to that for a tenth of it.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import re
import resource
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

from flora_contract.mock import MockFlora

if TYPE_CHECKING:
    from collections.abc import Iterator

RUNS = 4
FAULTY = 1000
GROWTH = 1.1
STORY = timedelta(seconds=60)


def story() -> list[str]:
    """HAR entries, one a line: some runs, looks at them, and the list of their project."""
    lines: list[str] = []

    def record(response: httpx.Response) -> None:
        request, body = response.request, response.read()
        began = datetime.now(UTC) - response.elapsed
        key = hashlib.sha256(request.headers["authorization"].encode()).hexdigest()
        headers = {**request.headers, "authorization": key}
        lines.append(
            json.dumps(
                {
                    "startedDateTime": began.isoformat(),
                    "time": response.elapsed.total_seconds() * 1000,
                    "request": {
                        "method": request.method,
                        "url": str(request.url),
                        "headers": [{"name": n, "value": v} for n, v in headers.items()],
                        "postData": {"text": request.content.decode()},
                    },
                    "response": {
                        "status": response.status_code,
                        "headers": [{"name": n, "value": v} for n, v in response.headers.items()],
                        "content": {"text": body.decode()},
                    },
                }
            )
        )

    place = {"workspace_id": "ws_abc123", "project_id": "prj_abc123"}
    with (
        MockFlora(run_seconds=0.3) as mock,
        httpx.Client(
            base_url=mock.base_url,
            headers={"Authorization": "Bearer sk_live_test"},
            event_hooks={"response": [record]},
        ) as client,
    ):
        for number in range(RUNS):
            asked = {"type": "image", "prompt": f"a mug, {number}", **place}
            made = client.post(
                "/generate", json=asked, headers={"Idempotency-Key": f"bench-{number}"}
            ).json()["run_id"]
            while client.get(f"/runs/{made}").json()["status"] != "completed":
                time.sleep(0.1)
            client.get(f"/runs/{made}")
        client.get("/generations", params=place)
    return lines


def repeated(lines: list[str]) -> Iterator[str]:
    """The story again and again, each time of other runs in another project, a minute later."""
    ids = sorted(set(re.findall(r"\brun_[0-9a-f]{16}", "".join(lines))))
    began = datetime.fromisoformat(json.loads(lines[0])["startedDateTime"])
    moments = [datetime.fromisoformat(json.loads(line)["startedDateTime"]) for line in lines]
    number = 0
    while True:
        number += 1
        for line, moment in zip(lines, moments, strict=True):
            told = line.replace("prj_abc123", f"prj_{number:09}").replace("bench-", f"{number}-")
            for position, id_ in enumerate(ids):
                told = told.replace(id_, f"run_{position}{number:015x}")
            at = began + (moment - began) + number * STORY
            told = told.replace(moment.isoformat(), at.isoformat())
            yield told + "\n"
        if number % FAULTY == 1:
            yield _changed(lines, ids, at, number)


def _changed(lines: list[str], ids: list[str], at: datetime, number: int) -> str:
    """A look at the last run of a story, which is not completed any more."""
    last = next(
        line for line in reversed(lines) if "/runs/run_" in json.loads(line)["request"]["url"]
    )
    entry: dict[str, Any] = json.loads(last)
    position = next(n for n, id_ in enumerate(ids) if id_ in entry["request"]["url"])
    body = json.loads(entry["response"]["content"]["text"])
    body |= {"status": "running", "progress": 50}
    for name in ("completed_at", "outputs"):
        body[name] = None
    entry["response"]["content"]["text"] = json.dumps(body)
    entry["startedDateTime"] = (at + timedelta(seconds=1)).isoformat()
    text = json.dumps(entry).replace(ids[position], f"run_{position}{number:015x}")
    return text.replace("prj_abc123", f"prj_{number:09}") + "\n"


def write(path: Path, size: int) -> int:
    """Write a recording, and tell how many of its runs are faulty."""
    faulty = 0
    with gzip.open(path, "wt", compresslevel=1) if path.suffix == ".gz" else path.open("w") as file:
        for line in repeated(story()):
            size -= len(line)
            faulty += '\\"progress\\": 50' in line
            file.write(line)
            if size < 0:
                return faulty
    return faulty


def measure(path: Path, faulty: int) -> tuple[float, int]:
    """Seconds and megabytes that it takes to judge a file."""
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "flora_contract", "traffic", path, "--format", "json"],
        capture_output=True,
        text=True,
        check=False,
    )
    seconds = time.monotonic() - began
    memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
    assert done.returncode == 1, done.stdout + done.stderr
    report = json.loads(done.stdout)
    print(
        f"{path.stat().st_size / 1e6:8.0f} MB  {report['requests']:9,} exchanges  {seconds:6.1f} s"
        f"  {memory:5} MB at most"
    )
    for finding in report["findings"]:
        print(f"    {finding['count']:4} {finding['oracle']}, {faulty} expected")
        assert finding["count"] == faulty, finding
    return seconds, memory


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, default=1000)
    megabytes = parser.parse_args().megabytes
    with tempfile.TemporaryDirectory() as folder:
        taken = []
        for share in (10, 1):
            path = Path(folder, f"{share}.ndjson")
            faulty = write(path, megabytes * 1_000_000 // share)
            taken.append(measure(path, faulty)[1])
    sys.exit(taken[1] > taken[0] * GROWTH)


if __name__ == "__main__":
    main()
