"""What a client sent and what it got, kept for whoever tests that client."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from flora_contract.report.redaction import Redactor

if TYPE_CHECKING:
    from flora_contract.mock.http.messages import HTTPRequest

KEPT_BODY: Final = 16_384
"""Bytes of a request body that are kept."""

_redactor = Redactor()


class LoggedExchange:
    """One exchange. Holds the request as it came; `plain` is what may be shown of it."""

    __slots__ = (
        "at",
        "body",
        "fault",
        "fields",
        "method",
        "operation",
        "problems",
        "request_id",
        "status",
        "target",
    )

    def __init__(
        self,
        request: HTTPRequest,
        *,
        at: int,
        operation: str,
        status: int,
        request_id: str,
        problems: list[str],
        fault: str,
    ) -> None:
        self.at = at
        self.method = request.method
        self.target = f"{request.path}?{request.query}" if request.query else request.path
        self.fields = request.fields
        self.body = request.body[:KEPT_BODY]
        self.operation = operation
        self.status = status
        self.request_id = request_id
        self.problems = problems
        self.fault = fault

    def plain(self) -> dict[str, Any]:
        """Without secrets. `at` is epoch milliseconds of the mock's clock; `status` 0 is none."""
        headers = ((n.decode("latin-1"), v.decode("latin-1")) for n, v in self.fields.items())
        return {
            "request_id": self.request_id,
            "at": self.at,
            "method": self.method,
            "target": _redactor.text(self.target),
            "operation": self.operation or None,
            "headers": dict(_redactor.headers(headers)),
            "body": _redactor.text(self.body.decode("utf-8", "replace")),
            "status": self.status or None,
            "problems": [_redactor.text(problem) for problem in self.problems],
            "fault": self.fault or None,
        }
