from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest
from prometheus_client.parser import text_string_to_metric_families as parse
from tests import asking

from osapi.config.agent import AgentMetrics
from osapi.contract.errors import Invalid
from osapi.telemetry.metrics import OFF, Metrics, counting

STATE: dict[str, str | None] = {}


def free_port(host: str = "127.0.0.1") -> int:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture(params=["", "localhost", "::1"])
def shown(request: pytest.FixtureRequest) -> Iterator[Metrics]:
    host: str = request.param
    made = counting(AgentMetrics(enabled=True, host=host, port=free_port(host or "127.0.0.1")))
    STATE.clear()
    made.serve("agent.metrics", {"broker": lambda: STATE.get("broker"), "disk": lambda: STATE.get("disk")})
    yield made
    made.close()
    made.close()


def get(metrics: Metrics, path: str) -> tuple[int, str]:
    host, _, port = metrics.address.rpartition(":")
    return asking.get(host.strip("[]"), int(port), path)


def samples(metrics: Metrics, name: str) -> dict[tuple[str, ...], float]:
    return {
        tuple(value for _, value in sorted(sample.labels.items())): sample.value
        for family in parse(get(metrics, "/metrics")[1])
        for sample in family.samples
        if sample.name == name
    }


def test_off_counts_nothing_and_loads_nothing() -> None:
    assert counting(AgentMetrics()) is OFF
    OFF.serve("x", {})
    OFF.close()
    assert OFF.address == ""
    code = (
        "import sys, osapi.agent.app, osapi.controller.app, osapi.broker.__main__, osapi.cli.session\n"
        "print([name for name in sys.modules if name.startswith(('prometheus_client', 'opentelemetry', 'wsgiref'))])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_what_is_counted_is_shown(shown: Metrics) -> None:
    shown.request("GET", "/api/job/{id}", 200, 0.003)
    shown.job_created("node.sysctl.create")
    shown.job_processed("completed", 0.02)
    shown.job_processed("expired", None)
    shown.show("osapi_jobs_active", "Jobs.", lambda: 3)
    assert samples(shown, "http_server_request_duration_seconds_count") == {("GET", "200", "/api/job/{id}"): 1}
    assert samples(shown, "osapi_jobs_created_total") == {("node.sysctl.create",): 1}
    assert samples(shown, "osapi_jobs_processed_total") == {("completed",): 1, ("expired",): 1}
    assert samples(shown, "osapi_job_duration_seconds_count") == {("completed",): 1}
    buckets = samples(shown, "osapi_job_duration_seconds_bucket")
    assert (buckets["0.01", "completed"], buckets["0.025", "completed"]) == (0, 1)
    assert samples(shown, "osapi_jobs_active") == {(): 3}
    assert samples(shown, "process_resident_memory_bytes")[()] > 1e6


def test_a_part_that_fails_makes_the_program_unready_and_is_named(shown: Metrics) -> None:
    assert get(shown, "/health/ready") == (200, '{"status": "ready"}')
    STATE.update(broker="the broker is not connected", disk="the disk is full")
    status, body = get(shown, "/health/ready")
    assert status == 503
    assert json.loads(body) == {"status": "not_ready", "error": "the broker is not connected; the disk is full"}
    assert samples(shown, "osapi_subsystem_up") == {("broker",): 0, ("disk",): 0}
    assert get(shown, "/health")[0] == 200


def test_what_is_not_there_is_told_as_json(shown: Metrics) -> None:
    status, body = get(shown, "/")
    assert (status, json.loads(body)["code"]) == (404, "not_found")


def test_a_silent_client_keeps_nobody_waiting(shown: Metrics) -> None:
    host, _, port = shown.address.rpartition(":")
    with socket.create_connection((host.strip("[]"), int(port))):
        assert get(shown, "/health")[0] == 200


def test_an_address_that_cannot_be_had_is_told_with_its_setting() -> None:
    made = counting(AgentMetrics(enabled=True, host="192.0.2.1"))
    with pytest.raises(Invalid, match=r"agent.metrics: 192.0.2.1:9091 cannot be listened on: Cannot assign"):
        made.serve("agent.metrics", {})


def test_another_process_can_be_shown() -> None:
    with subprocess.Popen(["sleep", "60"]) as other:
        made = counting(AgentMetrics(enabled=True, port=free_port()), lambda: other.pid)
        try:
            made.serve("x", {})
            assert samples(made, "process_resident_memory_bytes")[()] < 1e7
            other.kill()
            other.wait()
            assert samples(made, "process_resident_memory_bytes") == {}
        finally:
            made.close()
