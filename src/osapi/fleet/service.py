"""The fleet of one controller: who is there, who is drained, what became of whom. Starts and stops its parts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from osapi.config.nats import NatsSettings
from osapi.fleet.components import Components
from osapi.fleet.drains import Drains
from osapi.fleet.facts import FactBook
from osapi.fleet.keys import KeyBook
from osapi.fleet.observer import Observer
from osapi.fleet.registry import Registry
from osapi.fleet.timeline import Timelines
from osapi.jobs.quarantine import Quarantine
from osapi.pki.signing import Signer, Verifier
from osapi.transport.broker import Broker


@dataclass(frozen=True)
class Keys:
    """By which orders are signed, and known again."""

    signer: Signer
    verifier: Verifier
    accepts: bool = True
    """Whether only accepted keys of agents count; not so where the broker knows no users."""
    rotations: Callable[[], bytes] = lambda: b"[]"
    """The chain of the controller's keys, as `pki.rotations` encodes it."""


class FleetService:
    """Everything a controller knows of agents and programs. `start` returns when all of it is in memory."""

    def __init__(
        self,
        broker: Broker,
        settings: NatsSettings,
        keys: Keys,
        quarantine: Quarantine,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        state = broker.bucket(settings.state.bucket) if settings.state.bucket else None
        registry, ttl = broker.bucket(settings.registry.bucket), settings.registry.ttl
        self.drains = Drains(broker, state, keys.signer, keys.verifier, now)
        self.keybook = KeyBook(broker.bucket(settings.enrollment.bucket), keys.verifier if keys.accepts else None)
        told = broker.bucket(settings.facts.bucket) if settings.facts.bucket else None
        facts = FactBook(told, self.keybook, quarantine)
        self.registry = Registry(registry, self.keybook, quarantine, facts, ttl=ttl, order=self.drains.order, now=now)
        self.timelines = Timelines(state)
        self.components = Components(registry, ttl=ttl, now=now)
        self._observer = Observer(self.registry, self.timelines, ttl)
        self._observing: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Read everything, then begin to observe. A second call changes nothing."""
        if self._observing is None:
            parts = (self.drains, self.registry, self.timelines, self.components)
            await asyncio.gather(*(part.start() for part in parts))
            self._observing = asyncio.create_task(self._observer.run(), name="observer")

    async def stop(self) -> None:
        """Observe no more and end the watches. A second call changes nothing."""
        observing, self._observing = self._observing, None
        if observing is not None:
            observing.cancel()
            await asyncio.gather(observing, return_exceptions=True)
        for part in (self.components, self.timelines, self.registry, self.drains):
            await part.stop()
