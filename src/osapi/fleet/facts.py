"""The facts of every host in memory, fed by one watch on the bucket `agent-facts`. No request reads the bucket."""

from __future__ import annotations

import asyncio

import msgspec

from osapi.contract.facts import HostFacts
from osapi.contract.ids import MachineId
from osapi.jobs import subjects
from osapi.telemetry.log import get_logger
from osapi.transport.bucket import Bucket, Entry
from osapi.transport.watch import Watch

KEYS = "facts.*"
"""Filter that matches the key of every record of facts."""

_decode = msgspec.json.Decoder(HostFacts).decode
_log = get_logger(__name__)


def key(machine: MachineId) -> str:
    """Key of a host's facts in the bucket `agent-facts`."""
    return f"facts.{subjects.token(machine)}"


class FactBook:
    """What hosts have told of themselves. `bucket` None: the settings say that nobody tells facts."""

    def __init__(self, bucket: Bucket | None) -> None:
        self._bucket = bucket
        self._facts: dict[str, HostFacts] = {}
        self._caught_up = asyncio.Event()
        self._watch: Watch | None = None

    async def start(self) -> None:
        """Return when all facts that are stored have been read. A second call changes nothing."""
        if self._bucket is None:
            return
        if self._watch is None:
            self._watch = await self._bucket.watch(
                KEYS, self.note, on_ready=self._caught_up.set, on_reset=self._facts.clear
            )
        await self._caught_up.wait()

    async def stop(self) -> None:
        """End the watch. A second call changes nothing."""
        watch, self._watch = self._watch, None
        if watch is not None:
            await watch.stop()

    def get(self, machine: MachineId) -> HostFacts | None:
        """The facts of a host; None while it has not told any, or when they were forgotten."""
        return self._facts.get(key(machine))

    async def forget(self, machine: MachineId) -> None:
        """Remove the facts of a host. Raises `Unavailable` when the broker is away."""
        if self._bucket is not None:
            await self._bucket.purge(key(machine))

    def note(self, entry: Entry) -> None:
        """Take in one record. One that cannot be read, or that claims to be another host's, is left out."""
        if entry.deleted:
            self._facts.pop(entry.key, None)
            return
        try:
            facts = _decode(entry.value)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as problem:
            _log.warning("fleet.facts_unreadable", key=entry.key, error=str(problem))
            return
        if key(facts.machine_id) != entry.key:
            _log.warning("security.facts_forged", key=entry.key, machine_id=facts.machine_id)
            return
        self._facts[entry.key] = facts
