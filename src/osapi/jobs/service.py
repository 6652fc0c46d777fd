"""The job system of one controller: keeps index, feed and delivery going, and starts and stops them."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import aclosing, contextmanager
from dataclasses import dataclass
from datetime import timedelta

from osapi.contract.endpoint import ServerEvent
from osapi.contract.errors import OsapiError
from osapi.contract.ids import JobId, MachineId
from osapi.jobs import envelope
from osapi.jobs.answers import Answers
from osapi.jobs.dead_letters import DeadLetters, lost_hosts
from osapi.jobs.delivery import Delivery
from osapi.jobs.dispatcher import Collected, Dispatcher, Submission, Ticket
from osapi.jobs.entry import JobEntry
from osapi.jobs.feed import Feed, Subscription
from osapi.jobs.index import Change, Index
from osapi.jobs.leftovers import Leftovers
from osapi.jobs.outputs import Outputs
from osapi.jobs.quarantine import Quarantine
from osapi.jobs.record import Actor, Response
from osapi.jobs.store import JobFacts, JobStore, sealed_part
from osapi.jobs.streams import Following
from osapi.jobs.tail import Tail
from osapi.jobs.trust import AgentKeys
from osapi.pki.signing import Signer, Verifier
from osapi.telemetry.log import get_logger
from osapi.transport.broker import Broker
from osapi.transport.bucket import Entry

_READS = 50
_READ_PAUSE_S = 0.01
_log = get_logger(__name__)


@dataclass(frozen=True)
class JobNames:
    """Names in the broker, from the settings `nats.kv.*`, `nats.stream.name`, `nats.live.stream` and `nats.output.bucket`."""

    queue_bucket: str = "job-queue"
    response_bucket: str = "job-responses"
    dead_letter_stream: str = "JOBS-DLQ"
    output_stream: str = "OUTPUT"
    output_store: str = "job-output"


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
            broker,
            self._answers,
            queue_bucket=names.queue_bucket,
            response_bucket=names.response_bucket,
            output_stream=names.output_stream,
        )
        self.outputs = Outputs(broker.objects(names.output_store) if names.output_store else None)
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

    async def submit(self, submission: Submission) -> Ticket:
        """See `Dispatcher.submit`."""
        return await self.dispatcher.submit(submission)

    async def wait(self, ticket: Ticket, timeout_s: float) -> Collected:
        """See `Dispatcher.wait`."""
        return await self.dispatcher.wait(ticket, timeout_s)

    async def cancel(self, job: JobId, actor: Actor) -> None:
        """See `Dispatcher.cancel`."""
        await self.dispatcher.cancel(job, actor)

    async def events(self, job: JobId) -> AsyncGenerator[ServerEvent, None]:
        """The events of a job from its beginning to its end; of one that does not exist there are none."""
        following = self.follow(job)
        entry, facts = await self.read(job)
        if entry is None or facts is None:
            following.leave()
            return
        async with aclosing(following.events(entry, facts)) as events:
            async for event in events:
                yield event

    async def read(self, job: JobId) -> tuple[JobEntry | None, JobFacts | None]:
        """What index and broker tell of a job, once they agree: either may be a moment behind the other."""
        facts, entry = await self.store.read(job), self.index.get(job)
        for _ in range(_READS):
            if facts is None or (entry is not None and entry.answered <= len(facts.responses)):
                break
            await asyncio.sleep(_READ_PAUSE_S)
            facts, entry = await self.store.read(job), self.index.get(job)
        return entry, facts

    def follow(self, job: JobId) -> Following:
        """Follow a job from now on. Made before the job is read, so that nothing falls between the two."""
        subscription, known = self.feed.subscribe(), self.index.get(job)
        ended = known is not None and known.status.is_final
        return Following(self.feed, subscription, self.tail(job, subscription), ended)

    def tail(self, job: JobId | None, subscription: Subscription) -> Tail:
        """What a job gives out while it runs, or all of them do, for one who follows."""
        return Tail(self.store.output, job, self.index.get, subscription)

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
