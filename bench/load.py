"""Many callers at once, for a while: how many jobs are done per second."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

CALLERS = 32


async def per_second(once: Callable[[int], Awaitable[object]], seconds: float, callers: int = CALLERS) -> float:
    """Let `callers` (numbered) repeat `once` for `seconds`, and count what ended in that time."""
    end = time.perf_counter() + seconds
    done = 0

    async def call(number: int) -> None:
        nonlocal done
        while time.perf_counter() < end:
            await once(number)
            done += time.perf_counter() <= end

    begin = time.perf_counter()
    await asyncio.gather(*(call(number) for number in range(callers)))
    return done / (min(end, time.perf_counter()) - begin)
