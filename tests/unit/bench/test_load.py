"""Counting what many callers get done."""

from __future__ import annotations

import asyncio

from bench.load import per_second


def test_callers_work_side_by_side() -> None:
    active: set[int] = set()
    most = 0

    async def once(number: int) -> None:
        nonlocal most
        active.add(number)
        most = max(most, len(active))
        await asyncio.sleep(0)
        active.discard(number)

    assert asyncio.run(per_second(once, 0.05, callers=10)) > 0
    assert most == 10


def test_what_ends_after_the_time_does_not_count() -> None:
    async def once(_: int) -> None:
        await asyncio.sleep(0.1)

    assert asyncio.run(per_second(once, 0.01, callers=4)) == 0.0
