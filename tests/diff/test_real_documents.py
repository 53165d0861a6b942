"""Real documents of others are read and compared to the end.

They are not part of this project: FLORA_TEST_DOCUMENTS names a folder that holds some, gzipped, in
pairs called NAME-old and NAME-new, or by themselves.
"""

from __future__ import annotations

import gzip
import itertools
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

FLORA = Path(sys.executable).with_name("flora-contract")
SIBLING = Path(__file__).parents[3] / "shared" / "data" / "openapi"
FOLDER = Path(os.environ.get("FLORA_TEST_DOCUMENTS", SIBLING))
FILES = sorted(FOLDER.glob("*.gz")) if FOLDER.is_dir() else []
AGES = ("old", "mid", "new")

pytestmark = pytest.mark.skipif(not FILES, reason="no documents: set FLORA_TEST_DOCUMENTS")


def pairs() -> list[tuple[Path, Path]]:
    """Each document and the one that follows it; those without one, and themselves."""
    named: dict[str, list[Path]] = {}
    for file in FILES:
        stem, _, age = file.name.partition(".")[0].rpartition("-")
        named.setdefault(stem if age in AGES else file.name, []).append(file)
    found = []
    for files in named.values():
        ordered = sorted(files, key=lambda file: [age in file.name for age in AGES][::-1])
        found += list(itertools.pairwise(ordered)) or [(files[0], files[0])]
    return found


def unpacked(file: Path, folder: Path) -> Path:
    target = folder / file.name.removesuffix(".gz")
    target.write_bytes(gzip.decompress(file.read_bytes()))
    return target


@pytest.mark.parametrize("pair", pairs(), ids=lambda pair: f"{pair[0].name} {pair[1].name}")
def test_a_real_document_is_compared_to_the_end(pair: tuple[Path, Path], tmp_path: Path) -> None:
    base, revision = (unpacked(file, tmp_path) for file in pair)
    done = subprocess.run(
        [FLORA, "diff", base, revision], capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == (0 if base == revision else 1), done.stderr
    assert not done.stderr
    counts = re.compile(r"nothing changed|\d+ breaking, \d+ risky, \d+ safe")
    assert counts.match(done.stdout.splitlines()[-1])
