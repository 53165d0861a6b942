"""What a program that traces with OpenTelemetry sees of the client."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from flora_client import Flora, NotFoundError
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> InMemorySpanExporter:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(trace, "get_tracer", provider.get_tracer)
    return exporter


def test_a_call_is_a_span_with_all_its_attempts(
    world, flora: Flora, run: Callable[..., Any], spans: InMemorySpanExporter
) -> None:
    world.script = [world.error(503), world.reply(run()), world.error(404, "not_found")]
    flora.generations.retrieve("run_1")
    with pytest.raises(NotFoundError):
        flora.request("GET", "/any?secret=1")
    first, second = spans.get_finished_spans()
    assert (first.name, second.name) == ("generations.retrieve", "request")
    assert first.attributes == {
        "http.request.method": "GET",
        "server.address": "api.example",
        "http.response.status_code": 200,
        "http.request.resend_count": 1,
    }
    assert second.status.status_code is trace.StatusCode.ERROR
    assert "secret" not in first.to_json() + second.to_json()
    assert "sk_live" not in first.to_json() + second.to_json()
