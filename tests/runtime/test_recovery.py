"""Which run a create gets whose answer was lost, and which it never gets."""

from __future__ import annotations

import time
import uuid
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest
from attrs import evolve
from flora_client import (
    APIConnectionError,
    APITimeoutError,
    Flora,
    InternalServerError,
    InvalidArgumentError,
    RunOutcomeUnknownError,
    SpendLimitError,
)

from flora_runtime.ledger import Create, Ledger, new_key, time_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

LOST = APITimeoutError("no answer in time.")


class History:
    """An API that loses every first answer. What it lists is said by a test."""

    def __init__(self, world: Any) -> None:
        self.world = world
        self.runs: list[dict[str, Any]] = []
        self.keys: dict[str, str] = {}
        self.lost: set[str] = set()
        self.loses = True
        self.ahead = 0.0
        """Seconds by which times of runs are ahead of the dates of headers."""
        self.per_page = 100
        self.kinds: dict[str, str] = {}
        """Of models, by their ids."""
        self.closer: dict[str, dict[str, Any]] = {}
        """What only a look at one run shows, by id."""
        self.looked_up = 0

    def add(self, run_id: str = "", age: float = 0.0, **more: Any) -> dict[str, Any]:
        created = self.world.date() + timedelta(seconds=self.ahead - age)
        run = {
            "run_id": run_id or f"run_{len(self.runs)}",
            "generation_id": run_id,
            "status": "pending",
            "progress": 0,
            "created_at": int(created.timestamp() * 1000),
            "workspace_id": "ws_1",
            "project_id": "prj_1",
            "model": {"model_id": "m"},
            "charged_cost": 0.04,
            **more,
        }
        self.runs.insert(0, run)
        return run

    def __call__(self, request: Any) -> Any:
        if urlsplit(request.url).path.endswith("/models"):
            self.looked_up += 1
            models = [{"model_id": model_id, "type": kind} for model_id, kind in self.kinds.items()]
            return self.world.reply({"models": models})
        if "/runs/" in request.url:
            self.looked_up += 1
            found = [run for run in self.runs if request.url.endswith(run["run_id"])]
            return self.world.reply({**found[0], **self.closer.get(found[0]["run_id"], {})})
        if request.method == "GET":
            query = parse_qs(urlsplit(request.url).query)
            start = int(query.get("cursor", ["0"])[0])
            page = self.runs[start : start + self.per_page]
            more = start + self.per_page < len(self.runs)
            cursor = str(start + self.per_page) if more else None
            return self.world.reply({"generations": page, "meta": {"next_cursor": cursor}})
        key = request.headers["idempotency-key"]
        if key in self.keys:
            return self.world.error(409, "idempotency_duplicate")
        run = self.add()
        self.keys[key] = run["run_id"]
        self.world.now += 0.02
        if self.loses:
            return LOST
        accepted = {name: run[name] for name in ("run_id", "charged_cost")}
        return self.world.reply({**accepted, "type": "generation", "estimated_seconds": 1}, 201)


@pytest.fixture
def api(world) -> History:
    world.route = History(world)
    return world.route


def create(flora: Flora, arguments: Any, **more: Any) -> Any:
    return flora.generations.create(**{**arguments, **more})


# Several losses in one place


def crashed(flora: Flora, api: History, arguments: Any, **more: Any) -> str:
    """A create that was accepted, and whose process then ended. Its key."""
    key = new_key()

    def killed(request: Any) -> Any:
        api(request)
        raise KeyboardInterrupt

    flora._session.io.route = killed
    with pytest.raises(KeyboardInterrupt):
        create(flora, arguments, idempotency_key=key, **more)
    flora._session.io.route = api
    return key


def test_equal_requests_are_interchangeable_and_each_takes_a_run(
    flora: Flora, api: History, arguments
) -> None:
    first = crashed(flora, api, arguments)
    own = create(flora, arguments)
    other = create(flora, arguments, idempotency_key=first)
    assert {own.run_id, other.run_id} == {"run_0", "run_1"}


def test_requests_that_the_history_tells_apart_each_get_their_own(
    flora: Flora, api: History, arguments
) -> None:
    first = crashed(flora, api, arguments, model="a")
    api.runs[0]["model"] = {"model_id": "a"}
    api.add("run_b", model={"model_id": "b"})
    api.keys["b"] = "run_b"
    assert create(flora, arguments, model="b", idempotency_key="b").run_id == "run_b"
    assert create(flora, arguments, model="a", idempotency_key=first).run_id == "run_0"


