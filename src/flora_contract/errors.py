"""Errors that end a command, each with its exit code.

CommandError          one line for the user, no traceback
 ├── InputError       2: wrong usage or unreadable input
 └── UnreachableError 3: the server could not be reached

Any other exception is an error of ours: exit code 4.
"""

from __future__ import annotations

import traceback
from pathlib import Path

OURS = 4
"""The exit code of what should not have happened."""


class CommandError(Exception):
    """Ends a command with one line on stderr that names place, fault and remedy."""

    exit_code = 1


class InputError(CommandError):
    """Something the user gave cannot be used: a file, an option, a document."""

    exit_code = 2

    @classmethod
    def at(cls, file: object, line: int | None, problem: str) -> InputError:
        """An error at a line of a file: `openapi.yaml:12: …`."""
        place = f"{file}:{line}" if line is not None else f"{file}"
        return cls(f"{place}: {problem}")


class UnreachableError(CommandError):
    """A server that the user named gives no answer at all."""

    exit_code = 3


def of_ours(error: Exception) -> str:
    """One line for an exception that nothing expected: what it is, and where it was raised."""
    said = " ".join(str(error).split())[:300]
    frames = traceback.extract_tb(error.__traceback__)
    where = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    return (
        f"an error of ours: {type(error).__name__}{where}: {said or 'no message'}; please report it"
    )
