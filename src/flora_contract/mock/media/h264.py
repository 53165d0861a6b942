"""Frames as an H.264 stream (ITU-T H.264, Constrained Baseline), without an encoder.

The first frame is sent as raw samples (macroblocks of type I_PCM), the others send only the
macroblocks that changed and skip the rest: exact, and quick to write.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

MACROBLOCK = 16
"""Width and height of a macroblock, in pixels: a frame's are multiples of it."""

_PROFILE = bytes([66, 0b1100_0000, 30])  # Constrained Baseline, level 3
_FRAME_NUMBER_BITS = 8
_SEQUENCE, _PICTURE, _KEY_SLICE, _SLICE = 0x67, 0x68, 0x65, 0x61  # NAL units, by their first byte
_RAW_IN_KEY_SLICE, _RAW_IN_SLICE = 25, 30  # mb_type of I_PCM, tables 7-11 and 7-13


@dataclass(frozen=True)
class Frame:
    """Samples of one frame, row by row; the planes of colour have half its width and height."""

    luma: bytes
    blue: bytes
    red: bytes


def sequence_parameters(width: int, height: int) -> bytes:
    """The NAL unit that gives the size of the frames and how to read their colours (7.3.2.1)."""
    bt709 = _fixed(1, 8)
    colours = "1" + _fixed(5, 3) + "0" + "1" + bt709 * 3  # no known format, studio range
    video_information = "00" + colours + "0" + "0" + "00" + "0" + "0"
    bits = (
        _unsigned(0)
        + _unsigned(_FRAME_NUMBER_BITS - 4)
        + _unsigned(2)  # frames are shown in the order in which they are sent
        + _unsigned(1)  # one reference frame
        + "0"
        + _unsigned(width // MACROBLOCK - 1)
        + _unsigned(height // MACROBLOCK - 1)
        + "1"  # whole frames, no fields
        + "1"
        + "0"  # not cropped
        + "1"
        + video_information
    )
    return _unit(_SEQUENCE, _PROFILE + _trailed(bits))


def picture_parameters() -> bytes:
    """The NAL unit that says how slices are coded: CAVLC, one reference (7.3.2.2)."""
    zero = _unsigned(0)
    bits = zero + zero + "00" + zero * 3 + "0" + "00" + zero * 3
    return _unit(_PICTURE, _trailed(bits + "1" + "00"))  # slices say that they are not deblocked


def slices(frames: Iterable[Frame], width: int) -> list[bytes]:
    """One NAL unit for each frame; the first frame can be decoded on its own."""
    units = []
    before: Sequence[bytes] = ()
    for number, frame in enumerate(frames):
        blocks = _macroblocks(frame, width)
        units.append(_changes(before, blocks, number) if number else _whole(blocks))
        before = blocks
    return units


def _whole(blocks: Sequence[bytes]) -> bytes:
    """A slice of type I that holds every macroblock (7.3.3, 7.3.4)."""
    frame_number, marking = _fixed(0, _FRAME_NUMBER_BITS), "00"
    pending = _unsigned(0) + _unsigned(7) + _unsigned(0) + frame_number + _unsigned(0)
    pending += marking + _unsigned(0) + _unsigned(1)
    out = bytearray()
    for block in blocks:
        out += _aligned(pending + _unsigned(_RAW_IN_KEY_SLICE)) + block
        pending = ""
    return _unit(_KEY_SLICE, bytes(out + _trailed(pending)))


def _changes(before: Sequence[bytes], blocks: Sequence[bytes], number: int) -> bytes:
    """A slice of type P that holds the macroblocks that differ from the frame before."""
    frame_number = _fixed(number % 2**_FRAME_NUMBER_BITS, _FRAME_NUMBER_BITS)
    references = marking = "0"
    pending = _unsigned(0) + _unsigned(5) + _unsigned(0) + frame_number + "0"
    pending += references + marking + _unsigned(0) + _unsigned(1)
    out = bytearray()
    skipped = 0
    for old, new in zip(before, blocks, strict=True):
        if old == new:
            skipped += 1
            continue
        out += _aligned(pending + _unsigned(skipped) + _unsigned(_RAW_IN_SLICE)) + new
        pending, skipped = "", 0
    if skipped:
        pending += _unsigned(skipped)
    return _unit(_SLICE, bytes(out + _trailed(pending)))


def _macroblocks(frame: Frame, width: int) -> list[bytes]:
    """The samples of each macroblock, in raster order: luma, then blue, then red (7.3.5)."""
    planes = [
        _tiles(frame.luma, width, MACROBLOCK),
        _tiles(frame.blue, width // 2, MACROBLOCK // 2),
        _tiles(frame.red, width // 2, MACROBLOCK // 2),
    ]
    return [b"".join(parts) for parts in zip(*planes, strict=True)]


def _tiles(plane: bytes, width: int, side: int) -> list[bytes]:
    return [
        b"".join(plane[at : at + side] for at in range(start, start + side * width, width))
        for row in range(0, len(plane), side * width)
        for start in range(row, row + width, side)
    ]


def _unit(kind: int, payload: bytes) -> bytes:
    """A NAL unit; what would look like the start of the next is broken up (7.4.1)."""
    return bytes([kind]) + re.sub(rb"\0\0(?=[\0-\3])", b"\0\0\3", payload)


def _unsigned(value: int) -> str:
    """ue(v), the Exp-Golomb code (9.1); se(v) of zero is the same."""
    bits = f"{value + 1:b}"
    return "0" * (len(bits) - 1) + bits


def _fixed(value: int, width: int) -> str:
    return f"{value:0{width}b}"


def _aligned(bits: str) -> bytes:
    """The bits, followed by zeros up to a whole byte."""
    length = -(-len(bits) // 8)
    return int(bits.ljust(8 * length, "0"), 2).to_bytes(length, "big")


def _trailed(bits: str) -> bytes:
    """The end of a payload: a one, then zeros up to a whole byte (7.3.2.11)."""
    return _aligned(bits + "1")
