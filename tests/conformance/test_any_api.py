"""The suite on an API that is nothing like FLORA: its document and statements are all it knows."""

from __future__ import annotations

import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from flora_contract.conformance.oracle import Severity
from flora_contract.conformance.plan import plan
from flora_contract.conformance.run import Check
from flora_contract.conformance.settings import CheckSettings

sys.path.insert(0, str(Path(__file__).parent / "library"))
from made_up import BASE, Library, behaviour

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flora_contract.conformance.judge import Finding
    from flora_contract.conformance.plan import Layer

# what is wrong with the server, and the oracle that must say so
FAULTS = {
    "no key needed": "key-required",
    "any key will do": "key-checked",
    "validation off": "refuses-unknown-value",
    "colour filter ignored": "filter-kept",
    "prefix wrong": "id-prefix",
    "same id twice": "ids-differ",
    "echo wrong": "echoed",
    "unknown reference taken": "refuses-unknown-reference",
    "foreign resource readable": "foreign-hidden",
    "unknown id answered 200": "unknown-id-refused",
    "deleted readable": "deleted-gone",
    "constant changes": "constant",
    "id of another": "id-echoed",
    "refused but changed": "refused-changes-nothing",
    "update lost": "update-kept",
    "foreign items listed": "list-own-only",
    "deleted listed": "deleted-unlisted",
    "filter ignored": "filter-kept",
    "filter too strict": "filter-complete",
    "order wrong": "ordered",
    "size ignored": "size-kept",
    "page skipped": "pages-without-gap",
    "row doubled": "page-without-repetition",
    "offset ignored": "pages-without-repetition",
    "key ignored": "key-used-once",
    "key shared": "key-belongs-to-account",
    "parent ignored": "unknown-id-refused",
    "patch lost": "update-kept",
    "patch forgets the rest": "update-kept",
    "changed goes back": "updated-sane",
    "books of all shelves": "listed-in-place",
    "tag ignored": "filter-kept",
    "hidden filter ignored": "filter-kept",
    "cursor stands still": "cursor-leads-on",
    "cursor missing too early": "full-page-leads-on",
    "no credits needed": "no-credits-refused",
    "made ones unlisted": "listed",
    "never ends": "ends",
    "state moves back": "state-forward",
    "final state left": "state-forward",
    "cost changing": "cost-constant",
    "final changing": "final-is-constant",
    "member before its state": "member-in-its-states",
    "member missing in its state": "member-required-in-state",
    "times out of order": "times-in-order",
    "times moving": "times-constant",
    "growing backwards": "grows",
    "act answers another": "id-echoed",
    "key for each language": "key-used-once-for-any-body",
    "key in any case": "ids-differ",
    "key kept for five": "key-used-once",
    "books open to wrong keys": "key-checked",
    "foreign shelf scanned by the other": "foreign-reference-refused",
    "near ids read": "id-echoed",
    "clock stands still": "clock",
    "nothing found shows all": "filter-kept",
}


class Served:
    """A running library; a new one for each fault."""

    def __init__(self) -> None:
        self.library = Library()
        served = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def _any(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                headers = {name.lower(): value for name, value in self.headers.items()}
                status, answer = served.library.answer(self.command, self.path, headers, body)
                content = orjson.dumps(answer) if answer is not None else b""
                self.send_response(status)
                if content:
                    self.send_header("Content-Type", "application/json")
                if status != 204:
                    self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _any  # noqa: N815

            def log_message(self, *_: Any) -> None:
                """Nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}{BASE}"

    def check(self, fault: str = "", **given: Any) -> Check:
        """A run of the suite against it, not yet begun."""
        self.library = Library(fault)
        settings = CheckSettings(
            base_url=self.url,
            api_key="key-of-ann",
            other_api_key="key-of-bob",
            broke_api_key="key-of-poor",
            **{"profile": "full", "poll_interval": 0.02, "max_wait": 20.0, "timeout": 5.0, **given},
        )
        return Check(settings, behaviour())


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    running = Served()
    thread = threading.Thread(target=running.server.serve_forever, daemon=True)
    thread.start()
    yield running
    running.server.shutdown()
    running.server.server_close()


def take(check: Check, *layers: Layer) -> list[str]:
    with check:
        check.run([step for step in plan(check.behaviour) if not layers or step.layer in layers])
    return [
        f"{f.title}: expected {f.expected}; seen {f.seen}"
        for f in check.judge.findings()
        if f.severity is not Severity.NOTE
    ]


@pytest.mark.parametrize("seed", [0, 1])
def test_nothing_is_found_where_nothing_is_wrong(seed: int, served: Served) -> None:
    check = served.check(seed=seed, max_wait=120.0)  # it moves when it is looked at
    assert take(check) == []
    reasons = {o.reason for o in check.outcomes if o.step.layer != "documented"}
    assert reasons <= {"", "needs --failing-model"}
    assert check.session.creates <= 20
    # Whether that would do harm, nothing says.
    assert served.library.complaints == 0
    asked = {e.status for e in check.ledger.exchanges if e.operation_id == "complain"}
    assert asked == {401, 422}


SOME = [
    pytest.param(wrong, marks=[pytest.mark.nightly] if number % 3 else [])
    for number, wrong in enumerate(FAULTS)
]


@pytest.mark.parametrize("wrong", SOME)
def test_a_fault_is_found_from_the_statements_alone(wrong: str, served: Served) -> None:
    check = served.check(wrong, **({"max_wait": 1.0} if wrong == "never ends" else {}))
    found: dict[str, Finding] = {}
    with check:
        for step in plan(check.behaviour):
            if step.layer in {"requests", "lifecycle", "lists"} and FAULTS[wrong] not in found:
                outcome = check.perform(step)
                broken = [f for f in outcome.findings if f.severity is Severity.VIOLATION]
                found |= {f.oracle.id: f for f in broken}
    assert FAULTS[wrong] in found
    stated = found[FAULTS[wrong]].statement
    assert stated is None or "api.yaml:" in check.ledger.where(stated)


def test_free_makes_what_is_free_and_nothing_that_costs(served: Served) -> None:
    check = served.check(profile="free")
    assert take(check, "requests", "lifecycle") == []
    made = {e.operation_id for e in check.ledger.creations if e.succeeded}
    assert made == {"createShelf", "addBook"}


def test_read_only_sends_gets_only(served: Served) -> None:
    check = served.check(profile="read-only")
    assert take(check) == []
    assert {e.request.method for e in check.ledger.exchanges} == {"GET"}