def test_requests_that_their_models_tell_apart_each_get_their_own(
    flora: Flora, api: History, arguments
) -> None:
    api.kinds = {"still": "image", "moving": "video"}
    first = crashed(flora, api, arguments)
    api.runs[0]["model"] = {"model_id": "still"}
    api.add("run_video", model={"model_id": "moving"})
    api.keys["video"] = "run_video"
    assert create(flora, arguments, type="video", idempotency_key="video").run_id == "run_video"
    assert create(flora, arguments, idempotency_key=first).run_id == "run_0"
    assert api.looked_up == 1


def output(kind: str) -> dict[str, Any]:
    return {"outputs": [{"output_id": "output_1", "type": kind, "url": "https://x.example/1"}]}


@pytest.mark.parametrize("closer", [False, True])
def test_requests_that_their_outputs_tell_apart_each_get_their_own(
    flora: Flora, api: History, arguments, closer: bool
) -> None:
    first = crashed(flora, api, arguments)
    shown = {"run_0": output("imageUrl"), "run_video": output("videoUrl")}
    api.add("run_video")
    api.keys["video"] = "run_video"
    for run in api.runs:
        run.update({"model": {"model_id": None}} | ({} if closer else shown[run["run_id"]]))
    api.closer = shown if closer else {}
    assert create(flora, arguments, type="video", idempotency_key="video").run_id == "run_video"
    assert create(flora, arguments, idempotency_key=first).run_id == "run_0"
    assert api.looked_up == (2 if closer else 0)


@pytest.mark.parametrize("steady", [True, False])
def test_requests_that_their_costs_tell_apart_each_get_their_own(
    flora: Flora, api: History, arguments, world, steady: bool
) -> None:
    """Where runs of either kind have always cost what they cost, and not where they have not."""
    api.loses = False
    for kind, cost in (("image", 0.04), ("video", 0.5), ("image", 0.04 if steady else 0.5)):
        run_id = create(flora, arguments, type=kind).run_id
        next(run for run in api.runs if run["run_id"] == run_id)["charged_cost"] = cost
    api.loses = True
    first = crashed(flora, api, arguments)
    api.add("run_video", charged_cost=0.5)
    api.keys["video"] = "run_video"
    video = {**arguments, "type": "video", "idempotency_key": "video"}
    if steady:
        assert create(flora, video).run_id == "run_video"
        assert create(flora, arguments, idempotency_key=first).run_id == "run_3"
    else:
        with pytest.raises(RunOutcomeUnknownError):
            create(flora, arguments, idempotency_key=first)


def test_models_that_could_not_be_read_are_asked_for_again(
    flora: Flora, api: History, arguments, world
) -> None:
    api.kinds = {"still": "image", "moving": "video"}
    first = crashed(flora, api, arguments)
    api.runs[0]["model"] = {"model_id": "still"}
    api.add("run_video", model={"model_id": "moving"})
    failures = [world.error(503)] * 3

    def failing(request: Any) -> Any:
        return failures.pop() if "/models" in request.url and failures else api(request)

    world.route = failing
    assert create(flora, arguments, idempotency_key=first).run_id == "run_0"
    assert not failures


def test_what_is_looked_up_of_a_run_is_not_shown_as_its_own(
    flora: Flora, api: History, arguments
) -> None:
    api.kinds = {"m": "image"}
    api.add("run_strangers")
    with pytest.raises(RunOutcomeUnknownError) as caught:
        create(flora, arguments)
    assert [set(candidate.extra_fields) for candidate in caught.value.candidates] == [set()] * 2


def test_what_cannot_be_told_apart_is_unknown_and_spoils_no_neighbour(
    flora: Flora, api: History, arguments, world
) -> None:
    api.add("run_strangers")
    with pytest.raises(RunOutcomeUnknownError) as caught:
        create(flora, arguments)
    assert {c.run_id for c in caught.value.candidates} == {"run_strangers", "run_1"}
    world.now += 15
    assert create(flora, {**arguments, "prompt": "A jug"}).run_id == "run_2"


def test_a_create_leaves_a_run_that_only_another_can_own(
    flora: Flora, api: History, arguments, world
) -> None:
    """Two runs, and two requests: one asks for a model, the other for any. One way to share."""
    first = crashed(flora, api, arguments, model="a")
    api.runs[0]["model"] = {"model_id": "a"}
    world.route = lambda request: api(request) if request.method == "POST" else interrupt()
    with pytest.raises(KeyboardInterrupt):  # told that its key was used: its run exists
        create(flora, arguments, model="a", idempotency_key=first)
    world.route = api
    assert create(flora, arguments).run_id == "run_1"


