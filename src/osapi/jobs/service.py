"""The job system of one controller: keeps index, feed and delivery going, and starts and stops them."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

from osapi.contract.errors import OsapiError
from osapi.contract.ids import MachineId
from osapi.jobs import envelope
from osapi.jobs.answers import Answers
from osapi.jobs.dead_letters import DeadLetters, lost_hosts
from osapi.jobs.delivery import Delivery
from osapi.jobs.dispatcher import Dispatcher
from osapi.jobs.entry import JobEntry
from osapi.jobs.feed import Feed
from osapi.jobs.index import Change, Index
from osapi.jobs.leftovers import Leftovers
from osapi.jobs.quarantine import Quarantine
from osapi.jobs.record import Response
from osapi.jobs.store import JobFacts, JobStore, sealed_part
from osapi.jobs.trust import AgentKeys
from osapi.pki.signing import Signer, Verifier
from osapi.telemetry.log import get_logger
from osapi.transport.broker import Broker
from osapi.transport.bucket import Entry

_log = get_logger(__name__)


@dataclass(frozen=True)
class JobNames:
    """Names of the buckets and the stream, from the settings `nats.kv.*` and `nats.stream.name`."""

    queue_bucket: str = "job-queue"
    response_bucket: str = "job-responses"
    dead_letter_stream: str = "JOBS-DLQ"


class JobService:
    """Everything a controller needs to run jobs. `start` returns when all jobs are in memory.

    `agents` must know the keys of all agents before that, for what they have signed is verified then.
    """

    def __init__(
        self,
        broker: Broker,
        signer: Signer,
        verifier: Verifier,
        agents: AgentKeys,
        quarantine: Quarantine,
        *,
        names: JobNames,
        expiry: timedelta,
        retention: timedelta | None,
        standing: Callable[[MachineId], bytes] = lambda _: b"",
        clock: Callable[[], float],
    ) -> None:
        self._clock = clock
        self._verifier = verifier
        self._running: asyncio.Task[None] | None = None
        self._ready = asyncio.Event()
        self._letters_due: asyncio.Queue[JobEntry] = asyncio.Queue()
        self.feed = Feed()
        self._answers = Answers(agents, quarantine)
        self.store = JobStore(
            broker, self._answers, queue_bucket=names.queue_bucket, response_bucket=names.response_bucket
        )
        self.index = Index(self._observe, retention_s=retention.total_seconds() if retention else None)
        self.dispatcher = Dispatcher(broker, self.store, self.index, signer, agents, expiry=expiry, clock=clock)
        self.delivery = Delivery(broker, self.index, self.dispatcher, standing=standing, clock=clock)
        self.dead_letters = DeadLetters(broker, names.dead_letter_stream)
        self._leftovers = Leftovers()

    @property
    def is_ready(self) -> bool:
        """Whether every job is in memory."""
        return self._ready.is_set()

    async def start(self) -> None:
        """Read all jobs, then begin to deliver. A second call changes nothing."""
        if self._running is not None:
            return
        with _collector_resting():
            await self._read_all()
        self.index.caught_up()
        self.index.tick(self._clock())
        self.feed.begin()
        self.dispatcher.unconfirmed.update(entry.id for entry in self.index.unfinished() if entry.is_any)
        await self.delivery.start()
        self._ready.set()
        self._running = asyncio.create_task(self._run(), name="jobs")

    async def stop(self) -> None:
        """End all event streams and stop delivering. A second call changes nothing."""
        self.feed.close()
        running, self._running = self._running, None
        if running is not None:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    def verify(self, facts: JobFacts) -> None:
        """Raise `Forbidden` unless the record was signed by a controller: what is repeated must be genuine."""
        envelope.unseal(self._verifier, envelope.JOB, sealed_part(facts.record))

    async def _read_all(self) -> None:
        caught_up = [asyncio.Event(), asyncio.Event()]
        await self.store.queue.watch(">", self._on_queue_entry, on_ready=caught_up[0].set, on_reset=self.index.clear)
        await self.store.responses.watch(">", self._on_response_entry, on_ready=caught_up[1].set)
        for event in caught_up:
            await event.wait()

    async def _run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.delivery.run(self.feed.time_passed))
            tasks.create_task(self._write_letters())
            tasks.create_task(self._leftovers.run())

    async def _write_letters(self) -> None:
        while True:
            entry = await self._letters_due.get()
            try:
                await self.dead_letters.write(entry, self._clock())
            except OsapiError as problem:
                _log.warning("jobs.dead_letter_lost", job_id=entry.id, error=problem.message)

    def _observe(self, change: Change, answer: Response | None) -> None:
        if not self.is_ready:
            return
        self.dispatcher.observe(change, answer)
        self.feed.publish(change)
        if change.event == "done" and lost_hosts(change.entry, self._clock()):
            self._letters_due.put_nowait(change.entry)

    def _on_queue_entry(self, entry: Entry) -> None:
        self.feed.arrived("queue", entry.revision)
        kind, _, rest = entry.key.partition(".")
        if kind == "jobs" and entry.deleted:
            self.index.remove(rest)
            self._leftovers.job_deleted(rest)
        elif kind == "jobs":
            self._leftovers.job_made(rest)
            self.index.add(entry.value, entry.revision, self._clock())
        elif not entry.deleted and not self._leftovers.claim(self.store.queue, entry.key):
            self.index.note_event(entry.value, self._clock())

    def _on_response_entry(self, entry: Entry) -> None:
        self.feed.arrived("responses", entry.revision)
        if entry.deleted or self._leftovers.claim(self.store.responses, entry.key):
            return
        answer = self._answers.read(entry.key, entry.value, verify=self.is_ready or self._is_open(entry.key))
        if answer is not None:
            self.index.note_response(answer, self._clock())

    def _is_open(self, response_key: str) -> bool:
        """Whether somebody may still wait for this answer. What was over before this start is verified when it is read."""
        known = self.index.get(response_key.removeprefix("responses.").partition(".")[0])
        return known is None or known.settles_at() > self._clock()


@contextmanager
def _collector_resting() -> Generator[None]:
    """Leave out garbage collection while the index grows, and never look at what it then holds again.

    An index of 100,000 jobs is read in two thirds of the time, and no request has to wait later while the
    collector walks a million objects that live as long as the process.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
