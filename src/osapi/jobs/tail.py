"""What jobs give out while they run, read from the broker's stream for one client that follows.

The stream keeps the newest of it only, in memory: whoever comes late is told what is left, and a broker that
restarts has forgotten it. The answer of a job is on disk and does not depend on this.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import msgspec

from osapi.contract.errors import OsapiError
from osapi.contract.ids import JobId
from osapi.jobs import subjects
from osapi.jobs.entry import JobEntry
from osapi.jobs.feed import Item, Position, Subscription
from osapi.jobs.index import Change
from osapi.jobs.record import Output
from osapi.telemetry.log import get_logger
from osapi.transport.stream import StreamKeeper
from osapi.transport.watch import Watch

KEPT_BYTES = 4 * 1024 * 1024
"""How much of what is kept one client is told at once; one that wants more resumes after it."""
LATE_S = 1.0
"""How long the end of a job waits for output that was sent before it."""

_decode = msgspec.json.Decoder(Output).decode
_log = get_logger(__name__)


class Tail:
    """The output of one job, or of all when `job` is None. `find` looks a job up; what is of none is left out."""

    def __init__(
        self,
        stream: StreamKeeper,
        job: JobId | None,
        find: Callable[[str], JobEntry | None],
        subscription: Subscription,
    ) -> None:
        self._stream = stream
        self._job = job
        self._find = find
        self._subscription = subscription
        self._watch: Watch | None = None
        self._ready = asyncio.Event()
        self._news = asyncio.Event()
        self._kept: list[Item] = []
        self._size = 0
        self._numbers: dict[str, int] = {}

    async def start(self, after: int) -> list[Item]:
        """Read what is kept behind sequence `after` and return it; what comes from then on goes to the subscription.

        Of all jobs only what comes is told, unless `after` says where to go on. Without the stream there is none.
        """
        try:
            self._watch = await self._stream.follow(
                subjects.output_filter(self._job),
                self._take,
                start=await self._first(after),
                on_ready=self._ready.set,
                on_reset=_nothing,
            )
        except OsapiError as problem:
            _log.warning("jobs.output_unread", error=problem.message)
            return []
        await self._ready.wait()
        return self._kept

    async def reach(self, machine: str, number: int) -> None:
        """Wait until a host's piece of that number is here, which was sent; not for long, as it may be gone."""
        with suppress(TimeoutError):
            async with asyncio.timeout(LATE_S):
                while self._numbers.get(machine, 0) < number:
                    self._news.clear()
                    await self._news.wait()

    async def stop(self) -> None:
        """Read no more. A second call changes nothing."""
        watch, self._watch = self._watch, None
        if watch is not None:
            await watch.stop()

    async def _first(self, after: int) -> int:
        """The first sequence to be told. What a client was told by a broker that forgot it says nothing."""
        if self._job is not None and not after:
            return 0
        _, last = await self._stream.span()
        if after > last:
            return 0
        return 1 + (after or last)

    def _take(self, sequence: int, data: bytes) -> None:
        try:
            output = _decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return
        entry = self._find(output.job_id)
        if entry is not None:
            self._numbers[output.machine_id] = output.number
            self._tell(Item("output", sequence, Position(), _change(entry, output), len(data)))
            self._news.set()

    def _tell(self, item: Item) -> None:
        if self._ready.is_set():
            self._subscription.offer(item)
        elif self._size > KEPT_BYTES:
            self._subscription.close()
        else:
            self._kept.append(item)
            self._size += item.size


def _nothing() -> None:
    """The broker has forgotten what it had; what comes is new."""


def _change(entry: JobEntry, output: Output) -> Change:
    data: Any = output.data
    return Change(
        entry,
        "output",
        output.timestamp.timestamp(),
        output.hostname,
        output.machine_id,
        data=data,
        left_out=output.left_out,
    )
