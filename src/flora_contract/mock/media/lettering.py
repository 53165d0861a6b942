"""A prompt as lines of text, in the font that Pillow brings along."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from functools import lru_cache
from typing import TYPE_CHECKING, cast

from PIL import ImageFont

if TYPE_CHECKING:
    from PIL.ImageFont import FreeTypeFont

_CUT = "…"
_INSTEAD = str.maketrans(
    {"\u2013": "-", "\u2014": "-", "\u2044": "/", "ß": "ss", "æ": "ae", "ø": "o", "ł": "l"}
)
_LACKED = re.compile(r"([^ -~\u2018\u2019\u201c\u201d]+ *)+(?<! )")
"""Words and letters that the font lacks: it would draw boxes."""
_READS = 5_000
"""How much of a prompt is looked at: more than fits, and little when a prompt has megabytes."""


@lru_cache
def font(size: int) -> FreeTypeFont:
    """Pillow's own font; with a size, it is never the one of dots."""
    return cast("FreeTypeFont", ImageFont.load_default(size))


def wrap(text: str, font: FreeTypeFont, width: float, most_lines: int) -> list[str]:
    """Lines that fit the width, as many as are allowed; an ellipsis ends what is cut off."""
    rest, lines = _plain(text), list[str]()
    room = width - font.getlength(_CUT)
    while rest and len(lines) < most_lines:
        lengths = range(1, min(len(rest), int(room)) + 1)  # every letter is wider than a pixel
        fits = bisect_right(lengths, room, key=lambda n: font.getlength(rest[:n]))
        space = rest.rfind(" ", 1, fits + 1)
        end = fits if fits == len(rest) or space < 0 else space
        lines.append(rest[:end])
        rest = rest[end:].lstrip()
    return [*lines[:-1], lines[-1] + _CUT] if rest else lines


def _plain(text: str) -> str:
    """The text on one line, without accents, and with ellipses for what the font lacks."""
    read = unicodedata.normalize("NFKD", " ".join(text[:_READS].split())).translate(_INSTEAD)
    letters = "".join(letter for letter in read if not unicodedata.combining(letter))
    plain = _LACKED.sub(_CUT, letters)
    return "" if plain == _CUT else plain
