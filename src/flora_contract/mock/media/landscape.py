"""A landscape drawn from a prompt and a seed: a sun in the sky, ridges in the haze, a caption.

It is drawn column by column, as one palette index a pixel: a column is a few slices of ready-made
gradients, so that a picture takes milliseconds without a library for pictures.
"""

from __future__ import annotations

import colorsys
import math
import textwrap
from random import Random
from typing import NamedTuple

from . import font

RGB = tuple[float, float, float]

_SKY_TONES = 120
_RIDGES = 5
_RIDGE_TONES = 24
_SUN = _SKY_TONES + _RIDGES * _RIDGE_TONES
_INK = _SUN + 1
_GLOW = bytes(min(tone + 8, _SKY_TONES - 1) for tone in range(256))
_DISC = bytes([_SUN]) * 256

_CAPTION_LINES = 3
_CAPTION_READS = 1_000
"""How much of a prompt is looked at: more than fits, and little when a prompt has megabytes."""
_DOTS_ACROSS = 256
"""How many dots of the caption's font fit side by side, whatever the width of the picture."""


class Landscape:
    """A view of `width` by `height` pixels; the width is a multiple of 256.

    `palette` holds RGB colours from 0 to 255; `pixels` gives indexes into it.
    """

    def __init__(self, prompt: str, seed: int, width: int, height: int) -> None:
        random = seeded(prompt, seed)
        self.width, self.height = width, height
        self.palette = _palette(random)
        horizon = height * 3 // 5
        self._sky = bytes(min(y, horizon - 1) * _SKY_TONES // horizon for y in range(height))
        self._sun = _Sun(random.uniform(0.2, 0.8), random.uniform(0.07, 0.12) * height)
        caption = _caption(prompt, width)
        caption_height = len(caption[0]) if caption else 0
        ridges = _ridges(random, width, height - caption_height)
        self._ground = _ground(ridges, caption, height)

    def pixels(self, time: float = 1.0) -> bytes:
        """Palette indexes, row by row; the sun climbs as `time` goes from 0 to 1."""
        centre_x = self._sun.across * self.width
        centre_y = self.height * (0.6 - 0.35 * time)
        painted = []
        for x, ground in enumerate(self._ground):
            sky = self._sky
            for radius, tones in ((1.8, _GLOW), (1.4, _GLOW), (1.0, _DISC)):
                sky = _paint_disc(sky, x - centre_x, centre_y, radius * self._sun.radius, tones)
            painted.append(sky[: self.height - len(ground)] + ground)
        by_column = b"".join(painted)
        return b"".join(by_column[y :: self.height] for y in range(self.height))


class _Sun(NamedTuple):
    across: float
    radius: float


def seeded(prompt: str, seed: int) -> Random:
    """Randomness that depends on the prompt and the seed, and on nothing else."""
    return Random(f"{seed} {prompt}".encode("utf-8", "surrogatepass"))  # noqa: S311 # a picture


def _paint_disc(sky: bytes, dx: float, centre_y: float, radius: float, tones: bytes) -> bytes:
    """The column of sky with the part of it that lies in a disc put through a table of tones."""
    if abs(dx) >= radius:
        return sky
    half = math.sqrt(radius * radius - dx * dx)
    top, bottom = max(0, round(centre_y - half)), max(0, round(centre_y + half))
    return sky[:top] + sky[top:bottom].translate(tones) + sky[bottom:]


def _ridges(random: Random, width: int, height: int) -> list[list[int]]:
    """For each ridge, from far to near, the y of its crest in every column."""
    ridges = []
    for depth in range(1, _RIDGES + 1):
        base = height * (0.46 + 0.52 * depth / _RIDGES)
        swing = height * 0.1
        waves = [
            (swing / octave, random.uniform(0.7, 1.3) * octave, random.uniform(0, math.tau))
            for octave in (1, 2, 5, 11)
        ]
        ridges.append(
            [
                round(base - sum(a * math.sin(math.tau * x / width * f + p) for a, f, p in waves))
                for x in range(width)
            ]
        )
    return ridges


def _ground(ridges: list[list[int]], caption: list[bytes], height: int) -> list[bytes]:
    """What lies below the sky in every column: the ridges that are seen, then the caption."""
    slopes = [
        bytes(
            _SKY_TONES + ridge * _RIDGE_TONES + min(y * 3 * _RIDGE_TONES // height, 23)
            for y in range(height)
        )
        for ridge in range(_RIDGES)
    ]
    ground = []
    for x, crests in enumerate(zip(*ridges, strict=True)):
        below = caption[x] if caption else b""
        bottom = height - len(below)
        for slope, crest in zip(reversed(slopes), reversed(crests), strict=True):
            top = max(0, min(crest, bottom))
            below = slope[: bottom - top] + below
            bottom = top
        ground.append(below)
    return ground


def _caption(prompt: str, width: int) -> list[bytes]:
    """The prompt in the colours of ink and of the nearest ground, column by column."""
    dot = width // _DOTS_ACROSS
    margin = 8
    letters = (_DOTS_ACROSS - 2 * margin) // font.ADVANCE
    text = font.plain(prompt[:_CAPTION_READS])
    lines = textwrap.wrap(text, letters, max_lines=_CAPTION_LINES, placeholder=" ...")
    if not lines:
        return []
    paper = _SUN - 1
    blank = bytes(_DOTS_ACROSS)
    rows = [(bytes(margin) + font.columns(line)).ljust(_DOTS_ACROSS, b"\0") for line in lines]
    columns = []
    for dots in zip(*rows, blank, strict=True):
        column = bytes([paper]) * 4
        for eight in dots[:-1]:
            column += bytes(_INK if eight >> bit & 1 else paper for bit in range(font.HEIGHT))
            column += bytes([paper]) * 3
        columns += [bytes(pixel for pixel in column for _ in range(dot))] * dot
    return columns


def _palette(random: Random) -> list[tuple[int, int, int]]:
    """Colours that go together: sky from zenith to horizon, then each ridge, sun and ink."""
    cool, warm = random.uniform(0.5, 0.85), random.uniform(0.92, 1.14) % 1
    zenith = colorsys.hls_to_rgb(cool, random.uniform(0.25, 0.5), 0.55)
    horizon = colorsys.hls_to_rgb(warm, 0.82, 0.8)
    near = colorsys.hls_to_rgb(cool + random.uniform(-0.08, 0.08), 0.1, 0.45)
    colours = [_mix(zenith, horizon, (i / _SKY_TONES) ** 1.2) for i in range(_SKY_TONES)]
    for ridge in range(1, _RIDGES + 1):
        crest = _mix(horizon, near, (ridge / _RIDGES) ** 0.8)
        foot = _mix(crest, horizon, 0.3 * (1 - ridge / _RIDGES))
        colours += [_mix(crest, foot, i / _RIDGE_TONES) for i in range(_RIDGE_TONES)]
    colours += [_mix(horizon, (1.0, 1.0, 0.94), 0.75), (0.97, 0.96, 0.93)]
    return [
        (round(red * 255), round(green * 255), round(blue * 255)) for red, green, blue in colours
    ]


def _mix(one: RGB, other: RGB, share: float) -> RGB:
    """The colour that lies this share of the way from one to the other."""
    red, green, blue = (a + (b - a) * share for a, b in zip(one, other, strict=True))
    return red, green, blue
