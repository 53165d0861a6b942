"""Exit with 1 when openapi.yaml changed since the last tag and its version does not say so.

python scripts/check_version.py
"""

from __future__ import annotations

import sys

from flora_contract.diff.release.last_tag import since_last_tag
from flora_contract.diff.render.text import summary
from flora_contract.errors import CommandError


def main() -> None:
    try:
        comparison = since_last_tag()
    except CommandError as error:
        print(error, file=sys.stderr)
        sys.exit(error.exit_code)
    print("there is no tag yet" if comparison is None else summary(comparison))


if __name__ == "__main__":
    main()
