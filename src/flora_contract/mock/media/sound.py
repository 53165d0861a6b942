"""A sound: a short melody as WAV, 16 bits, mono."""

from __future__ import annotations

import io
import math
import struct
import wave
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from random import Random

RATE = 22_050
"""Samples a second."""

_SECONDS_PER_NOTE = 0.15
_NOTES = 7
_LOWEST = 261.63  # C4, in hertz
_PENTATONIC = (0, 2, 4, 7, 9, 12, 14, 16)
"""Semitones above the lowest note: any sequence of them sounds pleasant."""


def render_wav(random: Random) -> bytes:
    """Seven plucked notes and the last one held: 1.2 seconds."""
    steps = [int(random.uniform(0, len(_PENTATONIC))) for _ in range(_NOTES)]
    lengths = [1] * (_NOTES - 1) + [2]
    samples: list[int] = []
    for step, length in zip(steps, lengths, strict=True):
        frequency = _LOWEST * 2 ** (_PENTATONIC[step] / 12)
        samples += _pluck(frequency, round(RATE * _SECONDS_PER_NOTE * length))
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(RATE)
        sound.writeframes(struct.pack(f"<{len(samples)}h", *samples))
    return file.getvalue()


def _pluck(frequency: float, length: int) -> list[int]:
    """A tone with its octave that dies away to silence, so that notes join without a click."""
    turn = math.tau * frequency / RATE
    sin = math.sin
    return [
        round(20_000 * (1 - i / length) ** 2 * (0.8 * sin(turn * i) + 0.2 * sin(2 * turn * i)))
        for i in range(length)
    ]
