"""One trace from the command line to the command on the host, told to a real collector by the real programs."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import pytest

from .collector import Collector, Received
from .conftest import Installation, Running, free_port, until
from .test_start import started

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
TRACE = "0af7651916cd43dd8448eb211c80319c"
LINES = ("job.submitted", "http.request", "job.ended")
SPANS = ["POST /api/node/{hostname}/command/exec", "POST /api/node/{hostname}/command/exec", "job.process"]
"""In which span each of these lines is logged."""


@pytest.fixture
def collector() -> Iterator[Collector]:
    found = Collector()
    yield found
    found.close()


def wanted(address: str) -> dict[str, str]:
    return {
        "OSAPI_TELEMETRY_TRACING_ENABLED": "true",
        "OSAPI_TELEMETRY_TRACING_EXPORTER": "otlp",
        "OSAPI_TELEMETRY_TRACING_OTLP_ENDPOINT": address,
        "OTEL_BSP_SCHEDULE_DELAY": "100",
    }


def run_command(installation: Installation, *words: str, **environ: str) -> str:
    """Let this host run a command, traced from `PARENT`; the id of the job."""
    line = ("client", "node", "command", "exec", "--target", "testmachine", "--json", "--command", "true", *words)
    done = installation.run(*line, **environ, TRACEPARENT=PARENT)
    assert done.returncode == 0, done.stderr + installation.logs
    assert done.stderr == ""
    job_id: str = json.loads(done.stdout)["job_id"]
    return job_id


def whole(collector: Collector) -> dict[str, Received]:
    """The spans by name, once all have arrived from the agent's to the first: each program sends its own."""

    def complete() -> bool:
        spans = collector.trace(TRACE)
        known = {PARENT.split("-")[2], *(span.span_id for span in spans)}
        return any(span.name == "job.process" for span in spans) and all(span.parent in known for span in spans)

    until(complete, "all spans up to the first")
    return {span.name: span for span in collector.trace(TRACE)}


def line_of(spans: dict[str, Received], name: str) -> list[tuple[str, str, str]]:
    """From a span up to the first: service, name and kind."""
    by_id = {span.span_id: span for span in spans.values()}
    found, span = [], spans.get(name)
    while span is not None:
        found.append((span.service, span.name, span.kind))
        span = by_id.get(span.parent)
    return found


def test_one_trace_leads_from_the_command_line_to_the_command_on_the_host(
    installation: Installation, collector: Collector
) -> None:
    environ = wanted(collector.address)
    running = started(installation, **environ, OSAPI_DEBUG="true")
    job_id = run_command(installation, **environ)
    spans = whole(collector)
    assert line_of(spans, "run true") == [
        ("osapi-agent", "run true", "INTERNAL"),
        ("osapi-agent", "command.exec.execute", "INTERNAL"),
        ("osapi-agent", "job.process", "CONSUMER"),
        ("osapi-controller", "job.submit", "PRODUCER"),
        ("osapi-controller", "POST /api/node/{hostname}/command/exec", "SERVER"),
        ("osapi-cli", "POST", "CLIENT"),
        ("osapi-cli", "osapi client", "INTERNAL"),
    ]
    assert spans["osapi client"].parent == PARENT.split("-")[2]
    assert spans["job.process"].attributes == {
        "job.id": job_id, "job.operation": "command.exec.execute", "job.type": "modify", "job.ending": "completed",
    }  # fmt: skip
    assert spans["run true"].attributes == {"process.exit.code": 0}
    assert collector.paths == {"/v1/traces"}
    assert not [span for span in spans.values() if span.failed]
    told = installation.run("client", "job", "get", "--job-id", job_id, "--json")
    assert json.loads(told.stdout)["trace_id"] == TRACE
    listed = installation.run("client", "audit", "list", "--job-id", job_id, "--json")
    [entry] = json.loads(listed.stdout)["items"]
    assert (entry["trace_id"], entry["kind"]) == (TRACE, "change")
    lines = {name: [one for one in running.events(name) if one.get("job_id") == job_id] for name in LINES}
    assert {name: [one["trace_id"] for one in found] for name, found in lines.items()} == {
        name: [TRACE] for name in LINES
    }
    assert {one["request_id"] for name in LINES[:2] for one in lines[name]} == {entry["request_id"]}
    by_span = {span.span_id: span.name for span in spans.values()}
    assert [by_span[lines[name][0]["span_id"]] for name in LINES] == SPANS


def test_a_failure_is_told_by_its_code_and_arguments_and_output_not_at_all(
    installation: Installation, collector: Collector
) -> None:
    environ = wanted(collector.address)
    started(installation, **environ)
    line = (
        "client",
        "node",
        "command",
        "exec",
        "--target",
        "testmachine",
        "--json",
        "--command",
        "/opt/no-such-program",
    )
    done = installation.run(*line, "--args", "hunter2", **environ, TRACEPARENT=PARENT)
    assert done.returncode != 0
    spans = whole(collector)
    assert spans["run no-such-program"].failed
    assert spans["run no-such-program"].attributes == {"error.type": "missing_tool"}
    assert "hunter2" not in repr(collector.spans)


def test_a_collector_that_is_away_holds_nobody_up(installation: Installation) -> None:
    environ = wanted(f"http://127.0.0.1:{free_port()}")
    running = started(installation, **environ)
    began = time.monotonic()
    done = installation.run("client", "node", "hostname", "get", "--target", "testmachine", **environ)
    assert done.returncode == 0, done.stderr
    assert time.monotonic() - began < 5
    began = time.monotonic()
    assert running.stop() == 0
    assert time.monotonic() - began < 15


def test_without_a_collector_the_ids_stand_in_the_log(installation: Installation) -> None:
    running = started(installation, OSAPI_TELEMETRY_TRACING_ENABLED="true", OSAPI_DEBUG="true")
    done = installation.run("client", "node", "hostname", "get", "--target", "testmachine", "--json")
    job_id = json.loads(done.stdout)["job_id"]
    events = [running.wait_event(name) for name in ("job.submitted", "job.ended")]
    (asked,) = [event for event in running.events("http.request") if event["job_id"] == job_id]
    assert {event["job_id"] for event in events} == {job_id}
    assert len({event["trace_id"] for event in [*events, asked]}) == 1
    assert asked["request_id"] == events[0]["request_id"]


def test_stdout_gets_one_object_a_line(installation: Installation) -> None:
    running: Running = installation.spawn(
        "start", OSAPI_TELEMETRY_TRACING_ENABLED="true", OSAPI_TELEMETRY_TRACING_EXPORTER="stdout",
        OTEL_BSP_SCHEDULE_DELAY="100",
    )  # fmt: skip
    until(lambda: "OSAPI" in running.out, "the announcement")
    installation.run("client", "node", "hostname", "get", "--target", "testmachine")
    until(lambda: '"job.process"' in running.out, "the agent's span")
    line = next(line for line in running.out.splitlines() if '"job.process"' in line)
    assert json.loads(line)["attributes"]["job.operation"] == "node.hostname.get"
