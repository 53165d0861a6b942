"""The files that outputs lead to, as any program downloads them."""

from __future__ import annotations

import io
import wave
from typing import TYPE_CHECKING

import httpx
import pytest
from PIL import Image
from pypdf import PdfReader

if TYPE_CHECKING:
    from flora_contract.mock import MockFlora
    from tests.mock.conftest import Client


def outputs(mock: MockFlora, client: Client, kind: str, model: str) -> list[dict[str, str]]:
    run_id = client.create(type=kind, model=model, prompt="A lighthouse").json()["run_id"]
    mock.advance(3)
    found: list[dict[str, str]] = client.get(f"/runs/{run_id}").json()["outputs"]
    return found


@pytest.mark.parametrize(
    ("kind", "model", "content_type", "magic"),
    [
        ("image", "t2i-flux-2-pro", "image/png", b"\x89PNG"),
        ("video", "t2v-loop", "video/mp4", b"ftyp"),
        ("audio", "t2a-chime", "audio/wav", b"RIFF"),
        ("text", "llm-report", "application/pdf", b"%PDF"),
    ],
)
def test_files_need_no_key_and_are_what_they_say(
    kind: str, model: str, content_type: str, magic: bytes, mock: MockFlora, client: Client
) -> None:
    url = outputs(mock, client, kind, model)[-1]["url"]
    answer = httpx.get(url)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == content_type
    assert magic in answer.content[:12]
    assert httpx.get(url).content == answer.content
    if kind == "image":
        Image.open(io.BytesIO(answer.content)).verify()
    if kind == "audio":
        with wave.open(io.BytesIO(answer.content)) as sound:
            assert sound.getnframes() > 1000
    if kind == "text":
        about = PdfReader(io.BytesIO(answer.content)).metadata
        assert about
        assert about.title == "A lighthouse"


def test_a_text_is_in_the_answer_itself(mock: MockFlora, client: Client) -> None:
    assert "A lighthouse" in outputs(mock, client, "text", "llm-note")[0]["url"]


def test_two_pictures_of_a_run_differ(mock: MockFlora, client: Client) -> None:
    first, second = outputs(mock, client, "image", "t2i-sketch")
    assert httpx.get(first["url"]).content != httpx.get(second["url"]).content


def test_parts_of_a_file(mock: MockFlora, client: Client) -> None:
    url = outputs(mock, client, "image", "t2i-flux-2-pro")[0]["url"]
    whole = httpx.get(url)
    size, tag = len(whole.content), whole.headers["etag"]
    assert whole.headers["accept-ranges"] == "bytes"

    def part(value: str, **more: str) -> httpx.Response:
        return httpx.get(url, headers={"range": value, **more})

    for value, span in {
        "bytes=0-9": (0, 10),
        "bytes=10-": (10, size),
        "bytes=-7": (size - 7, size),
        "bytes=5-999999999": (5, size),
        "bytes=-999999999": (0, size),
    }.items():
        answer = part(value)
        assert answer.status_code == 206
        assert answer.content == whole.content[slice(*span)]
        assert answer.headers["content-range"] == f"bytes {span[0]}-{span[1] - 1}/{size}"
    for value in (f"bytes={size}-", "bytes=-0"):
        refused = part(value)
        assert refused.status_code == 416
        assert refused.headers["content-range"] == f"bytes */{size}"
        assert refused.json()["error"]["code"]
    for value in ("bytes=0-1,3-4", "bytes=9-2", "bytes=-", "pages=1-2", "bytes=a-b"):
        assert part(value).status_code == 200
    assert part("bytes=0-1", **{"if-range": tag}).status_code == 206
    assert part("bytes=0-1", **{"if-range": '"other"'}).status_code == 200


def test_head_and_what_is_not_there(mock: MockFlora, client: Client) -> None:
    url = outputs(mock, client, "image", "t2i-flux-2-pro")[0]["url"]
    head = httpx.head(url)
    assert (head.status_code, head.content) == (200, b"")
    assert int(head.headers["content-length"]) == len(httpx.get(url).content)
    assert httpx.get(url.replace("output_1", "output_2")).status_code == 404
    assert httpx.get(url.replace(".png", ".mp4")).status_code == 404
    assert httpx.post(url).headers["allow"] == "GET, HEAD"
    waiting = client.create().json()["run_id"]
    early = httpx.get(f"{mock.origin}/media/{waiting}/output_1.png")
    assert early.status_code == 404
    assert early.json()["error"]["code"] == "not_found"
