"""Settings of the embedded broker, and of the streams, buckets and object stores that OSAPI keeps in any broker."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

from msgspec import Meta, field

from osapi.config.fields import (
    SENSITIVE,
    AuthType,
    Count,
    Metrics,
    Name,
    Namespaced,
    OptionalName,
    Port,
    ProcessConditions,
    Replicas,
    Section,
    ServerTls,
    Storage,
    Subject,
)


class User(Section, frozen=True, kw_only=True):
    """A broker user with all rights."""

    username: Annotated[str, Meta(min_length=1, description="Name of the user.")]
    password: Annotated[str, Meta(min_length=1, description="Password of the user.", extra={SENSITIVE: True})]


class ServerAuth(Section, frozen=True, kw_only=True):
    """Whom the embedded broker lets in."""

    type: Annotated[
        AuthType,
        Meta(
            description="`nkey` (also when empty): the keys that the first start made, and those listed. `user_pass`: the "
            "users listed. `none`: everybody; for development only."
        ),
    ] = ""
    users: Annotated[list[User], Meta(description="Users for `user_pass`; each has all rights.")] = field(
        default_factory=list[User]
    )
    nkeys: Annotated[
        list[Annotated[str, Meta(pattern=r"^U[A-Z2-7]{55}$")]],
        Meta(description="Public nkeys of further users; each has all rights."),
    ] = field(default_factory=list[str])


class BrokerTls(ServerTls, frozen=True, kw_only=True):
    """TLS of the embedded broker: 1.2 or 1.3."""

    ca: Annotated[
        str,
        Meta(
            description="PEM file of authorities: only clients with a certificate of one of them are let in, beside "
            "what `auth` asks for. Empty: no certificate is asked for."
        ),
    ] = ""


class ServerMetrics(Metrics, frozen=True, kw_only=True):
    """Metrics of the broker."""

    port: Annotated[Port, Meta(description="TCP port to serve them on.")] = 9092


class Server(Namespaced, frozen=True, kw_only=True):
    """The embedded broker."""

    host: Annotated[str, Meta(description="Address to listen on. Anything but loopback needs TLS or `--insecure`.")] = (
        "127.0.0.1"
    )
    port: Annotated[int, Meta(ge=0, le=65535, description="TCP port to listen on; 0 means 4222.")] = 4222
    store_dir: Annotated[str, Meta(description="Folder of JetStream. Empty: `nats` in the data folder.")] = ""
    binary: Annotated[
        str,
        Meta(description="The nats-server program. Empty: the one installed with OSAPI, else the one on the PATH."),
    ] = ""
    sync_interval: Annotated[
        str,
        Meta(
            description="When stored messages reach the disk: `always` before they are acknowledged, or a duration "
            "after which at the latest. With a duration a power cut can lose accepted jobs."
        ),
    ] = "always"
    max_payload_bytes: Annotated[
        int, Meta(ge=64 * 1024, le=64 * 1024 * 1024, description="Largest message in bytes.")
    ] = 1024 * 1024
    auth: ServerAuth = ServerAuth()
    tls: BrokerTls = BrokerTls()
    metrics: ServerMetrics = ServerMetrics()
    process_conditions: ProcessConditions = ProcessConditions()


class Stream(Section, frozen=True, kw_only=True):
    """The stream of jobs."""

    name: Annotated[Name, Meta(description="Name of the stream; its dead letters are in `<name>-DLQ`.")] = "JOBS"
    subjects: Annotated[
        Literal["jobs.>"], Meta(description="Subjects that the stream keeps. OSAPI publishes below `jobs` only.")
    ] = "jobs.>"
    max_age: Annotated[timedelta, Meta(description="Age at which a message goes; 0 never.")] = timedelta(hours=24)
    max_msgs: Annotated[Count, Meta(description="Messages kept at most; 0 without limit.")] = 0
    storage: Annotated[Storage, Meta(description="Where messages are kept.")] = "file"
    replicas: Annotated[Replicas, Meta(description="Copies in a cluster; 0 means 1.")] = 1
    discard: Annotated[
        Literal["old", "new"],
        Meta(description="What a full stream does: `new` refuses what comes, `old` silently drops what it accepted."),
    ] = "new"


class Kv(Section, frozen=True, kw_only=True):
    """The buckets of job records, events and answers."""

    bucket: Annotated[Name, Meta(description="Bucket of job records and their events.")] = "job-queue"
    response_bucket: Annotated[Name, Meta(description="Bucket of the hosts' final answers.")] = "job-responses"
    ttl: Annotated[timedelta, Meta(description="Age at which a finished job is forgotten; 0 never.")] = timedelta(
        hours=168
    )
    max_bytes: Annotated[Count, Meta(description="Size in bytes of each of the two buckets; 0 without limit.")] = 0
    storage: Annotated[Storage, Meta(description="Where entries are kept.")] = "file"
    replicas: Annotated[Replicas, Meta(description="Copies in a cluster; 0 means 1.")] = 1


class Live(Section, frozen=True, kw_only=True):
    """The stream of what jobs give out while they run. It is kept in memory: their answers are kept elsewhere."""

    stream: Annotated[Name, Meta(description="Name of the stream.")] = "OUTPUT"
    max_age: Annotated[timedelta, Meta(description="Age at which a piece of output goes; 0 never.")] = timedelta(
        hours=1
    )
    max_bytes: Annotated[
        int, Meta(ge=1024 * 1024, description="Size of the stream in bytes; then the oldest pieces go.")
    ] = 64 * 1024 * 1024


class Output(Section, frozen=True, kw_only=True):
    """The store of output that is kept whole: of commands when asked for, and of files that are fetched."""

    bucket: Annotated[OptionalName, Meta(description="Name of the store. Empty: nothing is kept or fetched.")] = (
        "job-output"
    )
    ttl: Annotated[timedelta, Meta(description="Age at which output goes; 0 never.")] = timedelta(hours=24)
    max_bytes: Annotated[
        Count, Meta(description="Size of the store in bytes; when it is full, nothing more is kept. 0 without limit.")
    ] = 4 * 1024 * 1024 * 1024
    storage: Annotated[Storage, Meta(description="Where output is kept.")] = "file"
    replicas: Annotated[Replicas, Meta(description="Copies in a cluster; 0 means 1.")] = 1


class Dlq(Section, frozen=True, kw_only=True):
    """The stream of dead letters."""

    max_age: Annotated[timedelta, Meta(description="Age at which a dead letter goes; 0 never.")] = timedelta(hours=168)
    max_msgs: Annotated[Count, Meta(description="Dead letters kept at most; 0 without limit.")] = 0
    storage: Annotated[Storage, Meta(description="Where dead letters are kept.")] = "file"
    replicas: Annotated[Replicas, Meta(description="Copies in a cluster; 0 means 1.")] = 1


class Audit(Section, frozen=True, kw_only=True):
    """The stream of audit entries."""

    stream: Annotated[OptionalName, Meta(description="Name of the stream. Empty: no audit.")] = "AUDIT"
    subject: Annotated[Subject, Meta(description="Entries are published below this subject.")] = "audit"
    max_age: Annotated[timedelta, Meta(description="Age at which an entry goes; 0 never.")] = timedelta(hours=720)
    max_bytes: Annotated[
        Count,
        Meta(
            description="Size of the stream in bytes, after which changes are refused until older entries have gone; "
            "0 without limit."
        ),
    ] = 0
    storage: Annotated[Storage, Meta(description="Where entries are kept.")] = "file"
    replicas: Annotated[Replicas, Meta(description="Copies in a cluster; 0 means 1.")] = 1


class Registry(Section, frozen=True, kw_only=True):
    """The bucket of heartbeats."""

    bucket: Annotated[Name, Meta(description="Bucket of the agents' signs of life.")] = "agent-registry"
    ttl: Annotated[timedelta, Meta(description="Silence after which a host counts as away.")] = timedelta(seconds=30)
    storage: Annotated[Storage, Meta(description="Where heartbeats are kept.")] = "file"
    replicas: Annotated[Replicas, Meta(description="Copies in a cluster; 0 means 1.")] = 1


class Facts(Section, frozen=True, kw_only=True):
    """The bucket of facts."""

    bucket: Annotated[
        OptionalName, Meta(description="Bucket of what agents tell about their hosts. Empty: no facts.")
    ] = "agent-facts"
    ttl: Annotated[timedelta, Meta(description="Age at which facts are forgotten; 0 never.")] = timedelta(minutes=5)
    storage: Annotated[Storage, Meta(description="Where facts are kept.")] = "file"
    replicas: Annotated[Replicas, Meta(description="Copies in a cluster; 0 means 1.")] = 1


class State(Section, frozen=True, kw_only=True):
    """The bucket of drain flags and timelines."""

    bucket: Annotated[
        OptionalName, Meta(description="Bucket of drain flags and agents' timelines. Empty: neither.")
    ] = "agent-state"
    storage: Annotated[Storage, Meta(description="Where they are kept.")] = "file"
    replicas: Annotated[Replicas, Meta(description="Copies in a cluster; 0 means 1.")] = 1


class Objects(Section, frozen=True, kw_only=True):
    """The store of uploaded files."""

    bucket: Annotated[OptionalName, Meta(description="Store of uploaded files. Empty: no file operations.")] = (
        "file-objects"
    )
    max_bytes: Annotated[Count, Meta(description="Size of the store in bytes; 0 without limit.")] = 0
    storage: Annotated[Storage, Meta(description="Where files are kept.")] = "file"
    replicas: Annotated[Replicas, Meta(description="Copies in a cluster; 0 means 1.")] = 1


class FileState(Section, frozen=True, kw_only=True):
    """The bucket that knows which file was deployed where."""

    bucket: Annotated[OptionalName, Meta(description="Bucket of deployed files. Empty: no file operations.")] = (
        "file-state"
    )
    storage: Annotated[Storage, Meta(description="Where it is kept.")] = "file"
    replicas: Annotated[Replicas, Meta(description="Copies in a cluster; 0 means 1.")] = 1


class Enrollment(Section, frozen=True, kw_only=True):
    """The bucket of what is known of the identity of agents."""

    bucket: Annotated[Name, Meta(description="Bucket of the agents' keys and of pending enrolments.")] = (
        "agent-enrollment"
    )
    storage: Annotated[Storage, Meta(description="Where it is kept.")] = "file"
    replicas: Annotated[Replicas, Meta(description="Copies in a cluster; 0 means 1.")] = 1


class Notifications(Section, frozen=True, kw_only=True):
    """The bucket of what people have been told."""

    bucket: Annotated[Name, Meta(description="Bucket of what has been told and is to be, and of silences.")] = (
        "notifications"
    )
    storage: Annotated[Storage, Meta(description="Where it is kept.")] = "file"
    replicas: Annotated[Replicas, Meta(description="Copies in a cluster; 0 means 1.")] = 1


class NatsSettings(Section, frozen=True, kw_only=True):
    """The embedded broker and everything that OSAPI keeps in a broker."""

    replicas: Annotated[
        Replicas, Meta(description="Copies in a cluster of everything whose own `replicas` does not ask for more.")
    ] = 1
    server: Server = Server()
    stream: Stream = Stream()
    kv: Kv = Kv()
    live: Live = Live()
    output: Output = Output()
    dlq: Dlq = Dlq()
    audit: Audit = Audit()
    registry: Registry = Registry()
    facts: Facts = Facts()
    state: State = State()
    objects: Objects = Objects()
    file_state: FileState = FileState()
    enrollment: Enrollment = Enrollment()
    notifications: Notifications = Notifications()
