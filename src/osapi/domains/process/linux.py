"""Processes of any Linux from /proc, signals by pidfd_send_signal(2). See proc(5), signal(7)."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime, timedelta

from osapi.contract.errors import NotFound, OsapiError, Permanent
from osapi.domains.process import signalling, table
from osapi.domains.process.models import (
    ProcessFilter,
    ProcessKey,
    ProcessList,
    ProcessReport,
    ProcessSignal,
    ProcessSignalled,
)
from osapi.domains.process.provider import ProcessProvider
from osapi.domains.process.table import Before, Machine
from osapi.host.door import Host
from osapi.host.processes import HostProcess, parse_stat


class LinuxProcess:
    """Shows processes and sends them signals."""

    def __init__(self, host: Host) -> None:
        self._host = host

    async def processes(self, request: ProcessFilter, /) -> ProcessList:
        """The processes that fit, in the order asked for, up to the limit or what a message can hold."""
        before = await self._before(request.sample, await self._host.processes() if request.sample else [])
        found, machine = await self._host.processes(), await self._machine()
        return table.listed(request, [table.entry(process, machine, before) for process in found])

    async def get(self, request: ProcessKey, /) -> ProcessReport:
        """One process. Raises `NotFound`."""
        before = await self._before(request.sample, [await self._find(request.pid)] if request.sample else [])
        found, machine = await self._find(request.pid), await self._machine()
        return ProcessReport(process=table.entry(found, machine, before))

    async def send(self, request: ProcessSignal, /) -> ProcessSignalled:
        """Send a signal; see `signalling.decide` for refusals. One to a process that has ended changes nothing."""
        found = await self._find(request.pid)
        applied = await self._host.apply(signalling.decide(request, found, await self._own_line()))
        return ProcessSignalled(changed=applied.changed, diff=applied.diff, pid=request.pid, signal=request.signal)

    async def _find(self, pid: int) -> HostProcess:
        found = await self._host.process(pid)
        if found is None:
            raise NotFound(f"there is no process {pid} on this host")
        return found

    async def _before(self, sample_ms: int, found: list[HostProcess]) -> Before | None:
        """What they had used before a pause; None when nothing is to be measured."""
        if not sample_ms:
            return None
        uptime_s = (await self._host.figures.uptime()).total_seconds()
        await asyncio.sleep(sample_ms / 1000)
        return Before(uptime_s=uptime_s, cpu_ticks={(one.pid, one.start_ticks): one.cpu_ticks for one in found})

    async def _machine(self) -> Machine:
        uptime = await self._host.figures.uptime()
        return Machine(uptime_s=uptime.total_seconds(), booted=await self._booted(), memory=await self._memory())

    async def _memory(self) -> int | None:
        try:
            return (await self._host.figures.memory()).total
        except OsapiError:
            return None

    async def _booted(self) -> datetime | None:
        text = (await self._host.read("/proc/stat") or b"").decode("utf-8", "replace")
        found = re.search(r"^btime (\d+)$", text, re.MULTILINE)
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=int(found[1])) if found else None

    async def _own_line(self) -> frozenset[int]:
        """The agent itself and what it descends from."""
        own = parse_stat((await self._host.read("/proc/self/stat", follow=True) or b"").decode("utf-8", "replace"))
        if own is None:
            raise Permanent("the agent cannot find itself in /proc/self/stat; is /proc mounted?", code="io_error")
        line = {int(own[1])}
        parent = int(own[4])
        while parent > 0 and parent not in line:
            line.add(parent)
            above = await self._host.process(parent)
            parent = 0 if above is None else above.parent
        return frozenset(line)


def provider(host: Host) -> ProcessProvider:
    """A provider for one job."""
    return LinuxProcess(host)
