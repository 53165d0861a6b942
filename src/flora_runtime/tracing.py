"""Spans of OpenTelemetry, in a program that has loaded it. Never a key, a prompt or a query."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable, Generator


@contextmanager
def span(name: str, method: str, server: str) -> Generator[Callable[[int, int], None]]:
    """A call of the API with all its attempts. Gives what is told the status of the last answer,
    and how many attempts there were."""
    trace: Any = sys.modules.get("opentelemetry.trace")
    if trace is None:
        yield lambda _status, _attempts: None
        return
    tracer, host = trace.get_tracer("flora_client"), urlsplit(server).hostname
    known = {"http.request.method": method, "server.address": host}
    with tracer.start_as_current_span(name, kind=trace.SpanKind.CLIENT, attributes=known) as span:

        def note(status: int, attempts: int) -> None:
            span.set_attribute("http.response.status_code", status)
            span.set_attribute("http.request.resend_count", attempts - 1)

        yield note
