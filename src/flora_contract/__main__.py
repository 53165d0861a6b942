"""The command `flora-contract`, also as `python -m flora_contract`.

The command is installed with the client, its dependencies with an extra.
"""

import sys

from flora_contract.commands import not_installed
from flora_contract.errors import InputError


def main() -> None:
    """Run a command."""
    try:
        from flora_contract import cli
    except ModuleNotFoundError as missing:
        print(f"flora-contract: {not_installed(missing, sys.argv[1:])}", file=sys.stderr)
        sys.exit(InputError.exit_code)
    cli.main()


if __name__ == "__main__":
    main()
