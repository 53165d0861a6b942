"""Traffic that is read as a stream: what is forgotten, who is behind a key, files that grow."""

from __future__ import annotations

import gzip
import json
import random
import re
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from flora_contract.conformance import lines
from flora_contract.conformance.coverage import coverage
from flora_contract.conformance.lines import Lines
from flora_contract.conformance.traffic import Traffic
from flora_contract.errors import InputError
from flora_contract.mock import MockFlora

if TYPE_CHECKING:
    from flora_contract.conformance.judge import Judge

GUIDE = Path(__file__).parents[2] / "docs" / "traffic.md"
BASE = "https://app.flora.ai/api/v1"
BEGAN = datetime(2026, 6, 15, 12, tzinfo=UTC)
WINDOW = 60_000
"""Bytes in which two stories lie, which is how many of an account may meet."""


def exchange(
    second: float,
    method: str,
    path: str,
    status: int,
    answer: dict[str, Any],
    *,
    sent: dict[str, Any] | None = None,
    account: str | None = "one",
    key: str | None = None,
) -> dict[str, Any]:
    """A HAR entry."""
    headers = {"Content-Type": "application/json"}
    headers |= {"Authorization": f"Bearer {account}"} if account is not None else {}
    headers |= {"Idempotency-Key": key} if key is not None else {}
    return {
        "startedDateTime": (BEGAN + timedelta(seconds=second)).isoformat(),
        "time": 100,
        "request": {
            "method": method,
            "url": BASE + path,
            "headers": [{"name": n, "value": v} for n, v in headers.items()],
            "postData": {"text": json.dumps(sent) if sent is not None else ""},
        },
        "response": {
            "status": status,
            "headers": [{"name": "Content-Type", "value": "application/json"}],
            "content": {"text": json.dumps(answer)},
        },
    }


def story(number: int, began: float, fault: str, account: str) -> list[dict[str, Any]]:
    """A run from its start to its end, with one fault or none."""
    name, project = f"run_{number:016x}", f"prj_{number}"
    created = 1_781_524_800 + number
    sent = {"type": "image", "prompt": "a mug", "workspace_id": "ws_1", "project_id": project}
    made = {"run_id": name, "type": "generation", "charged_cost": 0.04, "estimated_seconds": 3,
            "poll_url": f"{BASE}/runs/{name}", "project_id": project}  # fmt: skip
    run = {"run_id": name, "status": "running", "charged_cost": 0.04,
           "poll_url": f"{BASE}/runs/{name}", "progress": 20, "created_at": created}  # fmt: skip
    done = run | {"status": "completed", "progress": 100, "completed_at": created + 5,
                  "outputs": [{"output_id": f"{name}_1", "type": "imageUrl",
                               "url": f"https://files.flora.ai/{name}.png"}]}  # fmt: skip
    used = {"error": {"code": "idempotency_duplicate", "message": "The key was used."}}
    gone = {"error": {"code": "not_found", "message": "There is no such run."}}
    again: dict[str, Any] = {**made, "run_id": f"{name}2"} if fault == "made twice" else used
    again |= {"poll_url": f"{BASE}/runs/{name}2"} if fault == "made twice" else {}
    error = {"error": {"code": "internal_error", "message": "Sorry."}}
    item = done | {"generation_id": name, "workspace_id": "ws_1", "project_id": project}
    items = [] if fault == "unlisted" else [item]
    looks: list[tuple[int, dict[str, Any]]] = [
        (200, run),
        (200, run | {"progress": 10 if fault == "shrinks" else 40}),
        (500, error) if fault == "fails" else (404, gone) if fault == "lost" else (200, done),
        (200, run if fault == "goes back" else done),
        (200, done | ({"charged_cost": 4} if fault == "costs more" else {})),
    ]
    if fault == "misses a member":
        del looks[1][1]["status"]
    key = f"key-{number}"
    listed = {"generations": items, "meta": {"next_cursor": None}}
    query = f"workspace_id=ws_1&project_id={project}"
    return [
        exchange(began, "POST", "/generate", 201, made, sent=sent, account=account, key=key),
        exchange(
            began + 1, "POST", "/generate", 201 if fault == "made twice" else 409, again,
            sent=sent, account=account, key=key,
        ),
        *(
            exchange(began + 2 + n, "GET", f"/runs/{name}", status, body, account=account)
            for n, (status, body) in enumerate(looks)
        ),
        exchange(began + 8, "GET", f"/generations?{query}", 200, listed, account=account),
        *(
            [exchange(began + 9, "GET", f"/runs/{name}", 200, done, account=None)]
            if fault == "key not needed"
            else []
        ),
    ]  # fmt: skip


