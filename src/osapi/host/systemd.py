"""Whether systemd is there to be asked."""

from __future__ import annotations

from osapi.contract.errors import MissingTool, Unsupported
from osapi.host.door import Host

_RUNS = "/run/systemd/system"
"""Exists exactly while systemd is the init system, see sd_booted(3)."""


async def need(host: Host) -> None:
    """Return when systemctl(1) can be used. Raises `MissingTool` or `Unsupported`, which skip the host."""
    if host.which("systemctl") is None:
        raise MissingTool("systemctl is not installed on this host")
    if await host.stat(_RUNS) is None:
        raise Unsupported("systemd is not the init system of this host")
