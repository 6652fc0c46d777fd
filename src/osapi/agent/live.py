"""What a job gives out while it runs, sent on at a pace that bothers nobody.

A job that ends before its first piece is due sends none, for its answer tells everything. Text that comes faster
than it may be sent is left out, and how much is told; items are not, their source has to wait. The hosts of one job
send together at most about 2 MiB in a second, however many they are.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import msgspec

from osapi.agent.pieces import Piece, Pieces

PIECE = 32 * 1024
"""Most that is sent at once, in characters or bytes of JSON."""
_LEAST = 2048
_TOGETHER = 1024 * 1024
"""What all hosts of a job send in a second, unless each would have less than `_LEAST`."""
_SHORTEST_S = 0.1
_LONGEST_S = 1.0
_HOSTS_PER_S = 100
_CLOSE_S = 2.0

Send = Callable[[int, Piece], Awaitable[bool]]
"""Takes number and piece; False when it could not be sent."""

_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True)
class Pace:
    """How often a host sends a piece, and how large it may be."""

    interval_s: float
    piece: int


def pace(hosts: int) -> Pace:
    """The pace of one of so many hosts that take part in a job."""
    interval_s = min(max(hosts / _HOSTS_PER_S, _SHORTEST_S), _LONGEST_S)
    share = int(_TOGETHER * interval_s) // max(hosts, 1)
    return Pace(interval_s, min(max(share, _LEAST), PIECE))


class LiveOutput:
    """Offers `host.door.Live` to one job."""

    def __init__(self, send: Send, pace: Pace) -> None:
        self._send = send
        self._pace = pace
        self._pieces = Pieces(2 * PIECE)
        self._pump: asyncio.Task[None] | None = None
        self._room = asyncio.Event()
        self._closing = asyncio.Event()
        self._has_items = False
        self._number = 0

    def text(self, name: str, piece: bytes) -> None:
        """More of the text in the field `name`."""
        if not self._closing.is_set():
            self._pieces.add_text(name, piece)
            self._start()

    def items(self, name: str, items: Sequence[Any]) -> Coroutine[Any, Any, None] | None:
        """More items for the list in the field `name`; while too much waits to be sent, something to await."""
        if self._closing.is_set() or not items:
            return None
        self._has_items = True
        self._pieces.add_items(name, map(_encode, items))
        self._start()
        if not self._pieces.is_full:
            return None
        self._room.clear()
        return self._wait_for_room()

    async def close(self) -> int:
        """Send what is left, unless the answer tells it anyway; the number of the last piece, 0 for none."""
        self._pieces.finish()
        self._closing.set()
        if self._pieces:
            self._start()
        if self._pump is not None:
            await asyncio.wait((self._pump,), timeout=_CLOSE_S)
        self.drop()
        return self._number

    def drop(self) -> None:
        """Send nothing more. A second call changes nothing."""
        self._closing.set()
        self._room.set()
        if self._pump is not None:
            self._pump.cancel()

    async def _wait_for_room(self) -> None:
        await self._room.wait()

    def _start(self) -> None:
        if self._pump is None or self._pump.done():
            self._pump = asyncio.get_running_loop().create_task(self._run(), name="live output")

    async def _run(self) -> None:
        while self._pieces:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._pace.interval_s):
                    await self._closing.wait()
            if self._closing.is_set() and not (self._number or self._has_items):
                return
            sent = await self._send_next()
            if self._closing.is_set() and not sent:
                return

    async def _send_next(self) -> bool:
        piece = self._pieces.take(self._pace.piece)
        sent = await self._send(self._number + 1, piece)
        if sent:
            self._number += 1
        else:
            self._pieces.give_back(piece)
        if not self._pieces.is_full:
            self._room.set()
        return sent
