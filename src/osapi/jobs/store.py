"""The broker's side of a job: its record, its events and its responses, read and deleted by id."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass

import msgspec

from osapi.contract.errors import NotFound
from osapi.contract.ids import JobId
from osapi.jobs import subjects
from osapi.jobs.answers import Answers
from osapi.jobs.record import Job, Response, Roster, StatusEvent, read_event
from osapi.transport.broker import Broker
from osapi.transport.bucket import Entry

_decode_job = msgspec.json.Decoder(Job).decode
_decode_roster = msgspec.json.Decoder(Roster).decode
_VERIFIED_AT_ONCE = 16


@dataclass(frozen=True)
class JobFacts:
    """Everything the broker holds about one job. Events and responses carry their sequence."""

    job: Job
    roster: Roster
    record: bytes
    revision: int
    events: list[tuple[int, StatusEvent]]
    responses: list[tuple[int, Response]]


class JobStore:
    """Reads and deletes jobs. Every method raises `Unavailable` while the broker is away."""

    def __init__(
        self, broker: Broker, answers: Answers, *, queue_bucket: str, response_bucket: str, output_stream: str
    ) -> None:
        self._answers = answers
        self.queue = broker.bucket(queue_bucket)
        self.responses = broker.bucket(response_bucket)
        self.output = broker.stream(output_stream)

    async def read(self, job: JobId) -> JobFacts | None:
        """Read one job whole, in one batched read per bucket. None when there is no such job.

        Answers that are not believed are left out.
        """
        queue, responses = await asyncio.gather(
            self.queue.get_many([subjects.record_key(job), subjects.event_key_filter(job)]),
            self.responses.get_many([subjects.response_key_filter(job)]),
        )
        record = queue.pop(subjects.record_key(job), None)
        if record is None or record.deleted:
            return None
        head, roster = parse_record(record.value)
        return JobFacts(
            job=head,
            roster=roster,
            record=record.value,
            revision=record.revision,
            events=_events(_live(queue.values())),
            responses=await self._believed(_live(responses.values())),
        )

    async def read_jobs(self, jobs: Iterable[JobId]) -> dict[str, Job]:
        """Read the records of several jobs in one batched read; those that are gone are left out."""
        entries = await self.queue.get_many([subjects.record_key(job) for job in jobs])
        parsed = (parse_record(entry.value)[0] for entry in _live(entries.values()))
        return {job.id: job for job in parsed}

    async def delete(self, job: JobId) -> None:
        """Remove record, events, responses, and what is kept of its output.

        The record goes after all else, so that a failure can be repeated; what came in between goes then.
        """
        await self._purge_words(job)
        await self.queue.purge(subjects.record_key(job))
        await self._purge_words(job)
        with suppress(NotFound):  # a broker that was just started has no such stream yet
            await self.output.purge(subjects.output_filter(job))

    async def _believed(self, entries: list[Entry]) -> list[tuple[int, Response]]:
        """Signatures of many answers are verified in a thread, which takes some 40 µs each."""
        if len(entries) > _VERIFIED_AT_ONCE:
            return await asyncio.to_thread(self._read_answers, entries)
        return self._read_answers(entries)

    def _read_answers(self, entries: list[Entry]) -> list[tuple[int, Response]]:
        read = ((entry.revision, self._answers.read(entry.key, entry.value)) for entry in entries)
        return [(revision, answer) for revision, answer in read if answer is not None]

    async def _purge_words(self, job: JobId) -> None:
        """Remove what is there of events and responses."""
        queue, responses = await asyncio.gather(
            self.queue.get_many([subjects.event_key_filter(job)]),
            self.responses.get_many([subjects.response_key_filter(job)]),
        )
        await asyncio.gather(
            *(self.queue.purge(entry.key) for entry in _live(queue.values())),
            *(self.responses.purge(entry.key) for entry in _live(responses.values())),
        )


def parse_record(record: bytes) -> tuple[Job, Roster]:
    """Split a stored record into job and roster. Raises `msgspec.DecodeError` for anything else."""
    lines = record.split(b"\n", 2)
    if len(lines) != 3:
        raise msgspec.DecodeError("a job record has three lines")
    return _decode_job(lines[1]), _decode_roster(lines[2])


def sealed_part(record: bytes) -> bytes:
    """The two signed lines of a record, as they are delivered to agents."""
    return record.rpartition(b"\n")[0]


def _events(entries: list[Entry]) -> list[tuple[int, StatusEvent]]:
    read = ((entry.revision, read_event(entry.value)) for entry in entries)
    return [(revision, event) for revision, event in read if event is not None]


def _live(entries: Iterable[Entry]) -> list[Entry]:
    return sorted((entry for entry in entries if not entry.deleted), key=lambda entry: entry.revision)
