"""Where the time of one job goes, as a listener at the broker sees its messages pass."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from itertools import pairwise

from bench.logins import Login
from bench.stats import Sample
from bench.wire import connect

_MOMENTS = {
    "record": "$KV.job-queue.jobs.>",
    "job": "jobs.>",
    "live": "live.jobs.>",
    "answer": "$KV.job-responses.>",
}
STAGES = (
    "request to record sent",
    "record stored, job sent",
    "job stored, heard live",
    "agent, answer sent",
    "answer stored, reply",
)


async def medians(login: Login, once: Callable[[], Awaitable[object]], rounds: int) -> dict[str, float]:
    """Milliseconds of each stage, as medians over `rounds` jobs asked for one after the other."""
    seen: dict[str, float] = {}
    wire = await connect(login)
    for moment, subject in _MOMENTS.items():
        wire.subscribe(subject, lambda *_, moment=moment: seen.setdefault(moment, time.perf_counter()))
    await wire.flush()
    stages: dict[str, list[float]] = {stage: [] for stage in STAGES}
    for _ in range(rounds):
        seen.clear()
        begin = time.perf_counter()
        await once()
        moments = [begin, *(seen[moment] for moment in _MOMENTS if moment in seen), time.perf_counter()]
        if len(moments) == len(STAGES) + 1:
            for stage, (start, end) in zip(STAGES, pairwise(moments), strict=True):
                stages[stage].append((end - start) * 1e3)
    await wire.close()
    return {stage: Sample(tuple(values)).median for stage, values in stages.items() if values}
