"""Secrets, taken out of everything that is kept or shown. The one place that knows how."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

REDACTED = "[redacted]"

SECRET_HEADERS = frozenset(
    {"authorization", "proxy-authorization", "cookie", "set-cookie", "x-api-key", "api-key"}
)
"""Headers, in lower case, whose values are never kept."""

# What FLORA's keys and signing secrets look like, wherever they turn up.
_SECRET_SHAPES = re.compile(r"\b(?:sk_(?:live|test)_|whsec_)[A-Za-z0-9_-]+")


class Redactor:
    """Replaces known secrets, and whatever is shaped like one."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        # The longest first: a key may begin with another.
        self._secrets = sorted({s for s in secrets if s}, key=len, reverse=True)

    def text(self, text: str) -> str:
        """`text` without secrets."""
        for secret in self._secrets:
            text = text.replace(secret, REDACTED)
        return _SECRET_SHAPES.sub(REDACTED, text)

    def bytes(self, data: bytes) -> bytes:
        """`data` without secrets; what is not UTF-8 stays as it is."""
        for secret in self._secrets:
            data = data.replace(secret.encode(), REDACTED.encode())
        return _SECRET_SHAPES_IN_BYTES.sub(REDACTED.encode(), data)

    def headers(self, headers: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
        """Headers without those that carry secrets by their nature."""
        return tuple(
            (name, REDACTED if name.lower() in SECRET_HEADERS else self.text(value))
            for name, value in headers
        )


_SECRET_SHAPES_IN_BYTES = re.compile(_SECRET_SHAPES.pattern.encode())
