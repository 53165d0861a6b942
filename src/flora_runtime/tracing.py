"""Spans of OpenTelemetry, in a program that has loaded it. Never a key, a prompt or a query."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Generator


def _nobody(_attributes: dict[str, Any]) -> None:
    """Where nothing is traced."""


@contextmanager
def span(name: str, attributes: dict[str, Any]) -> Generator[Callable[[dict[str, Any]], Any]]:
    """A call of the API with all its attempts. Gives what takes more attributes of it."""
    trace: Any = sys.modules.get("opentelemetry.trace")
    if trace is None:
        yield _nobody
        return
    tracer = trace.get_tracer("flora_client")
    started = tracer.start_as_current_span(name, kind=trace.SpanKind.CLIENT, attributes=attributes)
    with started as current:
        yield current.set_attributes
