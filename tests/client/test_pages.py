"""Lists, page by page."""

from __future__ import annotations

import itertools

import pytest
from flora_client import (
    Drift,
    Generation,
    InvalidArgumentError,
    Model,
    PaginationError,
    Project,
    RateLimitError,
    Workspace,
)

from .bodies import ITEM, page
from .server import Reply, Seen


def item(number: int) -> dict[str, object]:
    return {**ITEM, "run_id": f"run_{number}", "generation_id": f"run_{number}"}


def three_pages(seen: Seen) -> Reply:
    number = int(seen.query.get("cursor", "0"))
    following = str(number + 1) if number < 2 else None
    return Reply(200, page(item(2 * number), item(2 * number + 1), cursor=following))


def test_all_pages_are_read_and_each_item_is_typed(connect, serve):
    server = serve(three_pages)
    items = list(connect(server).generations.list(status="completed", limit=2))
    assert [item.run_id for item in items] == [f"run_{n}" for n in range(6)]
    assert all(isinstance(item, Generation) for item in items)
    assert [seen.query for seen in server.seen] == [
        {"status": "completed", "limit": "2", **({"cursor": str(n)} if n else {})} for n in range(3)
    ]


def test_nothing_is_asked_for_before_it_is_needed(connect, serve):
    server = serve(three_pages)
    items = connect(server).generations.list()
    assert server.seen == []
    iterator = iter(items)
    assert [next(iterator).run_id, next(iterator).run_id] == ["run_0", "run_1"]
    assert len(server.seen) == 1
    next(iterator)
    assert len(server.seen) == 2


def test_a_list_can_be_read_again(connect, serve):
    listed = connect(serve(three_pages)).generations.list()
    assert [item.run_id for item in listed] == [item.run_id for item in listed]


def test_pages_tell_where_to_go_on(connect, serve):
    flora = connect(serve(three_pages))
    first = next(iter(flora.generations.list().pages()))
    assert (len(first), first.next_cursor, first.data["meta"]["total_estimate"]) == (2, "1", 3)
    rest = flora.generations.list(cursor=first.next_cursor)
    assert [item.run_id for item in rest] == ["run_2", "run_3", "run_4", "run_5"]


def test_the_raw_first_page(connect, serve):
    raw = connect(serve(three_pages)).generations.with_raw_response.list()
    assert raw.status_code == 200
    assert [item.run_id for item in raw.parse()] == ["run_0", "run_1"]


@pytest.mark.parametrize("end", [None, "", 7, [], {}])
def test_a_cursor_that_is_none_ends_the_list(connect, serve, end):
    server = serve(Reply(200, {"generations": [ITEM], "meta": {"next_cursor": end}}))
    assert len(list(connect(server).generations.list())) == 1
    assert len(server.seen) == 1


@pytest.mark.parametrize("meta", [{}, {"meta": None}, {"meta": 7}, {"meta": {}}])
def test_a_page_without_meta_ends_the_list(connect, serve, meta):
    server = serve(Reply(200, {"generations": [ITEM], **meta}))
    assert len(list(connect(server).generations.list())) == 1


def test_an_empty_page_with_a_cursor_does_not_end_the_list(connect, serve):
    server = serve(
        Reply(200, page(cursor="a")),
        Reply(200, page(cursor="b")),
        Reply(200, page(ITEM, cursor="c")),
        Reply(200, page()),
    )
    assert len(list(connect(server).generations.list())) == 1
    assert len(server.seen) == 4


@pytest.mark.parametrize("cursors", ["a", "ab", "abc"])
def test_a_cursor_that_comes_again_is_an_error(connect, serve, cursors):
    circle = itertools.cycle(cursors)
    server = serve(lambda _: Reply(200, page(ITEM, cursor=next(circle))))
    read = []
    with pytest.raises(PaginationError) as caught:
        read.extend(connect(server).generations.list())
    assert caught.value.cursor == "a"
    assert len(read) == len(server.seen) == len(cursors) + 1


def test_a_cursor_that_leads_to_where_the_list_began_is_an_error(connect, serve):
    server = serve(Reply(200, page(ITEM, cursor="start")))
    with pytest.raises(PaginationError):
        list(connect(server).generations.list(cursor="start"))
    assert len(server.seen) == 1


def test_an_item_that_cannot_be_read_is_kept_and_told(connect, serve):
    told: list[Drift] = []
    server = serve(Reply(200, page(item(1), 7, None, item(2))))
    flora = connect(server, on_drift=told.append)
    assert [item.run_id for item in flora.generations.list()] == ["run_1", "run_2"]
    assert next(iter(flora.generations.list().pages())).unreadable == (7, None)
    assert {drift.kind for drift in told} == {"unreadable_item"}


def test_a_page_is_asked_for_again_after_what_may_pass(connect, serve, naps):
    server = serve(
        Reply(200, page(item(1), cursor="a")),
        Reply(502),
        Reply(fault="reset"),
        Reply(200, page(item(2))),
    )
    assert [item.run_id for item in connect(server).generations.list()] == ["run_1", "run_2"]


def test_what_was_read_before_an_error_is_not_lost(connect, serve):
    server = serve(Reply(200, page(item(1), cursor="a")), Reply(429, headers={"retry-after": "99"}))
    iterator = iter(connect(server).generations.list())
    assert next(iterator).run_id == "run_1"
    with pytest.raises(RateLimitError):
        next(iterator)


def test_a_wrong_filter_is_refused_before_iterating(connect, serve):
    server = serve(three_pages)
    with pytest.raises(InvalidArgumentError, match="ws_"):
        connect(server).generations.list(workspace_id="mine")
    assert server.seen == []


MODEL = {
    "model_id": "t2i-flux-2-pro",
    "name": "FLUX.2 Pro",
    "type": "image",
    "provider": "example",
    "capabilities": [],
    "estimated_credits": 40,
    "estimated_seconds": 12,
    "params": [],
}
WORKSPACE = {"workspace_id": "ws_1", "name": "Studio", "role": "owner", "created_at": None}
PROJECT = {
    "project_id": "prj_1",
    "name": "Spring",
    "workspace_id": "ws_1",
    "origin": None,
    "last_modified": 0,
    "created_at": 0,
}


def test_what_comes_at_once_is_a_list_of_one_page(connect, serve):
    server = serve(Reply(200, {"models": [MODEL]}), Reply(200, {"workspaces": [WORKSPACE] * 2}))
    flora = connect(server)
    (model,) = flora.models.list(type="image")
    assert isinstance(model, Model)
    assert (model.model_id, model.estimated_credits) == ("t2i-flux-2-pro", 40)
    (page,) = flora.workspaces.list().pages()
    assert [type(item) for item in page] == [Workspace] * 2
    assert page.next_cursor is None
    assert [seen.query for seen in server.seen] == [{"type": "image"}, {}]


def test_the_projects_of_a_workspace_come_page_by_page(connect, serve):
    def pages(seen: Seen) -> Reply:
        following = None if "cursor" in seen.query else "c1"
        return Reply(200, {"projects": [PROJECT], "meta": {"next_cursor": following}})

    server = serve(pages)
    listed = list(connect(server).projects.list(workspace_id="ws_1", query="spring", limit=1))
    assert [(type(item), item.project_id) for item in listed] == [(Project, "prj_1")] * 2
    asked = {"workspace_id": "ws_1", "query": "spring", "limit": "1"}
    assert [seen.query for seen in server.seen] == [asked, {**asked, "cursor": "c1"}]
