"""The files that a run's outputs lead to: real ones, drawn from the run's prompt and seed.

Every file is made on request and kept nowhere: the same output type, prompt and seed always give
the same bytes.
"""

from __future__ import annotations

from typing import Literal

from .mp4 import render_mp4
from .pdf import render_pdf
from .png import render_png
from .wav import render_wav

__all__ = ["CONTENT_TYPES", "FileType", "render"]

FileType = Literal["imageUrl", "videoUrl", "audioUrl", "documentUrl"]

CONTENT_TYPES: dict[FileType, str] = {
    "imageUrl": "image/png",
    "videoUrl": "video/mp4",
    "audioUrl": "audio/wav",
    "documentUrl": "application/pdf",
}

_RENDERERS = {
    "imageUrl": render_png,
    "videoUrl": render_mp4,
    "audioUrl": render_wav,
    "documentUrl": render_pdf,
}


def render(kind: FileType, prompt: str, seed: int) -> bytes:
    """A file of the content type that `CONTENT_TYPES` names for this type of output.

    Any string is a prompt, lone surrogates and control characters too.
    """
    return _RENDERERS[kind](prompt, seed)
