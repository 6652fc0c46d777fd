"""Who may begin: at most so many jobs at once, reads before writes, one holder per lock.

A job that waits for a lock takes no slot, so a row of package operations never keeps a read waiting.
Among jobs of one kind that could begin, the one that waited longest does.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Self

from osapi.contract.operation import Kind


@dataclass(eq=False)
class _Waiter:
    lock: str | None
    granted: asyncio.Future[None]


@dataclass(eq=False)
class Turn:
    """The right to run, until `release`. A second release changes nothing. Works as a `with` block."""

    _slots: Slots
    lock: str | None
    _open: bool = field(default=True)

    def release(self) -> None:
        if self._open:
            self._open = False
            self._slots.give_back(self.lock)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()


class Slots:
    """`limit` places to run in."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._running = 0
        self._locked: set[str] = set()
        self._waiting: dict[Kind, list[_Waiter]] = {Kind.QUERY: [], Kind.MODIFY: []}
        self._free, self._full = asyncio.Event(), asyncio.Event()
        self._free.set()

    @property
    def is_free(self) -> bool:
        """Whether a job without a lock could begin at once."""
        return self._running < self._limit

    async def wait_free(self) -> None:
        """Return as soon as a slot is free; it is not reserved."""
        while not self.is_free:
            await self._free.wait()

    async def wait_full(self) -> None:
        """Return as soon as no slot is free."""
        while self.is_free:
            await self._full.wait()

    def take_now(self, lock: str | None) -> Turn | None:
        """A turn if it can be had without waiting, else None. Nobody is passed over: who waits cannot begin."""
        if not self.is_free or lock in self._locked:
            return None
        self._occupy(lock)
        self._announce()
        return Turn(self, lock)

    async def take(self, kind: Kind, lock: str | None) -> Turn:
        """Wait for a turn. Cancelling the wait leaves the queue as if it had never been joined."""
        waiter = _Waiter(lock, asyncio.get_running_loop().create_future())
        self._waiting[kind].append(waiter)
        self._grant()
        try:
            await waiter.granted
        except asyncio.CancelledError:
            if waiter in self._waiting[kind]:
                self._waiting[kind].remove(waiter)
            else:
                self.give_back(lock)
            raise
        return Turn(self, lock)

    def give_back(self, lock: str | None) -> None:
        """End a turn; whoever may begin now, begins. Called by `Turn`."""
        self._running -= 1
        if lock is not None:
            self._locked.discard(lock)
        self._grant()

    def _grant(self) -> None:
        while self._running < self._limit and (waiter := self._next()) is not None:
            self._occupy(waiter.lock)
            waiter.granted.set_result(None)
        self._announce()

    def _occupy(self, lock: str | None) -> None:
        self._running += 1
        if lock is not None:
            self._locked.add(lock)

    def _announce(self) -> None:
        now, otherwise = (self._free, self._full) if self.is_free else (self._full, self._free)
        now.set()
        otherwise.clear()

    def _next(self) -> _Waiter | None:
        for line in self._waiting.values():
            for waiter in line:
                if waiter.lock not in self._locked:
                    line.remove(waiter)
                    return waiter
        return None
