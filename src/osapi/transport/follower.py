"""One watch of a bucket, for the life of whoever keeps in memory what it tells."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from osapi.transport.bucket import Bucket, Entry
from osapi.transport.watch import Watch


class Follower:
    """Tells every entry of a bucket that matches a filter, as `Bucket.watch` does.

    `bucket` None: there is nothing to follow, and both methods do nothing.
    """

    def __init__(
        self,
        bucket: Bucket | None,
        pattern: str,
        on_entry: Callable[[Entry], None],
        on_reset: Callable[[], None] | None = None,
    ) -> None:
        self._bucket = bucket
        self._pattern = pattern
        self._on_entry = on_entry
        self._on_reset = on_reset
        self._ready = asyncio.Event()
        self._watch: Watch | None = None

    @property
    def caught_up(self) -> bool:
        """Whether all that existed when it was started has been told."""
        return self._ready.is_set()

    async def start(self) -> None:
        """Return when all that exists has been told. Once it follows, a call only waits for that.

        Raises `Unavailable`, and `NotFound` when there is no such bucket.
        """
        if self._bucket is None:
            return
        if self._watch is None:
            self._watch = await self._bucket.watch(
                self._pattern, self._on_entry, on_ready=self._ready.set, on_reset=self._on_reset
            )
        await self._ready.wait()

    async def stop(self) -> None:
        """Tell no more. A second call changes nothing."""
        watch, self._watch = self._watch, None
        if watch is not None:
            await watch.stop()
