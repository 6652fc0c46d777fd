"""The signs of life of a program of the broker's in the registry, over a connection that it has."""

from __future__ import annotations

import asyncio

from osapi.config.settings import Settings
from osapi.fleet.heartbeat import Heartbeat
from osapi.fleet.program import Program
from osapi.telemetry.log import get_logger
from osapi.telemetry.metrics import OFF, Metrics
from osapi.transport.broker import Broker

_LAST_WORD_S = 1.0

_log = get_logger("osapi.broker")


class Life:
    """Reports one program for as long as it runs, and that it ends in good order."""

    def __init__(self, settings: Settings, program: Program, metrics: Metrics = OFF) -> None:
        self._settings = settings
        self._program = program
        self._metrics = metrics
        self._reports: Heartbeat | None = None

    async def run(self, broker: Broker) -> None:
        """Report for ever."""
        self._reports = self._heartbeat(broker)
        self._reports.show_age(self._metrics)
        await self._reports.run()

    def trouble(self) -> str | None:
        """Why the registry does not hear of it; None when it does."""
        return "the broker has not been reported yet" if self._reports is None else self._reports.trouble

    async def end(self, broker: Broker) -> None:
        """Say that it ends in good order."""
        self._program.stopped = True
        try:
            async with asyncio.timeout(_LAST_WORD_S):
                await self._heartbeat(broker).register()
        except TimeoutError:
            _log.debug("heartbeat.missed")

    def _heartbeat(self, broker: Broker) -> Heartbeat:
        registry = broker.bucket(self._settings.nats.registry.bucket)
        return Heartbeat(registry, self._program.entry, self._settings.agent.heartbeat_interval, asyncio.Event())
