"""Which agents are drained, by whose order. Orders are signed, kept in the bucket `agent-state`, and sent at once.

One watch feeds the orders into memory, so that every controller refuses work for a drained host from the
same moment on. An agent that is away is told when it says hello.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import msgspec

from osapi.contract.errors import Conflict, Forbidden, Invalid, OsapiError
from osapi.contract.ids import MachineId
from osapi.fleet.models import DrainOrder
from osapi.jobs import envelope, subjects
from osapi.jobs.record import Actor
from osapi.pki.signing import Signer, Verifier
from osapi.telemetry.log import get_logger
from osapi.transport.broker import Broker
from osapi.transport.bucket import Bucket, Entry
from osapi.transport.follower import Follower

KEYS = "drain.*"

_decode = msgspec.json.Decoder(DrainOrder).decode
_encode = msgspec.json.Encoder().encode
_log = get_logger(__name__)


@dataclass(frozen=True)
class _Kept:
    order: DrainOrder
    revision: int


class Drains:
    """The standing orders. `bucket` None: there is nowhere to keep them, so no agent can be drained."""

    def __init__(
        self, broker: Broker, bucket: Bucket | None, signer: Signer, verifier: Verifier, now: Callable[[], datetime]
    ) -> None:
        self._broker = broker
        self._bucket = bucket
        self._signer = signer
        self._verifier = verifier
        self._now = now
        self._kept: dict[str, _Kept] = {}
        self._gone: dict[str, int] = {}
        self._follower = Follower(bucket, KEYS, self.note)

    async def start(self) -> None:
        """Return when every stored order has been read. A second call changes nothing."""
        await self._follower.start()

    async def stop(self) -> None:
        """End the watch. A second call changes nothing."""
        await self._follower.stop()

    def order(self, machine: MachineId) -> DrainOrder | None:
        """The order by which an agent is drained; None when it takes work."""
        kept = self._kept.get(_key(machine))
        return kept.order if kept is not None and kept.order.drained else None

    def standing(self, machine: MachineId) -> bytes:
        """The last order given to an agent, signed with the key of today; empty when there was none."""
        kept = self._kept.get(_key(machine))
        return b"" if kept is None else self._sealed(kept.order)

    async def drain(self, machine: MachineId, actor: Actor, reason: str) -> DrainOrder:
        """Let an agent finish what it has in hand and take nothing new. Raises `Conflict` when it is drained."""
        standing = self.order(machine)
        if standing is not None:
            when, who = standing.issued, standing.actor.subject
            raise Conflict(f"this host is drained already, by {who} since {when:%Y-%m-%d %H:%M:%S} UTC")
        return await self._give(machine, actor, reason, drained=True)

    async def undrain(self, machine: MachineId, actor: Actor) -> DrainOrder:
        """Let an agent take work again. Raises `Conflict` when it is not drained."""
        if self.order(machine) is None:
            raise Conflict("this host is not drained")
        return await self._give(machine, actor, "", drained=False)

    async def forget(self, machine: MachineId) -> None:
        """Remove the orders of an agent that is removed from the fleet."""
        if self._bucket is not None and _key(machine) in self._kept:
            await self._bucket.purge(_key(machine))

    def note(self, entry: Entry) -> None:
        """Take in one order. One that no controller signed is left out."""
        if entry.deleted:
            self._kept.pop(entry.key, None)
            self._gone[entry.key] = entry.revision
            return
        try:
            order = _decode(envelope.unseal(self._verifier, envelope.DRAIN, entry.value))
        except (Forbidden, msgspec.DecodeError, UnicodeDecodeError, RecursionError) as problem:
            _log.warning("security.drain_refused", key=entry.key, error=str(problem))
            return
        self._keep(entry.key, _Kept(order, entry.revision))

    async def _give(self, machine: MachineId, actor: Actor, reason: str, *, drained: bool) -> DrainOrder:
        if self._bucket is None:
            raise Invalid("nats.state.bucket is empty, so nothing remembers who is drained; name a bucket and restart")
        key = _key(machine)
        before = self._kept.get(key)
        revision = self._gone.get(key, 0) if before is None else before.revision
        order = DrainOrder(machine_id=machine, drained=drained, issued=self._now(), actor=actor, reason=reason)
        sealed = self._sealed(order)
        try:
            revision = await self._bucket.update(key, sealed, revision)
        except Conflict as problem:
            raise Conflict(
                f"host {machine} was drained or undrained by somebody else just now; look again"
            ) from problem
        self._keep(key, _Kept(order, revision))
        await self._tell(machine, sealed)
        return order

    def _sealed(self, order: DrainOrder) -> bytes:
        return envelope.seal(self._signer, envelope.DRAIN, _encode(order))

    async def _tell(self, machine: MachineId, sealed: bytes) -> None:
        """The order stands from now on; an agent that does not hear it is told when it says hello."""
        try:
            await self._broker.publish(subjects.drain(machine), sealed)
        except OsapiError as problem:
            _log.warning("drain.not_sent", machine_id=machine, error=problem.message)

    def _keep(self, key: str, kept: _Kept) -> None:
        known = self._kept.get(key)
        if known is None or known.revision < kept.revision:
            self._kept[key] = kept


def _key(machine: MachineId) -> str:
    return subjects.drain(machine)
