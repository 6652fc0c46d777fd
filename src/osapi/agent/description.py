"""What the agent tells of itself and its host with every heartbeat."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import TypeVar

import msgspec

import osapi
from osapi.agent.keys import Keys
from osapi.agent.nameplate import Nameplate
from osapi.agent.pressure import Pressure
from osapi.contract.errors import OsapiError
from osapi.contract.ids import MachineId
from osapi.fleet import models
from osapi.fleet.models import AgentRecord, AgentState, Disk, Load, Memory, OsInfo
from osapi.host.door import Host
from osapi.telemetry.process import ProcessMeter

_T = TypeVar("_T")


class Description:
    """Makes the record of one agent. `state` tells whether it takes work, `parts` how its parts are.

    `metrics` is where the agent shows its figures, as `host:port`; empty: nowhere. `stopping` and `stopped` are set
    by the program as it goes.
    """

    def __init__(
        self,
        machine: MachineId,
        labels: dict[str, str],
        host: Host,
        keys: Keys,
        nameplate: Nameplate,
        pressure: Pressure,
        *,
        state: Callable[[], AgentState],
        parts: Callable[[], Mapping[str, str]],
        joined: datetime,
        now: Callable[[], datetime],
        metrics: str = "",
    ) -> None:
        self._machine = machine
        self._labels = labels
        self._host = host
        self._keys = keys
        self._nameplate = nameplate
        self._pressure = pressure
        self._state = state
        self._parts = parts
        self._joined = joined
        self._now = now
        self._metrics = metrics
        self._started = now()
        self._process = ProcessMeter()
        self.stopping = False
        self.stopped = False

    async def entry(self) -> tuple[str, msgspec.Struct]:
        """Key and record for the registry."""
        record = await self.record()
        return models.key(record.machine_id), record

    async def record(self) -> AgentRecord:
        """The record as of now. Figures that the host does not tell are left out."""
        process = self._process.read()
        load, memory, disk = await _known(self._load()), await _known(self._memory()), await _known(self._disk())
        return AgentRecord(
            machine_id=self._machine,
            hostname=await self._nameplate.read(),
            labels=self._labels,
            state=AgentState.DRAINING if self.stopping else self._state(),
            signing_key=self._keys.signing_key,
            sealing_key=self._keys.sealing.public,
            version=osapi.__version__,
            registered_at=self._joined,
            started_at=self._started,
            heartbeat_at=self._now(),
            stopped=self.stopped,
            uptime_s=await _known(self._uptime()),
            os_info=_os_info(self._host),
            load=load,
            memory=memory,
            disk=disk,
            architecture=self._host.architecture,
            kernel_version=os.uname().release,
            cpu_count=os.cpu_count(),
            process=process,
            conditions=await self._pressure.settle(memory, load, disk, process),
            parts=dict(self._parts()),
            metrics=self._metrics,
        )

    async def _uptime(self) -> int:
        return int((await self._host.figures.uptime()).total_seconds())

    async def _load(self) -> Load:
        one, five, fifteen = await self._host.figures.load()
        return Load(one, five, fifteen)

    async def _memory(self) -> Memory:
        memory = await self._host.figures.memory()
        return Memory(total=memory.total, free=memory.free, used=memory.total - memory.available)

    async def _disk(self) -> Disk | None:
        """The fullest of the disks that can be written and answer; None when there is none."""
        spaces = [(disk.mount.path, disk.space) for disk in await self._host.figures.disks() if disk.space is not None]
        disks = [
            Disk(path=path, total=space.total - space.free + space.available, used=space.total - space.free)
            for path, space in spaces
            if not space.read_only and space.total
        ]
        return max(disks, key=lambda disk: disk.used / disk.total if disk.total else 0.0, default=None)


def _os_info(host: Host) -> OsInfo:
    facts = host.family.facts
    return OsInfo(distribution=facts.get("NAME", host.family.id), version=facts.get("VERSION_ID", ""))


async def _known(figure: Awaitable[_T]) -> _T | None:
    try:
        return await figure
    except OsapiError:
        return None
