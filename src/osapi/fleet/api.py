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
from osapi.fleet.models import AgentState, Load, Memory, OsInfo

_TAG = "Agent"


class AgentStatus(enum.Enum):
    """Whether an agent can be given work now."""

    READY = "Ready"
    NOT_READY = "NotReady"


class AgentRequest(msgspec.Struct, kw_only=True):
    """Names one agent."""

    hostname: Annotated[str, Meta(min_length=1, max_length=255, description="Host name or machine id.")]


class AgentListRequest(msgspec.Struct, kw_only=True):
    """Which agents to list."""

    target: Annotated[
        str | None,
        Meta(
            description="Only those that this target means now, in the grammar of `/api/node/{hostname}`; `_any`: of which one."
        ),
    ] = None


class TargetRequest(msgspec.Struct, kw_only=True):
    """A target, and what it would be used for."""

    target: Annotated[str, Meta(min_length=1, description="A target in the grammar of `/api/node/{hostname}`.")]
    permission: Annotated[
        str | None,
        Meta(
            description="Count the hosts on which you have this permission. Default: those on which you have all of yours."
        ),
    ] = None


class TargetHost(msgspec.Struct, kw_only=True):
    """One host that is meant."""

    hostname: Annotated[str, Meta(description="Its present name.")]
    machine_id: Annotated[str, Meta(description="Permanent id of the host.")]


class TargetInfo(msgspec.Struct, kw_only=True):
    """Whom a target means now."""

    target: Annotated[str, Meta(description="The target as it was given.")]
    total: Annotated[int, Meta(description="How many hosts would do the work; 1 for `_any`.")]
    hosts: Annotated[
        list[TargetHost], Meta(description="The hosts by name; for `_any` those of which one would be taken.")
    ]
    undecided: Annotated[
        list[TargetHost], Meta(description="Hosts left out because the target asks for facts that they have not told.")
    ]


class FactKeyEntry(msgspec.Struct, kw_only=True):
    """A fact that can be referred to as `@fact.KEY`."""

    key: Annotated[str, Meta(description="Its key.")]
    description: Annotated[str, Meta(description="What it is.")]
    builtin: Annotated[bool, Meta(description="Whether every host may have it; custom facts are those of some hosts.")]


class FactKeys(msgspec.Struct, kw_only=True):
    """Facts that can be referred to."""

    keys: Annotated[list[FactKeyEntry], Meta(description="Built-in facts, then custom facts of the hosts you reach.")]


class AgentInfo(HostDetails, kw_only=True, omit_defaults=True):
    """One agent and its host, as of its last heartbeat and its last facts. What the host does not tell is left out."""

    machine_id: Annotated[str, Meta(description="Permanent id of the host.")]
    hostname: Annotated[str, Meta(description="Its present name.")]
    status: Annotated[AgentStatus, Meta(description="`Ready` while it sends heartbeats and takes work.")]
    state: Annotated[AgentState, Meta(description="What the agent says of itself.")]
    labels: Annotated[dict[str, str], Meta(description="Labels by which it can be addressed.")]
    registered_at: Annotated[datetime, Meta(description="When it first joined.")]
    started_at: Annotated[datetime, Meta(description="When this run of it began.")]
    heartbeat_at: Annotated[datetime, Meta(description="Its last heartbeat, by its own clock.")]
    version: Annotated[str, Meta(description="Version of OSAPI it runs.")]
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


LIST = Endpoint(
    operation_id="getAgents",
    method="GET",
    path="/api/agent",
    permission="agent:read",
    summary="List all agents, ready or not.",
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
TARGET = Endpoint(
    operation_id="getTarget",
    method="GET",
    path="/api/target",
    permission="agent:read",
    summary="Tell whom a target means now, without doing anything.",
    tag=_TAG,
    request=TargetRequest,
    response=TargetInfo,
)
FACT_KEYS = Endpoint(
    operation_id="GetFactKeys",
    method="GET",
    path="/api/facts/keys",
    permission="agent:read",
    summary="List the facts that requests and targets can refer to.",
    tag="Facts",
    request=Nothing,
    response=FactKeys,
)
