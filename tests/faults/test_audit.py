"""Row 47 of the fault matrix, second half: however the controller dies, there is no effect without an entry."""

from __future__ import annotations

import asyncio
import os
import random
import signal
from pathlib import Path

import pytest
from bench.stack import Stack, running
from tests.faults.load import Load, client

from osapi.audit.api import AuditEntry
from osapi.audit.kind import Kind
from osapi.domains.command import operations as command
from osapi.domains.command.models import ShellRequest
from osapi.sdk.aio import AsyncClient
from osapi.sdk.errors import SdkError, Unavailable

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(300)]

JOBS = 600
KILLS = 8


async def changes(sdk: AsyncClient) -> list[AuditEntry]:
    """Every change in the audit."""
    return [entry async for entry in sdk.audit.export(kind=Kind.CHANGE)]


async def test_row_47_a_controller_killed_at_any_moment_leaves_no_effect_without_an_entry(tmp_path: Path) -> None:
    async with running(tmp_path / "stack", agents=2) as stack, client(stack.api, stack.token) as sdk:
        load = Load(sdk, tmp_path / "effects")
        submitting = asyncio.create_task(load.run(JOBS, "_all", concurrency=8))
        kills = 0
        while not submitting.done() and kills < KILLS:
            await asyncio.sleep(random.uniform(0.05, 0.4))
            os.kill(stack.controller_pid, signal.SIGKILL)
            kills += 1
            await stack.gone(stack.controller_pid)
            await stack.start_controller()
        await submitting
        await load.settled()
        effects = load.side_effects()
        entered = {entry.job_id for entry in await changes(sdk)}
        verdict = await sdk.audit.verify(public_key=stack.public_key.read_bytes())
        print(
            f"\nrow 47: kills = {kills}, jobs = {len(load.jobs)}, jobs with an effect = {len(effects)}, "
            f"without an entry = {len(effects.keys() - entered)}, accepted without an entry = "
            f"{len(set(load.jobs.values()) - entered)}, messages = {verdict.messages}, breaks = {len(verdict.breaks)}"
        )
        assert effects.keys() <= entered
        assert set(load.jobs.values()) <= entered
        assert max(effects.values()) == 2  # both hosts, once each
        assert verdict.is_whole


async def test_row_47_a_full_audit_lets_no_effect_pass_without_an_entry(tmp_path: Path) -> None:
    """The stream of the audit fills up while changes are submitted; reads go on."""
    small = {"nats": {"audit": {"max_bytes": 150_000}}}
    async with (
        running(tmp_path / "stack", agents=1, changes=small) as stack,
        client(stack.api, stack.token) as sdk,
    ):
        load = Load(sdk, tmp_path / "effects")
        refused: list[SdkError] = []
        for _ in range(2000):
            try:
                await _submit_once(load, stack)
            except Unavailable as problem:
                refused.append(problem)
                if len(refused) == 20:
                    break
        assert {(problem.status, problem.code) for problem in refused} == {(507, "audit_full")}
        assert (await sdk.health.ready()).ready is False
        await sdk.agents.list()
        await load.settled()
        effects = load.side_effects()
        await _give_room(stack)
        async with asyncio.timeout(30):
            while not (await sdk.health.ready()).ready:
                await asyncio.sleep(0.05)
        entered = {entry.job_id for entry in await changes(sdk)}
        print(
            f"\nrow 47: audit full: accepted = {len(load.jobs)}, refused = {len(refused)}, effects = {len(effects)}, "
            f"without an entry = {len(effects.keys() - entered)}"
        )
        assert effects.keys() == set(load.jobs.values())
        assert effects.keys() <= entered
        assert (await sdk.audit.verify()).is_whole


async def _submit_once(load: Load, stack: Stack) -> None:
    request = ShellRequest(command=f'echo "$OSAPI_JOB_ID" >> {load.effects}')
    results = await load.client.run(command.SHELL, request, target=stack.agents[0].hostname)
    load.jobs[str(len(load.jobs))] = results.job_id


async def _give_room(stack: Stack) -> None:
    """As an operator does: more room in the settings, and the controller started again."""
    stack.reconfigure({"nats": {"audit": {"max_bytes": 10_000_000}}})
    await stack.stop(stack.controller_pid)
    await stack.start_controller()