def written(path: Path, entries: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(entry) + "\n" for entry in entries))
    return path


def told(judge: Judge) -> list[tuple[Any, ...]]:
    return [(f.title, f.severity, f.count, [str(e) for e in f.evidence]) for f in judge.findings()]


FINDS: dict[str, set[str]] = {
    "": set(),
    "goes back": {"state-forward", "grows"},
    "shrinks": {"grows"},
    "costs more": {"cost-constant", "final-is-constant"},
    "lost": {"found"},
    "misses a member": {"schema-required"},
    "unlisted": {"filter-complete"},
    "made twice": {"key-used-once", "filter-complete"},
    "key not needed": {"key-required"},
    "fails": {"no-server-error"},
}


@pytest.mark.parametrize("fault", FINDS)
def test_stories(tmp_path: Path, fault: str) -> None:
    told = [e for n, f in enumerate(("", fault, "")) for e in story(n, n * 20, f, "one")]
    judge = Traffic([written(tmp_path / "x.ndjson", told)]).read()
    assert {f.oracle.id for f in judge.findings()} == FINDS[fault]


@settings(max_examples=4, phases=[Phase.generate])
@given(
    drawn=st.lists(
        st.tuples(st.sampled_from(list(FINDS)), st.sampled_from(["one", "two"])),
        min_size=20,
        max_size=30,
    ),
    seed=st.integers(0, 1000),
    packed=st.booleans(),
)
def test_what_is_forgotten_is_judged_as_what_is_kept(
    tmp_path_factory: pytest.TempPathFactory,
    drawn: list[tuple[str, str]],
    seed: int,
    packed: bool,
) -> None:
    """Of stories that meet, and come out of order by a little: the same with a small window."""
    chance = random.Random(seed)
    entries = [
        entry
        for number, (fault, account) in enumerate(drawn)
        for entry in story(number, number * 6, fault, account)
    ]
    entries.sort(key=lambda e: e["startedDateTime"])
    places = {id(entry): n + chance.random() * 6 for n, entry in enumerate(entries)}
    entries.sort(key=lambda e: places[id(e)])
    path = written(tmp_path_factory.mktemp("traffic") / "x.ndjson", entries)
    if packed:
        path.write_bytes(gzip.compress(path.read_bytes()))
    whole, streamed = Traffic([path], window=10**9).read(), Traffic([path], window=WINDOW).read()
    assert len(whole.ledger.exchanges) == len(entries) == streamed.ledger.count
    assert len(streamed.ledger.exchanges) < len(entries)
    assert told(streamed) == told(whole)
    assert coverage(streamed.ledger, streamed.seen) == coverage(whole.ledger)


@pytest.mark.parametrize("cut", range(1, 9))
def test_a_recording_may_begin_anywhere(tmp_path: Path, cut: int) -> None:
    told = [e for n in range(3) for e in story(n, n * 5, "", "one")]
    told.sort(key=lambda e: e["startedDateTime"])
    assert Traffic([written(tmp_path / "x.ndjson", told[cut:])]).read().findings() == []


