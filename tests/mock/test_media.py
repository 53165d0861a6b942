"""The files of outputs, each read by a program that knows nothing of how they are made."""

from __future__ import annotations

import base64
import io
import subprocess
import wave
from typing import TYPE_CHECKING, get_args

import imageio_ffmpeg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from pypdf import PdfReader

from flora_contract.mock.media import CONTENT_TYPES, FileType, render
from flora_contract.mock.media.h264 import (
    Frame,
    picture_parameters,
    sequence_parameters,
    slices,
)
from flora_contract.mock.media.landscape import Landscape
from flora_contract.mock.media.mp4 import FRAMES, HEIGHT, WIDTH

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

PROMPT = "A ceramic mug on a sunlit table"
KINDS: tuple[FileType, ...] = get_args(FileType)

any_text = st.text(st.characters(codec=None), max_size=400)


@pytest.mark.parametrize("kind", KINDS)
def test_same_inputs_same_bytes(kind: FileType) -> None:
    assert render(kind, PROMPT, 7) == render(kind, PROMPT, 7)


@pytest.mark.parametrize("kind", KINDS)
def test_prompt_and_seed_are_seen(kind: FileType) -> None:
    files = {render(kind, prompt, seed) for prompt in (PROMPT, "A fox") for seed in (1, 2)}
    assert len(files) == 4


@pytest.mark.parametrize("kind", KINDS)
@given(prompt=any_text, seed=st.integers())
@settings(max_examples=15)
def test_any_string_is_a_prompt(kind: FileType, prompt: str, seed: int) -> None:
    assert render(kind, prompt, seed)


@pytest.mark.parametrize("kind", KINDS)
def test_a_prompt_of_a_megabyte_makes_a_file(kind: FileType) -> None:
    assert render(kind, "flora " * 200_000, 1)


def test_png_decodes() -> None:
    with Image.open(io.BytesIO(render("imageUrl", PROMPT, 1))) as picture:
        picture.load()
        assert (picture.format, picture.size) == ("PNG", (512, 512))
        assert picture.text["Description"] == PROMPT
        assert len(picture.convert("RGB").getcolors() or []) > 50


@given(prompt=any_text)
@settings(max_examples=30)
def test_png_of_any_prompt_decodes(prompt: str) -> None:
    with Image.open(io.BytesIO(render("imageUrl", prompt, 1))) as picture:
        picture.load()
        expected = prompt.replace("\0", " ").encode("utf-8", "replace").decode()
        assert picture.text["Description"] == expected


def test_png_shows_the_prompt() -> None:
    """Two prompts that begin alike differ below the picture where the texts differ."""
    view, other = (Landscape(prompt, 1, 512, 512) for prompt in ("a mug", ""))
    ink = len(view.palette) - 1
    assert view.pixels().count(ink) > 100
    assert other.pixels().count(ink) == 0


def test_wav_decodes() -> None:
    with wave.open(io.BytesIO(render("audioUrl", PROMPT, 1))) as sound:
        assert (sound.getnchannels(), sound.getsampwidth()) == (1, 2)
        assert 1 <= sound.getnframes() / sound.getframerate() <= 2
        samples = memoryview(sound.readframes(sound.getnframes())).cast("h")
    assert max(samples) > 10_000
    assert abs(samples[-1]) < 100, "ends in silence"


@given(prompt=any_text)
@settings(max_examples=30)
def test_pdf_has_one_page_and_the_prompt_as_title(prompt: str) -> None:
    document = PdfReader(io.BytesIO(render("documentUrl", prompt, 1)), strict=True)
    assert len(document.pages) == 1
    assert document.metadata is not None
    expected = prompt.encode("utf-16", "replace").decode("utf-16")
    assert (document.metadata.title or "") == expected


def test_pdf_shows_the_prompt_and_a_picture() -> None:
    page = PdfReader(io.BytesIO(render("documentUrl", PROMPT, 1)), strict=True).pages[0]
    assert page.extract_text().strip() == PROMPT
    assert [image.image.size for image in page.images if image.image] == [(512, 288)]


def test_pdf_text_stays_on_the_page() -> None:
    words = " ".join(f"word{number}" for number in range(3_000))
    text = PdfReader(io.BytesIO(render("documentUrl", words, 1))).pages[0].extract_text()
    assert text.startswith("word0 word1 ")
    assert text.rstrip().endswith("…")


