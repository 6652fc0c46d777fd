"""Measures and traces every request, outside of everything else. Only there when somebody wants to know.

A request is named after the template of its route, never after its path, which may hold whatever callers think of.
"""

from __future__ import annotations

import time
from collections.abc import MutableMapping
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

from osapi.controller.routing import Found
from osapi.telemetry import tracing
from osapi.telemetry.metrics import OFF, Metrics

_CLOSED = 499
"""As nginx logs it: the client went away before it was answered."""


def observed(app: ASGIApp, metrics: Metrics) -> ASGIApp:
    """The application, with its requests watched if metrics or traces are on."""
    return app if metrics is OFF and not tracing.is_on() else Observed(app, metrics)


class Observed:
    """Wraps the application.

    What is inside sees the header `traceparent` of the request's own span, as it would behind a proxy that traces.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        method, began, status = scope["method"], time.perf_counter(), _CLOSED

        async def noting(message: MutableMapping[str, Any]) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        with tracing.continued(_trace_headers(scope)), tracing.span(method, tracing.SERVER) as span:
            _replace_trace_headers(scope)
            try:
                await self._app(scope, receive, noting)
            finally:
                route = _route(scope)
                self._metrics.request(method, route, status, time.perf_counter() - began)
                _tell(span, method, route, status)


def _tell(span: tracing.Span, method: str, route: str, status: int) -> None:
    """By the names of OpenTelemetry's semantic conventions for HTTP."""
    span.rename(f"{method} {route}".rstrip())
    span.set("http.request.method", method)
    span.set("http.route", route)
    span.set("http.response.status_code", status)
    if status >= 500:
        span.fail(str(status))


def _route(scope: Scope) -> str:
    found: Found | None = scope.get("osapi.found")
    return "" if found is None else found[0].path


def _trace_headers(scope: Scope) -> dict[str, str]:
    return {name.decode(): value.decode("latin-1") for name, value in scope["headers"] if name in tracing.HEADER_BYTES}


def _replace_trace_headers(scope: Scope) -> None:
    others = [(name, value) for name, value in scope["headers"] if name not in tracing.HEADER_BYTES]
    scope["headers"] = [*others, *((name.encode(), value.encode()) for name, value in tracing.carrier().items())]
