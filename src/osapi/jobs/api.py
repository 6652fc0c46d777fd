"""What the job routes take and give, as the REST API shows it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from osapi.contract.secret import Secret
from osapi.jobs.status import JobStatus

JobIdText = Annotated[
    str,
    Meta(
        pattern=r"^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$",
        description="Id of the job, a UUID.",
        extra_json_schema={"format": "uuid"},
    ),
]


SecretText = Annotated[Secret, Meta(extra_json_schema=Secret.schema())]


class JobListRequest(msgspec.Struct, kw_only=True):
    """Filters and page of a job list. Filters that are left out match everything."""

    status: Annotated[JobStatus | None, Meta(description="Only jobs in this state.")] = None
    operation: Annotated[str | None, Meta(description="Only this operation, for example node.sysctl.create.")] = None
    target: Annotated[str | None, Meta(description="Only jobs submitted to this target, as it was typed.")] = None
    actor: Annotated[str | None, Meta(description="Only jobs of this token subject.")] = None
    since: Annotated[
        Annotated[datetime, Meta(tz=True)] | None, Meta(description="Only jobs created at or after this time.")
    ] = None
    until: Annotated[
        Annotated[datetime, Meta(tz=True)] | None, Meta(description="Only jobs created before this time.")
    ] = None
    limit: Annotated[int, Meta(ge=1, le=100, description="Most items to return.")] = 10
    offset: Annotated[int, Meta(ge=0, le=1_000_000_000, description="Items to leave out from the newest on.")] = 0
    cursor: Annotated[
        str | None, Meta(description="Where to go on: next_cursor of the page before. Replaces offset.")
    ] = None


class JobRequest(msgspec.Struct, kw_only=True):
    """Names one job."""

    id: JobIdText


class JobRetryRequest(msgspec.Struct, kw_only=True):
    """Names the job to run again, and where."""

    id: JobIdText
    target_hostname: Annotated[
        Annotated[str, Meta(min_length=1)] | None,
        Meta(description="Another target. Left out: the target of the original job."),
    ] = None
    secrets: Annotated[
        dict[str, SecretText],
        Meta(
            description="The secrets of the original job, which are not kept, by their place in the request: "
            "`password`, or `secret_env/0` for the first of a list.",
            examples=[{"password": "correct horse"}],
        ),
    ] = {}


class HostResponse(msgspec.Struct, kw_only=True, omit_defaults=True):
    """The final answer of one host."""

    status: str
    hostname: str
    machine_id: str
    data: Any = None
    changed: bool | None = None
    error: str | None = None
    code: str | None = None


class AgentState(msgspec.Struct, kw_only=True, omit_defaults=True):
    """Where the job stands on one host. `duration` is the time the work took, such as `1.204s`."""

    status: str
    machine_id: str = ""
    error: str | None = None
    duration: str | None = None


class TimelineEvent(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One moment in the life of a job."""

    timestamp: datetime
    event: str
    hostname: str
    message: str
    error: str | None = None


class JobOperation(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What is asked. `data` is left out where the caller lacks the operation's own permission."""

    type: str
    data: Any = None


class JobDetail(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A job. Lists leave `responses`, `agent_states` and `timeline` out."""

    id: str
    status: JobStatus
    created: datetime
    operation: JobOperation
    target: str
    actor: str
    expires: datetime
    hosts: int
    """How many hosts must answer; 1 for `_any`."""
    answered: int
    dry_run: bool = False
    retry_of: str | None = None
    result: Any = None
    """The data of the only answer, when exactly one host must answer."""
    changed: bool | None = None
    error: str | None = None
    hostname: str | None = None
    """The host that answered last."""
    updated_at: datetime | None = None
    silent: list[str] | None = None
    """Names of the hosts that have not answered yet, or never did."""
    responses: dict[str, HostResponse] | None = None
    agent_states: dict[str, AgentState] | None = None
    timeline: list[TimelineEvent] | None = None


class JobList(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One page of jobs, newest first. Counts are over all jobs the caller may see, whatever the filters."""

    total_items: int
    status_counts: dict[str, int]
    items: list[JobDetail]
    next_cursor: str | None = None


class JobCreated(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A job that has been accepted. `revision` is the sequence of its record in the bucket."""

    job_id: str
    status: str
    revision: int | None = None
    timestamp: datetime | None = None


class JobEvent(msgspec.Struct, kw_only=True, omit_defaults=True, frozen=True):
    """One server-sent event. `status` is that of the whole job when the event is sent."""

    job_id: str
    event: str
    timestamp: datetime
    operation: str
    target: str
    status: JobStatus
    hostname: str | None = None
    machine_id: str | None = None
    changed: bool | None = None
    error: str | None = None
    data: Any = None
    """What belongs to the event; for `output`, a part of the result: texts to be joined, lists to be appended."""
    left_out: int = 0
    """Bytes of output missing before this piece, because they came faster than they may be sent."""


class JobOutput(msgspec.Struct, kw_only=True, omit_defaults=True):
    """Output of one host that is kept whole."""

    hostname: str
    machine_id: str
    name: str
    """What it is: `stdout`, `stderr`, or the `content` of a file."""
    size: int
    """Bytes that are kept."""
    sha256: str = ""
    truncated: bool = False
    """Whether there was more than may be kept."""
    error: str = ""
    """Why nothing is kept."""


class JobOutputs(msgspec.Struct, kw_only=True):
    """All kept output of a job, by host."""

    items: list[JobOutput]
    total: int


class JobOutputRequest(msgspec.Struct, kw_only=True):
    """Names one output of one host."""

    id: JobIdText
    hostname: Annotated[str, Meta(min_length=1, description="Name or machine id of the host.")]
    name: Annotated[str, Meta(min_length=1, description="`stdout`, `stderr`, or `content` of a file that was fetched.")]


class DeadLetter(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A delivery that came to nothing: no host began in time, or a host refused the job."""

    id: int
    """Sequence in the dead-letter stream."""
    job_id: str
    reason: str
    operation: str
    target: str
    timestamp: datetime
    hostname: str | None = None
    machine_id: str | None = None


class DeadLetterList(msgspec.Struct, kw_only=True):
    """All dead letters, newest first, up to the limit."""

    total_items: int
    items: list[DeadLetter]


class DeadLetterListRequest(msgspec.Struct, kw_only=True):
    """How many dead letters to show."""

    limit: Annotated[int, Meta(ge=1, le=1000, description="Most items to return.")] = 100


class DeadLetterRequest(msgspec.Struct, kw_only=True):
    """Names one dead letter."""

    id: Annotated[int, Meta(ge=1, description="Id of the dead letter.")]


class DeadLetterPurgeRequest(msgspec.Struct, kw_only=True):
    """Which dead letters to delete."""

    id: Annotated[Annotated[int, Meta(ge=1)] | None, Meta(description="Only this one. Left out: all of them.")] = None


class DeadLettersPurged(msgspec.Struct, kw_only=True):
    """How many dead letters were deleted."""

    purged: int


class EventsRequest(msgspec.Struct, kw_only=True):
    """What to be told of all jobs."""

    output: Annotated[bool, Meta(description="Also what jobs give out while they run.")] = True
