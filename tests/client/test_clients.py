"""What a client keeps: its connections, what it has spent, and many creates at once."""

from __future__ import annotations

import asyncio
import gc
import inspect
import threading
import weakref
from decimal import Decimal

import httpx
import pytest
from flora_client import (
    AsyncFlora,
    BadRequestError,
    Flora,
    FloraError,
    InvalidArgumentError,
    RunAccepted,
    SpendLimitError,
)

from .bodies import ACCEPTED, CREATE, RUN, run
from .conftest import KEY
from .fake import FakeFlora, refusal
from .server import Reply, Seen


def accepted(run_id: str, cost: str) -> Reply:
    """With the cost written as it stands."""
    return Reply(201, f'{{"run_id": "{run_id}", "type": "generation", "charged_cost": {cost}}}')


# What was spent


def test_what_was_spent_is_summed_as_it_was_written(connect, serve):
    server = serve(
        accepted("run_1", "0.1"), accepted("run_2", "0.2"), accepted("run_3", "0.30000000000000001")
    )
    flora = connect(server)
    assert flora.spent == 0
    for _ in range(3):
        flora.generations.create(**CREATE)
    assert flora.spent == Decimal("0.60000000000000001")


@pytest.mark.parametrize("cost", ["null", '"free"', "true", "[]", "1e400"])
def test_a_cost_that_is_none_spoils_no_sum(connect, serve, cost):
    flora = connect(serve(accepted("run_1", "0.5"), accepted("run_2", cost)))
    flora.generations.create(**CREATE)
    assert flora.generations.create(**CREATE).run_id == "run_2"
    assert flora.spent >= Decimal("0.5")


def test_the_newest_cost_of_a_run_counts_and_only_of_own_runs(connect, serve):
    server = serve(
        accepted("run_1", "0.1"),
        Reply(200, run("running", charged_cost=0.25)),
        Reply(200, {**run("completed", charged_cost=9), "run_id": "run_9"}),
    )
    flora = connect(server)
    flora.generations.create(**CREATE)
    flora.generations.retrieve("run_1")
    flora.generations.retrieve("run_9")
    assert flora.spent == Decimal("0.25")


def test_a_replayed_answer_is_the_same_run_and_counts_once(connect, serve):
    server = serve(accepted("run_1", "0.1"))
    flora = connect(server)
    first = flora.generations.create(**CREATE, idempotency_key="k")
    second = flora.generations.create(**CREATE, idempotency_key="k")
    assert first.run_id == second.run_id == "run_1"
    assert flora.spent == Decimal("0.1")


def test_a_recovered_run_counts_once(connect, serve, naps):
    flora = FakeFlora()

    def handler(seen: Seen) -> Reply:
        reply = flora(seen)
        return Reply(fault="close") if reply.status == 201 else reply

    client = connect(serve(handler))
    found = client.generations.create(**CREATE)
    assert found.call.recovered
    assert found.run_id == flora.runs[0]["run_id"]
    assert found.idempotency_key in flora.by_key
    client.generations.retrieve(found.run_id)
    assert client.spent == Decimal("0.04")


def test_a_client_at_its_limit_starts_nothing_more(connect, serve):
    server = serve(*[accepted(f"run_{n}", "0.4") for n in range(9)])
    flora = connect(server, spend_limit="1.0")
    for _ in range(2):
        flora.generations.create(**CREATE)
    with pytest.raises(SpendLimitError, match="spend_limit") as caught:
        flora.with_options(timeout=5).generations.create(**CREATE)
    assert (caught.value.spent, caught.value.limit) == (Decimal("0.8"), Decimal("1.0"))
    assert len(server.seen) == 2
    with pytest.raises(SpendLimitError):
        connect(server, spend_limit=0).generations.create(**CREATE)


@pytest.mark.parametrize("limit", [-1, "much", float("nan"), "-0.01"])
def test_a_limit_that_is_none_is_refused(limit):
    with pytest.raises(InvalidArgumentError, match="spend_limit"):
        Flora(api_key=KEY, base_url="http://localhost/", spend_limit=limit)


# Many at once


def test_many_creates_end_each_in_its_place(connect, serve):
    def handler(seen: Seen) -> Reply:
        prompt = seen.json()["prompt"]
        if prompt == "bad":
            return refusal(400, "input_validation_error")
        return Reply(201, {**ACCEPTED, "run_id": f"run_{prompt}"}, delay=0.2)

    server = serve(handler)
    flora = connect(server)
    prompts = ["0", "1", "bad", "3", "", "5", "6", "7", "8"]
    results = flora.generations.create_many(
        [{**CREATE, "prompt": prompt} for prompt in prompts], max_concurrency=3
    )
    for prompt, result in zip(prompts, results, strict=True):
        if prompt == "bad":
            assert isinstance(result, BadRequestError)
        elif not prompt:
            assert isinstance(result, InvalidArgumentError)
        else:
            assert isinstance(result, RunAccepted)
            assert result.run_id == f"run_{prompt}"
    assert server.most_at_once == 3
    keys = [seen.headers["idempotency-key"] for seen in server.seen]
    assert len(set(keys)) == len(keys) == 8
    assert flora.generations.create_many([]) == []


