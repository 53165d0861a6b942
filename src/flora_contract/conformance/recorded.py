"""Recorded traffic: HAR files, HAR entries one a line, and VCR cassettes; and a ledger as HAR."""

from __future__ import annotations

import base64
import codecs
import json
import re
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from itertools import chain
from operator import attrgetter
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import orjson
import yaml

from flora_contract.conformance.exchange import (
    PLUMBING,
    Credential,
    RecordedRequest,
    RecordedResponse,
    without_secrets,
)
from flora_contract.openapi.document import Document
from flora_contract.openapi.reading import SourceText
from flora_contract.report.redaction import SECRET_HEADERS, Redactor

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from flora_contract.conformance.exchange import Exchange
    from flora_contract.conformance.ledger import Ledger
    from flora_contract.conformance.lines import Lines
    from flora_contract.openapi.document import Pointer


_FILTERED = re.compile(r"\[[A-Za-z]+\]|\*+")
"""What a recorder writes in place of a value; schemathesis takes Idempotency-Key for a secret."""


@dataclass(frozen=True)
class Entry:
    """An exchange as it was recorded: `started` is in seconds since 1970, the key is still in it.

    `account` is who made the request, where the recording names him.
    """

    started: float
    elapsed: float
    request: RecordedRequest
    response: RecordedResponse | None
    failure: str | None
    authorization: str | None
    account: Credential | None = None

    @property
    def was_accepted(self) -> bool:
        """Whether the answer shows that the server knows the key, and the key is shown."""
        key = (self.authorization or "").rpartition(" ")[2]
        answered = self.response is not None and 200 <= self.response.status < 300
        return answered and _FILTERED.fullmatch(key) is None


def entries(lines: Lines) -> list[Entry] | Iterator[Entry]:
    """What a file holds: read as a stream where it is one exchange a line, else in order of time.

    Raises InputError with the line that cannot be read.
    """
    read = lines.whole()
    before, first = b"", next(read, b"").removeprefix(codecs.BOM_UTF8)
    while first.isspace():
        before, first = before + b"\n", next(read, b"")
    if _is_entry(first):
        return (e for e in _each(chain([first], read), lines) if e is not None)
    return sorted(_all(before + first + b"".join(read), lines), key=attrgetter("started"))


def followed(lines: Lines) -> Iterator[Entry | None]:
    """Exchanges, one a line, as they are written; None where there is no other as yet."""
    return _each(lines.followed(), lines)


def _is_entry(line: bytes) -> bool:
    try:
        value = orjson.loads(line)
    except ValueError:
        return False
    return isinstance(value, dict) and "request" in value


def _each(read: Iterable[bytes | None], lines: Lines) -> Iterator[Entry | None]:
    """HAR entries, one a line."""
    for line in read:
        try:
            if line is None or not line.isspace():
                yield None if line is None else _har_entry(orjson.loads(line))
        except _FAULTS as error:
            raise lines.error(f"no exchange: {_told(error)}") from None


def _all(content: bytes, lines: Lines) -> list[Entry]:
    """The entries of a HAR file, or the interactions of a VCR cassette."""
    text = _decoded(content, lines)
    tree = _tree(text, lines)
    is_har = "log" in tree
    name = "http_interactions" if "http_interactions" in tree else "interactions"
    pointer: Pointer = ("log", "entries") if is_har else (name,)
    read = []
    try:
        for number, exchange in enumerate(tree["log"]["entries"] if is_har else tree[name]):
            pointer = ("log", "entries", number) if is_har else (name, number)
            read.append(_har_entry(exchange) if is_har else _vcr_entry(exchange, number))
    except _FAULTS as error:
        line = Document(tree, lines.name, SourceText(text, lines.name).place).locate(pointer).line
        problem = f"not a HAR file and not a VCR cassette: {_told(error)}"
        raise lines.error(problem, line) from None
    return read


_FAULTS = (KeyError, TypeError, ValueError, AttributeError, OverflowError)
"""What is raised where something is missing, or is something else."""


def _told(error: Exception) -> str:
    return f"{error} is missing" if isinstance(error, KeyError) else str(error)


def _decoded(content: bytes, lines: Lines) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise lines.error("not UTF-8; save it as UTF-8", line) from None


def _tree(text: str, lines: Lines) -> dict[str, Any]:
    """A mapping in JSON or YAML."""
    problem = "neither JSON nor YAML"
    try:
        is_json = text.lstrip().startswith("{")
        tree = orjson.loads(text) if is_json else yaml.load(text, Loader=yaml.CSafeLoader)
    except orjson.JSONDecodeError as error:
        raise lines.error(f"{problem}: {error.msg}", error.lineno) from None
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark is not None else 1
        raise lines.error(f"{problem}: {error.problem}", line) from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise lines.error(f"{problem}: {str(error).partition(chr(10))[0]}", 1) from None
    if not isinstance(tree, dict):
        raise lines.error(f"{problem}: no mapping at the top", 1)
    return tree