def interrupt() -> Any:
    raise KeyboardInterrupt


# Strangers


@pytest.mark.parametrize("lag", [1, 2, 3])
def test_a_run_is_taken_when_two_looks_agree_and_ours_would_be_shown(
    flora: Flora, api: History, arguments, world, lag: int
) -> None:
    """What the history shows first is another's; ours appears seconds later."""
    ours: list[Any] = []
    shown = 0.0

    def lagging(request: Any) -> Any:
        nonlocal shown
        answer = api(request)
        if request.method == "POST" and not ours:
            ours.append(api.runs.pop(0))
            api.add("run_strangers")
            shown = world.now + lag
        elif world.now > shown and ours[0] not in api.runs:
            api.runs.insert(0, ours[0])
        return answer

    world.route = lagging
    with pytest.raises(RunOutcomeUnknownError) as caught:
        create(flora, arguments)
    assert len(caught.value.candidates) == 2


def test_a_run_is_taken_at_once_where_newer_ones_are_shown(
    flora: Flora, api: History, arguments, world
) -> None:
    def busy(request: Any) -> Any:
        answer = api(request)
        api.add(age=-2)
        return answer

    api.loses = False
    create(flora, arguments)
    api.loses = True
    began, world.route = world.now, busy
    assert create(flora, arguments).run_id == "run_1"
    assert world.now - began < 3


@pytest.mark.parametrize("ahead", [-6.0, 6.0])
def test_a_date_that_is_seconds_off_gives_nobody_a_strangers_run(
    flora: Flora, api: History, arguments, world, ahead: float
) -> None:
    api.ahead = ahead
    api.add("run_strangers", age=ahead)
    world.now += 0.5
    with pytest.raises(RunOutcomeUnknownError) as caught:
        create(flora, arguments)
    assert {c.run_id for c in caught.value.candidates} == {"run_strangers", "run_1"}


@pytest.mark.parametrize("ahead", [-6.0, 6.0])
def test_runs_that_were_handed_out_tell_the_servers_clock(
    flora: Flora, api: History, arguments, world, ahead: float
) -> None:
    api.ahead, api.loses = ahead, False
    create(flora, arguments)
    world.now += 3
    api.add("run_strangers")
    world.now += 1
    api.loses = True
    assert create(flora, arguments).run_id == "run_2"


# Keys


def test_a_key_tells_when_it_was_made(world) -> None:
    key = new_key()
    assert uuid.UUID(key).version == 7
    assert time_of(key) == pytest.approx(time.time(), abs=0.01)
    assert time_of("mine") is None
    assert time_of(str(uuid.uuid4())) is None


def test_a_stored_key_finds_its_run_after_a_crash(
    api: History, arguments, client_with: Callable[..., Flora], world
) -> None:
    key = crashed(client_with(), api, arguments)
    world.now += 120
    run = create(client_with(), arguments, idempotency_key=key)
    assert run.run_id == "run_0"
    assert len(api.runs) == 1


def test_a_stored_key_that_does_not_tell_its_time_names_the_candidates(
    api: History, arguments, client_with: Callable[..., Flora], world
) -> None:
    api.add("run_earlier")
    api.keys["mine"] = api.add("run_ours")["run_id"]
    world.now += 600
    with pytest.raises(RunOutcomeUnknownError) as caught:
        create(client_with(), arguments, idempotency_key="mine")
    assert len(caught.value.candidates) == 2
    assert caught.value.may_have_started
    assert "new idempotency key" not in str(caught.value)


def test_a_key_is_not_sent_again_after_its_window(
    flora: Flora, api: History, arguments, world
) -> None:
    """The machine slept between two attempts: the API has forgotten the key."""

    def slept(request: Any) -> Any:
        answer = api(request)
        if request.method == "POST":
            world.now += 7200
        return answer

    world.route = slept
    assert create(flora, arguments).run_id == "run_0"
    assert [r.method for r in world.sent].count("POST") == 1


def test_an_old_key_is_looked_for_and_never_sent(
    api: History, arguments, client_with: Callable[..., Flora], world
) -> None:
    key = crashed(client_with(), api, arguments)
    world.now += 3 * 3600
    assert create(client_with(), arguments, idempotency_key=key).run_id == "run_0"
    assert len(api.runs) == 1


# The journal


