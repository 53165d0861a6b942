"""The files of outputs, each read by a program that knows nothing of how they are made."""

from __future__ import annotations

import base64
import io
import runpy
import subprocess
import sys
import wave
from typing import TYPE_CHECKING, get_args

import imageio_ffmpeg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from pypdf import PdfReader

from flora_contract import shipped
from flora_contract.mock.media import CONTENT_TYPES, FileType, render
from flora_contract.mock.media.lettering import font, wrap

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

PROMPT = "A ceramic mug on a sunlit table"
KINDS: tuple[FileType, ...] = get_args(FileType)

WIDTH, HEIGHT, FRAMES = 256, 144, 24

any_text = st.text(st.characters(codec=None), max_size=400)


@pytest.mark.parametrize("kind", KINDS)
def test_same_inputs_same_bytes(kind: FileType) -> None:
    assert render(kind, PROMPT, 7) == render(kind, PROMPT, 7)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "videoUrl"])
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
        assert len(picture.getcolors(512 * 512) or []) > 50


@given(prompt=any_text)
@settings(max_examples=30)
def test_png_of_any_prompt_decodes(prompt: str) -> None:
    with Image.open(io.BytesIO(render("imageUrl", prompt, 1))) as picture:
        picture.load()
        expected = prompt.replace("\0", " ").encode("utf-8", "replace").decode()
        assert picture.text["Description"] == expected


def test_a_picture_shows_the_prompt() -> None:
    """There is ink at its foot, the more the longer the prompt is."""
    assert 50 < ink_at_the_foot("a mug") < ink_at_the_foot("a mug " * 200)
    assert ink_at_the_foot("") == 0


def ink_at_the_foot(prompt: str) -> int:
    """How many pixels of the caption are light; fails if they reach the picture's edges."""
    with Image.open(io.BytesIO(render("imageUrl", prompt, 1))) as picture:
        foot = picture.convert("L").crop((0, 490, 512, 512)).point([0] * 128 + [255] * 128)
    box = foot.getbbox() or (8, 0, 8, 0)
    assert box[0] >= 8
    assert box[2] <= 504
    return foot.histogram()[255]


@given(prompt=any_text | st.text("Wi. ", max_size=400), most_lines=st.integers(1, 5))
@settings(deadline=None)
def test_lines_fit(prompt: str, most_lines: int) -> None:
    letters = font(18)
    lines = wrap(prompt, letters, 300, most_lines)
    assert len(lines) <= most_lines
    assert all(letters.getlength(line) <= 300 for line in lines)


@given(words=st.lists(st.text("Wi.", min_size=1, max_size=60), max_size=30))
@settings(deadline=None)
def test_lines_lose_no_letter(words: list[str]) -> None:
    lines = wrap(" ".join(words), font(18), 300, 1_000)
    assert "".join(lines).replace(" ", "") == "".join(words)


def test_a_line_ends_between_words_and_a_text_that_is_cut_in_an_ellipsis() -> None:
    prompt = "a mug of tea on a table in the garden"
    assert wrap(prompt, font(18), 200, 5) == ["a mug of tea on a table", "in the garden"]
    assert wrap(prompt, font(18), 200, 1) == ["a mug of tea on a table…"]


@given(text=st.text(st.characters(codec=None, min_codepoint=0x80), max_size=60))
@settings(deadline=None)
def test_no_boxes_for_letters_that_the_font_lacks(text: str) -> None:
    box = bytes(font(18).getmask("\uffff"))
    for line in wrap(text, font(18), 300, 5):
        assert all(bytes(font(18).getmask(letter)) != box for letter in line)


@pytest.mark.parametrize(
    ("prompt", "shown"),
    [
        ("Ein Café in Zürich", "Ein Cafe in Zurich"),
        ("a mug \u2014 “blue”", "a mug - “blue”"),
        ("猫と犬 на, at noon", "…, at noon"),
        ("猫と 犬", ""),
        ("a\n\tmug", "a mug"),
    ],
)
def test_what_is_shown_of_a_prompt(prompt: str, shown: str) -> None:
    assert "".join(wrap(prompt, font(18), 300, 1)) == shown


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


def test_pdf_shows_a_picture_and_the_prompt_within_margins() -> None:
    """Below the picture there is ink for a prompt, all of it within the margins of the page."""
    sheets = [sheet(prompt) for prompt in ("", PROMPT, "many words " * 3_000)]
    boxes = [sheet.point([255] * 128 + [0] * 128).getbbox() for sheet in sheets]
    left, top, right, bottom = 96, 96, 992 - 96, 1403 - 96
    for box in boxes:
        assert box
        assert box[0] >= left - 1
        assert box[1] >= top - 1
        assert box[2] <= right + 1
        assert box[3] <= bottom + 1
    ends = [box[3] for box in boxes if box]
    assert ends[0] < ends[1] < ends[2]


def sheet(prompt: str) -> Image.Image:
    """The page of a document, which is one picture."""
    page = PdfReader(io.BytesIO(render("documentUrl", prompt, 1)), strict=True).pages[0]
    assert [round(float(side)) for side in page.mediabox[2:]] == [595, 842]
    (image,) = page.images
    assert image.image
    return image.image.convert("L")


def test_mp4_decodes_to_a_film_that_moves() -> None:
    pictures = decoded(render("videoUrl", PROMPT, 1), "rgb24", WIDTH * HEIGHT * 3)
    assert len(pictures) == FRAMES
    assert len(set(pictures)) == FRAMES


def test_mp4_is_what_every_program_plays() -> None:
    video = render("videoUrl", PROMPT, 1)
    assert 0 < video.index(b"moov") < video.index(b"mdat"), "it plays before all of it is there"
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-i", "pipe:"]
    told = subprocess.run(command, input=video, capture_output=True, timeout=60, check=False)
    for fact in (b"h264 (Constrained Baseline)", b"yuv420p(tv, bt709", b"256x144", b"12 fps"):
        assert fact in told.stderr


def test_the_clip_is_what_its_script_makes() -> None:
    """The frames, not the bytes: Pillow and ffmpeg may differ in a trifle from one to the next."""
    path = shipped.ROOT / "scripts" / "make_clip.py"
    script = runpy.run_path(str(path))
    pictures = decoded(render("videoUrl", PROMPT, 1), "rgb24", WIDTH * HEIGHT * 3)
    for number in (0, FRAMES - 1):
        drawn = script["frame"](number)
        off = sum(abs(one - other) for one, other in zip(drawn, pictures[number], strict=True))
        assert off / len(drawn) < 4


def test_a_mock_starts_without_pillow() -> None:
    """Importing it takes longer than drawing does."""
    script = "import sys, flora_contract.mock.flora.files; sys.exit('PIL' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


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
            const context = canvas.getContext("2d", {willReadFrequently: true});
            const drawn = () => context.getImageData(0, 0, 256, 144).data.join();
            const picture = () => {
                context.drawImage(video, 0, 0);
                return drawn();
            };
            // A seek may be said to be over before the frame is there to be drawn.
            const shows = async (time, expected) => {
                video.currentTime = time;
                for (let tries = 0; tries < 300; tries++) {
                    if (!video.seeking && expected(picture())) return true;
                    await new Promise(resolve => setTimeout(resolve, 10));
                }
                return false;
            };
            const nothing = drawn();
            const start = await shows(0.01, now => now !== nothing);
            const first = picture();
            const end = await shows(1.95, now => now !== first);
            return [start, end, await shows(0.01, now => now === first)];
        }"""
    )
    assert shown == [True, True, True]
