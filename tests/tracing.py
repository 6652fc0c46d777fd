"""Traces kept in memory, for tests that want to see them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from osapi.config.settings import Tracing
from osapi.telemetry import tracing

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
TRACE = "0af7651916cd43dd8448eb211c80319c"


@contextmanager
def recorded() -> Iterator[InMemorySpanExporter]:
    """Trace within the block; what is given keeps the spans that have ended."""
    kept = InMemorySpanExporter()
    end = tracing.begin("test", Tracing(enabled=True))
    tracing._tracer._provider.add_span_processor(SimpleSpanProcessor(kept))  # type: ignore[union-attr]
    try:
        yield kept
    finally:
        end()
