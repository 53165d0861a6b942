"""Answers that come at all, whole, and in time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flora_contract.conformance.oracle import Verdict, oracle, verdict
from flora_contract.report.redaction import REDACTED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flora_contract.conformance.exchange import Exchange
    from flora_contract.conformance.ledger import Ledger

HUNG = "no answer in time"
"""How a failure begins that is a time-out of the answer."""


@oracle("answer-in-time", "exchange", source="D-err SPEC160")
def answer_in_time(exchange: Exchange, _ledger: Ledger) -> Iterator[Verdict]:
    """A request is answered before the time-out."""
    if exchange.operation is not None:
        hung = exchange.failure is not None and exchange.failure.startswith(HUNG)
        yield verdict(not hung, exchange, expected="an answer", seen=exchange.failure)


@oracle("answer-whole", "exchange", source="RFC9112")
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
