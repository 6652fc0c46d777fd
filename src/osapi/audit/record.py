"""What is stored in the stream `AUDIT`: messages in a chain, each with the records that came together.

A message is two lines, a header with the controller's signature and the signed `Link`. A link names the message
before it by sequence and digest, so that nothing can be altered, taken out or put in between without a trace.
What happened later to an entry (its job, its outcome) is a record of its own, for nothing is ever written twice.
"""

from __future__ import annotations

import hashlib
from datetime import datetime

import msgspec

from osapi.audit.kind import Kind
from osapi.contract.errors import Forbidden
from osapi.jobs import envelope
from osapi.pki.signing import Signer, Verifier

PURPOSE = "audit"
HEAD_PURPOSE = "audit-head"
VERSION = 1
NOTHING = msgspec.Raw(b"null")


class Job(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The job that a request has made. `hosts` names some of those that must answer, `host_count` says how many do."""

    job_id: str
    operation: str
    target: str
    hosts: tuple[str, ...] = ()
    host_count: int = 0
    dry_run: bool = False


class Outcome(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How a request ended. `states` counts its hosts by state; `failed` names some that did not do it."""

    response_code: int
    duration_ms: int
    code: str = ""
    """Of the error that was answered; empty for none."""
    job_id: str = ""
    states: dict[str, int] = {}
    failed: tuple[str, ...] = ()


class Entry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="entry", tag_field="record"):
    """One request. For a change `outcome` is absent and follows in an `Addition`.

    `count` is more than 1 when so many refusals of one kind, from `timestamp` to `until`, are told together.
    """

    id: str
    timestamp: datetime
    kind: Kind
    user: str = ""
    roles: tuple[str, ...] = ()
    token_id: str = ""
    method: str = ""
    path: str = ""
    query: str = ""
    operation_id: str = ""
    source_ip: str = ""
    request_id: str = ""
    trace_id: str = ""
    request: msgspec.Raw = NOTHING
    """What was asked for, secrets left out; null when there was nothing or it is not told."""
    job: Job | None = None
    outcome: Outcome | None = None
    count: int = 1
    until: datetime | None = None
    remark: str = ""


class Addition(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="addition", tag_field="record"):
    """What became known of the entry `id` after it was stored.

    `states` and `failed` are those of `Outcome` at the end of a job that went on after its request was answered.
    """

    id: str
    request: msgspec.Raw = NOTHING
    job: Job | None = None
    outcome: Outcome | None = None
    states: dict[str, int] = {}
    failed: tuple[str, ...] = ()


Record = Entry | Addition
SILENT = "silent"
"""The state of hosts that had not answered when the request was answered."""


def goes_on(outcome: Outcome, *, has_job: bool) -> bool:
    """Whether the job was not over when the request was answered, so that its end is told later."""
    return has_job and (not outcome.states or SILENT in outcome.states)


class Place(msgspec.Struct, frozen=True, omit_defaults=True):
    """A message of the chain: its sequence in the stream, the digest of its bytes, when it was made, and `keeps_s` as in its link."""

    sequence: int
    digest: str
    at: datetime | None = None
    keeps_s: float = 0


BEGINNING = Place(0, "")
"""What the first message of all follows."""


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """The signed line of a message."""

    version: int = VERSION
    sequence: int
    """Its place in the stream."""
    previous: Place
    at: datetime
    keeps_s: float = 0
    """Seconds for which the stream kept messages when this one was written; 0 for ever."""
    records: tuple[Record, ...]


_encode = msgspec.json.Encoder().encode
_decode_link = msgspec.json.Decoder(Link).decode


def encode(record: Record) -> bytes:
    """A record as it stands in a link."""
    return _encode(record)


def seal(
    signer: Signer, previous: Place, sequence: int, at: datetime, records: list[bytes], *, keeps_s: float = 0
) -> bytes:
    """A whole message. `records` are encoded."""
    head = {"version": VERSION, "sequence": sequence, "previous": previous, "at": at, "keeps_s": keeps_s}
    return envelope.seal(signer, PURPOSE, _encode(head)[:-1] + b',"records":[' + b",".join(records) + b"]}")


def unseal(verifier: Verifier, message: bytes) -> Link:
    """Read a message that a controller has signed. Raises `Forbidden` for any other."""
    payload = envelope.unseal(verifier, PURPOSE, message)
    try:
        return _decode_link(payload)
    except (msgspec.DecodeError, UnicodeDecodeError) as problem:
        raise Forbidden(f"the message is signed and cannot be read: {problem}") from problem


def peek(message: bytes) -> Link | None:
    """Read a message without asking who wrote it. None when it is none of the chain."""
    try:
        return _decode_link(message.split(b"\n", 2)[1])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, IndexError):
        return None


def digest(message: bytes) -> str:
    """SHA-256 of the whole message, in hexadecimal."""
    return hashlib.sha256(message).hexdigest()


class Head(msgspec.Struct, frozen=True):
    """Where a controller knows the chain to end; it is signed like a message, for `HEAD_PURPOSE`."""

    place: Place
    at: datetime


def seal_head(signer: Signer, place: Place, at: datetime) -> bytes:
    """A controller's word about the end of the chain."""
    return envelope.seal(signer, HEAD_PURPOSE, _encode(Head(place, at)))


def unseal_head(verifier: Verifier, message: bytes) -> Head:
    """Read it. Raises `Forbidden` unless a controller has signed it."""
    try:
        return msgspec.json.decode(envelope.unseal(verifier, HEAD_PURPOSE, message), type=Head)
    except msgspec.DecodeError as problem:
        raise Forbidden(f"the statement about the end of the chain cannot be read: {problem}") from problem
