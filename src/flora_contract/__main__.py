"""The command `flora-contract`, also as `python -m flora_contract`.

It comes with the client, and what it stands on only with an extra: without that, it says so.
"""

import sys

from flora_contract.errors import InputError, not_installed


def main() -> None:
    """Run a command."""
    try:
        from flora_contract import cli
    except ModuleNotFoundError as missing:
        print(f"flora-contract: {not_installed(missing)}", file=sys.stderr)
        sys.exit(InputError.exit_code)
    cli.main()


if __name__ == "__main__":
    main()
