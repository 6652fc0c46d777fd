"""The audit of one controller: keeps journal and index going, and starts and stops them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from osapi.audit import losses, record, story
from osapi.audit.anchor import Anchor
from osapi.audit.block import Row, parts
from osapi.audit.chain import Checker, Tally
from osapi.audit.ids import EntryIds
from osapi.audit.index import KEPT, Index, places
from osapi.audit.journal import Journal
from osapi.audit.kind import Kind
from osapi.audit.losses import Losses
from osapi.audit.question import Question
from osapi.audit.record import Entry, Outcome, Place
from osapi.audit.refusals import Refusals
from osapi.audit.stream import AuditStream
from osapi.audit.tail import Tail
from osapi.audit.trail import Desk, RequestTrail
from osapi.contract.errors import OsapiError, Unavailable
from osapi.contract.trail import HostCounts
from osapi.pki.signing import Signer, Verifier
from osapi.telemetry.log import get_logger
from osapi.transport.watch import Watch

_KNOWN = 64
"""Messages at the end of the stream that are looked at for where the chain ends."""
_TICK_S = 5.0
_CHECK_S = 6 * 3600.0
_FLUSH_S = 5.0
_FRESH_S = 2.0

_log = get_logger(__name__)


class AuditService:
    """Everything a controller needs to leave trails and to show them. `keeps` None keeps entries for ever."""

    def __init__(
        self,
        stream: AuditStream,
        signer: Signer,
        verifier: Verifier,
        anchor: Anchor,
        *,
        keeps: timedelta | None,
        clock: Callable[[], float],
        kept: int = KEPT,
    ) -> None:
        self.stream = stream
        self.signer = signer
        self.verifier = verifier
        self.keeps = keeps
        self.index = Index(kept=kept)
        self.tail = Tail(verifier, self._broken)
        self._losses = Losses(verifier)
        self._kept = kept
        self._anchor = anchor
        self._clock = clock
        self._ids = EntryIds(clock)
        keeps_s = 0 if keeps is None else keeps.total_seconds()
        self._journal = Journal(stream, self.tail, signer, clock=clock, lost=self._note_lost, keeps_s=keeps_s)
        self._refusals = Refusals(self._journal.note, self._ids, clock)
        self._desk = Desk(self._journal, self._refusals, self._ids, clock)
        self._watch: Watch | None = None
        self._caught_up = asyncio.Event()
        self._check_due = asyncio.Event()
        self._running: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Find the end of the chain and begin to write. The index is read on in the background. A second call changes nothing.

        Raises `Unavailable` when the broker is away.
        """
        if self._running is not None:
            return
        first, last = await self.stream.span()
        await self._find_end(first, last)
        start = max(first, last - self._kept + 1)
        self._watch = await self.stream.follow(
            self._on_message, start=start, on_ready=self._caught_up.set, on_reset=self._on_reset
        )
        self._running = asyncio.create_task(self._run(), name="audit")
        self._running.add_done_callback(_tell_end)

    async def stop(self) -> None:
        """Store what is still to be stored, if that is quickly done. A second call changes nothing."""
        running, self._running = self._running, None
        if running is None:
            return
        self._refusals.flush()
        await self._journal.flush(_FLUSH_S)
        if self._journal.waiting:
            _log.error("audit.entries_lost", count=self._journal.waiting, error=self.problem())
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await asyncio.to_thread(self._anchor.write, self.tail.place)
        if self._watch is not None:
            await self._watch.stop()

    def job_ended(self, job_id: str, counts: Callable[[], HostCounts]) -> None:
        """Tell how a job ended, if the request that made it was answered before."""
        self._desk.jobs.ended(job_id, counts)

    async def check(self) -> Tally:
        """Follow the whole chain, as anybody can with `osapi client audit verify`; a break is noted and remarked."""
        head = self.tail.place
        checker = Checker(self.verifier, keeps=self.keeps, now=self._now())
        first, last = await self.stream.span()
        async for sequence, message in self.stream.through(first, last):
            checker.take(sequence, message)
        tally = checker.end(head)
        if tally.breaks:
            self.tail.broken(tally.breaks[0].text)
        return tally

    def begin(self, question: Question) -> RequestTrail:
        """The trail of a request that has just come in."""
        return RequestTrail(self._desk, question)

    def head(self) -> tuple[int, bytes]:
        """Where this controller knows the chain to end: the sequence, and its signed word about it."""
        place = self.tail.place
        return place.sequence, record.seal_head(self.signer, place, self._now())

    def problem(self) -> str | None:
        """Why no change can be accepted at present, as one sentence; None when it can."""
        problem = self._journal.problem
        return None if problem is None else problem.message

    def loss(self) -> str | None:
        """What of the audit any controller has found to be gone or altered, within the last day; None for nothing."""
        return self._losses.told(self._clock())

    @property
    def is_read(self) -> bool:
        """Whether everything that was in the stream at the start has been read, so that `loss` knows it."""
        return self._caught_up.is_set()

    async def fresh(self) -> None:
        """Return when everything that was answered before can be found in the index.

        Raises `Unavailable` while the index is still being read after a start.
        """
        if not self._caught_up.is_set():
            await self._wait(self._caught_up.wait())
            if not self._caught_up.is_set():
                raise Unavailable("the audit is still being read after the start; try again in a moment")
        await self._journal.flush(_FRESH_S)
        await self._wait(self.index.reached(self.tail.place.sequence))
        if self.keeps is not None:
            self.index.forget_before(self._clock() - self.keeps.total_seconds())

    async def tell(self, rows: list[Row]) -> list[story.Story]:
        """Read the stories of rows of the index; those whose entry is gone are left out."""
        messages = await self.stream.read(parts(place)[0] for place in places(rows))
        links = story.genuine(self.verifier, messages)
        found = (story.find(links, [parts(place) for place in (row.place, *row.more)]) for row in rows)
        return [one for one in found if one is not None]

    async def _wait(self, until: Awaitable[object]) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(_FRESH_S):
                await until

    async def _find_end(self, first: int, last: int) -> None:
        known = self._anchor.read()
        start = max(first, last - _KNOWN + 1)
        self.tail.sequence = max(0, start - 1)
        for sequence, message in await self.stream.between(start, last):
            self.tail.take(sequence, message)
        self.tail.sequence = last
        if known is not None:
            await self._compare(known, first, last)

    async def _compare(self, known: Place, first: int, last: int) -> None:
        """Hold what this controller saw before its end against what the stream has now."""
        if known.sequence > last:
            self.tail.sequence = known.sequence
            self.tail.rewind(last)
        elif known.sequence >= first:
            found = await self.stream.read([known.sequence])
            self.tail.expect(known, found.get(known.sequence))
        if known.sequence > self.tail.place.sequence:
            self.tail.place = known  # what was genuine since has expired, or is gone

    def _on_message(self, sequence: int, message: bytes) -> None:
        self.index.take(sequence, message)
        self._losses.hear(message)
        if self._running is not None:
            self._journal.heard(sequence, message)

    def _on_reset(self) -> None:
        """The broker has another stream of this name than before."""
        self.index.clear()
        self._check_due.set()

    def _note_lost(self, count: int) -> None:
        self._remark(f"{count} entries could not be stored, because the stream took none and too many waited", count)

    def _broken(self, text: str) -> None:
        """Something is gone or altered. It is said in the chain, where every controller reads it; twice a day at most."""
        if self._losses.note(text, self._clock()):
            _log.error("audit.broken", error=text)
            self._remark(text, code=losses.CODE)

    def _remark(self, text: str, count: int = 1, code: str = "") -> None:
        outcome = Outcome(response_code=0, duration_ms=0, code=code)
        self._journal.note(
            Entry(
                id=self._ids.next(), timestamp=self._now(), kind=Kind.REMARK, remark=text, count=count, outcome=outcome
            )
        )

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock(), UTC)

    async def _run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._journal.run())
            tasks.create_task(self._tick())
            tasks.create_task(self._check_now_and_then())

    async def _check_now_and_then(self) -> None:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(_CHECK_S):
                    await self._check_due.wait()
            self._check_due.clear()
            try:
                await self.check()
            except OsapiError as problem:
                _log.warning("audit.unchecked", error=problem.message)

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(_TICK_S)
            self._refusals.tick()
            await asyncio.to_thread(self._anchor.write, self.tail.place)


def _tell_end(running: asyncio.Task[None]) -> None:
    """Nothing but `stop` ends it; after anything else no change is accepted any more, and readiness says so."""
    if not running.cancelled() and (problem := running.exception()) is not None:
        _log.exception("audit.ended", problem)
