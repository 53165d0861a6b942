"""The files that a run's outputs lead to: real ones, made from the run's prompt and seed.

The same output type, prompt and seed always give the same bytes. The clip is the same for all.
"""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Literal

__all__ = ["CONTENT_TYPES", "FileType", "render"]

FileType = Literal["imageUrl", "videoUrl", "audioUrl", "documentUrl"]

CONTENT_TYPES: dict[FileType, str] = {
    "imageUrl": "image/png",
    "videoUrl": "video/mp4",
    "audioUrl": "audio/wav",
    "documentUrl": "application/pdf",
}


def render(kind: FileType, prompt: str, seed: int) -> bytes:
    """A file of the content type that `CONTENT_TYPES` names for this type of output.

    Any string is a prompt, lone surrogates and control characters too.
    """
    # Imported when first asked for: a mock that draws nothing starts without Pillow.
    random = Random(f"{seed} {prompt}".encode("utf-8", "surrogatepass"))  # noqa: S311 # a picture
    match kind:
        case "imageUrl":
            from .picture import render_png

            return render_png(prompt, random)
        case "documentUrl":
            from .document import render_pdf

            return render_pdf(prompt, random)
        case "audioUrl":
            from .sound import render_wav

            return render_wav(random)
        case "videoUrl":  # made by scripts/make_clip.py
            return Path(__file__).with_name("clip.mp4").read_bytes()
