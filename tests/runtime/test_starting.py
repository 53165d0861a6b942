from __future__ import annotations

import pickle
import time
from datetime import timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

import pytest
from attrs import evolve
from flora_client import (
    APIConnectionError,
    APITimeoutError,
    Flora,
    InsufficientCreditsError,
    InvalidArgumentError,
    RateLimitError,
    ResponseDecodingError,
    RunOutcomeUnknownError,
    SpendLimitError,
)

from flora_runtime.ledger import Create, Ledger, StartedRun

LOST = APITimeoutError("no answer in time.")


def key_of(request: Any) -> str:
    return str(request.headers["idempotency-key"])


@pytest.fixture
def duplicate(world) -> Any:
    return world.error(409, "idempotency_duplicate")


@pytest.fixture
def history(world):
    """Makes pages of the history; `ages` are seconds from when each run was created to when it is
    first shown."""

    def page(*runs: tuple[str, float], cursor: str | None = None, **more: Any) -> Any:
        made: list[Any] = []

        def answer(_request: Any) -> Any:
            items = made or [
                {
                    "run_id": run_id,
                    "generation_id": run_id,
                    "status": "running",
                    "progress": 0,
                    "created_at": (world.date() - timedelta(seconds=age)).timestamp(),
                    "workspace_id": "ws_1",
                    "project_id": "prj_1",
                    "charged_cost": 0.04,
                    **more,
                }
                for run_id, age in runs
            ]
            made[:] = items
            return world.reply({"generations": items, "meta": {"next_cursor": cursor}})

        return answer

    return page


def test_a_key_is_made_before_the_first_attempt_and_kept(
    world, flora: Flora, arguments, accepted
) -> None:
    world.script = [LOST, world.error(502), world.reply(accepted, 201)]
    run = flora.generations.create(**arguments)
    keys = {key_of(request) for request in world.sent}
    assert keys == {run.idempotency_key}
    assert len(world.sent) == 3
    assert run.call.attempts == 3


def test_each_create_has_a_key_of_its_own(world, flora: Flora, arguments, accepted) -> None:
    world.script = [world.reply(accepted | {"run_id": f"run_{n}"}, 201) for n in range(9)]
    runs = [flora.generations.create(**arguments) for _ in range(9)]
    assert len({run.idempotency_key for run in runs}) == 9


@pytest.mark.parametrize("name", ["Idempotency-Key", "idempotency-key"])
def test_a_key_given_as_a_header_is_the_key(
    world, flora: Flora, arguments, accepted, name: str
) -> None:
    world.script = [world.reply(accepted, 201)]
    run = flora.generations.create(**arguments, extra_headers={name: "mine"})
    assert run.idempotency_key == "mine"
    assert [v for n, v in world.sent[0].headers.items() if n.lower() == "idempotency-key"] == [
        "mine"
    ]


def test_every_error_names_the_key(world, flora: Flora, arguments) -> None:
    world.script = [world.error(402, "insufficient_credits")]
    with pytest.raises(InsufficientCreditsError) as caught:
        flora.generations.create(**arguments)
    assert caught.value.idempotency_key == key_of(world.sent[0])
    assert not caught.value.may_have_started


def test_an_error_after_a_lost_answer_says_that_a_run_may_exist(
    world, flora: Flora, arguments
) -> None:
    world.script = [LOST, world.error(402, "insufficient_credits")]
    with pytest.raises(InsufficientCreditsError, match="may have been accepted") as caught:
        flora.generations.create(**arguments)
    assert caught.value.may_have_started
    assert str(caught.value.idempotency_key) in str(caught.value)


