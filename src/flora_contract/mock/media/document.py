"""A document: one page of A4 as PDF, with a picture and the prompt below it."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

# The plugin is named, or Pillow imports every one that it has to find it.
from PIL import Image, ImageDraw, PdfImagePlugin  # noqa: F401
from PIL.PdfParser import PdfBinary

from .lettering import font, wrap
from .picture import colours, landscape

if TYPE_CHECKING:
    from random import Random

_RESOLUTION = 120  # dots an inch
_WIDTH, _HEIGHT = 992, 1403
_MARGIN = 96
_LETTERS, _LINE_HEIGHT = 20, 28
_INK = (34, 34, 34)


def render_pdf(prompt: str, random: Random) -> bytes:
    """A page that is a picture, text and all. Its title is the whole prompt as it is."""
    width = _WIDTH - 2 * _MARGIN
    height = width * 9 // 16
    page = Image.new("RGB", (_WIDTH, _HEIGHT), "white")
    page.paste(landscape(random, colours(random), (width, height)), (_MARGIN, _MARGIN))
    draw = ImageDraw.Draw(page)
    top = 2 * _MARGIN + height
    most_lines = (_HEIGHT - _MARGIN - top) // _LINE_HEIGHT
    for number, line in enumerate(wrap(prompt, font(_LETTERS), width, most_lines)):
        draw.text((_MARGIN, top + number * _LINE_HEIGHT), line, _INK, font(_LETTERS))
    # In hexadecimal: a byte 13 of a letter, as Pillow writes it, would be read as a line's end.
    title = PdfBinary(b"\xfe\xff" + prompt.encode("utf-16-be", "replace"))
    file = io.BytesIO()
    page.save(
        file, "PDF", resolution=_RESOLUTION, title=title, producer="flora-contract mock",
        creationDate=None, modDate=None,
    )  # fmt: skip
    return file.getvalue()
