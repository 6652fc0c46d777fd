"""Every job in memory, as far as lists, filters, counts and waiting need it.

Fed by one watch on each of the two buckets and by the clock; no request scans keys. An entry takes less
than a kilobyte: requests and results stay in the broker and are read when somebody asks for them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from sys import intern
from typing import Any

import msgspec

from osapi.jobs.entry import JobEntry, JobHead
from osapi.jobs.record import Event, Response, Roster, StatusEvent, read_event
from osapi.jobs.status import JobStatus


class Change(msgspec.Struct, frozen=True):
    """What the index tells its observer: a job, and what happened.

    `left_out` is as in `record.Output`, `outputs` as in `record.Response`.
    """

    entry: JobEntry
    event: str
    timestamp: float
    hostname: str | None = None
    machine_id: str | None = None
    changed: bool | None = None
    error: str | None = None
    data: Any = None
    left_out: int = 0
    outputs: int = 0


Observer = Callable[[Change, Response | None], None]
"""Told of every change at once, and of the answer that brought it about, if one did."""

Filter = Callable[[JobEntry], bool]

_decode_head = msgspec.json.Decoder(JobHead).decode
_decode_roster = msgspec.json.Decoder(Roster).decode
_ORPHANS = 10_000
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class Index:
    """All jobs, newest last. Not thread-safe; every method returns at once."""

    def __init__(self, observer: Observer, *, retention_s: float | None = None) -> None:
        self._observer = observer
        self._retention_s = retention_s
        self._jobs: dict[str, JobEntry] = {}
        self._unfinished: dict[str, JobEntry] = {}
        self._counts: Counter[JobStatus] = Counter()
        self._orphans: dict[str, list[Response]] = {}

    def __len__(self) -> int:
        return len(self._jobs)

    def get(self, job: str) -> JobEntry | None:
        return self._jobs.get(job)

    @property
    def active(self) -> int:
        """How many jobs still wait for somebody."""
        return len(self._unfinished)

    def unfinished(self) -> Iterable[JobEntry]:
        """Every job that still waits for somebody."""
        return list(self._unfinished.values())

    def ended(self) -> Iterable[JobEntry]:
        """Every job that waits for nobody, the oldest first."""
        return [entry for entry in self._jobs.values() if entry.status.is_final]

    def counts(self, accept: Filter | None = None) -> dict[str, int]:
        """How many jobs, of those that `accept` takes, are in each state; states without a job are left out."""
        counts = self._counts
        if accept is not None:
            counts = Counter(entry.status for entry in self._jobs.values() if accept(entry))
        return {status.value: count for status, count in counts.items() if count}

    def page(
        self, accept: Filter | None, *, limit: int, offset: int = 0, before: int | None = None
    ) -> tuple[int, list[JobEntry]]:
        """Count all jobs that `accept` takes, and return `limit` of them, newest first.

        `before` is the revision below which the page begins; it replaces `offset`.
        """
        matching: Iterator[JobEntry] | list[JobEntry] = reversed(self._jobs.values())
        total = len(self._jobs)
        if accept is not None:
            matching = [entry for entry in matching if accept(entry)]
            total = len(matching)
        if before is not None:
            matching = (entry for entry in matching if entry.revision < before)
            offset = 0
        return total, list(islice(matching, offset, offset + limit))

    def add(self, record: bytes, revision: int, now: float) -> None:
        """Take in a job record. A record that cannot be read is ignored."""
        lines = record.split(b"\n", 2)
        try:
            head, roster = _decode_head(lines[1]), _decode_roster(lines[2])
        except (*_UNREADABLE, IndexError):
            return
        if head.id in self._jobs:
            return
        entry = JobEntry(head, roster, record, revision)
        self._jobs[head.id] = self._unfinished[head.id] = entry
        self._counts[entry.status] += 1
        self._observer(Change(entry, "submitted", entry.created), None)
        for response in self._orphans.pop(head.id, ()):
            self._note_response(entry, response, now)
            self._refresh(entry, now)

    def remove(self, job: str) -> None:
        """Forget a job whose record was deleted."""
        entry = self._jobs.pop(job, None)
        if entry is not None:
            self._unfinished.pop(job, None)
            self._counts[entry.status] -= 1
            self._observer(Change(entry, "deleted", entry.updated), None)

    def clear(self) -> None:
        """Forget all jobs: the broker has lost or replaced its bucket, and what it has now follows."""
        for job in list(self._jobs):
            self.remove(job)

    def note_event(self, value: bytes, now: float) -> None:
        """Take in a status event."""
        event = read_event(value)
        if event is None:
            return
        entry = self._jobs.get(event.job_id)
        if entry is None:
            return
        moment = event.timestamp.timestamp()
        if not self._apply_event(entry, event, moment):
            return
        entry.updated = max(entry.updated, moment)
        self._observer(
            Change(entry, event.event.value, moment, event.hostname, event.machine_id, data=event.data), None
        )
        self._refresh(entry, now)

    def note_response(self, response: Response, now: float) -> None:
        """Take in the final word of a host; one that comes before its job is kept until the job comes."""
        entry = self._jobs.get(response.job_id)
        if entry is None:
            if len(self._orphans) < _ORPHANS:
                self._orphans.setdefault(response.job_id, []).append(response)
            return
        self._note_response(entry, response, now)
        self._refresh(entry, now)

    def caught_up(self) -> None:
        """Both watches have delivered everything there was: responses without a job belong to deleted ones."""
        self._orphans.clear()

    def tick(self, now: float) -> None:
        """Let time pass: silent hosts become expired or timed out, and the oldest jobs are forgotten."""
        for entry in self.unfinished():
            if entry.settles_at() <= now:
                self._refresh(entry, now)
        if self._retention_s is not None:
            self._forget_before(now - self._retention_s)

    def _apply_event(self, entry: JobEntry, event: StatusEvent, moment: float) -> bool:
        if event.event is Event.CANCEL_REQUESTED:
            entry.cancelled = moment
            return True
        if event.event is Event.RETRIED:
            return True
        note = entry.note(event.machine_id, event.hostname)
        if note is None:
            return False
        if event.event is Event.STARTED:
            note.started = note.started or moment
        note.acknowledged = note.acknowledged or moment
        entry.touched = True
        return True

    def _note_response(self, entry: JobEntry, response: Response, now: float) -> None:
        note = entry.note(response.machine_id, response.hostname)
        if note is None:
            return
        entry.end(note, response.ending)
        note.changed = response.changed
        note.hostname = intern(response.hostname)
        note.finished = response.finished.timestamp()
        entry.updated = max(entry.updated, min(note.finished, now))
        entry.last_host = note.hostname
        if response.error is not None:
            entry.error = response.error
        self._observer(
            Change(
                entry,
                response.ending.value,
                note.finished,
                response.hostname,
                response.machine_id,
                changed=response.changed,
                error=response.error,
                outputs=response.outputs,
            ),
            response,
        )

    def _refresh(self, entry: JobEntry, now: float) -> None:
        status = entry.compute(now)
        if status is entry.status:
            return
        self._counts[entry.status] -= 1
        self._counts[status] += 1
        entry.status = status
        if not status.is_final:
            self._unfinished[entry.id] = entry
        else:
            entry.record = entry.trace = None
            self._unfinished.pop(entry.id, None)
            self._observer(Change(entry, "done", entry.updated), None)

    def _forget_before(self, limit: float) -> None:
        while self._jobs:
            oldest = next(iter(self._jobs.values()))
            if oldest.created >= limit:
                return
            self.remove(oldest.id)
