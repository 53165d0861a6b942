"""The facts that rows of docs/conflicts.md name, because the contract takes another reading."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from flora_contract.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

_ROW = re.compile(r"\|\s*(?:\[|<a[^>]*>)*\s*(C\d+)\b")
_FACT = re.compile(r"`([A-Z][\w-]* (?:API|GET|POST|PUT|PATCH|DELETE) [^`]+)`")


def explained(path: Path) -> dict[str, str]:
    """Facts, written `S003 GET /generations answer meta.total_estimate required true`, by row.

    A row is a line of a Markdown table that begins with a C-number. Raises InputError when the
    register cannot be read.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise InputError(f"{path}: not UTF-8") from None
    facts: dict[str, str] = {}
    for line in lines:
        if row := _ROW.match(line):
            facts |= dict.fromkeys(_FACT.findall(line), row[1])
    return facts
