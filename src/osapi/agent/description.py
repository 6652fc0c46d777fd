"""What the agent tells of itself and its host with every heartbeat."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import TypeVar

import osapi
from osapi.agent.keys import Keys
from osapi.agent.nameplate import Nameplate
from osapi.contract.errors import OsapiError
from osapi.contract.ids import MachineId
from osapi.fleet.models import AgentRecord, AgentState, Load, Memory, OsInfo
from osapi.host.door import Host

_T = TypeVar("_T")


class Description:
    """Makes the record of one agent. `state` and `stopped` are set by the program as it comes and goes."""

    def __init__(
        self,
        machine: MachineId,
        labels: dict[str, str],
        host: Host,
        keys: Keys,
        nameplate: Nameplate,
        *,
        joined: datetime,
        now: Callable[[], datetime],
    ) -> None:
        self._machine = machine
        self._labels = labels
        self._host = host
        self._keys = keys
        self._nameplate = nameplate
        self._joined = joined
        self._now = now
        self._started = now()
        self.state = AgentState.READY
        self.stopped = False

    async def record(self) -> AgentRecord:
        """The record as of now. Figures that the host does not tell are left out."""
        return AgentRecord(
            machine_id=self._machine,
            hostname=await self._nameplate.read(),
            labels=self._labels,
            state=self.state,
            signing_key=self._keys.signing_key,
            sealing_key=self._keys.sealing.public,
            version=osapi.__version__,
            registered_at=self._joined,
            started_at=self._started,
            heartbeat_at=self._now(),
            stopped=self.stopped,
            uptime_s=await _known(self._uptime()),
            os_info=_os_info(self._host),
            load=await _known(self._load()),
            memory=await _known(self._memory()),
            architecture=self._host.architecture,
            kernel_version=os.uname().release,
            cpu_count=os.cpu_count(),
        )

    async def _uptime(self) -> int:
        return int((await self._host.figures.uptime()).total_seconds())

    async def _load(self) -> Load:
        one, five, fifteen = await self._host.figures.load()
        return Load(one, five, fifteen)

    async def _memory(self) -> Memory:
        memory = await self._host.figures.memory()
        return Memory(total=memory.total, free=memory.free, used=memory.total - memory.available)


def _os_info(host: Host) -> OsInfo:
    facts = host.family.facts
    return OsInfo(distribution=facts.get("NAME", host.family.id), version=facts.get("VERSION_ID", ""))


async def _known(figure: Awaitable[_T]) -> _T | None:
    try:
        return await figure
    except OsapiError:
        return None
