"""Wakes everybody who waits, each time."""

from __future__ import annotations

import asyncio


class Pulse:
    """Something that happens again and again, such as the return of a connection."""

    def __init__(self) -> None:
        self._next = asyncio.Event()

    def beat(self) -> None:
        """It happens now."""
        self._next.set()
        self._next = asyncio.Event()

    async def wait(self, timeout_s: float) -> bool:
        """Wait until it happens next; False when `timeout_s` seconds were over first."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._next.wait()
        except TimeoutError:
            return False
        return True
