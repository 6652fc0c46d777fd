"""The node operations on any Linux: figures from /proc, names from the kernel and hostnamed.

A new host name goes through `hostnamectl` where systemd runs, because hostnamed keeps its own copy, and
into /etc/hostname and the kernel where it does not. See hostname(5), hostnamectl(1).
"""

from __future__ import annotations

from osapi.contract.errors import Permanent
from osapi.contract.operation import Nothing
from osapi.domains.node import rename, reports
from osapi.domains.node.models import (
    DiskReport,
    Hostname,
    HostnameChange,
    HostnameUpdate,
    LoadReport,
    MemoryReport,
    OsInfo,
    OsReport,
    Status,
    UptimeReport,
)
from osapi.domains.node.provider import NodeProvider
from osapi.domains.node.status import whole
from osapi.host.door import Host

_KERNEL_RELEASE = "/proc/sys/kernel/osrelease"


class LinuxNode:
    """Reads a host as a whole, and names it."""

    def __init__(self, host: Host) -> None:
        self._host = host

    async def status(self, _: Nothing, /) -> Status:
        """Every report at once. A part that fails is listed in `problems`."""
        return await whole(self, (await self._host.names()).kernel_hostname)

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
        return reports.uptime_report(await self._host.figures.uptime(), self._host.now())

    async def load(self, _: Nothing, /) -> LoadReport:
        """Load averages, from /proc/loadavg."""
        return reports.load_report(await self._host.figures.load())

    async def memory(self, _: Nothing, /) -> MemoryReport:
        """Memory and swap, from /proc/meminfo."""
        return reports.memory_report(await self._host.figures.memory())

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