def test_others_may_use_an_account_as_well(tmp_path: Path) -> None:
    first, *_, shown = story(1, 0, "", "one")
    first["response"] |= {"status": 422, "content": {"text": '{"error": {}}'}}
    empty = {"generations": [], "meta": {"next_cursor": None}}
    before = exchange(-1, "GET", "/generations", 200, empty)
    shown["request"]["url"] = before["request"]["url"]
    judge = Traffic([written(tmp_path / "x.ndjson", [before, first, shown])]).read()
    assert "refused-has-no-effect" not in {f.oracle.id for f in judge.findings()}


def test_many_accounts_have_their_room_together(tmp_path: Path) -> None:
    accounts = [f"account {n}" for n in range(40)]
    entries = [e for n, account in enumerate(accounts) for e in story(n, n * 20, "", account)]
    judge = Traffic([written(tmp_path / "x.ndjson", entries)], window=4_000).read()
    assert judge.findings() == []
    assert sum(e.weight for e in judge.ledger.exchanges) < 3 * 16 * 4_000 < len(entries) * 2000


def test_who_is_behind_a_key_may_turn_out_later(tmp_path: Path) -> None:
    refusal = {"error": {"code": "unauthorized", "message": "No."}}
    run = {"run_id": "run_1", "status": "running", "progress": 5, "created_at": 1}
    looks = [
        exchange(0, "GET", "/runs/run_1", 200, run, account=None),
        exchange(1, "GET", "/runs/run_1", 401, refusal, account="one"),
        exchange(2, "GET", "/runs/run_1", 200, run, account="one"),
        exchange(3, "GET", "/runs/run_1", 401, refusal, account="one"),
        exchange(4, "GET", "/runs/run_1", 200, run, account=None),
    ]
    path = written(tmp_path / "x.ndjson", looks)
    counts = {
        window: {f.oracle.id: f.count for f in Traffic([path], window=window).read().findings()}
        for window in (10**6, 1)
    }
    assert counts[10**6] == {"key-accepted": 2, "key-required": 2}
    # With no look ahead, what came before stays as it was judged.
    assert counts[1] == {"key-accepted": 1, "key-required": 1}


def test_a_finding_can_be_shown_again_when_its_past_is_forgotten(tmp_path: Path) -> None:
    entries = [e for n in range(20) for e in story(n, n * 20, "lost" if n == 2 else "", "one")]
    judge = Traffic([written(tmp_path / "x.ndjson", entries)], window=WINDOW).read()
    (finding,) = judge.findings()
    assert "jq -r .run_id" in (finding.script or "")


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (b"{", "no exchange"),
        (b"[]", "no exchange"),
        (b'{"request": {}}', "'response' is missing"),
        (b'{"request": 1, "response": 2}', "no exchange"),
        (b"\xff", "no exchange"),
        ("url", "no exchange"),
        ("startedDateTime", "Invalid isoformat"),
    ],
)
def test_a_line_that_is_no_exchange(tmp_path: Path, line: bytes | str, problem: str) -> None:
    good = exchange(1, "GET", "/runs/run_1", 404, {})
    if isinstance(line, str):
        odd = json.loads(json.dumps(good))
        (odd if line in odd else odd["request"])[line] = "http://[::1"
        line = json.dumps(odd).encode()
    path = written(tmp_path / "x.ndjson", [good, good])
    path.write_bytes(path.read_bytes() + b"\n" + line + b"\n")
    with pytest.raises(InputError, match=rf"x\.ndjson:4: .*{problem}"):
        Traffic([path]).read()


def test_gzip_that_is_cut(tmp_path: Path) -> None:
    path = written(tmp_path / "x.ndjson", story(1, 0, "", "one"))
    path.write_bytes(gzip.compress(path.read_bytes())[:-9])
    with pytest.raises(InputError, match=r"x\.ndjson:\d: not whole gzip"):
        Traffic([path]).read()


# Files that grow


@pytest.fixture
def growing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Any]:
    monkeypatch.setattr(lines, "PAUSE", 0)
    path = tmp_path / "x.ndjson"
    path.write_bytes(b"1\n2\n3")
    read = Lines(path).followed()
    assert (next(read), next(read), next(read)) == (b"1\n", b"2\n", None)
    return path, read


