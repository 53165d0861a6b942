"""Recorded traffic: HAR files, HAR entries one a line, and VCR cassettes into a ledger; and back.

Whose key a request carried is told apart, and inferred: a key that got an answer of the 2xx kind is
valid. HAR files that the suite writes name its accounts.
"""

from __future__ import annotations

import base64
import binascii
import gzip
import json
import re
import zlib
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import yaml

from flora_contract.conformance.exchange import (
    ABSENT,
    PLUMBING,
    UNKNOWN,
    Credential,
    RecordedRequest,
    RecordedResponse,
    without_secrets,
)
from flora_contract.conformance.ledger import Ledger
from flora_contract.conformance.statements import load
from flora_contract.errors import InputError
from flora_contract.report.redaction import SECRET_HEADERS, Redactor

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from flora_contract.conformance.exchange import Exchange


GZIP = b"\x1f\x8b"
"""What a file begins with that is packed by gzip (RFC 1952, 2.3.1)."""

_FILTERED = re.compile(r"\[[A-Za-z]+\]|\*+")
"""What a recorder writes in place of a value; schemathesis takes Idempotency-Key for a secret."""


@dataclass(frozen=True)
class _Entry:
    started: float
    elapsed: float
    request: RecordedRequest
    response: RecordedResponse | None
    failure: str | None
    authorization: str | None
    account: Credential | None = None

    @property
    def welcome(self) -> bool:
        """Whether the answer shows that the server knows the key."""
        return self.response is not None and 200 <= self.response.status < 300


def read(files: Iterable[Path], base_url: str | None = None) -> Ledger:
    """Exchanges of all files in the order of time. Raises InputError for what cannot be read."""
    entries = sorted((e for f in files for e in _entries(f)), key=lambda e: e.started)
    behaviour = load(base_url)
    base = base_url.rstrip("/") if base_url is not None else behaviour.contract.base
    ledger = Ledger(behaviour, base)
    if base_url is not None:
        entries = [e for e in entries if _within(e.request.url, base)]
    accounts = _accounts(entries)
    for entry in entries:
        ledger.record(
            entry.request,
            entry.response,
            credential=_credential(entry, accounts),
            failure=entry.failure,
            started=entry.started - entries[0].started,
            elapsed=entry.elapsed,
            origin="recorded traffic",
        )
    if not any(e.operation is not None for e in ledger.exchanges):
        raise InputError(
            f"{', '.join(map(str, files))}: no request to an operation of the contract"
            + (f" under {base_url}" if base_url is not None else "; is --base-url needed?")
        )
    return ledger


def _accounts(entries: list[_Entry]) -> dict[str | None, Credential]:
    """Who is behind each key, as far as the answers tell.

    Where no request has a key, recorders have left them out.
    """
    keys = dict.fromkeys(e.authorization for e in entries)
    valid = {e.authorization for e in entries if e.welcome and not _is_filtered(e.authorization)}
    accounts: dict[str | None, Credential] = {
        key: Credential(f"account {number}", True if key in valid else None, UNKNOWN.header)
        for number, key in enumerate(keys, 1)
    }
    if None in keys:
        accounts[None] = ABSENT if len(keys) > 1 else UNKNOWN
    return accounts


def _credential(entry: _Entry, accounts: dict[str | None, Credential]) -> Credential:
    """Whose key it was; of a request whose body was perhaps left out, nothing follows from that."""
    credential = entry.account or accounts[entry.authorization]
    bodiless = entry.request.method in {"GET", "HEAD", "DELETE"}
    if bodiless or entry.request.body or entry.account is not None:
        return credential
    return replace(credential, accepted=None)


def _is_filtered(authorization: str | None) -> bool:
    return _FILTERED.fullmatch((authorization or "").rpartition(" ")[2]) is not None


def _within(url: str, base: str) -> bool:
    one, two = urlsplit(url), urlsplit(base)
    return (one.scheme, one.netloc) == (two.scheme, two.netloc) and one.path.startswith(two.path)


def _entries(path: Path) -> Iterator[_Entry]:
    text = _text(path)
    first, _, rest = text.lstrip().partition("\n")
    if rest.strip() and _is_entry(first):
        yield from _lines(path, text)
        return
    try:
        tree = json.loads(text) if text.lstrip().startswith("{") else _yaml(text)
    except ValueError as error:
        raise InputError(f"{path}: neither JSON nor YAML: {error}") from None
    try:
        if "log" in tree:
            yield from [_har_entry(e) for e in tree["log"]["entries"]]
        else:
            yield from [
                _vcr_entry(i, number) for number, i in enumerate(
                    tree.get("http_interactions") or tree["interactions"]
                )
            ]  # fmt: skip
    except (KeyError, TypeError, ValueError, AttributeError, binascii.Error) as error:
        raise InputError(
            f"{path}: not a HAR file and not a VCR cassette: {type(error).__name__} at {error}"
        ) from None


def _text(path: Path) -> str:
    """What a file says, unpacked where it is packed by gzip. Raises InputError."""
    try:
        content = path.read_bytes()
        if content.startswith(GZIP):
            content = gzip.decompress(content)
        return content.decode("utf-8-sig")
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise InputError(f"{path}: not whole gzip: {error}") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8 at byte {error.start}") from None


def _is_entry(line: str) -> bool:
    try:
        value = json.loads(line)
    except ValueError:
        return False
    return isinstance(value, dict) and "request" in value


def _lines(path: Path, text: str) -> Iterator[_Entry]:
    """HAR entries, one a line. Raises InputError with the line."""
    for number, line in enumerate(text.splitlines(), 1):
        try:
            if line.strip():
                yield _har_entry(json.loads(line))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            problem = f"no HAR entry: {type(error).__name__} at {error}"
            raise InputError.at(path, number, problem) from None


def _yaml(text: str) -> Any:
    try:
        tree = yaml.load(text, Loader=yaml.CSafeLoader)
    except yaml.MarkedYAMLError as error:
        line = f"line {error.problem_mark.line + 1}: " if error.problem_mark is not None else ""
        raise ValueError(f"{line}{error.problem}") from None
    except yaml.YAMLError as error:
        raise ValueError(str(error).partition("\n")[0]) from None
    if not isinstance(tree, dict):
        raise ValueError("no mapping at the top")  # noqa: TRY004 - of the file, not of an argument
    return tree


def _har_entry(entry: dict[str, Any]) -> _Entry:
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


def _vcr_entry(interaction: dict[str, Any], number: int) -> _Entry:
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
) -> _Entry:
    redactor = Redactor()
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
    return _Entry(
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
