"""Where a command's answer goes: to stdout, or whole into a file."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from flora_contract.errors import InputError


def deliver(text: str, output: Path | None) -> None:
    """Write `text` to the file `output`, or to stdout when it is None."""
    if output is None:
        sys.stdout.write(text if text.endswith("\n") else text + "\n")
    else:
        write(output, text)


def write(path: Path, text: str) -> None:
    """Replace a file at once: readers see the old text or the new one, never half of it.

    Raises InputError when the file cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror}") from None
    temporary = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(path)
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror}") from None
    finally:
        temporary.unlink(missing_ok=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