def test_a_lost_run_is_found_by_the_servers_clock(
    world, flora: Flora, arguments, duplicate, history
) -> None:
    world.script = [LOST, duplicate, history(("run_9", 0.2), ("run_old", 60))]
    run = flora.generations.create(**arguments)
    assert run.run_id == "run_9"
    assert run.call.recovered
    assert run.idempotency_key == key_of(world.sent[0])
    assert run.type == "generation"
    assert run.charged_cost == Decimal("0.04")
    assert flora.spent == Decimal("0.04")
    assert "workspace_id=ws_1" in world.sent[2].url
    assert "project_id=prj_1" in world.sent[2].url
    asked = [urlsplit(request.url).path.rpartition("/")[2] for request in world.sent]
    assert asked[:2] == ["generate", "generate"]
    assert set(asked[2:]) == {"generations"}


def test_a_duplicate_of_a_made_up_key_means_that_something_before_us_repeated_it(
    world, flora: Flora, arguments, duplicate, history
) -> None:
    world.script = [duplicate, history(("run_9", 0.1))]
    assert flora.generations.create(**arguments).run_id == "run_9"


def test_two_candidates_are_nobodys(world, flora: Flora, arguments, duplicate, history) -> None:
    world.script = [LOST, duplicate, history(("run_9", 0.1), ("run_8", 0.3))]
    with pytest.raises(RunOutcomeUnknownError) as caught:
        flora.generations.create(**arguments)
    error = pickle.loads(pickle.dumps(caught.value))
    assert [candidate.run_id for candidate in error.candidates] == ["run_9", "run_8"]
    assert error.idempotency_key == key_of(world.sent[0])
    assert error.window[0] < world.date() < error.window[1]
    assert {request.method for request in world.sent[2:]} == {"GET"}


def test_a_run_that_was_handed_out_is_no_candidate(
    world, flora: Flora, arguments, accepted, duplicate, history
) -> None:
    world.script = [world.reply(accepted, 201)]
    flora.generations.create(**arguments)
    world.script = [LOST, duplicate, history(("run_9", 0.1), ("run_1", 0.2))]
    assert flora.generations.create(**arguments).run_id == "run_9"


@pytest.mark.parametrize(
    "other",
    [{"project_id": "prj_2"}, {"workspace_id": "ws_2"}, {"model": {"model_id": "i2i-other"}}],
)
def test_a_run_of_another_place_or_model_is_no_candidate(
    world, flora: Flora, arguments, duplicate, history, other: dict[str, Any]
) -> None:
    world.script = [LOST, duplicate, *[history(("run_9", 0.1), **other)] * 9]
    with pytest.raises(RunOutcomeUnknownError) as caught:
        flora.generations.create(**arguments, model="t2i-flux-2-pro")
    assert caught.value.candidates == ()


def test_a_history_that_lags_is_looked_at_again(
    world, flora: Flora, arguments, duplicate, history
) -> None:
    world.script = [LOST, duplicate, history(), world.error(404), history(("run_9", 2.0))]
    assert flora.generations.create(**arguments).run_id == "run_9"


def test_an_old_create_of_unknown_outcome_stands_in_nobodys_way(
    world, flora: Flora, arguments, duplicate, history
) -> None:
    world.script = [LOST] * 3
    with pytest.raises(APITimeoutError):
        flora.generations.create(**arguments)
    world.now += 60
    world.script = [LOST, duplicate, history(("run_9", 0.1))]
    assert flora.generations.create(**arguments).run_id == "run_9"


def test_the_caller_can_ask_again_under_the_key_of_an_error(
    world, flora: Flora, arguments, duplicate, history
) -> None:
    world.script = [LOST] * 3
    with pytest.raises(APITimeoutError) as caught:
        flora.generations.create(**arguments)
    world.now += 30
    world.script = [duplicate, history(("run_9", 31))]
    run = flora.generations.create(**arguments, idempotency_key=caught.value.idempotency_key)
    assert run.run_id == "run_9"


def test_a_server_without_a_clock_is_not_guessed_at(
    world, flora: Flora, arguments, duplicate, history
) -> None:
    def timeless(request: Any) -> Any:
        return evolve(history(("run_9", 0.1))(request), headers={})

    world.script = [LOST, duplicate, timeless]
    with pytest.raises(RunOutcomeUnknownError, match="no clock"):
        flora.generations.create(**arguments)


