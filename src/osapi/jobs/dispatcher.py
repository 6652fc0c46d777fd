"""From a request to a stored, signed and published job, and back to the answers of the hosts."""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from weakref import WeakValueDictionary

import msgspec

from osapi.contract import masking
from osapi.contract.errors import Conflict, NotFound, Unavailable
from osapi.contract.ids import JobId, MachineId
from osapi.contract.operation import Kind, Operation, deadline_of, is_followed
from osapi.contract.target import Target
from osapi.contract.trail import NO_TRAIL, Errand, Trail
from osapi.jobs import envelope, roster, sealing, subjects
from osapi.jobs.entry import JobEntry, moment
from osapi.jobs.index import Change, Index
from osapi.jobs.record import Actor, Cancel, Event, Job, Response, Roster, Sealed, StatusEvent
from osapi.jobs.store import JobFacts, JobStore
from osapi.jobs.trust import AgentKeys
from osapi.pki.signing import Signer
from osapi.telemetry import tracing
from osapi.telemetry.log import bind, get_logger
from osapi.transport.broker import Broker

_NAMESPACE = uuid.UUID("6f736170-692d-6a6f-622d-6b6579000000")
_SEALED_AT_ONCE = 16
"""Hosts for which sealing is over before a thread would have begun."""
_log = get_logger(__name__)
_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, kw_only=True)
class Submission:
    """What is to be done, and the hosts that must answer, as the caller resolved them.

    `hosts` maps machine id to host name and is empty for `_any`; `machine` is set when it is one host from the
    start, which it always is for `_any` with secrets. Two submissions of one actor with the same
    `idempotency_key` are one job. `trail` is told before
    anything of the job is stored.
    """

    operation: Operation[Any, Any]
    request: msgspec.Struct
    target: Target
    machine: MachineId | None
    hosts: dict[MachineId, str]
    actor: Actor
    dry_run: bool = False
    idempotency_key: str | None = None
    retry_of: JobId | None = None
    trail: Trail = NO_TRAIL


@dataclass(frozen=True)
class Collected:
    """The answers so far. `silent` names the expected hosts that have not answered."""

    job_id: JobId
    responses: list[Response]
    silent: dict[MachineId, str]
    is_any: bool


@dataclass(eq=False)
class Ticket:
    """A claim on the answers of one job. Answers are collected for as long as somebody holds it."""

    job_id: JobId
    revision: int = 0
    responses: dict[MachineId, Response] = field(default_factory=dict[MachineId, Response])
    done: asyncio.Event = field(default_factory=asyncio.Event)


