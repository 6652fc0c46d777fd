"""Tells the facts of this host: at the start, when they have changed, and before the broker would forget them."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from datetime import timedelta

import msgspec

from osapi.agent.pulse import Pulse
from osapi.contract.errors import OsapiError
from osapi.fleet import facts as fleet_facts
from osapi.host.local import LocalHost
from osapi.jobs import envelope
from osapi.pki.signing import Signer
from osapi.telemetry.log import get_logger
from osapi.transport.bucket import Bucket

PAUSE_S = 5.0
"""How long after a report the next one comes at the earliest, however much the host changes."""
_RETRY_S = 1.0
"""The first wait after a report that the broker did not take; each further one is twice as long."""
_LONG_S = 3600.0

_encode = msgspec.json.Encoder().encode
_log = get_logger(__name__)


class FactReporter:
    """Puts the facts of one host into the bucket, signed.

    `interval` is how often the host is looked at; a change by OSAPI itself is told after `PAUSE_S`. `ttl` is the age
    at which the bucket forgets; zero: never. `returned` beats when the connection is back.
    """

    def __init__(
        self,
        bucket: Bucket,
        host: LocalHost,
        signer: Signer,
        interval: timedelta,
        ttl: timedelta,
        returned: Pulse,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._bucket = bucket
        self._host = host
        self._signer = signer
        self._returned = returned
        self._lasts_s = ttl.total_seconds() / 2 if ttl else float("inf")
        self._interval_s = min(interval.total_seconds(), self._lasts_s)
        self._clock = clock
        self._told: bytes | None = None
        self._told_at = 0.0

    async def run(self) -> None:
        """Report whenever it is due. Never returns."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._tell_again_after_returns())
            tasks.create_task(self._report_when_due())

    async def report(self) -> bool:
        """Collect the facts, and tell them if they are news. False when that did not work."""
        try:
            facts = await self._host.refresh_facts()
            content = _encode(facts)
            if content != self._told or self._clock() - self._told_at >= self._lasts_s:
                signed = envelope.seal(self._signer, envelope.FACTS, content)
                await self._bucket.put(fleet_facts.key(facts.machine_id), signed)
                self._told, self._told_at = content, self._clock()
        except OsapiError as problem:
            _log.debug("facts.untold", error=problem.message)
            return False
        return True

    async def _report_when_due(self) -> None:
        retry_s = _RETRY_S
        while True:
            if await self.report():
                retry_s, pause_s = _RETRY_S, min(PAUSE_S, self._interval_s)
                await asyncio.sleep(pause_s)
                await self._changed_within(self._interval_s - pause_s)
            else:
                await self._changed_within(retry_s)
                retry_s = min(retry_s * 2, self._interval_s)

    async def _changed_within(self, timeout_s: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._host.stale_facts.wait()

    async def _tell_again_after_returns(self) -> None:
        """A broker that comes back may have lost what it knew."""
        while True:
            if await self._returned.wait(_LONG_S):
                self._told = None
                self._host.stale_facts.set()
