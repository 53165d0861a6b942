"""Statuses, and the envelope that every error comes in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flora_contract.conformance.contract import ACCEPTED_BY_CONFLICT, CREATE, GET_RUN, LIST
from flora_contract.conformance.exchange import BROKE
from flora_contract.conformance.oracle import Severity, Verdict, oracle, verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from flora_contract.conformance.exchange import Exchange
    from flora_contract.conformance.ledger import Ledger

CODES: dict[int, frozenset[str]] = {
    400: frozenset({"input_validation_error", "invalid_json"}),
    401: frozenset({"unauthorized", "invalid_api_key"}),
    402: frozenset({"insufficient_credits"}),
    403: frozenset({"forbidden", "paid_plan_required"}),
    404: frozenset({"not_found"}),
    409: frozenset({"idempotency_duplicate", "conflict"}),
    422: frozenset({"idempotency_conflict"}),
    429: frozenset({"rate_limited"}),
    500: frozenset({"unknown_error", "internal_error"}),
    503: frozenset({"service_unavailable"}),
}
"""Codes that any document pairs with a status."""

_KNOWN = frozenset().union(*CODES.values())


def _is_error(exchange: Exchange) -> bool:
    return exchange.operation is not None and exchange.status is not None and exchange.status >= 400


@oracle("status-documented", "exchange", source="S000 SPEC160", conflict="C17")
def status_documented(exchange: Exchange, ledger: Ledger) -> Iterator[Verdict]:
    """An operation answers with a status that is documented for it."""
    if exchange.operation is None or exchange.status is None or exchange in ledger.replayed:
        return
    documented = ledger.contract.operations[exchange.operation].statuses
    yield verdict(
        exchange.status in documented,
        exchange,
        expected="one of " + ", ".join(map(str, sorted(documented))),
        seen=exchange.status,
        subject=str(exchange.status),
        severity=Severity.WARNING if exchange.status in ACCEPTED_BY_CONFLICT else None,
    )


@oracle("created-201", "exchange", source="S001 SPEC160", conflict="C5 C11")
def created_201(exchange: Exchange, ledger: Ledger) -> Iterator[Verdict]:
    """A generation is started with 201."""
    # What was started before may come with 200 (C5).
    if exchange.operation in CREATE and exchange.succeeded and exchange not in ledger.replayed:
        yield verdict(exchange.status == 201, exchange, expected="201", seen=exchange.status)


@oracle("read-200", "exchange", source="S002 S003")
def read_200(exchange: Exchange, _ledger: Ledger) -> Iterator[Verdict]:
    """What is read comes with 200."""
    if exchange.operation in {GET_RUN, LIST} and exchange.succeeded:
        yield verdict(exchange.status == 200, exchange, expected="200", seen=exchange.status)


@oracle("no-credits-402", "exchange", source="S000 S001")
def no_credits_402(exchange: Exchange, ledger: Ledger) -> Iterator[Verdict]:
    """A valid request of an account without credits is refused with 402."""
    if exchange.operation not in CREATE or exchange.credential != BROKE or not exchange.decided:
        return
    endpoint = ledger.contract.operations[exchange.operation]
    # 403 and 404 say that the workspace is not this account's, which is for the caller to mend.
    if exchange.status not in {401, 403, 404} and not endpoint.request_breaches(
        exchange.request, exchange.path_parameters
    ):
        yield verdict(exchange.status == 402, exchange, expected="402", seen=exchange.status)


@oracle("no-server-error", "exchange", source="S000 S001", conflict="C21")
def no_server_error(exchange: Exchange, ledger: Ledger) -> Iterator[Verdict]:
    """No request, however odd, makes the server fail."""
    if exchange.operation is None or exchange.status is None:
        return
    endpoint = ledger.contract.operations[exchange.operation]
    malformed_id = exchange.operation in CREATE and any(
        b.keyword == "pattern"
        for b in endpoint.request_breaches(exchange.request, exchange.path_parameters)
    )
    yield verdict(
        exchange.status < 500,
        exchange,
        expected="an answer below 500",
        seen=exchange.status,
        subject=str(exchange.status),
        # The vendor itself measured 500 for a malformed project id.
        severity=Severity.WARNING if malformed_id and exchange.status == 500 else None,
    )


@oracle("error-envelope", "exchange", source="S000", conflict="C20")
def error_envelope(exchange: Exchange, _ledger: Ledger) -> Iterator[Verdict]:
    """Every error comes in the envelope `{error: {…}}`."""
    if _is_error(exchange):
        yield verdict(
            isinstance(exchange.answer_object.get("error"), dict),
            exchange,
            expected="an object with the object `error`",
            seen=_body(exchange),
            subject=str(exchange.status),
        )


def _text_oracle(name: str) -> Callable[[Exchange, Ledger], Iterator[Verdict]]:
    def judge(exchange: Exchange, _ledger: Ledger) -> Iterator[Verdict]:
        error = exchange.answer_object.get("error")
        if _is_error(exchange) and isinstance(error, dict):
            text = error.get(name)
            yield verdict(
                isinstance(text, str) and text != "",
                exchange,
                expected=f"a {name}",
                seen=_body(exchange),
                subject=str(exchange.status),
            )

    return judge


for _name, _conflict in (("code", "C17"), ("message", "")):
    oracle(
        f"error-{_name}",
        "exchange",
        source="S000",
        conflict=_conflict,
        sentence=f"Every error has a {_name} that is a non-empty string.",
    )(_text_oracle(_name))


@oracle("error-code-fits-status", "exchange", source="S000 SPEC160", conflict="C17 C18 C19")
def error_code_fits_status(exchange: Exchange, _ledger: Ledger) -> Iterator[Verdict]:
    """An error's code is one that belongs to its status."""
    error = exchange.answer_object.get("error")
    if not _is_error(exchange) or not isinstance(error, dict):
        return
    code, status = error.get("code"), exchange.status
    if isinstance(code, str) and code and status in CODES:
        yield verdict(
            code in CODES[status],
            exchange,
            expected=" or ".join(sorted(CODES[status])),
            seen=code,
            subject=str(status),
            # The set of codes is open: one that no document knows may be new.
            severity=None if code in _KNOWN else Severity.WARNING,
        )


@oracle("field-errors", "exchange", source="S000", conflict="C20")
def field_errors(exchange: Exchange, _ledger: Ledger) -> Iterator[Verdict]:
    """Each entry of `fields` names a field and says what is wrong with it."""
    error = exchange.answer_object.get("error")
    fields = error.get("fields") if isinstance(error, dict) else None
    if not _is_error(exchange) or fields is None:
        return
    whole = isinstance(fields, list) and all(
        isinstance(f, dict)
        and isinstance(f.get("field"), str)
        and isinstance(f.get("message"), str)
        and f["message"]
        for f in fields
    )
    yield verdict(
        whole, exchange, expected="entries with the strings field and message", seen=fields
    )


def _body(exchange: Exchange) -> str:
    body = exchange.response.body if exchange.response is not None else b""
    return body[:200].decode(errors="replace") or "an empty body"