def test_mp4_decodes_to_what_was_drawn() -> None:
    pictures = decoded(render("videoUrl", PROMPT, 1), "rgb24", WIDTH * HEIGHT * 3)
    assert len(pictures) == FRAMES
    view = Landscape(PROMPT, 1, WIDTH, HEIGHT)
    # Colour is kept for every fourth pixel only, so that edges are compared in the mean.
    for time, picture in ((0.0, pictures[0]), (1.0, pictures[-1])):
        drawn = b"".join(bytes(view.palette[index]) for index in view.pixels(time))
        off = sum(abs(one - other) for one, other in zip(drawn, picture, strict=True))
        assert off / len(drawn) < 4


@st.composite
def films(draw: st.DrawFn) -> tuple[int, int, list[Frame]]:
    """Small films of arbitrary samples, with many zeros and with frames that change little."""
    width, height = (16 * draw(st.integers(1, 3)) for _ in range(2))
    random = draw(st.randoms(use_true_random=False))

    def plane(size: int) -> bytearray:
        levels = draw(st.sampled_from([b"\0", b"\0\1\2\3", bytes(range(256))]))
        return bytearray(random.choices(levels, k=size))

    size = width * height
    planes = [plane(size), plane(size // 4), plane(size // 4)]
    frames = []
    for _ in range(draw(st.integers(1, 4))):
        frames.append(Frame(*map(bytes, planes)))
        for _ in range(draw(st.integers(0, 3))):
            target = random.choice(planes)
            target[random.randrange(len(target))] = random.randrange(256)
    return width, height, frames


@given(film=films())
@settings(max_examples=25)
def test_h264_decodes_to_the_same_samples(film: tuple[int, int, list[Frame]]) -> None:
    width, height, frames = film
    units = [sequence_parameters(width, height), picture_parameters(), *slices(frames, width)]
    stream = b"".join(b"\0\0\0\1" + unit for unit in units)
    pictures = decoded(stream, "yuv420p", width * height * 3 // 2)
    assert pictures == [frame.luma + frame.blue + frame.red for frame in frames]


def decoded(video: bytes, pixel_format: str, size: int) -> list[bytes]:
    """The frames of a video, by ffmpeg, which must find nothing to complain of."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "warning", "-xerror", "-i", "pipe:"]
    command += ["-fps_mode", "passthrough", "-f", "rawvideo", "-pix_fmt", pixel_format, "pipe:"]
    result = subprocess.run(command, input=video, capture_output=True, timeout=60, check=False)
    assert (result.returncode, result.stderr.decode()) == (0, "")
    raw = result.stdout
    return [raw[at : at + size] for at in range(0, len(raw), size)]


@pytest.fixture(scope="module")
def page(browser: Browser) -> Page:
    return browser.new_page()


def data_url(kind: FileType) -> str:
    data = base64.b64encode(render(kind, PROMPT, 1)).decode()
    return f"data:{CONTENT_TYPES[kind]};base64,{data}"


def test_a_browser_shows_the_picture(page: Page) -> None:
    page.set_content(f'<img src="{data_url("imageUrl")}">')
    size = page.locator("img").evaluate(
        "async image => { await image.decode(); return [image.naturalWidth, image.naturalHeight] }"
    )
    assert size == [512, 512]


@pytest.mark.parametrize(("kind", "element"), [("videoUrl", "video"), ("audioUrl", "audio")])
def test_a_browser_plays_it_to_the_end(page: Page, kind: FileType, element: str) -> None:
    page.set_content(f'<{element} muted src="{data_url(kind)}"></{element}>')
    played = page.locator(element).evaluate(
        """async media => {
            const ended = new Promise((resolve, reject) => {
                media.onended = resolve;
                media.onerror = () => reject(media.error.message);
            });
            media.playbackRate = 8;
            await media.play();
            await ended;
            return {state: media.readyState, seconds: media.duration, width: media.videoWidth};
        }"""
    )
    assert played["state"] >= 2, "the last frame is there"
    assert 1 <= played["seconds"] <= 2
    assert played.get("width") == (WIDTH if element == "video" else None)


def test_a_browser_seeks_in_the_video(page: Page) -> None:
    """The sun has risen: what is drawn at the end differs from what is drawn at the start."""
    page.set_content(f'<video muted src="{data_url("videoUrl")}"></video>')
    shown = page.locator("video").evaluate(
        """async video => {
            const canvas = new OffscreenCanvas(video.width = 256, video.height = 144);
            const context = canvas.getContext("2d");
            const at = async time => {
                const seeked = new Promise(resolve => video.onseeked = resolve);
                video.currentTime = time;
                await seeked;
                context.drawImage(video, 0, 0);
                return context.getImageData(0, 0, 256, 144).data.join();
            };
            const [first, last, again] = [await at(0.01), await at(1.95), await at(0.01)];
            return [first === last, first === again];
        }"""
    )
    assert shown == [False, True]
