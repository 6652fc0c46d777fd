"""Whether systemd is there to be asked."""

from __future__ import annotations

from osapi.contract.errors import MissingTool, Unsupported
from osapi.host.door import Host

RUNS = "/run/systemd/system"
"""Exists exactly while systemd is the init system, see sd_booted(3)."""
_BUS = "/run/dbus/system_bus_socket"


async def runs(host: Host) -> bool:
    """Whether systemd is the init system."""
    return await host.stat(RUNS) is not None


async def has_bus(host: Host) -> bool:
    """Whether the system bus is there, by which systemd's own services are asked."""
    return await host.stat(_BUS) is not None


async def need(host: Host) -> None:
    """Return when systemctl(1) can be used. Raises `MissingTool` or `Unsupported`, which skip the host."""
    if host.which("systemctl") is None:
        raise MissingTool("systemctl is not installed on this host")
    if not await runs(host):
        raise Unsupported("systemd is not the init system of this host")
