"""A request and its answer, free of any server: what the socket and ASGI both speak."""

from __future__ import annotations

import zlib
from functools import lru_cache
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

import orjson

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

MAX_BODY: Final = 1 << 20
"""Bytes that a request body may have, before and after it is unpacked."""

PIECES: Final = 10
"""What an answer falls into that drips."""

JSON: Final = "application/json"


class Rejection(Exception):  # noqa: N818 - an answer, named as one
    """Ends a request with an error; `fields` are the members that are wrong, and why.

    Without a code it is the one that the statements pair with the status.
    """

    def __init__(
        self,
        status: int,
        message: str,
        code: str = "",
        *,
        fields: Sequence[tuple[str, str]] = (),
        headers: tuple[tuple[str, str], ...] = (),
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code
        self.fields = fields
        self.headers = headers


class MalformedError(Exception):
    """The body of a request is no JSON; says why."""


class HTTPRequest:
    """One request as it came in.

    `fields` holds the headers as `fields_of` gives them. `origin` is scheme and authority as the
    client named them. `head` is how many bytes came before the body, at most. `value` is what
    `json` has read.
    """

    __slots__ = (
        *("body", "client", "fields", "head", "host", "method", "path", "query", "scheme", "value"),
    )

    def __init__(
        self,
        method: str,
        target: str,
        fields: dict[bytes, bytes],
        body: bytes,
        *,
        client: str,
        host: str,
        scheme: str = "http",
        head: int = 0,
    ) -> None:
        self.method = method
        self.path, _, self.query = target.partition("?")
        self.fields = fields
        self.body = body
        self.client = client
        self.host = host
        self.scheme = scheme
        self.head = head or size_of(target, fields)
        self.value: Any = None

    @property
    def origin(self) -> str:
        return f"{self.scheme}://{self.host}"

    def header(self, name: bytes) -> str:
        """Value of a header; empty when it did not come."""
        return self.fields.get(name, b"").decode("latin-1").strip()

    def json(self) -> Any:
        """The body as JSON. Raises MalformedError when it is none, and Rejection 413."""
        if self.fields.get(b"content-type", b"") not in {b"", b"application/json"}:
            media_type = self.header(b"content-type").partition(";")[0].strip().lower()
            if media_type not in {"", JSON}:
                raise MalformedError(f"Content-Type must be {JSON}.")
        try:
            self.value = orjson.loads(self.content())
        except orjson.JSONDecodeError as error:
            raise MalformedError(f"The body is not valid JSON: {error}.") from None
        return self.value

    def content(self) -> bytes:
        """The body, unpacked if it was sent as gzip. Raises as `json` does when it cannot be."""
        if b"content-encoding" not in self.fields:
            return self.body
        coding = self.header(b"content-encoding").lower()
        if coding in {"", "identity"}:
            return self.body
        if coding not in {"gzip", "x-gzip"}:
            raise MalformedError(f"Content-Encoding {coding!r} is not supported.")
        unpack = zlib.decompressobj(wbits=31)
        try:
            content = unpack.decompress(self.body, MAX_BODY + 1)
        except zlib.error:
            raise MalformedError("The body is not valid gzip.") from None
        if len(content) > MAX_BODY:
            raise too_large()
        if not unpack.eof:
            raise MalformedError("The gzip body is cut off.")
        return content


def fields_of(headers: list[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    """Headers by name; those that came several times are joined by a comma (RFC 9110, 5.3)."""
    fields = dict(headers)
    if len(fields) != len(headers):
        fields.clear()
        for name, value in headers:
            fields[name] = fields[name] + b", " + value if name in fields else value
    return fields


def size_of(target: str, fields: dict[bytes, bytes]) -> int:
    return len(target) + sum(map(len, fields)) + sum(map(len, fields.values()))


class HTTPResponse:
    """An answer, and how the connection is to treat it.

    `delay` is in seconds. `hang_up` closes the connection without a byte; `cut` closes it after
    that many bytes of the body. `drip` is how many seconds the pieces of the body take.
    """

    __slots__ = ("body", "content_type", "cut", "delay", "drip", "hang_up", "headers", "status")

    def __init__(
        self,
        status: int,
        body: bytes = b"",
        content_type: str = JSON,
        headers: tuple[tuple[str, str], ...] = (),
    ) -> None:
        self.status = status
        self.body = body
        self.content_type = content_type
        self.headers = headers
        self.delay = 0.0
        self.drip = 0.0
        self.hang_up = False
        self.cut: int | None = None


def not_found() -> Rejection:
    return Rejection(404, "Not found.")


def not_allowed(methods: Collection[str]) -> Rejection:
    """405 with the methods that there are; where there is GET, there is HEAD."""
    allowed = {*methods, "HEAD"} if "GET" in methods else methods
    headers = (("allow", ", ".join(sorted(allowed))),)
    return Rejection(405, "Method not allowed.", headers=headers)


def too_large() -> Rejection:
    message = f"The body is over the limit of {MAX_BODY} bytes."
    return Rejection(413, message, "payload_too_large")


def invalid_field(field: str, problem: str) -> Rejection:
    return Rejection(400, f"{field}: {problem}", fields=[(field, problem)])


def content_headers(response: HTTPResponse) -> tuple[tuple[str, str], ...]:
    """The headers that go with a body; a status without one has none (RFC 9110, 8.6)."""
    if response.status in {204, 304}:
        return ()
    length = ("content-length", str(len(response.body)))
    return (("content-type", response.content_type), length) if response.body else (length,)


def pieces_of(body: bytes) -> list[bytes]:
    size = -(-len(body) // PIECES) or 1
    return [body[start : start + size] for start in range(0, len(body), size)]


@lru_cache
def reason(status: int) -> str:
    """The reason phrase of a status; empty for one that has none."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""
