"""Core fan-out: one plain message to every played agent, each of which answers to an inbox. Nothing is stored.

The players, their number of processes and connections are those of P4, so that only what OSAPI adds differs.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import pairwise
from typing import Any

from bench.base import PAYLOAD
from bench.children import Child
from bench.logins import Login
from bench.simulated import ECHO_PREFIX
from bench.wire import Wire, connect

PROCESSES = 2


class Fanout:
    """Ready to be measured; made by `prepared`."""

    def __init__(self, wire: Wire, agents: int) -> None:
        self._wire = wire
        self._agents = agents
        self._left = 0
        self._all: asyncio.Future[None] | None = None
        wire.subscribe(f"{wire.inbox}.fan", self._take)

    async def once(self) -> None:
        """Send, and wait for every answer."""
        self._left = self._agents
        self._all = asyncio.get_running_loop().create_future()
        self._wire.publish(f"{ECHO_PREFIX}live.jobs.echo._all", PAYLOAD, reply=f"{self._wire.inbox}.fan")
        async with asyncio.timeout(30):
            await self._all

    def _take(self, _subject: bytes, _reply: bytes, _headers: bytes, _data: bytes) -> None:
        self._left -= 1
        if self._left == 0 and self._all is not None:
            self._all.set_result(None)


@asynccontextmanager
async def players(
    count: int, login: Login, arguments: dict[str, Any], *, offset: int = 0
) -> AsyncIterator[list[Child]]:
    """`count` played agents in a couple of processes, numbered from `offset` on."""
    defaults: dict[str, Any] = {"login": login.as_json(), "small": 0, "check_once": True, "public_key": ""}
    edges = [count * number // PROCESSES for number in range(PROCESSES + 1)]
    async with AsyncExitStack() as stack:
        children: list[Child] = []
        for first, end in pairwise(edges):
            part = {"first": offset + first, "count": end - first}
            children.append(await Child.start("bench.simulated", defaults | part | arguments))
            stack.push_async_callback(children[-1].stop)
        yield children


@asynccontextmanager
async def prepared(count: int, login: Login) -> AsyncIterator[Fanout]:
    """`count` played agents that only echo."""
    async with players(count, login, {"mode": "echo"}):
        wire = await connect(login)
        await wire.flush()
        yield Fanout(wire, count)
        await wire.close()
