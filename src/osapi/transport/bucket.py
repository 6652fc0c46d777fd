"""A key-value bucket, read by direct get and written by publishing: nothing else is asked of the broker.

So the rights a component needs can be limited to its own keys: publish on `$KV.<bucket>.<key>` and
direct get of the same subject (NATS ADR-8, ADR-31). The bucket itself is made by `provision`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

import msgspec

from osapi.contract.errors import Conflict, Invalid
from osapi.transport import batch, headers
from osapi.transport.append import append
from osapi.transport.link import Link
from osapi.transport.watch import Watch

_KEY = re.compile(r"[-/_=A-Za-z0-9]+(\.[-/_=A-Za-z0-9]+)*")
_FILTER = re.compile(r">|([-/_=A-Za-z0-9]+|\*)(\.([-/_=A-Za-z0-9]+|\*))*(\.>)?")
_EXPECT = "Nats-Expected-Last-Subject-Sequence"
_DELETE = headers.encode({"KV-Operation": "DEL"})
_PURGE = headers.encode({"KV-Operation": "PURGE", "Nats-Rollup": "sub"})
_TIMEOUT_S = 5.0


class Entry(msgspec.Struct, frozen=True, gc=False):
    """One entry of a bucket. `revision` is its sequence in the bucket, `value` empty when deleted.

    `deleted` is True for a deletion marker, also for the one the broker leaves when an entry expires.
    `created_ns` is when it was stored, by the broker's clock, in nanoseconds since 1970.
    """

    key: str
    value: bytes
    revision: int
    deleted: bool
    created_ns: int

    @property
    def created(self) -> datetime:
        """`created_ns` as an aware time, to the microsecond."""
        return datetime.fromtimestamp(self.created_ns // 1000 / 1e6, UTC)


class Bucket:
    """Entries by key. Every method raises `Unavailable` when the broker is away or has no such bucket.

    A key is tokens of letters, digits and `-/_=`, joined by dots; anything else is `Invalid`.
    """

    def __init__(self, link: Link, name: str) -> None:
        self.name = name
        self._link = link
        self._stream = link.names.bucket_stream(name)
        self._prefix = link.names.bucket_prefix(name)

    async def put(self, key: str, value: bytes, *, ttl: timedelta | None = None) -> int:
        """Write, whatever was there; returns the revision. Raises `TooLarge` above the broker's limit.

        With `ttl` the entry vanishes after so long (whole seconds, rounded up; NATS ADR-43); watches are not told.
        """
        extra = b"" if ttl is None else headers.encode({"Nats-TTL": f"{max(1, math.ceil(ttl.total_seconds()))}s"})
        return await append(self._link, self._subject(key), value, extra, timeout_s=_TIMEOUT_S)

    async def create(self, key: str, value: bytes) -> int:
        """Write if there is nothing (or only a deletion marker); returns the revision, or raises `Conflict`."""
        try:
            return await self.update(key, value, 0)
        except Conflict:
            present = await self.get(key)
            if present is None or not present.deleted:
                raise
            return await self.update(key, value, present.revision)

    async def update(self, key: str, value: bytes, last: int) -> int:
        """Write if the entry's revision is still `last`; returns the new one, or raises `Conflict`."""
        expected = headers.encode({_EXPECT: str(last)})
        return await append(self._link, self._subject(key), value, expected, timeout_s=_TIMEOUT_S)

    async def delete(self, key: str) -> None:
        """Leave a deletion marker, which watches report. A second call leaves another one."""
        await append(self._link, self._subject(key), b"", _DELETE, timeout_s=_TIMEOUT_S)

    async def purge(self, key: str) -> None:
        """Like `delete`, and any history goes too."""
        await append(self._link, self._subject(key), b"", _PURGE, timeout_s=_TIMEOUT_S)

    async def get(self, key: str) -> Entry | None:
        """Read one entry. None when there is none; a deletion marker is returned as such.

        In a cluster any server that holds a copy answers, perhaps a moment behind the last write.
        """
        found = await batch.last(self._link, self._stream, self._subject(key))
        return None if found is None else self._entry(found)

    async def get_many(self, keys: Sequence[str]) -> dict[str, Entry]:
        """Read the entries of keys and filters (`*`, `>`) together, 1,000 keys to a round trip.

        Keys that do not exist are left out; deletion markers are in. Ordered by revision within a
        round trip.
        """
        subjects = [self._filter(key) for key in keys]
        found = await batch.last_of(self._link, self._stream, subjects)
        entries = (self._entry(message) for message in found)
        return {entry.key: entry for entry in entries}

    async def watch(
        self,
        pattern: str,
        on_entry: Callable[[Entry], None],
        *,
        on_ready: Callable[[], None] | None = None,
        on_reset: Callable[[], None] | None = None,
    ) -> Watch:
        """Follow every entry that matches `pattern`: first all that exist, then `on_ready`, then what comes.

        `on_entry` is called synchronously in the event loop, in order of revision, and must be quick.
        An empty bucket is ready at once. The watch survives the broker's restarts by itself, without
        repeating anything. If the bucket was made or restored anew meanwhile, `on_reset` is called and all
        entries follow again (`on_ready` does not). Deleted entries, and expired ones of a bucket that
        announces it, arrive with `deleted` True. Needs the right to create consumers.

        Raises `Unavailable`, and `NotFound` when there is no such bucket.
        """
        skip = len(self._prefix)

        def on_message(subject: bytes, data: bytes, raw: bytes | None, sequence: int, stamp: int) -> None:
            on_entry(Entry(subject[skip:].decode(), data, sequence, raw is not None and _is_deletion(raw), stamp))

        watch = Watch(self._link, self._stream, self._filter(pattern), on_message, on_ready, on_reset)
        await watch.start()
        return watch

    def _subject(self, key: str) -> str:
        if not _KEY.fullmatch(key):
            raise Invalid(f"{key[:80]!r} is not a key: tokens of letters, digits and -/_= joined by dots are")
        return self._prefix + key

    def _filter(self, text: str) -> str:
        if not _FILTER.fullmatch(text):
            raise Invalid(f"{text[:80]!r} is not a filter: a key whose tokens may be *, with > as the last")
        return self._prefix + text

    def _entry(self, message: batch.Stored) -> Entry:
        key = message.subject[len(self._prefix) :]
        return Entry(key, message.data, message.sequence, _is_deletion(message.headers), message.stamp)


def _is_deletion(raw: bytes) -> bool:
    """Whether headers mark an entry that was deleted (ADR-8), or expired or was removed (ADR-43)."""
    if b"KV-Operation" not in raw and b"Nats-Marker-Reason" not in raw:
        return False
    fields = headers.decode(raw)
    return fields.get("KV-Operation") in {"DEL", "PURGE"} or "Nats-Marker-Reason" in fields
