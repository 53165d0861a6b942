"""Say what has changed in the contract since the last release, and that its version follows.

Exit code 1 when info.version of openapi.yaml is lower than the changes ask for.
"""

from __future__ import annotations

import sys

from flora_contract.diff.release import since_last_tag
from flora_contract.errors import CommandError


def main() -> int:
    """Compare the working tree with the last tag."""
    try:
        comparison = since_last_tag()
    except CommandError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    if comparison is None:
        print("openapi.yaml: no release to compare with")
    else:
        print(f"openapi.yaml: {len(comparison.changes)} changes, and a version that follows them")
    return 0


if __name__ == "__main__":
    sys.exit(main())
