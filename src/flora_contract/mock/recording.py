"""HAR files: what was said is written to one, and answered from one."""

from __future__ import annotations

import base64
import binascii
from collections import defaultdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import orjson

from flora_contract.errors import InputError
from flora_contract.mock.http.messages import (
    HTTPRequest,
    HTTPResponse,
    Rejection,
    content_headers,
    reason,
)
from flora_contract.report.redaction import Redactor

if TYPE_CHECKING:
    from pathlib import Path

    from flora_contract.openapi.behaviour import OperationBehaviour

_END: Final = b"\n]}}\n"


class Recorder:
    """Writes a HAR 1.2 file that is whole after each exchange. No key is written."""

    def __init__(self, path: Path) -> None:
        if path.exists() and not path.is_file():  # its end is written anew with each exchange
            raise InputError(f"{path}: is no regular file, which a recording needs")
        try:
            self._file = path.open("wb")
        except OSError as error:
            raise InputError(f"{path}: cannot be written: {error.strerror}") from None
        creator = b'{"name": "flora-contract", "version": "1"}'
        self._file.write(b'{"log": {"version": "1.2", "creator": %b, "entries": [' % creator)
        self._file.write(_END)
        self._file.flush()
        self._separator = b"\n"
        self._redactor = Redactor()

    def add(
        self, request: HTTPRequest, body: bytes, response: HTTPResponse, at: int, seconds: float
    ) -> None:
        """`at` is epoch milliseconds of the mock's clock."""
        entry = orjson.dumps(self._entry(request, body, response, at, seconds))
        self._file.seek(-len(_END), 2)
        self._file.write(self._separator + entry + _END)
        self._file.flush()
        self._separator = b",\n"

    def close(self) -> None:
        self._file.close()

    def _entry(
        self, request: HTTPRequest, sent: bytes, response: HTTPResponse, at: int, seconds: float
    ) -> dict[str, Any]:
        url = f"{request.origin}{request.path}" + f"?{request.query}" * bool(request.query)
        came = [(n.decode("latin-1"), v.decode("latin-1")) for n, v in request.fields.items()]
        asked = {
            "method": request.method,
            "url": self._redactor.text(url),
            "httpVersion": "HTTP/1.1",
            "cookies": [],
            "headers": self._headers(came),
            "queryString": [],
            "headersSize": -1,
            "bodySize": len(sent),
        }
        if sent:
            text = self._redactor.bytes(sent).decode("utf-8", "replace")
            asked["postData"] = {"mimeType": request.header(b"content-type"), "text": text}
        body = self._redactor.bytes(response.body)
        return {
            "startedDateTime": datetime.fromtimestamp(at / 1000, UTC).isoformat(),
            "time": round(seconds * 1000, 3),
            "request": asked,
            "response": {
                "status": 0 if response.hang_up else response.status,
                "statusText": reason(response.status),
                "httpVersion": "HTTP/1.1",
                "cookies": [],
                "headers": self._headers([*content_headers(response), *response.headers]),
                "content": {
                    "size": len(body),
                    "mimeType": response.content_type,
                    "encoding": "base64",
                    "text": base64.b64encode(body).decode(),
                },
                "redirectURL": "",
                "headersSize": -1,
                "bodySize": len(body),
            },
            "cache": {},
            "timings": {"send": 0, "wait": round(seconds * 1000, 3), "receive": 0},
        }

    def _headers(self, headers: list[tuple[str, str]]) -> list[dict[str, str]]:
        return [{"name": n, "value": v} for n, v in self._redactor.headers(headers)]


class Replay:
    """Answers from a HAR file: those to the same request in turn, and the last one from then on.

    A request is the same by method, path, query and body; where nobody sent that body, by the rest.
    """

    def __init__(self, path: Path) -> None:
        self._answers: defaultdict[tuple[str, ...], list[HTTPResponse]] = defaultdict(list)
        self._given: defaultdict[tuple[str, ...], int] = defaultdict(int)
        self._origins: set[bytes] = set()
        try:
            entries = orjson.loads(path.read_bytes())["log"]["entries"]
            for entry in entries:
                self._add(entry["request"], entry["response"])
        except OSError as error:
            raise InputError(f"{path}: cannot be read: {error.strerror}") from None
        except (ValueError, KeyError, TypeError, AttributeError, binascii.Error) as error:
            raise InputError(f"{path}: not a HAR file: {type(error).__name__} at {error}") from None

    def forward(
        self, _: OperationBehaviour | None, request: HTTPRequest
    ) -> tuple[HTTPResponse, list[str]]:
        """What was answered, with this server's address in place of the recorded one's.

        Raises Rejection 404 where nothing was.
        """
        text = Redactor().bytes(request.body).decode("utf-8", "replace")
        asked = request.method, request.path, request.query
        key = next((k for k in ((*asked, text), asked) if k in self._answers), None)
        if key is None:
            raise Rejection(404, "No such request was recorded.")
        answers = self._answers[key]
        found = answers[min(self._given[key], len(answers) - 1)]
        self._given[key] += 1
        body = found.body
        for origin in self._origins:
            body = body.replace(origin, request.origin.encode())
        response = HTTPResponse(found.status, body, found.content_type, found.headers)
        response.hang_up = not found.status
        return response, []

    async def close(self) -> None:
        """There is nothing to close."""

    def _add(self, asked: dict[str, Any], got: dict[str, Any]) -> None:
        url = urlsplit(asked["url"])
        self._origins.add(f"{url.scheme}://{url.netloc}".encode())
        content = got.get("content") or {}
        text = content.get("text") or ""
        body = base64.b64decode(text) if content.get("encoding") == "base64" else text.encode()
        headers = tuple(
            (header["name"], header["value"])
            for header in got.get("headers", ())
            if header["name"].lower() not in _OF_THE_MESSAGE
        )
        kind = content.get("mimeType") or "application/json"
        answer = HTTPResponse(int(got["status"]), body, kind, headers)
        said = asked["method"], url.path, url.query
        sent = (asked.get("postData") or {}).get("text") or ""
        self._answers[*said, sent].append(answer)
        self._answers[said].append(answer)


_OF_THE_MESSAGE: Final = {
    *("content-type", "content-length", "content-encoding", "transfer-encoding", "connection"),
    *("date", "keep-alive"),
}
