"""Our oracles as a check of schemathesis, over the traffic that it makes anyway.

    SCHEMATHESIS_HOOKS=flora_contract.conformance.hooks schemathesis run openapi.yaml --url URL

Oracles that need a second account, a known workspace or a valid key stay silent: nothing tells
them what the keys are.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import schemathesis

from flora_contract.conformance.exchange import (
    UNKNOWN,
    Credential,
    RecordedRequest,
    RecordedResponse,
)
from flora_contract.conformance.judge import Judge
from flora_contract.conformance.ledger import Ledger
from flora_contract.conformance.oracle import Severity
from flora_contract.conformance.replay import script
from flora_contract.conformance.statements import load
from flora_contract.report.redaction import SECRET_HEADERS, Redactor

if TYPE_CHECKING:
    from schemathesis import Case, CheckContext
    from schemathesis.core.transport import Response as StResponse

_judge = Judge(Ledger(load(), load().contract.base))
_accounts: dict[str, Credential] = {}
_reported: set[str] = set()
_opened = time.monotonic()


@schemathesis.check
def flora_contract(_ctx: CheckContext, response: StResponse, _case: Case[Any]) -> None:
    """Record an answer, and fail with the violations that it brings to light."""
    ledger = _judge.ledger
    request = response.request
    body: Any = request.body or b""
    redactor = Redactor()
    name = str(request.headers.get("Authorization"))
    number = len(_accounts) + 1
    credential = _accounts.setdefault(name, Credential(f"account {number}", None, UNKNOWN.header))
    ended = time.monotonic() - _opened
    ledger.record(
        RecordedRequest(
            str(request.method),
            str(request.url),
            redactor.headers(
                (k, str(v)) for k, v in request.headers.items() if k.lower() not in SECRET_HEADERS
            ),
            body.encode() if isinstance(body, str) else bytes(body),
        ),
        RecordedResponse(
            response.status_code,
            redactor.headers((k, v) for k, values in response.headers.items() for v in values),
            redactor.bytes(response.content or b""),
        ),
        credential=credential,
        started=ended - response.elapsed,
        elapsed=response.elapsed,
        origin="schemathesis",
    )
    _judge.update()
    found = [
        f
        for f in _judge.findings()
        if f.severity is Severity.VIOLATION and f.fingerprint not in _reported
    ]
    _reported.update(f.fingerprint for f in found)
    if found:
        raise AssertionError(
            "\n\n".join(
                f"{f.title}: {f.oracle.sentence} Expected {f.expected}; seen {f.seen}\n"
                f"{script(f.evidence, ledger)}"
                for f in found
            )
        )
