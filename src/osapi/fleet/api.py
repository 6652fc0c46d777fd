"""What the agent routes take and give, as the REST API shows it."""

from __future__ import annotations

import enum
from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta

from osapi.contract.endpoint import Endpoint
from osapi.contract.operation import Nothing
from osapi.fleet.models import AgentState, Load, Memory, OsInfo
from osapi.jobs.quarantine import Doubt, Saying

_TAG = "Agent"


class AgentStatus(enum.Enum):
    """Whether an agent can be given work now."""

    READY = "Ready"
    NOT_READY = "NotReady"


class AgentRequest(msgspec.Struct, kw_only=True):
    """Names one agent."""

    hostname: Annotated[str, Meta(min_length=1, max_length=255, description="Host name or machine id.")]


class AgentInfo(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One agent and its host, as of its last heartbeat. What the host does not tell is left out."""

    machine_id: Annotated[str, Meta(description="Permanent id of the host.")]
    hostname: Annotated[str, Meta(description="Its present name.")]
    status: Annotated[AgentStatus, Meta(description="`Ready` while it sends heartbeats and takes work.")]
    state: Annotated[AgentState, Meta(description="What the agent says of itself.")]
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
    architecture: Annotated[str, Meta(description="Machine type, as `uname -m` prints it.")] = ""
    kernel_version: Annotated[str, Meta(description="Release of the kernel, as `uname -r` prints it.")] = ""
    cpu_count: Annotated[int | None, Meta(description="Number of processors.")] = None


class AgentList(msgspec.Struct, kw_only=True):
    """All agents that the caller reaches, by host name."""

    agents: Annotated[list[AgentInfo], Meta(description="The agents.")]
    total: Annotated[int, Meta(description="How many they are.")]


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
    summary="List all agents, ready or not.",
    tag=_TAG,
    request=Nothing,
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
FORGET = Endpoint(
    operation_id="forgetAgent",
    method="DELETE",
    path="/api/agent/{hostname}",
    permission="agent:write",
    summary="Forget an agent and the key by which it is known; if it lives on, it joins anew with the key it has.",
    tag=_TAG,
    request=AgentRequest,
    response=None,
    status=204,
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