def _har_entry(entry: dict[str, Any]) -> Entry:
    asked, got = entry["request"], entry["response"]
    post = asked.get("postData") or {}
    content = got.get("content") or {}
    body = content.get("text") or ""
    whole = base64.b64decode(body) if content.get("encoding") == "base64" else body.encode()
    account = entry.get("_account")
    read = _entry(
        started=_seconds(entry["startedDateTime"]),
        elapsed=float(entry.get("time") or 0) / 1000,
        method=asked["method"],
        url=asked["url"],
        headers=[(h["name"], h["value"]) for h in asked.get("headers", ())],
        body=(post.get("text") or "").encode(),
        status=int(got["status"]),
        answer_headers=[(h["name"], h["value"]) for h in got.get("headers", ())],
        answer=whole,
    )
    return replace(read, account=Credential(**account)) if account is not None else read


def _vcr_entry(interaction: dict[str, Any], number: int) -> Entry:
    asked, got = interaction["request"], interaction.get("response")
    recorded = interaction.get("recorded_at")
    status = got["status"] if got else 0
    return _entry(
        started=_seconds(str(recorded)) if recorded else float(number),
        elapsed=float((got or {}).get("elapsed") or 0),
        method=asked["method"],
        url=asked["uri"],
        headers=_vcr_headers(asked),
        body=_vcr_body(asked),
        status=int(status["code"] if isinstance(status, dict) else status),
        answer_headers=_vcr_headers(got or {}),
        answer=_vcr_body(got or {}),
    )


def _vcr_headers(message: dict[str, Any]) -> list[tuple[str, str]]:
    return [
        (name, str(value))
        for name, values in (message.get("headers") or {}).items()
        for value in (values if isinstance(values, list) else [values])
    ]


def _vcr_body(message: dict[str, Any]) -> bytes:
    body = message.get("body")
    if not isinstance(body, dict):
        return body if isinstance(body, bytes) else str(body or "").encode()
    if (encoded := body.get("base64_string")) is not None:
        return base64.b64decode(encoded)
    text = body.get("string") or ""
    return text if isinstance(text, bytes) else str(text).encode()


def _entry(
    *,
    started: float,
    elapsed: float,
    method: str,
    url: str,
    headers: list[tuple[str, str]],
    body: bytes,
    status: int,
    answer_headers: list[tuple[str, str]],
    answer: bytes,
) -> Entry:
    redactor = Redactor()
    urlsplit(url)  # raises ValueError for what is none
    kept = [
        (n, v)
        for n, v in headers
        if n.lower() not in SECRET_HEADERS | PLUMBING and not _FILTERED.fullmatch(v)
    ]
    # Recorders decode a body and join its chunks, but leave the headers that spoke of them.
    plain = [
        (n, v)
        for n, v in answer_headers
        if n.lower() not in {"content-length", "content-encoding", "transfer-encoding"}
    ]
    return Entry(
        started=started,
        elapsed=elapsed,
        request=RecordedRequest(
            method.upper(), redactor.text(url), redactor.headers(kept), redactor.bytes(body)
        ),
        # Recorders write status 0 where no answer came.
        response=without_secrets(status, plain, answer, redactor) if status else None,
        failure=None if status else "broken answer: none was recorded",
        authorization=next((v for n, v in headers if n.lower() == "authorization"), None),
    )


def _seconds(text: str) -> float:
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def har(ledger: Ledger) -> str:
    """The ledger as a HAR 1.2 file, without keys. Its times count from 1970."""
    entries = [_as_har(exchange) for exchange in ledger.exchanges]
    log = {
        "version": "1.2",
        "creator": {"name": "flora-contract", "version": "1"},
        "entries": entries,
    }
    return json.dumps({"log": log}, indent=1) + "\n"


def _as_har(exchange: Exchange) -> dict[str, Any]:
    request, response = exchange.request, exchange.response
    asked: dict[str, Any] = {
        "method": request.method,
        "url": request.url,
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": [{"name": n, "value": v} for n, v in request.headers],
        "queryString": [
            {"name": n, "value": v} for n, values in request.query.items() for v in values
        ],
        "headersSize": -1,
        "bodySize": len(request.body),
    }
    if request.body:
        asked["postData"] = {
            "mimeType": request.header("content-type") or "",
            "text": request.body.decode(errors="replace"),
        }
    body = response.body if response is not None else b""
    return {
        "startedDateTime": datetime.fromtimestamp(exchange.started, UTC).isoformat(),
        # Names of HAR's own do not begin so. It holds no key.
        "_account": asdict(exchange.credential),
        "time": round(exchange.elapsed * 1000, 3),
        "request": asked,
        "response": {
            "status": exchange.status or 0,
            "statusText": "",
            "httpVersion": "HTTP/1.1",
            "cookies": [],
            "headers": [{"name": n, "value": v} for n, v in (response.headers if response else ())],
            "content": {
                "size": len(body),
                "mimeType": (response.header("content-type") if response else None) or "",
                "encoding": "base64",
                "text": base64.b64encode(body).decode(),
            },
            "redirectURL": "",
            "headersSize": -1,
            "bodySize": len(body),
        },
        "cache": {},
        "timings": {"send": 0, "wait": round(exchange.elapsed * 1000, 3), "receive": 0},
    }