class Dispatcher:
    """Submits, awaits and cancels jobs. Several may work on one broker."""

    def __init__(
        self,
        broker: Broker,
        store: JobStore,
        index: Index,
        signer: Signer,
        agents: AgentKeys,
        *,
        expiry: timedelta,
        clock: Callable[[], float],
    ) -> None:
        self._broker = broker
        self._store = store
        self._index = index
        self._signer = signer
        self._agents = agents
        self._expiry = expiry
        self._clock = clock
        self._tickets: WeakValueDictionary[str, Ticket] = WeakValueDictionary()
        self.unconfirmed: set[JobId] = set()
        """Jobs whose publication the broker has not confirmed; `delivery` publishes them again."""

    async def submit(self, submission: Submission) -> Ticket:
        """Seal, sign, store and publish a job; with a known idempotency key, find the job again instead.

        Before that, the trail of a change must be stored: what is on file can be delivered at any moment.
        Raises `Conflict` when the key was used for another request, `Invalid` when secrets cannot be sealed to a
        host, and `Unavailable` (with the job id) when the broker refuses or does not confirm.
        """
        job_id = _job_id(submission)
        job = self._job(job_id, submission, await self._secrets(job_id, submission))
        names = Roster(hosts=submission.hosts, trace=tracing.carrier().get("traceparent", ""))
        sealed = envelope.seal(self._signer, envelope.JOB, _encode(job))
        record = sealed + b"\n" + _encode(names)
        ticket = self._ticket(job.id)
        try:
            await submission.trail.about_to_submit(_errand(submission, job))
            ticket.revision = await self._accept(job, sealed, record)
        except Conflict:
            return await self._existing(job, submission)
        except Unavailable as problem:
            problem.job_id = job.id
            raise
        if job.route == subjects.EACH:
            await self._send_to_each(job, submission.hosts, sealed)
        return ticket

    async def wait(self, ticket: Ticket, timeout_s: float) -> Collected:
        """Wait until every expected host has answered, or `timeout_s` seconds are over."""
        with tracing.span("job.wait", attributes={"job.id": ticket.job_id}), contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await ticket.done.wait()
        entry = self._index.get(ticket.job_id)
        silent = {} if entry is None else {MachineId(m): name for m, name in entry.silent().items()}
        return Collected(
            job_id=ticket.job_id,
            responses=list(ticket.responses.values()),
            silent=silent,
            is_any=entry is not None and entry.is_any,
        )

    async def cancel(self, job: JobId, actor: Actor) -> None:
        """Ask every host that has not finished to stop. Raises `NotFound`, or `Conflict` if it has ended."""
        entry = self._index.get(job)
        if entry is None:
            raise NotFound(f"job {job} does not exist", job_id=job)
        if entry.status.is_final:
            raise Conflict(f"job {job} has already ended: {entry.status.value}", job_id=job)
        await self.note(job, Event.CANCEL_REQUESTED, {"actor": actor.subject})
        await self.send_cancel(entry, actor)

    async def send_cancel(self, entry: JobEntry, actor: Actor) -> None:
        """Send the signed order to stop to the hosts that have not finished."""
        order = Cancel(job_id=entry.id, issued=moment(self._clock()), actor=actor)
        sealed = envelope.seal(self._signer, envelope.CANCEL, _encode(order))
        addresses = [subjects.cancel(MachineId(machine)) for machine in entry.silent()]
        if entry.is_any and not entry.notes:
            addresses = [subjects.cancel_everywhere()]
        for address in addresses:
            await self._broker.publish(address, sealed)

    async def note(self, job: JobId, event: Event, data: dict[str, Any]) -> None:
        """Append an event of the controller's own to a job's history."""
        now = self._clock()
        noted = StatusEvent(
            job_id=job, event=event, machine_id="_api", hostname="_api", timestamp=moment(now), data=data
        )
        key = subjects.event_key(job, event.value, "_api", int(now * 1e9))
        await self._store.queue.put(key, _encode(noted))

    def observe(self, change: Change, answer: Response | None) -> None:
        """Hand a change of the index to whoever waits for that job."""
        ticket = self._tickets.get(change.entry.id)
        if ticket is None:
            return
        if answer is not None:
            ticket.responses[answer.machine_id] = answer
        if change.event == "done":
            ticket.done.set()

    async def _secrets(self, job: JobId, submission: Submission) -> Sealed | None:
        secrets = masking.found_in(submission.request)
        if not secrets:
            return None
        keys = self._agents.sealing_keys(submission.hosts)
        if len(keys) <= _SEALED_AT_ONCE:
            return sealing.close(job, secrets, keys, self._signer)
        return await asyncio.to_thread(sealing.close, job, secrets, keys, self._signer)

    def _job(self, job_id: JobId, submission: Submission, secrets: Sealed | None) -> Job:
        now = self._clock()
        operation = submission.operation
        return Job(
            id=job_id,
            operation=operation.name,
            kind=operation.kind,
            request=msgspec.Raw(masking.masked(submission.request)),
            secrets=secrets,
            target=str(submission.target),
            route=subjects.route_of(submission.target, submission.machine),
            expected=roster.prefixes(submission.hosts),
            actor=submission.actor,
            issued=moment(now),
            expires=moment(now + self._expiry.total_seconds()),
            deadline_s=deadline_of(operation, submission.request).total_seconds(),
            dry_run=submission.dry_run,
            followed=is_followed(submission.request),
            retry_of=submission.retry_of,
        )

    async def _accept(self, job: Job, sealed: bytes, record: bytes) -> int:
        """Store and publish, which hangs together with the request in logs and traces."""
        bind(job_id=job.id)
        about = {"job.id": job.id, "job.operation": job.operation, "job.type": job.kind.value}
        with tracing.span("job.submit", tracing.PRODUCER, about):
            revision = await self._put(job, sealed, record)
        _log.debug("job.submitted", operation=job.operation, target=job.target)
        return revision

    async def _put(self, job: Job, sealed: bytes, record: bytes) -> int:
        """Store the record and publish the job; returns the record's revision.

        What changes a host is published once its record is stored. A query may run without a record, should
        storing it fail, so both are sent at once, which saves a round trip.
        """
        storing = self._store.queue.create(subjects.record_key(job.id), record)
        if job.kind is Kind.QUERY:
            revision, _ = await asyncio.gather(storing, self._publish(job, sealed))
            return revision
        revision = await storing
        await self._publish(job, sealed)
        return revision

    async def _publish(self, job: Job, sealed: bytes) -> None:
        self.unconfirmed.add(job.id)
        try:
            await self._broker.append(
                subjects.submission(job.kind, job.route), sealed, message_id=job.id, headers=tracing.carrier()
            )
        except Unavailable as problem:
            if problem.error_code == "refused":
                await self._withdraw(job)
            raise
        self.unconfirmed.discard(job.id)

    async def _send_to_each(self, job: Job, hosts: Iterable[MachineId], sealed: bytes) -> None:
        """Send a job that is stored to its hosts. Whoever does not hear it is sent it again, as always."""
        try:
            for machine in hosts:
                await self._broker.publish(subjects.direct(job.kind, machine), sealed, headers=tracing.carrier())
        except Unavailable as problem:
            _log.warning("jobs.send_failed", job_id=job.id, error=problem.message)

    async def _withdraw(self, job: Job) -> None:
        """Take back the record of a job that the stream has refused, so that it counts as never accepted."""
        self.unconfirmed.discard(job.id)
        self._index.remove(job.id)
        await self._store.delete(job.id)

    async def _existing(self, job: Job, submission: Submission) -> Ticket:
        facts = await self._store.read(job.id)
        if facts is None:
            raise Unavailable(f"job {job.id} was deleted while it was submitted again; send the request once more")
        secrets = masking.found_in(submission.request)
        if _asked(facts.job) != _asked(job) or not sealing.same(facts.job.secrets, job.id, secrets, self._signer):
            raise Conflict(
                "this Idempotency-Key was used for another request; use a new key for a new request", job_id=job.id
            )
        return self._ticket_of(facts)

    def _ticket(self, job: JobId) -> Ticket:
        """The one ticket of a job, shared by all who wait for it: several may have submitted it with one key."""
        ticket = self._tickets.get(job)
        if ticket is None:
            ticket = self._tickets[job] = Ticket(job)
        return ticket

    def _ticket_of(self, facts: JobFacts) -> Ticket:
        ticket = self._ticket(facts.job.id)
        ticket.revision = facts.revision
        ticket.responses.update({response.machine_id: response for _, response in facts.responses})
        entry = self._index.get(facts.job.id)
        if entry is not None and entry.status.is_final:
            ticket.done.set()
        return ticket


def _errand(submission: Submission, job: Job) -> Errand:
    return Errand(
        job_id=job.id,
        operation=job.operation,
        target=job.target,
        hosts=submission.hosts,
        request=submission.request,
        dry_run=job.dry_run,
    )


def _job_id(submission: Submission) -> JobId:
    if submission.idempotency_key is None:
        return JobId(str(uuid.uuid4()))
    return JobId(str(uuid.uuid5(_NAMESPACE, f"{submission.actor.subject}\0{submission.idempotency_key}")))


def _asked(job: Job) -> tuple[object, ...]:
    """What two requests must have in common, beside their secrets, to be one."""
    return job.operation, job.target, job.dry_run, bytes(job.request)
