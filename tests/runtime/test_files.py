from __future__ import annotations

import os
import stat
import threading
from pathlib import Path
from typing import Any

import pytest
from flora_client import (
    APITimeoutError,
    DownloadError,
    Flora,
    InvalidArgumentError,
    Run,
    RunAccepted,
    UnsafeURLError,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flora_runtime.files import _stem


def made(*outputs: Any) -> Run:
    return Run.from_dict({"run_id": "run_1", "status": "completed", "outputs": list(outputs)})


def image(output_id: str = "output_1", url: str = "https://media.example/a.png") -> dict[str, str]:
    return {"output_id": output_id, "type": "imageUrl", "url": url}


def test_files_are_named_by_id_and_media_type(world, flora: Flora, tmp_path: Path) -> None:
    world.script = [
        world.reply(b"png", content_type="image/png"),
        world.reply(b"jpg", content_type="image/jpeg; q=1"),
        world.reply(b"mp4", content_type="application/octet-stream"),
        world.reply(b"odd"),
    ]
    paths = flora.generations.download(
        made(
            image("a"),
            image("b"),
            {"output_id": "c", "type": "videoUrl", "url": "https://media.example/x/film.mp4?sig=1"},
            {"output_id": "d", "type": "documentUrl", "url": "https://media.example/x"},
            {"output_id": "e", "type": "text", "url": "Zwölf Tassen"},
        ),
        tmp_path / "new" / "folder",
    )
    assert [path.name for path in paths] == [
        *("run_1_a.png", "run_1_b.jpg", "run_1_c.mp4", "run_1_d.bin", "run_1_e.txt")
    ]
    assert paths[0].read_bytes() == b"png"
    assert paths[4].read_text(encoding="utf-8") == "Zwölf Tassen"
    assert sorted(paths) == sorted((tmp_path / "new" / "folder").iterdir())


def test_the_key_stays_home(world, flora: Flora, tmp_path: Path) -> None:
    world.script = [world.reply(b"", content_type="image/png")]
    flora.with_options(default_headers={"X-Own": "1"}).generations.download(made(image()), tmp_path)
    assert set(world.sent[0].headers) == {"accept", "accept-encoding", "user-agent"}


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "http://media.example/a.png",
        "http://127.0.0.1:9/a.png",
        "ftp://media.example/a",
        "data:image/png;base64,AAAA",
        "/etc/passwd",
        "https://",
        "https://media.example:port/",
        "https:\\\\media.example\\a",
        "https://media.example/a b",
    ],
)
def test_no_file_comes_from_an_unsafe_place(world, flora: Flora, tmp_path: Path, url: str) -> None:
    with pytest.raises(UnsafeURLError):
        flora.generations.download(made(image(url=url)), tmp_path)
    world.script = [world.reply(b"", 302, location=url)] * 2
    if url not in {"https://", "/etc/passwd", "https:\\\\media.example\\a"}:  # relative ones
        with pytest.raises(UnsafeURLError):
            flora.generations.download(made(image()), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_plain_http_is_for_a_server_on_this_machine(world, client_with, tmp_path: Path) -> None:
    flora = client_with(base_url="http://localhost:4010")
    world.script = [world.reply(b"png", content_type="image/png")]
    flora.generations.download(made(image(url="http://127.0.0.1:4010/a.png")), tmp_path)
    with pytest.raises(UnsafeURLError):
        flora.generations.download(made(image(url="http://media.example/a.png")), tmp_path)


def test_redirects_are_followed_and_counted(world, flora: Flora, tmp_path: Path) -> None:
    world.script = [
        world.reply(b"", 302, location="/b"),
        world.reply(b"", 307, location="https://cdn.example/c"),
        world.reply(b"png", content_type="image/png"),
    ]
    flora.generations.download(made(image()), tmp_path)
    assert [request.url for request in world.sent] == [
        "https://media.example/a.png",
        "https://media.example/b",
        "https://cdn.example/c",
    ]
    world.script = [world.reply(b"", 302, location="/b")] * 9
    with pytest.raises(DownloadError, match="circles"):
        flora.generations.download(made(image()), tmp_path)


def test_trouble_is_retried_from_the_start(world, flora: Flora, tmp_path: Path) -> None:
    world.script = [
        APITimeoutError("no answer in time."),
        world.reply(b"busy", 503, retry_after="3"),
        world.reply(b"png", content_type="image/png"),
    ]
    (path,) = flora.generations.download(made(image()), tmp_path)
    assert path.read_bytes() == b"png"
    assert world.slept[1] == 3.0


@pytest.mark.parametrize(
    ("reply", "problem"),
    [
        ({"status": 404}, "answered 404"),
        ({"status": 503}, "answered 503"),
        ({"content_type": "text/html"}, "text/html, not image"),
    ],
)
def test_what_cannot_be_saved_is_named_with_what_was(
    world, flora: Flora, tmp_path: Path, reply: dict[str, Any], problem: str
) -> None:
    world.route = lambda request: (
        world.reply(b"<html>", **reply)
        if "bad" in request.url
        else world.reply(b"png", content_type="image/png")
    )
    run = made(image("a"), image("b", "https://media.example/bad?token=geheim"), image("c"))
    with pytest.raises(DownloadError, match=problem) as caught:
        flora.generations.download(run, tmp_path)
    assert [path.name for path in caught.value.saved] == ["run_1_a.png", "run_1_c.png"]
    assert "geheim" not in str(caught.value)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["run_1_a.png", "run_1_c.png"]


@given(st.text())
def test_a_name_is_one_on_every_system(output_id: str) -> None:
    stem = _stem(output_id)
    assert len(stem) <= 110
    assert Path(stem).name == stem
    assert not set(stem) & set('<>:"/\\|?*.\0 ')
    assert stem.upper() not in {"CON", "PRN", "AUX", "NUL", "COM1", "LPT9"}


@given(st.lists(st.sampled_from(["../../x", "x", "X", "..", "", "/etc/x", "con", "é"]), max_size=6))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
def test_outputs_land_in_their_folder_each_for_itself(
    flora: Flora, tmp_path_factory: pytest.TempPathFactory, ids: list[str]
) -> None:
    folder = tmp_path_factory.mktemp("outputs")
    outputs = [{"output_id": one, "type": "text", "url": str(n)} for n, one in enumerate(ids)]
    paths = flora.generations.download(made(*outputs), folder)
    assert len({str(path).lower() for path in paths}) == len(ids)
    assert {path.parent for path in paths} <= {folder}
    assert [path.read_text() for path in paths] == [str(n) for n in range(len(ids))]


def saved(flora: Flora, folder: Path, text: str, *, overwrite: bool = False) -> Path:
    output = {"output_id": "a", "type": "text", "url": text}
    (path,) = flora.generations.download(made(output), folder, overwrite=overwrite)
    return path


def test_a_file_that_is_replaced_keeps_its_permissions(flora: Flora, tmp_path: Path) -> None:
    path = saved(flora, tmp_path, "one")
    path.chmod(0o600)
    assert saved(flora, tmp_path, "two", overwrite=True) == path
    assert (path.read_text(), stat.S_IMODE(path.stat().st_mode)) == ("two", 0o600)


@pytest.mark.parametrize("there", [True, False])
def test_a_link_stays_a_link(flora: Flora, tmp_path: Path, there: bool) -> None:
    real, out = tmp_path / "real" / "file", tmp_path / "deep" / "out"
    out.mkdir(parents=True)
    if there:
        real.parent.mkdir()
        real.write_text("old")
    (out / "link").symlink_to("../../real/file")
    (out / "run_1_a.txt").symlink_to("link")
    (tmp_path / "out").symlink_to("deep/out" if there else "deep/other")
    if not there:
        (tmp_path / "deep" / "other").symlink_to("out")
    link = tmp_path / "out" / "run_1_a.txt"
    assert saved(flora, tmp_path / "out", "new", overwrite=there) == link
    assert (out / "run_1_a.txt").is_symlink()
    assert real.read_text() == "new"
    assert [path.name for path in real.parent.iterdir()] == ["file"]
    assert sorted(path.name for path in out.iterdir()) == ["link", "run_1_a.txt"]


def test_a_pipe_is_written_to(flora: Flora, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "run_1_a.txt")
    read: list[str] = []
    pipe = tmp_path / "run_1_a.txt"
    reader = threading.Thread(target=lambda: read.append(pipe.read_text()), daemon=True)
    reader.start()
    assert saved(flora, tmp_path, "new" * 100_000) == pipe
    reader.join(10)
    assert read == ["new" * 100_000]
    assert pipe.is_fifo()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes devices")
def test_a_device_stays_a_device(flora: Flora, tmp_path: Path) -> None:
    os.mknod(tmp_path / "run_1_a.txt", 0o666 | stat.S_IFCHR, os.makedev(1, 3))
    saved(flora, tmp_path, "new")
    assert (tmp_path / "run_1_a.txt").is_char_device()
    assert [path.name for path in tmp_path.iterdir()] == ["run_1_a.txt"]


def test_a_folder_that_a_link_promises_is_made(flora: Flora, tmp_path: Path) -> None:
    (tmp_path / "out").symlink_to("new/folder")
    assert saved(flora, tmp_path / "out", "new").read_text() == "new"
    assert (tmp_path / "out").is_symlink()


@pytest.mark.parametrize("outputs", [None, [], "x"])
def test_nothing_made_is_nothing_saved(flora: Flora, tmp_path: Path, outputs: Any) -> None:
    assert flora.generations.download(Run.from_dict({"outputs": outputs}), tmp_path) == []


@pytest.mark.parametrize("output", [{}, 7, {"output_id": "a"}, {"output_id": "a", "url": 7}])
def test_an_output_without_an_address_is_an_error(
    flora: Flora, tmp_path: Path, output: Any
) -> None:
    with pytest.raises(DownloadError, match="no URL"):
        flora.generations.download(made(output), tmp_path)


def test_at_least_one_at_a_time(flora: Flora, tmp_path: Path) -> None:
    with pytest.raises(InvalidArgumentError, match="max_concurrency"):
        flora.generations.download(made(image()), tmp_path, max_concurrency=0)


@pytest.mark.parametrize("run", ["run_1", None, RunAccepted.from_dict({"run_id": "run_1"})])
def test_what_has_no_outputs_is_refused(flora: Flora, tmp_path: Path, run: Any) -> None:
    with pytest.raises(InvalidArgumentError, match="has no outputs: give what wait returned"):
        flora.generations.download(run, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_folder_that_is_none_is_an_error_of_ours(flora: Flora, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(DownloadError, match=r"nothing was saved in .*file: File exists"):
        flora.generations.download(made(), tmp_path / "file")
    assert (tmp_path / "file").read_text() == "mine"


def test_a_disk_that_is_full_is_an_error_of_ours(
    world, flora: Flora, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any, **__: Any) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    world.script = [world.reply(b"png", content_type="image/png")]
    text = {"output_id": "b", "type": "text", "url": "x"}
    with pytest.raises(DownloadError, match=r"output b was not saved: No space left") as caught:
        flora.generations.download(made(image("a"), text), tmp_path)
    assert [path.name for path in caught.value.saved] == ["run_1_a.png"]


def test_the_same_output_of_another_run_is_another_file(
    world, flora: Flora, tmp_path: Path
) -> None:
    for run_id in ("run_1", "run_2"):
        world.script = [world.reply(run_id.encode(), content_type="image/png")]
        done = Run.from_dict({"run_id": run_id, "status": "completed", "outputs": [image()]})
        flora.generations.download(done, tmp_path)
    assert {path.read_text() for path in tmp_path.iterdir()} == {"run_1", "run_2"}


def test_what_is_there_gives_way_only_to_itself(world, flora: Flora, tmp_path: Path) -> None:
    world.route = lambda _: world.reply(b"png", content_type="image/png")
    (path,) = flora.generations.download(made(image()), tmp_path)
    assert flora.generations.download(made(image()), tmp_path) == [path]
    path.write_bytes(b"the caller's")
    with pytest.raises(DownloadError, match="overwrite=True"):
        flora.generations.download(made(image()), tmp_path)
    assert path.read_bytes() == b"the caller's"
    flora.generations.download(made(image()), tmp_path, overwrite=True)
    assert path.read_bytes() == b"png"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_without_links_is_no_worse(
    world, flora: Flora, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unable(*_: Any) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr("os.link", unable)
    test_what_is_there_gives_way_only_to_itself(world, flora, tmp_path)


@pytest.mark.parametrize("url", ["https://m.example/a.sh", "https://m.example/a.exe", "https://m"])
@pytest.mark.parametrize("kind", ["application/octet-stream", "application/x-sh", ""])
@pytest.mark.parametrize("output", ["imageUrl", "documentUrl", "new"])
def test_nothing_that_runs_is_ever_saved_as_such(
    world, flora: Flora, tmp_path: Path, url: str, kind: str, output: str
) -> None:
    if output == "imageUrl" and kind == "application/x-sh":
        return  # no image: an error
    world.script = [world.reply(b"#!/bin/sh", content_type=kind)]
    made_it = made({"output_id": "a", "type": output, "url": url})
    (path,) = flora.generations.download(made_it, tmp_path)
    assert path.suffix == ".bin"


def test_a_text_keeps_to_the_limit_too(flora: Flora, tmp_path: Path) -> None:
    text = {"output_id": "a", "type": "text", "url": "ü" * 6}
    with pytest.raises(DownloadError, match="larger than the limit of 11 bytes"):
        flora.generations.download(made(text), tmp_path, max_bytes=11)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("status", ["pending", "running", "failed", "dreaming"])
def test_a_run_that_is_not_completed_is_refused(flora: Flora, tmp_path: Path, status: str) -> None:
    run = Run.from_dict({"run_id": "run_1", "status": status, "outputs": None})
    with pytest.raises(InvalidArgumentError, match=status):
        flora.generations.download(run, tmp_path)