def test_a_run_that_two_pages_show_is_one(
    world, flora: Flora, arguments, duplicate, history
) -> None:
    world.script = [
        LOST,
        duplicate,
        history(("run_9", 0.1), cursor="c1"),
        history(("run_9", 0.1), ("run_7", 90)),
    ]
    assert flora.generations.create(**arguments).run_id == "run_9"


def test_milliseconds_are_told_from_seconds(
    world, flora: Flora, arguments, duplicate, history
) -> None:
    created = world.date().timestamp() * 1000
    world.script = [LOST, duplicate, history(("run_9", 0), created_at=created)]
    assert flora.generations.create(**arguments).run_id == "run_9"


def test_a_replayed_answer_is_the_run(world, flora: Flora, arguments, accepted) -> None:
    world.script = [LOST, world.reply(accepted, 200, idempotent_replayed="true")]
    run = flora.generations.create(**arguments)
    assert run.run_id == "run_1"
    assert run.call.status_code == 200


def test_a_run_is_never_lost_to_what_else_the_answer_holds(world, flora: Flora, arguments) -> None:
    world.script = [
        world.reply({"run_id": "run_1", "type": "hologram", "charged_cost": "free", "new": {}})
    ]
    run = flora.generations.create(**arguments)
    assert run.run_id == "run_1"
    assert run.type == "hologram"
    assert not run.type.is_known
    assert run.extra_fields == {"new": {}}


def test_a_cancelled_create_stays_of_unknown_outcome(
    world, flora: Flora, arguments, duplicate, history
) -> None:
    def interrupted(_request: Any) -> Any:
        raise KeyboardInterrupt

    world.script = [interrupted]
    with pytest.raises(KeyboardInterrupt):
        flora.generations.create(**arguments, idempotency_key="mine")
    world.script = [duplicate, history(("run_9", 0.1))]
    assert flora.generations.create(**arguments, idempotency_key="mine").run_id == "run_9"


def test_money_is_summed_as_it_is_written(
    world, flora: Flora, arguments, accepted, client_with
) -> None:
    world.script = [
        world.reply(b'{"run_id": "run_%d", "charged_cost": 0.1000000000000000000001}' % n, 201)
        for n in range(3)
    ]
    for _ in range(3):
        flora.generations.create(**arguments)
    assert flora.spent == Decimal("0.3000000000000000000003")


def test_the_newest_figure_of_a_run_counts(world, flora: Flora, arguments, accepted, run) -> None:
    world.script = [
        world.reply(accepted, 201),
        world.reply(run("completed", charged_cost=0.05)),
        world.reply(run("completed", charged_cost=0.05)),
        world.reply(run("completed", charged_cost=9, run_id="run_of_somebody_else")),
    ]
    flora.generations.create(**arguments)
    assert flora.spent == Decimal("0.04")
    for _ in range(3):
        flora.generations.retrieve("run_1")
    assert flora.spent == Decimal("0.05")


def test_a_limit_refuses_the_next_create_before_it_is_sent(
    world, arguments, accepted, client_with
) -> None:
    flora = client_with(spend_limit="0.04")
    world.script = [world.reply(accepted, 201)]
    flora.generations.create(**arguments)
    with pytest.raises(SpendLimitError) as caught:
        flora.with_options(timeout=1).generations.create(**arguments)
    assert (caught.value.spent, caught.value.limit) == (Decimal("0.04"), Decimal("0.04"))
    assert len(world.sent) == 1


def test_connection_errors_do_not_name_the_key_of_the_api(world, flora: Flora, arguments) -> None:
    world.script = [APIConnectionError("no answer: ConnectError.")] * 3
    with pytest.raises(APIConnectionError) as caught:
        flora.generations.create(**arguments)
    assert "sk_live" not in repr(caught.value) + str(caught.value.__dict__)


def test_a_request_that_was_never_sent_started_nothing(world, flora: Flora, arguments) -> None:
    refused = APIConnectionError("no answer: ConnectError.")
    refused.never_sent = True
    world.script = [refused] * 3
    with pytest.raises(APIConnectionError) as caught:
        flora.generations.create(**arguments)
    assert not caught.value.may_have_started
    assert flora._session.shared.ledger.get("run", key_of(world.sent[0])) is None