def test_the_journal_knows_the_run_after_a_crash(
    api: History, arguments, client_with: Callable[..., Flora], tmp_path: Path, world
) -> None:
    api.loses = False
    first = create(client_with(journal=tmp_path / "j"), arguments, idempotency_key="mine")
    sent = len(world.sent)
    again = create(client_with(journal=tmp_path / "j"), arguments, idempotency_key="mine")
    assert again == first
    assert len(world.sent) == sent


def test_the_journal_is_written_before_the_request_goes_out(
    api: History, arguments, client_with: Callable[..., Flora], tmp_path: Path, world
) -> None:
    seen: list[Create | None] = []

    def looking(request: Any) -> Any:
        if request.method == "POST" and not seen:
            seen.append(Ledger(tmp_path / "j").get("run", request.headers["idempotency-key"]))
        return api(request)

    world.route = looking
    create(client_with(journal=tmp_path / "j"), arguments)
    assert seen[0] is not None
    assert seen[0].state == "sent"


def test_two_that_share_a_journal_take_nothing_of_each_other(
    api: History, arguments, client_with: Callable[..., Flora], tmp_path: Path
) -> None:
    one, two = (client_with(journal=tmp_path / "j") for _ in range(2))
    api.loses = False
    theirs = create(one, arguments)
    api.loses = True
    assert create(two, arguments).run_id != theirs.run_id


def test_a_journal_that_cannot_be_written_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(InvalidArgumentError, match="journal"):
        Flora(api_key="sk", journal=tmp_path / "nowhere" / "j")
    (tmp_path / "text").write_text("no database, and longer than a header of one would be" * 9)
    with pytest.raises(InvalidArgumentError, match="journal"):
        Flora(api_key="sk", journal=tmp_path / "text")


# What is unclear


@pytest.mark.parametrize("status", [302, 404, 418, 500, 503, 529])
def test_an_answer_that_is_not_the_apis_own_leaves_it_open(
    flora: Flora, arguments, world, status: int
) -> None:
    world.route = lambda _: world.reply(b"<html>", status)
    with pytest.raises(Exception, match="may have been accepted") as caught:
        create(flora, arguments)
    assert caught.value.may_have_started
    assert caught.value.idempotency_key


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 422])
def test_a_refusal_of_the_apis_own_is_clear(flora: Flora, arguments, world, status: int) -> None:
    world.route = lambda _: world.error(status)
    with pytest.raises(Exception, match="some_code") as caught:
        create(flora, arguments)
    assert not caught.value.may_have_started


def test_a_create_that_may_have_been_accepted_is_repeated_longer(
    arguments, world, client_with: Callable[..., Flora]
) -> None:
    world.route = lambda _: world.error(502)
    with pytest.raises(InternalServerError) as caught:
        create(client_with(max_retries=None), arguments)
    assert caught.value.attempts == 6


# Spending


def test_what_is_on_its_way_counts_against_the_limit(
    api: History, arguments, world, client_with: Callable[..., Flora]
) -> None:
    flora = client_with(spend_limit="0.10")
    api.loses = False
    create(flora, arguments)
    world.route = lambda _: APIConnectionError("no answer.")
    with pytest.raises(APIConnectionError):
        create(flora, arguments)
    with pytest.raises(SpendLimitError) as caught:
        create(flora, arguments)
    assert str(caught.value.spent) == "0.08"


def test_the_caller_says_what_a_first_run_may_cost(
    api: History, arguments, client_with: Callable[..., Flora]
) -> None:
    flora = client_with(spend_limit="0.10")
    with pytest.raises(SpendLimitError):
        create(flora, arguments, expected_cost="0.11")
    with pytest.raises(InvalidArgumentError, match="expected_cost"):
        create(flora, arguments, expected_cost="much")
    assert api.runs == []


def test_a_cost_that_is_a_string_counts(flora: Flora, arguments, world) -> None:
    world.route = lambda _: world.reply({"run_id": "run_1", "charged_cost": "0.25"}, 201)
    create(flora, arguments)
    assert str(flora.spent) == "0.25"


def test_a_server_that_tells_no_time_gives_candidates_and_no_run(
    flora: Flora, api: History, arguments, world
) -> None:
    api.add("run_of_another_place", project_id="prj_2")
    api.add("run_strangers", age=3600)

    def timeless(request: Any) -> Any:
        answer = api(request)
        return answer if answer is LOST else evolve(answer, headers={})

    world.route = timeless
    with pytest.raises(RunOutcomeUnknownError, match="shows no clock") as caught:
        create(flora, arguments)
    assert {c.run_id for c in caught.value.candidates} == {"run_strangers", "run_2"}
    assert caught.value.window is None
