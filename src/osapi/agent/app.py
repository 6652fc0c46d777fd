"""The agent program: starts its parts in order and ends them in order."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

from osapi.agent.foundation import Setup
from osapi.agent.ledger import Ledger
from osapi.agent.parts import Parts, build
from osapi.agent.tasks import Tasks
from osapi.contract.errors import Unavailable
from osapi.telemetry.log import get_logger

DRAIN_S = 10.0
"""How long a stopping agent lets the jobs in hand finish unless told otherwise."""
_PRUNE_S = 3600.0

_log = get_logger(__name__)


class Agent:
    """One agent. `start` returns when it hears jobs, `stop` when it has said its last word."""

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._tasks = Tasks()
        self._open = AsyncExitStack()
        self._parts: Parts | None = None

    async def start(self) -> None:
        """Connect, for as long as that takes, and begin to hear jobs. A second call changes nothing.

        Raises what `parts.build` raises; then nothing is left open.
        """
        if self._parts is not None:
            return
        try:
            parts = await build(self._setup, self._open)
            await self._begin(parts)
        except BaseException:
            await self._tasks.cancel()
            await self._open.aclose()
            raise
        self._parts = parts
        _log.info("agent.ready", hostname=parts.tools.nameplate.hostname, machine_id=parts.tools.machine)

    async def stop(self, deadline_s: float = DRAIN_S) -> None:
        """Hear nothing more, finish what is in hand within `deadline_s`, report, end. May be called twice."""
        parts, self._parts = self._parts, None
        if parts is None:
            return
        _log.info("agent.stopping", jobs=len(parts.worker.holding))
        parts.description.stopping = True
        parts.wanted.beat.set()
        await parts.puller.stop()
        await parts.listener.stop()
        await parts.worker.drain(deadline_s)
        await self._tasks.cancel()
        parts.description.stopped = True
        await parts.heartbeat.register()
        await self._open.aclose()
        _log.info("agent.stopped")

    async def _begin(self, parts: Parts) -> None:
        """What was left from before comes first; who is registered hears jobs, so that comes last."""
        await parts.worker.recover()
        await parts.trust.start(parts.broker, self._setup.settings.nats.enrollment.bucket)
        await parts.listener.start(parts.broker)
        self._tasks.start(parts.heartbeat.run(), "heartbeat")
        self._tasks.start(parts.greeting.run(parts.broker), "greeting")
        self._tasks.start(parts.trust.run(parts.wanted.returned), "rotation")
        self._tasks.start(parts.rechecking.run(), "recheck files")
        if parts.file_states is not None:
            self._tasks.start(parts.file_states.run(), "tell file states")
        if parts.facts is not None:
            self._tasks.start(parts.facts.run(), "facts")
        self._tasks.start(_prune(parts.tools.ledger, self._setup), "prune")
        parts.wanted.hello.set()
        parts.puller.start(parts.queue)


async def _prune(ledger: Ledger, setup: Setup) -> None:
    while True:
        try:
            await ledger.prune(setup.now())
        except Unavailable as problem:
            _log.error("ledger.refused", error=problem.message)
        await asyncio.sleep(_PRUNE_S)