def test_a_rate_limit_alone_leaves_nothing_unclear(world, flora: Flora, arguments) -> None:
    world.script = [world.error(429)] * 3
    with pytest.raises(RateLimitError) as caught:
        flora.generations.create(**arguments)
    assert not caught.value.may_have_started


def test_one_key_for_all_requests_is_refused(flora: Flora) -> None:
    with pytest.raises(InvalidArgumentError, match="idempotency_key="):
        flora.with_options(default_headers={"IDEMPOTENCY-KEY": "one-for-all"})


@pytest.mark.parametrize("created", [None, "yesterday", True, {}])
def test_a_run_that_does_not_say_when_it_was_created_is_shown_and_not_adopted(
    world, flora: Flora, arguments, duplicate, history, created: Any
) -> None:
    world.script = [LOST, duplicate, *[history(("run_of_last_year", 0), created_at=created)] * 9]
    with pytest.raises(RunOutcomeUnknownError, match="do not say when") as caught:
        flora.generations.create(**arguments)
    assert [candidate.run_id for candidate in caught.value.candidates] == ["run_of_last_year"]


@pytest.mark.parametrize("zone", ["Z", "+00:00", ""])
def test_a_date_as_text_is_a_date_too(
    world, flora: Flora, arguments, duplicate, history, zone: str
) -> None:
    def at(age: float) -> str:
        return (world.date() - timedelta(seconds=age)).isoformat().removesuffix("+00:00") + zone

    world.script = [LOST, duplicate, history(("run_old", 0), created_at=at(90)), history()]
    world.script += [history(("run_9", 0), created_at=at(0.1))]
    assert flora.generations.create(**arguments).run_id == "run_9"


