"""Any answer: that it comes, whole and in time, and is what the contract says of it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from flora_contract.conformance.exchange import NOT_JSON, at, seconds_asked
from flora_contract.conformance.oracle import Severity, Verdict, held, oracle, verdict
from flora_contract.conformance.refusals import code_of, codes_by_status
from flora_contract.openapi.behaviour import Statement
from flora_contract.openapi.contract import JSON
from flora_contract.report.redaction import REDACTED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from flora_contract.conformance.exchange import Exchange
    from flora_contract.conformance.ledger import Ledger

HUNG = "no answer in time"
"""How a failure begins that is a time-out of the answer."""

ERRORS = Statement(("x-errors",))


@oracle("answer-in-time", "answer")
def answer_in_time(exchange: Exchange, _ledger: Ledger) -> Iterator[Verdict]:
    """A request is answered before the time-out."""
    if exchange.operation is not None:
        hung = exchange.failure is not None and exchange.failure.startswith(HUNG)
        yield verdict(not hung, exchange, expected="an answer", seen=exchange.failure)


@oracle("answer-whole", "answer", source="RFC9112")
def answer_whole(exchange: Exchange, _ledger: Ledger) -> Iterator[Verdict]:
    """An answer comes whole: no reset, no body shorter or longer than announced."""
    if exchange.operation is None:
        return
    broken = exchange.failure is not None and not exchange.failure.startswith(HUNG)
    yield verdict(not broken, exchange, expected="a whole answer", seen=exchange.failure)
    response = exchange.response
    length = response.header("content-length") if response is not None else None
    if response is None or length is None or REDACTED.encode() in response.body:
        return
    if response.header("content-encoding") is None:
        yield verdict(
            length.isdecimal() and int(length) == len(response.body),
            exchange,
            expected=f"{length} bytes, as the header Content-Length says",
            seen=f"{len(response.body)} bytes",
        )


# What a schema can say

# id, keywords of JSON Schema, the rule
KEYWORDS = (
    ("schema-required", {"required"}, "Every required field is there."),
    ("schema-type", {"type"}, "Every field has its documented type."),
    ("schema-null", {"null"}, "Null stands only where the contract allows it."),
    ("schema-enum", {"enum", "const"}, "A field of a closed set has one of its values."),
    (
        "schema-range",
        {
            *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
            *("minLength", "maxLength", "minItems", "maxItems", "uniqueItems"),
            *("minProperties", "maxProperties"),
        },
        "Numbers and lengths are within their documented bounds.",
    ),
    ("schema-format", {"format"}, "A field with a format (a URI) is written in it."),
    ("schema-pattern", {"pattern"}, "Ids begin with the prefix of their kind."),
)


def _keyword_oracle(keywords: set[str]) -> Callable[[Exchange, Ledger], Iterator[Verdict]]:
    def judge(exchange: Exchange, _ledger: Ledger) -> Iterator[Verdict]:
        if not _has_documented_body(exchange):
            return
        assert exchange.operation is not None
        assert exchange.status is not None
        breaches = exchange.operation.endpoint.answer_breaches(exchange.status, exchange.answer)
        broken = [b for b in breaches if b.keyword in keywords]
        for b in broken:
            yield verdict(
                False,
                exchange,
                expected=f"{b.path or 'the body'} as the contract has it",
                seen=b.message,
                subject=f"{exchange.status} {b.path}".strip(),
            )
        if not broken:
            yield held(exchange)

    return judge


for _id, _keywords, _sentence in KEYWORDS:
    oracle(_id, "answer", sentence=_sentence)(_keyword_oracle(_keywords))


@oracle("tolerated-reading", "answer", severity=Severity.WARNING)
def tolerated_reading(exchange: Exchange, ledger: Ledger) -> Iterator[Verdict]:
    """An answer keeps the contract as it is written, where other sources of it would allow more."""
    if not _has_documented_body(exchange) or ledger.behaviour.written is ledger.behaviour.contract:
        return
    assert exchange.operation is not None
    assert exchange.status is not None
    endpoint = exchange.operation.endpoint
    if endpoint.answer_breaches(exchange.status, exchange.answer):
        return  # which others judge
    documented = endpoint.answer_members(exchange.status)
    written = ledger.behaviour.written.operations[endpoint.id]
    for breach in written.answer_breaches(exchange.status, exchange.answer):
        schema = documented[breach.path].schema if breach.path in documented else {}
        if "x-severity" not in schema:  # which is judged by itself
            yield verdict(
                False,
                exchange,
                expected=f"{breach.path} as the contract is written",
                seen=breach.message,
                subject=f"{exchange.status} {breach.path}",
                conflict=tuple(schema.get("x-conflict", ())),
            )
    yield held(exchange)


def _has_documented_body(exchange: Exchange) -> bool:
    if exchange.operation is None or exchange.status is None or exchange.answer is NOT_JSON:
        return False
    return exchange.operation.endpoint.answer_schema(exchange.status) is not None


@oracle("key-not-shown", "answer")
def key_not_shown(exchange: Exchange, _ledger: Ledger) -> Iterator[Verdict]:
    """No answer shows an API key."""
    if exchange.response is not None:
        yield verdict(
            not exchange.response.leaked,
            exchange,
            expected="no key in headers or body",
            seen="a key",
        )


@oracle("content-type", "answer")
def content_type(exchange: Exchange, _ledger: Ledger) -> Iterator[Verdict]:
    """An answer with a body is declared as application/json."""
    if exchange.operation is None or exchange.response is None or not exchange.response.body:
        return
    declared = exchange.response.header("content-type") or "none"
    yield verdict(
        declared.partition(";")[0].strip().lower() == JSON,
        exchange,
        expected=JSON,
        seen=declared,
        subject=str(exchange.status),
    )


@oracle("json-body", "answer")
def json_body(exchange: Exchange, _ledger: Ledger) -> Iterator[Verdict]:
    """An answer's body is one whole JSON text."""
    if exchange.operation is None or exchange.response is None or exchange.status == 204:
        return
    documented = exchange.operation.endpoint.answer_schema(exchange.response.status)
    body = exchange.response.body
    if body or documented is not None or exchange.status not in _statuses(exchange):
        yield verdict(
            exchange.answer is not NOT_JSON,
            exchange,
            expected="a JSON text",
            seen=f"{len(body)} bytes that are none: {body[:60]!r}",
            subject=str(exchange.status),
        )


