"""The two consoles: what a command answers goes to stdout, what it says meanwhile to stderr."""

from __future__ import annotations

import io

from rich.console import Console

PLAIN_WIDTH = 100


def printable(text: str) -> str:
    """Text of somebody else as it can be shown: control characters stand as escapes."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def answers() -> Console:
    """For the command's answer. Colour on a terminal only, and not under NO_COLOR."""
    return Console(highlight=False, soft_wrap=False)


def progress() -> Console:
    """For progress and logs."""
    return Console(stderr=True, highlight=False)


def plain(width: int = PLAIN_WIDTH) -> Console:
    """Writes into memory, without colour: `console.file.getvalue()` is the text."""
    return Console(file=io.StringIO(), width=width, color_system=None, highlight=False)
