"""Draws what an agent tells of its host: facts, interfaces, routes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from osapi.cli import table
from osapi.cli.cells import cell, size
from osapi.cli.report import pair

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from osapi.cli.terminal import Terminal

_ROUTE = ("destination", "gateway", "interface", "mask", "metric")


def draw(agent: Mapping[str, Any], term: Terminal) -> None:
    """Pairs of label and value, then the routes. What the host does not tell is left out."""
    for label, value in _pairs(agent):
        if value not in (None, ""):
            pair(term, label, cell(value))
    table.draw(term, _ROUTE, [[cell(one.get(name)) for name in _ROUTE] for one in _entries(agent, "routes")])


def _pairs(agent: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    yield "FQDN", agent.get("fqdn")
    yield "Service Mgr", agent.get("service_mgr")
    yield "Package Mgr", agent.get("package_mgr")
    yield "Container", agent.get("container")
    yield "Virtualization", agent.get("virtualization")
    yield "CPU Model", agent.get("cpu_model")
    yield "Booted", agent.get("booted_at")
    yield "Primary Iface", agent.get("primary_interface")
    for one in _entries(agent, "interfaces"):
        yield f"Interface {one.get('name')}", _joined(one.get("addresses"), one.get("mac"))
    for one in _entries(agent, "disks"):
        yield f"Disk {one.get('name')}", _joined(size(one.get("size") or 0), one.get("model"))
    for one in _entries(agent, "mounts"):
        known = one.get("size")
        yield (
            f"Mount {one.get('path')}",
            _joined(one.get("device"), one.get("type"), None if known is None else size(known)),
        )
    for name, value in cast("dict[str, Any]", agent.get("facts") or {}).items():
        yield f"Fact {name}", value
    for one in _entries(agent, "fact_problems"):
        yield f"Broken {one.get('source')}", one.get("error")


def _entries(agent: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    return cast("list[dict[str, Any]]", agent.get(name) or [])


def _joined(*parts: Any) -> str:
    return ", ".join(text for part in parts if (text := cell(part)))
