"""Measure `flora-contract generate` on GitHub's document beside its peers.

    python scripts/bench_generate.py FOLDER

FOLDER is where the document and the peers are fetched to (npm and PyPI) and kept: raw
openapi-python-client, and @hey-api/openapi-ts, which makes TypeScript. A peer that cannot be had is
left out and said so. What was made is imported at the end.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import sys
from pathlib import Path

from bench_diff import Measure, measure, quietly, release

VERSION = "23.0.2"
HEY_API = "@hey-api/openapi-ts@0.80.0"
RUNS = 1
LIMIT = 900  # seconds
DONE = frozenset({0})


def main() -> int:
    """Exit code: 0 measured, 2 the document could not be had."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--document", type=Path, help="another one than GitHub's")
    given = parser.parse_args()
    folder = given.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    document = (given.document or fetched(folder)).resolve()
    if not document.is_file():
        print("the document could not be had from npm", file=sys.stderr)
        return 2
    made = folder / "made"
    shutil.rmtree(made, ignore_errors=True)
    made.mkdir()
    for name, command in commands(folder, document, made).items():
        print(
            f"{name:24} {told(measure(command, folder, RUNS, limit=LIMIT, codes=DONE))}", flush=True
        )
    for package, what in (("ours_client", "import of ours"), ("raw_client", "import of raw")):
        if (made / package).is_dir():
            command = [sys.executable, "-c", f"import {package}, {package}.client"]
            print(f"{what:24} {told(measure(command, made, codes=DONE))}")
    files = made.glob("ours_client/operations.py")
    pattern = re.compile(r"^\w+: Operation\[", re.MULTILINE)
    ours = sum(len(pattern.findall(file.read_text(encoding="utf-8"))) for file in files)
    raw = sum(p.name != "__init__.py" for p in made.glob("raw_client/api/*/*.py"))
    print(f"operations: ours {ours}, raw {raw}")
    return 0


def told(one: Measure | None) -> str:
    return str(one) if one is not None else "failed, or is not there"


def fetched(folder: Path) -> Path:
    npm = shutil.which("npm")
    return release(npm, folder, VERSION) if npm is not None else folder / "missing"


def commands(folder: Path, document: Path, made: Path) -> dict[str, list[str]]:
    """What to run, by name."""
    programs = Path(sys.executable).parent
    raw = [str(programs / "openapi-python-client"), "generate", "--meta", "none", "--overwrite"]
    found = {
        "flora-contract generate": [
            *(str(programs / "flora-contract"), "generate", str(document)),
            *("--output", str(made / "ours_client")),
        ],
        "openapi-python-client": [
            *(*raw, "--path", str(document), "--output-path", str(made / "raw_client")),
        ],
    }
    if npm := shutil.which("npm"):
        quietly([npm, "install", "--silent", "--prefix", str(folder / "hey"), HEY_API])
        program = folder / "hey" / "node_modules" / ".bin" / "openapi-ts"
        if os.access(program, os.X_OK):
            output = str(made / "hey")
            found["@hey-api/openapi-ts"] = [str(program), "-i", str(document), "-o", output]
    return found


if __name__ == "__main__":
    sys.exit(main())
