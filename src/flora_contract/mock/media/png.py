"""A picture: PNG (W3C PNG, third edition) with a palette, and the prompt as its description."""

from __future__ import annotations

import struct
import zlib

from .landscape import Landscape

WIDTH = HEIGHT = 512


def render_png(prompt: str, seed: int) -> bytes:
    """A landscape of 512 by 512 pixels with the prompt as caption."""
    view = Landscape(prompt, seed, WIDTH, HEIGHT)
    pixels = view.pixels()
    # Every row is preceded by the number of its filter: none.
    rows = b"".join(b"\0" + pixels[at : at + WIDTH] for at in range(0, len(pixels), WIDTH))
    eight_bits, indexed = 8, 3
    header = struct.pack(">IIBBBBB", WIDTH, HEIGHT, eight_bits, indexed, 0, 0, 0)
    description = prompt.replace("\0", " ").encode("utf-8", "replace")
    return b"".join(
        [
            b"\x89PNG\r\n\x1a\n",
            _chunk(b"IHDR", header),
            _chunk(b"PLTE", bytes(level for colour in view.palette for level in colour)),
            _chunk(b"iTXt", b"Description\0\0\0\0\0" + description),
            _chunk(b"IDAT", zlib.compress(rows, 4)),
            _chunk(b"IEND", b""),
        ]
    )


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
