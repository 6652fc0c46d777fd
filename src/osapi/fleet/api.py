"""What the agent routes take and give, as the REST API shows it."""

from __future__ import annotations

import enum
from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta

from osapi.contract.endpoint import Endpoint
from osapi.contract.facts import HostDetails
from osapi.contract.operation import Nothing
from osapi.fleet.conditions import ConditionType
from osapi.fleet.models import AgentState, Disk, Load, Memory, OsInfo, TimelineEvent
from osapi.jobs.quarantine import Doubt, Saying
from osapi.telemetry.process import ProcessFigures

_TAG = "Agent"


class AgentStatus(enum.Enum):
    """Whether an agent can be given work now."""

    READY = "Ready"
    NOT_READY = "NotReady"


class AgentRequest(msgspec.Struct, kw_only=True):
    """Names one agent."""

    hostname: Annotated[str, Meta(min_length=1, max_length=255, description="Host name or machine id.")]


class AgentListRequest(msgspec.Struct, kw_only=True):
    """Filters of a list of agents. Filters that are left out match everything."""

    status: Annotated[
        AgentStatus | None, Meta(description="Only agents that can be given work now, or only the others.")
    ] = None
    state: Annotated[AgentState | None, Meta(description="Only agents in this state.")] = None
    reachable: Annotated[bool | None, Meta(description="Only agents that are heard of, or only the others.")] = None
    condition: Annotated[ConditionType | None, Meta(description="Only agents on which this condition holds.")] = None
    label: Annotated[
        Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]+:[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$(?!\n)")] | None,
        Meta(description="Only agents with this label or one below it, as `group:web`."),
    ] = None
    target: Annotated[
        str | None,
        Meta(description="Only agents that this target means now; for `_any` those of which one would be taken."),
    ] = None


