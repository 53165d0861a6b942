"""How well edits of the contract and of its sources are noticed, told and answered.

    python scripts/bench_documents.py contract --edits 2000    random edits of the contract
    python scripts/bench_documents.py sources --edits 300      random edits of pages and of an SDK

The sources are those of the made-up API in tests/documents/bikes, each edit made in their text. An
edit is told where the difference has the right kind and place and nothing else is told, but words;
its patch is good where the check has no faults after it. `--seed` draws others, `--list` names what
was missed.
"""

from __future__ import annotations

import argparse
import random as randomness
import sys
import tempfile
from collections import Counter
from itertools import islice
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from flora_contract import shipped  # noqa: E402
from flora_contract.documents.checking.check import check  # noqa: E402
from flora_contract.documents.checking.conflicts import read_conflicts  # noqa: E402
from flora_contract.documents.sources.read import elsewhere, stored_pages  # noqa: E402
from flora_contract.openapi import load  # noqa: E402
from tests.documents import contract_edits, judged_edits  # noqa: E402


def main() -> int:
    """Exit code: 0 the figures are as they should be, 1 they are not."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("what", choices=["contract", "sources"])
    parser.add_argument("--edits", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--list", action="store_true")
    given = parser.parse_args()
    run = _contract if given.what == "contract" else _sources
    random = randomness.Random(given.seed)  # noqa: S311 - edits are no secrets
    return run(given.edits, random, listed=given.list)


def _contract(count: int, random: randomness.Random, *, listed: bool) -> int:
    document, pages = load(shipped.CONTRACT), stored_pages() + elsewhere()
    conflicts = read_conflicts(shipped.REGISTERS / "conflicts.md")
    missed = [
        str(edit)
        for edit in islice(contract_edits.edits(document, random), count)
        if not check(edit.document, pages, conflicts).faults
    ]
    print(f"{count - len(missed)} of {count} edits of the contract are noticed")
    if listed:
        print("\n".join(missed))
    return 1 if missed else 0


def _sources(count: int, random: randomness.Random, *, listed: bool) -> int:
    told = patched = green = 0
    kinds, missed = Counter[str](), []
    with tempfile.TemporaryDirectory() as folder:
        for edit in islice(judged_edits.drawn(random), count):
            found = judged_edits.judge(edit, Path(folder))
            kinds[edit.kind] += 1
            told += found.told
            patched += found.patched
            green += found.patched and found.green
            if not found.told or (found.patched and not found.green):
                missed.append(f"{edit}: {found.why}")
    print(f"{told} of {count} edits of sources are told with kind and place ({told / count:.1%})")
    share = green / patched if patched else 1
    print(f"{patched} have a patch; the check is green after {green} of them ({share:.1%})")
    print(", ".join(f"{kind} {number}" for kind, number in sorted(kinds.items())))
    if listed:
        print("\n".join(missed))
    return 0 if told / count >= 0.98 and share >= 0.95 else 1


if __name__ == "__main__":
    sys.exit(main())
