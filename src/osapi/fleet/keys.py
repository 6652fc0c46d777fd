"""By which key each agent is known: the one that was accepted for it, else the first that it was seen with.

Kept in a bucket that agents may not write, so that a key once seen stays, also when this controller or another one starts
anew. Who accepts keys writes them there too; they take the place of those that were only announced.
"""

from __future__ import annotations

import asyncio
import enum
from datetime import UTC, datetime

import msgspec

from osapi.contract.errors import Conflict, OsapiError
from osapi.contract.ids import MachineId
from osapi.jobs import subjects
from osapi.pki.ed25519 import PublicKey
from osapi.pki.keys import fingerprint
from osapi.pki.signing import Verifier
from osapi.telemetry.log import get_logger
from osapi.transport.bucket import Bucket, Entry
from osapi.transport.follower import Follower

KEYS = "keys.*"
"""Filter that matches the entries of all agents."""

_log = get_logger(__name__)


class Standing(enum.Enum):
    """Why a key is trusted."""

    ANNOUNCED = "announced"
    """It was the first that this machine was seen with."""
    ACCEPTED = "accepted"
    """Somebody has decided so."""


class KeyEntry(msgspec.Struct, frozen=True, kw_only=True):
    """What the bucket holds for one machine."""

    machine_id: MachineId
    signing_key: bytes
    """Ed25519, 32 bytes."""
    standing: Standing
    since: datetime


class Known(msgspec.Struct, frozen=True):
    """One agent's key, ready for use."""

    fingerprint: str
    verifier: Verifier


def name(machine: MachineId) -> str:
    """Key of an entry in the bucket."""
    return f"keys.{subjects.token(machine)}"


class KeyBook:
    """The keys of all agents, fed by one watch. `bucket` None remembers them only for as long as this lives."""

    def __init__(self, bucket: Bucket | None) -> None:
        self._bucket = bucket
        self._known: dict[str, Known] = {}
        self._storing: set[asyncio.Task[None]] = set()
        self._unstored: set[str] = set()
        self._follower = Follower(bucket, KEYS, self.note)

    async def start(self) -> None:
        """Return when every stored key has been read. A second call changes nothing."""
        await self._follower.start()

    async def stop(self) -> None:
        """End the watch. A second call changes nothing."""
        for task in self._storing:
            task.cancel()
        await self._follower.stop()

    def known(self, machine: MachineId) -> Known | None:
        """The key of this agent; None when none has been seen."""
        return self._known.get(name(machine))

    def first_seen(self, machine: MachineId, key: PublicKey) -> None:
        """Know this agent by this key from now on, unless it is known by one. Stored in the background."""
        entry = name(machine)
        if entry not in self._known:
            self._keep(entry, key)
            self._unstored.add(entry)
        if entry in self._unstored and self._bucket is not None:
            self._unstored.discard(entry)
            task = asyncio.get_running_loop().create_task(self._store(self._bucket, machine, key))
            self._storing.add(task)
            task.add_done_callback(self._storing.discard)

    async def forget(self, machine: MachineId) -> None:
        """Let the next key that this machine announces be the first. A second call changes nothing."""
        if self._bucket is None:
            self._known.pop(name(machine), None)
        else:
            await self._bucket.purge(name(machine))

    def note(self, entry: Entry) -> None:
        """Take in one entry of the bucket."""
        if entry.deleted:
            self._known.pop(entry.key, None)
            return
        try:
            found = msgspec.json.decode(entry.value, type=KeyEntry)
        except (msgspec.DecodeError, UnicodeDecodeError) as problem:
            _log.error("fleet.key_unreadable", key=entry.key, error=str(problem))
            return
        self._unstored.discard(entry.key)
        self._keep(entry.key, PublicKey(found.signing_key))

    def _keep(self, entry: str, key: PublicKey) -> None:
        self._known[entry] = Known(fingerprint(key), Verifier.of(key))

    async def _store(self, bucket: Bucket, machine: MachineId, key: PublicKey) -> None:
        entry = KeyEntry(machine_id=machine, signing_key=key.raw, standing=Standing.ANNOUNCED, since=datetime.now(UTC))
        try:
            await bucket.create(name(machine), msgspec.json.encode(entry))
        except Conflict:
            return  # another controller has seen it too, or another key; the watch tells which
        except OsapiError as problem:
            self._unstored.add(name(machine))
            _log.warning("fleet.key_not_stored", machine_id=machine, error=problem.message)
            return
        _log.info("fleet.key_seen", machine_id=machine, fingerprint=fingerprint(key))