def test_the_window_reaches_back_over_the_sleep_of_the_machine(
    world, flora: Flora, arguments, duplicate, history, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The monotonic clock stood still for an hour; what was started in it may be ours too."""

    def suspended(_request: Any) -> Any:
        wall = time.time
        monkeypatch.setattr(time, "time", lambda: wall() + 3600)
        return LOST

    world.script = [suspended, duplicate, history(("run_theirs", 0.1), ("run_ours", 3599))]
    with pytest.raises(RunOutcomeUnknownError) as caught:
        flora.generations.create(**arguments)
    assert {item.run_id for item in caught.value.candidates} == {"run_theirs", "run_ours"}


@pytest.mark.parametrize("when", ["sending", "looking"])
def test_an_interrupted_create_names_its_key(
    world, flora: Flora, arguments, duplicate, history, when: str
) -> None:
    def interrupted(_request: Any) -> Any:
        raise KeyboardInterrupt

    world.script = [interrupted] if when == "sending" else [LOST, duplicate, interrupted]
    with pytest.raises(KeyboardInterrupt) as caught:
        flora.generations.create(**arguments)
    key = key_of(world.sent[0])
    assert key in caught.value.__notes__[0]
    world.script = [duplicate, history(("run_9", 0.1))]
    assert flora.generations.create(**arguments, idempotency_key=key).run_id == "run_9"


def test_an_interruption_after_the_answer_names_the_run(
    world, arguments, accepted, client_with
) -> None:
    def interrupt(_drift: Any) -> None:
        raise KeyboardInterrupt

    flora = client_with(on_drift=interrupt)
    world.script = [
        world.reply({**accepted, "new": 1}, 201),
        world.error(409, "idempotency_duplicate"),
    ]
    with pytest.raises(KeyboardInterrupt) as caught:
        flora.generations.create(**arguments, idempotency_key="mine")
    assert "run_1" in caught.value.__notes__[0]
    assert caught.value.run_id == "run_1"
    assert flora.generations.create(**arguments, idempotency_key="mine").run_id == "run_1"
    assert len(world.sent) == 1


def test_many_that_are_interrupted_name_every_run_and_key(
    world, flora: Flora, arguments, accepted
) -> None:
    def interrupted(_request: Any) -> Any:
        raise KeyboardInterrupt

    world.script = [world.reply(accepted, 201), interrupted]
    with pytest.raises(KeyboardInterrupt) as caught:
        flora.generations.create_many([arguments] * 3)
    second, first = caught.value.__notes__
    assert key_of(world.sent[1]) in second
    assert "run run_1 was started" in first
    assert len(world.sent) == 2


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", b"[]", b"{}", b'{"run_id": 7}', b'{"run_id": ""}', b'{"a": NaN}', b'"\xff"'],
)
def test_a_success_that_names_no_run_is_looked_for_like_a_lost_one(
    world, flora: Flora, arguments, duplicate, history, body: bytes
) -> None:
    world.script = [world.reply(body, 201), duplicate, history(("run_9", 0.2))]
    assert flora.generations.create(**arguments).run_id == "run_9"


def test_a_success_that_never_names_a_run_is_an_error_with_everything_in_it(
    world, flora: Flora, arguments
) -> None:
    world.script = [world.reply(b"<html>", 201, request_id="req_1")] * 3
    with pytest.raises(ResponseDecodingError) as caught:
        flora.generations.create(**arguments)
    error = caught.value
    assert (error.status_code, error.request_id, error.attempts) == (201, "req_1", 3)
    assert error.body == "<html>"
    assert error.idempotency_key == key_of(world.sent[0])
    assert error.may_have_started


def test_the_same_call_under_the_same_key_is_the_same_run(
    world, flora: Flora, arguments, accepted
) -> None:
    world.script = [world.reply(accepted, 201)]
    first = flora.generations.create(**arguments, idempotency_key="mine")
    again = flora.generations.create(**arguments, idempotency_key="mine")
    assert again == first
    assert again.call.recovered
    assert flora.spent == Decimal("0.04")
    assert len(world.sent) == 1


def test_another_call_under_the_same_key_is_refused(
    world, flora: Flora, arguments, accepted
) -> None:
    world.script = [world.reply(accepted, 201)]
    flora.generations.create(**arguments, idempotency_key="mine")
    with pytest.raises(InvalidArgumentError, match="idempotency_key"):
        flora.generations.create(**{**arguments, "prompt": "A jug"}, idempotency_key="mine")
    assert len(world.sent) == 1


def made(kind: str, key: str, **more: Any) -> Create:
    return Create(kind, key, request="", tariff="", window=600.0, **more)


def test_creates_share_a_history_unless_something_keeps_them_apart() -> None:
    def create(kind: str = "run", **scope: str | None) -> Create:
        return made(kind, "k", scope=scope)

    ours = create(workspace="a", project="x")
    assert ours.may_share(create(workspace="a", project="x"))
    assert ours.may_share(create(workspace="a"))
    assert ours.may_share(create(workspace="a", project=None))
    assert ours.may_share(create())
    assert not ours.may_share(create(workspace="a", project="y"))
    assert not ours.may_share(create("render", workspace="a", project="x"))


def test_runs_of_two_kinds_may_have_one_id() -> None:
    ledger = Ledger()
    first = made("run", "k")
    assert ledger.begin(first) is None
    ledger.hand_out(first, "1", StartedRun(0.0), b"{}")
    assert ledger.run("run 1") is not None
    assert ledger.run("render 1") is None
    second = made("render", "k")
    assert ledger.begin(second) is None
    assert ledger.claim(second, "1", StartedRun(0.0), b"{}")
    assert ledger.handed_out("render", ["1"]).keys() == {"1"}
    assert ledger.get("run", "k").run_id == "1"  # type: ignore[union-attr]


def test_a_create_is_sent_for_as_long_as_its_window_lasts(world) -> None:
    short, long = made("run", "a"), Create("run", "b", request="", tariff="", window=7200.0)
    world.now += 400
    assert not short.expired
    assert not long.expired
    world.now += 100
    assert short.expired
    world.now += 6600
    assert long.expired
