"""Make generated/flora_client from openapi.yaml and two overlays, or check that it is so.

python scripts/generate_client.py            write it
python scripts/generate_client.py --check    exit 1, with a diff, when it is out of date
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from flora_contract.codegen import generate
from flora_contract.codegen.checking import differences
from flora_contract.errors import CommandError
from flora_contract.shipped import contract

ROOT = Path(__file__).parents[1]
TARGET = ROOT / "generated" / "flora_client"


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
    for note in generate(contract("behaviour", "client", root=ROOT), target, complete=True):
        print(note, file=sys.stderr)
    return 0


def _check() -> int:
    with tempfile.TemporaryDirectory() as folder:
        fresh = Path(folder, TARGET.name)
        write_client(fresh)
        found = differences(TARGET, fresh)
    sys.stdout.writelines(found)
    if found:
        print("generated/ is out of date: run scripts/generate_client.py", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