@oracle("field-spelling", "answer")
def field_spelling(exchange: Exchange, _ledger: Ledger) -> Iterator[Verdict]:
    """A documented field keeps its name: snake_case does not become camelCase, nor the reverse."""
    documented = {_plain(path): path for path in _documented(exchange)}
    for path, _ in _undocumented(exchange):
        meant = documented.get(_plain(path))
        if meant is not None:
            yield verdict(False, exchange, expected=meant, seen=path, subject=meant)


def _plain(path: str) -> str:
    return re.sub(r"[-_]", "", path).lower()


@oracle("undocumented-field", "answer", severity=Severity.NOTE)
def undocumented_field(exchange: Exchange, _ledger: Ledger) -> Iterator[Verdict]:
    """Answers hold no field that the contract does not know."""
    for path, _ in _undocumented(exchange):
        yield verdict(False, exchange, expected="no such field", seen=path, subject=path)


def _documented(exchange: Exchange) -> dict[str, Any]:
    if exchange.operation is None or exchange.status is None:
        return {}
    return exchange.operation.endpoint.answer_members(exchange.status)


def _undocumented(exchange: Exchange) -> list[tuple[str, str]]:
    if not _has_documented_body(exchange):
        return []
    documented = _documented(exchange)
    found: dict[str, str] = {}

    def visit(value: object, prefix: str) -> None:
        if isinstance(value, list):
            for item in value:
                visit(item, f"{prefix}[]")
        elif isinstance(value, dict):
            for name, child in value.items():
                path = f"{prefix}.{name}" if prefix else name
                if path in documented:
                    visit(child, path)
                elif not _open(documented, prefix):
                    found.setdefault(path, name)

    visit(exchange.answer, "")
    return list(found.items())


def _open(documented: dict[str, Any], path: str) -> bool:
    """Whether a member holds whatever one likes."""
    schema = documented[path].schema if path in documented else {}
    return bool(schema.get("additionalProperties")) or (
        schema.get("type") == "object" and "properties" not in schema
    )


@oracle("stated-value", "answer", basis="x-answers")
def stated_value(exchange: Exchange, _ledger: Ledger) -> Iterator[Verdict]:
    """A member that is stated to have one value always has it."""
    if exchange.operation is None or not exchange.succeeded:
        return
    for path, value in exchange.operation.answers.items():
        seen = at(exchange.answer, path)
        yield verdict(seen == value, exchange, expected=value, seen=seen, subject=path)


# Statuses and errors


def _statuses(exchange: Exchange) -> frozenset[int]:
    return exchange.operation.endpoint.statuses if exchange.operation is not None else frozenset()


@oracle("status-documented", "answer")
def status_documented(exchange: Exchange, ledger: Ledger) -> Iterator[Verdict]:
    """An operation answers with a status that is documented for it."""
    # What was made before may come with 200 as well.
    if exchange.operation is None or exchange.status is None or exchange in ledger.replayed:
        return
    documented = _statuses(exchange)
    tolerated = exchange.status in ledger.behaviour.errors.also
    yield verdict(
        exchange.status in documented,
        exchange,
        expected="one of " + ", ".join(map(str, sorted(documented))),
        seen=exchange.status,
        subject=str(exchange.status),
        severity=Severity.WARNING if tolerated else None,
    )