def test_options_of_single_ones_among_many(connect, serve):
    server = serve(Reply(201, ACCEPTED))
    connect(server).generations.create_many([{**CREATE, "idempotency_key": "mine"}])
    assert server.seen[0].headers["idempotency-key"] == "mine"


def test_an_unknown_argument_of_one_among_many_is_refused_before_any_is_sent(connect, serve):
    server = serve(Reply(201, ACCEPTED))
    with pytest.raises(TypeError, match="promt"):
        connect(server).generations.create_many([CREATE, {**CREATE, "promt": "x"}])
    with pytest.raises(InvalidArgumentError, match="max_concurrency"):
        connect(server).generations.create_many([CREATE], max_concurrency=0)
    assert server.seen == []


def test_many_creates_stop_at_the_limit(connect, serve):
    server = serve(*[accepted(f"run_{n}", "0.5") for n in range(9)])
    flora = connect(server, spend_limit=1)
    results = flora.generations.create_many([CREATE] * 6, max_concurrency=1)
    assert [type(result) for result in results] == [RunAccepted] * 2 + [SpendLimitError] * 4
    assert len(server.seen) == 2


def test_many_creates_that_are_cancelled_name_every_run_and_key(serve):
    answered = threading.Event()

    def handler(seen: Seen) -> Reply:
        if seen.json()["prompt"] == "slow":
            answered.set()
            return Reply(201, ACCEPTED, delay=5)
        return Reply(201, {**ACCEPTED, "run_id": "run_quick"})

    server = serve(handler)

    async def main() -> list[str]:
        async with AsyncFlora(api_key=KEY, base_url=server.base_url) as flora:
            requests = [{**CREATE, "prompt": prompt} for prompt in ("quick", "slow", "never")]
            many = asyncio.create_task(flora.generations.create_many(requests, max_concurrency=1))
            await asyncio.to_thread(answered.wait)
            many.cancel()
            with pytest.raises(asyncio.CancelledError) as caught:
                await many
            return caught.value.__notes__

    quick, slow = asyncio.run(main())
    assert "run run_quick was started" in quick
    assert server.seen[1].headers["idempotency-key"] in slow
    assert len(server.seen) == 2


# Connections


def test_copies_share_one_pool(connect, serve):
    server = serve(Reply(200, RUN))
    flora = connect(server)
    for copy in (flora, flora.with_options(timeout=5), flora.with_options(max_retries=0)):
        copy.generations.retrieve("run_1")
    assert server.connections == 1


@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
def test_an_asynchronous_client_can_be_made_outside_of_any_loop_and_used_in_several(serve):
    server = serve(Reply(200, RUN))
    loops = weakref.WeakSet[asyncio.AbstractEventLoop]()

    def use() -> None:
        flora = AsyncFlora(api_key=KEY, base_url=server.base_url)

        async def look() -> None:
            loops.add(asyncio.get_running_loop())
            looks = (flora.generations.retrieve("run_1") for _ in range(8))
            assert [run.run_id for run in await asyncio.gather(*looks)] == ["run_1"] * 8

        async def look_and_close() -> None:
            async with flora:
                await look()

        for _ in range(3):
            asyncio.run(look())
        asyncio.run(look_and_close())
        gc.collect()
        assert len(loops) <= 2, "connections of loops that have ended are kept"

    use()
    gc.collect()


def test_a_closed_client_says_so(connect, serve):
    server = serve(Reply(200, RUN))
    flora = connect(server)
    flora.generations.retrieve("run_1")
    flora.close()
    flora.close()
    with pytest.raises(FloraError, match="closed"):
        flora.generations.retrieve("run_1")


def test_a_http_client_of_the_callers_is_used_and_left_open(serve):
    server = serve(Reply(200, RUN))
    with httpx.Client(headers={"x-own": "1"}) as own:
        with Flora(api_key=KEY, base_url=server.base_url, http_client=own) as flora:
            flora.generations.retrieve("run_1")
        assert own.get(server.url).status_code == 200
    assert server.seen[0].headers["x-own"] == "1"


def test_the_twins_have_the_same_methods_with_the_same_arguments():
    with Flora(api_key=KEY, base_url="http://localhost/") as flora:
        twin = AsyncFlora(api_key=KEY, base_url="http://localhost/")
        for one, two in ((flora, twin), (flora.generations, twin.generations)):
            own = {name for name in dir(one) if not name.startswith("_")}
            assert own == {name for name in dir(two) if not name.startswith("_")}
            for name in own:
                first, second = getattr(one, name), getattr(two, name)
                if inspect.ismethod(first):
                    assert list(inspect.signature(first).parameters) == list(
                        inspect.signature(second).parameters
                    ), name


def test_the_older_route_warns_and_is_as_safe(connect, serve, naps):
    server = serve(Reply(503), Reply(201, ACCEPTED))
    with pytest.warns(DeprecationWarning, match=r"generations\.create"):
        found = connect(server).runs.create(**CREATE)
    assert found.run_id == "run_1"
    assert [seen.path for seen in server.seen] == ["/api/v1/runs/generation"] * 2
    assert len({seen.headers["idempotency-key"] for seen in server.seen}) == 1
