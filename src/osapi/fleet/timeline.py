"""What became of each agent: the last events, oldest first, one entry per agent in the bucket `agent-state`.

Several controllers see the same things happen. An event is the same as another one of its name and time, so
whoever comes second finds it there and adds nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from osapi.contract.errors import Conflict
from osapi.contract.ids import MachineId
from osapi.fleet.models import TimelineEvent
from osapi.jobs import subjects
from osapi.telemetry.log import get_logger
from osapi.transport.bucket import Bucket, Entry
from osapi.transport.follower import Follower

KEPT = 50
"""Events kept of one agent."""
KEYS = "timeline.*"
_ATTEMPTS = 5

_decode = msgspec.json.Decoder(tuple[TimelineEvent, ...]).decode
_encode = msgspec.json.Encoder().encode
_log = get_logger(__name__)


class Timelines:
    """The timelines of all agents, fed by one watch. `bucket` None: there is nowhere to keep them."""

    def __init__(self, bucket: Bucket | None) -> None:
        self._bucket = bucket
        self._kept: dict[str, tuple[tuple[TimelineEvent, ...], int]] = {}
        self._follower = Follower(bucket, KEYS, self.note)

    async def start(self) -> None:
        """Return when all that is stored has been read. A second call changes nothing."""
        await self._follower.start()

    async def stop(self) -> None:
        """End the watch. A second call changes nothing."""
        await self._follower.stop()

    def events(self, machine: MachineId) -> Sequence[TimelineEvent]:
        """What is known of an agent, oldest first."""
        return self._kept.get(_key(machine), ((), 0))[0]

    async def add(self, machine: MachineId, event: TimelineEvent) -> None:
        """Add an event, unless it is there. Raises `Unavailable` when the broker is away."""
        if self._bucket is None:
            return
        key = _key(machine)
        for _ in range(_ATTEMPTS):
            events, revision = self._kept.get(key, ((), 0))
            if any((each.event, each.timestamp) == (event.event, event.timestamp) for each in events):
                return
            after = tuple(sorted((*events, event), key=lambda each: each.timestamp))[-KEPT:]
            try:
                self._keep(key, after, await self._bucket.update(key, _encode(after), revision))
            except Conflict:
                await self._look_again(key)
            else:
                return
        _log.warning("timeline.contended", machine_id=machine, event_=event.event)

    async def forget(self, machine: MachineId) -> None:
        """Remove the timeline of an agent that is removed from the fleet."""
        if self._bucket is not None and _key(machine) in self._kept:
            await self._bucket.purge(_key(machine))

    def note(self, entry: Entry) -> None:
        """Take in one stored timeline; one that cannot be read counts as empty."""
        try:
            events = () if entry.deleted else _decode(entry.value)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as problem:
            _log.warning("timeline.unreadable", key=entry.key, error=str(problem))
            events = ()
        self._keep(entry.key, events, entry.revision)

    async def _look_again(self, key: str) -> None:
        assert self._bucket is not None  # noqa: S101 - asked before
        entry = await self._bucket.get(key)
        if entry is not None:
            self.note(entry)

    def _keep(self, key: str, events: tuple[TimelineEvent, ...], revision: int) -> None:
        if revision >= self._kept.get(key, ((), 0))[1]:
            self._kept[key] = events, revision


def _key(machine: MachineId) -> str:
    return f"timeline.{subjects.token(machine)}"
