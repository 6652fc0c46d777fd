"""Keeps output of a job whole: into the broker's store as it comes, in bounded memory.

Whoever makes the output waits when it comes faster than the broker stores it. What cannot be stored does not make
the job fail; the answer says so.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any

from osapi.contract.errors import OsapiError
from osapi.contract.kept import Kept, object_name
from osapi.host.door import Spool
from osapi.transport.objects import ObjectStore

_WAITING_BYTES = 256 * 1024


class Keeping:
    """Offers `host.door.Keep` to one job of one host. `kept` is what came of it."""

    def __init__(self, store: ObjectStore, job: str, machine: str, limit: int) -> None:
        self._store = store
        self._job = job
        self._machine = machine
        self._limit = limit
        self.kept: list[Kept] = []

    def spool(self, name: str, most: int | None = None) -> Spool:
        """Begin to keep something under that name."""
        where = object_name(self._job, self._machine, name)
        return _Spool(self._store, where, name, self._limit if most is None else most, self.kept.append)


class _Spool:
    def __init__(self, store: ObjectStore, where: str, name: str, limit: int, tell: Callable[[Kept], None]) -> None:
        self._store = store
        self._where = where
        self._name = name
        self._limit = limit
        self._tell = tell
        self._pieces: deque[bytes] = deque()
        self._size = 0
        self._ended = False
        self._news, self._room = asyncio.Event(), asyncio.Event()
        self._storing = asyncio.get_running_loop().create_task(self._store_all(), name=f"keep {where}")
        self._storing.add_done_callback(_retrieved)

    def add(self, piece: bytes) -> Coroutine[Any, Any, None] | None:
        """Take the next bytes."""
        if self._storing.done():
            return None
        self._pieces.append(piece)
        self._size += len(piece)
        self._news.set()
        if self._size < _WAITING_BYTES:
            return None
        self._room.clear()
        return self._wait_for_room()

    async def finish(self, within_s: float) -> Kept:
        """That was all: store the rest within that time, and tell what is kept."""
        self._ended = True
        self._news.set()
        await asyncio.wait((self._storing,), timeout=within_s)
        kept = self._result(within_s)
        self._tell(kept)
        return kept

    def abandon(self) -> None:
        """Nothing of it is to be kept. A second call changes nothing."""
        self._storing.cancel()
        self._room.set()

    def _result(self, within_s: float) -> Kept:
        if not self._storing.done():
            self.abandon()
            return Kept(name=self._name, error=f"the broker did not take it in time ({within_s:.1f} s)")
        problem = self._storing.exception()
        if isinstance(problem, OsapiError):
            return Kept(name=self._name, error=f"it could not be stored: {problem.message}")
        return self._storing.result()

    async def _store_all(self) -> Kept:
        truncated = False
        try:
            async with self._store.upload(take_back=False) as upload:
                while (piece := await self._next()) is not None:
                    room = self._limit - upload.size
                    truncated = truncated or len(piece) > room
                    if room > 0:
                        await upload.write(piece[:room])
                await self._store.commit(upload, self._where, {}, expect=0)
                return Kept(name=self._name, size=upload.size, sha256=upload.sha256, truncated=truncated)
        finally:
            self._room.set()

    async def _next(self) -> bytes | None:
        """The next piece; None when that was all."""
        while not self._pieces:
            if self._ended:
                return None
            self._news.clear()
            await self._news.wait()
        piece = self._pieces.popleft()
        self._size -= len(piece)
        if self._size < _WAITING_BYTES:
            self._room.set()
        return piece

    async def _wait_for_room(self) -> None:
        await self._room.wait()


def _retrieved(storing: asyncio.Task[Kept]) -> None:
    """Why it failed is told by `finish`; where nobody asks, nobody wants to know."""
    if not storing.cancelled():
        storing.exception()
