"""Where the output of a program goes besides into its answer: to whoever listens, and into what is kept whole."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from osapi.contract.errors import Unsupported
from osapi.contract.kept import STDERR, STDOUT
from osapi.host.door import Live, Spool, Task
from osapi.host.program import OVERRUN_S, Completed, OnOutput, Stream, TimedOut

STORE_S = 1.5
"""How much longer than its deadline a program may take until its output is stored."""


@dataclass
class Output:
    """Takes the output of one program."""

    live: Live | None
    spools: dict[str, Spool] = field(default_factory=dict[str, Spool])

    @property
    def taker(self) -> OnOutput | None:
        """What `Host.run` tells of the output; None when nobody wants it."""
        return self._take if self.live is not None or self.spools else None

    async def complete(self, run: Awaitable[Completed], deadline_s: float) -> Completed:
        """The program's end, with what is kept of its output. Raises what the run raises, `TimedOut` likewise."""
        try:
            done = await run
        except TimedOut as err:
            partial = await self._keep(err.partial, STORE_S)
            raise TimedOut(err.message, partial) from err
        return await self._keep(done, max(0.0, deadline_s - done.duration_s) + STORE_S)

    def _take(self, stream: Stream, piece: bytes) -> Coroutine[Any, Any, None] | None:
        if self.live is not None:
            self.live.text(stream, piece)
        spool = self.spools.get(stream)
        return None if spool is None else spool.add(piece)

    async def _keep(self, done: Completed, within_s: float) -> Completed:
        kept = [await spool.finish(within_s) for spool in self.spools.values()]
        return replace(done, kept=tuple(kept))


@asynccontextmanager
async def taking(task: Task, *, live: bool, keep: bool) -> AsyncGenerator[Output]:
    """The output of one program of a job. What is not finished at the end is not kept.

    Raises `Unsupported` when output is to be kept and there is no store for it.
    """
    output = Output(task.live if live else None)
    if keep:
        if task.keep is None:
            raise Unsupported(
                "output cannot be kept: the setting nats.output.bucket is empty, so there is no store for it"
            )
        output.spools = {name: task.keep.spool(name) for name in (STDOUT, STDERR)}
    try:
        yield output
    finally:
        for spool in output.spools.values():
            spool.abandon()


LONGEST_S = OVERRUN_S + STORE_S
"""How much longer than its deadline a program takes at most, until all is killed and stored."""
