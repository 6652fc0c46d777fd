"""Rows 1 and 5 of the fault matrix: killed under load, on the whole product as processes.

Each prints its figures; run with -s to see them.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
from collections import Counter
from pathlib import Path

import pytest
from bench.stack import Stack, running
from tests.faults.load import Load, client

from osapi.jobs.status import JobStatus

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(300)]

JOBS = 300


def accounting(row: str, load: Load, states: dict[str, JobStatus], kills: int) -> None:
    """Print the figures, and hold the accounting law and the side effects against them."""
    effects = load.side_effects()
    ended = Counter(status.value for status in states.values())
    duplicates = len(states) - len(set(load.jobs.values()))
    print(
        f"\n{row}: kills = {kills}, submitted = {len(load.jobs)}, accounted = {len(states)}, "
        f"lost = {len(set(load.jobs.values()) - set(states))}, duplicates = {duplicates}, "
        f"max SE = {max(effects.values())}, ended = {dict(ended)}, longest gap = {load.longest_gap_s:.2f} s"
    )
    assert set(load.jobs.values()) == set(states)
    assert len(set(load.jobs.values())) == JOBS
    assert max(effects.values()) == 1
    completed = {job for job, status in states.items() if status is JobStatus.COMPLETED}
    assert completed <= set(effects)
    assert ended.keys() <= {"completed", "expired", "interrupted"}


async def test_row_1_a_controller_killed_under_load_loses_and_repeats_nothing(tmp_path: Path) -> None:
    async with running(tmp_path / "stack", agents=2) as stack:
        async with client(stack.api, stack.token) as sdk:
            load = Load(sdk, tmp_path / "effects")
            running_load = asyncio.create_task(load.run(JOBS, "_any"))
            kills = 0
            while not running_load.done() and kills < 3:
                await _after_more_jobs(load, running_load, random.randint(20, 60))
                await _kill_controller(stack)
                kills += 1
            await running_load
            states = await load.settled()
        accounting("row 1", load, states, kills)
        assert Counter(states.values())[JobStatus.COMPLETED] == JOBS


async def test_row_5_a_broker_killed_under_load_keeps_every_accepted_job(tmp_path: Path) -> None:
    async with running(tmp_path / "stack", agents=2) as stack:
        async with client(stack.api, stack.token) as sdk:
            load = Load(sdk, tmp_path / "effects")
            running_load = asyncio.create_task(load.run(JOBS, stack.agents[0].hostname))
            kills = 0
            while not running_load.done() and kills < 2:
                await _after_more_jobs(load, running_load, random.randint(20, 60))
                os.kill(stack.broker_pid, signal.SIGKILL)
                kills += 1
                await stack.broker_returned()
            await running_load
            states = await load.settled()
        accounting("row 5", load, states, kills)
        assert Counter(states.values())[JobStatus.COMPLETED] == JOBS


async def _after_more_jobs(load: Load, task: asyncio.Task[None], count: int) -> None:
    wanted = len(load.jobs) + count
    while len(load.jobs) < wanted and not task.done():
        await asyncio.sleep(0.005)


async def _kill_controller(stack: Stack) -> None:
    os.kill(stack.controller_pid, signal.SIGKILL)
    await stack.gone(stack.controller_pid)
    await stack.start_controller()
