"""What an agent does with a message that claims to be a job. A pure decision.

The order matters. Nothing of a message is believed before its signature is good; a message that is not
for this host is never answered; and only what is really ours is answered as expired or rejected.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec

from osapi.contract.errors import Forbidden
from osapi.contract.ids import JobId, MachineId
from osapi.jobs import roster, subjects
from osapi.jobs.record import VERSION, Ending, Job

SKEW = timedelta(minutes=2)
"""A job from further in the future, or any while the clocks are known to differ by more, is not run: one of them is wrong."""
ATTEMPTS = 4
"""At this delivery of the shared queue a job is no longer left to others; below `max_deliver` of the queue."""
ANY = "_any"
CLOCK_SKEW = "clock_skew"
_SKEW_PAUSE_S = 1.0


@dataclass(frozen=True)
class Arrival:
    """One message. `delivered` counts deliveries of the shared queue and is None for what is heard live."""

    subject: str
    sealed: bytes
    delivered: int | None = None


@dataclass(frozen=True)
class Identity:
    """Who we are, and since when we belong to the fleet."""

    machine: MachineId
    joined: datetime


class Standing(enum.Enum):
    """What we know of a job already."""

    NEW = "new"
    IN_HAND = "in hand"
    FINISHED = "finished"
    CANCELLED = "cancelled"


class Reason(enum.Enum):
    """Why a message is not run and not answered."""

    SIGNATURE = "no valid signature"
    UNREADABLE = "signed, but not a job we can read"
    MISDIRECTED = "sent on a subject that is not the job's own"
    NOT_EXPECTED = "this host is not expected to answer"

    @property
    def is_suspicious(self) -> bool:
        """Whether somebody may be forging or redirecting jobs."""
        return self in (Reason.SIGNATURE, Reason.MISDIRECTED)


@dataclass(frozen=True)
class Run:
    """Ours, new and in time. `payload` is the job as it was signed."""

    job: Job
    payload: bytes


@dataclass(frozen=True)
class Answer:
    """Ours, but not to be run; the answer says why."""

    job: Job
    ending: Ending
    code: str
    error: str


@dataclass(frozen=True)
class Again:
    """Known already: in hand, or finished and answered."""

    job: Job
    standing: Standing


@dataclass(frozen=True)
class Drop:
    """Neither run nor answered."""

    reason: Reason


@dataclass(frozen=True)
class Leave:
    """In the shared queue, but for another agent; we keep away from the queue for `pause_s` seconds."""

    job: Job
    why: str
    pause_s: float


Decision = Run | Answer | Again | Drop | Leave


def decide(
    arrival: Arrival,
    me: Identity,
    unseal: Callable[[bytes], bytes],
    standing: Callable[[JobId], Standing],
    now: datetime,
    ahead: timedelta = timedelta(0),
) -> Decision:
    """What to do with a message. `unseal` returns the signed bytes or raises `Forbidden`.

    `ahead` is how far `now` is known to be ahead of the controller's clock; negative: behind.
    """
    try:
        payload = unseal(arrival.sealed)
    except Forbidden:
        return Drop(Reason.SIGNATURE)
    try:
        job = _decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return Drop(Reason.UNREADABLE)
    if not _on_its_subject(arrival, job, me.machine):
        return Drop(Reason.MISDIRECTED)
    if job.route != ANY and not roster.contains(job.expected, me.machine):
        return Drop(Reason.NOT_EXPECTED)
    return _ours(arrival, job, payload, me, standing(job.id), now, ahead)


def _ours(
    arrival: Arrival, job: Job, payload: bytes, me: Identity, standing: Standing, now: datetime, ahead: timedelta
) -> Decision:
    if standing in (Standing.IN_HAND, Standing.FINISHED):
        return Again(job, standing)
    if standing is Standing.CANCELLED:
        return Answer(job, Ending.CANCELLED, "cancelled", "the job was cancelled before it began")
    if job.version != VERSION:
        text = f"the job has version {job.version} of the format and this agent reads version {VERSION}"
        return Answer(job, Ending.REJECTED, "version", text)
    if abs(ahead) > SKEW:
        side = "ahead of" if ahead > SKEW else "behind"
        return _skewed(arrival, job, f"this host's clock is {abs(ahead).total_seconds():.0f} s {side} the controller's")
    if now >= job.expires:
        return Answer(
            job,
            Ending.EXPIRED,
            "expired",
            f"the job arrived at {now:%H:%M:%S} and expired at {job.expires:%H:%M:%S} UTC",
        )
    if job.issued > now + SKEW:
        early_s = (job.issued - now).total_seconds()
        return _skewed(arrival, job, f"the job was issued {early_s:.0f} s ahead of this host's clock")
    if arrival.delivered is not None and job.issued < me.joined <= now:
        left_s = (job.expires - now).total_seconds()
        return Leave(job, "issued before this agent joined", left_s)
    return Run(job, payload)


def _skewed(arrival: Arrival, job: Job, why: str) -> Decision:
    text = f"clock skew: {why}"
    if arrival.delivered is not None and arrival.delivered < ATTEMPTS:
        return Leave(job, text, _SKEW_PAUSE_S)
    return Answer(job, Ending.REJECTED, CLOCK_SKEW, text)


def _on_its_subject(arrival: Arrival, job: Job, machine: MachineId) -> bool:
    """A live job comes on its own route or on our direct one; one for anybody only from the shared queue."""
    own = subjects.submission(job.kind, job.route)
    if arrival.delivered is not None:
        return job.route == ANY and arrival.subject == own
    return job.route != ANY and arrival.subject in (subjects.live(own), subjects.direct(job.kind, machine))


_decode = msgspec.json.Decoder(Job).decode
