"""What an implementation of the node operations must offer, and which method answers which operation."""

from __future__ import annotations

from typing import Protocol

from osapi.contract.operation import Nothing, handle
from osapi.domains.node import operations
from osapi.domains.node.models import (
    DiskReport,
    Hostname,
    HostnameChange,
    HostnameUpdate,
    LoadReport,
    MemoryReport,
    OsReport,
    Status,
    UptimeReport,
)


class NodeProvider(Protocol):
    """Reads a host as a whole, and names it."""

    async def status(self, request: Nothing, /) -> Status: ...

    async def hostname(self, request: Nothing, /) -> Hostname: ...

    async def update_hostname(self, request: HostnameUpdate, /) -> HostnameChange: ...

    async def os(self, request: Nothing, /) -> OsReport: ...

    async def uptime(self, request: Nothing, /) -> UptimeReport: ...

    async def load(self, request: Nothing, /) -> LoadReport: ...

    async def memory(self, request: Nothing, /) -> MemoryReport: ...

    async def disk(self, request: Nothing, /) -> DiskReport: ...


HANDLERS = (
    handle(operations.STATUS, NodeProvider.status),
    handle(operations.HOSTNAME_GET, NodeProvider.hostname),
    handle(operations.HOSTNAME_UPDATE, NodeProvider.update_hostname),
    handle(operations.OS, NodeProvider.os),
    handle(operations.UPTIME, NodeProvider.uptime),
    handle(operations.LOAD, NodeProvider.load),
    handle(operations.MEMORY, NodeProvider.memory),
    handle(operations.DISK, NodeProvider.disk),
)
