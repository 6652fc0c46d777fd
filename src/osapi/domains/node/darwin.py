"""The node operations on macOS: figures from sysctl(8), vm_stat(1), mount(8) and df(1), whose output `darwin_figures` reads."""

from __future__ import annotations

from osapi.contract.errors import Unsupported
from osapi.contract.operation import Nothing
from osapi.domains.node import darwin_figures, reports
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
from osapi.host.acting import failure_of
from osapi.host.door import Host


class DarwinNode:
    """Reads a host as a whole."""

    def __init__(self, host: Host) -> None:
        self._host = host

    async def status(self, request: Nothing, /) -> Status:
        """Every report at once. A part that fails is listed in `problems`."""
        return await whole(self, (await self.hostname(request)).hostname)

    async def hostname(self, _: Nothing, /) -> Hostname:
        """The kernel's name, as `hostname` prints it; not the computer's name that the network is told."""
        names = await self._host.names()
        return Hostname(hostname=await self._kernel_value("kern.hostname"), labels=dict(names.labels))

    async def update_hostname(self, request: HostnameUpdate, /) -> HostnameChange:
        """Raises `Unsupported`."""
        raise Unsupported(f"a host that runs macOS is not renamed to {request.hostname}; use scutil(8) on the host")

    async def os(self, _: Nothing, /) -> OsReport:
        """Version from the file that sw_vers(1) reads, kernel from kern.osrelease."""
        family = self._host.family
        build = family.facts["BUILD_ID"]
        info = OsInfo(
            distribution=family.id,
            version=family.facts["VERSION_ID"],
            name=family.facts["PRETTY_NAME"] + (f" ({build})" if build else ""),
            family=family.name,
            kernel=await self._kernel_value("kern.osrelease"),
            architecture=self._host.architecture,
        )
        return OsReport(os_info=info)

    async def uptime(self, _: Nothing, /) -> UptimeReport:
        """Time since kern.boottime."""
        now = self._host.now()
        return reports.uptime_report(now - darwin_figures.boot_time(await self._kernel_value("kern.boottime")), now)

    async def load(self, _: Nothing, /) -> LoadReport:
        """Load averages, from vm.loadavg."""
        return reports.load_report(darwin_figures.load(await self._kernel_value("vm.loadavg")))

    async def memory(self, _: Nothing, /) -> MemoryReport:
        """Memory from hw.memsize and vm_stat, swap from vm.swapusage."""
        pages = await self._output("vm_stat")
        size, swap = await self._kernel_value("hw.memsize"), await self._kernel_value("vm.swapusage")
        return reports.memory_report(darwin_figures.memory(size, pages, swap))

    async def disk(self, _: Nothing, /) -> DiskReport:
        """Local volumes of APFS and HFS."""
        disks = darwin_figures.disks(await self._output("mount"), await self._output("df", "-k"))
        return DiskReport(disks=disks)

    async def _kernel_value(self, name: str) -> str:
        return (await self._output("sysctl", "-n", name)).strip()

    async def _output(self, *argv: str) -> str:
        run = await self._host.run(argv)
        if run.exit_code != 0:
            raise failure_of(run)
        return run.stdout.decode("utf-8", "replace")


def provider(host: Host) -> NodeProvider:
    """A provider for one job."""
    return DarwinNode(host)