def append(path: Path, content: bytes) -> None:
    with path.open("ab") as file:
        file.write(content)


def test_a_line_counts_when_it_is_whole(growing: tuple[Path, Any]) -> None:
    path, read = growing
    append(path, b"4")
    assert next(read) is None
    append(path, b"5\n6\n")
    assert (next(read), next(read), next(read)) == (b"345\n", b"6\n", None)


def test_a_file_that_is_emptied_is_read_from_its_start(growing: tuple[Path, Any]) -> None:
    path, read = growing
    path.write_bytes(b"7\n")
    assert (next(read), next(read)) == (b"7\n", None)


def test_a_file_that_takes_the_place_of_another_is_read(growing: tuple[Path, Any]) -> None:
    path, read = growing
    old = path.rename(path.with_suffix(".1"))
    assert (next(read), next(read)) == (None, None)
    path.write_bytes(b"8\n")
    append(old, b"\n")  # by who still has it open
    assert (next(read), next(read)) == (b"3\n", None)
    append(old, b"4\n")
    assert [next(read) for _ in range(4)] == [b"4\n", None, None, b"8\n"]


@pytest.mark.parametrize("content", [None, gzip.compress(b"1\n")])
def test_what_cannot_be_followed(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "x.ndjson"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match="cannot be followed"):
        Traffic([path], following=True).read()


MAIN = "from flora_contract.cli import main; main()"


@pytest.mark.parametrize("end", [signal.SIGINT, b"{}\n"])
def test_following_a_file_until_the_end(tmp_path: Path, end: signal.Signals | bytes) -> None:
    path = written(tmp_path / "x.ndjson", story(1, 0, "", "one"))
    process = subprocess.Popen(
        [sys.executable, "-c", MAIN, "traffic", "--follow", path, "--format", "json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    with path.open("a") as file:
        file.writelines(json.dumps(e) + "\n" for e in story(2, 20, "shrinks", "one"))
    assert process.stderr.readline().startswith("violation: grows on getRun (progress): expected")
    if isinstance(end, bytes):
        append(path, end)
    else:
        process.send_signal(end)
    out, err = process.communicate(timeout=30)
    report = json.loads(out)
    assert (report["requests"], [f["oracle"] for f in report["findings"]]) == (16, ["grows"])
    assert process.returncode == (2 if isinstance(end, bytes) else 1)
    assert ("x.ndjson:17: no exchange" in err) == isinstance(end, bytes)


def test_stdin(tmp_path: Path) -> None:
    path = written(tmp_path / "x.ndjson", story(1, 0, "lost", "one"))
    for content in (path.read_bytes(), gzip.compress(path.read_bytes())):
        done = subprocess.run(
            [sys.executable, "-c", MAIN, "traffic", "-"], input=content, capture_output=True
        )
        assert (done.returncode, done.stderr) == (1, b"")
        assert b"found on getRun" in done.stdout


def test_the_recipe_of_the_documentation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    recipe = re.findall(r"```python\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)[-1]
    told: dict[str, Any] = {}
    exec(recipe, told)
    place = {"workspace_id": "ws_abc123", "project_id": "prj_abc123"}
    with MockFlora(run_seconds=0) as mock, told["client"] as client:
        client.headers["Authorization"] = "Bearer sk_live_test"
        sent = {"type": "image", "prompt": "a mug", **place}
        made = client.post(f"{mock.base_url}/generate", json=sent).json()
        client.get(f"{mock.base_url}/runs/{made['run_id']}")
        client.get(f"{mock.base_url}/generations", params=place)
    assert "sk_live_test" not in Path("traffic.ndjson").read_text()
    judge = Traffic([Path("traffic.ndjson")]).read()
    assert (judge.ledger.count, judge.findings()) == (3, [])
    assert judge.tally()["filter-complete"].applied > 0
