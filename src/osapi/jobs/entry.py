"""One job as the index keeps it: what lists, filters, counts and waiting need, in less than a kilobyte."""

from __future__ import annotations

from datetime import UTC, datetime
from sys import intern

import msgspec

from osapi.contract.ids import JobId, MachineId
from osapi.contract.operation import Kind
from osapi.jobs.record import Actor, Ending, Roster
from osapi.jobs.status import (
    GRACE_S,
    HostNote,
    HostState,
    JobStatus,
    Window,
    any_state,
    host_state,
    job_status,
    lone_status,
    settles_at,
)


class JobHead(msgspec.Struct, frozen=True, kw_only=True):
    """The part of a job that the index keeps."""

    id: JobId
    operation: str
    kind: Kind
    target: str
    route: str
    actor: Actor
    issued: datetime
    expires: datetime
    deadline_s: float
    dry_run: bool = False
    retry_of: JobId | None = None


class ResponseHead(msgspec.Struct, frozen=True, kw_only=True):
    """The part of a response that the index keeps."""

    job_id: JobId
    machine_id: MachineId
    hostname: str
    ending: Ending
    finished: datetime
    changed: bool | None = None
    error: str | None = None
    received: datetime | None = None
    started: datetime | None = None
    outputs: int = 0


class JobEntry:
    """One job in memory. Times are seconds since the epoch; `record` is kept while the job is unfinished.

    `open_hosts` counts the expected hosts without a final word, `touched` tells whether any host has given
    a sign. With them an answer to a broadcast costs the same however many hosts there are.
    """

    __slots__ = (
        "actor",
        "cancelled",
        "created",
        "deadline_s",
        "dry_run",
        "error",
        "expires",
        "id",
        "is_any",
        "kind",
        "last_host",
        "notes",
        "open_hosts",
        "operation",
        "record",
        "retry_of",
        "revision",
        "route",
        "status",
        "target",
        "touched",
        "updated",
    )

    def __init__(self, head: JobHead, roster: Roster, record: bytes, revision: int) -> None:
        self.id = head.id
        self.operation = intern(head.operation)
        self.kind = head.kind
        self.target = intern(head.target)
        self.route = intern(head.route)
        self.actor = intern(head.actor.subject)
        self.created = head.issued.timestamp()
        self.expires = head.expires.timestamp()
        # Whole seconds as an int: small ones are shared by all entries, floats are not.
        self.deadline_s = int(head.deadline_s) if head.deadline_s.is_integer() else head.deadline_s
        self.cancelled: float | None = None
        self.dry_run = head.dry_run
        self.retry_of = head.retry_of
        self.is_any = head.route == "_any"
        self.notes: dict[str, HostNote] = {intern(m): HostNote(intern(name)) for m, name in roster.hosts.items()}
        self.open_hosts = len(self.notes)
        self.touched = False
        self.record: bytes | None = record
        self.revision = revision
        self.status = JobStatus.SUBMITTED
        self.updated = self.created
        self.error: str | None = None
        self.last_host: str | None = None

    @property
    def expected(self) -> int:
        """How many hosts must answer."""
        return 1 if self.is_any else len(self.notes)

    @property
    def answered(self) -> int:
        """How many hosts have said their final word."""
        return sum(note.ending is not None for note in self.notes.values())

    @property
    def window(self) -> Window:
        """When the job may run."""
        return Window(self.expires, self.deadline_s, self.cancelled)

    def note(self, machine: str, hostname: str) -> HostNote | None:
        """What is known of a host; None when the host is not expected to take part."""
        if self.is_any and machine not in self.notes:
            self.notes[intern(machine)] = HostNote(hostname)
        return self.notes.get(machine)

    def state_of(self, note: HostNote, now: float) -> HostState:
        return host_state(note, self.window, now)

    def end(self, note: HostNote, ending: Ending) -> None:
        """Note the final word of a host."""
        if note.ending is None:
            self.open_hosts -= 1
        note.ending = ending
        self.touched = True

    def compute(self, now: float) -> JobStatus:
        """Where the job stands at the time `now`."""
        if self.open_hosts > 0 and now < self._undecided_until():
            return JobStatus.PROCESSING if self.touched else JobStatus.SUBMITTED
        if self.is_any:
            return lone_status(any_state(self.notes.values(), self.window, now))
        window = self.window
        if len(self.notes) == 1:
            return lone_status(next(host_state(note, window, now) for note in self.notes.values()))
        return job_status(host_state(note, window, now) for note in self.notes.values())

    def _undecided_until(self) -> float:
        """Before this time no silent host is given up."""
        return min(self.created + self.deadline_s, self.expires) + GRACE_S

    def silent(self) -> dict[str, str]:
        """Machine id and name of every expected host without a final word."""
        return {machine: note.hostname for machine, note in self.notes.items() if note.ending is None}

    def settles_at(self) -> float:
        """When silence alone ends this job, in seconds since the epoch."""
        notes = list(self.notes.values()) or [HostNote()]
        window = self.window
        return max((settles_at(note, window) for note in notes if note.ending is None), default=0.0)

    def changed(self) -> bool | None:
        """Whether any host changed; None when no host said so either way."""
        told = [note.changed for note in self.notes.values() if note.changed is not None]
        return any(told) if told else None


def moment(seconds: float) -> datetime:
    """Seconds since the epoch as an aware time."""
    return datetime.fromtimestamp(seconds, UTC)
