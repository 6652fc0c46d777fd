"""Says that a program lives, in a task that neither a long job nor a drain can hold up."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta

import msgspec

from osapi.contract.errors import OsapiError
from osapi.jobs import envelope
from osapi.pki.signing import Signer
from osapi.telemetry.log import get_logger
from osapi.telemetry.metrics import Metrics
from osapi.transport.bucket import Bucket

_RETRY_S = 1.0

_encode = msgspec.json.Encoder().encode
_log = get_logger(__name__)

Describe = Callable[[], Awaitable[tuple[str, msgspec.Struct]]]
"""Makes the key and the record of the program as it is now."""


class Heartbeat:
    """Writes a program's record into the registry, signed if there is a `signer`.

    A beat is due when the interval is over, or at once when `wanted` is set.
    """

    def __init__(
        self,
        registry: Bucket,
        describe: Describe,
        interval: timedelta,
        wanted: asyncio.Event,
        signer: Signer | None = None,
    ) -> None:
        self._registry = registry
        self._signer = signer
        self._describe = describe
        self._interval_s = interval.total_seconds()
        self._wanted = wanted
        self.trouble: str | None = None
        """Why the broker did not take the last beat; None when it did."""
        self._taken = time.monotonic()

    def show_age(self, metrics: Metrics) -> None:
        """Show the time since the broker took the last beat; before the first, since there is this object."""
        told = "Seconds since the broker took the last heartbeat of this program."
        metrics.show("osapi_heartbeat_age_seconds", told, lambda: time.monotonic() - self._taken)

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
            key, record = await self._describe()
            await self._registry.put(key, self._signed(_encode(record)))
        except OsapiError as problem:
            _log.debug("heartbeat.missed", error=problem.message)
            self.trouble = problem.message
            return False
        self.trouble = None
        self._taken = time.monotonic()
        return True

    def _signed(self, record: bytes) -> bytes:
        return record if self._signer is None else envelope.seal(self._signer, envelope.HEARTBEAT, record)
