"""The fleet in memory, fed by one watch. No request ever reads the bucket.

An agent is alive while its last record *arrived* less than the time-to-live ago by our own clock, so that
agents with wrong clocks are not mistaken for dead ones. Records found at the start are as old as the
broker says. Agents that are gone stay listed, as not ready, until somebody deletes their record.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import msgspec

from osapi.contract.errors import Forbidden, Invalid
from osapi.contract.facts import HostFacts
from osapi.contract.ids import MachineId
from osapi.contract.target import Target
from osapi.fleet import models, resolution
from osapi.fleet.facts import FactBook
from osapi.fleet.keys import KeyBook
from osapi.fleet.models import AgentRecord, AgentState, DrainOrder
from osapi.fleet.resolution import Reach, Resolution
from osapi.jobs import envelope
from osapi.jobs.quarantine import Doubt, Quarantine, Saying
from osapi.jobs.trust import doubt
from osapi.pki import ed25519, sealing
from osapi.pki.signing import Verifier
from osapi.transport.bucket import Bucket, Entry
from osapi.transport.follower import Follower

_NAMED = 100
"""Hosts that a failure names at most."""
_decode = msgspec.json.Decoder(AgentRecord).decode


@dataclass(frozen=True)
class Agent:
    """One agent as a list shows it. `silent_s` is the time since its last heartbeat, in seconds.

    `reachable` says that it is alive, `ready` that it takes work besides. `state` is what the agent says of
    itself, unless it has been drained and does not know it yet. `facts` None: it has not told any.
    """

    record: AgentRecord
    ready: bool
    reachable: bool
    state: AgentState
    silent_s: float
    facts: HostFacts | None = None
    fingerprint: str = ""
    """Of the key by which it is known; empty while it has announced none."""


class Registry:
    """Every agent that ever joined, and which of them are ready.

    A heartbeat counts when it is signed by the key in `keys`; what does not count is in `quarantine`.
    """

    def __init__(
        self,
        bucket: Bucket,
        keys: KeyBook,
        quarantine: Quarantine,
        facts: FactBook | None = None,
        *,
        ttl: timedelta = timedelta(seconds=30),
        order: Callable[[MachineId], DrainOrder | None] = lambda _: None,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._bucket = bucket
        self._keybook = keys
        self._quarantine = quarantine
        self._facts = facts or FactBook(None, keys, quarantine)
        self._ttl_s = ttl.total_seconds()
        self._order = order
        self._clock = clock
        self._now = now
        self._records: dict[MachineId, AgentRecord] = {}
        self._arrived: dict[MachineId, float] = {}
        self._names: defaultdict[str, frozenset[MachineId]] = defaultdict(frozenset)
        self._keys: dict[str, MachineId] = {}
        self._follower = Follower(bucket, models.KEYS, self.note)

    async def start(self) -> None:
        """Return when every stored key and record has been read. A second call changes nothing."""
        await self._keybook.start()
        await asyncio.gather(self._follower.start(), self._facts.start())

    async def stop(self) -> None:
        """End the watch. A second call changes nothing."""
        await self._follower.stop()
        await self._facts.stop()
        await self._keybook.stop()

    def list(self) -> Sequence[Agent]:
        """All known agents by host name, ready or not."""
        agents = [self._agent(machine) for machine in self._records]
        return sorted(agents, key=lambda agent: (agent.record.hostname, agent.record.machine_id))

    def get(self, name: str) -> Agent:
        """The agent of that machine id or host name. Raises `Invalid` as `resolution.find` does."""
        return self._agent(resolution.find(name, self))

    def resolve(self, target: Target, reach: Reach | None = None, *, with_secrets: bool = False) -> Resolution:
        """The hosts that a target means now; see `resolution.resolve`."""
        return resolution.resolve(target, self, reach, random.choice, with_secrets=with_secrets)

    def verifier(self, machine: MachineId) -> Verifier | None:
        """Who knows what this agent has signed; None while it may still announce the key by which it is known."""
        return self._keybook.verifier(machine)

    def sealing_keys(self, hosts: Mapping[MachineId, str]) -> dict[MachineId, bytes]:
        """What secrets for these hosts are sealed to. Raises `Invalid` (`no_sealing_key`) that names those without a key."""
        keys = {
            machine: record.sealing_key
            for machine in hosts
            if (record := self._records.get(machine)) is not None and record.sealing_key
        }
        without = sorted(name for machine, name in hosts.items() if machine not in keys)
        if without:
            raise Invalid(
                f"secrets cannot be sent to {', '.join(without[:_NAMED])}: no key has been announced to seal them to;"
                " bring the agents there up to date, or leave these hosts out",
                code="no_sealing_key",
                details={"hosts": without[:_NAMED]},
            )
        return keys

    def machines(self) -> Mapping[MachineId, AgentRecord]:
        """Every known agent, ready or not."""
        return self._records

    def named(self, hostname: str) -> frozenset[MachineId]:
        """The machine ids of all agents with this host name."""
        return self._names.get(hostname, frozenset())

    def is_ready(self, machine: MachineId) -> bool:
        """Whether the agent is alive and takes new work."""
        return self._state(machine) is AgentState.READY and self.is_reachable(machine)

    def is_reachable(self, machine: MachineId) -> bool:
        """Whether the agent is alive: it has not stopped, was heard of within the time-to-live, and is not cut off."""
        if not self._keybook.may_speak(machine):
            return False
        return not self._records[machine].stopped and self._silent_s(machine) <= self._ttl_s

    def order(self, machine: MachineId) -> DrainOrder | None:
        """The order by which the agent is drained; None when it is not."""
        return self._order(machine)

    async def remove(self, machine: MachineId) -> None:
        """Remove an agent's record and its facts. Raises `Unavailable` when the broker is away."""
        await self._facts.forget(machine)
        await self._bucket.purge(models.key(machine))

    def facts(self, machine: MachineId) -> HostFacts | None:
        """What the host has told of itself; None while it has not."""
        return self._facts.get(machine)

    def note(self, entry: Entry) -> None:
        """Take in one heartbeat; one that is not believed goes into quarantine and changes nothing."""
        if entry.deleted:
            self._forget(entry.key)
            return
        record = self._believed(entry)
        if record is not None:
            self._forget(entry.key)
            self._keep(record, entry)

    def _believed(self, entry: Entry) -> AgentRecord | None:
        try:
            header, payload = envelope.parse(entry.value)
            record = _decode(payload)
        except (Forbidden, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            self._quarantine.put(Saying.HEARTBEAT, Doubt.UNREADABLE, entry.key)
            return None
        machine = record.machine_id
        known = self.verifier(machine)
        announced = ed25519.PublicKey(record.signing_key) if header and record.is_signing else None
        verifier = Verifier.of(announced) if known is None and announced is not None else known
        found = doubt(header, payload, envelope.HEARTBEAT, verifier)
        if models.key(machine) != entry.key:
            found = Doubt.ELSEWHERE
        if found is not None:
            signed_by = "" if header is None else header.key
            self._quarantine.put(Saying.HEARTBEAT, found, entry.key, machine=machine, signed_by=signed_by)
            return None
        if known is None and announced is not None:
            self._keybook.first_seen(machine, announced)
        is_safe = verifier is not None and sealing.is_usable(record.sealing_key)
        return record if is_safe else msgspec.structs.replace(record, sealing_key=b"")

    def _keep(self, record: AgentRecord, entry: Entry) -> None:
        machine = record.machine_id
        self._keys[entry.key] = machine
        self._records[machine] = record
        self._arrived[machine] = self._clock() - self._age_s(entry)
        self._names[record.hostname] |= {machine}

    def _forget(self, key: str) -> None:
        machine = self._keys.pop(key, None)
        if machine is None:
            return
        name = self._records.pop(machine).hostname
        del self._arrived[machine]
        self._names[name] -= {machine}
        if not self._names[name]:
            del self._names[name]

    def _age_s(self, entry: Entry) -> float:
        if self._follower.caught_up:
            return 0.0
        return max(0.0, (self._now() - entry.created).total_seconds())

    def _silent_s(self, machine: MachineId) -> float:
        return self._clock() - self._arrived[machine]

    def _agent(self, machine: MachineId) -> Agent:
        known = self._keybook.known(machine)
        return Agent(
            self._records[machine],
            ready=self.is_ready(machine),
            reachable=self.is_reachable(machine),
            state=self._state(machine),
            silent_s=self._silent_s(machine),
            facts=self.facts(machine),
            fingerprint="" if known is None else known.fingerprint,
        )

    def _state(self, machine: MachineId) -> AgentState:
        """What the agent says of itself; until it has heard of an order, what it will say."""
        said = self._records[machine].state
        return AgentState.DRAINING if said is AgentState.READY and self._order(machine) is not None else said
