"""Load on the whole product: jobs whose effect can be counted, sent by a client that does not give up."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from bench.client import Api

from osapi.contract.ids import JobId
from osapi.domains.command import operations as command
from osapi.domains.command.models import ShellRequest
from osapi.jobs.status import JobStatus
from osapi.sdk.aio import AsyncClient
from osapi.sdk.errors import SdkError
from osapi.sdk.retry import Retry

SETTLE_S = 90.0


@dataclass
class Load:
    """What was submitted, under which key, and what came of it."""

    client: AsyncClient
    effects: Path
    jobs: dict[str, JobId] = field(default_factory=dict[str, JobId])
    attempts: int = 0
    longest_gap_s: float = 0.0

    async def submit(self, target: str) -> None:
        """Submit one job, with one key, until the controller says it is accepted."""
        key = str(uuid.uuid4())
        began = time.monotonic()
        while key not in self.jobs:
            self.attempts += 1
            try:
                self.jobs[key] = await self.client.submit(
                    command.SHELL,
                    ShellRequest(command=f'echo "$OSAPI_JOB_ID" >> {self.effects}'),
                    target=target,
                    idempotency_key=key,
                )
            except SdkError:
                await asyncio.sleep(0.02)
        self.longest_gap_s = max(self.longest_gap_s, time.monotonic() - began)

    async def run(self, count: int, target: str, *, concurrency: int = 8) -> None:
        """Submit `count` jobs."""
        left = iter(range(count))

        async def work() -> None:
            for _ in left:
                await self.submit(target)

        async with asyncio.TaskGroup() as tasks:
            for _ in range(concurrency):
                tasks.create_task(work())

    async def settled(self) -> dict[str, JobStatus]:
        """The state of every job there is, once all that were accepted are known and have ended.

        A controller whose watch has been cut off knows of the newest a moment later. Raises `TimeoutError`, naming what is missing.
        """
        deadline = time.monotonic() + SETTLE_S
        while True:
            states = await self._states()
            missing = set(self.jobs.values()) - set(states)
            if states and not missing and all(status.is_final for status in states.values()):
                return states
            if time.monotonic() > deadline:
                raise TimeoutError(f"lost: {missing}, not ended: {[job for job in states if not states[job].is_final]}")
            await asyncio.sleep(0.1)

    async def _states(self) -> dict[str, JobStatus]:
        states: dict[str, JobStatus] = {}
        cursor: str | None = None
        while True:
            page = await self.client.jobs.list(limit=100, cursor=cursor, operation=command.SHELL.name)
            states.update({item.id: item.status for item in page.items})
            cursor = page.next_cursor
            if cursor is None:
                return states

    def side_effects(self) -> Counter[str]:
        """How often the effect of each job has happened."""
        return Counter(self.effects.read_text().split()) if self.effects.exists() else Counter()


def client(api: Api, token: str) -> AsyncClient:
    """A client that leaves trying again to the load."""
    return AsyncClient(api.url, token, ca_file=api.ca_file, retry=Retry(attempts=1))
