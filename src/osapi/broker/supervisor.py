"""Keeps nats-server running: started again when it dies, with growing pauses, until told to stop."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from osapi.broker.server import Server
from osapi.contract.errors import Unavailable
from osapi.telemetry.log import get_logger

_FIRST_PAUSE_S = 0.1
_LONGEST_PAUSE_S = 10.0
_STABLE_S = 30.0
"""A run as long as this is a success: the next pause is short again."""
STOP_S = 15.0
"""How long the server may take to stop before it is killed."""

_log = get_logger(__name__)

Launch = Callable[[], Awaitable[Server]]
"""Starts a server and returns it when it is ready. Raises `Unavailable` when it does not get there."""


class Supervisor:
    """Runs one server after the other. `launch` starts one."""

    def __init__(self, launch: Launch) -> None:
        self._launch = launch
        self.before_stop: Callable[[], Awaitable[None]] = _nothing
        """Awaited before a server is told to stop."""
        self.serving = False
        """Whether a server is there and has accepted connections."""
        self._server: Server | None = None
        self._stopping = asyncio.Event()

    @property
    def pid(self) -> int:
        """Process id of the present server; 0 before the first one."""
        return 0 if self._server is None else self._server.pid

    def reload(self) -> None:
        """Let the present server read its configuration again; one that is about to start reads it anyway."""
        if self._server is not None:
            self._server.reload()

    def stop(self) -> None:
        """Let `run` stop the server and return. May be called twice, and from a signal handler of the loop."""
        self._stopping.set()

    async def run(self, on_ready: Callable[[], None]) -> None:
        """Run until `stop`. `on_ready` is called once, when the first server accepts connections.

        Raises `Unavailable` when the very first start fails: then something is wrong that waiting will not mend.
        """
        server = self._server = await self._first()
        if server is None:
            return
        on_ready()
        pause = _FIRST_PAUSE_S
        while True:
            began = time.monotonic()
            if await self._ended_by_us(server):
                return
            pause = _FIRST_PAUSE_S if time.monotonic() - began > _STABLE_S else pause
            again = await self._again(pause)
            if again is None:
                return
            server, pause = again
            self._server = server

    async def _first(self) -> Server | None:
        """The first server; None when told to stop before it was ready."""
        launching = asyncio.ensure_future(self._launch())
        stopping = asyncio.create_task(self._stopping.wait())
        await asyncio.wait((launching, stopping), return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        server = await launching  # it is ready within seconds; leaving it half started would be worse
        if self._stopping.is_set():
            await server.stop(STOP_S)
            return None
        return server

    async def _ended_by_us(self, server: Server) -> bool:
        """Wait until the server ends or we are told to stop. Returns whether it was us."""
        ended = asyncio.create_task(server.wait())
        stopping = asyncio.create_task(self._stopping.wait())
        self.serving = True
        await asyncio.wait((ended, stopping), return_when=asyncio.FIRST_COMPLETED)
        self.serving = False
        stopping.cancel()
        if self._stopping.is_set():
            await self.before_stop()
            await server.stop(STOP_S)
            await ended
            return True
        _log.error("broker.died", status=ended.result())
        return False

    async def _again(self, pause: float) -> tuple[Server, float] | None:
        """A new server and the next pause; None when told to stop meanwhile."""
        while not await self._told_to_stop_within(pause):
            pause = min(pause * 2, _LONGEST_PAUSE_S)
            try:
                server = await self._launch()
            except Unavailable as problem:
                _log.error("broker.start_failed", error=problem.message, retry_s=pause)
                continue
            _log.info("broker.restarted", pid=server.pid)
            return server, pause
        return None

    async def _told_to_stop_within(self, seconds: float) -> bool:
        try:
            await asyncio.wait_for(self._stopping.wait(), seconds)
        except TimeoutError:
            return False
        return True


async def _nothing() -> None:
    """Nobody has a last word."""
