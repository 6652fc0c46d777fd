"""Where a job stands: a pure function of its record, what hosts have said, and the time.

Nothing writes a status. Every controller, and the same one after a restart, computes the same answer from
the same facts; a job that nobody answers changes to `expired` or `timeout` because time passes.

    submitted ─> acknowledged ─> started ─> completed | failed | skipped | timeout | cancelled
        └─ expired                  └─ timeout (silent) ─> interrupted, when the agent is back
"""

from __future__ import annotations

import enum
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from osapi.jobs.record import Ending

GRACE_S = 5.0
"""How much longer than promised a host may take before it counts as silent, for clocks and delivery."""


class HostState(enum.Enum):
    """Where a job stands on one host."""

    SUBMITTED = "submitted"
    ACKNOWLEDGED = "acknowledged"
    STARTED = "started"
    COMPLETED = "completed"
    FAILED = "failed"
    SKIPPED = "skipped"
    TIMEOUT = "timeout"
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"
    REJECTED = "rejected"
    EXPIRED = "expired"

    @property
    def is_final(self) -> bool:
        """Whether only a late answer of the host itself can still change it."""
        return self not in _PENDING


class JobStatus(enum.Enum):
    """Where a job stands as a whole."""

    SUBMITTED = "submitted"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"
    PARTIAL_FAILURE = "partial_failure"
    SKIPPED = "skipped"
    TIMEOUT = "timeout"
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"
    REJECTED = "rejected"
    EXPIRED = "expired"

    @property
    def is_final(self) -> bool:
        """Whether every expected host has come to an end."""
        return self not in (JobStatus.SUBMITTED, JobStatus.PROCESSING)


_PENDING = frozenset({HostState.SUBMITTED, HostState.ACKNOWLEDGED, HostState.STARTED})
_OF_ENDING: Mapping[Ending, HostState] = {ending: HostState(ending.value) for ending in Ending}
_GOOD = frozenset({HostState.COMPLETED, HostState.SKIPPED})


@dataclass(frozen=True, slots=True)
class Window:
    """When a job may run, in seconds since the epoch. `cancelled` is None unless somebody asked for it."""

    expires: float
    deadline_s: float
    cancelled: float | None = None


class HostNote:
    """What is known of one host: times in seconds since the epoch, None while it has not happened.

    `ending` is the host's own final word.
    """

    __slots__ = ("acknowledged", "changed", "ending", "finished", "hostname", "started")

    def __init__(self, hostname: str = "") -> None:
        self.hostname = hostname
        self.acknowledged: float | None = None
        self.started: float | None = None
        self.finished: float | None = None
        self.ending: Ending | None = None
        self.changed: bool | None = None


def host_state(note: HostNote, window: Window, now: float) -> HostState:
    """Where the job stands on one host at the time `now`."""
    if note.ending is not None:
        return _OF_ENDING[note.ending]
    if now < settles_at(note, window):
        return _pending_state(note)
    if window.cancelled is not None:
        return HostState.CANCELLED
    if note.acknowledged is None and note.started is None:
        return HostState.EXPIRED
    return HostState.TIMEOUT


def settles_at(note: HostNote, window: Window) -> float:
    """When a host that stays silent counts as lost, in seconds since the epoch."""
    if note.started is not None:
        return note.started + window.deadline_s + GRACE_S
    if note.acknowledged is not None:
        return window.expires + window.deadline_s + GRACE_S
    return window.expires + GRACE_S


def any_state(notes: Iterable[HostNote], window: Window, now: float) -> HostState:
    """The state of an `_any` job: that of the host that took it, or of nobody while none has."""
    states = [host_state(note, window, now) for note in notes]
    if not states:
        return host_state(HostNote(), window, now)
    return next((state for state in states if state.is_final), max(states, key=_PROGRESS.index))


def job_status(states: Iterable[HostState]) -> JobStatus:
    """The state of the whole from the states of the expected hosts; no host at all is `submitted`."""
    counts = Counter(states)
    if not counts or set(counts) == {HostState.SUBMITTED}:
        return JobStatus.SUBMITTED
    if any(state in _PENDING for state in counts):
        return JobStatus.PROCESSING
    bad = set(counts) - _GOOD
    if not bad:
        return JobStatus.COMPLETED if HostState.COMPLETED in counts else JobStatus.SKIPPED
    if HostState.COMPLETED in counts:
        return JobStatus.PARTIAL_FAILURE
    return JobStatus(bad.pop().value) if len(bad) == 1 else JobStatus.FAILED


def lone_status(state: HostState) -> JobStatus:
    """The state of a job that concerns one host only."""
    return _ALONE[state]


def _pending_state(note: HostNote) -> HostState:
    if note.started is not None:
        return HostState.STARTED
    return HostState.SUBMITTED if note.acknowledged is None else HostState.ACKNOWLEDGED


_PROGRESS = list(HostState)
_ALONE: Mapping[HostState, JobStatus] = {state: job_status([state]) for state in HostState}