class DrainRequest(msgspec.Struct, kw_only=True):
    """Names the agent to drain."""

    hostname: Annotated[str, Meta(min_length=1, max_length=255, description="Host name or machine id.")]
    reason: Annotated[
        str,
        Meta(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$(?!\n)", description="Why, for those who wonder later."),
    ] = ""


class DeleteRequest(msgspec.Struct, kw_only=True):
    """Names the agent to remove."""

    hostname: Annotated[str, Meta(min_length=1, max_length=255, description="Host name or machine id.")]
    force: Annotated[bool, Meta(description="Also when it is reachable; it is cut off and must be enrolled again.")] = (
        False
    )


class Message(msgspec.Struct, kw_only=True):
    """What was done."""

    message: Annotated[str, Meta(description="One sentence.")]


class NodeCondition(msgspec.Struct, kw_only=True, omit_defaults=True):
    """Whether something is wrong with a host or a program."""

    type: Annotated[ConditionType, Meta(description="What may be wrong.")]
    status: Annotated[bool, Meta(description="Whether it holds.")]
    last_transition_time: Annotated[datetime, Meta(description="Since when it holds, or does not.")]
    reason: Annotated[str, Meta(description="The figures behind it; absent while it does not hold.")] = ""


class AgentInfo(HostDetails, msgspec.Struct, kw_only=True, omit_defaults=True):
    """One agent and its host, as of its last heartbeat and its last facts. What the host does not tell is left out."""

    machine_id: Annotated[str, Meta(description="Permanent id of the host.")]
    hostname: Annotated[str, Meta(description="Its present name.")]
    status: Annotated[AgentStatus, Meta(description="`Ready` while it sends heartbeats and takes work.")]
    state: Annotated[
        AgentState,
        Meta(
            description="`Draining` until the jobs in hand have ended, then `Cordoned`; `Pending` until it is accepted."
        ),
    ]
    reachable: Annotated[bool, Meta(description="Whether it is heard of. What follows is as of `heartbeat_at`.")]
    labels: Annotated[dict[str, str], Meta(description="Labels by which it can be addressed.")]
    registered_at: Annotated[datetime, Meta(description="When it first joined.")]
    started_at: Annotated[datetime, Meta(description="When this run of it began.")]
    heartbeat_at: Annotated[datetime, Meta(description="Its last heartbeat, by its own clock.")]
    version: Annotated[str, Meta(description="Version of OSAPI it runs.")]
    fingerprint: Annotated[
        str, Meta(description="Fingerprint of the key by which it is known. Absent when it signs nothing.")
    ] = ""
    uptime: Annotated[str | None, Meta(description="Time since the host booted, for people.")] = None
    os_info: Annotated[OsInfo | None, Meta(description="Distribution of the host.")] = None
    load_average: Annotated[Load | None, Meta(description="Load averages of the host.")] = None
    memory: Annotated[Memory | None, Meta(description="Main memory of the host in bytes.")] = None
    disk: Annotated[Disk | None, Meta(description="The fullest local disk of the host, in bytes.")] = None
    process: Annotated[ProcessFigures | None, Meta(description="What the agent itself uses.")] = None
    conditions: Annotated[
        list[NodeCondition], Meta(description="What may be wrong with the host or the agent, and whether it is.")
    ] = []
    timeline: Annotated[
        list[TimelineEvent], Meta(description="What became of the agent, oldest first. Not in lists.")
    ] = []
    drained_by: Annotated[str, Meta(description="Who drained it; absent when nobody has.")] = ""
    drain_reason: Annotated[str, Meta(description="Why it was drained; absent when nobody said.")] = ""
    parts: Annotated[dict[str, str], Meta(description="Parts of the agent and how they are.")] = {}
    architecture: Annotated[str, Meta(description="Machine type, as `uname -m` prints it.")] = ""
    kernel_version: Annotated[str, Meta(description="Release of the kernel, as `uname -r` prints it.")] = ""
    cpu_count: Annotated[int | None, Meta(description="Number of processors.")] = None


class AgentList(msgspec.Struct, kw_only=True):
    """All agents that the caller reaches, by host name."""

    agents: Annotated[list[AgentInfo], Meta(description="The agents.")]
    total: Annotated[int, Meta(description="How many they are.")]


class TargetGroup(msgspec.Struct, kw_only=True):
    """One program, as Prometheus wants to be told of it."""

    targets: Annotated[list[str], Meta(description="Its address, as `host:port`.")]
    labels: Annotated[
        dict[str, str],
        Meta(
            description="`component` and `hostname` for its series; for relabelling `__meta_osapi_machine_id`, "
            "`__meta_osapi_version` and `__meta_osapi_label_<name>`."
        ),
    ]


class QuarantineRequest(msgspec.Struct, kw_only=True):
    """How much of the quarantine to show."""

    limit: Annotated[int, Meta(ge=1, le=1000, description="Most messages to return.")] = 100


class Suspicion(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A message in an agent's name that was not believed."""

    timestamp: Annotated[datetime, Meta(description="When it was noticed.")]
    saying: Annotated[Saying, Meta(description="What it would have been.")]
    doubt: Annotated[Doubt, Meta(description="Why it was not believed.")]
    key: Annotated[str, Meta(description="Where in the broker it was.")]
    machine_id: Annotated[str, Meta(description="The host it claims to be of. Absent when it could not be read.")] = ""
    job_id: Annotated[str, Meta(description="The job it claims to be about. Absent for a heartbeat.")] = ""
    signed_by: Annotated[
        str, Meta(description="Fingerprint of the key that it claims to be signed by. Absent when it is not signed.")
    ] = ""


class QuarantineReport(msgspec.Struct, kw_only=True):
    """Messages that were not believed since this controller began. They have had no effect."""

    total: Annotated[int, Meta(description="How many there were, also those that are not kept any more.")]
    items: Annotated[list[Suspicion], Meta(description="The newest first.")]


LIST = Endpoint(
    operation_id="getAgents",
    method="GET",
    path="/api/agent",
    permission="agent:read",
    summary="List agents, ready or not.",
    tag=_TAG,
    request=AgentListRequest,
    response=AgentList,
)
GET = Endpoint(
    operation_id="getAgentDetails",
    method="GET",
    path="/api/agent/{hostname}",
    permission="agent:read",
    summary="Show one agent and its host.",
    tag=_TAG,
    request=AgentRequest,
    response=AgentInfo,
)
DRAIN = Endpoint(
    operation_id="drainAgent",
    method="POST",
    path="/api/agent/{hostname}/drain",
    permission="agent:write",
    summary="Let an agent finish what it has in hand and take nothing new.",
    tag=_TAG,
    request=DrainRequest,
    response=Message,
    body_required=False,
)
UNDRAIN = Endpoint(
    operation_id="undrainAgent",
    method="POST",
    path="/api/agent/{hostname}/undrain",
    permission="agent:write",
    summary="Let a drained agent take work again.",
    tag=_TAG,
    request=AgentRequest,
    response=Message,
    body_required=False,
)
DELETE = Endpoint(
    operation_id="deleteAgent",
    method="DELETE",
    path="/api/agent/{hostname}",
    permission="agent:write",
    summary="Remove an agent that is gone from the inventory, and the key by which it is known.",
    tag=_TAG,
    request=DeleteRequest,
    response=Message,
)
PROMETHEUS = Endpoint(
    operation_id="getPrometheusTargets",
    method="GET",
    path="/api/discovery/prometheus",
    permission="health:read",
    summary="List where programs show their metrics, for the service discovery of Prometheus.",
    tag="Health",
    request=Nothing,
    response=list[TargetGroup],
)
QUARANTINE = Endpoint(
    operation_id="getAgentsQuarantine",
    method="GET",
    path="/api/agent/quarantine",
    permission="agent:read",
    summary="Show messages in the name of agents that were not believed.",
    tag=_TAG,
    request=QuarantineRequest,
    response=QuarantineReport,
)
