"""Who a host is: its machine id, its present name, its labels. See machine-id(5) and hostname(7)."""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from osapi.contract.errors import Invalid, Permanent
from osapi.contract.ids import MachineId

Read = Callable[[str], Awaitable[bytes | None]]

_MACHINE_ID_PATHS = ("/etc/machine-id", "/var/lib/dbus/machine-id")
_KERNEL_NAME = "/proc/sys/kernel/hostname"
_MACHINE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


@dataclass(frozen=True, kw_only=True)
class Names:
    """Who a host is. Names are read anew each time, so they are right after a rename."""

    machine_id: MachineId
    hostname: str
    """The name in the fleet: that of the settings, or else the kernel's."""
    kernel_hostname: str
    """The name that the kernel reports, as `hostname` prints it."""
    labels: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Claims:
    """What the settings say about a host. Empty text means: as the system says."""

    machine_id: str = ""
    hostname: str = ""
    labels: Mapping[str, str]


async def machine_id(read: Read, configured: str = "") -> MachineId:
    """The permanent id of the host. Raises `Invalid` when it is malformed, `Permanent` when there is none."""
    if configured:
        return _checked(configured, "the setting agent.machine_id")
    for path in _MACHINE_ID_PATHS:
        found = (await read(path) or b"").decode("ascii", "replace").strip()
        if found and found != "uninitialized":
            return _checked(found, path)
    raise Permanent(
        f"this host has no machine id in {_MACHINE_ID_PATHS[0]}; run systemd-machine-id-setup or set agent.machine_id"
    )


async def hostname(read: Read) -> str:
    """The name the kernel reports now. Reads /proc/sys/kernel/hostname."""
    return (await read(_KERNEL_NAME) or b"").decode("utf-8", "replace").strip()


async def fqdn(name: str, timeout_s: float) -> str:
    """The canonical name of `name` by getaddrinfo(3); empty when the resolver has none in time."""
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(timeout_s):
            found = await loop.getaddrinfo(name, None, flags=socket.AI_CANONNAME)
    except (OSError, TimeoutError):
        return ""
    canonical = next((entry[3] for entry in found if entry[3]), "")
    return canonical if "." in canonical else ""


def _checked(text: str, source: str) -> MachineId:
    if not _MACHINE_ID.fullmatch(text):
        raise Invalid(f"machine id {text!r} from {source}: use 1 to 64 letters, digits, _ and -")
    return MachineId(text)
