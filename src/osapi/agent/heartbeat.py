"""Says that this agent lives, in a task that neither a long job nor a drain can hold up."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import msgspec

from osapi.contract.errors import OsapiError
from osapi.fleet import models
from osapi.fleet.models import AgentRecord
from osapi.jobs import envelope
from osapi.pki.signing import Signer
from osapi.telemetry.log import get_logger
from osapi.transport.bucket import Bucket

_RETRY_S = 1.0

_encode = msgspec.json.Encoder().encode
_log = get_logger(__name__)


class Heartbeat:
    """Writes this agent's record into the registry, signed. `describe` makes the record as it is now.

    A beat is due when the interval is over, or at once when `wanted` is set.
    """

    def __init__(
        self,
        registry: Bucket,
        signer: Signer,
        describe: Callable[[], Awaitable[AgentRecord]],
        interval: timedelta,
        wanted: asyncio.Event,
    ) -> None:
        self._registry = registry
        self._signer = signer
        self._describe = describe
        self._interval_s = interval.total_seconds()
        self._wanted = wanted

    async def run(self) -> None:
        """Beat whenever it is due. One that the broker does not take is due again after a second. Never returns."""
        while True:
            self._wanted.clear()
            taken = await self.register()
            try:
                async with asyncio.timeout(self._interval_s if taken else min(_RETRY_S, self._interval_s)):
                    await self._wanted.wait()
            except TimeoutError:
                continue

    async def register(self) -> bool:
        """Beat once. False when the broker did not take it; the next beat will tell."""
        try:
            record = await self._describe()
            signed = envelope.seal(self._signer, envelope.HEARTBEAT, _encode(record))
            await self._registry.put(models.key(record.machine_id), signed)
        except OsapiError as problem:
            _log.debug("heartbeat.missed", error=problem.message)
            return False
        return True
