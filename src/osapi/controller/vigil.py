"""Notices within seconds that the broker does not answer although the connection stands: a host that hangs, a cable that was pulled."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

from osapi.transport.broker import Broker

_PAUSE_S = 1.0
_ANSWER_S = 2.5
"""Together less than the 5 s within which readiness is to turn red."""


def begin(broker: Broker, opened: AsyncExitStack) -> None:
    """Watch until `opened` is closed."""
    watching = asyncio.create_task(_watch(broker), name="vigil")
    opened.callback(watching.cancel)


async def _watch(broker: Broker) -> None:
    while True:
        await broker.refresh(timeout_s=_ANSWER_S)
        await asyncio.sleep(_PAUSE_S)