@oracle("no-server-error", "exchange")
def no_server_error(exchange: Exchange, _ledger: Ledger) -> Iterator[Verdict]:
    """No request, however odd, makes the server fail."""
    if exchange.operation is None or exchange.status is None:
        return
    # The vendor itself measured 500 for a malformed id of a project (C21).
    malformed_id = any(b.location == "body" and b.keyword == "pattern" for b in exchange.breaches)
    yield verdict(
        exchange.status < 500,
        exchange,
        expected="an answer below 500",
        seen=exchange.status,
        subject=str(exchange.status),
        severity=Severity.WARNING if malformed_id and exchange.status == 500 else None,
    )


def _is_error(exchange: Exchange) -> bool:
    return exchange.operation is not None and exchange.status is not None and exchange.status >= 400


@oracle("error-envelope", "answer", basis="x-errors")
def error_envelope(exchange: Exchange, ledger: Ledger) -> Iterator[Verdict]:
    """Every error comes in the envelope that is stated."""
    envelope = (ledger.behaviour.errors.code or "").rpartition(".")[0]
    if _is_error(exchange) and ledger.behaviour.errors.code:
        found = at(exchange.answer, envelope) if envelope else exchange.answer
        yield verdict(
            isinstance(found, dict),
            exchange,
            expected=f"an object with the object `{envelope}`" if envelope else "an object",
            seen=_body(exchange),
            subject=str(exchange.status),
        )


def _text_oracle(name: str) -> Callable[[Exchange, Ledger], Iterator[Verdict]]:
    def judge(exchange: Exchange, ledger: Ledger) -> Iterator[Verdict]:
        path = getattr(ledger.behaviour.errors, name)
        if not _is_error(exchange) or path is None:
            return
        envelope = path.rpartition(".")[0]
        if isinstance(at(exchange.answer, envelope) if envelope else exchange.answer, dict):
            text = at(exchange.answer, path)
            yield verdict(
                isinstance(text, str) and text != "",
                exchange,
                expected=f"a {name}",
                seen=_body(exchange),
                subject=str(exchange.status),
            )

    return judge


for _name in ("code", "message"):
    oracle(
        f"error-{_name}",
        "answer",
        basis="x-errors",
        sentence=f"Every error has a {_name} that is a non-empty string.",
    )(_text_oracle(_name))


@oracle("error-code-fits-status", "answer", basis="x-errors, x-refusals")
def error_code_fits_status(exchange: Exchange, ledger: Ledger) -> Iterator[Verdict]:
    """An error's code is one that belongs to its status."""
    if not _is_error(exchange) or exchange.operation is None:
        return
    code, codes = code_of(exchange, ledger), codes_by_status(exchange.operation, ledger.behaviour)
    belonging = codes.get(exchange.status or 0)
    if isinstance(code, str) and code and belonging:
        yield verdict(
            code in belonging,
            exchange,
            expected=" or ".join(sorted(belonging)),
            seen=code,
            subject=str(exchange.status),
            # The set of codes is open: one that no statement knows may be new.
            severity=None if code in set().union(*codes.values()) else Severity.WARNING,
        )


A_DAY = 86_400.0


@oracle("retry-after", "answer", basis="x-errors.retry-after", source="RFC9110")
def retry_after(exchange: Exchange, ledger: Ledger) -> Iterator[Verdict]:
    """What an error asks to wait is whole seconds or a date, and less than a day."""
    name, response = ledger.behaviour.errors.retry_after, exchange.response
    text = response.header(name) if response is not None and name is not None else None
    if text is None or not _is_error(exchange):
        return
    asked = seconds_asked(text)
    yield verdict(
        asked is not None and asked < A_DAY,
        exchange,
        expected="seconds or a date" if asked is None else "less than a day",
        seen=text,
        subject=str(exchange.status),
        severity=None if asked is None else Severity.WARNING,
    )


@oracle("field-errors", "answer", basis="x-errors")
def field_errors(exchange: Exchange, ledger: Ledger) -> Iterator[Verdict]:
    """Each entry of the wrong fields names a field and says what is wrong with it."""
    errors = ledger.behaviour.errors
    fields = at(exchange.answer, errors.fields) if errors.fields is not None else None
    if not _is_error(exchange) or fields is None:
        return
    whole = isinstance(fields, list) and all(
        isinstance(f, dict)
        and isinstance(f.get(errors.field_name), str)
        and isinstance(f.get(errors.field_message), str)
        and f[errors.field_message]
        for f in fields
    )
    yield verdict(
        whole,
        exchange,
        expected=f"entries with the strings {errors.field_name} and {errors.field_message}",
        seen=fields,
    )


def _body(exchange: Exchange) -> str:
    body = exchange.response.body if exchange.response is not None else b""
    return body[:200].decode(errors="replace") or "an empty body"
