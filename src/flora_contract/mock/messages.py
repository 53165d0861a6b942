"""A request and its answer, free of any server: what the socket and the ASGI door both speak."""

from __future__ import annotations

import zlib
from functools import lru_cache
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

import orjson

if TYPE_CHECKING:
    from collections.abc import Collection

MAX_BODY: Final = 1 << 20
"""Bytes that a request body may have, before and after it is unpacked."""

JSON: Final = "application/json"


class Refusal(Exception):  # noqa: N818 - an answer, named as one
    """Ends a request with the error envelope: `{error: {code, message, fields?}}`."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        fields: list[dict[str, str]] | None = None,
        headers: tuple[tuple[str, str], ...] = (),
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.fields = fields
        self.headers = headers

    def response(self) -> Response:
        error: dict[str, Any] = {"code": self.code, "message": self.message}
        if self.fields:
            error["fields"] = self.fields
        return Response(self.status, orjson.dumps({"error": error}), headers=self.headers)


def invalid(fields: list[dict[str, str]]) -> Refusal:
    """400 `input_validation_error`, one entry for each wrong field (S000)."""
    message = "; ".join(f"{entry['field']}: {entry['message']}" for entry in fields)
    return Refusal(400, "input_validation_error", message, fields=fields)


def invalid_field(field: str, reason: str) -> Refusal:
    return invalid([{"field": field, "message": reason}])


class Request:
    """One request as it came in.

    `fields` holds the headers as `fields_of` gives them. `origin` is scheme and authority as the
    client named them. `value` is what `json` has read.
    """

    __slots__ = ("body", "client", "fields", "host", "method", "path", "query", "scheme", "value")

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
    ) -> None:
        self.method = method
        self.path, _, self.query = target.partition("?")
        self.fields = fields
        self.body = body
        self.client = client
        self.host = host
        self.scheme = scheme
        self.value: Any = None

    @property
    def origin(self) -> str:
        return f"{self.scheme}://{self.host}"

    def header(self, name: bytes) -> str:
        """Value of a header; empty when it did not come."""
        return self.fields.get(name, b"").decode("latin-1").strip()

    def json(self) -> Any:
        """The body as JSON. Raises Refusal 400 `invalid_json` when it is none."""
        media_type = self.header(b"content-type").partition(";")[0].strip().lower()
        if media_type not in {"", JSON}:
            raise Refusal(400, "invalid_json", f"Content-Type must be {JSON}.")
        try:
            self.value = orjson.loads(self.content())
        except orjson.JSONDecodeError as error:
            message = f"The body is not valid JSON: {error}."
            raise Refusal(400, "invalid_json", message) from None
        return self.value

    def content(self) -> bytes:
        """The body, unpacked if it was sent as gzip. Raises Refusal when it cannot be."""
        coding = self.header(b"content-encoding").lower()
        if coding in {"", "identity"}:
            return self.body
        if coding not in {"gzip", "x-gzip"}:
            raise Refusal(400, "invalid_json", f"Content-Encoding {coding!r} is not supported.")
        unpack = zlib.decompressobj(wbits=31)
        try:
            content = unpack.decompress(self.body, MAX_BODY + 1)
        except zlib.error:
            raise Refusal(400, "invalid_json", "The body is not valid gzip.") from None
        if len(content) > MAX_BODY:
            raise too_large()
        if not unpack.eof:
            raise Refusal(400, "invalid_json", "The gzip body is cut off.")
        return content


def fields_of(headers: list[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    """Headers by name; those that came several times are joined by a comma (RFC 9110, 5.3)."""
    fields = dict(headers)
    if len(fields) != len(headers):
        fields.clear()
        for name, value in headers:
            fields[name] = fields[name] + b", " + value if name in fields else value
    return fields


class Response:
    """An answer, and how the connection is to treat it.

    `delay` is in seconds. `hang_up` closes the connection without a byte; `cut` closes it after
    that many bytes of the body.
    """

    __slots__ = ("body", "content_type", "cut", "delay", "hang_up", "headers", "status")

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
        self.hang_up = False
        self.cut: int | None = None


def not_found() -> Refusal:
    return Refusal(404, "not_found", "Not found.")


def not_allowed(methods: Collection[str]) -> Refusal:
    """405 with the methods that there are; where there is GET, there is HEAD."""
    allowed = {*methods, "HEAD"} if "GET" in methods else methods
    headers = (("allow", ", ".join(sorted(allowed))),)
    return Refusal(405, "method_not_allowed", "Method not allowed.", headers=headers)


def too_large() -> Refusal:
    message = f"The body is over the limit of {MAX_BODY} bytes."
    return Refusal(413, "payload_too_large", message)


def content_headers(response: Response) -> tuple[tuple[str, str], ...]:
    """The headers that go with a body; a status without one has none (RFC 9110, 8.6)."""
    if response.status in {204, 304}:
        return ()
    length = ("content-length", str(len(response.body)))
    return (("content-type", response.content_type), length) if response.body else (length,)


@lru_cache
def reason(status: int) -> str:
    """The reason phrase of a status; empty for one that has none."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""
