"""Saving outputs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import hypothesis.strategies as st
import pytest
from flora_client import DownloadError, Run, UnsafeURLError
from hypothesis import given, settings

from .bodies import run
from .conftest import KEY
from .server import Reply, Seen, Server

if TYPE_CHECKING:
    from pathlib import Path

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 400
IMAGE = {"content-type": "image/png"}


def completed(*outputs: Any) -> Run:
    return Run.from_dict(run("completed", outputs=list(outputs)))


def image(server: Server | str, output_id: str = "output_1", path: str = "/o.png") -> Any:
    url = server if isinstance(server, str) else server.url
    return {"output_id": output_id, "type": "imageUrl", "url": url + path}


def text(content: str, output_id: str = "output_t") -> Any:
    return {"output_id": output_id, "type": "text", "url": content}


def test_outputs_are_saved_in_order_under_names_of_their_ids(connect, serve, tmp_path):
    def media(seen: Seen) -> Reply:
        kinds = {"/a": "image/png", "/b": "image/jpeg; q=1", "/c.webm": "binary/octet-stream"}
        return Reply(200, PNG + seen.path.encode(), {"content-type": kinds[seen.path]})

    server = serve(media)
    done = completed(
        image(server, "output_1", "/a"),
        text("Ünï\n", "output_2"),
        image(server, "output_3", "/b"),
        {"output_id": "output_4", "type": "videoUrl", "url": f"{server.url}/c.webm"},
    )
    paths = connect(server).generations.download(done, tmp_path / "out" / "deep")
    names = [
        "run_1_output_1.png",
        "run_1_output_2.txt",
        "run_1_output_3.jpg",
        "run_1_output_4.webm",
    ]
    assert [path.relative_to(tmp_path / "out" / "deep").as_posix() for path in paths] == names
    assert paths[0].read_bytes() == PNG + b"/a"
    assert paths[1].read_text("utf-8") == "Ünï\n"
    assert {path.name for path in (tmp_path / "out" / "deep").iterdir()} == set(names)


def test_the_key_is_not_sent(connect, serve, tmp_path):
    api, media = serve(Reply(200, PNG, IMAGE)), serve(Reply(200, PNG, IMAGE))
    flora = connect(api).with_options(default_headers={"X-Secret": "s"})
    flora.generations.download(completed(image(media)), tmp_path)
    flora.generations.download(completed(image(api)), tmp_path)
    for seen in (*media.seen, *api.seen):
        assert KEY not in str(seen)
        assert not {"authorization", "cookie", "x-secret"} & seen.headers.keys()
    assert len(media.seen) == len(api.seen) == 1


def test_a_redirect_is_followed_without_the_key_and_not_to_where_no_file_comes_from(
    connect, serve, tmp_path
):
    target = serve(Reply(200, PNG, IMAGE))
    server = serve(lambda _: Reply(302, headers={"location": where[0]}))
    flora = connect(server)
    where = [f"{target.url}/real.png"]
    (path,) = flora.generations.download(completed(image(server)), tmp_path)
    assert path.read_bytes() == PNG
    assert "authorization" not in target.seen[0].headers
    for where[0] in ("http://files.example.com/o.png", "file:///etc/passwd", "ftp://x.example/o"):
        with pytest.raises(UnsafeURLError):
            flora.generations.download(completed(image(server)), tmp_path)
    where[0] = f"{server.url}/o.png"
    with pytest.raises(DownloadError, match="circles"):
        flora.generations.download(completed(image(server)), tmp_path)


@pytest.mark.parametrize(
    "url",
    ["http://files.example.com/o.png", "file:///etc/passwd", "//x.example/o", "o.png", "a\nb"],
)
def test_no_file_comes_from_an_unsafe_place(connect, serve, tmp_path, url):
    output = {"output_id": "output_1", "type": "imageUrl", "url": url}
    with pytest.raises(UnsafeURLError):
        connect(serve(Reply(200))).generations.download(completed(output), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_an_api_elsewhere_cannot_make_the_client_call_this_machine(connect, serve, tmp_path):
    local = serve(Reply(200, PNG, IMAGE))
    flora = connect("https://app.flora.ai/api/v1")
    with pytest.raises(UnsafeURLError):
        flora.generations.download(completed(image(local)), tmp_path)
    assert local.seen == []


IDS = st.lists(
    st.text(max_size=20)
    | st.sampled_from(
        [
            "..",
            ".",
            "",
            "/etc/passwd",
            "../../x",
            "a/../../b",
            "C:\\x",
            "con",
            "NUL",
            "a\x00b",
            "-rf",
            "output_1",
            "OUTPUT_1",
            "output_1-2",
            "é",
            ".hidden",
            "a" * 300,
            "%2e%2e%2f",
        ]
    ),
    min_size=1,
    max_size=5,
)


def test_no_name_can_leave_the_folder_or_hide_another(connect, serve, tmp_path_factory):
    flora = connect(serve(Reply(200)))

    @settings(max_examples=60)
    @given(IDS)
    def check(ids: list[str]) -> None:
        folder: Path = tmp_path_factory.mktemp("outputs")
        outputs = [text(str(number), output_id) for number, output_id in enumerate(ids)]
        paths = flora.generations.download(completed(*outputs), folder)
        assert [path.read_text() for path in paths] == [str(n) for n in range(len(ids))]
        assert all(path.resolve().parent == folder.resolve() for path in paths)
        assert len({path.name.lower() for path in paths}) == len(ids)
        assert sorted(folder.iterdir()) == sorted(paths)

    check()


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        (Reply(404, b"gone"), "404"),
        (Reply(200, b"<html>", {"content-type": "text/html"}), "text/html"),
        (Reply(200, PNG, IMAGE, fault="truncate"), "no answer"),
        (Reply(200, PNG, IMAGE, fault="reset"), "no answer"),
        (Reply(503), "503"),
    ],
    ids=["404", "html", "truncate", "reset", "503"],
)
def test_what_cannot_be_saved_leaves_nothing_behind(connect, serve, naps, tmp_path, reply, why):
    with pytest.raises(DownloadError, match=why) as caught:
        connect(serve(reply)).generations.download(completed(image(serve(reply))), tmp_path)
    assert "output_1" in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_a_file_larger_than_the_limit_is_refused(connect, serve, tmp_path):
    server = serve(Reply(200, PNG, IMAGE))
    flora = connect(server)
    with pytest.raises(DownloadError, match="limit"):
        flora.generations.download(completed(image(server)), tmp_path, max_bytes=len(PNG) - 1)
    assert list(tmp_path.iterdir()) == []
    (path,) = flora.generations.download(completed(image(server)), tmp_path, max_bytes=len(PNG))
    assert path.read_bytes() == PNG


def test_a_file_that_takes_too_long_is_given_up(connect, serve, tmp_path):
    server = serve(Reply(200, PNG, IMAGE, delay=3))
    with pytest.raises(DownloadError):
        connect(server).generations.download(
            completed(image(server)), tmp_path, timeout=0.1, max_retries=0
        )
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_asked_for_again_after_what_may_pass(connect, serve, naps, tmp_path):
    server = serve(
        Reply(200, PNG, IMAGE, fault="truncate"),
        Reply(502, b"<html>"),
        Reply(200, PNG, IMAGE),
    )
    (path,) = connect(server).generations.download(completed(image(server)), tmp_path)
    assert path.read_bytes() == PNG
    assert len(server.seen) == 3


def test_the_others_are_saved_and_named_when_one_cannot_be(connect, serve, tmp_path):
    server = serve(lambda seen: Reply(404) if seen.path == "/2" else Reply(200, PNG, IMAGE))
    outputs = [image(server, f"output_{n}", f"/{n}") for n in (1, 2, 3)]
    with pytest.raises(DownloadError) as caught:
        connect(server).generations.download(completed(*outputs), tmp_path)
    assert [path.name for path in caught.value.saved] == [
        "run_1_output_1.png",
        "run_1_output_3.png",
    ]
    assert sorted(tmp_path.iterdir()) == sorted(caught.value.saved)


def test_several_are_fetched_at_once(connect, serve, tmp_path):
    server = serve(Reply(200, PNG, IMAGE, delay=0.4))
    outputs = [image(server, f"output_{n}") for n in range(8)]
    connect(server).generations.download(completed(*outputs), tmp_path, max_concurrency=4)
    assert server.most_at_once == 4


def test_a_file_is_replaced_whole_or_not_at_all(connect, serve, naps, tmp_path):
    (tmp_path / "run_1_output_1.png").write_bytes(b"before")
    server = serve(Reply(200, PNG, IMAGE, fault="truncate"))
    flora = connect(server)
    with pytest.raises(DownloadError):
        flora.generations.download(completed(image(server)), tmp_path)
    assert (tmp_path / "run_1_output_1.png").read_bytes() == b"before"
    good = serve(Reply(200, PNG, IMAGE))
    flora.generations.download(completed(image(good)), tmp_path, overwrite=True)
    assert (tmp_path / "run_1_output_1.png").read_bytes() == PNG


@pytest.mark.parametrize("outputs", [None, [], "text", {}])
def test_a_run_without_outputs_has_no_files(connect, serve, tmp_path, outputs):
    done = Run.from_dict(run("completed", outputs=outputs))
    assert connect(serve(Reply(200))).generations.download(done, tmp_path) == []


@pytest.mark.parametrize(
    "output", [7, None, {}, {"output_id": "output_1"}, {"output_id": 7, "type": 7, "url": 7}]
)
def test_an_output_without_a_url_is_told(connect, serve, tmp_path, output):
    with pytest.raises(DownloadError):
        connect(serve(Reply(200))).generations.download(completed(output), tmp_path)
