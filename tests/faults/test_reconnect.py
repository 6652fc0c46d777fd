"""Row 21 of the fault matrix: a thousand agents come back after a restart of the broker, and the API answers meanwhile."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from bench import proc
from bench.children import Child
from bench.client import Connection, connections
from bench.stack import Stack, running
from bench.stats import percentile
from tests.figures import figures

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(400)]

AGENTS = 1000
PROCESSES = 2
ENOUGH_S = 60.0
JOINING_S = 180.0
"""Long on purpose: that they join is what the test begins with, not what it measures."""
AWAY_S = 8.0
ONLOOKERS = 4
PAUSE_S = 0.02
PATHS = ("/api/agent/crowd-000007", "/api/job?limit=10", "/api/health")
"""What somebody looks at meanwhile."""


class Onlooker:
    """Asks again and again. Only answers count, not their contents: nothing here needs the broker."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.statuses: Counter[int] = Counter()
        self.times_ms: list[float] = []

    async def run(self) -> None:
        while True:
            for path in PATHS:
                began = time.perf_counter()
                answer = await self._connection.get(path)
                self.times_ms.append((time.perf_counter() - began) * 1000)
                self.statuses[answer.status] += 1
                await asyncio.sleep(PAUSE_S)


async def returned(connection: Connection, since: datetime) -> int:
    """How many agents have been heard of since then."""
    listed = json.loads(await connection.ok("/api/agent"))["agents"]
    return sum(datetime.fromisoformat(one["heartbeat_at"]) > since for one in listed)


async def until_returned(connection: Connection, since: datetime, count: int) -> float:
    """The seconds after which so many have been heard of."""
    began = time.monotonic()
    async with asyncio.timeout(ENOUGH_S):
        while await returned(connection, since) < count:
            await asyncio.sleep(0.1)
    return time.monotonic() - began


@asynccontextmanager
async def looked_at(onlookers: list[Onlooker]) -> AsyncIterator[None]:
    """While this lasts, they ask."""
    watching = [asyncio.create_task(onlooker.run()) for onlooker in onlookers]
    yield
    for task in watching:
        assert not task.done(), task.exception()
        task.cancel()


async def killed(stack: Stack) -> datetime:
    """The supervisor starts it again at once. Returns since when it was away."""
    os.kill(stack.broker_pid, signal.SIGKILL)
    away = datetime.now(UTC)
    await stack.broker_returned()
    return away


async def stopped(stack: Stack) -> datetime:
    """Long enough for every agent to try as rarely as it ever does. Returns since when it was away."""
    await stack.stop_broker()
    away = datetime.now(UTC)
    await asyncio.sleep(AWAY_S)
    await stack.start_broker()
    return away


@pytest.mark.parametrize("fault", [killed, stopped])
async def test_row_21_a_thousand_agents_come_back_and_the_api_answers_all_the_while(
    tmp_path: Path, fault: Callable[[Stack], Awaitable[datetime]]
) -> None:
    beginning = datetime.now(UTC)
    async with (
        running(tmp_path / "stack", agents=0) as stack,
        AsyncExitStack() as crowd,
        connections(1 + ONLOOKERS, stack.api, stack.token) as [asking, *looking],
    ):
        children = await joined(stack, crowd)
        await until_returned(asking, beginning, AGENTS)
        onlookers = [Onlooker(connection) for connection in looking]
        async with looked_at(onlookers):
            away = await fault(stack)
            most_s = await until_returned(asking, away, AGENTS * 95 // 100)
            all_s = most_s + await until_returned(asking, away, AGENTS)
        times_ms = [each for onlooker in onlookers for each in onlooker.times_ms]
        answers = sum((onlooker.statuses for onlooker in onlookers), Counter[int]())
        figures(
            f"row 21, broker {fault.__name__}",
            agents=AGENTS,
            seconds_to_95_percent=round(most_s, 1),
            seconds_to_all=round(all_s, 1),
            answers=dict(answers),
            api_p99_ms=round(percentile(times_ms, 99)),
            controller_MB=proc.rss_bytes(stack.controller_pid) // 2**20,
            crowd_MB=sum(proc.rss_bytes(child.pid) for child in children) // 2**20,
        )
        assert set(answers) == {200}
        assert all_s < 30
        assert percentile(times_ms, 99) < 1000


async def joined(stack: Stack, crowd: AsyncExitStack) -> list[Child]:
    """The agents, in a couple of processes, all of them connected."""
    each = AGENTS // PROCESSES
    login = stack.agent_login.as_json()
    starts = (
        Child.start(
            "tests.faults.crowd",
            {"login": login, "public_key": str(stack.public_key), "first": number * each, "count": each},
            ready_s=JOINING_S,
        )
        for number in range(PROCESSES)
    )
    children = await asyncio.gather(*starts)
    for child in children:
        crowd.push_async_callback(child.stop)
    return children
