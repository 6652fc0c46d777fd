"""The job routes: list, get, delete, retry, cancel, events, dead letters.

A job shows what an operation did, so whoever reads or repeats one needs the permission of that operation
too, unless the job is their own; and every host of the job must be within the limits of their roles.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from osapi.contract.endpoint import Call, Caller, Reply, Routes
from osapi.contract.errors import Conflict, Forbidden, Invalid, NotFound
from osapi.contract.ids import JobId, MachineId
from osapi.contract.operation import Operation
from osapi.contract.secret import Secret
from osapi.contract.target import Target
from osapi.contract.target import parse as parse_target
from osapi.jobs import again, api, endpoints, filters
from osapi.jobs.detail import detail, summary
from osapi.jobs.dispatcher import Submission
from osapi.jobs.entry import JobEntry, moment
from osapi.jobs.feed import Position, parse_position
from osapi.jobs.index import Filter
from osapi.jobs.outputs import listed
from osapi.jobs.record import Actor, Event
from osapi.jobs.service import JobService
from osapi.jobs.store import JobFacts
from osapi.jobs.streams import all_stream

_LETTERS = 1000


class Resolved(Protocol):
    """What a target means right now: the one machine, if it is one, and the hosts that must answer."""

    @property
    def machine(self) -> MachineId | None: ...

    @property
    def hosts(self) -> dict[MachineId, str]: ...


class Hosts(Protocol):
    """What the job routes need to know of the fleet."""

    def resolve(self, target: Target, caller: Caller, *, with_secrets: bool) -> Resolved:
        """The hosts that `target` means and `caller` reaches; one host for `_any` with secrets.

        Raises `Invalid` or `Forbidden`.
        """
        ...

    def labels(self, machine: MachineId) -> Mapping[str, str] | None:
        """The labels of a host; None when it is not known."""
        ...


@dataclass(frozen=True)
class JobRoutes:
    """Serves jobs. `operations` are all that can be submitted, by name."""

    jobs: JobService
    operations: Mapping[str, Operation[Any, Any]]
    hosts: Hosts
    clock: Callable[[], float]

    async def list(self, call: Call) -> Reply:
        request: api.JobListRequest = call.request
        visible = self._visible_to(call.caller)
        accept = filters.both(filters.of(request), visible)
        total, entries = self.jobs.index.page(
            accept, limit=request.limit + 1, offset=request.offset, before=filters.cursor(request.cursor)
        )
        more = len(entries) > request.limit
        del entries[request.limit :]
        records = await self.jobs.store.read_jobs([entry.id for entry in entries])
        items = [
            summary(entry, records.get(entry.id), with_data=self._may_read(call.caller, entry)) for entry in entries
        ]
        return Reply(
            body=api.JobList(
                total_items=total,
                status_counts=self.jobs.index.counts(visible),
                items=items,
                next_cursor=str(entries[-1].revision) if more else None,
            )
        )

    async def get(self, call: Call) -> Reply:
        entry, facts = await self._read(call)
        return Reply(body=detail(entry, facts, self.clock()))

    async def delete(self, call: Call) -> Reply:
        entry, facts = await self._read(call)
        if not entry.status.is_final:
            await self.jobs.dispatcher.cancel(entry.id, _actor(call.caller))
        await self.jobs.outputs.delete(facts)
        await self.jobs.store.delete(entry.id)
        return Reply()

    async def retry(self, call: Call) -> Reply:
        request: api.JobRetryRequest = call.request
        entry, facts = await self._read(call)
        return await self._submit_again(call.caller, entry, facts, request.target_hostname, request.secrets)

    async def cancel(self, call: Call) -> Reply:
        entry, _ = await self._read(call)
        await self.jobs.dispatcher.cancel(entry.id, _actor(call.caller))
        return Reply(body=api.JobCreated(job_id=entry.id, status=Event.CANCEL_REQUESTED.value))

    async def job_events(self, call: Call) -> Reply:
        position = _last_event(call)
        following = self.jobs.follow(JobId(call.request.id.lower()))
        try:
            entry, facts = await self._read(call)
        except BaseException:
            following.leave()
            raise
        return Reply(events=following.events(entry, facts, position))

    async def outputs(self, call: Call) -> Reply:
        _, facts = await self._read(call)
        return Reply(body=listed(facts))

    async def output(self, call: Call) -> Reply:
        request: api.JobOutputRequest = call.request
        _, facts = await self._read(call)
        found = await self.jobs.outputs.find(facts, request.hostname, request.name)
        headers = {"ETag": f'"{found.kept.sha256}"', "X-Content-SHA256": found.kept.sha256}
        return Reply(file=found.download, headers=headers)

    async def events(self, call: Call) -> Reply:
        request: api.EventsRequest = call.request
        position = _last_event(call)
        caller = call.caller
        return Reply(
            events=all_stream(
                self.jobs.feed,
                partial(self.jobs.tail, None) if request.output else None,
                position,
                lambda entry: self._may_read(caller, entry) and self._reaches(caller, entry),
            )
        )

    async def dead_letters(self, call: Call) -> Reply:
        request: api.DeadLetterListRequest = call.request
        if call.caller.reaches({}):
            return Reply(body=await self.jobs.dead_letters.list(request.limit))
        mine = await self._letters_of(call.caller)
        return Reply(body=api.DeadLetterList(total_items=len(mine), items=[*mine[: request.limit]]))

    async def replay(self, call: Call) -> Reply:
        request: api.DeadLetterRequest = call.request
        letter = await self.jobs.dead_letters.get(request.id)
        if not letter.job_id:
            raise Conflict(f"dead letter {letter.id} is a notice of the broker and names no job; purge it")
        entry, facts = await self._read_job(call.caller, letter.job_id)
        target = None if entry.is_any else letter.machine_id
        reply = await self._submit_again(call.caller, entry, facts, target, {})
        await self.jobs.dead_letters.purge(request.id)
        return reply

    async def purge(self, call: Call) -> Reply:
        request: api.DeadLetterPurgeRequest = call.request
        if call.caller.reaches({}):
            return Reply(body=api.DeadLettersPurged(purged=await self.jobs.dead_letters.purge(request.id)))
        mine = [letter.id for letter in await self._letters_of(call.caller)]
        if request.id is not None:
            await self.jobs.dead_letters.get(request.id)
            if request.id not in mine:
                raise Forbidden(f"dead letter {request.id} concerns hosts outside the limits of your roles")
            mine = [request.id]
        for letter_id in mine:
            await self.jobs.dead_letters.purge(letter_id)
        return Reply(body=api.DeadLettersPurged(purged=len(mine)))

    async def _letters_of(self, caller: Caller) -> Sequence[api.DeadLetter]:
        """The newest letters about jobs on hosts that the caller reaches."""
        found = await self.jobs.dead_letters.list(_LETTERS)
        entries = [(letter, self.jobs.index.get(letter.job_id)) for letter in found.items]
        return [letter for letter, entry in entries if entry is not None and self._reaches(caller, entry)]

    async def _submit_again(
        self,
        caller: Caller,
        entry: JobEntry,
        facts: JobFacts,
        target_text: str | None,
        secrets: Mapping[str, Secret],
    ) -> Reply:
        job = facts.job
        operation = self._operation(job.operation)
        _require(caller, operation)
        self.jobs.verify(facts)
        request = again.request_of(job, operation, secrets)
        target = parse_target(target_text or job.target)
        resolved = self.hosts.resolve(target, caller, with_secrets=bool(secrets))
        ticket = await self.jobs.dispatcher.submit(
            Submission(
                operation=operation,
                request=request,
                target=target,
                machine=resolved.machine,
                hosts=resolved.hosts,
                actor=_actor(caller),
                dry_run=job.dry_run,
                retry_of=entry.id,
            )
        )
        await self.jobs.dispatcher.note(entry.id, Event.RETRIED, {"new_job_id": ticket.job_id, "target": str(target)})
        created = api.JobCreated(
            job_id=ticket.job_id, status="created", revision=ticket.revision, timestamp=moment(self.clock())
        )
        return Reply(body=created)

    async def _read(self, call: Call) -> tuple[JobEntry, JobFacts]:
        return await self._read_job(call.caller, call.request.id.lower())

    async def _read_job(self, caller: Caller, job: str) -> tuple[JobEntry, JobFacts]:
        entry, facts = await self.jobs.read(JobId(job))
        if facts is None or entry is None:
            raise NotFound(f"job {job} does not exist; `osapi client job list` shows the jobs there are")
        if not self._reaches(caller, entry):
            raise Forbidden(f"job {job} concerns hosts outside the limits of your roles", job_id=job)
        if not self._may_read(caller, entry):
            _require(caller, self._operation(entry.operation))
        return entry, facts

    def _operation(self, name: str) -> Operation[Any, Any]:
        operation = self.operations.get(name)
        if operation is None:
            raise Invalid(f"operation {name!r} is not known to this version of OSAPI, so the job cannot be repeated")
        return operation

    def _may_read(self, caller: Caller, entry: JobEntry) -> bool:
        operation = self.operations.get(entry.operation)
        return entry.actor == caller.subject or (operation is not None and caller.may(operation.permission))

    def _visible_to(self, caller: Caller) -> Filter | None:
        return None if caller.reaches({}) else lambda entry: self._reaches(caller, entry)

    def _reaches(self, caller: Caller, entry: JobEntry) -> bool:
        if caller.reaches({}):
            return True
        if not entry.notes:  # a job for anybody that nobody has taken
            return entry.actor == caller.subject
        labels = [self.hosts.labels(MachineId(machine)) for machine in entry.notes]
        return all(found is not None and caller.reaches(found) for found in labels)


def routes(
    jobs: JobService, operations: Mapping[str, Operation[Any, Any]], hosts: Hosts, clock: Callable[[], float]
) -> Routes:
    """Every job route with its handler."""
    serve = JobRoutes(jobs, operations, hosts, clock)
    return [
        (endpoints.LIST, serve.list),
        (endpoints.LIST_DEAD_LETTERS, serve.dead_letters),
        (endpoints.REPLAY_DEAD_LETTER, serve.replay),
        (endpoints.PURGE_DEAD_LETTERS, serve.purge),
        (endpoints.GET, serve.get),
        (endpoints.DELETE, serve.delete),
        (endpoints.RETRY, serve.retry),
        (endpoints.CANCEL, serve.cancel),
        (endpoints.JOB_EVENTS, serve.job_events),
        (endpoints.OUTPUTS, serve.outputs),
        (endpoints.OUTPUT, serve.output),
        (endpoints.EVENTS, serve.events),
    ]


def _last_event(call: Call) -> Position:
    text = call.headers.get("last-event-id")
    return parse_position(text) if text else Position()


def _require(caller: Caller, operation: Operation[Any, Any]) -> None:
    if not caller.may(operation.permission):
        raise Forbidden(f"{operation.name} needs the permission {operation.permission}")


def _actor(caller: Caller) -> Actor:
    return Actor(subject=caller.subject, roles=caller.roles)
