"""Oracles over ledgers written by hand: no server is needed to know what they say."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flora_contract.conformance.catalogue import listing
from flora_contract.conformance.exchange import (
    OTHER,
    OWNER,
    Credential,
    Exchange,
    RecordedRequest,
    RecordedResponse,
)
from flora_contract.conformance.judge import Finding, Judge
from flora_contract.conformance.ledger import Caller, Facts, Ledger
from flora_contract.conformance.oracle import Severity, catalogue
from flora_contract.conformance.oracles.lists import fits
from flora_contract.conformance.statements import load

ROOT = Path(__file__).parents[2]
BASE = "https://api.test/api/v1"
BEHAVIOUR = load(BASE)
HOME, FOREIGN = ({"Workspace": f"ws_{n}", "Project": f"prj_{n}"} for n in "ab")
BODY = {"type": "image", "prompt": "A mug", "workspace_id": "ws_a", "project_id": "prj_a"}


class Story:
    """A ledger told step by step; each step takes a second."""

    def __init__(self) -> None:
        facts = Facts(callers=(Caller(OWNER, (HOME,)), Caller(OTHER, (FOREIGN,))))
        self.ledger = Ledger(BEHAVIOUR, BASE, facts)
        self.now = 0.0

    def say(
        self,
        method: str,
        path: str,
        status: int,
        answer: Any,
        *,
        body: Any = None,
        key: str | None = None,
        credential: Credential = OWNER,
    ) -> Exchange:
        self.now += 1
        headers = [("Idempotency-Key", key)] if key else []
        return self.ledger.record(
            RecordedRequest(
                method,
                BASE + path,
                tuple(headers),
                json.dumps(body).encode() if body is not None else b"",
            ),
            RecordedResponse(
                status, (("content-type", "application/json"),), json.dumps(answer).encode()
            ),
            credential=credential,
            started=self.now,
            elapsed=0.5,
        )

    def create(self, run_id: str = "run_1", status: int = 201, **more: Any) -> Exchange:
        answer = {
            "run_id": run_id,
            "type": "generation",
            "estimated_seconds": 1,
            "charged_cost": 0.04,
        }
        more = {"body": BODY, "key": f"key of {run_id}"} | more
        return self.say("POST", "/generate", status, answer, **more)

    def look(self, run_id: str = "run_1", **fields: Any) -> Exchange:
        shown = {"run_id": run_id, "status": "running", "progress": 5, "created_at": 1} | fields
        return self.say("GET", f"/runs/{run_id}", 200, shown)

    def findings(self) -> list[Finding]:
        judge = Judge(self.ledger)
        judge.update()
        return judge.findings()

    def found(self) -> set[str]:
        return {f.oracle.id for f in self.findings()}

    def warned(self) -> dict[str, tuple[str, ...]]:
        """Warnings, and the conflicts that let it pass; nothing else may be found."""
        found = self.findings()
        assert {f.severity for f in found} <= {Severity.WARNING}
        return {f.oracle.id: f.conflict for f in found}


@pytest.fixture
def story() -> Story:
    return Story()


def test_a_run_that_goes_its_way_is_sound(story: Story) -> None:
    story.create()
    story.look(status="pending", progress=0)
    story.look(status="running", progress=50, started_at=2)
    outputs = [{"output_id": "o", "type": "imageUrl", "url": "https://x.test/y.png"}]
    for _ in range(2):
        story.look(
            status="completed",
            progress=100,
            started_at=2,
            completed_at=3,
            charged_cost=0.04,
            outputs=outputs,
        )
    assert story.found() == set()


@pytest.mark.parametrize(
    ("first", "second", "oracle"),
    [
        ({"status": "running"}, {"status": "pending"}, "state-forward"),
        ({"progress": 5}, {"progress": 4}, "grows"),
        ({"created_at": 1}, {"created_at": 2}, "times-constant"),
        ({"charged_cost": 0.04}, {"charged_cost": 0.05}, "cost-constant"),
        (
            {"status": "failed", "error_code": "a", "error_message": "m"},
            {"status": "failed", "error_code": "b", "error_message": "m"},
            "final-is-constant",
        ),
    ],
)
def test_two_looks_that_do_not_agree(
    story: Story, first: dict[str, Any], second: dict[str, Any], oracle: str
) -> None:
    story.look(**first)
    story.look(**second)
    assert story.found() == {oracle}


def test_a_failed_run_may_cost_nothing(story: Story) -> None:
    story.create()
    failed = {"status": "failed", "error_code": "a", "error_message": "m"}
    story.look(**failed, charged_cost=0)
    assert story.found() == set()


def test_a_second_run_under_one_key(story: Story) -> None:
    story.create("run_1", key="k")
    story.create("run_2", key="k")
    assert story.found() == {"key-used-once"}


@pytest.mark.parametrize(
    ("status", "code"), [(409, "idempotency_duplicate"), (422, "idempotency_conflict")]
)
def test_what_a_used_key_may_be_answered(story: Story, status: int, code: str) -> None:
    story.create("run_1", key="k")
    story.say(
        "POST",
        "/generate",
        status,
        {"error": {"code": code, "message": "Used."}},
        body=BODY | {"prompt": "Another"},
        key="k",
    )
    if status == 409:
        assert not story.found()
    else:  # documented for no operation
        assert story.warned()["key-used-once-for-any-body"] == ("C5", "C29", "C30")


def test_a_replayed_answer_is_no_second_run(story: Story) -> None:
    story.create("run_1", key="k")
    story.create("run_1", status=200, key="k")
    assert story.warned() == {"key-used-once": ("C5", "C29", "C30")}


def test_a_replayed_answer_may_come_before_the_answer_it_repeats(story: Story) -> None:
    story.create("run_1", status=200, key="k")
    story.now -= 1
    story.create("run_1", key="k")
    assert story.found() == set()


def test_a_run_that_fails_may_lose_its_progress(story: Story) -> None:
    story.look(progress=60)
    story.look(status="failed", progress=0, error_code="a", error_message="m")
    assert story.found() == set()


def test_what_the_server_alone_can_judge_may_be_refused(story: Story) -> None:
    refusal = {"error": {"code": "input_validation_error", "message": "No.", "fields": [
        {"field": "params", "message": "Not of this model"}]}}  # fmt: skip
    story.say("POST", "/generate", 400, refusal, body=BODY | {"params": {"seed": 1}}, key="a")
    refusal["error"]["fields"] = [{"field": "prompt", "message": "Says nothing"}]
    for number, prompt in enumerate((" ", "a\0b")):
        wrong = BODY | {"prompt": prompt}
        story.say("POST", "/generate", 400, refusal, body=wrong, key=f"k{number}")
    assert story.found() == set()


def test_two_hours_later_a_key_is_new(story: Story) -> None:
    story.create("run_1", key="k")
    story.now += 2 * 60 * 60
    story.create("run_2", key="k")
    assert "key-used-once" not in story.found()


def test_another_account_reads_a_run(story: Story) -> None:
    story.create()
    shown = {"run_id": "run_1", "status": "pending", "progress": 0, "created_at": 1}
    story.say("GET", "/runs/run_1", 200, shown, credential=OTHER)
    assert story.found() == {"foreign-hidden"}


def page(*ids: str, cursor: str | None = None) -> dict[str, Any]:
    return {
        "generations": [
            {
                "run_id": i,
                "generation_id": i,
                "status": "pending",
                "progress": 0,
                "created_at": 100 - int(i[4:]),
                "project_id": "prj_a",
                "workspace_id": "ws_a",
                "poll_url": f"https://x.test/runs/{i}",
            }
            for i in ids
        ],
        "meta": {"next_cursor": cursor},
    }


def walk(story: Story, *pages: tuple[str, ...]) -> None:
    """Pages of two, joined by cursors, and the first page again."""
    for number, ids in enumerate(pages):
        cursor = f"c{number + 1}" if number + 1 < len(pages) else None
        asked = f"&cursor=c{number}" if number else ""
        story.say("GET", f"/generations?limit=2{asked}", 200, page(*ids, cursor=cursor))
    story.say("GET", "/generations?limit=2", 200, page(*pages[0], cursor="c1"))


def test_a_walk_that_is_whole(story: Story) -> None:
    walk(story, ("run_1", "run_2"), ("run_3", "run_4"), ("run_5",))
    walk(story, ("run_1", "run_2"), ("run_3", "run_4"), ("run_5",))
    assert story.found() == set()


def test_a_walk_that_repeats_a_run(story: Story) -> None:
    walk(story, ("run_1", "run_2"), ("run_2", "run_3"))
    assert story.found() == {"pages-without-repetition"}


def test_a_walk_that_leaves_out_a_run(story: Story) -> None:
    walk(story, ("run_1", "run_2"), ("run_3", "run_4"), ("run_5",))
    walk(story, ("run_1", "run_2"), ("run_4", "run_5"))
    assert story.found() == {"pages-without-gap"}


@pytest.mark.parametrize(
    ("taken", "query", "cursor", "rules"),
    [
        (True, "?workspace_id=ws_a", None, {"filter-complete"}),
        (True, "?workspace_id=ws_a", "more", set()),  # it may be on the next page
        (True, "?workspace_id=ws_b", None, set()),
        (True, "?workspace_id=ws_a&query=mug", None, set()),
        (False, "?workspace_id=ws_a", None, set()),  # the user may be wrong about the place
    ],
)
def test_a_place_that_the_user_named_and_that_was_taken_is_listed(
    story: Story, taken: bool, query: str, cursor: str | None, rules: set[str]
) -> None:
    if taken:
        story.create()
    meta = {"next_cursor": cursor, "total_estimate": 0}
    story.say("GET", f"/projects{query}", 200, {"projects": [], "meta": meta})
    assert story.found() & {"listed", "filter-complete"} == rules


def test_a_repetition_while_runs_come_in_is_no_fault(story: Story) -> None:
    story.say("GET", "/generations?limit=2", 200, page("run_2", "run_3", cursor="c1"))
    story.say("GET", "/generations?limit=2&cursor=c1", 200, page("run_3", "run_4"))
    story.say("GET", "/generations?limit=2", 200, page("run_1", "run_2", cursor="c1"))
    assert story.found() == set()


def test_an_offset_while_runs_come_in_is_no_fault(story: Story) -> None:
    story.say("GET", "/generations?limit=2", 200, page("run_5", "run_6", cursor="2"))
    story.say("GET", "/generations?limit=2&cursor=2", 200, page("run_4", "run_5", cursor="4"))
    story.say("GET", "/generations?limit=2&cursor=4", 200, page("run_5", "run_6"))
    assert story.found() == set()


def test_a_filtered_offset_while_runs_end_is_no_fault(story: Story) -> None:
    def ended(*ids: str, cursor: str | None = None) -> dict[str, Any]:
        answer = page(*ids, cursor=cursor)
        for item in answer["generations"]:
            item |= {"status": "failed", "error_code": "a", "error_message": "m"}
        return answer

    path = "/generations?status=failed&limit=2"
    story.say("GET", "/generations", 200, page("run_1", "run_2", "run_3", "run_4"))
    story.say("GET", path, 200, ended("run_1", "run_4", cursor="2"))
    story.say("GET", f"{path}&cursor=2", 200, ended("run_3", "run_4"))
    story.say("GET", path, 200, ended("run_1", "run_2", cursor="2"))
    assert story.found() == set()


def test_pages_in_the_wrong_order(story: Story) -> None:
    story.say("GET", "/generations", 200, page("run_1", "run_2", "run_3", "run_4"))
    story.say("GET", "/generations?limit=2", 200, page("run_3", "run_4", cursor="2"))
    story.say("GET", "/generations?limit=2&cursor=2", 200, page("run_1", "run_2"))
    assert story.found() == {"ordered"}


@given(st.permutations(range(6)))
def test_judging_bit_by_bit_comes_to_the_same(order: list[int]) -> None:
    story, judge = Story(), None
    steps = [
        lambda: story.create("run_1", key="k"),
        lambda: story.create("run_2", key="k"),
        lambda: story.look(status="completed"),
        lambda: story.look(status="pending"),
        lambda: story.look(progress=1),
        lambda: story.say("GET", "/generations?limit=1", 200, page("run_1", "run_2")),
    ]
    judge = Judge(story.ledger)
    for step in order:
        steps[step]()
        judge.update()
    whole = Judge(story.ledger)
    whole.update()
    assert [f.fingerprint for f in judge.findings()] == [f.fingerprint for f in whole.findings()]
    assert judge.tally() == whole.tally()


answers = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 2) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2)
    | st.dictionaries(
        st.sampled_from(
            ["error", "code", "fields", "field", "run_id", "status", "generations", "meta",
             "next_cursor", "outputs", "model", "model_id", "created_at", "progress", "poll_url",
             "type", "prompt", "params", "project_id"]
        ),
        inner,
        max_size=4,
    ),
    max_leaves=8,
)  # fmt: skip


@given(
    st.lists(
        st.tuples(
            st.sampled_from(
                [("GET", "/generations"), ("GET", "/runs/run_1"), ("POST", "/generate")]
            ),
            st.sampled_from([200, 201, 400, 401, 404, 409, 500]),
            answers,
            answers,
        ),
        max_size=4,
    )
)
def test_no_answer_however_wrong_upsets_an_oracle(exchanges: list[Any]) -> None:
    story = Story()
    for (method, path), status, answer, body in exchanges:
        sent = BODY | body if isinstance(body, dict) else body
        story.say(method, path, status, answer, body=sent, key="k")
    story.found()


def test_every_oracle_says_what_it_holds_against_a_server_and_on_whose_word() -> None:
    for oracle in catalogue().values():
        assert oracle.sentence.endswith("."), oracle.id
        assert oracle.source or oracle.basis, oracle.id


def test_the_catalogue_in_the_documentation_is_current() -> None:
    written = (ROOT / "docs" / "oracles.md").read_text(encoding="utf-8")
    assert written == listing("markdown"), "flora-contract check --list --format markdown"


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        *[(0, "0.0"), (2, "2.0"), (2.5, "2.50"), (1234567.5, "1234567.5"), (1e21, "1e21")],
        *[(True, "true"), ("2.5", "2.5"), ([1, 2.5], "2.5")],
    ],
)
def test_a_filter_means_a_value_however_it_is_written(value: Any, wanted: str) -> None:
    match = "contains" if isinstance(value, list) else "equals"
    assert fits(value, wanted, SimpleNamespace(match=match))  # type: ignore[arg-type]
    assert not fits(value, "7", SimpleNamespace(match=match))  # type: ignore[arg-type]
