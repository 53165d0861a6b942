"""Make src/flora_contract/mock/media/clip.mp4, the clip of every video run.

python scripts/make_clip.py          writes
python scripts/make_clip.py --check  exits with 1 if the file is another

One version of ffmpeg always gives the same bytes.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from random import Random

import imageio_ffmpeg

from flora_contract.mock import media
from flora_contract.mock.media.picture import colours, landscape

CLIP = Path(media.__file__).with_name("clip.mp4")
SIZE = (256, 144)
FRAMES, FRAMES_PER_SECOND = 24, 12
COLOURS = "colorspace=bt709:color_primaries=bt709:color_trc=bt709:range=tv"


def frame(number: int) -> bytes:
    """The sun rises behind the same hills."""
    random = Random(5)  # noqa: S311 # a picture
    height = 0.4 + 0.35 * number / (FRAMES - 1)
    return landscape(random, colours(random), SIZE, height).tobytes()


def clip() -> bytes:
    """H.264 that anything plays, with its description at the start of the file."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-f", "rawvideo"]
    command += ["-pix_fmt", "rgb24", "-s", "{}x{}".format(*SIZE), "-r", str(FRAMES_PER_SECOND)]
    command += ["-i", "pipe:", "-c:v", "libx264", "-profile:v", "baseline", "-pix_fmt", "yuv420p"]
    command += ["-vf", f"scale=out_color_matrix=bt709:out_range=tv,setparams={COLOURS}"]
    command += ["-preset", "veryslow", "-crf", "20", "-threads", "1"]
    command += ["-bitexact", "-movflags", "+faststart", "-y"]
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder, "clip.mp4")  # not a pipe: the description is written last, then moved
        subprocess.run([*command, made], input=b"".join(map(frame, range(FRAMES))), check=True)
        return made.read_bytes()


def main(arguments: list[str]) -> int:
    """Exit code: 0 written or current, 1 another."""
    if "--check" in arguments:
        return int(clip() != CLIP.read_bytes())
    CLIP.write_bytes(clip())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
