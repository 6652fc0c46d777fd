"""Rows 6 and 7 of docs/reliability.md: three servers, killed one after the other, and without a majority."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections import Counter
from pathlib import Path

import pytest
from tests.faults.cluster import on_cluster
from tests.faults.load import Load, client
from tests.figures import figures
from tests.halting import halted

from osapi.contract.ids import JobId
from osapi.domains.command import operations as command
from osapi.domains.command.models import ShellRequest
from osapi.jobs.status import JobStatus
from osapi.sdk.aio import AsyncClient
from osapi.sdk.errors import Unavailable

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(300)]

BETWEEN_KILLS_S = 6.0
AWAY_S = 2.0
TRIES = 3


async def test_row_6_servers_killed_one_after_the_other_cost_no_job(tmp_path: Path) -> None:
    async with on_cluster(tmp_path, agents=2) as (stack, servers), client(stack.api, stack.token) as sdk:
        load = Load(sdk, tmp_path / "effects")
        over = asyncio.Event()
        work = asyncio.create_task(_until(over, load))
        for server in servers:
            await asyncio.sleep(BETWEEN_KILLS_S - AWAY_S)
            server.kill()
            await asyncio.sleep(AWAY_S)
            await asyncio.to_thread(server.start)
        over.set()
        await work
        states = await load.settled()
    figures("row 6", kills=len(servers), longest_gap_s=round(load.longest_gap_s, 2), **_accounted(load, states))


async def test_row_7_without_a_majority_nothing_is_accepted_and_it_heals(tmp_path: Path) -> None:
    async with on_cluster(tmp_path, agents=1) as (stack, servers), client(stack.api, stack.token) as sdk:
        load = Load(sdk, tmp_path / "effects")
        await load.run(20, "web-00")
        with halted(servers[0].pid, servers[1].pid):
            waits = [await _refused(sdk) for _ in range(TRIES)]
        healed = time.monotonic()
        await load.submit("web-00")
        recovery_s = time.monotonic() - healed
        states = await load.settled()
    told = _accounted(load, states)
    figures("row 7", refused=len(waits), retry_after_s=min(waits), recovery_s=round(recovery_s, 1), **told)


async def _until(over: asyncio.Event, load: Load) -> None:
    """Jobs for one host and for anybody, several at once, until told to stop."""

    async def work(target: str) -> None:
        while not over.is_set():
            await load.submit(target)
            await asyncio.sleep(0.02)

    async with asyncio.TaskGroup() as tasks:
        for target in ("web-00", "web-01", "_any", "_any"):
            tasks.create_task(work(target))


async def _refused(sdk: AsyncClient) -> float:
    """Try to have a job accepted. Returns after how many seconds to come again, as the refusal says."""
    request = ShellRequest(command="true")
    with pytest.raises(Unavailable) as refusal:
        await sdk.submit(command.SHELL, request, target="web-00", idempotency_key=str(uuid.uuid4()))
    assert refusal.value.status == 503
    assert refusal.value.retry_after_s is not None
    return refusal.value.retry_after_s


def _accounted(load: Load, states: dict[JobId, JobStatus]) -> dict[str, object]:
    """Hold what was accepted against what is known and what happened. Returns the figures."""
    accepted, effects = set(load.jobs.values()), load.side_effects()
    assert {job for job, status in states.items() if status is JobStatus.COMPLETED} <= set(effects)
    assert accepted == set(states)
    assert max(effects.values()) == 1
    ended = Counter(status.value for status in states.values())
    return {"accepted": len(accepted), "known": len(states), "ended": dict(ended)}
