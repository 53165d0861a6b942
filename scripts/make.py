"""Make everything that is made from the contract, its overlays and the rules.

python scripts/make.py            writes it
python scripts/make.py --check    says, a line each, which file is not what it should be; exit 1
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import commands_page
import contract_page
import diff_rules_page
import generate_client

from flora_contract.conformance.catalogue import listing
from flora_contract.documents.written.behaviour_page import behaviour_page
from flora_contract.errors import CommandError
from flora_contract.openapi.behaviour import Behaviour
from flora_contract.openapi.contract import Contract
from flora_contract.report.output import write
from flora_contract.shipped import contract

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[1]

MADE: dict[str, Callable[[], str]] = {
    "docs/behaviour.md": lambda: behaviour_page(Behaviour(Contract(contract("behaviour")))),
    "docs/contract.md": contract_page.page,
    "docs/diff-rules.md": diff_rules_page.page,
    "docs/reference/commands.md": commands_page.page,
    "docs/oracles.md": lambda: listing("markdown"),
}
"""Files, and what makes the text of each. `generated/` is many files, made by generate_client."""


def main() -> int:
    """Exit code: 0 written or current, 1 something differs, 2 a contract that cannot be read."""
    check = sys.argv[1:] == ["--check"]
    try:
        wanted = {ROOT / name: make() for name, make in MADE.items()} | _client()
    except CommandError as error:
        print(f"make: {error}", file=sys.stderr)
        return error.exit_code
    there = {path for path in generate_client.TARGET.rglob("*") if _is_made(path)}
    outdated = [path for path, text in wanted.items() if not _holds(path, text)]
    gone = there - wanted.keys()
    for path in sorted([*outdated, *gone]):
        if check:
            print(f"{path.relative_to(ROOT)}: not what it is made from; run nox -s make")
        elif path in gone:
            path.unlink()
        else:
            write(path, wanted[path])
    return 1 if check and (outdated or gone) else 0


def _client() -> dict[Path, str]:
    """The files of the generated client."""
    with tempfile.TemporaryDirectory() as folder:
        fresh = Path(folder, generate_client.TARGET.name)
        generate_client.write_client(fresh)
        return {
            generate_client.TARGET / path.relative_to(fresh): path.read_text(encoding="utf-8")
            for path in fresh.rglob("*")
            if path.is_file()
        }


def _is_made(path: Path) -> bool:
    return path.is_file() and "__pycache__" not in path.parts


def _holds(path: Path, text: str) -> bool:
    return path.is_file() and path.read_text(encoding="utf-8") == text


if __name__ == "__main__":
    sys.exit(main())
