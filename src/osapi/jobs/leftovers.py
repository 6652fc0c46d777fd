"""Sweeps up after deleted jobs: a host that was at work when its job was deleted still tells how it ended.

Best effort: what no controller is there to sweep stays until the buckets let go of it by age.
"""

from __future__ import annotations

import asyncio

from osapi.contract.errors import OsapiError
from osapi.telemetry.log import get_logger
from osapi.transport.bucket import Bucket

_REMEMBERED = 10_000
_log = get_logger(__name__)


class Leftovers:
    """Keys that were written after their job was deleted. Only `run` speaks to the broker."""

    def __init__(self) -> None:
        self._deleted: dict[str, None] = {}
        self._due: asyncio.Queue[tuple[Bucket, str]] = asyncio.Queue()

    def job_deleted(self, job: str) -> None:
        """What is written about this job from now on is swept up."""
        self._deleted[job] = None
        if len(self._deleted) > _REMEMBERED:
            del self._deleted[next(iter(self._deleted))]

    def job_made(self, job: str) -> None:
        """The id is in use, perhaps again: an idempotency key makes the same one."""
        self._deleted.pop(job, None)

    def claim(self, bucket: Bucket, key: str) -> bool:
        """Whether the key, `status.<job>.…` or `responses.<job>.…`, is a leftover; then it is swept up soon."""
        if not self._deleted or key.split(".", 2)[1] not in self._deleted:
            return False
        self._due.put_nowait((bucket, key))
        return True

    async def run(self) -> None:
        """Sweep. Never returns."""
        while True:
            bucket, key = await self._due.get()
            try:
                await bucket.purge(key)
            except OsapiError as problem:
                _log.warning("jobs.leftover_stays", key=key, error=problem.message)
