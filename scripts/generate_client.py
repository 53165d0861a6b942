"""Make generated/flora_client from openapi.yaml and two overlays, or check that it is so.

python scripts/generate_client.py            write it
python scripts/generate_client.py --check    exit 1, with a diff, when it is out of date
"""

from __future__ import annotations

import argparse
import difflib
import sys
import tempfile
from pathlib import Path

from flora_contract.codegen import generate
from flora_contract.errors import CommandError
from flora_contract.shipped import contract

TARGET = Path(__file__).parents[1] / "generated" / "flora_client"


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--check", action="store_true", help="write nothing; compare")
    check = parser.parse_args().check
    try:
        return _check() if check else write_client(TARGET)
    except CommandError as error:
        print(f"generate_client: {error}", file=sys.stderr)
        return error.exit_code


def write_client(target: Path) -> int:
    """Write the client to a folder."""
    for note in generate(contract("behaviour", "client"), target, complete=True):
        print(note, file=sys.stderr)
    return 0


def _check() -> int:
    with tempfile.TemporaryDirectory() as folder:
        fresh = Path(folder, TARGET.name)
        write_client(fresh)
        differences = list(_differences(TARGET, fresh))
    sys.stdout.writelines(differences)
    if differences:
        print("generated/ is out of date: run scripts/generate_client.py", file=sys.stderr)
    return 1 if differences else 0


def _differences(old: Path, new: Path) -> list[str]:
    lines: list[str] = []
    for name in sorted(_modules(old) | _modules(new)):
        before, after = _lines(old / name), _lines(new / name)
        lines += difflib.unified_diff(before, after, f"generated/{name}", f"contract/{name}")
    return lines


def _modules(folder: Path) -> set[str]:
    found = (path for path in folder.rglob("*") if path.is_file())
    return {p.relative_to(folder).as_posix() for p in found if "__pycache__" not in p.parts}


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines(keepends=True) if path.is_file() else []


if __name__ == "__main__":
    sys.exit(main())
