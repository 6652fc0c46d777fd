"""Metrics of an agent on a real host, asked for from outside over the network, and what service discovery says."""

from __future__ import annotations

import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families as parse
from tests.acceptance.fleet import Fleet, eventually

pytestmark = [pytest.mark.hosts, pytest.mark.timeout(300)]

UNIT = "/etc/systemd/system/osapi-agent.service.d"
ON = b"[Service]\nEnvironment=OSAPI_AGENT_METRICS_ENABLED=true OSAPI_AGENT_METRICS_HOST=0.0.0.0\n"


def restart(fleet: Fleet, name: str) -> None:
    fleet.bed("enter", 1, "sh", "-c", "systemctl daemon-reload && systemctl restart osapi-agent")
    eventually(lambda: fleet.client("node", "hostname", "get", "-T", name).status == 0, "the agent works")


def listening(fleet: Fleet) -> str:
    """What ss(8) says about the port; empty when nobody listens."""
    return fleet.bed("enter", 1, "ss", "-Hltn", "sport = :9091")


def targets(fleet: Fleet) -> dict[str, str]:
    """Address by host name, of agents."""
    groups: list[dict[str, Any]] = fleet.client("health", "targets").json
    return {g["labels"]["hostname"]: g["targets"][0] for g in groups if g["labels"]["component"] == "agent"}


@pytest.fixture
def measured(fleet: Fleet) -> Iterator[str]:
    """Host 1 with metrics on every address; its name. Put back afterwards."""
    name = fleet.bed("enter", 1, "hostname")
    fleet.bed.write(1, f"{UNIT}/metrics.conf", ON)
    restart(fleet, name)
    yield name
    fleet.bed("enter", 1, "rm", "-r", UNIT)
    restart(fleet, name)


def test_an_agent_is_found_and_measured_from_outside(fleet: Fleet, measured: str) -> None:
    eventually(lambda: targets(fleet) == {measured: f"{measured}:9091"}, "the agent is listed, and no other")
    assert "0.0.0.0:9091" in listening(fleet)
    address = fleet.bed("address", 1)
    with urllib.request.urlopen(f"http://{address}:9091/metrics", timeout=10) as answer:
        samples = [sample for family in parse(answer.read().decode()) for sample in family.samples]
    figures = {(sample.name, *sample.labels.values()): sample.value for sample in samples}
    assert figures["osapi_jobs_processed_total", "completed"] >= 1
    assert figures["osapi_subsystem_up", "broker"] == 1
    told = fleet.bed("enter", 1, "sh", "-c", "ps -o rss= -p $(systemctl show -p MainPID --value osapi-agent)")
    assert abs(figures[("process_resident_memory_bytes",)] - int(told) * 1024) < 8 * 1024 * 1024


def test_off_nobody_listens(fleet: Fleet) -> None:
    assert listening(fleet) == ""
    assert targets(fleet) == {}
