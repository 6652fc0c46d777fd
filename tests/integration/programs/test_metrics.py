"""Metrics of the real programs: each on its own port, off unless wanted, found by service discovery."""

from __future__ import annotations

import json
import os
import re
import socket
from pathlib import Path
from typing import Any

from prometheus_client.parser import text_string_to_metric_families as parse
from tests import asking
from tests.halting import halted

from .conftest import Installation, Running, free_port, until
from .test_start import started

SECTIONS = {"controller": "CONTROLLER_METRICS", "agent": "AGENT_METRICS", "nats": "NATS_SERVER_METRICS"}
DASHBOARD = Path("docs/grafana/osapi.json")
NAME = re.compile(r"\b(?:osapi|http_server|process)_[a-z_]+")
LABELS = ("job", "component", "hostname", "instance")


def wanted(ports: dict[str, int]) -> dict[str, str]:
    return {
        f"OSAPI_{SECTIONS[name]}_{key}": value
        for name, port in ports.items()
        for key, value in (("ENABLED", "true"), ("PORT", str(port)))
    }


def measured(installation: Installation) -> tuple[Running, dict[str, int]]:
    """A started installation with metrics, and the port of each component."""
    ports = {name: free_port() for name in SECTIONS}
    return started(installation, **wanted(ports)), ports


def get(port: int, path: str) -> tuple[int, str]:
    return asking.get("127.0.0.1", port, path)


def figures(port: int) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """Every sample by name and sorted labels."""
    status, text = get(port, "/metrics")
    assert status == 200
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in parse(text)
        for sample in family.samples
    }


def value(port: int, name: str, **labels: str) -> float | None:
    return figures(port).get((name, tuple(sorted(labels.items()))))


def asked(installation: Installation) -> Any:
    done = installation.run("client", "node", "hostname", "get", "--target", "testmachine", "--json")
    assert done.returncode == 0, done.stderr + installation.logs
    return json.loads(done.stdout)


def test_every_component_counts_what_it_does(installation: Installation) -> None:
    _, ports = measured(installation)
    asked(installation)
    route = {"http_request_method": "GET", "http_route": "/api/node/{hostname}/hostname"}
    answered = {**route, "http_response_status_code": "200"}
    assert value(ports["controller"], "http_server_request_duration_seconds_count", **answered) == 1
    assert value(ports["controller"], "osapi_jobs_created_total", operation="node.hostname.get") == 1
    for component in ("controller", "agent"):
        assert value(ports[component], "osapi_jobs_processed_total", status="completed") == 1
        assert value(ports[component], "osapi_job_duration_seconds_count", status="completed") == 1
        assert value(ports[component], "osapi_job_duration_seconds_bucket", status="completed", le="0.001") is not None
        assert value(ports[component], "osapi_jobs_active") == 0
    for component, parts in {
        "controller": ("broker", "jobs", "writes"), "agent": ("broker", "writes"), "nats": ("server", "writes"),
    }.items():  # fmt: skip
        for part in parts:
            until(
                lambda c=component, p=part: value(ports[c], "osapi_subsystem_up", subsystem=p) == 1,
                f"{component} {part}",
            )
        assert value(ports[component], "osapi_component_up") == 1
        assert 0 <= (value(ports[component], "osapi_heartbeat_age_seconds") or 0) < 15
        assert get(ports[component], "/health") == (200, '{"status": "ok"}')
        assert get(ports[component], "/health/ready") == (200, '{"status": "ready"}')
        assert get(ports[component], "/other")[0] == 404


def test_the_broker_shows_the_process_of_the_server_itself(installation: Installation) -> None:
    running, ports = measured(installation)
    server = running.child("nats-server")
    resident = value(ports["nats"], "process_resident_memory_bytes")
    told = int(Path(f"/proc/{server}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    assert resident is not None
    assert abs(resident - told) < 4 * 1024 * 1024
    with halted(server):  # so that the controller loses it, and the supervisor does not
        until(lambda: get(ports["controller"], "/health/ready")[0] == 503, "not ready")
        until(
            lambda: value(ports["controller"], "osapi_subsystem_up", subsystem="writes") == 0,
            "the next heartbeat is not taken",
        )
    until(lambda: get(ports["controller"], "/health/ready")[0] == 200, "ready again")


def test_an_agent_that_waits_for_its_broker_can_be_seen(installation: Installation) -> None:
    running, _ = measured(installation)
    assert running.stop() == 0
    port = free_port()
    alone = installation.spawn("agent", "start", **wanted({"agent": port}))
    alone.wait_event("metrics.ready")
    status, body = get(port, "/health/ready")
    assert (status, json.loads(body)["status"]) == (503, "not_ready")
    assert value(port, "osapi_subsystem_up", subsystem="broker") == 0


def test_service_discovery_names_every_component(installation: Installation) -> None:
    _, ports = measured(installation)
    here = socket.gethostname()
    token = installation.context["token"]

    def found() -> dict[str, str]:
        status, groups = installation.get("/api/discovery/prometheus", token)
        assert status == 200
        assert all(group["labels"]["hostname"] == here for group in groups)
        return {group["labels"]["component"]: group["targets"][0] for group in groups}

    expected = {name: f"127.0.0.1:{port}" for name, port in ports.items()}
    until(lambda: found() == expected, f"{expected}")
    done = installation.run("client", "health", "targets")
    assert all(target in done.stdout for target in expected.values())
    assert installation.get("/api/discovery/prometheus")[0] == 401


def test_every_query_of_the_dashboard_names_metrics_that_exist(installation: Installation) -> None:
    _, ports = measured(installation)
    asked(installation)
    existing = {name for port in ports.values() for name, _ in figures(port)}
    dashboard = json.loads(DASHBOARD.read_text())
    queries = [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", ())]
    assert len(queries) > 8
    for query in queries:
        names = NAME.findall(query)
        assert names, query
        assert set(names) <= existing, query
        for matcher in re.findall(r"\{([^}]*)\}", query):
            assert set(re.findall(r"(\w+)\s*=~?", matcher)) <= {
                *LABELS,
                "subsystem",
                "status",
                "http_response_status_code",
            }, query


def test_a_taken_port_refuses_the_start_and_names_the_setting(installation: Installation) -> None:
    started(installation)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = installation.run(
            "agent", "start", **wanted({"agent": port}), OSAPI_AGENT_MACHINE_ID="other",
            OSAPI_AGENT_STATE_DIR=str(installation.folder / "other"),
        )  # fmt: skip
    assert done.returncode == 1
    assert f"agent.metrics: 127.0.0.1:{port} cannot be listened on" in done.stderr


def test_off_means_that_nothing_is_loaded_and_nobody_listens(installation: Installation) -> None:
    running = started(installation, PYTHONPROFILEIMPORTTIME="1")
    asked(installation)
    assert "osapi.agent.worker" in running.err
    assert running.events("metrics.ready") == []
    for package in ("prometheus_client", "opentelemetry", "osapi.telemetry.otel", "osapi.telemetry.exposition"):
        assert package not in running.err
