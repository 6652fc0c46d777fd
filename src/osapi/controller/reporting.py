"""The controller's own sign of life in the registry."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime

from osapi.config.settings import Settings
from osapi.fleet.heartbeat import Heartbeat
from osapi.fleet.models import ComponentKind
from osapi.fleet.program import Program
from osapi.telemetry.metrics import Metrics
from osapi.telemetry.process import ProcessMeter
from osapi.transport.broker import Broker


def begin(
    settings: Settings, broker: Broker, metrics: Metrics, is_serving: Callable[[], bool], opened: AsyncExitStack
) -> Heartbeat:
    """Keep telling the registry that this controller lives; when `opened` ends, that it ended in good order."""
    controller = settings.controller
    program = Program(
        ComponentKind.CONTROLLER,
        str(controller.api.port),
        controller.process_conditions,
        ProcessMeter().read,
        lambda: {"api": "serving" if is_serving() else "starting"},
        lambda: datetime.now(UTC),
    )
    program.metrics = lambda: metrics.address
    registry = broker.bucket(settings.nats.registry.bucket)
    heartbeat = Heartbeat(registry, program.entry, settings.agent.heartbeat_interval, asyncio.Event())
    beating = asyncio.create_task(heartbeat.run(), name="heartbeat")

    async def end() -> None:
        beating.cancel()
        program.stopped = True
        await heartbeat.register()

    opened.push_async_callback(end)
    return heartbeat
