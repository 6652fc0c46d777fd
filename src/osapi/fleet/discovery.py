"""Where Prometheus finds the figures of every program: its HTTP service discovery.

See https://prometheus.io/docs/prometheus/latest/http_sd/. A program that is gone stays in the list until its record
is removed, so that Prometheus shows it as down; one that ended in good order is left out.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Iterator

from osapi.contract.endpoint import Call, Reply, Routes
from osapi.fleet.api import PROMETHEUS, TargetGroup
from osapi.fleet.components import Components
from osapi.fleet.models import AgentRecord, ComponentRecord
from osapi.fleet.registry import Registry


def routes(registry: Registry, components: Components) -> Routes:
    """The route with its handler. A caller sees the agents that his roles reach."""
    here = socket.gethostname()

    async def targets(call: Call) -> Reply:
        agents = [a.record for a in registry.list() if call.caller.reaches(a.record.labels) and not a.record.stopped]
        records: list[AgentRecord | ComponentRecord] = [each.record for each in components.list()]
        return Reply(body=[group for record in [*records, *agents] for group in _group(record, here)])

    return [(PROMETHEUS, targets)]


def _group(record: AgentRecord | ComponentRecord, here: str) -> Iterator[TargetGroup]:
    """One group, or none for a program that cannot be reached: it shows nothing, or only to another machine."""
    target = address(record.metrics, record.hostname, here)
    if target:
        yield TargetGroup(targets=[target], labels=_labels(record))


def address(metrics: str, hostname: str, here: str) -> str:
    """Where Prometheus asks; empty: nowhere. A loopback address counts on the controller's own host `here` only."""
    host, _, port = metrics.rpartition(":")
    try:
        listening = ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return metrics if host != "localhost" or hostname == here else ""
    if listening.is_unspecified:
        return f"{hostname}:{port}"
    return metrics if not listening.is_loopback or hostname == here else ""


def _labels(record: AgentRecord | ComponentRecord) -> dict[str, str]:
    labels = {"hostname": record.hostname, "__meta_osapi_version": record.version}
    if isinstance(record, ComponentRecord):
        return {"component": record.kind.value, **labels}
    own = {f"__meta_osapi_label_{re.sub(r'[^A-Za-z0-9_]', '_', name)}": value for name, value in record.labels.items()}
    return {"component": "agent", **labels, "__meta_osapi_machine_id": record.machine_id, **own}
