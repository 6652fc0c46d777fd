"""What is measured and traced of requests."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

import pytest
from tests.tracing import PARENT, TRACE, recorded
from tests.unit.controller.kit import Wire, bearer, call, stage

from osapi.controller.exchange import Disconnected
from osapi.controller.observed import observed
from osapi.telemetry.metrics import OFF, Metrics

pytestmark = pytest.mark.anyio


class Counted(Metrics):
    def __init__(self) -> None:
        self.requests: list[tuple[str, str, int]] = []

    def request(self, method: str, route: str, status: int, duration_s: float) -> None:
        assert duration_s >= 0
        self.requests.append((method, route, status))


def test_nothing_is_wrapped_when_nobody_wants_to_know() -> None:
    app = stage().app
    assert observed(app, OFF) is app


async def test_requests_are_counted_by_the_template_of_their_route() -> None:
    counted = Counted()
    app = observed(stage().app, counted)
    await call(app, "GET", "/api/health")
    await call(app, "GET", "/api/node/host-a/hostname")
    await call(app, "GET", "/api/node/host-a/hostname", authorization=bearer("read"))
    await call(app, "GET", "/no/such/path")
    assert [(method, status) for method, _, status in counted.requests] == [
        ("GET", 200), ("GET", 401), ("GET", 504), ("GET", 404),
    ]  # fmt: skip
    assert [route for _, route, _ in counted.requests] == [
        "/api/health", "/api/node/{hostname}/hostname", "/api/node/{hostname}/hostname", "",
    ]  # fmt: skip


async def test_a_client_that_went_away_counts_as_such() -> None:
    async def gone(*_: Any) -> None:
        raise Disconnected

    counted = Counted()
    with pytest.raises(Disconnected):
        await call(observed(gone, counted), "GET", "/x")
    assert counted.requests == [("GET", "", 499)]


async def test_what_is_inside_sees_the_trace_of_the_request_itself() -> None:
    seen: list[bytes] = []

    async def app(scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        seen.extend(value for name, value in scope["headers"] if name == b"traceparent")
        await send({"type": "http.response.start", "status": 500, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    with recorded() as kept:
        wire = Wire("GET", "/x", b"", {"traceparent": PARENT})
        await observed(app, OFF)(wire.scope, wire.receive, wire.send)
        await call(observed(app, OFF), "GET", "/x")
    first, second = kept.get_finished_spans()
    assert f"{first.context.trace_id:032x}" == TRACE
    assert [header[:-3].decode() for header in seen] == [
        f"00-{span.context.trace_id:032x}-{span.context.span_id:016x}" for span in (first, second)
    ]
    assert first.name == "GET"
    assert dict(first.attributes or {}) == {
        "http.request.method": "GET", "http.route": "", "http.response.status_code": 500, "error.type": "500",
    }  # fmt: skip
