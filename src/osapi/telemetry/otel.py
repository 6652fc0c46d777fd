"""Traces with the OpenTelemetry SDK. Imported only when tracing is on; the packages are the extra `osapi[tracing]`.

Exceptions are told by their code or class and never with their text, which may repeat what a caller has sent. What
the SDK reads from the environment (sampling, headers and certificates for the collector) is left to it.
"""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from opentelemetry import context, trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter, SpanExporter
from opentelemetry.trace import SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

import osapi
from osapi.contract.errors import OsapiError

if TYPE_CHECKING:
    from osapi.telemetry.tracing import Choice, Kind, Span, Value

_TRACES = "/v1/traces"
"""Where a collector takes traces, see the OTLP specification, 'OTLP/HTTP Request'."""


class OtelTracer:
    """Makes spans of one program and sends them by `choice`; one sending takes at most `patience_s` seconds."""

    def __init__(self, program: str, choice: Choice, patience_s: float) -> None:
        resource = Resource.create(
            {
                "service.name": f"osapi-{program}",
                "service.version": osapi.__version__,
                "host.name": socket.gethostname(),
                "process.pid": os.getpid(),
            }
        )
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        exporter = _exporter(program, choice, patience_s)
        if exporter is not None:
            self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("osapi", osapi.__version__)
        self._format = TraceContextTextMapPropagator()

    @contextmanager
    def span(self, name: str, kind: Kind, attributes: Mapping[str, Value]) -> Generator[Span]:
        inner = self._tracer.start_span(name, kind=SpanKind[kind], attributes=attributes)
        token = context.attach(trace.set_span_in_context(inner))
        span = _Span(inner)
        try:
            yield span
        except BaseException as problem:
            span.fail(problem.error_code if isinstance(problem, OsapiError) else type(problem).__name__)
            raise
        finally:
            context.detach(token)
            inner.end()

    @contextmanager
    def continued(self, headers: Mapping[str, str]) -> Generator[None]:
        token = context.attach(self._format.extract(headers, context.Context()))
        try:
            yield
        finally:
            context.detach(token)

    def carrier(self) -> dict[str, str]:
        headers: dict[str, str] = {}
        self._format.inject(headers)
        return headers

    def ids(self) -> Mapping[str, str]:
        here = trace.get_current_span().get_span_context()
        if not here.is_valid:
            return {}
        return {"trace_id": trace.format_trace_id(here.trace_id), "span_id": trace.format_span_id(here.span_id)}

    def close(self) -> None:
        """Send what is left."""
        self._provider.shutdown()


class _Span:
    def __init__(self, inner: trace.Span) -> None:
        self._inner = inner

    def set(self, name: str, value: Value) -> None:
        self._inner.set_attribute(name, value)

    def rename(self, name: str) -> None:
        self._inner.update_name(name)

    def fail(self, code: str) -> None:
        self._inner.set_attribute("error.type", code)
        self._inner.set_status(Status(StatusCode.ERROR))


def _exporter(program: str, choice: Choice, patience_s: float) -> SpanExporter | None:
    match choice.exporter:
        case "otlp":
            return OTLPSpanExporter(endpoint=_endpoint(choice.otlp_endpoint), timeout=patience_s)
        case "stdout":
            out = sys.stderr if program == "cli" else sys.stdout  # what a command prints is its result
            return ConsoleSpanExporter(out=out, formatter=lambda span: span.to_json(indent=None) + "\n")
        case _:
            return None


def _endpoint(address: str) -> str | None:
    """The whole address. None leaves it to $OTEL_EXPORTER_OTLP_ENDPOINT, which is http://localhost:4318 unless set."""
    if not address:
        return None
    return address if urlsplit(address).path.strip("/") else address.rstrip("/") + _TRACES
