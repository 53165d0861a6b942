"""A picture: a sun in the sky, ridges in the haze, and the prompt below them."""

from __future__ import annotations

import colorsys
import io
import math
from typing import TYPE_CHECKING, NamedTuple

from PIL import Image, ImageDraw, ImageOps
from PIL.PngImagePlugin import PngInfo

from .lettering import font, wrap

if TYPE_CHECKING:
    from random import Random

Colour = tuple[int, int, int]

_SIDE = 512
_MARGIN = 16
_RIDGES, _STEPS = 5, 64
_INK = (247, 245, 237)
_LETTERS, _LINE_HEIGHT, _MOST_LINES = 18, 24, 3
_FINER = 2
"""Drawn this much larger and then reduced, so that edges are smooth."""


class Palette(NamedTuple):
    """Colours that go together."""

    zenith: Colour
    horizon: Colour
    near: Colour


def render_png(prompt: str, random: Random) -> bytes:
    """A landscape of 512 by 512 pixels with the prompt below, and as the file's description."""
    palette = colours(random)
    lines = wrap(prompt, font(_LETTERS), _SIDE - 2 * _MARGIN, _MOST_LINES)
    caption = len(lines) * _LINE_HEIGHT + _MARGIN if lines else 0
    picture = Image.new("RGB", (_SIDE, _SIDE), palette.near)
    picture.paste(landscape(random, palette, (_SIDE, _SIDE - caption)))
    draw = ImageDraw.Draw(picture)
    for number, line in enumerate(lines):
        y = _SIDE - caption + number * _LINE_HEIGHT + _MARGIN // 4
        draw.text((_MARGIN, y), line, _INK, font(_LETTERS))
    about = PngInfo()
    about.add_itxt("Description", prompt.replace("\0", " ").encode("utf-8", "replace").decode())
    file = io.BytesIO()
    picture.save(file, "PNG", pnginfo=about, compress_level=3)
    return file.getvalue()


def colours(random: Random) -> Palette:
    """A cool sky above a warm horizon, and a dark ground."""
    cool, warm = random.uniform(0.5, 0.85), random.uniform(0.92, 1.14) % 1
    return Palette(
        _colour(cool, random.uniform(0.25, 0.5), 0.55),
        _colour(warm, 0.82, 0.8),
        _colour(cool + random.uniform(-0.08, 0.08), 0.1, 0.45),
    )


def landscape(
    random: Random, palette: Palette, size: tuple[int, int], sun: float = 0.75
) -> Image.Image:
    """A view without words; `sun` is how high it stands, from 0 at the foot to 1 at the top."""
    width, height = (side * _FINER for side in size)
    down = Image.linear_gradient("L").resize((1, height))
    sky = ImageOps.colorize(down, palette.zenith, palette.horizon, whitepoint=160)
    view = sky.resize((width, height), Image.Resampling.NEAREST)
    x, radius = random.uniform(0.2, 0.8) * width, random.uniform(0.07, 0.12) * height
    _shine(view, x, height * (1 - sun), radius, _mix(palette.horizon, (255, 255, 240), 0.75))
    draw = ImageDraw.Draw(view)
    for depth in range(1, _RIDGES + 1):
        colour = _mix(palette.horizon, palette.near, (depth / _RIDGES) ** 0.8)
        draw.polygon(_ridge(random, depth / _RIDGES, width, height), colour)
    return view.reduce(_FINER)


def _shine(view: Image.Image, x: float, y: float, radius: float, colour: Colour) -> None:
    """A disc, and around it a glow that fades out."""
    reach = round(3 * radius)
    far = Image.radial_gradient("L").resize((2 * reach, 2 * reach), Image.Resampling.BILINEAR)
    # The gradient is 181 where a circle touches the sides of its square.
    glow = far.point([max(0, 110 - level * 110 // 180) for level in range(256)])
    view.paste(colour, (round(x) - reach, round(y) - reach), glow)
    ImageDraw.Draw(view).circle((x, y), radius, colour)


def _ridge(random: Random, depth: float, width: int, height: int) -> list[tuple[float, float]]:
    """The outline of a range of hills, from far (0) to near (1): a few waves on one another."""
    base = height * (0.46 + 0.52 * depth)
    waves = [
        (height * 0.1 / octave, random.uniform(0.7, 1.3) * octave, random.uniform(0, math.tau))
        for octave in (1, 2, 5, 11)
    ]
    crest = [
        (x * width, base - sum(a * math.sin(math.tau * x * f + p) for a, f, p in waves))
        for x in (step / _STEPS for step in range(_STEPS + 1))
    ]
    return [*crest, (width, height), (0, height)]


def _colour(hue: float, lightness: float, saturation: float) -> Colour:
    red, green, blue = colorsys.hls_to_rgb(hue % 1, lightness, saturation)
    return round(red * 255), round(green * 255), round(blue * 255)


def _mix(one: Colour, other: Colour, share: float) -> Colour:
    """The colour that lies this share of the way from one to the other."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(one, other, strict=True))
    return red, green, blue
