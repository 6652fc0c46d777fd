"""Everything that the bucket says about enrolment, in memory, fed by one watch."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from osapi.contract.errors import Forbidden
from osapi.contract.ids import MachineId
from osapi.fleet.enrolment import records
from osapi.fleet.enrolment.records import Barred, KeyEntry, Pending, Record, Standing, TokenEntry
from osapi.jobs import subjects
from osapi.pki.signing import Verifier
from osapi.telemetry.log import get_logger
from osapi.transport.bucket import Bucket, Entry
from osapi.transport.follower import Follower

KINDS: dict[str, type[Record]] = {"keys": KeyEntry, "enrollment": Pending, "tokens": TokenEntry, "revoked": Barred}
"""What is under which first word of a key."""
_LASTING = frozenset({"keys", "revoked"})
"""What is written over, never removed: a removal is not signed."""

_log = get_logger(__name__)


class Book:
    """Keys, requests, tokens and revoked keys. `bucket` None holds what `note` is given.

    `on_rotation` is told of every chain of controller keys, of which nothing is believed yet.
    """

    def __init__(
        self, bucket: Bucket | None, controllers: Verifier, on_rotation: Callable[[bytes], None] = lambda _: None
    ) -> None:
        self._on_rotation = on_rotation
        self._controllers = controllers
        self._records: dict[str, Record] = {}
        self.changed = asyncio.Event()
        """Set when something has changed."""
        self._follower = Follower(bucket, ">", self.note, self._records.clear)

    async def start(self) -> None:
        """Return when every entry has been read. A second call changes nothing."""
        await self._follower.start()

    async def stop(self) -> None:
        """End the watch. A second call changes nothing."""
        await self._follower.stop()

    @property
    def caught_up(self) -> bool:
        """Whether all that existed at the start is known."""
        return self._follower.caught_up

    def note(self, entry: Entry) -> None:
        """Take in one entry; one that no controller has written changes nothing."""
        if entry.key == subjects.ROTATIONS:
            self._on_rotation(entry.value)
            return
        word = entry.key.partition(".")[0]
        kind = KINDS.get(word)
        if kind is None or (entry.deleted and word in _LASTING):
            return
        if entry.deleted:
            self.drop(entry.key)
            return
        try:
            self.keep(records.opened(self._controllers, entry.key, entry.value, kind))
        except Forbidden as problem:
            _log.error("security.enrolment_forged", key=entry.key, error=problem.message)

    def keep(self, record: Record) -> None:
        """Know this from now on, before the watch tells it."""
        self._records[record.key] = record
        self.changed.set()

    def drop(self, key: str) -> None:
        """Know this no longer."""
        self._records.pop(key, None)
        self.changed.set()

    def key(self, machine: MachineId) -> KeyEntry | None:
        """By which key a machine is known; None when by none."""
        found = self._records.get(records.key_of(machine))
        return found if isinstance(found, KeyEntry) and found.standing is not Standing.GONE else None

    def owner(self, signing_key: bytes) -> KeyEntry | None:
        """Which machine is known by this key; None when none is."""
        return next((each for each in self.keys if each.signing_key == signing_key), None)

    def request(self, machine: MachineId) -> Pending | None:
        """The request of a machine that waits."""
        found = self._records.get(records.pending_of(machine))
        return found if isinstance(found, Pending) else None

    def token(self, token_id: str) -> TokenEntry | None:
        """The join token of this id."""
        found = self._records.get(records.token_of(token_id))
        return found if isinstance(found, TokenEntry) else None

    def barred(self, key: str) -> Barred | None:
        """Whether the key with this fingerprint is barred, and why; None also when it was allowed again."""
        found = self._records.get(records.barred_of(key))
        return found if isinstance(found, Barred) and not found.allowed_by else None

    @property
    def keys(self) -> Sequence[KeyEntry]:
        """Every accepted key."""
        found = [each for each in self._records.values() if isinstance(each, KeyEntry)]
        return [each for each in found if each.standing is Standing.ACCEPTED]

    @property
    def pending(self) -> Sequence[Pending]:
        """Who waits, the longest first."""
        found = [each for each in self._records.values() if isinstance(each, Pending)]
        return sorted(found, key=lambda each: (each.requested_at, each.machine_id))

    @property
    def bars(self) -> Sequence[Barred]:
        """Every key that is barred, the oldest first."""
        found = [each for each in self._records.values() if isinstance(each, Barred) and not each.allowed_by]
        return sorted(found, key=lambda each: (each.since, each.fingerprint))

    @property
    def tokens(self) -> Sequence[TokenEntry]:
        """Every join token, the oldest first."""
        found = [each for each in self._records.values() if isinstance(each, TokenEntry)]
        return sorted(found, key=lambda each: (each.created, each.id))
