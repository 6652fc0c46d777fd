"""Sees agents come and go, and writes it into their timelines.

What is noted is told apart by name and time, and the times are those of the agents' own records. So it does
not matter how many controllers watch, nor how often one of them starts: nothing is noted twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from osapi.contract.errors import OsapiError
from osapi.contract.ids import MachineId
from osapi.fleet.models import AgentRecord, AgentState, TimelineEvent
from osapi.fleet.registry import Agent, Registry
from osapi.fleet.timeline import Timelines
from osapi.telemetry.log import get_logger

STARTED, STOPPED, UNREACHABLE, RETURNED = "started", "stopped", "unreachable", "returned"
DRAIN, CORDONED, UNDRAIN = "drain", "cordoned", "undrain"
_STEP_S = 1.0

_log = get_logger(__name__)


class Observer:
    """Looks at the registry once a second."""

    def __init__(self, registry: Registry, timelines: Timelines, ttl: timedelta) -> None:
        self._registry = registry
        self._timelines = timelines
        self._ttl = ttl
        self._seen: dict[MachineId, tuple[object, ...]] = {}

    async def run(self) -> None:
        """Look, for ever. What the broker does not take is tried again at the next look."""
        while True:
            try:
                await self.look()
            except OsapiError as problem:
                _log.debug("timeline.refused", error=problem.message)
            await asyncio.sleep(_STEP_S)

    async def look(self) -> None:
        """Note what has become of each agent since its timeline was written."""
        for agent in self._registry.list():
            machine = agent.record.machine_id
            looks = (agent.record.started_at, agent.record.state, agent.record.stopped, agent.reachable)
            if self._seen.get(machine) == looks:
                continue
            for event in happened(agent, self._timelines.events(machine), self._ttl):
                await self._timelines.add(machine, event)
            self._seen[machine] = looks


def happened(agent: Agent, known: Sequence[TimelineEvent], ttl: timedelta) -> Iterator[TimelineEvent]:
    """What there is to note about an agent of whom this much is noted. Pure."""
    record = agent.record
    last = known[-1] if known else None
    if last is None or last.timestamp < record.started_at:
        yield _event(record, STARTED, f"version {record.version}", record.started_at)
    if record.stopped:
        yield _event(record, STOPPED, "in good order", record.heartbeat_at)
    elif not agent.reachable:
        silence = f"last heard of at {record.heartbeat_at:%Y-%m-%d %H:%M:%S} UTC"
        yield _event(record, UNREACHABLE, "", record.heartbeat_at + ttl, error=silence)
    elif last is not None and last.event == UNREACHABLE and record.started_at < last.timestamp:
        # A heartbeat that was on its way for long is older than the silence that it ends.
        yield _event(record, RETURNED, "", max(record.heartbeat_at, last.timestamp))
    if record.state is AgentState.CORDONED and _newest(known, DRAIN, CORDONED, UNDRAIN) == DRAIN:
        yield _event(record, CORDONED, "nothing is in hand any more", record.heartbeat_at)


def _newest(known: Sequence[TimelineEvent], *names: str) -> str:
    """The name of the last event among these; empty when there is none."""
    return next((each.event for each in reversed(known) if each.event in names), "")


def _event(record: AgentRecord, event: str, message: str, when: datetime, error: str = "") -> TimelineEvent:
    return TimelineEvent(timestamp=when, event=event, hostname=record.hostname, message=message, error=error)
