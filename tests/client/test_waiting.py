"""Waiting for runs, in time that sleeping makes pass."""

from __future__ import annotations

import asyncio
import copy
import pickle
from decimal import Decimal

import pytest
from flora_client import (
    AsyncFlora,
    Drift,
    Flora,
    NotFoundError,
    RunFailedError,
    WaitTimeoutError,
)

from .bodies import ACCEPTED, CREATE, run
from .conftest import KEY
from .server import Reply, Server


def test_the_first_look_is_timed_and_the_others_are_2_to_5_seconds_apart(connect, serve, naps):
    server = serve(
        Reply(201, {**ACCEPTED, "estimated_seconds": 12}),
        *[Reply(200, run("running"))] * 20,
        Reply(200, run("completed")),
    )
    flora = connect(server)
    accepted = flora.generations.create(**CREATE)
    done = flora.generations.wait(accepted.run_id)
    assert done.status == "completed"
    assert naps[0] == pytest.approx(4, abs=1)
    assert all(2 <= nap <= 5 for nap in naps[1:])
    assert len(set(naps[1:])) > 10, "no jitter"
    assert max(naps[1:]) - min(naps[1:]) > 1


def test_a_run_of_another_client_is_looked_at_at_once(connect, serve, naps):
    flora = connect(serve(Reply(200, run("completed"))))
    assert flora.generations.wait("run_1").status == "completed"
    assert sum(naps) == 0


@pytest.mark.parametrize("timeout", [1, 7, 60, 301.5])
@pytest.mark.parametrize("status", ["running", "pending"])
def test_the_deadline_is_never_overshot(connect, serve, naps, timeout, status):
    server = serve(Reply(200, run(status, progress=0.25, charged_cost=0.04)))
    with pytest.raises(WaitTimeoutError) as caught:
        connect(server).generations.wait("run_1", timeout=timeout)
    receipt = caught.value
    assert sum(naps) <= timeout
    assert receipt.elapsed == pytest.approx(timeout, abs=5)
    assert (receipt.run_id, receipt.status, receipt.progress) == ("run_1", status, 0.25)
    assert receipt.charged_cost == Decimal("0.04")
    assert receipt.run.run_id == "run_1"
    assert "generations.wait('run_1')" in str(receipt)
    assert str(pickle.loads(pickle.dumps(receipt))) == str(copy.deepcopy(receipt)) == str(receipt)


@pytest.mark.parametrize(
    "trouble",
    [
        Reply(502, "<html>"),
        Reply(500),
        Reply(429, headers={"retry-after": "3"}),
        Reply(408),
        Reply(fault="reset"),
        Reply(fault="close"),
        Reply(200, "<html>One moment"),
        Reply(200, run("running"), fault="truncate"),
    ],
    ids=["502", "500", "429", "408", "reset", "close", "html", "truncate"],
)
def test_trouble_that_passes_does_not_end_a_wait(connect, serve, naps, trouble):
    server = serve(Reply(200, run("running")), *[trouble] * 9, Reply(200, run("completed")))
    assert connect(server).generations.wait("run_1").status == "completed"
    assert len(server.seen) == 11


def test_trouble_that_does_not_pass_ends_it_in_time_with_the_last_that_was_seen(
    connect, serve, naps
):
    server = serve(Reply(200, run("running", progress=0.5)), Reply(503))
    with pytest.raises(WaitTimeoutError) as caught:
        connect(server).generations.wait("run_1", timeout=30)
    assert (caught.value.status, caught.value.progress) == ("running", 0.5)
    assert caught.value.__cause__.status_code == 503
    assert sum(naps) <= 30


def test_a_look_that_hangs_does_not_outlast_the_deadline(connect, serve):
    server = serve(Reply(200, run("running"), delay=5))
    with pytest.raises(WaitTimeoutError) as caught:
        connect(server, timeout=60).generations.wait("run_1", timeout=0.3)
    assert caught.value.elapsed < 2


def test_what_looking_again_cannot_mend_ends_a_wait(connect, serve, naps):
    with pytest.raises(NotFoundError) as caught:
        connect(serve(Reply(404))).generations.wait("run_1")
    assert "run_1" in caught.value.__notes__[0]


def test_an_unknown_status_is_told_once_and_looked_through(connect, serve, naps):
    told: list[Drift] = []
    server = serve(*[Reply(200, run("dreaming"))] * 5, Reply(200, run("completed")))
    flora = connect(server, on_drift=told.append)
    assert flora.generations.wait("run_1").status == "completed"
    assert [(drift.kind, drift.where) for drift in told] == [("unknown_value", "Run.status")]


