"""Store the facts of sources: python scripts/page_facts.py LABEL=PAGE… PACKAGE… VERSION…

A page is given with its label, `S003=page.txt`. A package of the SDK, or a version that npm is to
fetch, such as 0.11.0, has a label of its own. With --check nothing is written; the exit code is 1
when a source states other facts than are stored.
"""

from __future__ import annotations

import sys
from pathlib import Path

from flora_contract.documents.facts.fact import SourcePage, dump
from flora_contract.documents.sources.package import VENDOR, fetched
from flora_contract.documents.sources.read import FACTS, read_sdk, read_source
from flora_contract.errors import CommandError
from flora_contract.report.output import write


def main(arguments: list[str]) -> int:
    """Exit code: 0 done or current, 1 outdated, 2 a source that cannot be read."""
    check = "--check" in arguments
    outdated = 0
    for name in arguments:
        if name == "--check":
            continue
        page = read(name)
        for unread in page.unread:
            print(f"{page.where(unread)}: {unread.problem}", file=sys.stderr)
        path, text = FACTS / f"{page.label}.yaml", dump(page)
        if check:
            current = path.exists() and path.read_text(encoding="utf-8") == text
            outdated += not current
            print(f"{path.name}: {'current' if current else 'outdated'}")
        else:
            write(path, text)
    return 1 if outdated else 0


def read(name: str) -> SourcePage:
    """What an argument names."""
    label, separator, path = name.partition("=")
    if separator:
        return read_source(Path(path), label)
    if Path(name).exists():
        return read_source(Path(name))
    return read_sdk(fetched(name), f"{VENDOR}@{name}")


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except CommandError as error:
        sys.exit(f"page_facts: {error}")
