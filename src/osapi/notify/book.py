"""Keeps the ledger in the bucket, and says which controller may change it: the speaker.

The speaker renews its entry; when another controller has not seen it renewed for a while, by its own clock, that one
takes its place. Both entries are changed only by who knows their revision, so that a speaker that was
stopped and wakes up cannot write any more.
"""

from __future__ import annotations

import asyncio
import time
import zlib
from collections.abc import Callable

import msgspec

from osapi.contract.errors import Conflict
from osapi.notify.models import Ledger
from osapi.telemetry.log import get_logger
from osapi.transport.bucket import Bucket

LEDGER, SPEAKER = "ledger", "speaker"
LEASE_S = 10.0
"""How long a speaker may be silent before another controller takes its place."""
RENEW_S = 2.0

_decode = msgspec.json.Decoder(Ledger).decode
_encode = msgspec.json.Encoder().encode
_log = get_logger(__name__)


class Book:
    """The ledger as this controller knows it. `me` names the controller, no two alike."""

    def __init__(
        self,
        bucket: Bucket,
        me: str,
        now: Callable[[], float] = time.time,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._bucket = bucket
        self._me = me.encode()
        self._now = now
        self._clock = clock
        self._lease = 0
        self._renewed = 0.0
        self._seen: tuple[int, float] = (0, 0.0)
        self._revision = 0
        self._writing = asyncio.Lock()
        self.ledger: Ledger | None = None
        """None while this controller is not the speaker."""

    @property
    def speaks(self) -> bool:
        """Whether this controller may tell people something at this moment."""
        return self.ledger is not None and self._clock() - self._renewed < LEASE_S

    async def attend(self) -> bool:
        """Renew, or take the place of a speaker that is gone; whether this controller speaks.

        Raises `Unavailable` when the broker is away.
        """
        if self.ledger is None:
            await self._take()
        elif self._clock() - self._renewed >= RENEW_S:
            await self._claim(self._lease)
        return self.speaks

    async def change(self, change: Callable[[Ledger], Ledger]) -> bool:
        """Write what the ledger becomes; False when this controller does not speak now, and nothing was written."""
        async with self._writing:
            return await self._change(change)

    async def _change(self, change: Callable[[Ledger], Ledger]) -> bool:
        if self.ledger is None or not self.speaks:
            return False
        after = change(self.ledger)
        if after != self.ledger or not self._revision:
            try:
                self._revision = await self._bucket.update(LEDGER, zlib.compress(_encode(after)), self._revision)
            except Conflict:
                self._resign()
                return False
            self.ledger = after
        return True

    async def leave(self) -> None:
        """Let another controller speak at once. A second call changes nothing."""
        if self.ledger is not None:
            self._resign()
            await self._bucket.update(SPEAKER, b"", self._lease)

    async def _take(self) -> None:
        entry = await self._bucket.get(SPEAKER)
        revision, held = (0, b"") if entry is None else (entry.revision, entry.value)
        if revision != self._seen[0]:
            self._seen = revision, self._clock()
        if held not in (b"", self._me) and self._clock() - self._seen[1] < LEASE_S:
            return
        await self._claim(revision)
        if self._lease > revision:
            self.ledger = await self._read()
            _log.info("notify.speaking")

    async def _claim(self, revision: int) -> None:
        asked = self._clock()
        try:
            self._lease = await self._bucket.update(SPEAKER, self._me, revision)
        except Conflict:
            self._resign()
            return
        self._renewed = asked

    async def _read(self) -> Ledger:
        entry = await self._bucket.get(LEDGER)
        self._revision = 0 if entry is None else entry.revision
        if entry is None or entry.deleted:
            return Ledger(began=self._now())
        try:
            return _decode(zlib.decompress(entry.value))
        except (msgspec.DecodeError, UnicodeDecodeError, zlib.error) as problem:
            _log.error("notify.ledger_unreadable", error=str(problem))
            return Ledger(began=self._now())

    def _resign(self) -> None:
        self.ledger = None
        self._seen = (0, 0.0)


async def read(bucket: Bucket) -> Ledger | None:
    """The ledger as it was last written, for who only looks; None when there is none."""
    entry = await bucket.get(LEDGER)
    return None if entry is None or entry.deleted else _decode(zlib.decompress(entry.value))
