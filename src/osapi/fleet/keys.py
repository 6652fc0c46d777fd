"""By which key each agent is known: the one that was accepted for it.

Kept in a bucket of which only entries that a controller has signed count (`enrolment.records`). Where the broker knows no
users, because it lets everybody in or all share a password, an agent is known by the first key that it was seen with instead:
there nobody could say who asks to be accepted.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from datetime import UTC, datetime
from typing import Any

import msgspec

from osapi.contract.errors import Conflict, Forbidden, OsapiError
from osapi.contract.ids import MachineId
from osapi.fleet.enrolment import records
from osapi.fleet.enrolment.records import KeyEntry, Standing
from osapi.pki.ed25519 import PublicKey
from osapi.pki.keys import fingerprint
from osapi.pki.signing import Verifier
from osapi.telemetry.log import get_logger
from osapi.transport.bucket import Bucket, Entry
from osapi.transport.follower import Follower

KEYS = "keys.*"
"""Filter that matches the entries of all agents."""

_NOBODY = Verifier({})
_log = get_logger(__name__)


class Known(msgspec.Struct, frozen=True):
    """One agent's key, ready for use."""

    fingerprint: str
    verifier: Verifier


class KeyBook:
    """The keys of all agents, fed by one watch. `bucket` None remembers them only for as long as this lives.

    `controllers` knows by whom entries must be signed. None: nobody accepts keys here, and the first that is seen counts.
    """

    def __init__(self, bucket: Bucket | None, controllers: Verifier | None = None) -> None:
        self._bucket = bucket
        self._controllers = controllers
        self._known: dict[str, Known] = {}
        self._values: dict[str, bytes] = {}
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
        """The key of this agent; None when none is known."""
        return self._known.get(records.key_of(machine))

    def verifier(self, machine: MachineId) -> Verifier | None:
        """Who knows what this agent has signed. None: it may still announce the key by which it will be known."""
        known = self.known(machine)
        if known is not None:
            return known.verifier
        return None if self._controllers is None else _NOBODY

    def may_speak(self, machine: MachineId) -> bool:
        """Whether anything counts that this agent says; not so once its key is revoked."""
        return self._controllers is None or self.known(machine) is not None

    def first_seen(self, machine: MachineId, key: PublicKey) -> None:
        """Know this agent by this key from now on, unless it is known by one or keys are accepted. Stored in the background."""
        entry = records.key_of(machine)
        if self._controllers is not None:
            return
        if entry not in self._known:
            self._keep(entry, key)
            self._unstored.add(entry)
        if entry in self._unstored and self._bucket is not None:
            self._unstored.discard(entry)
            self._spawn(self._store(machine, key))

    async def forget(self, machine: MachineId) -> None:
        """Let the next key that this machine announces be the first. A second call changes nothing."""
        if self._bucket is None:
            self._known.pop(records.key_of(machine), None)
        else:
            await self._bucket.purge(records.key_of(machine))

    def note(self, entry: Entry) -> None:
        """Take in one entry of the bucket. One that no controller has written is put back as it was."""
        if self._controllers is not None:
            self._note_signed(entry, self._controllers)
        elif entry.deleted:
            self._known.pop(entry.key, None)
        else:
            self._note_plain(entry)

    def _note_plain(self, entry: Entry) -> None:
        try:
            found = msgspec.json.decode(entry.value.rpartition(b"\n")[2], type=KeyEntry)
        except (msgspec.DecodeError, UnicodeDecodeError) as problem:
            _log.error("fleet.key_unreadable", key=entry.key, error=str(problem))
            return
        self._unstored.discard(entry.key)
        self._take(found)

    def _note_signed(self, entry: Entry, controllers: Verifier) -> None:
        try:
            if entry.deleted:
                raise Forbidden(f"{entry.key} was removed by nobody who may")
            found = records.opened(controllers, entry.key, entry.value, KeyEntry)
        except Forbidden as problem:
            _log.error("security.key_forged", key=entry.key, error=problem.message)
            if entry.key in self._values:
                self._spawn(self._put_back(entry.key))
            return
        self._values[entry.key] = entry.value
        self._take(found)

    def _take(self, found: KeyEntry) -> None:
        key = records.key_of(found.machine_id)
        if found.standing is Standing.GONE:
            self._known.pop(key, None)
        else:
            self._keep(key, PublicKey(found.signing_key))

    def _keep(self, entry: str, key: PublicKey) -> None:
        self._known[entry] = Known(fingerprint(key), Verifier.of(key))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._storing.add(task)
        task.add_done_callback(self._storing.discard)

    async def _put_back(self, key: str) -> None:
        if self._bucket is not None:
            try:
                await self._bucket.put(key, self._values[key])
            except OsapiError as problem:
                _log.warning("fleet.key_not_put_back", key=key, error=problem.message)

    async def _store(self, machine: MachineId, key: PublicKey) -> None:
        name = records.key_of(machine)
        entry = KeyEntry(
            key=name, machine_id=machine, signing_key=key.raw, standing=Standing.ANNOUNCED, since=datetime.now(UTC)
        )
        try:
            if self._bucket is not None:
                await self._bucket.create(name, msgspec.json.encode(entry))
        except Conflict:
            return  # another controller has seen it too, or another key; the watch tells which
        except OsapiError as problem:
            self._unstored.add(name)
            _log.warning("fleet.key_not_stored", machine_id=machine, error=problem.message)
            return
        _log.info("fleet.key_seen", machine_id=machine, fingerprint=fingerprint(key))
