"""What must exist in the broker before anything works: streams, buckets, object stores, the durable.

Pure data. The controller derives it from its settings and hands it to `provision`; nobody else
creates or changes anything in the broker. Names are without namespace.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta


class Storage(enum.Enum):
    """Where messages are kept: on disk, or in the broker's memory (lost when it stops)."""

    FILE = "file"
    MEMORY = "memory"


class Discard(enum.Enum):
    """What a full stream does: refuse the new message, or silently drop the oldest."""

    NEW = "new"
    OLD = "old"


@dataclass(frozen=True, kw_only=True)
class Republish:
    """Stored messages of `source` are repeated under `destination`, after they are safe on disk."""

    source: str
    destination: str


@dataclass(frozen=True, kw_only=True)
class Stream:
    """One stream. None means without limit; a limit of 0 makes no sense and is refused by the broker.

    `max_msgs_per_subject` keeps the newest so many of each subject, whatever `discard` says of the whole.
    `duplicate_window` is how long a message id is remembered; it may not exceed `max_age`.
    """

    name: str
    subjects: tuple[str, ...]
    max_age: timedelta | None = None
    max_msgs: int | None = None
    max_bytes: int | None = None
    max_msgs_per_subject: int | None = None
    storage: Storage = Storage.FILE
    replicas: int = 1
    discard: Discard = Discard.NEW
    duplicate_window: timedelta = timedelta(minutes=2)
    republish: Republish | None = None
    allow_direct: bool = True
    allow_message_ttl: bool = False
    metadata: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, kw_only=True)
class Bucket:
    """One key-value bucket with a history of 1.

    `ttl` is the age at which an entry vanishes; None keeps it for ever. With `announce_expiry` the
    broker leaves a deletion marker for an entry that vanished, which watches report as deleted, and
    removes the marker itself after that time (whole seconds, at least 1 s).
    """

    name: str
    ttl: timedelta | None = None
    max_bytes: int | None = None
    storage: Storage = Storage.FILE
    replicas: int = 1
    announce_expiry: timedelta | None = None


@dataclass(frozen=True, kw_only=True)
class ObjectStore:
    """One object store (NATS ADR-20): large values in chunks. `ttl` is the age at which they vanish; None: never."""

    name: str
    ttl: timedelta | None = None
    max_bytes: int | None = None
    storage: Storage = Storage.FILE
    replicas: int = 1


@dataclass(frozen=True, kw_only=True)
class Durable:
    """One pull consumer that a whole fleet shares, so that each message is worked on by one of them.

    `ack_wait` is how long a silent worker keeps a message; a worker that is busy for longer says
    `in_progress`. `back_off` are the waits before each further delivery; when there are any, they replace
    `ack_wait`, and may not be more than `max_deliver`.
    `in_original_pace` hands messages out with the pauses in which they were stored. `max_waiting` bounds how
    many workers may wait for work at the same time.
    """

    name: str
    stream: str
    filters: tuple[str, ...]
    ack_wait: timedelta = timedelta(seconds=5)
    max_deliver: int = 5
    max_ack_pending: int = 1000
    back_off: tuple[timedelta, ...] = ()
    in_original_pace: bool = False
    max_waiting: int = 16384


OUTPUT = Stream(
    name="OUTPUT",
    subjects=("output.>",),
    max_age=timedelta(hours=1),
    max_bytes=64 * 1024 * 1024,
    max_msgs_per_subject=64,
    storage=Storage.MEMORY,
    discard=Discard.OLD,
)
"""What jobs give out while they run: the newest of it, in memory, for whoever is listening."""

ANY = Durable(name="any", stream="JOBS", filters=("jobs.query._any", "jobs.modify._any"))


@dataclass(frozen=True, kw_only=True)
class Layout:
    """Everything together. `audit` None means: no audit stream.

    `dead_letters` also takes what the broker announces when a message of `jobs` was delivered too
    often; the subject of that announcement is added by `provision`, as it names the job stream.
    """

    jobs: Stream = Stream(
        name="JOBS",
        subjects=("jobs.>",),
        max_age=timedelta(days=1),
        republish=Republish(source="jobs.>", destination="live.jobs.>"),
        allow_message_ttl=True,
    )
    dead_letters: Stream = Stream(
        name="JOBS-DLQ", subjects=("dlq.>",), discard=Discard.OLD, metadata={"dead_letter_queue": "true"}
    )
    audit: Stream | None = None
    output: Stream = OUTPUT
    buckets: tuple[Bucket, ...] = field(
        default=(
            Bucket(name="job-queue"),
            Bucket(name="job-responses"),
            Bucket(name="agent-registry"),
            Bucket(name="agent-facts"),
            Bucket(name="agent-state"),
            Bucket(name="file-state"),
            Bucket(name="agent-enrollment"),
        )
    )
    objects: tuple[ObjectStore, ...] = (
        ObjectStore(name="file-objects"),
        ObjectStore(name="job-output", ttl=timedelta(days=1)),
    )
    durables: tuple[Durable, ...] = (ANY,)
