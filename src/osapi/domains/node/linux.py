"""The node operations on any Linux: figures from /proc, names from the kernel and hostnamed.

A new host name goes through `hostnamectl` where systemd runs, because hostnamed keeps its own copy, and
into /etc/hostname and the kernel where it does not. See hostname(5), hostnamectl(1).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from datetime import timedelta
from typing import TypeVar

from osapi.contract import spoken
from osapi.contract.errors import OsapiError, Permanent
from osapi.contract.operation import Nothing
from osapi.domains.node import rename, reports
from osapi.domains.node.models import (
    DiskReport,
    Hostname,
    HostnameChange,
    HostnameUpdate,
    LoadAverage,
    LoadReport,
    Memory,
    MemoryReport,
    OsInfo,
    OsReport,
    Problem,
    Status,
    UptimeReport,
)
from osapi.domains.node.provider import NodeProvider
from osapi.host.door import Host

T = TypeVar("T")

_KERNEL_RELEASE = "/proc/sys/kernel/osrelease"


class LinuxNode:
    """Reads a host as a whole, and names it."""

    def __init__(self, host: Host) -> None:
        self._host = host

    async def status(self, request: Nothing, /) -> Status:
        """Every report at once. A part that fails is listed in `problems`."""
        names = await self._host.names()
        problems: list[Problem] = []
        uptime, load, memory, disks, system = await asyncio.gather(
            _attempt("uptime", self.uptime(request), problems),
            _attempt("load_average", self.load(request), problems),
            _attempt("memory", self.memory(request), problems),
            _attempt("disks", self.disk(request), problems),
            _attempt("os_info", self.os(request), problems),
        )
        return Status(
            hostname=names.kernel_hostname,
            uptime=uptime.uptime if uptime else None,
            uptime_seconds=uptime.uptime_seconds if uptime else None,
            load_average=load.load_average if load else None,
            memory=memory.memory if memory else None,
            disks=disks.disks if disks else None,
            os_info=system.os_info if system else None,
            problems=[*problems, *(disks.problems if disks else [])],
        )

    async def hostname(self, _: Nothing, /) -> Hostname:
        """The name as the kernel has it now, so a rename shows at once."""
        names = await self._host.names()
        return Hostname(hostname=names.kernel_hostname, labels=dict(names.labels))

    async def update_hostname(self, request: HostnameUpdate, /) -> HostnameChange:
        """Give the host a name. A second call changes nothing."""
        seen = await rename.look(self._host)
        plan = rename.decide(request.hostname, seen)
        applied = await self._host.apply(plan)
        if plan.changes and not self._host.check_mode:
            await self._check_name(request.hostname)
        return HostnameChange(changed=applied.changed, diff=applied.diff, hostname=request.hostname)

    async def os(self, _: Nothing, /) -> OsReport:
        """Distribution and version from os-release(5), kernel from /proc/sys/kernel/osrelease."""
        family = self._host.family
        kernel = (await self._host.read(_KERNEL_RELEASE) or b"").decode().strip()
        info = OsInfo(
            distribution=family.id,
            version=await self.version(),
            name=family.facts.get("PRETTY_NAME", ""),
            codename=family.facts.get("VERSION_CODENAME", ""),
            family=family.name,
            kernel=kernel,
            architecture=self._host.architecture,
        )
        return OsReport(os_info=info)

    async def version(self) -> str:
        """Release of the distribution; empty for one that is rolling."""
        return self._host.family.facts.get("VERSION_ID", "")

    async def uptime(self, _: Nothing, /) -> UptimeReport:
        """Time since boot, from /proc/uptime."""
        up = await self._host.figures.uptime()
        seconds = timedelta(seconds=int(up.total_seconds()))
        return UptimeReport(
            uptime=spoken.duration(seconds),
            uptime_seconds=int(seconds.total_seconds()),
            boot_time=(self._host.now() - up).replace(microsecond=0),
        )

    async def load(self, _: Nothing, /) -> LoadReport:
        """Load averages, from /proc/loadavg."""
        one, five, fifteen = await self._host.figures.load()
        return LoadReport(load_average=LoadAverage(one=one, five=five, fifteen=fifteen))

    async def memory(self, _: Nothing, /) -> MemoryReport:
        """Memory and swap, from /proc/meminfo. `used` is what programs hold: total less available."""
        found = await self._host.figures.memory()
        used = found.total - found.available
        return MemoryReport(
            memory=Memory(
                total=found.total,
                free=found.free,
                used=used,
                available=found.available,
                used_percent=reports.percent(used, found.total),
                buffers=found.buffers,
                cached=found.cached,
                swap_total=found.swap_total,
                swap_free=found.swap_free,
                pressure_percent=found.pressure_percent,
            )
        )

    async def disk(self, _: Nothing, /) -> DiskReport:
        """Local file systems. One that does not answer is listed in `problems` and spoils nothing else."""
        return reports.disk_report(await self._host.figures.disks())

    async def _check_name(self, wanted: str) -> None:
        actual = (await rename.look(self._host)).running
        if actual != wanted:
            raise Permanent(f"the host is still called {actual!r} after the change to {wanted!r}", code="apply_failed")


def provider(host: Host) -> NodeProvider:
    """A provider for one job."""
    return LinuxNode(host)


async def _attempt(part: str, work: Awaitable[T], problems: list[Problem]) -> T | None:
    try:
        return await work
    except OsapiError as err:
        problems.append(Problem(part=part, error=err.message))
        return None
