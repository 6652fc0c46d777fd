"""Row 30 of the fault matrix: nobody gets through a job at what his own permissions refuse him."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from bench.stack import Stack, running
from tests.faults.load import client

from osapi.auth import keyring, tokens
from osapi.contract.operation import Nothing
from osapi.domains.command import operations as command
from osapi.domains.command.models import ExecRequest
from osapi.domains.node import operations as node
from osapi.sdk.aio import AsyncClient
from osapi.sdk.errors import Forbidden, SdkError

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(120)]

SECRET = "only-for-those-who-may-execute"


async def test_row_30_a_job_gives_nobody_more_than_the_operation_would(tmp_path: Path) -> None:
    async with running(tmp_path / "stack", agents=1) as stack, _as(stack, "admin") as admin:
        request = ExecRequest(command="echo", args=[SECRET])
        made = await admin.run(command.EXEC, request, target="_any")
        attempts: list[str] = []
        for role in ("read", "write"):
            async with _as(stack, role) as caller:
                attempts += await _escalations(caller, str(made.job_id))
        print(f"\nrow 30: tried = 12, escalations = {len(attempts)} {attempts}")
        assert attempts == []
        listed = await admin.jobs.list(operation=command.EXEC.name)
        assert [item.id for item in listed.items] == [made.job_id]
        assert SECRET in str(listed.items[0].operation.data)


async def test_what_everybody_may_read_everybody_may_see_as_a_job(tmp_path: Path) -> None:
    async with running(tmp_path / "stack", agents=1) as stack, _as(stack, "admin") as admin:
        made = await admin.run(node.OS, Nothing(), target="_any")
        async with _as(stack, "read") as caller:
            assert (await caller.jobs.get(str(made.job_id))).result["os_info"]


async def _escalations(caller: AsyncClient, job: str) -> list[str]:
    """Every way to someone else's command that is not refused."""
    ways: dict[str, Any] = {
        "get": lambda: caller.jobs.get(job),
        "retry": lambda: caller.jobs.retry(job),
        "retry elsewhere": lambda: caller.jobs.retry(job, target="_all"),
        "cancel": lambda: caller.jobs.cancel(job),
        "delete": lambda: caller.jobs.delete(job),
    }
    open_ways: list[str] = []
    for name, way in ways.items():
        try:
            await way()
        except Forbidden:
            continue
        except SdkError as problem:
            open_ways.append(f"{name}: {problem}")
        else:
            open_ways.append(name)
    listed = await caller.jobs.list(operation=command.EXEC.name)
    if SECRET in str(listed):
        open_ways.append("list")
    return open_ways


def _as(stack: Stack, role: str) -> AsyncClient:
    token = tokens.issue(
        keyring.load_or_create(stack.paths.tokens), role, [role], [], timedelta(hours=1), datetime.now(UTC)
    )
    return client(stack.api, token)
