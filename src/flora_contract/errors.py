"""Errors that end a command, each with its exit code.

CommandError          one line for the user, no traceback
 ├── InputError       2: wrong usage or unreadable input
 └── UnreachableError 3: the server could not be reached
"""

from __future__ import annotations


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
