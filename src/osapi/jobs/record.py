"""The job as it is signed, stored and delivered, and what hosts write about it.

A stored record is three lines: a header with key id and signature, the signed job, the roster. The
roster names every host that must answer, and the trace it belongs to; the job holds its digest in short (`Expected`), so that a
broadcast to a thousand hosts does not carry a thousand names a thousand times.
"""

from __future__ import annotations

import enum
from datetime import datetime, timedelta
from typing import Any

import msgspec

from osapi.contract import moments
from osapi.contract.ids import JobId, MachineId
from osapi.contract.kept import Kept
from osapi.contract.operation import Kind

VERSION = 1


class Actor(msgspec.Struct, frozen=True, omit_defaults=True):
    """Who asked: the subject of the token and its roles."""

    subject: str
    roles: tuple[str, ...] = ()


class Sealed(msgspec.Struct, frozen=True, kw_only=True):
    """The secrets of a request, for the expected hosts alone. How it is made and opened is `sealing`."""

    places: tuple[str, ...]
    """Where each belongs in the request, where a mask stands for it (see `contract.masking`)."""
    box: bytes
    """Their values, a JSON list in the same order, encrypted with a key of this job's own."""
    keys: bytes
    """That key, sealed to one expected host after another, in the order of `expected`."""
    digest: bytes
    """By which a controller recognises the same secrets; tells nothing without its private key."""


class Job(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What an agent is asked to do. These exact bytes are signed."""

    id: JobId
    operation: str
    kind: Kind
    request: msgspec.Raw
    """The request as JSON, in the shape of the operation's request model, with masks for secrets."""
    secrets: Sealed | None = None
    target: str
    """As the user typed it."""
    route: str
    """Last part of the subject: `_any`, `_all`, `_each`, `host.<machine>` or `label.<key>.<value>`."""
    expected: bytes = b""
    """Eight bytes per expected host, sorted (see `jobs.roster`); empty for `_any`."""
    actor: Actor
    issued: datetime
    expires: datetime
    """After this moment no host may begin."""
    deadline_s: float
    """How long the work may take on a host, in seconds, counted from its start."""
    dry_run: bool = False
    followed: bool = False
    """Whether it lasts only as long as somebody listens."""
    retry_of: JobId | None = None
    version: int = VERSION

    @property
    def deadline(self) -> timedelta:
        return timedelta(seconds=self.deadline_s)


class Roster(msgspec.Struct, frozen=True, omit_defaults=True):
    """What belongs to a job and is not signed.

    `hosts` are all that must answer: machine id to host name at submission; empty for `_any`. `trace` is the header
    `traceparent` of its submission; empty when it was not traced.
    """

    hosts: dict[MachineId, str]
    trace: str = ""

    @property
    def headers(self) -> dict[str, str]:
        """What goes along with every delivery of the job."""
        return {"traceparent": self.trace} if self.trace else {}


class Event(enum.Enum):
    """What can be noted about a job on a host while it is under way. Appended, never changed."""

    ACKNOWLEDGED = "acknowledged"
    STARTED = "started"
    CANCEL_REQUESTED = "cancel_requested"
    RETRIED = "retried"


class StatusEvent(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One event; its key is `status.<job>.<event>.<machine or _api>.<nanoseconds>`."""

    job_id: JobId
    event: Event
    machine_id: str
    """The machine id, or `_api` when a controller notes it."""
    hostname: str
    timestamp: datetime
    data: dict[str, Any] | None = None

    def __post_init__(self) -> None:
        moments.check(self.timestamp)


_decode_event = msgspec.json.Decoder(StatusEvent).decode


def read_event(value: bytes) -> StatusEvent | None:
    """A stored event; None for what cannot be read: agents write events, and nobody signs them."""
    try:
        return _decode_event(value)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


class Output(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A piece of what a job gives out on one host while it runs, on the subject `output.<job>.<machine>`.

    `number` counts the pieces of that host from 1. `left_out` is how many bytes came before this piece and are
    missing, because they came faster than they may be sent.
    """

    job_id: JobId
    machine_id: MachineId
    hostname: str
    number: int
    timestamp: datetime
    data: msgspec.Raw
    """A part of the result, in its shape: texts to be joined, lists to be appended to one another."""
    left_out: int = 0

    def __post_init__(self) -> None:
        moments.check(self.timestamp)


class Ending(enum.Enum):
    """How a job ended on one host, as that host tells it."""

    COMPLETED = "completed"
    FAILED = "failed"
    SKIPPED = "skipped"
    TIMEOUT = "timeout"
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"
    REJECTED = "rejected"
    EXPIRED = "expired"


class Response(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The one final word of a host about a job; its key is `responses.<job>.<machine>`."""

    job_id: JobId
    machine_id: MachineId
    hostname: str
    ending: Ending
    data: msgspec.Raw = msgspec.Raw(b"null")
    """The result as JSON, in the shape of the operation's result model; null unless completed
    (a command that ran out of time leaves its output so far)."""
    changed: bool | None = None
    error: str | None = None
    code: str | None = None
    received: datetime
    started: datetime | None = None
    finished: datetime
    outputs: int = 0
    """How many pieces of output were sent before; the number of the last one."""
    kept: tuple[Kept, ...] = ()
    """What of its output is kept whole."""

    def __post_init__(self) -> None:
        moments.check(self.received, self.started, self.finished)


class Cancel(msgspec.Struct, frozen=True):
    """Order to stop a job, signed like the job itself and sent to one agent."""

    job_id: JobId
    issued: datetime
    actor: Actor


class Hello(msgspec.Struct, frozen=True, kw_only=True):
    """An agent that connected, or noticed a gap, asks for what it missed.

    `holding` names the jobs it has in hand, which need not be sent again.
    """

    machine_id: MachineId
    holding: tuple[JobId, ...] = ()


class Welcome(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A controller's answer: how many jobs it is about to send again, and the time on its clock.

    `standing` is the last signed order to drain or undrain that was given to this agent; empty when none was.
    """

    resent: int
    now: datetime
    standing: bytes = b""
