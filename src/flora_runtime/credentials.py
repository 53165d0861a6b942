"""Where the key may go, and how it is kept."""

from __future__ import annotations

import ipaddress
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

from attrs import frozen

from flora_runtime.errors import InvalidArgumentError, UnsafeURLError

KeySource = str | Callable[[], str] | Callable[[], Awaitable[str]]
"""An API key, or a function that is asked for it before each request."""


def checked_key(key: object) -> str:
    """The key, where it can be sent as a header. Never shown in an error."""
    if not isinstance(key, str) or not key:
        raise InvalidArgumentError("the API key is empty or not a string; use it as it was issued")
    if not all("!" <= character <= "~" for character in key):
        raise InvalidArgumentError(
            "the API key contains a space, a control character or one outside ASCII;"
            " is there a line break at its end?"
        )
    return key


class Secret(str):
    """Text that is not shown where a value is, as in the locals of a traceback."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'***'"


class Key:
    """The API key. It has no repr, is not pickled, and is checked each time it is read."""

    def __init__(self, source: KeySource) -> None:
        self._source = source if callable(source) else Secret(checked_key(source))

    async def read(self, settle: Callable[[Any], Awaitable[Any]]) -> Secret:
        """The key for the next request."""
        if isinstance(self._source, Secret):
            return self._source
        return Secret(checked_key(await settle(self._source())))

    def __repr__(self) -> str:
        return "Key(…)"

    def __reduce__(self) -> Any:
        raise TypeError("a key cannot be pickled")


@frozen
class Origin:
    """The server that the key is for."""

    base_url: str
    """Without a slash at its end."""

    @classmethod
    def of(cls, base_url: str) -> Origin:
        """Raises UnsafeURLError where a key must not be sent."""
        if "://" not in base_url:
            raise UnsafeURLError("base_url must begin with https://, as in https://api.example/v1")
        parts = _split(base_url)
        if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(parts.hostname)):
            raise UnsafeURLError(
                f"base_url must begin with https:// ({_shown(base_url)}): a key is sent over plain"
                " http to this machine only"
            )
        if parts.username or parts.password or parts.query or parts.fragment:
            raise UnsafeURLError("base_url must not contain a user, query or fragment")
        return cls(base_url.rstrip("/"))

    def url(self, path: str) -> str:
        """The URL of a path below the base; a whole URL, which must be on this server, is kept.

        Raises UnsafeURLError.
        """
        if path.startswith("/"):
            return self.base_url + path
        if not self.holds(path):
            raise UnsafeURLError(f"the key is for {self.base_url} only; give a path, as in '/runs'")
        return path

    def holds(self, url: str) -> bool:
        """Whether a URL has the same scheme, host and port, and names no user."""
        try:
            own, other = _split(self.base_url), _split(url)
        except UnsafeURLError:
            return False
        return _address(own) == _address(other) and other.username is None

    @property
    def is_loopback(self) -> bool:
        """Whether the server is on this machine."""
        return is_loopback(_split(self.base_url).hostname)


def is_loopback(host: str | None) -> bool:
    """Whether a host is this machine."""
    if host is None:
        return False
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def check_file_url(url: str, origin: Origin) -> str:
    """A URL that a file may come from: https, or http on this machine where the API is there too.

    Raises UnsafeURLError.
    """
    parts = _split(url)
    local = origin.is_loopback and is_loopback(parts.hostname)
    if parts.scheme != "https" and not (parts.scheme == "http" and local):
        raise UnsafeURLError(f"a file is fetched over https only, not from {_shown(url)}")
    return url


def _split(url: str) -> Any:
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018  raises where it is no number
    except ValueError:
        raise UnsafeURLError(f"not a URL: {url[:40]!r}") from None
    if not parts.hostname or any(c.isspace() or not c.isprintable() for c in url) or "\\" in url:
        raise UnsafeURLError(f"not a URL with a host: {url[:40]!r}")
    return parts


def _address(parts: Any) -> tuple[str, str, int | None]:
    default = {"https": 443, "http": 80}.get(parts.scheme)
    return parts.scheme, parts.hostname, parts.port if parts.port is not None else default


def _shown(url: str) -> str:
    """A URL without what may be secret in it."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname}"
