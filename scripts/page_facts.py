"""Read pages into src/flora_contract/documents/facts: python scripts/page_facts.py PAGE…

With --check nothing is written; the exit code is 1 when a page states other facts than are stored.
"""

from __future__ import annotations

import sys
from pathlib import Path

from flora_contract.documents.sources.read import facts_file, read_page
from flora_contract.errors import CommandError
from flora_contract.report.output import write


def main(arguments: list[str]) -> int:
    """Exit code: 0 done or current, 1 outdated, 2 a page that cannot be read."""
    check = "--check" in arguments
    outdated = 0
    for name in arguments:
        if name == "--check":
            continue
        page = read_page(Path(name))
        for unread in page.unread:
            print(f"{page.file}:{unread.line}: {unread.problem}", file=sys.stderr)
        path, text = facts_file(page)
        if check:
            current = path.exists() and path.read_text(encoding="utf-8") == text
            outdated += not current
            print(f"{path.name}: {'current' if current else 'outdated'}")
        else:
            write(path, text)
    return 1 if outdated else 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except CommandError as error:
        sys.exit(f"page_facts: {error}")
