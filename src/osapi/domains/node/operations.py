"""The operations on a host as a whole."""

from __future__ import annotations

from osapi.contract.operation import Column, Format, Kind, Nothing, Operation
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

STATUS = Operation(
    name="node.status.get",
    operation_id="GetNodeStatus",
    kind=Kind.QUERY,
    request=Nothing,
    result=Status,
    permission="node:read",
    route=("GET", ""),
    command=("node", "status"),
    summary="Show name, system, uptime, load, memory and disks of a host.",
    columns=(
        Column("UPTIME", "uptime"),
        Column("LOAD", "load_average.1min", Format.DECIMAL),
        Column("MEM", "memory.used_percent", Format.PERCENT),
    ),
)

HOSTNAME_GET = Operation(
    name="node.hostname.get",
    operation_id="GetNodeHostname",
    kind=Kind.QUERY,
    request=Nothing,
    result=Hostname,
    permission="node:read",
    route=("GET", "/hostname"),
    command=("node", "hostname", "get"),
    summary="Show the host name.",
)

HOSTNAME_UPDATE = Operation(
    name="node.hostname.update",
    operation_id="PutNodeHostname",
    kind=Kind.MODIFY,
    request=HostnameUpdate,
    result=HostnameChange,
    permission="node:write",
    route=("PUT", "/hostname"),
    command=("node", "hostname", "update"),
    summary="Give a host a new name.",
    status=202,
    lock="hostname",
    idempotent=True,
)

OS = Operation(
    name="node.os.get",
    operation_id="GetNodeOS",
    kind=Kind.QUERY,
    request=Nothing,
    result=OsReport,
    permission="node:read",
    route=("GET", "/os"),
    command=("node", "os", "get"),
    summary="Show distribution, version and kernel.",
    columns=(Column("DISTRIBUTION", "os_info.distribution"), Column("VERSION", "os_info.version")),
)

UPTIME = Operation(
    name="node.uptime.get",
    operation_id="GetNodeUptime",
    kind=Kind.QUERY,
    request=Nothing,
    result=UptimeReport,
    permission="node:read",
    route=("GET", "/uptime"),
    command=("node", "uptime", "get"),
    summary="Show how long a host has been up.",
    columns=(Column("UPTIME", "uptime"),),
)

LOAD = Operation(
    name="node.load.get",
    operation_id="GetNodeLoad",
    kind=Kind.QUERY,
    request=Nothing,
    result=LoadReport,
    permission="node:read",
    route=("GET", "/load"),
    command=("node", "load", "get"),
    summary="Show the load averages.",
    columns=(
        Column("LOAD (1m)", "load_average.1min", Format.DECIMAL),
        Column("LOAD (5m)", "load_average.5min", Format.DECIMAL),
        Column("LOAD (15m)", "load_average.15min", Format.DECIMAL),
    ),
)

MEMORY = Operation(
    name="node.memory.get",
    operation_id="GetNodeMemory",
    kind=Kind.QUERY,
    request=Nothing,
    result=MemoryReport,
    permission="node:read",
    route=("GET", "/memory"),
    command=("node", "memory", "get"),
    summary="Show memory and swap.",
    columns=(
        Column("TOTAL", "memory.total", Format.BYTES),
        Column("USED", "memory.used", Format.BYTES),
        Column("FREE", "memory.free", Format.BYTES),
        Column("USAGE", "memory.used_percent", Format.PERCENT),
    ),
)

DISK = Operation(
    name="node.disk.get",
    operation_id="GetNodeDisk",
    kind=Kind.QUERY,
    request=Nothing,
    result=DiskReport,
    permission="node:read",
    route=("GET", "/disk"),
    command=("node", "disk", "get"),
    summary="Show the mounted local file systems.",
    columns=(
        Column("MOUNT", "disks[].name"),
        Column("TOTAL", "disks[].total", Format.BYTES),
        Column("USED", "disks[].used", Format.BYTES),
        Column("USAGE", "disks[].used_percent", Format.PERCENT),
    ),
)

OPERATIONS = (STATUS, HOSTNAME_GET, HOSTNAME_UPDATE, OS, UPTIME, LOAD, MEMORY, DISK)
