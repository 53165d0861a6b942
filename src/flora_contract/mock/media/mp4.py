"""A clip: a landscape in which the sun rises, as MP4 (ISO/IEC 14496-12 and -15) with H.264."""

from __future__ import annotations

import struct

from .h264 import Frame, picture_parameters, sequence_parameters, slices
from .landscape import Landscape

WIDTH, HEIGHT = 256, 144
FRAMES = 24
FRAMES_PER_SECOND = 12

_IDENTITY = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
_TRACK = 1


def render_mp4(prompt: str, seed: int) -> bytes:
    """Two seconds of 256 by 144 pixels, with the prompt as caption."""
    view = Landscape(prompt, seed, WIDTH, HEIGHT)
    tables = _sample_tables(view.palette)
    frames = (_frame(view.pixels(number / (FRAMES - 1)), tables) for number in range(FRAMES))
    samples = [struct.pack(">I", len(unit)) + unit for unit in slices(frames, WIDTH)]
    brand = _box("ftyp", b"isom", struct.pack(">I", 0x200), b"isomiso2avc1mp41")
    # The description comes first, so that a player can start early; its length does not depend
    # on the place of the samples that it tells.
    start = len(brand) + len(_movie(samples, 0)) + 8
    return brand + _movie(samples, start) + _box("mdat", *samples)


def _sample_tables(palette: list[tuple[int, int, int]]) -> tuple[bytes, bytes, bytes]:
    """What each colour of the palette is as luma, blue and red, by BT.709 in studio range."""
    luma, blue, red = bytearray(256), bytearray(256), bytearray(256)
    for index, colour in enumerate(palette):
        r, g, b = (level / 255 for level in colour)
        y = 0.2126 * r + 0.7152 * g + 0.0722 * b
        luma[index] = round(16 + 219 * y)
        blue[index] = round(128 + 224 * (b - y) / 1.8556)
        red[index] = round(128 + 224 * (r - y) / 1.5748)
    return bytes(luma), bytes(blue), bytes(red)


def _frame(pixels: bytes, tables: tuple[bytes, bytes, bytes]) -> Frame:
    luma, blue, red = tables
    quarter = b"".join(pixels[at : at + WIDTH : 2] for at in range(0, len(pixels), 2 * WIDTH))
    return Frame(pixels.translate(luma), quarter.translate(blue), quarter.translate(red))


def _movie(samples: list[bytes], start: int) -> bytes:
    """The description of the film; `start` is where in the file its samples begin."""
    times = struct.pack(
        ">IIII", 0, 0, FRAMES_PER_SECOND, FRAMES
    )  # created, modified, scale, length
    head = _full_box(
        "mvhd",
        times,
        struct.pack(">IHHII", 0x10000, 0x100, 0, 0, 0),
        _IDENTITY,
        bytes(24),
        struct.pack(">I", _TRACK + 1),
    )
    track_head = _full_box(
        "tkhd",
        struct.pack(">IIIII", 0, 0, _TRACK, 0, FRAMES),
        bytes(16),
        _IDENTITY,
        struct.pack(">II", WIDTH << 16, HEIGHT << 16),
        flags=3,
    )
    media = _box(
        "mdia",
        _full_box("mdhd", times, struct.pack(">HH", 0x55C4, 0)),  # language: undetermined
        _full_box("hdlr", bytes(4), b"vide", bytes(12), b"video\0"),
        _box(
            "minf",
            _full_box("vmhd", bytes(8), flags=1),
            _box("dinf", _full_box("dref", struct.pack(">I", 1), _full_box("url ", flags=1))),
            _sample_table(samples, start),
        ),
    )
    return _box("moov", head, _box("trak", track_head, media))


def _sample_table(samples: list[bytes], start: int) -> bytes:
    """How long, how big and where each sample is: all of them are one chunk."""
    sizes = struct.pack(f">{len(samples)}I", *map(len, samples))
    return _box(
        "stbl",
        _full_box("stsd", struct.pack(">I", 1), _sample_entry()),
        _full_box("stts", struct.pack(">III", 1, len(samples), 1)),
        _full_box("stss", struct.pack(">II", 1, 1)),
        _full_box("stsc", struct.pack(">IIII", 1, 1, len(samples), 1)),
        _full_box("stsz", struct.pack(">II", 0, len(samples)), sizes),
        _full_box("stco", struct.pack(">II", 1, start)),
    )


def _sample_entry() -> bytes:
    """What the samples are: H.264, with the parameters that hold for all of them."""
    sequence, picture = sequence_parameters(WIDTH, HEIGHT), picture_parameters()
    configuration = _box(
        "avcC",
        b"\x01" + sequence[1:4],
        b"\xff\xe1" + struct.pack(">H", len(sequence)) + sequence,  # lengths have four bytes
        b"\x01" + struct.pack(">H", len(picture)) + picture,
    )
    resolution = 72 << 16
    return _box(
        "avc1", bytes(6), struct.pack(">H", 1), bytes(16),
        struct.pack(">HHIIIH", WIDTH, HEIGHT, resolution, resolution, 0, 1),
        bytes(32), struct.pack(">Hh", 24, -1),
        configuration,
    )  # fmt: skip


def _box(kind: str, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return struct.pack(">I", 8 + len(body)) + kind.encode() + body


def _full_box(kind: str, *parts: bytes, flags: int = 0) -> bytes:
    """A box with a version, always 0, and flags."""
    return _box(kind, struct.pack(">I", flags), *parts)
