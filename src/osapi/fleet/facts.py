"""The facts of every host in memory, fed by one watch on the bucket `agent-facts`. No request reads the bucket.

They count when they are signed by the host's own key (`keys`); others go into quarantine.
"""

from __future__ import annotations

import msgspec

from osapi.contract.errors import Forbidden
from osapi.contract.facts import HostFacts
from osapi.contract.ids import MachineId
from osapi.fleet.keys import KeyBook
from osapi.jobs import envelope, subjects
from osapi.jobs.quarantine import Doubt, Quarantine, Saying
from osapi.jobs.trust import doubt
from osapi.transport.bucket import Bucket, Entry
from osapi.transport.follower import Follower

KEYS = "facts.*"
"""Filter that matches the key of every record of facts."""

_decode = msgspec.json.Decoder(HostFacts).decode


def key(machine: MachineId) -> str:
    """Key of a host's facts in the bucket `agent-facts`."""
    return f"facts.{subjects.token(machine)}"


class FactBook:
    """What hosts have told of themselves. `bucket` None: the settings say that nobody tells facts."""

    def __init__(self, bucket: Bucket | None, keys: KeyBook, quarantine: Quarantine) -> None:
        self._bucket = bucket
        self._keys = keys
        self._quarantine = quarantine
        self._facts: dict[str, HostFacts] = {}
        self._follower = Follower(bucket, KEYS, self.note, self._facts.clear)

    async def start(self) -> None:
        """Return when all facts that are stored have been read. A second call changes nothing."""
        await self._follower.start()

    async def stop(self) -> None:
        """End the watch. A second call changes nothing."""
        await self._follower.stop()

    def get(self, machine: MachineId) -> HostFacts | None:
        """The facts of a host; None while it has not told any, or when they were forgotten."""
        return self._facts.get(key(machine))

    async def forget(self, machine: MachineId) -> None:
        """Remove the facts of a host. Raises `Unavailable` when the broker is away."""
        if self._bucket is not None:
            await self._bucket.purge(key(machine))

    def note(self, entry: Entry) -> None:
        """Take in one record; one that is not believed goes into quarantine and changes nothing."""
        if entry.deleted:
            self._facts.pop(entry.key, None)
            return
        try:
            header, payload = envelope.parse(entry.value)
            facts = _decode(payload)
        except (Forbidden, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            self._quarantine.put(Saying.FACTS, Doubt.UNREADABLE, entry.key)
            return
        machine = facts.machine_id
        found = doubt(header, payload, envelope.FACTS, self._keys.verifier(machine))
        if key(machine) != entry.key:
            found = Doubt.ELSEWHERE
        if found is None:
            self._facts[entry.key] = facts
            return
        signed_by = "" if header is None else header.key
        self._quarantine.put(Saying.FACTS, found, entry.key, machine=machine, signed_by=signed_by)
