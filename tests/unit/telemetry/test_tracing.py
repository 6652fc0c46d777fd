from __future__ import annotations

import asyncio
import io
import json
import sys

import pytest
from opentelemetry.trace import StatusCode
from tests.tracing import PARENT, TRACE, recorded

from osapi.config.load import load
from osapi.config.settings import Tracing
from osapi.contract.errors import Invalid, NotFound
from osapi.telemetry import log, otel, tracing


def test_off_everything_is_there_and_does_nothing() -> None:
    with tracing.continued({"traceparent": PARENT}), tracing.span("x", tracing.SERVER, {"a": 1}) as span:
        span.set("b", 2)
        span.rename("y")
        span.fail("z")
        assert tracing.carrier() == {}
        assert tracing.ids() == {}
    assert not tracing.is_on()
    assert tracing.span("x") is tracing.span("y")


def test_what_is_not_wanted_is_not_begun() -> None:
    tracing.begin("test", Tracing())()
    assert not tracing.is_on()


def test_a_span_goes_on_with_the_trace_it_was_sent_and_tells_where_it_is() -> None:
    with recorded() as kept:
        with tracing.continued({"traceparent": PARENT}), tracing.span("x", tracing.SERVER) as span:
            span.rename("y")
            span.set("a", 1)
            ids = tracing.ids()
            assert tracing.carrier() == {"traceparent": f"00-{ids['trace_id']}-{ids['span_id']}-01"}
        assert tracing.ids() == {}
    (told,) = kept.get_finished_spans()
    assert (told.name, dict(told.attributes or {}), ids["trace_id"]) == ("y", {"a": 1}, TRACE)
    assert told.parent is not None
    assert f"{told.parent.span_id:016x}" == PARENT.split("-")[2]


@pytest.mark.parametrize("header", ["", "nonsense", PARENT.upper(), PARENT[:-1], f"00-{'0' * 32}-{'0' * 16}-01"])
def test_a_header_that_cannot_be_read_begins_a_new_trace(header: str) -> None:
    with recorded() as kept, tracing.continued({"traceparent": header}), tracing.span("x"):
        assert len(tracing.ids()["trace_id"]) == 32
    assert [span.parent for span in kept.get_finished_spans()] == [None]


@pytest.mark.parametrize(("problem", "code"), [(NotFound("a secret"), "not_found"), (KeyError("a secret"), "KeyError")])
def test_a_failure_is_told_by_its_code_and_not_by_its_words(problem: Exception, code: str) -> None:
    with recorded() as kept, pytest.raises(type(problem)), tracing.span("x"):
        raise problem
    (told,) = kept.get_finished_spans()
    assert (told.status.status_code, dict(told.attributes or {})) == (StatusCode.ERROR, {"error.type": code})
    assert "secret" not in told.to_json()


def test_tasks_that_are_started_within_a_span_belong_to_it() -> None:
    async def inner() -> str:
        return tracing.ids()["trace_id"]

    async def outer() -> tuple[str, str]:
        with tracing.span("x"):
            task = asyncio.create_task(inner())
            here = tracing.ids()["trace_id"]
        return here, await task

    with recorded():
        here, there = asyncio.run(outer())
    assert here == there


def test_a_missing_package_refuses_the_start_unless_it_is_only_for_debugging(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    monkeypatch.delitem(sys.modules, "osapi.telemetry.otel")
    with pytest.raises(Invalid, match=r"telemetry.tracing.enabled: opentelemetry is missing; install osapi\[tracing\]"):
        tracing.begin("test", Tracing(enabled=True))
    tracing.begin("test", Tracing(), debug=True)()
    assert not tracing.is_on()


@pytest.mark.parametrize(
    ("address", "whole"),
    [
        ("", None),
        ("http://c:4318", "http://c:4318/v1/traces"),
        ("http://c:4318/", "http://c:4318/v1/traces"),
        ("https://c/otlp/v1/traces", "https://c/otlp/v1/traces"),
    ],
)
def test_the_address_of_a_collector_may_leave_out_the_path(address: str, whole: str | None) -> None:
    assert otel._endpoint(address) == whole


def test_an_address_without_a_scheme_is_refused() -> None:
    with pytest.raises(Invalid, match=r"telemetry.tracing.otlp_endpoint"):
        load(None, {"OSAPI_TELEMETRY_TRACING_OTLP_ENDPOINT": "collector:4317"})


def test_the_trace_id_is_read_from_a_header() -> None:
    assert (tracing.trace_id(PARENT), tracing.trace_id("")) == (TRACE, "")


def test_every_line_of_a_task_carries_what_is_bound_and_its_trace() -> None:
    log.configure(stream=(out := io.StringIO()))

    async def request(number: str) -> None:
        log.bind(request_id=number)
        with tracing.span("x"):
            await asyncio.sleep(0)
            log.bind(job_id=f"j{number}")
            log.get_logger("x").info("it.happened", job_id="other" if number == "2" else f"j{number}")

    async def both() -> None:
        await asyncio.gather(request("1"), request("2"))
        log.get_logger("x").info("outside")

    with recorded():
        asyncio.run(both())
    one, two, outside = (json.loads(line) for line in out.getvalue().splitlines())
    assert (one["request_id"], one["job_id"]) == ("1", "j1")
    assert (two["request_id"], two["job_id"]) == ("2", "other")
    assert len({one["trace_id"], two["trace_id"]}) == 2
    assert not {"request_id", "job_id", "trace_id"} & outside.keys()
