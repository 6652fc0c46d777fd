"""Proves that jobs can still reach this agent: by a round trip to the broker over a new connection.

The connection that the agent has proves nothing. One that was made before the network changed can go on for a
while, or seem to, because what is sent waits in buffers.
"""

from __future__ import annotations

import asyncio

from osapi.contract.errors import Unavailable
from osapi.transport.address import Address
from osapi.transport.broker import Broker

_ANSWER_S = 2.0
"""How long the connection that the agent has may take to answer before it is made anew."""


class Reach:
    """`door.Reach` of an agent. Before `use` nothing is reached."""

    def __init__(self) -> None:
        self._way: tuple[Address, Broker] | None = None

    def use(self, address: Address, broker: Broker) -> None:
        """The broker's address, and the connection that the agent has to it."""
        self._way = address, broker

    async def __call__(self, settle_s: float, deadline_s: float) -> bool:
        """See `Host.reaches_controller`. The agent's own connection is made anew if it does not answer any more."""
        if self._way is None:
            return False
        address, broker = self._way
        await asyncio.sleep(settle_s)
        if not await _answers(address, deadline_s):
            return False
        await broker.refresh(timeout_s=_ANSWER_S)
        return True


async def _answers(address: Address, deadline_s: float) -> bool:
    """Whether a new connection stands and answers in time."""
    try:
        async with asyncio.timeout(deadline_s):
            fresh = await Broker.connect(address, name="round trip", timeout_s=deadline_s)
            try:
                await fresh.flush(timeout_s=deadline_s)
            finally:
                await fresh.close()
    except (Unavailable, TimeoutError):
        return False
    return True