def test_a_failed_run_is_a_receipt(connect, serve, naps):
    body = run("failed", error_code="provider_error", error_message="No.", charged_cost=0.04)
    with pytest.raises(RunFailedError) as caught:
        connect(serve(Reply(200, body))).generations.wait("run_1")
    receipt = caught.value
    assert (receipt.run_id, receipt.status) == ("run_1", "failed")
    assert (receipt.error_code, receipt.error_message) == ("provider_error", "No.")
    assert receipt.charged_cost == Decimal("0.04")
    assert receipt.run.to_dict() == body


def test_progress_is_told_at_each_look(connect, serve, naps):
    server = serve(
        Reply(200, run("pending")), Reply(200, run("running")), Reply(200, run("completed"))
    )
    seen: list[str] = []
    connect(server).generations.wait("run_1", on_progress=lambda run: seen.append(run.status))
    assert seen == ["pending", "running", "completed"]


def test_the_run_is_handed_over_before_waiting(connect, serve, naps):
    server = serve(Reply(201, ACCEPTED), Reply(200, run("completed")))
    started: list[tuple[str, int]] = []
    done = connect(server).generations.create_and_wait(
        **CREATE, on_started=lambda run: started.append((run.run_id, len(server.seen)))
    )
    assert started == [("run_1", 1)]
    assert done.status == "completed"


def test_ctrl_c_leaves_the_run_to_be_resumed(serve, naps):
    server = serve(Reply(200, run("running")), Reply(200, run("completed")))

    def interrupt(_: object) -> None:
        raise KeyboardInterrupt

    with Flora(api_key=KEY, base_url=server.base_url) as flora:
        with pytest.raises(KeyboardInterrupt) as caught:
            flora.generations.wait("run_1", on_progress=interrupt)
        assert "generations.wait('run_1')" in caught.value.__notes__[0]
        assert flora.generations.wait("run_1").status == "completed"


def test_cancelling_leaves_the_run_to_be_resumed(serve):
    server = serve(Reply(200, run("running")), Reply(200, run("completed")))

    async def main() -> None:
        looked = asyncio.Event()
        async with AsyncFlora(api_key=KEY, base_url=server.base_url) as flora:
            waiting = asyncio.create_task(
                flora.generations.wait("run_1", on_progress=lambda _: looked.set())
            )
            await looked.wait()
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
            assert (await flora.generations.wait("run_1")).status == "completed"

    asyncio.run(main())


def test_poll_url_is_followed_on_the_configured_origin(connect, serve, naps):
    server = serve(lambda _: replies.pop(0))
    poll_url = f"{server.base_url}/runs/run_1?region=eu"
    replies = [Reply(201, {**ACCEPTED, "poll_url": poll_url}), Reply(200, run("completed"))]
    connect(server).generations.create_and_wait(**CREATE)
    assert server.seen[1].query == {"region": "eu"}


def elsewhere(server: Server, other: Server) -> dict[str, str]:
    port = server.base_url.rpartition(":")[2].partition("/")[0]
    return {
        "another port": f"{other.base_url}/runs/run_1",
        "another host": f"http://localhost:{port}/api/v1/runs/run_1",
        "another scheme": f"https://127.0.0.1:{port}/api/v1/runs/run_1",
        "a user": f"http://127.0.0.1:{port}@localhost:{port}/api/v1/runs/run_1",
        "a user of ours": f"http://a:b@127.0.0.1:{port}/api/v1/runs/run_1",
        "a backslash": f"http://127.0.0.1:{port}\\@localhost/api/v1/runs/run_1",
        "no url": "run_1",
    }


@pytest.mark.parametrize(
    "where",
    [
        "another port",
        "another host",
        "another scheme",
        "a user",
        "a user of ours",
        "a backslash",
        "no url",
    ],
)
def test_poll_url_is_not_followed_elsewhere(connect, serve, naps, where):
    server, other = serve(lambda _: replies.pop(0)), serve(Reply(200, run("completed")))
    replies = [
        Reply(201, {**ACCEPTED, "poll_url": elsewhere(server, other)[where]}),
        Reply(200, run("completed")),
    ]
    told: list[Drift] = []
    connect(server, on_drift=told.append).generations.create_and_wait(**CREATE)
    assert [seen.path for seen in server.seen] == ["/api/v1/generate", "/api/v1/runs/run_1"]
    assert server.seen[1].headers["host"] == server.url.removeprefix("http://")
    assert other.seen == []
    assert [drift.kind for drift in told] == ["foreign_url"]
