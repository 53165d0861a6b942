from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve
from flora_client import (
    AsyncFlora,
    DriftError,
    Flora,
    Generation,
    InvalidArgumentError,
    Page,
    PaginationError,
    ResponseDecodingError,
)

from flora_runtime.exchange import block_on


@pytest.fixture
def page(world):
    """Makes pages of the history."""

    def make(*ids: Any, cursor: Any = None) -> Any:
        items = [
            {
                "run_id": one,
                "generation_id": one,
                "status": "completed",
                "progress": 100,
                "created_at": 0,
                "workspace_id": "ws_1",
                "project_id": "prj_1",
            }
            if isinstance(one, str)
            else one
            for one in ids
        ]
        return world.reply({"generations": items, "meta": {"next_cursor": cursor}})

    return make


def test_pages_are_asked_for_as_they_are_needed(world, flora: Flora, page) -> None:
    world.script = [
        page("run_1", "run_2", cursor="c 1&"),
        page("run_3", cursor="c2"),
        page("run_4"),
    ]
    items = iter(flora.generations.list(limit=2, status="completed"))
    assert world.sent == []
    assert [next(items).run_id, next(items).run_id] == ["run_1", "run_2"]
    assert len(world.sent) == 1
    assert [item.run_id for item in items] == ["run_3", "run_4"]
    assert [request.url.partition("?")[2] for request in world.sent] == [
        "limit=2&status=completed",
        "cursor=c+1%26&limit=2&status=completed",
        "cursor=c2&limit=2&status=completed",
    ]


@pytest.mark.parametrize("end", [None, "", 7])
def test_no_cursor_is_the_end(world, flora: Flora, page, end: Any) -> None:
    world.script = [page("run_1", cursor=end)]
    assert len(list(flora.generations.list())) == 1


def test_an_empty_page_with_a_cursor_is_not_the_end(world, flora: Flora, page) -> None:
    world.script = [page(cursor="c1"), page(cursor="c2"), page("run_1")]
    assert [item.run_id for item in flora.generations.list()] == ["run_1"]


@pytest.mark.parametrize("cycle", [["c1", "c1"], ["c1", "c2", "c1"]])
def test_a_circle_ends_with_an_error_after_its_items(
    world, flora: Flora, page, cycle: list[str]
) -> None:
    world.script = [page(f"run_{n}", cursor=cursor) for n, cursor in enumerate(cycle)]
    items = iter(flora.generations.list())
    assert [next(items).run_id for _ in cycle] == [f"run_{n}" for n in range(len(cycle))]
    with pytest.raises(PaginationError) as caught:
        next(items)
    assert caught.value.cursor == cycle[-1]


def test_a_circle_back_to_the_start_is_seen_too(world, flora: Flora, page) -> None:
    world.script = [page("run_1", cursor="c1")]
    with pytest.raises(PaginationError):
        list(flora.generations.list(cursor="c1"))


def test_a_list_can_be_taken_up_where_it_was_left(world, flora: Flora, page) -> None:
    world.script = [page("run_1", cursor="c1")]
    first = next(flora.generations.list().pages())
    assert len(first) == 1
    assert first.data == {"meta": {"next_cursor": "c1"}}
    world.script = [page("run_2")]
    assert [item.run_id for item in flora.generations.list(cursor=first.next_cursor)] == ["run_2"]


def test_an_item_that_cannot_be_read_hides_no_other(world, client_with, page) -> None:
    told: list[Any] = []
    flora = client_with(on_drift=told.append)
    world.script = [page("run_1", 7, None, ["x"], "run_2"), page("run_1", 7, "run_2")]
    (read,) = flora.generations.list().pages()
    assert [item.run_id for item in read] == ["run_1", "run_2"]
    assert read.unreadable == (7, None, ["x"])
    assert {drift.kind for drift in told} == {"unreadable_item"}
    with pytest.raises(DriftError):
        list(client_with(strict=True).generations.list())


@pytest.mark.parametrize("body", [[], {}, {"generations": None}, {"generations": {}}, b"", b"<"])
def test_a_page_that_is_none_is_an_error(world, flora: Flora, body: Any) -> None:
    world.script = [world.reply(body)]
    with pytest.raises(ResponseDecodingError):
        list(flora.generations.list())


def test_a_wrong_argument_is_refused_before_iterating(world, flora: Flora) -> None:
    with pytest.raises(InvalidArgumentError, match="ws_"):
        flora.generations.list(workspace_id="team")
    assert world.sent == []


def test_the_first_page_can_be_had_as_it_came(world, flora: Flora, page) -> None:
    world.script = [page("run_1", cursor="c1")]
    raw = flora.generations.with_raw_response.list()
    assert raw.status_code == 200
    assert raw.json()["meta"] == {"next_cursor": "c1"}
    assert raw.parse().next_cursor == "c1"


def test_iterating_again_starts_again(world, flora: Flora, page) -> None:
    world.script = [page("run_1"), page("run_2")]
    listing = flora.generations.list()
    assert [item.run_id for item in listing] == ["run_1"]
    assert [item.run_id for item in listing] == ["run_2"]


def test_awaiting_a_list_gives_its_first_page(world) -> None:
    world.script = [
        world.reply({"generations": [{"run_id": "run_1"}], "meta": {"next_cursor": "c"}})
    ]
    flora = AsyncFlora(api_key="sk", base_url="https://api.example/v1")
    flora._session = evolve(flora._session, io=world)

    async def first() -> Page[Generation]:
        return await flora.generations.list()

    page = block_on(first())
    assert [generation.run_id for generation in page] == ["run_1"]
    assert page.next_cursor == "c"
